"""What every gateway takes, promises and may say."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address, ready to go. `id` names it to the gateway, so that a second try is known as one."""

    id: str
    to: str
    subject: str
    text: str = field(repr=False)


class NotSent(Exception):
    """The gateway did not take a letter; the text says why. `permanent` = trying again can't help."""

    def __init__(self, why: str, *, permanent: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent


class Gateway(Protocol):
    """A way for mail to leave. Called outside of any transaction; it may take seconds."""

    name: str

    def send(self, letter: Letter) -> None:
        """Raises NotSent."""
