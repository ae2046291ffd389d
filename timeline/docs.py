"""The event catalogue as people read it: docs/events.md is rendered from the declared types. Pure.

What a type does is not written down a second time: its example is interpreted, and so is the same example with
every field of the schema filled in, once with every flag set and once with none.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from timeline.catalogue import EventType
from timeline.effects import COUNTED, OWN_ACTS, Effect
from timeline.envelope import read_envelope
from timeline.schema import COUNTRY_CODE, Schema
from timeline.sources import TYPES

EXAMPLES = Path(__file__).parent / "sources" / "examples"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
INTRODUCTION = """\
# Events that Fairway takes in

Rendered by `manage.py describe_events`; do not edit. Every event comes as a common envelope

```json
{"id": "…", "type": "scl.member.created", "version": "1.0", "timestamp": "2026-11-01T07:46:23.113Z",
 "tenantId": "demo", "source": "scl", "identity": {"sclMemberId": 48490}, "payload": {"id": 48490},
 "metadata": {"correlationId": "…"}, "historical": false}
```

or as a Messaging job `{"name": "contact.created", "data": {"payload": {"eventId": "…", "tenantId": "…", …}}}`.
`id`, `type` and `timestamp` are required; ids may be numbers. `identity` may hold `authUserId`, `email`,
`phoneNumber`, `sclMemberId`, `teetimePlayerId`, `messagingContactId` and `externalIds`. A timestamp without an
offset is UTC; one before 1970 or more than a day ahead is rejected.

Fields that are not required may be null or absent, and a sender may add fields: they are kept with the timeline
entry. Money is integer cents. Where an event has `changes`, only the fields named there are written. An integer
`entityVersion` in the payload stands before the timestamp when two events write the same field.
Moments are from 1900 to 2999; an amount without a currency is in the tenant's. Writes of tier 0 only fill what no
other source tells. Counters are counted anew from what is stored, so that order and repetition change nothing: a
cancelled booking counts no more. Whoever an event names gets its identifiers. Examples of every type lie in
`timeline/sources/examples/`.
"""
KNOWN = {"externalIds": {"golfRsaId": "1", "cdhId": "1"}}
KINDS = {"string": "text", "boolean": "true/false"}


@cache
def examples() -> dict[str, dict[str, Any]]:
    """One event as sent for each canonical type, in whichever form its source uses."""
    found = [item for path in sorted(EXAMPLES.glob("*.json")) for item in json.loads(path.read_text("utf-8"))]
    return {read_envelope(item, now=NOW).type: item for item in found}


def render() -> str:
    """The whole of docs/events.md."""
    by_source: dict[str, list[EventType]] = {}
    for event_type in TYPES.values():
        by_source.setdefault(event_type.source, []).append(event_type)
    parts = [INTRODUCTION]
    for source, types in sorted(by_source.items()):
        parts.append(f"## {source}\n")
        parts += ["\n".join(_section(event_type)) for event_type in types]
    return "\n".join(parts)


def _section(event_type: EventType) -> Iterator[str]:
    plain, *filled = _effects(event_type)
    full = filled[0]
    yield f"### `{event_type.name}`\n"
    yield f"{event_type.summary}\n"
    if event_type.aliases:
        yield f"- Also sent as: {_listed(event_type.aliases)}"
    yield f"- Priority: {event_type.priority.name.lower()}"
    if full.entry:
        types = {effect.entry.type: None for effect in (plain, *filled) if effect.entry}
        yield f"- Timeline: {_listed(types)} ({full.entry.category})"
    written = {_wire(name): None for effect in filled for person in effect.people for name in person.writes}
    if written:
        tier = ", tier 0" if full.people[0].tier == 0 else ""
        yield f"- Profile{tier}: {_listed(written)}"
    stages = {person.stage: None for person in plain.people if person.stage}
    if stages:
        yield f"- Lifecycle: evidence for {', '.join(stages)}"
    if counters := {_wire(name): None for name in _counters(plain)}:
        yield f"- Counters: {_listed(counters)}"
    kinds = {fact.kind: None for fact in full.facts}
    if kinds:
        yield f"- Facts: {_listed(kinds)}"
    if plain.announce:
        yield f"- Announces: {_listed(topic for topic, _ in plain.announce)}"
    yield "\n| payload field | kind | required |\n|---|---|---|"
    needed = event_type.schema.get("required", ())
    for name, schema in event_type.schema["properties"].items():
        yield f"| `{name}` | {_kind(schema)} | {'yes' if name in needed else ''} |"
    yield ""


def _counters(effect: Effect) -> Iterator[str]:
    """The attributes of CustomerMetrics that are counted anew."""
    if effect.entry and effect.entry.counts:
        yield from OWN_ACTS
    for person in effect.people:
        yield from person.seen
    for fact in effect.facts:
        yield from COUNTED.get(fact.kind, ())


def _effects(event_type: EventType) -> Iterator[Effect]:
    """What the example does, and what it would do with every field and id there, flags set and not."""
    event = read_envelope(examples()[event_type.name], now=NOW).event()
    yield event_type.interpret(event)
    for flag in (True, False):
        filled = {**_filled(event_type.schema["properties"], flag), **event.payload}
        filled.pop("changes", None)
        yield event_type.interpret(replace(event, payload=filled, identity={**KNOWN, **event.identity}))


def _filled(properties: Mapping[str, Schema], flag: bool) -> dict[str, Any]:
    return {name: _value(schema, flag) for name, schema in properties.items() if "enum" not in schema}


def _value(schema: Schema, flag: bool) -> Any:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "string" in kinds:
        return (
            "2026-11-01" if "format" in schema else "ZA" if schema.get("pattern") == COUNTRY_CODE else "ZAR"
        )
    return {"integer": 1, "number": 1, "boolean": flag, "array": [], "object": {}}[kinds[0]]


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(value for value in schema["enum"] if value and value.isupper())
    kinds = [
        kind
        for kind in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
        if kind != "null"
    ]
    if "integer" in kinds and "string" in kinds:
        return "id"
    if "description" in schema:
        return str(schema["description"])
    if kinds == ["array"]:
        return f"list of {_kind(schema['items'])}"
    if kinds == ["object"]:
        return f"object ({', '.join(schema['properties'])})" if schema["properties"] else "object"
    if "format" in schema:
        return "day" if schema["format"] == "date" else "moment"
    return KINDS.get(kinds[0], kinds[0])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _wire(attribute: str) -> str:
    """An attribute as the API spells it: email_opt_in -> emailOptIn."""
    return (
        "homeClubId"
        if attribute == "home_club_ref"
        else re.sub(r"_(.)", lambda found: found[1].upper(), attribute)
    )
