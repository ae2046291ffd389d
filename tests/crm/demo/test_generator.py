"""The demo's events: repeatable, valid, and never of the future."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from crm.demo.generator import events, latest_as_of
from timeline.envelope import read_envelope
from timeline.schema import problems
from timeline.sources import TYPES

AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)
SMALL = 120
PRINT_DIGEST = f"""
from datetime import datetime
from tests.crm.demo.test_generator import digest
print(digest(seed=7, as_of=datetime.fromisoformat("{AS_OF.isoformat()}"), people={SMALL}))
"""


def digest(**arguments):
    found = hashlib.sha256()
    for event in events(**arguments):
        found.update(json.dumps(event, ensure_ascii=False).encode())
    return found.hexdigest()


def test_the_same_seed_and_day_give_the_same_bytes_in_another_process():
    here = digest(seed=7, as_of=AS_OF, people=SMALL)
    there = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here


@pytest.mark.parametrize("other", [{"seed": 8}, {"people": SMALL + 1}, {"as_of": AS_OF - timedelta(days=1)}])
def test_another_seed_size_or_day_shares_no_event_id(other):
    same = {"seed": 7, "as_of": AS_OF, "people": SMALL}
    ids = {event["id"] for event in events(**same)}
    assert ids.isdisjoint(event["id"] for event in events(**same | other))


def test_ids_are_unique():
    ids = [event["id"] for event in events(as_of=AS_OF, people=SMALL)]
    assert len(set(ids)) == len(ids)


def test_people_come_first_and_then_the_latest_days():
    arrivals = {"scl.member.created", "scl.member.updated", "teetime.player.created", "contact.created"}
    stream = list(events(as_of=AS_OF, people=SMALL))
    first = next(place for place, event in enumerate(stream) if event["type"] not in arrivals)
    assert {event["type"] for event in stream[:first]} == arrivals
    assert not {event["type"] for event in stream[first:]} & {
        "scl.member.created",
        "teetime.player.created",
        "contact.created",
    }
    recent = [datetime.fromisoformat(event["timestamp"]) for event in stream[first : first + 200]]
    assert min(recent) > AS_OF - timedelta(days=50)


def test_every_event_is_valid_but_for_three_that_mean_to_be_dead_letters():
    wrong = []
    for event in events(as_of=AS_OF, people=200):
        envelope = read_envelope(json.loads(json.dumps(event)), now=AS_OF)
        kind = TYPES.get(envelope.type)
        if kind is None or problems(kind, envelope.payload):
            wrong.append(event["type"])
        else:
            kind.interpret(envelope.event())
    assert sorted(wrong) == ["order.paid", "scl.member.transferred", "teetime.booking.created"]


def test_every_event_is_historical_and_none_is_of_the_future():
    for event in events(as_of=AS_OF, people=SMALL):
        assert event["historical"] is True
        assert datetime.fromisoformat(event["timestamp"]) <= AS_OF


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 2, 14, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)),
        (datetime(2026, 3, 2, 5, 59, tzinfo=UTC), datetime(2026, 3, 1, 6, tzinfo=UTC)),
    ],
)
def test_the_story_ends_at_the_last_six_oclock(now, expected):
    assert latest_as_of(now) == expected


@pytest.mark.parametrize("day", [(2024, 2, 29), (2025, 3, 31), (2026, 1, 1), (2027, 12, 31)])
def test_it_can_be_told_on_any_day(day):
    assert len(list(islice(events(as_of=datetime(*day, 6, tzinfo=UTC), people=SMALL), 900))) == 900
