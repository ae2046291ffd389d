"""When campaigns go out, across changes of clocks."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from campaigns.schedules import (
    InvalidPattern,
    at_wall,
    check_pattern,
    first_anywhere,
    from_first,
    next_occurrence,
    occurrences,
)
from campaigns.zones import zones_of_countries

LONDON, JOBURG, APIA = ZoneInfo("Europe/London"), ZoneInfo("Africa/Johannesburg"), ZoneInfo("Pacific/Apia")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "start", "days", "hours"),
    [
        (LONDON, "2026-03-27T12:00", 4, ["09", "08", "08", "08"]),
        (LONDON, "2026-10-23T12:00", 4, ["08", "09", "09", "09"]),
        (JOBURG, "2026-03-27T12:00", 4, ["07"] * 4),
        (JOBURG, "2026-10-23T12:00", 4, ["07"] * 4),
    ],
)
def test_nine_in_the_morning_stays_nine_on_the_wall(
    zone: ZoneInfo, start: str, days: int, hours: list[str]
) -> None:
    found = list(islice(occurrences("0 9 * * *", zone, at(start)), days))
    assert [f"{one:%H}" for one in found] == hours
    assert {f"{one.astimezone(zone):%H:%M}" for one in found} == {"09:00"}


def test_a_time_that_clocks_skip_comes_once_at_the_change() -> None:
    found = list(islice(occurrences("30 1 * * *", LONDON, at("2026-03-28T12:00")), 2))
    assert found == [at("2026-03-29T01:00"), at("2026-03-30T00:30")]


def test_a_time_that_clocks_show_twice_comes_once() -> None:
    found = list(islice(occurrences("30 1 * * *", LONDON, at("2026-10-24T12:00")), 2))
    assert found == [at("2026-10-25T00:30"), at("2026-10-26T01:30")]


@pytest.mark.parametrize(
    "pattern", ["", "every day", "0 9 * *", "61 9 * * *", "*/5 * * * *", "0 0 31 2 *", "0 0 9 * * *"]
)
def test_what_is_no_pattern_or_comes_too_often_or_never_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        check_pattern(pattern, LONDON, at("2026-01-01T00:00"))


def test_a_pattern_ends() -> None:
    assert next_occurrence("0 9 * * 1", JOBURG, at("2026-12-01T00:00")) == at("2026-12-07T07:00")
    assert next_occurrence("0 9 * * 1", JOBURG, at("2026-12-01T00:00"), at("2026-12-06T00:00")) is None


def test_each_is_written_to_when_their_own_clock_shows_the_time() -> None:
    nine_in_joburg = at("2026-07-01T07:00")
    assert at_wall(nine_in_joburg, JOBURG, LONDON) == at("2026-07-01T08:00")
    assert at_wall(nine_in_joburg, JOBURG, ZoneInfo("America/New_York")) == at("2026-07-01T13:00")
    assert at_wall(nine_in_joburg, JOBURG, APIA) == at("2026-06-30T20:00")


def test_a_skipped_local_time_is_moved_on_and_one_shown_twice_is_the_first() -> None:
    half_one = datetime(2026, 3, 29, 1, 30, tzinfo=JOBURG)
    assert at_wall(half_one, JOBURG, LONDON) == at("2026-03-29T01:30")  # 02:30 on the wall
    half_one = datetime(2026, 10, 25, 1, 30, tzinfo=JOBURG)
    assert at_wall(half_one, JOBURG, LONDON) == at("2026-10-25T00:30")


@pytest.mark.parametrize("zone", [LONDON, JOBURG, APIA])
def test_work_begins_when_the_first_place_has_the_time(zone: ZoneInfo) -> None:
    moment = datetime(2026, 7, 1, 9, 0, tzinfo=zone).astimezone(UTC)
    begin = first_anywhere(moment, zone)
    assert begin == at("2026-06-30T19:00")
    assert from_first(begin, zone) == moment
    assert moment - begin < timedelta(hours=26)


def test_countries_of_one_zone_tell_it() -> None:
    zones = zones_of_countries()
    assert (zones["ZA"], zones["GB"]) == ("Africa/Johannesburg", "Europe/London")
    assert "US" not in zones
