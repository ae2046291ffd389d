"""Where each field of a profile comes from: the stamp that won it, and who wrote that (docs/decisions/0001)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q

from crm.tenancy.scope import current_eyes
from customers.masking import kind_of
from customers.models import CustomerProfile, FieldWrite
from customers.models.history import LINKS
from customers.payloads import WIRE, wire_name
from customers.stamps import EPOCH, Stamp

COLUMNS = ("tier", "version", "at", "rank", "event", "source", "by", "recorded_at", "changes")


class Origin(NamedTuple):
    """What won a field. by and recorded_at are None where it said again what stood there: that is no change."""

    tier: int
    version: int
    at: datetime
    event: str
    source: str
    by: str | None = None
    recorded_at: datetime | None = None


def provenance_of(profile: CustomerProfile) -> dict[str, Origin]:
    """The origin of each field that somebody wrote, by its wire name; a custom field's is customFields.<key>.

    Fields that the open request may not see are left out. Links (logins, service links, external ids) follow the
    identifiers, and have the origin of their last change. One statement.
    """
    stamps = {path: Stamp(*stamp) for path, stamp in profile.provenance.items()}
    events = {stamp.event for stamp in stamps.values()}
    links = [*LINKS, *(f"external_ids.{name}" for name in profile.external_ids)]
    writes = FieldWrite.objects.filter(
        Q(event__in=events) | Q(changes__has_any_keys=links), customer_id=profile.pk
    )
    rows = list(writes.order_by(*COLUMNS[:5], "pk").values(*COLUMNS))
    said = {(row["source"], row["event"]): row for row in rows}
    found = {path: _origin(stamp, said.get((stamp.source, stamp.event))) for path, stamp in stamps.items()}
    found |= {path: _recorded(row) for row in rows for path in row["changes"] if path in links}
    masks = current_eyes().masks
    return {
        wire: origin
        for path, origin in sorted(found.items())
        for wire in _wire(path)
        if kind_of(path.partition(".")[0]) not in masks
    }


def _wire(path: str) -> Iterator[str]:
    """The name of a column, or map.key, in the API; none of what the API does not show."""
    name, dot, key = path.partition(".")
    if name in WIRE:
        yield wire_name(name) + dot + key


def _origin(stamp: Stamp, row: dict[str, Any] | None) -> Origin:
    at = EPOCH + timedelta(microseconds=stamp.at)
    who = (row["by"], row["recorded_at"]) if row else ()
    return Origin(stamp.tier, stamp.version, at, stamp.event, stamp.source, *who)


def _recorded(row: dict[str, Any]) -> Origin:
    return Origin(*(row[name] for name in ("tier", "version", "at", "event", "source", "by", "recorded_at")))
