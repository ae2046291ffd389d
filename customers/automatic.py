"""Automatic merges: of people whom the identifiers of one event hit both, where nothing says that they are two."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from crm.tenancy.rows import dump, run, select
from crm.tenancy.scope import current_tenant
from customers.conflicts import Known, conflict
from customers.families import Family, load_families, lock_families
from customers.identity_settings import current_rules
from customers.merging import BY, Pair, merge_many
from customers.models import DuplicateCandidate, MergeRule
from customers.resolution import Tie
from customers.stamps import Stamp

HELD = """
    SELECT h.customer_id, a.kind, array_agg(a.value) AS values
    FROM customers_aliasholder h JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
    WHERE h.tenant_id = %s AND h.customer_id = ANY(%s) GROUP BY 1, 2
"""
EXPLAIN = """
    UPDATE customers_duplicatecandidate c SET reason = left(n.reason, 300)
    FROM json_to_recordset(%s) AS n (first uuid, second uuid, reason text)
    WHERE c.tenant_id = %s AND c.first_id = n.first AND c.second_id = n.second AND c.status = 'OPEN'
"""


def settle_ties(
    ties: Sequence[tuple[Tie, Stamp]], *, now: datetime, past: Collection[tuple[str, str]] = ()
) -> int:
    """Merge the people of these ties where nothing conflicts, the one known for longer wins; how many merges.

    The others' duplicate candidates, which are there, get the conflict in their reasons. In the caller's transaction;
    no statement without ties.

    past: source and id of events of the past, whose merges trigger nothing.
    """
    if not ties:
        return 0
    found, explained = joinable(ties)
    pairs = [pair._replace(is_past=(tie.source, tie.event_id) in past) for tie, pair in found]
    _explain(explained)
    return (
        sum(made is not None for made in merge_many(pairs, by=BY, rule=MergeRule.AUTOMATIC, now=now))
        if pairs
        else 0
    )


def joinable(
    ties: Sequence[tuple[Tie, Stamp | None]],
) -> tuple[list[tuple[Tie, Pair]], Mapping[frozenset[UUID], str]]:
    """The merges that these ties come to, each with its tie, where nothing conflicts; of the others, what does.

    In the caller's transaction, where everybody stays locked. About ten statements.
    """
    roots = lock_families({pk for tie, _stamp in ties for pk in (tie.one, tie.other)})
    families = load_families(set(roots.values()))
    circle = _Circle(families, roots, known_people(families), _dismissed(families))
    return [(tie, pair) for tie, stamp in ties if (pair := circle.join(tie, stamp))], circle.explained


class _Circle:
    """What is known of the people of a batch of ties, as some of them become one."""

    def __init__(
        self,
        families: Mapping[UUID, Family],
        roots: Mapping[UUID, UUID],
        known: Mapping[UUID, Known],
        dismissed: Collection[frozenset[UUID]],
    ) -> None:
        self.roots = dict(roots)
        self.parts = {root: set(family.parts) for root, family in families.items()}
        self.known = dict(known)
        self.light = {root for root, family in families.items() if family.row["is_light"]}
        self.dismissed = dismissed
        self.explained: dict[frozenset[UUID], str] = {}
        self.rules = current_rules()

    def join(self, tie: Tie, stamp: Stamp | None) -> Pair | None:
        """The merge that a tie comes to, if it does."""
        if tie.one not in self.roots or tie.other not in self.roots:
            return None
        winner, loser = sorted((self._root(tie.one), self._root(tie.other)), key=self._rank)
        if winner == loser:
            return None
        if why := self._conflict(winner, loser):
            self.explained[frozenset((tie.one, tie.other))] = f"{tie.reason}, but {why}"
            return None
        self.parts[winner] |= self.parts.pop(loser)
        self.known[winner] = self.known[winner].together(self.known.pop(loser))
        self.roots[loser] = winner
        return Pair(winner, loser, tie.reason, cause=stamp)

    def _root(self, part: UUID) -> UUID:
        root = self.roots[part]
        while self.roots.get(root, root) != root:
            root = self.roots[root]
        return root

    def _rank(self, root: UUID) -> tuple[bool, UUID]:
        """Who is more than a guest's name stays, else the one known for longer."""
        return root in self.light, root

    def _conflict(self, one: UUID, other: UUID) -> str:
        if any(len(pair & self.parts[one]) == len(pair & self.parts[other]) == 1 for pair in self.dismissed):
            return "somebody said that they are two people"
        return conflict(
            self.known[one], self.known[other], is_ever_one=lambda kind: self.rules.of(kind).is_ever_one
        )


def _as_locked(family: Family, known: Known) -> Known:
    """Nothing happens by itself to people whose processing is restricted."""
    return known._replace(is_closed=known.is_closed or family.row["processing_restricted_at"] is not None)


def known_people(families: Mapping[UUID, Family]) -> dict[UUID, Known]:
    """What tells each of these people from others. One statement."""
    held = _held(families)
    return {
        root: _as_locked(family, Known.of([part.row for part in family.parts.values()], held.get(root, {})))
        for root, family in families.items()
    }


def _held(roots: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for row in select(HELD, [current_tenant().pk, list(roots)]):
        found.setdefault(row["customer_id"], {})[row["kind"]] = row["values"]
    return found


def _dismissed(families: Mapping[UUID, Family]) -> list[frozenset[UUID]]:
    """Pairs of parts of these people that somebody told apart."""
    parts = [part for family in families.values() for part in family.parts]
    rows = DuplicateCandidate.objects.filter(
        Q(first__in=parts), Q(second__in=parts), status=DuplicateCandidate.Status.DISMISSED
    )
    return [frozenset(pair) for pair in rows.values_list("first_id", "second_id")]


def _explain(reasons: Mapping[frozenset[UUID], str]) -> None:
    rows = [
        dict(zip(("first", "second"), sorted(pair), strict=True)) | {"reason": reason}
        for pair, reason in reasons.items()
    ]
    if rows:
        run(EXPLAIN, [dump(rows), current_tenant().pk])
