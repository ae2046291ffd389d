"""Moves of a row from one state to another: declared as data, and refereed by the database."""

from collections.abc import Collection, Mapping
from typing import Any

from crm.errors import Conflict

Moves = Mapping[str, Collection[str]]


class IllegalMove(Conflict):
    """It is not in a state that allows this, or somebody changed it just now."""


def transition(row: Any, to: str, *, moves: Moves, field: str = "status", **values: Any) -> None:
    """Move a row to another state and write `values` with it. One statement.

    Raises IllegalMove where the move is not declared, or somebody else moved the row since it was read.
    """
    at = getattr(row, field)
    if to not in moves.get(at, ()):
        raise IllegalMove(f"It is {at}, from which it can’t become {to}.")
    told = {field: to, **values}
    if type(row).objects.filter(**{"pk": row.pk, field: at}).update(**told) != 1:
        raise IllegalMove(f"It was {at}, and somebody changed it just now: read it again.")
    for name, value in told.items():
        setattr(row, name, value)
