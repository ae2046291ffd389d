from uuid import UUID

from customers.matching import Holder, decide

ANN, BEN, CAT = (UUID(int=n) for n in (1, 2, 3))


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
