from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from customers.normalise import GUEST_KIND
from tests.timeline.sources.reading import WHEN, interpret, wrong
from timeline.effects import Fact, Person

PLAYER = {
    "id": "p1", "name": "Thabo", "surname": "Nkosi", "email": "t@x.org", "phone": "084 531 6333",
    "handicap": 16.94, "homeClubId": "club-fynbos", "homeClubName": "Fynbos Golf Club",
}  # fmt: skip
BOOKING = {
    "id": "bk1",
    "playerId": "p1",
    "clubId": "club-fynbos",
    "clubName": "Fynbos Golf Club",
    "teeTime": "2026-11-20T08:00:00+02:00",
    "holes": 18,
    "players": [
        {"playerId": "p1", "name": "Priya", "surname": "Sharma"},
        {"name": "Guest", "surname": "of Sharma"},
        {"name": "Sam", "surname": "Visser", "email": "sam@x.org"},
        {"playerId": "p2", "name": "Ewan", "surname": "Strachan"},
    ],
    "amount": 78000,
    "currency": "ZAR",
    "channel": "APP",
}


def test_a_new_player_brings_contact_handicap_and_home_club():
    (person,) = interpret("player.created", PLAYER).people
    assert person.hints == {"teetimePlayerId": "p1", "email": "t@x.org", "phoneNumber": "084 531 6333"}
    assert person.fields == {
        "first_name": "Thabo",
        "last_name": "Nkosi",
        "email": "t@x.org",
        "phone_number": "084 531 6333",
        "handicap": Decimal("16.9"),
        "handicap_updated_at": WHEN,
        "home_club_ref": "club-fynbos",
        "home_club_name": "Fynbos Golf Club",
    }


def test_a_player_update_writes_what_changed():
    effect = interpret("player.updated", {**PLAYER, "changes": ["homeClubId"]})
    assert effect.people[0].fields == {"home_club_ref": "club-fynbos"}
    assert effect.entry.type == "PLAYER_UPDATED"


def test_a_handicap_revision_moves_the_profile_and_its_history():
    payload = {
        "playerId": "p1", "previousHandicap": 18.2, "newHandicap": -2.1,
        "source": "GOLF_RSA", "effectiveDate": "2026-10-12",
    }  # fmt: skip
    effect = interpret("handicap.updated", payload, id="e1", externalIds={"golfRsaId": "2716946985"})
    assert effect.people[0].hints == {"teetimePlayerId": "p1", "externalIds.golfRsaId": "2716946985"}
    assert effect.people[0].fields == {"handicap": Decimal("-2.1"), "handicap_updated_at": WHEN}
    assert effect.facts == (
        Fact(
            "handicap",
            "p1:e1",
            {
                "handicap": Decimal("-2.1"), "previous": Decimal("18.2"),
                "effective_on": date(2026, 10, 12), "authority": "GOLF_RSA",
            },
        ),
        Fact(
            "association_number",
            "golfRsaId:2716946985",
            {"association": "golfRsaId", "number": "2716946985"},
        ),
    )  # fmt: skip


def test_a_booking_knows_its_booker_and_whom_other_systems_know():
    effect = interpret("teetime.booked", BOOKING)
    assert effect.people == (
        Person({"teetimePlayerId": "p1"}, {"first_name": "Priya", "last_name": "Sharma"}, tier=0, stage="PROSPECT"),
        Person({GUEST_KIND: effect.people[1].hints[GUEST_KIND]},
               {"first_name": "Guest", "last_name": "of Sharma"}, tier=0),
        Person({"email": "sam@x.org", GUEST_KIND: effect.people[2].hints[GUEST_KIND]},
               {"first_name": "Sam", "last_name": "Visser"}, tier=0),
        Person({"teetimePlayerId": "p2"}, {"first_name": "Ewan", "last_name": "Strachan"}, tier=0),
    )  # fmt: skip
    booking, *rows = effect.facts
    assert booking.values["tee_time"] == datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    assert booking.values["party"] == BOOKING["players"]
    assert (booking.values["amount_cents"], booking.values["booked_at"]) == (78000, WHEN)
    assert (booking.opening, "status" in booking.values) == ({"status": "BOOKED"}, False)
    assert [(row.key, row.person, row.values["is_booker"]) for row in rows] == [
        ("bk1:p1", 0, True), ("bk1:2", 1, False), ("bk1:3", 2, False), ("bk1:p2", 3, False)
    ]  # fmt: skip
    assert effect.entry.title == "Booked a tee time at Fynbos Golf Club"
    assert effect.entry.counts is True
    assert effect.entry.metadata == {}


def test_the_booker_of_a_booking_by_email_is_found_in_the_party():
    players = [{"name": "Sam", "surname": "Visser", "email": "Sam@x.org"}]
    effect = interpret("teetime.booked", {"id": "b", "players": players}, email="sam@x.org")
    assert [person.hints for person in effect.people] == [{"email": "sam@x.org"}]
    assert effect.facts[1].values["is_booker"] is True


def test_a_booking_by_nobody_known_keeps_the_others():
    players = [{}, {"name": "Sam", "email": "sam@x.org"}]
    effect = interpret("teetime.booked", {"id": "b", "players": players})
    assert [person.hints["email"] for person in effect.people] == ["sam@x.org"]
    assert effect.entry is None
    assert [fact.person for fact in effect.facts] == [None, None, 0]


def places(kind: str, *players: dict[str, str]) -> list[str | None]:
    effect = interpret(kind, {"id": "b", "playerId": "p1", "players": list(players)})
    return [person.hints.get(GUEST_KIND) for person in effect.people[1:]]


def test_a_guest_is_recognised_by_the_name_whatever_the_place_and_the_spelling():
    sam, ann = {"name": "Sam", "surname": "Visser"}, {"name": "Zoë", "surname": "O'Neil"}
    first = places("teetime.booked", sam, ann)
    assert len(set(first)) == 2
    assert places("booking.updated", {"name": "ZOE", "surname": "ONeil"}, sam) == first[::-1]
    assert not any("sam" in str(place) or "visser" in str(place) for place in first), (
        "no name in an identifier"
    )


def test_guests_of_one_name_are_as_many_as_there_are():
    guest = {"name": "Guest", "surname": "of Sharma"}
    one, other = places("teetime.booked", guest, guest)
    assert one != other
    assert places("booking.updated", guest, guest, guest)[:2] == [one, other]
    assert places("booking.updated", guest | {"playerId": "p5"}, guest) == [one, other]
    assert places("teetime.booked", guest | {"playerId": "p5"}, guest) == [None, other], (
        "known by the player id"
    )


def test_a_player_named_twice_has_one_row():
    players = [{"playerId": "p2"}, {"playerId": "p2"}]
    effect = interpret("teetime.booked", {"id": "b", "playerId": "p1", "players": players})
    assert [fact.key for fact in effect.facts] == ["b", "b:p2"]


def test_a_changed_booking_writes_what_changed():
    effect = interpret("booking.updated", {**BOOKING, "changes": ["holes"]})
    assert [(fact.key, fact.values) for fact in effect.facts] == [("bk1", {"holes": 18})]
    assert len(interpret("booking.updated", BOOKING).facts) == 5


@pytest.mark.parametrize(
    ("sent_type", "extra", "values", "stage", "counts"),
    [
        ("teetime.completed", {}, {"status": "COMPLETED", "completed_at": WHEN}, "CUSTOMER", True),
        (
            "booking.cancelled",
            {"reason": "weather"},
            {"status": "CANCELLED", "cancelled_at": WHEN, "cancel_reason": "weather"},
            None,
            True,
        ),
        ("booking.noshow", {}, {"status": "NO_SHOW"}, None, False),
    ],
)  # fmt: skip
def test_a_booking_ends_played_cancelled_or_missed(
    sent_type: str, extra: dict, values: dict, stage: str | None, counts: bool
):
    effect = interpret(sent_type, {"id": "bk1", "playerId": "p1", **extra})
    assert effect.facts == (Fact("booking", "bk1", values),)
    assert (effect.people[0].stage, effect.entry.counts) == (stage, counts)


def test_a_round_makes_a_customer():
    effect = interpret(
        "teetime.round.completed", {"bookingId": "bk1", "playerId": "p1", "gross": 84, "holes": 18}
    )
    assert (effect.people[0].stage, effect.entry.title, effect.facts) == ("CUSTOMER", "Played 18 holes", ())
    assert effect.entry.metadata == {"gross": 84, "holes": 18}


def test_a_score_belongs_to_the_entry_and_does_not_undo_a_withdrawal():
    effect = interpret("score.posted", {"playerId": "p1", "competitionId": "comp-77", "stableford": 38})
    assert effect.facts == (
        Fact(
            "competition_entry", "comp-77:p1",
            {"stableford": 38, "competition_key": "comp-77"}, opening={"status": "ENTERED"},
        ),
    )  # fmt: skip
    assert interpret("score.posted", {"playerId": "p1", "gross": 84}).facts == ()


def test_a_competition_is_about_nobody():
    effect = interpret(
        "competition.published",
        {"competitionId": "c7", "competitionName": "Medal", "startDate": "2026-12-01", "entryFee": 5000},
    )
    assert (effect.people, effect.entry) == ((), None)
    (row,) = effect.facts
    assert (row.key, row.person, row.opening) == ("COMPETITION:c7", None, {"status": "PUBLISHED"})
    assert row.values == {
        "kind": "COMPETITION", "name": "Medal", "starts_on": date(2026, 12, 1), "details": {"entryFee": 5000}
    }  # fmt: skip


@pytest.mark.parametrize(("what", "status"), [("full", "FULL"), ("cancelled", "CANCELLED")])
def test_a_competition_fills_or_falls_away(what: str, status: str):
    (row,) = interpret(f"teetime.competition.{what}", {"competitionId": "c7", "reason": "flooded"}).facts
    assert row.values == {"kind": "COMPETITION", "status": status}


def test_results_are_everybodys_who_has_an_id():
    results = [
        {"playerId": "p1", "position": 1, "score": 41},
        {"name": "Guest"},
        {"playerId": "p2", "position": 2},
    ]
    effect = interpret(
        "competition.results.published", {"competitionId": "c7", "clubId": "c", "results": results}
    )
    assert [person.hints for person in effect.people] == [
        {"teetimePlayerId": "p1"},
        {"teetimePlayerId": "p2"},
    ]
    assert effect.entry is None
    assert [(fact.key, fact.person) for fact in effect.facts] == [
        ("COMPETITION:c7", None), ("c7:p1", 0), ("c7:p2", 1)
    ]  # fmt: skip
    assert effect.facts[1].values == {"club_ref": "c", "position": 1, "score": 41, "competition_key": "c7"}


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("entered", {"status": "ENTERED", "entered_at": WHEN}),
        ("withdrawn", {"status": "WITHDRAWN", "withdrawn_at": WHEN}),
    ],
)
def test_people_enter_and_withdraw(what: str, values: dict):
    effect = interpret(f"teetime.competition.{what}", {"competitionId": "c7", "playerId": "p1"})
    assert effect.facts == (Fact("competition_entry", "c7:p1", values | {"competition_key": "c7"}),)
    assert effect.entry.counts is True


def test_a_course_closes_and_opens():
    payload = {"clubId": "c", "courseId": "1", "reason": "lightning", "from": "2026-10-31T10:00:00Z"}
    (closed,) = interpret("teetime.course.closed", payload).facts
    (opened,) = interpret("teetime.course.reopened", {"clubId": "c", "courseId": "1"}).facts
    assert closed.key == opened.key == "c:1"
    assert closed.values["closed_from"] == datetime(2026, 10, 31, 10, 0, tzinfo=UTC)
    assert (closed.values["is_closed"], opened.values["is_closed"]) == (True, False)
    assert (closed.person, opened.person) == (None, None)


@pytest.mark.parametrize(
    ("what", "status"), [("published", None), ("updated", None), ("cancelled", "CANCELLED")]
)
def test_club_events_have_rows_of_their_own(what: str, status: str | None):
    (row,) = interpret(f"club.event.{what}", {"eventId": "evt-9", "eventName": "Wine & Nine"}).facts
    assert (row.key, row.values["name"], row.values.get("status")) == (
        "CLUB_EVENT:evt-9",
        "Wine & Nine",
        status,
    )


@pytest.mark.parametrize(
    ("sent_type", "payload", "problems"),
    [
        ("handicap.updated", {"newHandicap": 54.1}, {"newHandicap": "must be at most 54"}),
        ("handicap.updated", {"newHandicap": -10.1}, {"newHandicap": "must be at least -10"}),
        ("handicap.updated", {"playerId": "p"}, {"newHandicap": "is required"}),
        ("teetime.booked", {"id": "b", "teeTime": "tomorrow"},
             {"teeTime": "must be a moment in ISO 8601, from 1900 to 2999"}),
        ("teetime.booked", {"id": "b", "players": [{"email": 5}]}, {"players[0].email": "must be text"}),
        ("teetime.booked", {"id": "b", "players": ["Sam"]}, {"players[0]": "must be an object"}),
        ("competition.entered", {}, {"competitionId": "is required"}),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_told_by_field(sent_type: str, payload: dict, problems: dict):
    assert wrong(sent_type, payload) == problems
