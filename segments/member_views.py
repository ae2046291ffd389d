"""The endpoints of who is in a segment."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import CRMError, CustomerNotFound
from crm.rest.paging import paginate
from crm.rest.shapes import page_of
from crm.tenancy.permissions import Scope
from customers.listing import refuse_masked
from customers.models import ProfilePart, Status
from customers.parts import family_ids
from customers.visibility import ProcessingRestricted, of_visible_people, visible_people
from segments import entries
from segments.entries import Assignment
from segments.models import MembershipChange, Segment, SegmentMember
from segments.replies import (
    ChangeListed,
    MemberListed,
    MembersChanged,
    change_payload,
    member_payload,
)
from segments.serializers import CHANGES, MEMBERS, ChangesQuery, MembersBody, MembersGone, MembersQuery
from segments.views import SegmentView

SPONSOR = {
    "customerId": "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90",
    "reason": "Sponsor of the open",
    "confidence": 90,
}


class SegmentMembers(SegmentView):
    scopes = {"GET": Scope.READ, "POST": Scope.CAMPAIGNS, "DELETE": Scope.CAMPAIGNS}
    queries = {"GET": MembersQuery, "DELETE": MembersGone}
    looks = "list"

    @extend_schema(operation_id="listSegmentMembers", responses={200: page_of(MemberListed)})
    def get(self, request: Request, pk: str) -> Response:
        """List who is in a segment.

        Who joined last comes first. `assignedBy` is SYSTEM for those who are in it by its rules alone.
        """
        refuse_masked(name.removeprefix("-") for name in self.params.get("sort", ()))
        segment = self.segment_of(pk)
        rows = of_visible_people(request, SegmentMember.objects.filter(segment=segment))
        if "joinedSince" in self.params:
            rows = rows.filter(joined_at__gte=self.params["joinedSince"])
        rows = rows.select_related("customer__metrics")
        return paginate(
            rows, self.params, MEMBERS, member_payload, prepare=lambda page: with_entries(segment, page)
        )

    @extend_schema(
        operation_id="addSegmentMembers",
        request=MembersBody,
        responses={200: MembersChanged},
        examples=[OpenApiExample("One", {"members": [SPONSOR]}, request_only=True)],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Put people into a segment.

        They are in it whatever its rules say, until they are taken out or their time is over; a STATIC or IMPORT
        segment has nobody else. The answer says of each what became of them; one that can't be found stops no other.
        """
        body = self.body(MembersBody)
        segment = self.segment_of(pk)
        found = found_people(self.request, [one["customer"] for one in body["members"]])
        wanted = {
            person: Assignment(**{**one, "customer": person})
            for one in body["members"]
            if isinstance(person := found[one["customer"]], UUID)
        }
        were = entries.members_among(segment, wanted)
        now_in = entries.put_in(segment, list(wanted.values()), by=self.credential.actor) if wanted else set()
        statuses = {
            person: "UNCHANGED" if person in were else "ADDED" if person in now_in else "PENDING"
            for person in wanted
        }
        return self._told(segment, [one["customer"] for one in body["members"]], found, statuses)

    @extend_schema(operation_id="removeSegmentMembers", responses={200: MembersChanged})
    def delete(self, request: Request, pk: str) -> Response:
        """Take people out of a segment.

        Of a STATIC or IMPORT segment they are gone; out of others they are kept, whatever the rules say, until
        they are put in again.
        """
        segment = self.segment_of(pk)
        asked = list(dict.fromkeys(self.params["customerIds"]))
        found = found_people(self.request, asked)
        people = list(dict.fromkeys(one for one in found.values() if isinstance(one, UUID)))
        were = entries.members_among(segment, people)
        if people:
            entries.take_out(segment, people, by=self.credential.actor, reason=self.params.get("reason", ""))
        still = entries.members_among(segment, people)
        statuses = {
            person: "PENDING" if person in still else "REMOVED" if person in were else "UNCHANGED"
            for person in people
        }
        return self._told(segment, asked, found, statuses)

    def _told(
        self,
        segment: Segment,
        asked: Sequence[UUID],
        found: dict[UUID, UUID | CRMError],
        statuses: dict[UUID, str],
    ) -> Response:
        segment.refresh_from_db(fields=["member_count"])
        results = [result_of(pk, found[pk], statuses) for pk in asked]
        return Response({"results": results, "memberCount": segment.member_count})


class SegmentChanges(SegmentView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": ChangesQuery}
    looks = "list"

    @extend_schema(operation_id="listSegmentChanges", responses={200: page_of(ChangeListed)})
    def get(self, request: Request, pk: str) -> Response:
        """Read who came into a segment and left it.

        The latest first, each with its cause and the rules that made the difference.
        """
        segment, query = self.segment_of(pk), self.params
        rows = of_visible_people(request, MembershipChange.objects.filter(segment=segment))
        if "customerId" in query:  # also what was theirs before they were merged
            rows = rows.filter(customer__in=family_ids(query["customerId"]))
        if "change" in query:
            rows = rows.filter(joined=query["change"] == "JOINED")
        lookups = {"cause": "cause__in", "since": "at__gte", "until": "at__lt"}
        rows = rows.filter(**{lookup: query[name] for name, lookup in lookups.items() if name in query})
        return paginate(rows, query, CHANGES, change_payload)


def found_people(request: Request, asked: Sequence[UUID]) -> dict[UUID, UUID | CRMError]:
    """The customer that each id leads to, or why it leads to nobody who can be put anywhere. Two statements."""
    roots = dict(ProfilePart.objects.filter(customer__in=asked).values_list("customer", "root"))
    leads_to = {pk: roots.get(pk, pk) for pk in asked}
    people = visible_people(request).filter(pk__in=set(leads_to.values())).exclude(status=Status.DELETED)
    restricted = dict(people.values_list("pk", "processing_restricted_at"))
    found: dict[UUID, UUID | CRMError] = {}
    for pk, person in leads_to.items():
        if person not in restricted:
            found[pk] = CustomerNotFound("There is no customer with this id.")
        else:
            found[pk] = ProcessingRestricted() if restricted[person] else person
    return found


def with_entries(segment: Segment, members: Sequence[Any]) -> None:
    """Give members what was said of them by hand, as `entry`. One statement."""
    said = entries.entries_of(segment, [one.customer_id for one in members]) if members else {}
    for one in members:
        one.entry = said.get(one.customer_id)


def result_of(asked: UUID, found: UUID | CRMError, statuses: dict[UUID, str]) -> dict[str, Any]:
    if isinstance(found, CRMError):
        error = {"code": found.code, "message": found.message}
        return {"customerId": str(asked), "status": "REJECTED", "error": error}
    return {"customerId": str(found), "status": statuses[found]}
