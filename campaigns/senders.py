"""By whose rules a campaign is sent."""

from typing import Any
from uuid import UUID

from campaigns.models import Sender
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant


def sender_of(club: UUID | None) -> Sender:
    """The sender of a club, else the tenant's; one with the usual rules where neither was written. One statement."""
    rows: Any = Sender.objects.filter(club__in=[club]) if club else Sender.objects.none()
    found = list(rows | Sender.objects.filter(club=None))
    found.sort(key=lambda one: one.club_id is None)
    return found[0] if found else Sender(tenant=current_tenant())


def senders_by_ref() -> dict[str, Sender]:
    """The sender of every ref of a club, and the tenant's under "". Two statements."""
    by_club = {one.club_id: one for one in Sender.objects.all()}
    usual = by_club.get(None) or Sender(tenant=current_tenant())
    refs = {ref: by_club.get(club.pk, usual) for club in Club.objects.all() for ref in club.refs}
    return {"": usual, **refs}
