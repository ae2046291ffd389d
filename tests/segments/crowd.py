"""People at random, with everything that rules can ask about, and with much of it missing."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import connection, models

from crm.tenancy.models import Tenant, uuid7
from customers.models import (
    Booking,
    BookingPlayer,
    CompetitionEntry,
    ConsentEntry,
    CustomerMetrics,
    CustomerProfile,
    CustomField,
    Deal,
    FieldWrite,
    HandicapRevision,
    Household,
    HouseholdMember,
    Invoice,
    Membership,
    Order,
    Payment,
    Ticket,
)
from customers.models.history import TRACKED, TRACKED_MAPS
from segments.models import Segment, SegmentMember
from tests.segments.random_rules import CODES, MOMENTS, TEXTS, moment_near
from timeline.models import Activity, Note

CUSTOM = {
    "word": "STRING", "size": "ENUM", "count": "INT", "rate": "DECIMAL", "flag": "BOOL", "day": "DATE",
    "at": "DATETIME", "many": "MULTI_ENUM",
}  # fmt: skip
CHOICES = ["alpha", "beta", "GOLD"]
ROWS: tuple[type[models.Model], ...] = (
    Booking, BookingPlayer, Membership, HandicapRevision, CompetitionEntry, Order, Payment, Invoice, Deal, Ticket,
    ConsentEntry, Activity, Note,
)  # fmt: skip
LEFT_ALONE = {
    "id", "tenant", "customer", "recorded_for", "key", "stamps", "created_at", "external_id", "provenance", "version",
    "merged_into", "guardian", "merged_at", "deleted_at", "erased_at", "processing_restricted_at", "legal_hold_at",
    "is_light", "stages_reached", "custom_fields", "external_ids", "source_details", "currency", "country",
    "phone_is_valid", "email", "kind", "value", "value_hash", "event_id", "rank", "tier_", "details", "items", "party",
    "deleted_by", "body", "recorded_at",
}  # fmt: skip


class Crowd:
    def __init__(self, random: Random, tenant: Tenant, moment: datetime | None = None) -> None:
        self.random, self.tenant, self.moment = random, tenant, moment
        self.number = 0

    def at(self) -> datetime:
        return moment_near(self.random, self.moment or self.random.choice(MOMENTS))

    def define(self) -> None:
        for key, type_ in CUSTOM.items():
            CustomField.objects.create(
                tenant=self.tenant, key=key, label=key.capitalize(), type=type_,
                choices=CHOICES if "ENUM" in type_ else [],
            )  # fmt: skip

    def segments(self, people: Sequence[CustomerProfile]) -> list[str]:
        """Three segments with some of the people in them; their ids."""
        made = [
            Segment.objects.create(tenant=self.tenant, name=f"Segment {n}", type="STATIC") for n in range(3)
        ]
        SegmentMember.objects.bulk_create(
            SegmentMember(tenant=self.tenant, segment=segment, customer=person, joined_at=self.at())
            for segment in made
            for person in self.random.sample(list(people), len(people) // 3)
        )
        return [str(segment.pk) for segment in made]

    def people(self, count: int) -> list[CustomerProfile]:
        people = [self.profile() for _ in range(count)]
        CustomerProfile.objects.bulk_create(people)
        CustomerMetrics.objects.bulk_create(
            self.filled(CustomerMetrics, customer=person) for person in people if self.random.random() < 0.9
        )
        for model in ROWS:
            model._default_manager.bulk_create(
                self.row(model, person)
                for person in people
                for _ in range(self.random.choice((0, 0, 1, 2, 4)))
            )
        self.households(people)
        FieldWrite.objects.bulk_create(
            self.write(person) for person in people for _ in range(self.random.choice((0, 1, 3)))
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return people

    def profile(self) -> CustomerProfile:
        odd = {"is_light": True} if self.random.random() < 0.05 else {}
        odd |= {"erased_at": self.at()} if self.random.random() < 0.05 else {}
        return self.filled(
            CustomerProfile, **odd, custom_fields=self.custom(), created_at=self.at(),
            external_ids=self.maybe({"golfRsaId": self.code()}, {}),
            country=self.maybe("ZA", ""), email=self.maybe(f"p{self.random.randint(0, 9)}@example.com", ""),
            status=self.random.choice(("ACTIVE",) * 8 + ("INACTIVE", "DELETED")),
        )  # fmt: skip

    def maybe(self, value: Any, nothing: Any) -> Any:
        return value if self.random.random() < 0.7 else nothing

    def code(self) -> str:
        return self.random.choice(CODES)

    def custom(self) -> dict[str, Any]:
        values = {
            "word": self.random.choice(TEXTS), "size": self.random.choice(CHOICES), "count": self.random.randint(-1, 3),
            "rate": self.random.choice((0.1, 8.4, 12, 18.5)), "flag": self.random.random() < 0.5,
            "day": self.at().date().isoformat(), "at": self.at().replace(microsecond=0, tzinfo=None).isoformat() + "Z",
            "many": self.random.sample(CHOICES, 2),
        }  # fmt: skip
        return {key: value for key, value in values.items() if self.random.random() < 0.5}

    def row(self, model: type[models.Model], person: CustomerProfile) -> Any:
        self.number += 1
        extra: dict[str, Any] = {"customer": person, "recorded_for": person.pk}
        names = {field.name for field in model._meta.concrete_fields}
        extra |= {"key": f"k{self.number}"} if "key" in names else {}
        extra |= {"created_at": self.at()} if "created_at" in names else {}
        if model is Activity:
            extra |= {"metadata": self.metadata(), "occurred_at": self.at()}
        if model is ConsentEntry:
            extra |= {
                "event_id": f"e{self.number}",
                "at": self.at(),
                "given_at": self.at(),
                "rank": 0,
                "tier": 1,
            }
        if model is BookingPlayer:
            extra |= {"booking_key": f"k{self.random.randint(1, max(self.number, 2))}"}
        if model is Note:
            extra |= {
                "deleted_at": self.maybe(None, self.at()),
                "visibility": self.random.choice(("ALL", "PRIVATE")),
            }
        return self.filled(model, **extra)

    def metadata(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "ref": self.random.choice(("alpha", "beta", 42, True, 1, "", None, [])),
            "amount": self.random.choice((0, 1, 2.5, 50000, "12", 1e3)),
            "flag": self.random.choice((True, False, "yes")),
            "deep": {"key": self.random.choice(TEXTS)},
        }
        return {key: value for key, value in values.items() if self.random.random() < 0.7}

    def households(self, people: Sequence[CustomerProfile]) -> None:
        household = Household.objects.create(tenant=self.tenant)
        HouseholdMember.objects.bulk_create(
            HouseholdMember(
                tenant=self.tenant, household=household, customer=person, recorded_for=person.pk,
                until=self.maybe(None, self.at()),
            )
            for person in people[::7]
        )  # fmt: skip

    def write(self, person: CustomerProfile) -> FieldWrite:
        """A change of a field that is known for its past."""
        names = [name for name in TRACKED if name not in (*TRACKED_MAPS, "external_ids")]
        changes = {name: [None, self.before(name)] for name in self.random.sample(names, 6)} | {
            f"custom_fields.{key}": [None, value] for key, value in self.custom().items()
        }
        return FieldWrite(
            tenant=self.tenant, customer=person, changes=changes, tier=1, version=0, at=self.at(), rank=0,
            event=f"w{self.random.random()}", source="scl", by="test",
        )  # fmt: skip

    def before(self, name: str) -> Any:
        value = self.value(CustomerProfile._meta.get_field(name))
        if isinstance(value, Decimal):
            return float(value)
        return value.isoformat() if hasattr(value, "isoformat") else value or None

    def filled(self, model: type[models.Model], **given: Any) -> Any:
        """A row with a value at random in every column that a test may fill."""
        values = {
            field.name: self.value(field)
            for field in model._meta.concrete_fields
            if field.name not in LEFT_ALONE
            and field.name not in given
            and field.db_default is models.NOT_PROVIDED
        }
        key = {"id": uuid7()} if isinstance(model._meta.pk, models.UUIDField) else {}
        return model(tenant=self.tenant, **key, **{**values, **given})

    def value(self, field: Any) -> Any:
        if field.choices:
            options = [value for value, _label in field.choices]
            return self.random.choice([*options, ""] if field.blank and not field.has_default() else options)
        make = _VALUES.get(type(field).__name__)
        if make is None or (field.null and self.random.random() < 0.3):
            return None if field.null else field.get_default()
        return make(self, field)


def _number(crowd: Crowd, field: Any) -> int:
    return crowd.random.choice((0, 1, 2, 3, 18, 54, 90))


_VALUES: dict[str, Callable[[Crowd, Any], Any]] = {
    "CharField": lambda crowd, field: crowd.maybe(crowd.random.choice((*TEXTS, *CODES))[: field.max_length], ""),
    "TextField": lambda crowd, field: crowd.maybe(crowd.random.choice(TEXTS), ""),
    "BooleanField": lambda crowd, field: crowd.random.random() < 0.5,
    "DateTimeField": lambda crowd, field: crowd.at(),
    "DateField": lambda crowd, field: crowd.random.choice(
        (crowd.at().date(), crowd.at().date() - timedelta(days=365 * crowd.random.randint(1, 60)))
    ),
    "DecimalField": lambda crowd, field: crowd.random.choice((Decimal("8.4"), Decimal(12), Decimal("-1.5"))),
    "ArrayField": lambda crowd, field: crowd.random.sample(CODES, crowd.random.randint(0, 3)),
    **dict.fromkeys(
        (
            "IntegerField", "BigIntegerField", "SmallIntegerField", "PositiveIntegerField",
            "PositiveSmallIntegerField",
        ),
        _number,
    ),
}  # fmt: skip
