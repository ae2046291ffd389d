"""Events of a club that are no competitions, and the row that both kinds are kept in. Pure."""

from collections.abc import Mapping
from typing import Any

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact
from timeline.schema import array, day, key, obj, read_day, text
from timeline.sources.common import NOT_METADATA, Home, changed, effect, ident, written

CLUB_EVENT = {"clubId": Home("club_ref", ident), "startDate": Home("starts_on", read_day)}
NAMED = CLUB_EVENT | {"eventName": Home("name")}
FIELDS = {"eventName": text(), "clubId": key(), "startDate": day()}


def happening(
    event: Event, kind: str, id_field: str, homes: Mapping[str, Home], *, status: str | None = None
) -> Fact:
    """The row of a competition or club event.

    What announces or changes it fills the details too, with the fields that have no column; what has a status
    says no more than that. Nothing but a status moves the row on from PUBLISHED.
    """
    payload, changes = event.payload, changed(event.payload)
    values: dict[str, Any] = written(payload, homes, changes) | {"kind": kind}
    if status:
        values["status"] = status
    else:
        elsewhere = NOT_METADATA.union(homes, {id_field, "changes"})
        names = [name for name in payload if name not in elsewhere and (changes is None or name in changes)]
        values |= {"details": {name: payload[name] for name in names}} if names else {}
    opening = {} if status else {"status": "PUBLISHED"}
    return Fact("club_event", f"{kind}:{ident(payload[id_field])}", values, opening, person=None)


def club_event(event: Event, status: str | None = None) -> Effect:
    return effect(event, facts=[happening(event, "CLUB_EVENT", "eventId", NAMED, status=status)])


@event_type("club.event.published", source="club", schema=obj(required=["eventId"], eventId=key(), **FIELDS))
def event_published(event: Event) -> Effect:
    """A club announced an event."""
    return club_event(event)


@event_type(
    "club.event.updated",
    source="club",
    schema=obj(required=["eventId"], eventId=key(), changes=array(text()), **FIELDS),
)
def event_updated(event: Event) -> Effect:
    """A club changed an event."""
    return club_event(event)


@event_type(
    "club.event.cancelled",
    source="club",
    schema=obj(required=["eventId"], eventId=key(), reason=text(), **FIELDS),
)
def event_cancelled(event: Event) -> Effect:
    """A club called an event off."""
    return club_event(event, "CANCELLED")
