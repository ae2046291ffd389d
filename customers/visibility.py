"""Which people a member of staff may see: those of their clubs. Keys and tokens see all of their tenant's.

The staff pages and the API ask here alike; a person beyond the limit is a person who is not there.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from crm.errors import Conflict, CustomerNotFound, Detail, DuplicateResource, ValidationFailed
from crm.tenancy.access import club_refs
from crm.tenancy.models import Club, StaffMembership
from customers.models import Booking, CustomerProfile, Membership
from customers.services import get_customer


class ProcessingRestricted(Conflict, PermissionDenied):
    """The processing of this customer's data is restricted: it is kept, and nothing else, until that is lifted."""

    code = "PROCESSING_RESTRICTED"


def visible_people(request: HttpRequest) -> Any:
    """The customers that the request may see, every status."""
    people = CustomerProfile.objects.all()
    refs = club_refs(request)
    return people if refs is None else people.at_clubs(refs)


def within_clubs(request: HttpRequest) -> Any:
    """The customers that the request is limited to, None for one that sees all of its tenant's."""
    return None if club_refs(request) is None else visible_people(request)


def visible_customer(
    request: HttpRequest, pk: UUID, *, include_deleted: bool = False, even_restricted: bool = False
) -> tuple[CustomerProfile, UUID | None]:
    """As services.get_customer, for those whom the request may see. Raises CustomerNotFound.

    Whoever would write gets ProcessingRestricted where the customer's data may only be kept, unless what they do
    serves the customer's own rights (`even_restricted`).
    """
    profile, merged_from = get_customer(pk, include_deleted=include_deleted)
    require_visible(request, profile)
    writes = request.method not in ("GET", "HEAD")
    if writes and profile.processing_restricted_at is not None and not even_restricted:
        raise ProcessingRestricted
    return profile, merged_from


def require_visible(request: HttpRequest, profile: CustomerProfile) -> None:
    """Raises CustomerNotFound for a person beyond the request's clubs. One statement where there is a limit."""
    if club_refs(request) is not None and not visible_people(request).filter(pk=profile.pk).exists():
        raise CustomerNotFound("There is no customer with this id.")


def of_visible_people(request: HttpRequest, rows: Any, *columns: str) -> Any:
    """Rows whose `columns` (customer, unless told) all point at people the request may see."""
    if club_refs(request) is None:
        return rows
    people = visible_people(request).values("pk")
    condition = Q()
    for column in columns or ("customer",):
        condition &= Q(**{f"{column}__in": people})
    return rows.filter(condition)


def keep_in_clubs(request: HttpRequest, fields: MutableMapping[str, Any], *, is_new: bool = False) -> None:
    """A home club that staff of some clubs write must be one of theirs; who is new belongs to their first.

    Otherwise they would make people whom they can't see. Raises ValidationFailed.
    """
    refs = club_refs(request)
    if refs is None:
        return
    if is_new and not fields.get("home_club_ref") and refs:
        fields["home_club_ref"] = refs[0]
    elif fields.get("home_club_ref", "") not in ("", None, *refs):
        message = _("This is not one of your clubs.")
        raise ValidationFailed(details=[Detail("homeClubId", "INVALID_FIELD", message)])


@contextmanager
def hiding_others(request: HttpRequest) -> Iterator[None]:
    """Whoever has a taken identifier is not named to those who may not see them."""
    try:
        yield
    except DuplicateResource as error:
        owner = next((detail.message for detail in error.details if detail.field == "id"), "")
        if owner and not visible_people(request).filter(pk=owner).exists():
            raise DuplicateResource("Another customer has this identifier.") from None
        raise


def who_may_see(customer: CustomerProfile, members: Sequence[StaffMembership]) -> list[StaffMembership]:
    """Those of the memberships whose clubs the customer belongs to. Three statements where one is limited."""
    if not any(member.club_ids for member in members):
        return list(members)
    clubs = clubs_of(customer)
    return [member for member in members if not member.club_ids or clubs.intersection(member.club_ids)]


def clubs_of(customer: CustomerProfile) -> set[UUID]:
    """The clubs where a person has their home, a membership or a booking: the other side of `at_clubs`."""
    facts = [
        set(model._default_manager.filter(customer=customer).values_list("club_ref", flat=True).distinct())
        for model in (Membership, Booking)
    ]
    refs = {customer.home_club_ref}.union(*facts)
    return {club.pk for club in Club.objects.all() if refs.intersection(club.refs)}
