"""Why somebody is in a segment or not: every leaf of its rules with the value it was asked of."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.tenancy.scope import current_tenant
from segments import facts, values
from segments.evaluator import decisive, evaluate, explain
from segments.periods import Clock
from segments.sentences import sentence
from segments.trees import Group


class Reason(NamedTuple):
    """One leaf: where it stands, what it asks in words, whether it holds, and of what value as JSON.

    decides: had this leaf alone been the other way, so would the whole.
    """

    path: str
    sentence: str
    holds: bool
    actual: Any
    decides: bool


class Answer(NamedTuple):
    matches: bool
    reasons: list[Reason]


def why(
    tree: Group,
    person: UUID,
    *,
    moment: datetime,
    zone: ZoneInfo | None = None,
    names: Mapping[UUID, str] | None = None,
) -> Answer | None:
    """What every leaf of a tree says of somebody of the open tenant; None where there is nobody of that id.

    names: of segments, for the sentences. A statement for the person, one for each relation and history asked about.
    """
    clock = Clock(moment, zone or current_tenant().zone)
    known = facts.load(tree, [person], clock).get(person)
    if known is None:
        return None
    verdicts = explain(tree, known, clock)
    deciding = set(decisive(tree, {verdict.path: verdict.holds for verdict in verdicts}))
    reasons = [
        Reason(
            verdict.path, sentence(verdict.leaf, names), verdict.holds, _plain(verdict.actual), verdict.path in deciding
        )
        for verdict in verdicts
    ]  # fmt: skip
    return Answer(evaluate(tree, known, clock), reasons)


def deciding_leaves(
    tree: Group, people: Collection[UUID], *, moment: datetime, zone: ZoneInfo | None = None
) -> dict[UUID, list[str]]:
    """Of each of these people the paths of the leaves that decide. For some hundreds of people at a time."""
    clock = Clock(moment, zone or current_tenant().zone)
    known = facts.load(tree, people, clock)
    return {
        pk: decisive(tree, {verdict.path: verdict.holds for verdict in explain(tree, one, clock)})
        for pk, one in known.items()
    }


def _plain(actual: Any) -> Any:
    if isinstance(actual, list):
        return [_plain(one) for one in actual]
    return None if actual == "" else values.written(actual)
