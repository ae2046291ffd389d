"""For providers that take one message a call: several calls at once, and an end to them when nobody can go."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from crm.messaging.answers import why
from crm.messaging.delivery import BUDGET, Outcome, Outgoing, Result
from crm.outbound import CallFailed, Reply, call, step_outside

AT_ONCE = 8  # calls; each is a thread that waits for the provider
MOST_LOST = 3
HOLD_UP = frozenset({401, 408, 425, 429, 503})


class HeldUp(Exception):
    """Nobody can go just now: the provider is full, away, or refuses the login.

    of_sender: nobody from this number, that is; others can.
    """

    def __init__(
        self, why: str, *, code: str = "", wait: float | None = None, of_sender: bool = False
    ) -> None:
        super().__init__(why)
        self.code, self.wait, self.of_sender = code, wait, of_sender


class Lost(Exception):
    """This message may have gone: there was no answer, or none that says so."""


TOO_SLOW = HeldUp("The provider takes too long.")


def one_by_one(batch: Sequence[Outgoing], send: Callable[[Outgoing], Outcome]) -> list[Outcome]:
    """What came of each message. `send` may raise HeldUp, after which the rest is not tried, or Lost.

    When MOST_LOST may have gone, the rest is not tried either: somebody would have to look after each.
    """
    step_outside()
    held: dict[str | None, HeldUp] = {}  # by the number it is from; None: all
    until = monotonic() + BUDGET
    lost: list[str] = []

    def one(message: Outgoing) -> Outcome:
        up = held.get(None) or held.get(message.sender.phone) or (TOO_SLOW if monotonic() > until else None)
        if up is None:
            try:
                return send(message)
            except HeldUp as found:
                up = found
                held[message.sender.phone if up.of_sender else None] = up
            except Lost as gone:
                lost.append(message.key)
                if len(lost) >= MOST_LOST:
                    held[None] = HeldUp(str(gone))
                return Outcome(message.key, Result.UNKNOWN, why=str(gone))
        return Outcome(message.key, Result.LATER, code=up.code, why=str(up), wait=up.wait)

    if len(batch) == 1:
        return [one(batch[0])]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(one, batch))


def post(who: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
    """Call a provider that the operator named. Raises HeldUp where nothing was sent, Lost where something may be."""
    try:
        return call("POST", url, body=body, headers=headers, is_ours=True)
    except CallFailed as failed:
        if failed.may_be_done:
            raise Lost(f"{who} did not answer ({failed}).") from failed
        raise HeldUp(f"{who} can’t be reached ({failed}).") from failed


def check_status(reply: Reply, who: str) -> None:
    """Raise HeldUp or Lost for a status that is about the provider, not about a message."""
    if reply.status in HOLD_UP:
        raise HeldUp(why(reply, who), code=str(reply.status), wait=reply.retry_after)
    if reply.status >= 500 or reply.status < 200 or 300 <= reply.status < 400:
        raise Lost(why(reply, who))
