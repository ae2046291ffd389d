from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Reason
from campaigns.policy import SEND, Cap, Counted, Facts, Kind, Verdict, caps_of, decide, is_control
from campaigns.quiet_hours import daily

NOW = datetime(2026, 6, 3, 10, tzinfo=UTC)
LATER, NEVER = Kind.LATER, Kind.NEVER
USUAL = Facts(
    channel="EMAIL", purpose="MARKETING", address="a@example.com", deadline=NOW + timedelta(hours=48),
    zone=ZoneInfo("UTC"),
)  # fmt: skip
CAP = Cap("EMAIL", 1, 7)


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def counted(*ago: float, channel: str = "EMAIL") -> Sequence[Counted]:
    return [Counted(channel, hours(-one)) for one in ago]


CASES: list[tuple[dict[str, Any], Verdict]] = [
    ({}, SEND),
    ({"refusal": "REFUSED", "is_suppressed": True}, Verdict(NEVER, "REFUSED")),
    ({"refusal": "ERASED"}, Verdict(NEVER, "ERASED")),
    ({"address": ""}, Verdict(NEVER, "NO_ADDRESS")),
    ({"is_suppressed": True}, Verdict(NEVER, "SUPPRESSED")),
    ({"is_suppressed": True, "is_marketing": False}, Verdict(NEVER, "SUPPRESSED")),
    ({"is_suppressed": True, "is_test": True}, Verdict(NEVER, "SUPPRESSED")),
    ({"is_duplicate": True}, Verdict(NEVER, "DUPLICATE_PERSON")),
    ({"is_control": True}, Verdict(NEVER, "CONTROL_GROUP")),
    ({"is_booked": True}, Verdict(NEVER, "ALREADY_BOOKED")),
    ({"has_complaint": True}, Verdict(NEVER, "COMPLAINT_OPEN")),
    ({"is_in_arrears": True}, Verdict(NEVER, "IN_ARREARS")),
    ({"is_sender_paused": True}, Verdict(LATER, "SENDER_PAUSED", NOW + timedelta(minutes=10))),
    ({"is_sender_paused": True, "deadline": NOW}, Verdict(NEVER, "SENDER_PAUSED")),
    ({"on_course_until": hours(3)}, Verdict(LATER, "ON_COURSE", hours(3))),
    ({"on_course_until": hours(3), "deadline": hours(2)}, Verdict(NEVER, "ON_COURSE")),
    ({"on_course_until": hours(-1)}, SEND),
    ({"caps": [CAP], "counted": counted(24 * 6)}, Verdict(LATER, "CAPPED", hours(24))),
    ({"caps": [CAP], "counted": counted(24 * 7)}, SEND),
    ({"caps": [CAP], "counted": counted(1)}, Verdict(NEVER, "CAPPED")),
    ({"caps": [CAP], "counted": counted(1, channel="SMS")}, SEND),
    ({"caps": [Cap(None, 1, 7)], "counted": counted(24 * 6, channel="SMS")}, Verdict(LATER, "CAPPED", hours(24))),
    ({"caps": [Cap("SMS", 1, 7)], "counted": counted(1, channel="SMS")}, SEND),
    ({"caps": [Cap(None, 0, 7)]}, Verdict(NEVER, "CAPPED")),
    ({"caps": [Cap(None, 0, 7, ("MARKETING",))]}, SEND),
    ({"hours": daily(12, 14)}, Verdict(LATER, "QUIET_HOURS", hours(2))),
    ({"hours": daily(12, 14), "deadline": hours(1)}, Verdict(NEVER, "QUIET_HOURS")),
    # what frees one thing may be held by another: after the round it is night, in the morning the cap is over
    (
        {"on_course_until": hours(5), "hours": daily(8, 12), "caps": [CAP], "counted": counted(24 * 7 - 1)},
        Verdict(LATER, "QUIET_HOURS", hours(22)),
    ),
    # service messages and tests pass what only marketing must heed
    (
        {"is_marketing": False, "is_control": True, "has_complaint": True, "is_sender_paused": True,
         "caps": [Cap(None, 0, 7)], "hours": daily(12, 14), "on_course_until": hours(3)},
        SEND,
    ),
    ({"is_test": True, "refusal": "REFUSED", "is_duplicate": True, "caps": [Cap(None, 0, 7)]}, SEND),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), CASES)
def test_the_decision(changed: dict[str, Any], expected: Verdict) -> None:
    assert decide(replace(USUAL, **changed), NOW) == expected


def test_every_reason_is_one_that_staff_can_read() -> None:
    assert {verdict.reason for _, verdict in CASES if verdict.reason} <= set(Reason.values)


caps = st.lists(
    st.builds(Cap, st.sampled_from([None, "EMAIL", "SMS"]), st.integers(1, 3), st.sampled_from([1, 2, 7])),
    max_size=3,
)
sends = st.lists(st.tuples(st.sampled_from(["EMAIL", "SMS"]), st.integers(0, 24 * 9)), max_size=25)


@given(caps, sends)
def test_no_window_ever_holds_more_than_its_cap(limits: list[Cap], wanted: list[tuple[str, int]]) -> None:
    gone: list[Counted] = []
    for channel, hour in sorted(wanted, key=lambda one: one[1]):
        at = hours(hour)
        facts = replace(USUAL, channel=channel, caps=limits, counted=list(gone), deadline=hours(24 * 30))
        verdict = decide(facts, at)
        if verdict.kind is Kind.SEND:
            gone.append(Counted(channel, at))
        else:  # at the time that it names, one more may go
            assert verdict.until is not None and verdict.until > at
            assert decide(facts, verdict.until) == SEND
    for cap in limits:
        times = [one.at for one in gone if cap.channel in (None, one.channel)]
        for end in times:
            assert sum(end - timedelta(days=cap.days) < one <= end for one in times) <= cap.most


def test_the_control_group_is_stable_and_as_large_as_told() -> None:
    people = [uuid4() for _ in range(4000)]
    chosen = {pk for pk in people if is_control(pk, "club-fynbos", 10)}
    assert chosen == {pk for pk in people if is_control(pk, "club-fynbos", 10)}
    assert 300 < len(chosen) < 500
    assert chosen <= {pk for pk in people if is_control(pk, "club-fynbos", 20)}
    assert not any(is_control(pk, "club-fynbos", 0) for pk in people)


def test_caps_are_read_as_they_are_stored() -> None:
    stored = [{"channel": None, "most": 6, "days": 7, "beyond": ["MEMBERSHIP_SERVICE"]}]
    assert caps_of(stored) == (Cap(None, 6, 7.0, ("MEMBERSHIP_SERVICE",)),)
