"""All pairs of people who share a key, for the full run, walked in an order that needs few people at once.

A key that very many share says nothing and costs their square, so the small blocks are taken first, until there are
as many pairs as the budget allows: the time of a run grows with the number of people, not with its square.

People are numbered by their names, and the numbers are cut into ranges. The pairs of one range with another are walked
together, so those two ranges are all that has to be in memory, however many people there are; most pairs are of people
with like names, so a range meets itself and its neighbours most.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction

from crm.tenancy.rows import run, select, tuples
from crm.tenancy.scope import current_tenant
from customers.comparing import LARGEST_BLOCK, TOLD, record_of
from customers.identity_settings import current_rules
from customers.likeness import Record

Met = tuple[Record, Record]
BATCH = 10_000
RANGE = 50_000  # people; as many of two ranges are in memory as have pairs there
PAIRS_PER_PERSON = 8  # at most, on the average
FEWEST_PAIRS = 200_000  # below which nobody need hurry
PATIENCE = "SET LOCAL statement_timeout = '30min'"
PEOPLE = """
    CREATE TEMPORARY TABLE likeness_people AS
    SELECT id, row_number() OVER (ORDER BY lower(last_name) COLLATE "C", lower(first_name) COLLATE "C", id) AS number
    FROM customers_customerprofile WHERE tenant_id = %s AND status NOT IN ('MERGED', 'DELETED') AND NOT is_light
"""
BLOCKS = """
    CREATE TEMPORARY TABLE likeness_blocks AS
    SELECT key, count(*)::int AS size, array_agg(number::int) AS people
    FROM customers_likenesskeys k JOIN likeness_people p ON p.id = k.customer_id, unnest(k.keys) AS key
    WHERE k.tenant_id = %s GROUP BY key HAVING count(*) > 1
"""
PAIRS = """
    CREATE TEMPORARY TABLE likeness_pairs AS
    SELECT row_number() OVER (ORDER BY first / %(range)s, second / %(range)s, first, second) AS number, first, second
    FROM (
        SELECT DISTINCT least(a.person, b.person) AS first, greatest(a.person, b.person) AS second
        FROM likeness_blocks,
            unnest(people) WITH ORDINALITY AS a (person, at), unnest(people) WITH ORDINALITY AS b (person, at)
        WHERE size <= %(largest)s AND a.at < b.at
    ) AS found
"""
INDEXES = """
    CREATE INDEX ON likeness_people (number); CREATE INDEX ON likeness_pairs (number);
    ANALYZE likeness_people, likeness_pairs
"""
WALK = """
    SELECT first, second FROM likeness_pairs WHERE number > %s AND number <= %s AND number %% %s = 0 ORDER BY number
"""
READ = f"""
    SELECT n.number, {TOLD} FROM likeness_people n
    JOIN customers_customerprofile p ON p.tenant_id = %s AND p.id = n.id
    WHERE n.number = ANY(%s) AND p.status NOT IN ('MERGED', 'DELETED')
"""  # noqa: S608 - names of columns
DROP = "DROP TABLE IF EXISTS likeness_blocks, likeness_pairs, likeness_people"


class Blocks(NamedTuple):
    """How a full run blocked: so many pairs, of blocks of at most `largest` people; the others were passed over."""

    pairs: int
    largest: int
    passed_over: int


def block_everybody(people: int) -> Blocks:
    """Put all pairs that share a key into temporary tables of this connection, for `all_pairs`. Seven statements."""
    drop_blocks()
    with transaction.atomic():
        run(PATIENCE, [])
        run(PEOPLE, [current_tenant().pk])
        run(BLOCKS, [current_tenant().pk])
        largest, passed_over = _largest_block(max(PAIRS_PER_PERSON * people, FEWEST_PAIRS))
        run(PAIRS, {"range": RANGE, "largest": largest})
        for statement in INDEXES.split(";"):
            run(statement, [])
    (count,) = select("SELECT count(*) AS pairs FROM likeness_pairs", [])
    return Blocks(count["pairs"], largest, passed_over)


def _largest_block(budget: int) -> tuple[int, int]:
    """How many people a block may have so that the pairs stay within the budget, and how many blocks have more."""
    sizes = select("SELECT size, count(*) AS blocks FROM likeness_blocks GROUP BY size ORDER BY size", [])
    largest, pairs, passed_over = 2, 0, 0
    for row in sizes:
        pairs += row["blocks"] * row["size"] * (row["size"] - 1) // 2
        if row["size"] <= LARGEST_BLOCK and (pairs <= budget or row["size"] == 2):
            largest = row["size"]
        else:
            passed_over += row["blocks"]
    return largest, passed_over


def all_pairs(blocks: Blocks, *, every: int = 1) -> Iterator[list[Met]]:
    """The pairs of the last `block_everybody`, or every so-manieth of them, without whoever is gone by now.

    Two statements for 10,000 pairs.
    """
    shelf = _Shelf()
    for start in range(0, blocks.pairs, BATCH * every):
        pairs = tuples(WALK, [start, start + BATCH * every, every])
        known = shelf.holding({number for pair in pairs for number in pair})
        yield [(known[one], known[other]) for one, other in pairs if one in known and other in known]


class _Shelf:
    """Folded people by number: those of the ranges that are walked just now."""

    def __init__(self) -> None:
        self.known: dict[int, Record] = {}
        self.rules = current_rules()

    def holding(self, numbers: set[int]) -> dict[int, Record]:
        """With these people among others. One statement, where some are not there yet."""
        missing = numbers - self.known.keys()
        if len(self.known) + len(missing) > 2 * RANGE:
            ranges = {number // RANGE for number in numbers}
            self.known = {number: one for number, one in self.known.items() if number // RANGE in ranges}
        for row in select(READ, [current_tenant().pk, list(missing)]) if missing else ():
            self.known[row["number"]] = record_of(row, self.rules)
        return self.known


def drop_blocks() -> None:
    run(DROP, [])
