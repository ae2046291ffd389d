"""Answers of other systems to our calls."""

from typing import Any

from crm.messaging.reading import mapping, words
from crm.outbound import LONGEST_WAIT, Reply


def read(reply: Reply) -> Any:
    """The JSON of an answer; None where it is none."""
    try:
        return reply.json() if reply.body else {}
    except (ValueError, RecursionError):
        return None


def seconds(value: Any) -> float | None:
    """A number of seconds to wait, up to what is ever waited; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(min(value, LONGEST_WAIT))


def why(reply: Reply, who: str) -> str:
    """Status and words of a refusal, in whichever of the usual shapes it names them."""
    said = mapping(read(reply))
    error = said.get("error")
    found = words(mapping(error).get("message")) or words(error) or words(said.get("message"))
    return f"{who} answered {reply.status}: {found or words(reply.excerpt, 100)}"[:300]
