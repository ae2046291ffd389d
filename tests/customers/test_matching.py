from datetime import date
from typing import Any
from uuid import UUID

from customers import matching
from customers.faces import Face
from customers.identity_rules import Rule, merged
from customers.matching import Decision, Holder, Known

ANN, BEN, CAT = (UUID(int=n) for n in (1, 2, 3))


def decide(hints: Any, holders: Any, strong_of: Any, **more: Any) -> Decision:
    held_of = {one: {kind: {value} for kind, value in values.items()} for one, values in strong_of.items()}
    return matching.decide(hints, Known(holders, held_of, more.pop("faces", {})), **more)


def held(*people: UUID) -> list[Holder]:
    return [Holder(person, person, index == 0) for index, person in enumerate(people)]


def test_nobody_has_the_identifiers_so_it_is_somebody_new_who_gets_them_all() -> None:
    found = decide({"email": "a@x.com", "sclMemberId": "1"}, {}, {})
    assert (found.customer, found.matched_by, found.confidence) == (None, [], 100)
    assert found.attach == {("email", "a@x.com"): True, ("sclMemberId", "1"): True}


def test_confidence_is_that_of_the_best_identifier() -> None:
    holders = {("authUserId", "u"): held(ANN), ("email", "e"): held(ANN), ("phoneNumber", "p"): held(ANN)}
    asked = [
        ({"authUserId": "u", "email": "e"}, ["authUserId"], 100),
        ({"email": "e", "phoneNumber": "p"}, ["email", "phoneNumber"], 99),
        ({"email": "e"}, ["email"], 95),
        ({"phoneNumber": "p"}, ["phoneNumber"], 85),
    ]
    for hints, matched_by, confidence in asked:
        found = decide(hints, holders, {ANN: {"authUserId": "u"}})
        assert (found.customer, found.matched_by, found.confidence) == (ANN, matched_by, confidence)


def test_an_external_id_matches_as_surely_as_a_service_link() -> None:
    found = decide({"externalIds.golfRsaId": "9"}, {("externalIds.golfRsaId", "9"): held(BEN)}, {})
    assert (found.customer, found.matched_by, found.confidence) == (BEN, ["externalIds.golfRsaId"], 100)


def test_a_new_identifier_of_a_known_person_becomes_theirs() -> None:
    found = decide({"email": "e", "teetimePlayerId": "t"}, {("email", "e"): held(ANN)}, {ANN: {}})
    assert found.customer == ANN
    assert found.attach == {("teetimePlayerId", "t"): True}


def test_keys_that_mean_two_people_give_the_best_keys_person_and_a_pair_to_look_at() -> None:
    holders = {("sclMemberId", "1"): held(ANN), ("email", "e"): held(BEN)}
    found = decide({"email": "e", "sclMemberId": "1"}, holders, {ANN: {"sclMemberId": "1"}, BEN: {}})
    assert found.customer == ANN
    assert list(found.rivals) == [BEN]
    assert found.attach == {("email", "e"): False}, "the address is shared, its owner stays"


def test_another_member_number_at_a_known_address_is_somebody_else() -> None:
    found = decide(
        {"email": "e", "sclMemberId": "2"}, {("email", "e"): held(ANN)}, {ANN: {"sclMemberId": "1"}}
    )
    assert found.customer is None
    assert list(found.rivals) == [ANN]
    assert found.attach == {("sclMemberId", "2"): True, ("email", "e"): False}


def test_a_person_never_gets_a_second_id_of_a_kind_they_have_once() -> None:
    holders = {("authUserId", "u"): held(ANN)}
    found = decide(
        {"authUserId": "u", "sclMemberId": "2"}, holders, {ANN: {"authUserId": "u", "sclMemberId": "1"}}
    )
    assert found.customer == ANN
    assert found.orphans == [("sclMemberId", "2")]


def test_a_shared_address_alone_means_its_owner_and_says_that_it_is_ambiguous() -> None:
    found = decide({"email": "e"}, {("email", "e"): held(CAT, ANN)}, {CAT: {}, ANN: {}})
    assert (found.customer, found.ambiguous) == (CAT, True)


def test_of_a_merged_person_the_part_that_the_best_identifier_was_told_of_learns_the_rest() -> None:
    holders = {
        ("sclMemberId", "1"): [Holder(ANN, BEN, is_owner=True)],
        ("email", "e"): [Holder(ANN, ANN, is_owner=True)],
    }
    found = decide(
        {"email": "e", "sclMemberId": "1", "authUserId": "u"}, holders, {ANN: {"sclMemberId": "1"}}
    )
    assert (found.customer, found.part, found.rivals) == (ANN, BEN, {})
    assert found.attach == {("authUserId", "u"): True, ("email", "e"): False}
    assert not decide({"email": "e"}, holders, {}).ambiguous, "one person, whatever they were told as"


# --- rules of identity
def test_segment_s_example_a_known_address_with_another_login_is_another_profile() -> None:
    """A profile has user_id abc123 and jane's address; an event brings abc456 with the same address."""
    jane = ("email", "jane@example1.com")
    found = decide(
        {"authUserId": "abc456", "email": jane[1]}, {jane: held(ANN)}, {ANN: {"authUserId": "abc123"}}
    )
    assert found.customer is None
    assert found.attach[("authUserId", "abc456")]
    assert found.demotions == {jane: "its holder has another authUserId"}


def test_a_shared_tablet_is_set_aside_and_makes_nobody_a_rival() -> None:
    tablet = ("externalIds.tabletId", "t")
    holders = {tablet: held(ANN), ("sclMemberId", "2"): held(BEN)}
    strong = {ANN: {"sclMemberId": "1"}, BEN: {"sclMemberId": "2"}}
    for member, person in (("2", BEN), ("3", None)):
        found = decide({"externalIds.tabletId": "t", "sclMemberId": member}, holders, strong)
        assert found.customer == person
        assert found.demotions == {tablet: "its holder has another sclMemberId"}
        assert (found.rivals, tablet in found.attach, found.orphans) == ({}, False, [])


def test_a_tenant_s_priority_says_which_identifier_yields() -> None:
    holders = {("authUserId", "u"): held(ANN), ("externalIds.x", "1"): held(BEN)}
    hints = {"authUserId": "u", "externalIds.x": "1"}
    assert decide(hints, holders, {}).customer == ANN
    assert decide(hints, holders, {}, rules=merged([Rule("externalIds.x", 1, 1)], [])).customer == BEN


def test_more_of_a_kind_than_the_limit_is_not_learnt() -> None:
    rules = merged([Rule("email", 100, 2)], [])
    held_of = {ANN: {"email": {"a", "b"}, "authUserId": {"u"}}}
    found = matching.decide(
        {"authUserId": "u", "email": "c"}, Known({("authUserId", "u"): held(ANN)}, held_of), rules=rules
    )
    assert (found.customer, found.attach) == (ANN, {})
    assert found.demotions == {("email", "c"): "they have another email"}


# --- who shares a contact
FAMILY = {ANN: Face("Ann", "Nel"), BEN: Face("Ben", "Nel"), CAT: Face("Cat", "Nel")}
SHARED = {("email", "e"): held(ANN, BEN, CAT)}


def test_a_name_picks_among_those_who_share_an_address() -> None:
    for person, face in FAMILY.items():
        found = decide({"email": "e"}, SHARED, {}, face=face, faces=FAMILY)
        assert (found.customer, found.ambiguous, found.is_settled) == (person, False, True)


def test_no_name_means_the_owner_and_so_does_a_name_that_several_could_have() -> None:
    for face in (Face(), Face("", "Nel")):
        found = decide({"email": "e"}, SHARED, {}, face=face, faces=FAMILY)
        assert (found.customer, found.ambiguous) == (ANN, True)


def test_a_name_that_nobody_at_the_address_has_is_another_member_of_the_family() -> None:
    found = decide({"email": "e"}, SHARED, {}, face=Face("Dan", "Nel"), faces=FAMILY)
    assert found.customer is None
    assert found.attach == {("email", "e"): False}
    assert found.demotions == {("email", "e"): "first names differ"}
    assert not found.rivals, "family, not duplicates"


def test_a_child_of_the_same_name_is_told_apart_by_the_birth_date() -> None:
    faces = {ANN: Face("Jan", "Nel", date(1975, 1, 2)), BEN: Face("Jan", "Nel", date(2008, 3, 4))}
    holders = {("phoneNumber", "p"): held(ANN, BEN)}
    found = decide({"phoneNumber": "p"}, holders, {}, face=Face("Jan", "Nel", date(2008, 3, 4)), faces=faces)
    assert (found.customer, found.ambiguous) == (BEN, False)


def test_who_has_both_contacts_is_meant_before_who_owns_one() -> None:
    holders = {("email", "e"): held(ANN, BEN), ("phoneNumber", "p"): held(BEN)}
    found = decide({"email": "e", "phoneNumber": "p"}, holders, {})
    assert (found.customer, found.matched_by, found.confidence, found.ambiguous) == (
        BEN, ["email", "phoneNumber"], 99, False,
    )  # fmt: skip


def test_a_family_that_shares_address_and_phone_stays_ambiguous() -> None:
    holders = {("email", "e"): held(ANN, BEN), ("phoneNumber", "p"): held(ANN, BEN)}
    assert decide({"email": "e", "phoneNumber": "p"}, holders, {}).ambiguous


def test_a_strong_identifier_of_a_known_person_needs_no_name() -> None:
    holders = {("sclMemberId", "1"): held(ANN)}
    found = decide({"sclMemberId": "1"}, holders, {}, face=Face("Anna", "Botha"), faces=FAMILY)
    assert found.customer == ANN and found.is_settled
