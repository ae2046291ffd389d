"""What the tests of the sources share: the sample events, and interpreting one event."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from timeline.catalogue import canonical
from timeline.effects import Effect, Event
from timeline.schema import problems
from timeline.sources import TYPES

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
WHEN = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
SAMPLES = [
    item
    for path in sorted((Path(__file__).parent / "samples").glob("*.json"))
    for item in json.loads(path.read_text("utf-8"))
]


def interpret(sent_type: str, payload: dict[str, Any], /, *, id: str = "event-1", **identity: Any) -> Effect:
    """The effect of a valid event at WHEN."""
    event_type = TYPES[canonical(sent_type)]
    assert problems(event_type, payload) == []
    return event_type.interpret(Event(id, event_type.name, event_type.source, WHEN, identity, payload))


def wrong(sent_type: str, payload: Any) -> dict[str, str]:
    """What is wrong with a payload: path -> message."""
    return dict(problems(TYPES[canonical(sent_type)], payload))
