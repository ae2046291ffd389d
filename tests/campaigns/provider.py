"""A provider on whom a test depends: he remembers keys, counts what he took, and misbehaves as he is told."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from crm.messaging.delivery import Outcome, Outgoing, Result


class Provider:
    """keys: whether a repeated key is known, so that nothing is made of it; asks: whether he can be asked.

    took: how often each key had an effect. faults: what he does with a message in place of taking it, with a
    probability: LATER (429, 500), LOST (taken, but no answer arrives), REFUSED.
    """

    name, most_at_once = "provider", 40

    def __init__(
        self, *, keys: bool = True, asks: bool = False, faults: dict[str, float] | None = None, seed: int = 1
    ):
        self.repeats_for = timedelta(hours=1) if keys else None
        self.can_look_up = asks
        self.faults, self.random = faults or {}, random.Random(seed)
        self.took: Counter[str] = Counter()
        self.to: list[str] = []
        self.batches: list[int] = []
        self.before: Callable[[], None] = lambda: None

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        self.before()
        self.batches.append(len(batch))
        return [self.one(message) for message in batch]

    def one(self, message: Outgoing) -> Outcome:
        fault = self.random.choices(
            [*self.faults, ""], [*self.faults.values(), 1 - sum(self.faults.values())]
        )[0]
        if fault == "LATER":
            return Outcome(message.key, Result.LATER, code="429", wait=self.random.choice([None, 1.0]))
        if fault in ("REFUSED", "UNREGISTERED", "OPTED_OUT"):
            return Outcome(message.key, Result[fault], code="550", why="no")
        if not (self.repeats_for and message.key in self.took):
            self.took[message.key] += 1
            self.to.append(message.to)
        if fault == "LOST":
            return Outcome(message.key, Result.UNKNOWN, why="no answer")
        return Outcome(message.key, Result.ACCEPTED, provider_id=f"id-{message.key}")

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {key: Outcome(key, Result.ACCEPTED if key in self.took else Result.LATER) for key in keys}
