"""What a person who runs a golf club would notice first, in the demo of full size."""

import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.demo.generator import events
from customers import normalise
from timeline.sources import TYPES

AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)
ZONES = {"club-fynbos": ZoneInfo("Africa/Johannesburg"), "club-heathland": ZoneInfo("Europe/London")}
REGIONS = {"club-fynbos": "ZA", "club-heathland": "GB"}


@pytest.fixture(scope="module")
def told():
    """The payloads (with the envelope's time and identity) by event type."""
    found = defaultdict(list)
    for event in events(as_of=AS_OF):
        at = datetime.fromisoformat(event["timestamp"])
        found[event["type"]].append(event["payload"] | {"at": at, "identity": event["identity"]})
    return found


@pytest.fixture(scope="module")
def bookings(told):
    return [payload for payload in told["teetime.booking.created"] if "clubName" in payload]


def local(booking):
    return datetime.fromisoformat(booking["teeTime"]).astimezone(ZONES[booking["clubId"]])


def test_there_are_twenty_five_to_forty_thousand_events(told):
    assert 25_000 < sum(map(len, told.values())) < 40_000


def test_most_of_the_catalogue_happens(told):
    rare = {"club.event.cancelled", "teetime.competition.cancelled", "teetime.competition.full"}
    never = {"contact.updated", "contact.deleted", "message.failed", "teetime.player.updated",
             "teetime.competition.updated", "web.purchase"}  # fmt: skip
    assert TYPES.keys() - told.keys() <= rare | never


def test_about_half_of_two_thousand_people_are_members(told):
    members = {payload["id"] for payload in told["scl.member.created"]}
    assert 950 < len(members) < 1_100
    clubs = Counter(payload["clubId"] for payload in told["scl.member.created"])
    assert 0.5 < clubs["club-fynbos"] / clubs.total() < 0.65


def test_tiers_statuses_and_ages_are_those_of_a_club(told):
    tiers = Counter(payload["membershipTierName"] for payload in told["scl.member.created"])
    assert tiers["Silver"] > tiers["Platinum"] > 50
    assert 60 < tiers["Junior"] < 150
    ended = Counter(payload["newStatus"] for payload in told["scl.member.status.changed"])
    assert ended["LAPSED"] > 40
    assert ended["SUSPENDED"] > 5
    for payload in told["scl.member.created"]:
        age = (AS_OF.date() - date.fromisoformat(payload["dateOfBirth"])).days / 365.25
        assert age < 18 if payload["membershipTierName"] == "Junior" else 18 < age < 95


def test_phones_are_valid_where_they_are_dialled_and_british_ones_are_drama_numbers(told):
    numbers = [
        (p["phoneNumber"], REGIONS[p["clubId"]]) for p in told["scl.member.created"] if "phoneNumber" in p
    ]
    numbers += [
        (p["phone"], REGIONS[p["homeClubId"]]) for p in told["teetime.player.created"] if "phone" in p
    ]
    numbers += [(p["phoneNumber"], "ZA") for p in told["contact.created"] if "phoneNumber" in p]
    read = [normalise.phone(*number) for number in numbers]
    assert len(read) > 2_000
    assert all(phone.is_valid for phone in read)
    assert all(phone.number.startswith(("+447700900", "+27")) for phone in read)


def test_addresses_are_at_example_domains_and_belong_to_one_person_or_household(told):
    holders = defaultdict(set)
    for payload in told["scl.member.created"]:
        if email := payload.get("email"):
            assert normalise.email(email)
            assert re.fullmatch(r"((mail|home)\.)?example\.[a-z.]+", email.partition("@")[2])
            holders[email].add(payload["lastName"])
    assert all(len(names) == 1 for names in holders.values())


def test_names_are_of_many_scripts_of_living_and_rarely_twice(told):
    names = Counter((p["firstName"], p["lastName"]) for p in told["scl.member.created"])
    assert names.most_common(1)[0][1] <= 3
    text = " ".join(f"{first} {last}" for first, last in names)
    for mark in ("ë", "'", "van der ", "-", "Ó", "Mac"):
        assert mark in text


def test_families_share_an_address_and_some_a_phone(told):
    homes = Counter(tuple(p["address"].items()) for p in told["scl.member.created"] if "address" in p)
    phones = Counter(p["phoneNumber"] for p in told["scl.member.created"] if "phoneNumber" in p)
    assert sum(count > 1 for count in homes.values()) > 100
    assert 4 < sum(count > 1 for count in phones.values()) < 40


def test_people_play_in_the_morning_at_weekends_and_never_in_the_dark(bookings):
    weekend = sum(local(booking).weekday() >= 5 for booking in bookings) / len(bookings)
    morning = sum(local(booking).hour < 12 for booking in bookings) / len(bookings)
    assert 0.5 < weekend < 0.75
    assert morning > 0.7
    for booking in bookings:
        tee = local(booking)
        assert (
            7 <= tee.hour < (14 if booking["clubId"] == "club-heathland" and tee.month in (11, 12, 1) else 19)
        )


def test_summer_is_in_january_at_one_club_and_in_july_at_the_other(bookings):
    played = Counter((booking["clubId"], local(booking).month) for booking in bookings)
    assert played["club-fynbos", 1] > 1.3 * played["club-fynbos", 7]
    assert played["club-heathland", 7] > 1.3 * played["club-heathland", 1]


def test_nobody_plays_twice_at_once_and_no_tee_time_is_sold_twice(bookings):
    slots = Counter((b["clubId"], b["courseId"], b["teeTime"]) for b in bookings)
    players = Counter(
        (player["playerId"], local(b).date())
        for b in bookings
        for player in b["players"]
        if "playerId" in player
    )
    assert max(slots.values()) == 1
    assert max(players.values()) == 1


def test_the_same_friends_play_together_week_after_week(bookings):
    parties = Counter(
        frozenset(player["playerId"] for player in b["players"] if "playerId" in player)
        for b in bookings
        if len(b["players"]) >= 3
    )
    assert sum(count >= 10 for count in parties.values()) > 20


def test_bookings_end_as_they_do_in_life(told, bookings):
    share = {
        what: len(told[f"teetime.booking.{what}"]) / len(bookings)
        for what in ("completed", "cancelled", "noshow")
    }
    assert 0.75 < share["completed"] < 0.9
    assert 0.08 < share["cancelled"] < 0.2
    assert 0.01 < share["noshow"] < 0.05
    rained_off = [p for p in told["teetime.booking.cancelled"] if p["reason"] == "weather"]
    closed = {(p["clubId"], p["from"][:10]) for p in told["teetime.course.closed"]}
    assert rained_off
    assert len(closed) < 120


def test_handicaps_move_by_small_steps_and_each_starts_where_the_last_ended(told):
    steps = sorted(told["teetime.handicap.updated"], key=lambda payload: payload["at"])
    now = {p["id"]: p["handicap"] for p in told["teetime.player.created"] if "handicap" in p}
    for step in steps:
        assert step["previousHandicap"] == now[step["playerId"]]
        assert abs(step["newHandicap"] - step["previousHandicap"]) < 1.5
        assert -4 <= step["newHandicap"] <= 54
        now[step["playerId"]] = step["newHandicap"]


def test_newsletters_are_opened_by_a_third_and_go_to_nobody_who_left(told):
    newsletters = {p["messageId"] for p in told["message.sent"] if p["channel"] == "EMAIL"}
    delivered = [p for p in told["message.delivered"] if p["messageId"] in newsletters]
    opened, clicked = len(told["email.opened"]) / len(delivered), len(told["email.clicked"]) / len(delivered)
    assert 0.2 < opened < 0.45
    assert 0.02 < clicked < 0.08
    left = {
        p["identity"]["messagingContactId"]: p["at"]
        for p in told["contactPreference.updated"]
        if p.get("emailOptIn") is False
    }
    for payload in told["message.sent"]:
        if payload["channel"] == "EMAIL":
            gone = left.get(payload["identity"]["messagingContactId"])
            assert gone is None or payload["at"] < gone


def test_each_competition_is_played_by_those_who_entered(told):
    entered, withdrawn = defaultdict(set), defaultdict(set)
    for what, found in (("entered", entered), ("withdrawn", withdrawn)):
        for payload in told[f"teetime.competition.{what}"]:
            found[payload["competitionId"]].add(payload["playerId"])
    results = told["teetime.competition.results.published"]
    assert len(results) > 20
    for payload in results:
        field = [line["playerId"] for line in payload["results"]]
        assert set(field) <= entered[payload["competitionId"]] - withdrawn[payload["competitionId"]]
        assert [line["position"] for line in payload["results"]] == list(range(1, len(field) + 1))


def test_money_is_in_whole_cents_of_the_clubs_currency(told):
    for kind in ("scl.payment.received", "scl.invoice.sent"):
        for payload in told[kind]:
            assert type(payload["amount"]) is int
            assert payload["currency"] == {"club-fynbos": "ZAR", "club-heathland": "GBP"}[payload["clubId"]]


def test_the_last_day_is_a_day_like_others(told):
    recent = Counter(kind for kind, found in told.items() for p in found if (AS_OF - p["at"]).days < 7)
    assert recent["teetime.booking.created"] > 30
    assert recent["teetime.booking.completed"] > 30
    assert recent["scl.payment.received"] > 10
    assert recent["web.page_view"] > 10
