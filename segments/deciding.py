"""Which rules made the difference for somebody."""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from segments import evaluator, facts
from segments.models import Segment
from segments.periods import Clock
from segments.trees import AND, Group, Node


def pivotal_leaves(
    segment: Segment, tree: Group, people: Collection[UUID], *, moment: datetime
) -> dict[UUID, list[str]]:
    """Person -> the paths of the rules that decide: had one of them alone come out otherwise, so would the whole.

    One statement, and one for each relation that the rules speak of.
    """
    clock = Clock(moment, segment.zone)
    known = facts.load(tree, people, clock)
    return {pk: _pivotal(tree, evaluator.explain(tree, one, clock)) for pk, one in known.items()}


def _pivotal(tree: Group, verdicts: list[evaluator.Verdict]) -> list[str]:
    answers = [verdict.holds for verdict in verdicts]
    whole = _combined(tree, iter(answers))
    return [
        verdict.path
        for number, verdict in enumerate(verdicts)
        if _combined(tree, iter(_flipped(answers, number))) != whole
    ]


def _flipped(answers: list[bool], number: int) -> list[bool]:
    return [answer != (place == number) for place, answer in enumerate(answers)]


def _combined(node: Node, answers: Iterator[bool]) -> bool:
    """A tree's answer by those of its leaves, in their order."""
    if not isinstance(node, Group):
        return next(answers)
    parts = [_combined(rule, answers) for rule in node.rules]
    return (all(parts) if node.combinator == AND else any(parts)) != node.negated
