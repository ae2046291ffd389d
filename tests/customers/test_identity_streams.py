"""Streams of events against the decision alone, in memory: whatever comes in whatever order, nobody becomes two."""

from collections import defaultdict
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.faces import Face
from customers.identity_rules import DEFAULT, RULES
from customers.resolution import Request, _Book

EVER_ONE = [rule.kind for rule in RULES if rule.is_ever_one and "*" not in rule.kind] + [
    "externalIds.golfRsaId"
]
CONFLICTS = 10_000


def empty() -> _Book:
    return _Book({}, {}, {}, DEFAULT)


def values_of(book: _Book) -> dict[UUID, dict[str, set[str]]]:
    """Everyone's identifiers, as the statements that write them would leave them."""
    found: dict[UUID, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for key, holders in book.holders.items():
        for holder in holders:
            found[holder.customer][key[0]].add(key[1])
    return found


def conflict(dice: Random) -> dict[str, str]:
    """Two or three identifiers of few people, so that most of them were seen with others before."""
    kinds = dice.sample([*EVER_ONE, "email", "phoneNumber", "externalIds.tabletId"], dice.choice([2, 2, 3]))
    return {kind: f"{kind}-{dice.randrange(40)}" for kind in kinds}


def live_through_conflicts(number: int, seed: int) -> _Book:
    book, dice = empty(), Random(seed)
    for _ in range(number):
        book.settle(Request(conflict(dice), "test"))
    return book


def check_nobody_has_two(book: _Book) -> None:
    for person, kinds in values_of(book).items():
        for kind in EVER_ONE:
            assert len(kinds[kind]) <= 1, (person, kind)
    owners = [key for key, holders in book.holders.items() if sum(one.is_owner for one in holders) != 1]
    assert not owners


def test_conflicts_of_identifiers_that_are_had_once_make_no_two_people_one() -> None:
    book = live_through_conflicts(CONFLICTS // 5, seed=1)
    check_nobody_has_two(book)
    assert book.demotions and book.ties


@pytest.mark.proof
def test_ten_thousand_conflicts_make_no_two_people_one() -> None:
    for seed in range(10):
        check_nobody_has_two(live_through_conflicts(CONFLICTS, seed=seed))


# --- a tablet at the front desk
@given(st.permutations([member for member in range(1, 51) for _ in range(2)]), st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_shared_tablet_on_fifty_members_check_ins_never_ties_two_member_numbers(
    order: list[int], has_two_tablets: bool
) -> None:
    book = empty()
    for number, member in enumerate(order):
        tablet = f"tablet-{number % 2}" if has_two_tablets else "tablet"
        book.settle(
            Request({"sclMemberId": str(member), "externalIds.tabletId": tablet}, "club", f"e{number}")
        )
    people = [kinds["sclMemberId"] for kinds in values_of(book).values()]
    assert sorted(people, key=min) == sorted(({str(member)} for member in range(1, 51)), key=min)
    assert not book.ties, "no queue of fifty pairs either"
    noted = {(row["source_event_id"], row["kind"], row["reason"]) for row in book.demotions}
    assert len(noted) >= 98 - 2 * has_two_tablets
    assert {kind for _, kind, _ in noted} == {"externalIds.tabletId"}


# --- a family of four at one address
FAMILY = [Face("Pieter", "Nel"), Face("Anna", "Nel"), Face("Jan", "Nel"), Face("Jana", "Nel")]
IDS = [{"sclMemberId": "1"}, {"sclMemberId": "2", "authUserId": "anna"}, {"teetimePlayerId": "p-3"}, {}]


@st.composite
def of_the_family(draw: Any) -> tuple[int, Request]:
    """An event of one of them: always named and with the address, at times with what else they have."""
    one = draw(st.integers(0, 3))
    hints = {"email": "nel@example.com"}
    for kind, value in {**IDS[one], "phoneNumber": "+27821234567"}.items():
        if draw(st.booleans()):
            hints[kind] = value
    return one, Request(hints, "test", face=FAMILY[one])


@given(st.lists(of_the_family(), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_a_family_at_one_address_is_as_many_people_as_names_in_any_order(events: list[Any]) -> None:
    book, people = empty(), dict[int, UUID]()
    for one, request in events:
        hit = book.settle(request)
        assert people.setdefault(one, hit.customer) == hit.customer, FAMILY[one]
        assert not hit.ambiguous
    assert len(set(people.values())) == len(people) == len(values_of(book))
    assert not book.ties, "a household, no duplicates"
    assert {holder.customer for holder in book.holders[("email", "nel@example.com")]} == set(people.values())
