"""The breaker: a provider that is down is left alone, tried with one message, and used again."""

import threading
from collections.abc import Sequence

import pytest

from crm.messaging import guard
from crm.messaging.delivery import Channel, Outcome, Outgoing, Result, Sender
from crm.messaging.guard import FAILURES, PAUSE, guarded
from crm.messaging.local import MessageLog

BATCH = [
    Outgoing(f"m{number}", Channel.EMAIL, "p@mail.example", Sender("", "c@club.example"))
    for number in range(5)
]


class Flaky(MessageLog):
    """Says `result` of every message; `seen` are the sizes of the batches that reached it."""

    def __init__(self) -> None:
        self.result, self.wait, self.seen = Result.LATER, None, []

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        self.seen.append(len(batch))
        return [Outcome(message.key, self.result, wait=self.wait) for message in batch]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(guard, "monotonic", lambda: now[0])
    return now


def fail(breaker: guard.Guarded, times: int = FAILURES) -> None:
    for _ in range(times):
        breaker.send(BATCH)


def test_after_some_failures_nothing_is_asked_until_a_while_has_passed(clock: list[float]) -> None:
    flaky = Flaky()
    breaker = guarded(flaky)
    fail(breaker, FAILURES + 3)
    assert flaky.seen == [5] * FAILURES
    clock[0] += PAUSE - 5
    outcomes = breaker.send(BATCH)
    assert {(o.result, o.code, o.wait) for o in outcomes} == {(Result.LATER, "UNAVAILABLE", 5.0)}
    assert [o.key for o in outcomes] == [message.key for message in BATCH]
    assert breaker.look_up(["m1"]) == {}


def test_one_message_is_tried_and_if_it_goes_so_do_the_others(clock: list[float]) -> None:
    flaky = Flaky()
    breaker = guarded(flaky)
    fail(breaker)
    clock[0] += PAUSE + 1
    flaky.result = Result.ACCEPTED
    assert {o.result for o in breaker.send(BATCH)} == {Result.ACCEPTED}
    assert flaky.seen[FAILURES:] == [1, 4]
    assert not breaker.is_open and breaker.look_up(["m1"])


def test_while_it_still_fails_the_pauses_grow_to_a_limit(clock: list[float]) -> None:
    flaky = Flaky()
    breaker = guarded(flaky)
    fail(breaker)
    waits = []
    for _ in range(7):
        clock[0] = breaker.until
        first, *rest = breaker.send(BATCH)
        assert (first.wait, {o.code for o in rest}) == (None, {"UNAVAILABLE"})
        waits.append(breaker.until - clock[0])
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0, 300.0]
    assert flaky.seen[FAILURES:] == [1] * 7


def test_what_may_have_gone_is_a_failure_and_a_refusal_is_an_answer(clock: list[float]) -> None:
    flaky = Flaky()
    flaky.result = Result.UNKNOWN
    breaker = guarded(flaky)
    fail(breaker)
    assert breaker.is_open
    flaky.result = Result.REFUSED
    breaker = guarded(flaky)
    fail(breaker, 20)
    assert not breaker.is_open


def test_a_long_wait_that_one_batch_was_told_does_not_shut_the_process_off_for_a_day(
    clock: list[float],
) -> None:
    flaky = Flaky()
    flaky.wait = 67_608.0
    breaker = guarded(flaky)
    fail(breaker)
    assert breaker.until - clock[0] == guard.LONGEST


def test_only_one_of_many_threads_tries(clock: list[float]) -> None:
    flaky, started, go_on = Flaky(), threading.Event(), threading.Event()
    breaker = guarded(flaky)
    fail(breaker)
    clock[0] += PAUSE + 1
    usual = flaky.send

    def slow(batch: Sequence[Outgoing]) -> list[Outcome]:
        started.set()
        go_on.wait(5)
        return usual(batch)

    flaky.send = slow  # type: ignore[method-assign]
    probe = threading.Thread(target=breaker.send, args=[BATCH])
    probe.start()
    started.wait(5)
    assert {o.code for o in breaker.send(BATCH)} == {"UNAVAILABLE"}
    go_on.set()
    probe.join()
    assert flaky.seen[FAILURES:] == [1]


def test_an_empty_batch_is_nothing() -> None:
    flaky = Flaky()
    assert guarded(flaky).send([]) == [] == flaky.seen
