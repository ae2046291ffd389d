"""Query parameters of the customer list, and of what is done with the people it shows."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.rest.paging import PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, Day, Dotted, Flag, Moment, Query, Text, Whole
from customers import lifecycle, upward
from customers.listing import ORDERING
from customers.models import CustomerType, Stage, Status
from customers.replies import CUSTOMER_FIELDS

MOST_FOUND = 25
MAPS = ("customFields",)  # of which single keys can be chosen
STAGE_WORDS = [*Stage.choices, *((word, Stage(stage).label) for word, stage in lifecycle.ALIASES.items())]


@extend_schema_field(
    {
        "type": "object",
        "propertyNames": {"pattern": r"^customFields\.[A-Za-z][A-Za-z0-9_]{0,63}(\.(min|max))?$"},
        "additionalProperties": {"type": "string"},
    }
)
class CustomFilters(Dotted):
    """`customFields.<key>=` for what a field is (given again: any of these), `.min=` and `.max=` for ranges."""


def some_of(longest: int, **options: Any) -> serializers.ListField:
    """Any of some texts."""
    return serializers.ListField(child=Text(max_length=longest), allow_empty=False, required=False, **options)


def at_least(**options: Any) -> Whole:
    return Whole(required=False, min_value=0, **options)


class AnyStage(AnyOf):
    """Some lifecycle stages, also by the names that other systems have for them, in any case."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=STAGE_WORDS, **options)

    def to_internal_value(self, data: Any) -> Any:
        known = {lifecycle.stage_named(word) if isinstance(word, str) else word for word in data}
        return super().to_internal_value(known)


class CustomerFilters(Query):
    """Whom a list shows. Several values of one filter mean any of them, several filters all of them."""

    status = AnyOf(choices=Status.choices, required=False, help_text="Default: neither MERGED nor DELETED.")
    lifecycleStage = AnyStage(required=False)
    customerType = AnyOf(choices=CustomerType.choices, required=False)
    type = AnyOf(choices=CustomerType.choices, required=False, help_text="The same as customerType.")
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="An identifier in full, else how its words start.",
    )
    source = some_of(50, help_text="What first told us about them.")  # type: ignore[assignment]
    tags = some_of(100, help_text="All of these.")
    tagsAny = some_of(100, help_text="Any of these.")
    isVip = Flag(required=False)
    isBlocked = Flag(required=False)
    isPending = Flag(required=False)
    isLight = Flag(required=False, help_text="Guests known by name only. Without it, they are left out.")
    emailVerified = Flag(required=False)
    phoneVerified = Flag(required=False)
    emailOptIn = Flag(required=False)
    smsOptIn = Flag(required=False)
    pushOptIn = Flag(required=False)
    whatsappOptIn = Flag(required=False)
    gdprConsent = Flag(required=False)
    country = some_of(2, help_text="ISO 3166-1 alpha-2, in capitals or not.")
    language = some_of(35, help_text="BCP 47, in capitals or not.")
    homeClubId = some_of(100)
    membershipTier = some_of(100)
    membershipStatus = some_of(50)
    engagementMin = at_least(max_value=100)
    engagementMax = at_least(max_value=100)
    churnRiskMin = at_least(max_value=100)
    churnRiskMax = at_least(max_value=100)
    lifetimeValueMin = Whole(required=False, help_text="Cents of the tenant's currency.")
    lifetimeValueMax = Whole(required=False)
    createdAfter = Moment(required=False, help_text="Inclusive, as every …After and updatedSince.")
    createdBefore = Moment(required=False, help_text="Exclusive, as every …Before.")
    updatedSince = Moment(required=False)
    updatedBefore = Moment(required=False)
    lastActivityAfter = Moment(required=False)
    lastActivityBefore = Moment(required=False, help_text="Leaves out those who never did anything.")
    membershipExpiryAfter = Day(required=False)
    membershipExpiryBefore = Day(required=False)
    customFields = CustomFilters(required=False)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {name: one.field() for name, one in upward.filters().items()}


class CustomerListQuery(CustomerFilters, PageQuery):
    """Filters, order and fields of the list."""

    sort = ORDERING.parameter()
    fields = fields_parameter(CUSTOMER_FIELDS, maps=MAPS)  # type: ignore[assignment]


class CustomerFindQuery(Query):
    """What somebody typed."""

    q = Text(max_length=200, help_text="Words, a part of a phone number, or an identifier in full.")
    take = Whole(default=10, min_value=1, max_value=MOST_FOUND, help_text=f"At most {MOST_FOUND}.")
