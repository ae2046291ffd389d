"""The finder of duplicates: compares people who share a key and keeps the pairs that may be one person.

In full by command, for everybody; after a change, for those who changed. What staff decided is never touched: a pair
is one row for ever, and only open ones are written.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from crm.cycles import no_search_for_cycles
from crm.tenancy.models import uuid7
from crm.tenancy.rows import insert_rows, select
from crm.tenancy.scope import current_tenant
from customers import comparing
from customers.blocks import Blocks, Met, all_pairs, block_everybody, drop_blocks
from customers.comparing import BATCH, Pair
from customers.gathering import gather_everybody
from customers.likeness import Band, Learner, Model, Verdict, judge, record
from customers.models import CustomerProfile, DuplicateCandidate, LikenessWeights

# What of a profile is compared, as the news call it.
COMPARED = frozenset({
    "firstName", "lastName", "displayName", "dateOfBirth", "email", "phoneNumber", "phoneIsValid", "gender", "status",
    "authUserId", "sclMemberId", "teetimePlayerId", "messagingContactId", "externalIds",
})  # fmt: skip
AT_ONCE = 500
Report = Callable[[str, int, int], None]
FINDER = DuplicateCandidate.FINDER
DRAWN, DRAWN_FROM = 40_000, 2_000  # pairs at random, of so many people
FEWEST = 1_000  # people to learn from
MET = 60_000  # pairs with a key in common, to learn from
COMMON_NAMES = 3_000
COMMON = 0.0005  # the share of people from which a name is common
COLUMNS = [
    "id", "first_id", "second_id", "status", "reason", "source", "source_event_id", "created_at", "band", "score",
    "reasons", "vetoes", "checked_at",
]  # fmt: skip
JUDGED = """(tenant_id, first_id, second_id) DO UPDATE SET band = EXCLUDED.band, score = EXCLUDED.score,
    reasons = EXCLUDED.reasons, vetoes = EXCLUDED.vetoes, checked_at = EXCLUDED.checked_at
    WHERE customers_duplicatecandidate.status = 'OPEN'"""
ROOTS = """
    WITH RECURSIVE up (part, root, next) AS (
        SELECT id, id, merged_into_id FROM customers_customerprofile WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
        UNION
        SELECT up.part, p.id, p.merged_into_id FROM up JOIN customers_customerprofile p
            ON p.tenant_id = %(tenant)s AND p.id = up.next
    )
    SELECT part, root FROM up WHERE next IS NULL
"""
SOME = """
    SELECT p.id FROM customers_customerprofile p
    WHERE p.tenant_id = %s AND p.status NOT IN ('MERGED', 'DELETED') AND NOT p.is_light ORDER BY random() LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run came to: people there are, how they were blocked, pairs put forward by band, pairs withdrawn."""

    people: int
    blocks: Blocks
    certain: int
    to_review: int
    withdrawn: int


def say_nothing(_what: str, _done: int, _of: int) -> None:
    pass


class Jury:
    """Judges pairs by one model, and leaves out what was decided already of people who were merged since."""

    def __init__(self, model: Model) -> None:
        self.model, self.settled = model, settled_by_merges()

    def verdicts(self, pairs: Iterable[Met], *, in_full: bool = False) -> dict[Pair, Verdict]:
        """A verdict on each pair that may be one person; where asked in full, on the others too."""
        found = {}
        for one, other in pairs:
            verdict = judge(one, other, self.model, in_full=in_full)
            if in_full or verdict.band is not Band.IGNORE:
                first, second = cast(Pair, (one.id, other.id))
                pair = (min(first, second), max(first, second))
                if pair not in self.settled:
                    found[pair] = verdict
        return found


def find_all(*, learn: bool = False, dry_run: bool = False, report: Report = say_nothing) -> Found:
    """Compare everybody of the open tenant. Not in a transaction: each batch of pairs commits by itself.

    learn:   work out the tenant's own weights first, and keep them. dry_run: count and write no pair.
    report:  hears what is being done, how far it is, and of how many.
    Whoever shares a contact and is in no household yet is put into one on the way.
    Three statements for 5,000 people whose keys are stale, three for 10,000 pairs; the rest is a handful. Repeating it
    is harmless, and one that was killed has lost nothing but time.
    """
    began, people = timezone.now(), CustomerProfile.objects.listed().count()
    with no_search_for_cycles():
        comparing.refresh_keys(lambda done: report("people", done, people))
        try:
            blocks = block_everybody(people)
            jury = Jury(learn_weights(people, blocks) if learn else weights(people))
            counts = _compare(blocks, jury, dry_run, report)
        finally:
            drop_blocks()
    if not dry_run:
        gather_everybody(lambda done, of: report("contacts", done, of))
    withdrawn = 0 if dry_run else _reconsider(Q(checked_at=None) | Q(checked_at__lt=began), jury)
    return Found(people, blocks, counts[Band.AUTO], counts[Band.REVIEW], withdrawn)


def _compare(blocks: Blocks, jury: Jury, dry_run: bool, report: Report) -> Counter[Band]:
    """Judge all pairs, and keep those that may be one person; how many of each band."""
    counts: Counter[Band] = Counter()
    done = 0
    for pairs in all_pairs(blocks):
        verdicts = jury.verdicts(pairs)
        counts.update(verdict.band for verdict in verdicts.values())
        if not dry_run:
            _keep(verdicts)
        done += len(pairs)
        report("pairs", done, blocks.pairs)
    return counts


@transaction.atomic
def find_for(ids: Collection[UUID]) -> int:
    """Compare these people with everybody else; how many pairs were put forward or kept.

    About a dozen statements, whatever the number of people.
    """
    if not ids:
        return 0
    began = timezone.now()
    comparing.refresh_keys_of(ids)
    jury = Jury(weights())
    kept = _keep(jury.verdicts(_met(comparing.pairs_of(ids))))
    stale = Q(checked_at=None) | Q(checked_at__lt=began)
    _reconsider(stale & (Q(first__in=ids) | Q(second__in=ids)), jury)
    return kept


def catch_up(*, limit: int = 20 * AT_ONCE) -> int:
    """Compare people who changed since they were compared last, some at a time; how many.

    Of many more than that, it is for `find_duplicates` to compare everybody: it is left to it.
    """
    stale = comparing.stale(limit + 1)
    if len(stale) > limit:
        return 0
    for start in range(0, len(stale), AT_ONCE):
        find_for(stale[start : start + AT_ONCE])
    return len(stale)


def _keep(verdicts: dict[Pair, Verdict]) -> int:
    """Put forward the pairs that may be one person, or bring up to date what was said of them. One statement."""
    now = timezone.now()
    rows = [
        _row(pair, verdict, now)
        for pair, verdict in sorted(verdicts.items())
        if verdict.band is not Band.IGNORE
    ]
    insert_rows(DuplicateCandidate, rows, COLUMNS, conflict=JUDGED)
    return len(rows)


def _met(pairs: Collection[Pair]) -> list[Met]:
    """Those of the pairs of whom both are still there. One statement."""
    known = comparing.records_of({pk for pair in pairs for pk in pair}) if pairs else {}
    return [(known[one], known[other]) for one, other in pairs if one in known and other in known]


def _row(pair: Pair, verdict: Verdict, at: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(), "first_id": pair[0], "second_id": pair[1], "status": "OPEN", "source": FINDER,
        "source_event_id": "", "created_at": at, "checked_at": at, "band": verdict.band,
        "reason": ", ".join(reason.name for reason in verdict.reasons if reason.weight > 0)[:300],
        "score": round(verdict.score, 4), "reasons": [list(reason) for reason in verdict.reasons],
        "vetoes": verdict.vetoes,
    }  # fmt: skip


def _reconsider(which: Q, jury: Jury) -> int:
    """Judge open pairs that no key brought up; the finder's own that are no longer alike are withdrawn, how many.

    What a source told of stays in the queue, with what the finder thinks of it. Three statements for 5,000 of them.
    """
    open_ones = DuplicateCandidate.objects.filter(which, status="OPEN")
    told = list(open_ones.values_list("pk", "first_id", "second_id", "source"))
    return sum(_reconsider_some(told[at : at + BATCH], jury) for at in range(0, len(told), BATCH))


def _reconsider_some(told: Sequence[tuple[UUID, UUID, UUID, str]], jury: Jury) -> int:
    verdicts = jury.verdicts(_met([(first, second) for _pk, first, second, _source in told]), in_full=True)
    withdrawn = []
    for pk, first, second, source in told:
        verdict = verdicts.get((first, second))
        if source == FINDER and (verdict is None or verdict.band is Band.IGNORE):
            withdrawn.append(pk)
            verdicts.pop((first, second), None)
    _keep({pair: _at_least_review(verdict) for pair, verdict in verdicts.items()})
    if withdrawn:
        DuplicateCandidate.objects.filter(pk__in=withdrawn, status="OPEN").delete()
    return len(withdrawn)


def _at_least_review(verdict: Verdict) -> Verdict:
    return verdict._replace(band=Band.REVIEW) if verdict.band is Band.IGNORE else verdict


def settled_by_merges() -> set[Pair]:
    """Pairs of people who are two because staff said so of profiles that were merged into them since."""
    merged = DuplicateCandidate.objects.filter(status="DISMISSED").filter(
        Q(first__status="MERGED") | Q(second__status="MERGED")
    )
    pairs = list(merged.values_list("first_id", "second_id"))
    params = {"tenant": current_tenant().pk, "ids": [pk for pair in pairs for pk in pair]}
    root = {row["part"]: row["root"] for row in select(ROOTS, params)} if pairs else {}
    now = [(root.get(first, first), root.get(second, second)) for first, second in pairs]
    return {(min(pair), max(pair)) for pair in now}


def weights(people: int | None = None) -> Model:
    """What likeness weighs among the tenant's people: as they taught, else as shipped. Two statements."""
    people = CustomerProfile.objects.listed().count() if people is None else people
    kept = LikenessWeights.objects.first()
    if kept is None:
        return Model(people)
    model = Model.of_json(kept.weights)
    model.people = people
    return model


def learn_weights(people: int, blocks: Blocks) -> Model:
    """Work out the tenant's own weights, and keep them; of too few people, nothing is learnt.

    blocks: those of the last `block_everybody`.
    """
    if people < FEWEST:
        return weights(people)
    learner, dice = Learner(), random.Random(1)
    some = [row["id"] for row in select(SOME, [current_tenant().pk, DRAWN_FROM])]
    drawn = list(comparing.records_of(some).values())
    for _ in range(DRAWN if len(drawn) > 1 else 0):
        learner.draw(*dice.sample(drawn, 2))
    every = max(1, blocks.pairs // MET)
    for pairs in all_pairs(blocks, every=every):
        for one, other in pairs:
            learner.meet(one, other)
    model = learner.model(people=people, names=common_names(people), every=every)
    told = orjson.loads(orjson.dumps(model.as_json()))
    LikenessWeights.objects.update_or_create(
        tenant=current_tenant(), defaults={"weights": told, "learnt_at": timezone.now()}
    )
    return model


def common_names(people: int) -> dict[str, dict[str, float]]:
    """The share of people who have each common first name and surname, folded. Two statements."""
    found: dict[str, dict[str, float]] = {"given": {}, "surname": {}}
    for column, name in (("first_name", "given"), ("last_name", "surname")):
        told = CustomerProfile.objects.listed().exclude(**{column: ""}).order_by().values_list(column)
        for spelt, times in told.annotate(times=Count("pk")).order_by("-times")[:COMMON_NAMES]:
            folded = getattr(record("", **{column: spelt}), name)
            found[name][folded] = found[name].get(folded, 0.0) + times / people
    return {
        name: {word: share for word, share in shares.items() if share >= COMMON}
        for name, shares in found.items()
    }
