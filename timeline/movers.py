"""What of this app goes over with a person who is merged."""

from customers.moving import moves, recounts, stays
from timeline.counters import recount
from timeline.models import Activity, Note

moves(Activity, Note)
recounts(recount)
stays("timeline.InboundEvent.customer", "what became of an event: the part that it was recorded for")
stays("timeline.InboundEvent.activity_id", "an entry, not a person")
stays("timeline.NoteDraft.customer", "what somebody is still writing, on the page where they began")
stays("timeline.NoteDraft.about", "what somebody is still writing, on the page where they began")
