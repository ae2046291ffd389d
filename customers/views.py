"""The customer endpoints."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.errors import Conflict, CustomerNotFound
from crm.rest.paging import paginate, sparse
from crm.rest.schema import ETAG
from crm.rest.serializers import Nothing
from crm.rest.shapes import page_of
from crm.rest.views import ApiView
from crm.tenancy.masks import Personal
from crm.tenancy.permissions import Scope
from customers import custom_fields, services, upward
from customers.faces import Face
from customers.listing import ORDERING, listed, refuse_masked
from customers.masking import personal_kind
from customers.models import CustomerProfile, Status
from customers.payloads import profile_payload
from customers.queries import CustomerFindQuery, CustomerListQuery
from customers.replies import (
    FOUND_FIELDS,
    CustomerDetail,
    CustomerFound,
    CustomerListed,
    ResolutionReply,
)
from customers.resolution import Resolution
from customers.search import Found, find_people
from customers.serializers import (
    CustomerChange,
    CustomerNew,
    CustomerQuery,
    ResolveBody,
    ResolveQuery,
    face_of,
    hints_of,
    writes_of,
)
from customers.visibility import (
    hiding_others,
    keep_in_clubs,
    require_visible,
    visible_customer,
    visible_people,
    within_clubs,
)

THANDI = {"email": "thandi.nkosi@example.com", "phoneNumber": "082 123 4567", "firstName": "Thandi"}


class CustomerList(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    queries = {"GET": CustomerListQuery}
    looks = "list"
    tag = "Customers"

    @extend_schema(
        operation_id="listCustomers",
        responses={200: page_of(CustomerListed)},
    )
    def get(self, request: Request) -> Response:
        """List customers.

        Most recently active first, unless `sort` says otherwise.
        """
        custom_fields.require_defined(self.params.get("fields", ()))
        people = listed(visible_people(request), self.params).select_related("metrics")
        return paginate(people, self.params, ORDERING, profile_payload)

    @extend_schema(
        operation_id="createCustomer",
        request=CustomerNew,
        responses={201: CustomerDetail},
        parameters=[ETAG],
        examples=[OpenApiExample("A lead", THANDI | {"lifecycleStage": "LEAD"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Create a customer.

        A taken identifier is 409 with the existing customer's id in `details`, unless `shared` is true; the message
        says so where they were deleted, and can be restored.
        """
        writes = writes_of(self.body(CustomerNew))
        keep_in_clubs(request, writes.fields, is_new=True)
        with hiding_others(request):
            made = services.create_customer(
                writes.fields, writes.hints, by=self.credential.actor, shared=writes.shared
            )
        return detailed(made, status=201)


class CustomerFind(ApiView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": CustomerFindQuery}
    looks = "list"
    tag = "Customers"

    @extend_schema(operation_id="searchCustomers", responses={200: page_of(CustomerFound)})
    def get(self, request: Request) -> Response:
        """Search customers.

        For a box that answers while somebody types: the best reason first, then the most recently active; neither
        merged nor deleted ones. `GET /customers?search=` finds the same people as a list.
        """
        take = self.params["take"]
        found = find_people(self.params["q"], take=take + 1, within=within_clubs(request))
        meta = {"take": take, "hasMore": len(found) > take}
        return Response({"data": [_found(one) for one in found[:take]], "meta": meta})


class CustomerOne(ApiView):
    scopes = {"GET": Scope.READ, "PATCH": Scope.WRITE, "DELETE": Scope.ADMIN}
    queries = {"GET": CustomerQuery}
    looks = "profile"
    tag = "Customers"

    @extend_schema(
        operation_id="getCustomer",
        parameters=[ETAG],
        responses={200: CustomerDetail},
    )
    def get(self, request: Request, pk: str) -> Response:
        """Read a customer."""
        custom_fields.require_defined(self.params.get("fields", ()))
        profile, merged_from = visible_customer(
            request, uuid(pk), include_deleted=self.params["includeDeleted"]
        )
        reply = answer(profile)
        self.about = profile.pk
        if merged_from is not None:
            reply.data["mergedFrom"] = str(merged_from)
        reply.data |= upward.told(profile, self.params.get("fields"))
        reply.data = sparse(reply.data, self.params.get("fields"))
        return reply

    @extend_schema(
        operation_id="changeCustomer",
        request=CustomerChange,
        responses={200: CustomerDetail},
        parameters=[ETAG],
        examples=[
            OpenApiExample("Rename, clear", {"lastName": "Dlamini", "gender": None}, request_only=True)
        ],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change a customer.

        What is absent stays, null clears. Identifiers are added: another e-mail does not take the one from before. Null
        takes them: who loses their e-mail or phone is no longer found by it (a shared one passes to whoever has held
        it longest); a login, service link or external id goes with `crm:admin` only.
        """
        writes = writes_of(self.body(CustomerChange))
        keep_in_clubs(request, writes.fields)
        profile, _ = visible_customer(request, uuid(pk))
        with hiding_others(request):
            changed = services.update_customer(
                profile.pk, writes.fields, by=self.credential.actor, hints=writes.hints,
                if_match=self.condition, shared=writes.shared,
                unlinks=Scope.ADMIN in self.credential.scopes,
            )  # fmt: skip
        return detailed(changed)

    @extend_schema(operation_id="deleteCustomer", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a customer.

        Softly: the customer leaves every list and can be restored.
        """
        profile, _ = visible_customer(request, uuid(pk))
        services.delete_customer(profile.pk, by=self.credential.actor, if_match=self.condition)
        return Response(status=204)


class CustomerRestore(ApiView):
    scopes = {"POST": Scope.ADMIN}
    guards = ("POST",)
    tag = "Customers"

    @extend_schema(
        operation_id="restoreCustomer",
        request=None,
        responses={200: CustomerDetail},
        parameters=[ETAG],
    )
    def post(self, request: Request, pk: str) -> Response:
        """Bring a deleted customer back.

        To the status they had before.
        """
        self.body(Nothing)
        profile, _ = visible_customer(request, uuid(pk), include_deleted=True)
        if profile.status != Status.DELETED:
            raise Conflict("This customer is not deleted.")
        restored = services.restore_customer(profile.pk, by=self.credential.actor, if_match=self.condition)
        return detailed(restored)


TELLING_FACE = {"dateOfBirth": Personal.BIRTH_DATE}


class CustomerResolve(ApiView):
    scopes = {"GET": Scope.READ, "POST": Scope.WRITE}
    queries = {"GET": ResolveQuery}
    looks = "profile"
    more_errors = {"GET": ("404",)}
    tag = "Customers"

    @extend_schema(
        operation_id="lookUpCustomer",
        responses={200: ResolutionReply},
    )
    def get(self, request: Request) -> Response:
        """Find a customer by identifiers.

        Reads only. Where several share the e-mail or phone, the name or birth date chooses; without them it is the
        owner, and `ambiguous` says so. External ids are given as `externalIds[golfRsaId]=…`.
        """
        hints = hints_of(self.params)
        refuse_masked(hints, personal_kind)
        refuse_masked(self.params, TELLING_FACE.get)
        found = services.look_up(hints, face=Face.of(face_of(self.params)))
        require_visible(request, found.profile)
        self.about = found.profile.pk
        return Response(_resolution(found))

    @extend_schema(
        operation_id="resolveCustomer",
        request=ResolveBody,
        responses={200: ResolutionReply},
        examples=[
            OpenApiExample(
                "By e-mail and phone", {"email": THANDI["email"], "phone": "0821234567"}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Find or create a customer.

        One person for one set of identifiers, however many ask at once; new identifiers are learnt. Somebody who was
        deleted is 409 with their id: restore them, and ask again.
        """
        hints = self.body(ResolveBody)
        refuse_masked(hints, TELLING_FACE.get)
        fields: dict[str, Any] = {"custom_fields": hints.pop("custom_fields", None), **face_of(hints)}
        keep_in_clubs(request, fields, is_new=True)
        with hiding_others(request):
            found = services.resolve(hints_of(hints), by=self.credential.actor, new=fields)
        require_visible(request, found.profile)
        return Response(_resolution(found))


def uuid(text: str) -> UUID:
    """An id from an address. Raises CustomerNotFound for what can't be one."""
    try:
        return UUID(text)
    except ValueError:
        raise CustomerNotFound("There is no customer with this id.") from None


def answer(profile: CustomerProfile, *, status: int = 200) -> Response:
    return Response(profile_payload(profile), status=status, headers={"ETag": profile.etag})


def detailed(profile: CustomerProfile, *, status: int = 200) -> Response:
    """All that is told of one customer, what apps above add included, as reading them would tell."""
    reply = answer(profile, status=status)
    reply.data |= upward.told(profile, None)
    return reply


def _found(found: Found) -> dict[str, Any]:
    whole = profile_payload(found.profile)
    return {
        **{name: whole[name] for name in FOUND_FIELDS},
        "name": str(found.profile),
        "initials": found.profile.initials,
        "match": found.rank.name,
        "matchedOn": list(dict.fromkeys(kind for kind, _ in found.matched_on)),
    }


def _resolution(found: Resolution) -> dict[str, Any]:
    return {
        "profile": profile_payload(found.profile),
        "isNew": found.is_new,
        "matchedBy": found.matched_by,
        "confidence": found.confidence,
        "ambiguous": found.ambiguous,
    }
