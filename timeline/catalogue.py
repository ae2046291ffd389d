"""The event catalogue: canonical type -> schema, priority and the pure function that interprets it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from jsonschema_rs import Draft202012Validator

from timeline.effects import Effect, Event
from timeline.schema import compiled


class Priority(IntEnum):
    """Smaller is more urgent; the numbers are the sources' own."""

    HIGH = 1
    NORMAL = 2
    LOW = 3


Interpreter = Callable[[Event], Effect]


@dataclass(frozen=True, slots=True)
class EventType:
    """One canonical event type. `source` is who sends it, for an event that doesn't say."""

    name: str
    source: str
    schema: Mapping[str, Any]
    interpret: Interpreter
    priority: Priority
    aliases: tuple[str, ...]
    summary: str
    validator: Draft202012Validator


TYPES: dict[str, EventType] = {}
ALIASES: dict[str, str] = {}


def event_type(
    name: str,
    *,
    source: str,
    schema: Mapping[str, Any],
    priority: Priority = Priority.NORMAL,
    aliases: tuple[str, ...] = (),
) -> Callable[[Interpreter], Interpreter]:
    """Register the decorated interpreter; its docstring's first line is the catalogue's summary.

    Raises ValueError when a name or alias is taken: two meanings of one name would be silent data loss.
    """

    def register(interpret: Interpreter) -> Interpreter:
        for spelling in (name, *aliases):
            if spelling in TYPES or spelling in ALIASES:
                raise ValueError(f"event type {spelling!r} is declared twice")
        summary = (interpret.__doc__ or "").strip().splitlines()[0]
        TYPES[name] = EventType(name, source, schema, interpret, priority, aliases, summary, compiled(schema))
        ALIASES.update(dict.fromkeys(aliases, name))
        return interpret

    return register


def canonical(spelling: str) -> str:
    """The canonical name of a type as sent; an unknown spelling comes back unchanged."""
    return ALIASES.get(spelling, spelling)
