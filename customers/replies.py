"""What the customer endpoints answer, for the OpenAPI document; the values come from customers.payloads."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from crm.rest.shapes import reply_field, shape
from crm.tenancy.masks import Personal
from customers import upward
from customers.masking import COLUMNS
from customers.models import CustomerMetrics, CustomerProfile
from customers.payloads import METRICS, WIRE, wire_name
from customers.search import Rank


def _columns(model: Any, names: Iterable[str]) -> dict[str, Any]:
    columns = {column.attname: column for column in model._meta.concrete_fields}
    fields = {name: reply_field(columns[name]) for name in names}
    for name in fields.keys() & set(COLUMNS[Personal.SCORES]):
        fields[name].allow_null = True  # for those from whom they are kept
    return {wire_name(name): field for name, field in fields.items()}


CUSTOMER_FIELDS = {
    **_columns(CustomerProfile, WIRE),
    "fullName": serializers.CharField(allow_null=True),
    "tenantId": serializers.UUIDField(),
    **_columns(CustomerMetrics, METRICS),
    "lastActiveAt": serializers.DateTimeField(allow_null=True),
    "masked": serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Fields of which your role sees a part or nothing; absent when it sees everything.",
    ),
}
Customer = shape("Customer", CUSTOMER_FIELDS, "A person, as the tenant's systems and staff know them.")
CustomerListed = shape(
    "CustomerListed", CUSTOMER_FIELDS, "A customer; all of it, or what `fields` asks for.", is_sparse=True
)
CustomerWhole = shape(
    "CustomerWhole",
    CUSTOMER_FIELDS
    | {"mergedFrom": serializers.UUIDField(required=False, help_text="The id you asked for.")},
    is_sparse=True,
)


class CustomerDetail(CustomerWhole):  # type: ignore[valid-type, misc]
    """One customer. An id that was merged away answers with the winner, and mergedFrom."""

    def get_fields(self) -> Any:
        return super().get_fields() | {name: part.field() for name, part in upward.parts().items()}


ResolutionReply = shape(
    "Resolution",
    {
        "profile": Customer(),
        "isNew": serializers.BooleanField(),
        "matchedBy": serializers.ListField(child=serializers.CharField()),
        "confidence": serializers.IntegerField(min_value=0, max_value=100),
        "ambiguous": serializers.BooleanField(help_text="More people share this e-mail or phone."),
    },
)
FOUND_FIELDS = (
    "id", "email", "phoneNumber", "sclMemberId", "lifecycleStage", "membershipTier", "homeClubId", "homeClubName",
    "isVip", "isBlocked", "lastActivityAt",
)  # fmt: skip
CustomerFound = shape(
    "CustomerFound",
    {
        **{name: CUSTOMER_FIELDS[name] for name in FOUND_FIELDS},
        "name": serializers.CharField(help_text="As staff see them called."),
        "initials": serializers.CharField(),
        "match": serializers.ChoiceField(
            choices=[rank.name for rank in Rank], help_text="Why they were found, the best reason first."
        ),
        "matchedOn": serializers.ListField(
            child=serializers.CharField(), help_text="Where: name, or kinds of identifiers."
        ),
    },
    "A person whom a term found, in short.",
)
