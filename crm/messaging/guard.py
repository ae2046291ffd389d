"""A circuit breaker before a gateway: a provider that is down is asked now and then, not by every batch.

Its state is of the process. Each of a few worker processes finds out for itself within some batches, at no cost but
these; a shared state would put a lock, and a server that may be away too, before every batch. What was held back is
a row that is due again, so nothing is lost with the process.
"""

import threading
from collections.abc import Sequence
from time import monotonic

import structlog

from crm.messaging.delivery import Gateway, Outcome, Outgoing, Result, all_of

log = structlog.get_logger(__name__)

FAILURES = 5  # whole batches in a row
PAUSE, LONGEST = 15.0, 300.0  # seconds until it is asked again; doubled each time that it still fails
UNAVAILABLE = "UNAVAILABLE"


def _unavailable(name: str, wait: float) -> Outcome:
    """What the breaker says in the provider's place."""
    why = f"{name} does not answer and is left alone."
    return Outcome("", Result.LATER, code=UNAVAILABLE, why=why, wait=wait)


class Guarded:
    """A gateway behind a breaker: after FAILURES whole batches that failed it is left alone for a while.

    Then one message is tried; with it done, all go again.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.name, self.most_at_once = gateway.name, gateway.most_at_once
        self.repeats_for, self.can_look_up = gateway.repeats_for, gateway.can_look_up
        self.lock = threading.Lock()
        self.failures = 0
        self.until = 0.0
        self.pause = PAUSE
        self.is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the provider is left alone just now."""
        return self.until > monotonic()

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        if not batch:
            return []
        wait, is_probe = self._enter()
        if wait > 0:
            return all_of(batch, _unavailable(self.name, wait))
        if not is_probe:
            return self._watch(batch)
        try:
            outcomes = self._watch(batch[:1])
        finally:
            self.is_probing = False
        rest = batch[1:]
        if not rest:
            return outcomes
        if self.is_open:
            return outcomes + all_of(rest, _unavailable(self.name, self.until - monotonic()))
        return outcomes + self._watch(rest)

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {} if self.is_open else self.gateway.look_up(keys)

    def _enter(self) -> tuple[float, bool]:
        """Seconds to leave it alone, and whether to try with one message first."""
        with self.lock:
            if self.failures < FAILURES:
                return 0.0, False
            if self.is_probing:
                return PAUSE, False
            wait = self.until - monotonic()
            self.is_probing = wait <= 0
            return max(0.0, wait), self.is_probing

    def _watch(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        outcomes = self.gateway.send(batch)
        failed = all(outcome.result in (Result.LATER, Result.UNKNOWN) for outcome in outcomes)
        with self.lock:
            if not failed:
                if self.failures >= FAILURES:
                    log.info("gateway.back", gateway=self.name)
                self.failures, self.pause, self.until = 0, PAUSE, 0.0
            else:
                self.failures += 1
                if self.failures >= FAILURES:
                    self._open(outcomes[0])
        return outcomes

    def _open(self, last: Outcome) -> None:
        log.warning("gateway.left_alone", gateway=self.name, code=last.code, seconds=self.pause)
        self.until = monotonic() + min(max(self.pause, last.wait or 0.0), LONGEST)
        self.pause = min(self.pause * 2, LONGEST)


def guarded(gateway: Gateway) -> Guarded:
    """A gateway behind a breaker of its own."""
    return Guarded(gateway)
