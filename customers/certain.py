"""Merges the pairs of which the finder of duplicates is certain, where a tenant wants that."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from crm.database import retrying
from crm.tenancy.scope import current_tenant
from customers import comparing
from customers.automatic import joinable
from customers.deduplication import FINDER, Jury, weights
from customers.families import lock_families
from customers.likeness import Band, Verdict
from customers.merging import merge_many
from customers.models import DuplicateCandidate, MergeRule
from customers.resolution import Tie

BY = "job:duplicates"
AT_ONCE = 100
REASON = "certain to the duplicate finder"


def merge_certain() -> int:
    """Make one person of each pair that is certain, if the open tenant merges those by itself; how many.

    Each hundred by themselves. Who is merged is compared once more while they are locked, and nobody is merged against
    a number, name or birth date, or somebody's word: such a pair waits for staff. Repeating it is harmless. One
    statement where there is nothing to do.
    """
    done = 0
    while current_tenant().merges_duplicates and (pairs := _certain()):
        done += retrying(partial(_merge, pairs))
    return done


def _certain() -> list[DuplicateCandidate]:
    pairs = DuplicateCandidate.objects.waiting().filter(source=FINDER, band=Band.AUTO)
    return list(pairs.in_queue_order()[:AT_ONCE])


@transaction.atomic
def _merge(pairs: Sequence[DuplicateCandidate]) -> int:
    lock_families({pk for pair in pairs for pk in (pair.first_id, pair.second_id)})
    sure = {pair: verdict for pair, verdict in _verdicts(pairs).items() if verdict.band is Band.AUTO}
    found, _conflicts = joinable([(Tie(*pair, REASON, FINDER, ""), None) for pair in sure])
    merges = [
        merge._replace(score=round(sure[tie.one, tie.other].score), is_past=True) for tie, merge in found
    ]
    made = merge_many(merges, by=BY, rule=MergeRule.FINDER, now=timezone.now()) if merges else []
    # What is still open is not so certain after all: it is asked, and not tried again until it is compared anew.
    left = DuplicateCandidate.objects.filter(pk__in=[pair.pk for pair in pairs], status="OPEN")
    left.update(band=Band.REVIEW, vetoes=["conflict"])
    return sum(one is not None for one in made)


def _verdicts(pairs: Sequence[DuplicateCandidate]) -> dict[comparing.Pair, Verdict]:
    """As they are now, whatever they were when the pair was put forward."""
    known = comparing.records_of({pk for pair in pairs for pk in (pair.first_id, pair.second_id)})
    met = [
        (known[pair.first_id], known[pair.second_id])
        for pair in pairs
        if pair.first_id in known and pair.second_id in known
    ]
    return Jury(weights()).verdicts(met)
