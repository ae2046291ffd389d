"""Read one item as sent, in either of its two forms, into a checked envelope. Pure.

The common envelope is {id, type, version, timestamp, tenantId, source, identity, payload, metadata, historical};
a Messaging job is {name, data: {payload: {eventId, tenantId, contactId, …}}}, and so is an entry of the stream
(there the data may also be a common envelope, and JSON text).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from crm.errors import Detail, ValidationFailed
from timeline.catalogue import Priority
from timeline.effects import Event
from timeline.schema import read_moment
from timeline.sources import TYPES, canonical

LONGEST = 200
LONGEST_SOURCE = 50
DEEPEST = 50
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)

ENVELOPE_SIGNS = frozenset({"id", "type", "timestamp", "identity"})
JOB_TIMES = ("timestamp", "occurredAt", "changedAt", "updatedAt", "createdAt")
JOB_IDENTITY = {"contactId": "messagingContactId", "email": "email", "phoneNumber": "phoneNumber"}
JOB_PATHS = {
    "type": "name",
    "id": "data.payload.eventId",
    "tenantId": "data.payload.tenantId",
    "payload": "data.payload",
}


class EnvelopeInvalid(ValidationFailed):
    """The event can't be read; `details` name every field that is wrong."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event, readable: whether its type is known and its payload right is seen when it is processed.

    Times:   occurred_at is aware UTC, microseconds kept.
    Shapes:  identity, payload and metadata as sent, without NUL and lone surrogates; type is canonical,
             sent_type as sent; tenant is a slug or UUID, None where the sender leaves it to the credential.
    """

    id: str
    type: str
    sent_type: str
    source: str
    tenant: str | None
    occurred_at: datetime
    identity: Mapping[str, Any]
    payload: Mapping[str, Any]
    metadata: Mapping[str, Any]
    historical: bool
    version: str
    priority: Priority

    def event(self) -> Event:
        """The part that the sources interpret."""
        return Event(
            self.id, self.type, self.source, self.occurred_at, self.identity, self.payload, self.historical
        )


def read_envelope(item: object, *, now: datetime) -> Envelope:
    """Check one item of a request: a common envelope, or a Messaging job.

    Errors: EnvelopeInvalid with all that is wrong with the item.
    """
    if not isinstance(item, dict):
        raise EnvelopeInvalid(details=[Detail("", "INVALID_FORMAT", "must be an object")])
    if "name" in item and "data" in item and "type" not in item:
        return read_entry(item["name"], item["data"], now=now)
    return _read(item, {}, now)


def read_entry(name: object, data: object, *, now: datetime) -> Envelope:
    """Check one entry of the stream: its name is the event type, its data an envelope or a job, or JSON text.

    `now` is also when a job happened that doesn't say.
    Errors: EnvelopeInvalid with all that is wrong with the entry.
    """
    item = _parsed(data)
    if not isinstance(item, dict):
        raise EnvelopeInvalid(details=[Detail("data", "INVALID_FORMAT", "must be a JSON object")])
    payload = item.get("payload")
    if not isinstance(payload, dict) or not ENVELOPE_SIGNS.isdisjoint(item):
        return _read({"type": name, **item}, {}, now)
    return _read({**_from_job(name, payload, now), **item}, JOB_PATHS, now)


def _parsed(data: object) -> object:
    if not isinstance(data, str | bytes):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _from_job(name: object, payload: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The envelope that a flat payload stands for."""
    found: dict[str, Any] = {"type": name, "timestamp": _job_time(name, payload, now).isoformat()}
    for field, place in (("id", "eventId"), ("tenantId", "tenantId")):
        if place in payload:
            found[field] = payload[place]
    found["identity"] = {kind: payload[place] for place, kind in JOB_IDENTITY.items() if place in payload}
    return found


def _job_time(name: object, payload: dict[str, Any], now: datetime) -> datetime:
    """When a job happened. A contact's `createdAt` says so only in the event of its creation."""
    for place in JOB_TIMES:
        moment = read_moment(payload.get(place))
        if (
            moment
            and EARLIEST <= moment <= now + AHEAD
            and (place != "createdAt" or str(name).endswith(".created"))
        ):
            return moment
    return now


def _read(item: dict[str, Any], paths: Mapping[str, str], now: datetime) -> Envelope:
    wrong: list[Detail] = []
    sent_type = _text(item, "type", wrong, required=True)
    identity, payload, metadata = (
        _object(item, field, wrong) for field in ("identity", "payload", "metadata")
    )
    name = canonical(sent_type)
    known = TYPES.get(name)
    envelope = Envelope(
        id=_text(item, "id", wrong, required=True),
        type=name,
        sent_type=sent_type,
        source=_text(item, "source", wrong, longest=LONGEST_SOURCE).lower()
        or (known.source if known else _prefix(name)),
        tenant=_text(item, "tenantId", wrong) or None,
        occurred_at=_moment(item, wrong, now),
        identity=identity,
        payload=payload,
        metadata=metadata,
        historical=_flag(item, "historical", wrong),
        version=_text(item, "version", wrong),
        priority=known.priority if known else Priority.NORMAL,
    )
    if wrong:
        raise EnvelopeInvalid(
            details=[detail._replace(field=paths.get(detail.field, detail.field)) for detail in wrong]
        )
    return envelope


def _prefix(name: str) -> str:
    """The source of a type that nobody knows: what stands before its first dot."""
    return name.partition(".")[0][:LONGEST_SOURCE] or "unknown"


def _text(
    item: dict[str, Any], field: str, wrong: list[Detail], *, required: bool = False, longest: int = LONGEST
) -> str:
    """A field that is text, or a number as text; "" where it is absent or wrong."""
    value = item.get(field)
    if isinstance(value, str):
        value = scrub(value).strip()
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**LONGEST:
        value = str(value)
    elif value is not None:
        wrong.append(Detail(field, "INVALID_FIELD", "must be text"))
        return ""
    if not value:
        if required:
            wrong.append(Detail(field, "MISSING_FIELD", "is required"))
        return ""
    if len(value) > longest:
        wrong.append(Detail(field, "INVALID_FIELD", f"must have at most {longest} characters"))
        return ""
    return value


def _moment(item: dict[str, Any], wrong: list[Detail], now: datetime) -> datetime:
    value = item.get("timestamp")
    moment = read_moment(value)
    if value is None or value == "":
        wrong.append(Detail("timestamp", "MISSING_FIELD", "is required"))
    elif moment is None:
        wrong.append(Detail("timestamp", "INVALID_FORMAT", "must be a moment in ISO 8601"))
    elif moment > now + AHEAD:
        wrong.append(Detail("timestamp", "INVALID_FIELD", "is more than a day ahead"))
    elif moment < EARLIEST:
        wrong.append(Detail("timestamp", "INVALID_FIELD", "is before 1970"))
    return moment or now


def _object(item: dict[str, Any], field: str, wrong: list[Detail]) -> dict[str, Any]:
    value = item.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        wrong.append(Detail(field, "INVALID_FIELD", "must be an object"))
        return {}
    try:
        return {scrub(key): clean(inner) for key, inner in value.items()}
    except Unstorable as exc:
        wrong.append(Detail(field, "INVALID_FIELD", str(exc)))
        return {}


def _flag(item: dict[str, Any], field: str, wrong: list[Detail]) -> bool:
    value = item.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    wrong.append(Detail(field, "INVALID_FIELD", "must be true or false"))
    return False


class Unstorable(ValueError):
    """A value that no JSON column can hold, or that nobody could have meant."""


def clean(value: Any, deeper: int = DEEPEST) -> Any:
    """The value without what PostgreSQL can't store: NUL characters and lone surrogates, in keys too.

    Errors: Unstorable when nested deeper than 50 levels, or for NaN and infinities.
    """
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict | list):
        if deeper == 1:
            raise Unstorable(f"is nested deeper than {DEEPEST} levels")
        if isinstance(value, list):
            return [clean(inner, deeper - 1) for inner in value]
        return {scrub(key): clean(inner, deeper - 1) for key, inner in value.items()}
    if isinstance(value, float) and not isfinite(value):
        raise Unstorable("holds a number that is not finite")
    return value


def readable(raw: str) -> Any:
    """A stored body as JSON that can be shown: half of a surrogate pair, which no encoding has, is a question mark."""
    return json.loads(json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace"))


def scrub(text: str) -> str:
    """The text without NUL characters and lone surrogates."""
    if not text.isascii():
        text = text.encode("utf-8", "ignore").decode("utf-8")
    return text.replace("\0", "") if "\0" in text else text
