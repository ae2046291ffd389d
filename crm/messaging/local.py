"""Where no provider is set up: what is sent goes nowhere, and its row in the message log is the mailbox."""

from collections.abc import Sequence
from datetime import timedelta

from crm.messaging.delivery import Outcome, Outgoing, Result


class MessageLog:
    """Takes everything; repeating does no harm."""

    name = "local"
    most_at_once = 1_000
    repeats_for: timedelta | None = timedelta(days=3650)
    can_look_up = True

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return [Outcome(message.key, Result.ACCEPTED) for message in batch]

    def look_up(self, keys: Sequence[str]) -> dict[str, Outcome]:
        return {key: Outcome(key, Result.ACCEPTED) for key in keys}
