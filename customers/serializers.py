"""What the customer endpoints take and give."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.countries import WORDS as COUNTRY_WORDS
from crm.countries import is_country
from crm.rest.paging import fields_parameter
from crm.rest.serializers import (
    BIGGEST,
    Day,
    Email,
    Flag,
    FreeMap,
    Identifier,
    Identifiers,
    Moment,
    Query,
    StrictSerializer,
    Text,
)
from crm.tenancy.scope import current_tenant
from customers import lifecycle, normalise, upward
from customers.models import CustomerType, Stage, Status
from customers.normalise import EXTERNAL_PREFIX
from customers.queries import MAPS, STAGE_WORDS
from customers.replies import CUSTOMER_FIELDS
from customers.stamps import microseconds

MOST_TAGS = MOST_EXTERNAL_IDS = 100
WHOLE = re.compile(r"-?[0-9]{1,40}", re.ASCII)
LONGEST_NAME = 80
IDENTIFIERS = (
    "authUserId", "email", "phoneNumber", "sclMemberId", "teetimePlayerId", "messagingContactId", "externalIds",
)  # fmt: skip
LISTED = [(status.value, status.label) for status in (Status.ACTIVE, Status.INACTIVE)]


class Handicap(serializers.FloatField):
    """A handicap index to one decimal; plus handicaps are negative."""

    LOWEST, HIGHEST = -10, 54

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=self.LOWEST, max_value=self.HIGHEST, **options)

    def to_internal_value(self, data: Any) -> Any:
        """Rounded; what is out of range may have too many digits for that, and is refused as it is."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return round(Decimal(str(data)), 1) if self.LOWEST <= data <= self.HIGHEST else data


@extend_schema_field(
    {"type": ["integer", "string"], "pattern": "^[0-9]{1,16}$", "minimum": 1, "maximum": BIGGEST}
)
class MemberNumber(Identifier):
    """A member's number, as a number or as its digits."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        text = str(data).strip() if isinstance(data, str | int) and not isinstance(data, bool) else ""
        words = f"must be a whole number from 1 to {BIGGEST}"
        if not WHOLE.fullmatch(text):
            raise ValidationError(words, code="invalid")
        if not 0 < int(text) <= BIGGEST:
            raise ValidationError(words, code="INVALID_FIELD")
        return text


class StageField(serializers.ChoiceField):
    """A lifecycle stage, also by the name that other systems have for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=STAGE_WORDS, **options)

    def to_internal_value(self, data: Any) -> Any:
        known = lifecycle.stage_named(data) if isinstance(data, str) else data
        return super().to_internal_value(known)


def words(source: str | None = None, *, most: int = 200, **options: Any) -> Text:
    """Text of one column, which null and blank both clear."""
    return Text(source=source, max_length=most, required=False, allow_null=True, allow_blank=True, **options)


def free_map(source: str) -> FreeMap:
    return FreeMap(
        source=source, required=False, allow_null=True, help_text="Your own keys; sent as a whole."
    )


class IdentifierFields(StrictSerializer):
    """The identifiers of a person."""

    authUserId = Identifier(required=False)
    email = Email(required=False)
    phoneNumber = Text(required=False, max_length=40, help_text="As people write it, or E.164.")
    sclMemberId = MemberNumber(required=False)
    teetimePlayerId = Identifier(required=False)
    messagingContactId = Identifier(required=False)
    externalIds = Identifiers(required=False, help_text="Ids in other systems: golfRsaId, mcaV1ZaId …")
    may_be_null: ClassVar[bool] = False

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in IDENTIFIERS:
            fields[name].allow_null = self.may_be_null
        external: Any = fields["externalIds"]
        external.child.allow_null = self.may_be_null
        return fields

    def validate_externalIds(self, value: dict[str, str] | None) -> dict[str, str] | None:
        if value is None:
            return None
        if len(value) > MOST_EXTERNAL_IDS:
            raise ValidationError(f"must have at most {MOST_EXTERNAL_IDS} entries", code="INVALID_FIELD")
        if any(not 0 < len(name) <= LONGEST_NAME for name in value):
            raise ValidationError(f"names must have 1 to {LONGEST_NAME} characters", code="INVALID_FIELD")
        return value


class CustomerChange(IdentifierFields):
    """A partial change: what is absent stays, null clears."""

    tenantId = serializers.CharField(required=False)
    may_be_null = True
    emailVerified = Flag(source="email_verified", required=False)
    phoneVerified = Flag(source="phone_verified", required=False)
    firstName = words("first_name")
    lastName = words("last_name")
    displayName = words("display_name")
    dateOfBirth = Day(source="date_of_birth", required=False, allow_null=True)
    gender = words(most=30)
    country = serializers.RegexField(
        r"^[A-Za-z]{2}\Z", required=False, allow_null=True, help_text="ISO 3166-1 alpha-2."
    )
    language = serializers.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z",
        required=False,
        allow_null=True,
        max_length=35,
        help_text="BCP 47.",
    )
    status = serializers.ChoiceField(choices=LISTED, required=False)
    lifecycleStage = StageField(
        source="lifecycle_pin",
        required=False,
        allow_null=True,
        help_text="Pins the stage: events no longer move it, until null lifts the pin.",
    )
    customerType = serializers.ChoiceField(
        choices=CustomerType.choices, source="customer_type", required=False
    )
    tags = serializers.ListField(
        child=Text(max_length=100), max_length=MOST_TAGS, required=False, allow_null=True
    )
    isVip = Flag(source="is_vip", required=False)
    isBlocked = Flag(source="is_blocked", required=False)
    isPending = Flag(source="is_pending", required=False)
    sourceDetails = free_map("source_details")
    handicap = Handicap(required=False, allow_null=True)
    homeClubId = words("home_club_ref", most=100)
    homeClubName = words("home_club_name")
    membershipTier = words("membership_tier", most=100)
    membershipStatus = words("membership_status", most=50)
    memberSince = Day(source="member_since", required=False, allow_null=True)
    membershipExpiry = Day(source="membership_expiry", required=False, allow_null=True)
    gdprConsent = Flag(source="gdpr_consent", required=False, allow_null=True)
    gdprConsentAt = Moment(source="gdpr_consent_at", required=False, allow_null=True)
    dataRetentionDate = Day(source="data_retention_date", required=False, allow_null=True)
    customerNotes = words("customer_notes", most=20_000)
    internalNotes = words("internal_notes", most=20_000)
    customFields = FreeMap(
        source="custom_fields", required=False, allow_null=True,
        help_text="By the keys that /custom-fields defines. What is absent stays, null clears: a key, or all.",
    )  # fmt: skip
    shared = Flag(
        required=False, help_text="Share a taken e-mail or phone with its owner, as in a household."
    )

    def validate_country(self, value: str | None) -> str | None:
        if value and not is_country(value):
            raise ValidationError(COUNTRY_WORDS, code="INVALID_FIELD")
        return value and value.upper()

    def validate_tags(self, value: list[str] | None) -> list[str]:
        return list(dict.fromkeys(value or []))


class CustomerNew(CustomerChange):
    """A new customer, with at least one identifier."""

    at_least_one = IDENTIFIERS
    lifecycleStage = StageField(
        source="stage",
        required=False,
        help_text="Where they stand; events take them on.",
    )


CHOOSES = "Chooses among those who share an e-mail or phone. A customer who is created gets it."
FACES = {"firstName": "first_name", "lastName": "last_name", "dateOfBirth": "date_of_birth"}


class ResolveHints(IdentifierFields):
    """At least one identifier of the person."""

    at_least_one = (*IDENTIFIERS, "phone")
    phone = Text(required=False, max_length=40, help_text="The same as phoneNumber.")
    firstName = Text(max_length=200, required=False, help_text=CHOOSES)
    lastName = Text(max_length=200, required=False, help_text=CHOOSES)
    dateOfBirth = Day(required=False, help_text=CHOOSES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        phone = attrs.pop("phone", None)
        if phone is not None and attrs.setdefault("phoneNumber", phone) != phone:
            raise ValidationError({"phone": "differs from phoneNumber"}, code="INVALID_FIELD")
        return attrs


class ResolveQuery(ResolveHints, Query):
    """The same as query parameters."""


class ResolveBody(ResolveHints):
    """The same as a body, and what somebody new needs."""

    tenantId = serializers.CharField(required=False)
    customFields = FreeMap(
        source="custom_fields", required=False,
        help_text="Of whoever is new, who must have the required ones. Somebody known keeps theirs.",
    )  # fmt: skip


class CustomerQuery(Query):
    """Of one customer."""

    includeDeleted = Flag(default=False, help_text="Answer for a deleted one too.")

    def get_fields(self) -> dict[str, Any]:
        names = [*CUSTOMER_FIELDS, "mergedFrom", *upward.parts()]
        return super().get_fields() | {"fields": fields_parameter(names, maps=MAPS)}


class Writes(NamedTuple):
    """A body taken apart: profile attributes, raw identifiers (None = given up), whether to share a taken contact."""

    fields: dict[str, Any]
    hints: dict[str, Any]
    shared: bool


def writes_of(body: Mapping[str, Any]) -> Writes:
    """What a validated CustomerChange or CustomerNew writes.

    An e-mail or phone is both an identifier and a contact point. A number that can't be dialled is kept as it
    was sent and identifies nobody.
    """
    fields = dict(body)
    hints: dict[str, Any] = {}
    shared, stage = fields.pop("shared", False), fields.pop("stage", None)
    if stage == Stage.CHURNED:
        fields["lifecycle_pin"] = stage  # nothing speaks for it but the end of a membership
    elif stage:
        fields["stages_reached"] = {stage: microseconds(timezone.now())}
    if "source_details" in fields and fields["source_details"] is None:
        fields["source_details"] = {}
    for kind in IDENTIFIERS:
        if kind in fields:
            hints[kind] = fields.pop(kind)
    if isinstance(external := hints.get("externalIds"), dict):
        del hints["externalIds"]
        hints |= {f"{EXTERNAL_PREFIX}{name}": value for name, value in external.items()}
    for kind, attribute in (("email", "email"), ("phoneNumber", "phone_number")):
        if kind in hints:
            fields[attribute] = hints[kind]
    phone = hints.get("phoneNumber")
    if phone is not None and normalise.identifier("phoneNumber", phone, current_tenant().region) is None:
        del hints["phoneNumber"]
    return Writes(fields, hints, shared)


def hints_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The raw identifiers of validated ResolveHints."""
    external = {f"{EXTERNAL_PREFIX}{name}": value for name, value in body.get("externalIds", {}).items()}
    return {kind: value for kind, value in body.items() if kind not in {"externalIds", *FACES}} | external


def face_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Name and birth date of validated ResolveHints, as attributes of a profile."""
    return {attribute: body[name] for name, attribute in FACES.items() if body.get(name)}
