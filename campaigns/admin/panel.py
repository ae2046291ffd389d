"""On a person's page: the messages to them, with what became of each."""

from typing import Any

from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from campaigns.models import Message
from crm.errors import ValidationFailed
from crm.rest.paging import Column, Ordering, Walk, walk
from crm.tenancy.access import queried
from customers.admin.tabs import Panel, tab
from customers.models import CustomerProfile

TAKE = 25
LATEST = Ordering("messages", {"id": Column("pk")}, default="-id")


@tab("messages", _("Messages"), icon="send", position=25)
def messages_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """The latest first, those that were not sent among them. One statement."""
    rows: Any = Message.objects.filter(customer=profile.pk).select_related("run__campaign")
    try:
        page = walk(rows, LATEST, cursor=queried(request, "cursor"), take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        page = Walk([], None)
    following = urlencode({"tab": "messages", "cursor": page.next_cursor}) if page.next_cursor else ""
    digest = ",".join(f"{row.pk}{row.state}{row.opened_at}{row.clicked_at}" for row in page.rows[:5])
    return Panel("admin/campaigns/person.html", {"rows": page.rows, "next": following}, digest=digest)
