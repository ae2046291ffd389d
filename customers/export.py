"""Customers as rows of a file: which columns there are, and a walk over any number of people."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone

from crm.errors import Detail, UnknownField
from crm.tabular import FORMATS, encoded
from crm.tenancy import audit
from crm.tenancy.scope import current_eyes
from customers.custom_fields import WIRE as CUSTOM
from customers.custom_fields import definitions
from customers.listing import FieldMasked
from customers.masking import kind_of
from customers.payloads import METRICS, WIRE, blank_as_null, wire_name, wire_value

BATCH = 2_000
USUAL = (
    "id", "externalId", "firstName", "lastName", "displayName", "email", "phoneNumber", "dateOfBirth", "gender",
    "country", "language", "status", "lifecycleStage", "customerType", "tags", "isVip", "isBlocked", "isPending",
    "source", "sclMemberId", "homeClubId", "homeClubName", "membershipTier", "membershipStatus", "memberSince",
    "membershipExpiry", "handicap", "emailOptIn", "smsOptIn", "pushOptIn", "whatsappOptIn", "lastActivityAt",
    "activityCount30d", "bookingCount30d", "lastBookingAt", "lifetimeValue", "engagementScore", "churnRiskScore",
    "createdAt", "updatedAt", CUSTOM,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file. paths: the model's columns that it is read from."""

    name: str
    paths: tuple[str, ...]
    read: Callable[..., Any] = wire_value


def _full_name(display_name: str, first_name: str, last_name: str) -> str:
    return display_name or f"{first_name} {last_name}".strip()


COLUMNS = {
    column.name: column
    for column in (
        *(Column(name, (path,)) for path, name in WIRE.items()),
        *(Column(wire_name(name), (f"metrics__{name}",)) for name in METRICS),
        Column("lastActiveAt", ("metrics__last_activity_at",)),
        Column("fullName", ("display_name", "first_name", "last_name"), _full_name),
        Column("tenantId", ("tenant_id",), str),
    )
}


def columns_of(names: Sequence[str] | None) -> list[Column]:
    """The columns that a file is to have, the usual ones unless named. One statement.

    customFields stands for one column for each custom field that is not archived, customFields.<key> for that one.
    Raises UnknownField, and FieldMasked for what is kept from whoever asks, naming each as fields[n].
    """
    known = definitions()
    found: dict[str, Column] = {}
    unknown = []
    for position, name in enumerate(USUAL if names is None else names):
        own, _, key = name.partition(".")
        if name == CUSTOM:
            live = (one.key for one in known.values() if one.archived_at is None)
            found |= {f"{CUSTOM}.{key}": _custom(key) for key in live}
        elif own == CUSTOM and key in known:
            found[name] = _custom(key)
        elif name in COLUMNS:
            found[name] = COLUMNS[name]
        else:
            unknown.append(Detail(f"fields[{position}]", "UNKNOWN_FIELD", f"there is no “{name}” here"))
    if unknown:
        raise UnknownField(details=unknown)
    _refuse_masked(found.values())
    return list(found.values())


def _refuse_masked(columns: Iterable[Column]) -> None:
    """Rows of a file are read past the veil, so what is kept from whoever asks is refused as a whole."""
    masks = current_eyes().masks
    refused = [one for one in columns if any(kind_of(path.split("__")[-1]) in masks for path in one.paths)]
    if refused:
        words = FieldMasked.__doc__ or ""
        raise FieldMasked(details=[Detail(one.name, "FIELD_MASKED", words) for one in refused])


def _custom(key: str) -> Column:
    return Column(f"{CUSTOM}.{key}", ("custom_fields",), lambda values: values.get(key))


def rows_of(people: Any, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """A row of JSON values for each of `people` but those under a restriction, oldest first. A statement for 2,000.

    Walked by id and not by one long statement, which the database would cut off: a reader may be slow. Who is added
    on the way comes last; who leaves the selection before they are reached is left out.
    """
    people = people.filter(processing_restricted_at=None)
    paths = list(dict.fromkeys(path for column in columns for path in column.paths))
    places = [(one.name, one.read, [paths.index(path) + 1 for path in one.paths]) for one in columns]
    walk = people.order_by("pk").values_list("pk", *paths)
    last = None
    while batch := list((walk if last is None else walk.filter(pk__gt=last))[:BATCH]):
        for values in batch:
            yield {name: blank_as_null(read(*[values[n] for n in where])) for name, read, where in places}
        last = batch[-1][0]


def note_export(
    people: Any,
    columns: Iterable[Column],
    *,
    by: str,
    format: str,
    filters: Mapping[str, Any],
    ip: str | None = None,
) -> int:
    """Write an export to the audit log before it begins; how many people are in it. Two statements."""
    count: int = people.filter(processing_restricted_at=None).order_by().values("pk").count()
    after = {
        "count": count, "format": format, "filters": dict(filters), "fields": [one.name for one in columns],
    }  # fmt: skip
    audit.record("customer.exported", by=by, object_type="customer", after=after, ip=ip)
    return count


def download(
    people: Any, columns: Sequence[Column], *, format: str, for_spreadsheets: bool = False
) -> StreamingHttpResponse:
    """The file as an answer that is made while it is sent."""
    kind = FORMATS[format]
    pieces = kind.write([one.name for one in columns], rows_of(people, columns))
    response = StreamingHttpResponse(
        encoded(pieces, for_spreadsheets=for_spreadsheets), content_type=kind.content_type
    )
    name = f"customers-{timezone.localdate().isoformat()}.{kind.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
