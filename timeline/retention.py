"""How long the inbox and the timeline are kept. The inbox key stays: it makes an event count once."""

from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from crm.tenancy.retention import Kind, keeps
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile
from timeline.counters import recount
from timeline.gate import RESTRICTED
from timeline.models import Activity, EventBody, InboundEvent, NoteDraft
from timeline.models.events import first_id
from timeline.replay import discard

log = structlog.get_logger(__name__)

DRAFT_DAYS, BATCH = 30, 1000
FORGET = """
    WITH gone AS (
        DELETE FROM timeline_activity WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
        RETURNING id, customer_id, source, source_event_id
    ), untied AS (
        UPDATE timeline_inboundevent e SET activity_id = NULL FROM gone
        WHERE e.tenant_id = %(tenant)s AND e.source = gone.source AND e.event_id = gone.source_event_id
            AND e.activity_id = gone.id
    )
    SELECT customer_id FROM gone
"""
UNRESOLVED = "unresolved for longer than dead letters are kept"


def _held() -> Exists:
    held = CustomerProfile.objects.filter(legal_hold_at__isnull=False)
    return Exists(held.filter(pk=OuterRef("customer")))


def due_bodies(moment: datetime) -> Any:
    """Bodies of settled events. Dead letters keep theirs, and so does what waits for a restriction to be lifted."""
    settled = InboundEvent.objects.filter(pk=OuterRef("pk"), is_waiting=False, dead_at=None)
    settled = settled.exclude(error_code=RESTRICTED).filter(~_held())
    return EventBody.objects.filter(Exists(settled), pk__lt=first_id(moment))


def due_dead_letters(moment: datetime) -> Any:
    return InboundEvent.objects.dead().filter(dead_at__lt=moment)


def close_dead_letters(rows: Any) -> int:
    """They stay in the log as discarded; their bodies go with the next purge of bodies."""
    if not rows.exists():
        return 0
    count = discard(rows, reason=UNRESOLVED, by="job:retention")
    log.warning("dead_letters.purged", count=count)
    return count


def due_web_views(moment: datetime) -> Any:
    """Entries of visits to the web site; what somebody bought there stays."""
    seen = Q(category="WEB") & ~Q(type__in=["WEB_PURCHASE"])
    return Activity.objects.filter(seen, ~_held(), occurred_at__lt=moment)


def forget_entries(rows: Any) -> int:
    """Delete entries, with what their events and the counters of their people say of them. Three statements a batch."""
    done = 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            gone = select(FORGET, {"tenant": current_tenant().pk, "ids": ids})
            recount({row["customer_id"] for row in gone}, now=timezone.now())
        done += len(gone)
    return done


for _kind in (
    Kind("EVENT_BODIES", "Events as they were sent", "The text of events that were applied. That they came, and what "
         "they changed, stays.", settings.EVENT_BODY_DAYS, due_bodies, least=7),
    Kind("DEAD_LETTERS", "Dead letters", "Unresolved ones are closed, with their number in the audit log.",
         settings.DEAD_LETTER_DAYS, due_dead_letters, close_dead_letters, least=7),
    Kind("WEB_VIEWS", "Visits to the web site", "Pages and products that somebody looked at.", None, due_web_views,
         forget_entries, least=30),
    Kind("NOTE_DRAFTS", "Drafts of notes", "What somebody began to write and left.", DRAFT_DAYS,
         lambda moment: NoteDraft.objects.filter(saved_at__lt=moment), is_fixed=True),
):  # fmt: skip
    keeps(_kind)
