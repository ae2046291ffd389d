"""The FEBRL sets: made-up Australians, some of them entered twice and with slips, of whom it is known who is who.

The social-security number is left out, and so is the country's state. See data/README.md for where they come from.
"""

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from customers.likeness import Band, Learner, Record, Verdict, judge, keys, record

DATA = Path(__file__).parent / "data"
LARGEST_BLOCK = 100
DRAWN = 50_000
Pair = tuple[str, str]


class Quality(NamedTuple):
    """blocking: the share of the true pairs that were compared at all. false_merges: of those merged unasked."""

    precision: float
    recall: float
    blocking: float
    compared: int
    merges: int
    false_merges: int


def people(*sets: str, addresses: bool = True) -> list[Record]:
    return [_person(row, addresses) for name in sets for row in _rows(name)]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / f"febrl{name}.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            yield {key.strip(): (value or "").strip() for key, value in row.items()}


def _person(row: Mapping[str, str], addresses: bool) -> Record:
    where = {
        "home": f"{row['street_number']} {row['address_1']}", "place": row["suburb"], "postcode": row["postcode"]
    }  # fmt: skip
    return record(
        row["rec_id"], first_name=row["given_name"], last_name=row["surname"], born=row["date_of_birth"],
        **(where if addresses else {}),
    )  # fmt: skip


def true_pairs(found: Sequence[Record]) -> set[Pair]:
    """Records of one person have the same number: rec-12-org, rec-12-dup-0."""
    groups: dict[str, list[str]] = defaultdict(list)
    for one in found:
        groups[str(one.id).split("-")[1]].append(str(one.id))
    return {pair for ids in groups.values() for pair in combinations(sorted(ids), 2)}


def blocked(found: Sequence[Record]) -> set[Pair]:
    """The pairs that share a key which not too many have."""
    blocks: dict[int, list[str]] = defaultdict(list)
    for one in found:
        for key in keys(one):
            blocks[key].append(str(one.id))
    small = (ids for ids in blocks.values() if len(ids) <= LARGEST_BLOCK)
    return {pair for ids in small for pair in combinations(sorted(ids), 2)}


def judged(found: Sequence[Record]) -> dict[Pair, Verdict]:
    """Every pair that is compared, with weights learnt from the set itself and nobody's help."""
    by_id = {str(one.id): one for one in found}
    pairs, dice, learner = blocked(found), random.Random(1), Learner()
    for one, other in pairs:
        learner.meet(by_id[one], by_id[other])
    for _ in range(DRAWN):
        learner.draw(*dice.sample(found, 2))
    model = learner.model(people=len(found))
    return {(one, other): judge(by_id[one], by_id[other], model) for one, other in pairs}


def quality(found: Sequence[Record], true: set[Pair] | None = None) -> Quality:
    """What suggestions and unasked merges are worth; `true` are the pairs that are one person, of FEBRL unless told."""
    verdicts, true = judged(found), true_pairs(found) if true is None else true
    suggested = {pair for pair, verdict in verdicts.items() if verdict.band is not Band.IGNORE}
    merged = {pair for pair, verdict in verdicts.items() if verdict.band is Band.AUTO}
    return Quality(
        precision=len(suggested & true) / len(suggested),
        recall=len(suggested & true) / len(true),
        blocking=len(verdicts.keys() & true) / len(true),
        compared=len(verdicts),
        merges=len(merged),
        false_merges=len(merged - true),
    )
