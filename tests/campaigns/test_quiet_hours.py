from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.quiet_hours import COUNTRIES, USUAL, easter_of, hours_for, is_holiday, is_open, next_open

NIGHT = {"from": "20:00", "to": "08:00"}
SMALL_HOURS = {"from": "01:00", "to": "02:30"}
LUNCH = {"from": "12:00", "to": "14:00"}
FROM_MIDNIGHT = {"from": "22:00", "to": "00:30"}
TO_MIDNIGHT = {"from": "18:00", "to": "00:00"}
LONDON, JOBURG = "Europe/London", "Africa/Johannesburg"

# zone, quiet hours, asked at (UTC), open from (UTC): "" = at once
CASES = [
    # a plain night, where clocks never change
    (JOBURG, NIGHT, "2026-06-03 10:00", ""),
    (JOBURG, NIGHT, "2026-06-03 05:59", "2026-06-03 06:00"),
    (JOBURG, NIGHT, "2026-06-03 06:00", ""),
    (JOBURG, NIGHT, "2026-06-03 17:59", ""),
    (JOBURG, NIGHT, "2026-06-03 18:00", "2026-06-04 06:00"),
    (JOBURG, NIGHT, "2026-06-03 23:59", "2026-06-04 06:00"),
    (JOBURG, NIGHT, "2026-12-31 23:00", "2027-01-01 06:00"),
    (JOBURG, NIGHT, "2028-02-28 22:30", "2028-02-29 06:00"),
    # within one day, from and to midnight, all day, none
    (JOBURG, LUNCH, "2026-06-03 09:59", ""),
    (JOBURG, LUNCH, "2026-06-03 10:00", "2026-06-03 12:00"),
    (JOBURG, LUNCH, "2026-06-03 12:00", ""),
    (JOBURG, LUNCH, "2026-06-03 22:30", ""),
    (JOBURG, TO_MIDNIGHT, "2026-06-03 16:00", "2026-06-03 22:00"),
    (JOBURG, TO_MIDNIGHT, "2026-06-03 22:00", ""),
    (JOBURG, FROM_MIDNIGHT, "2026-06-03 22:15", "2026-06-03 22:30"),
    (JOBURG, {"from": "08:00", "to": "08:00"}, "2026-06-03 01:00", ""),
    (JOBURG, {}, "2026-06-03 01:00", ""),
    # the same hour of the wall in winter and in summer
    (LONDON, NIGHT, "2026-01-15 07:00", "2026-01-15 08:00"),
    (LONDON, NIGHT, "2026-07-15 06:30", "2026-07-15 07:00"),
    (LONDON, NIGHT, "2026-03-28 21:00", "2026-03-29 07:00"),  # an hour less to wait
    (LONDON, NIGHT, "2026-10-24 20:00", "2026-10-25 08:00"),  # an hour more
    # the clock skips 01:00 to 02:00: quiet hours that begin and end in it, or beside it
    (LONDON, SMALL_HOURS, "2026-03-29 00:59", ""),
    (LONDON, SMALL_HOURS, "2026-03-29 01:00", "2026-03-29 01:30"),  # 02:00 on the wall
    (LONDON, {"from": "23:00", "to": "01:30"}, "2026-03-29 00:30", "2026-03-29 01:00"),  # 01:30 never is
    (LONDON, {"from": "01:15", "to": "01:45"}, "2026-03-29 01:00", ""),  # never quiet that night
    (LONDON, {"from": "01:30", "to": "03:00"}, "2026-03-29 01:00", "2026-03-29 02:00"),
    # the clock shows 01:00 to 02:00 twice: quiet both times
    (LONDON, SMALL_HOURS, "2026-10-25 00:00", "2026-10-25 02:30"),
    (LONDON, SMALL_HOURS, "2026-10-25 01:10", "2026-10-25 02:30"),
    (LONDON, {"from": "23:00", "to": "01:30"}, "2026-10-25 00:10", "2026-10-25 00:30"),
    (LONDON, {"from": "23:00", "to": "01:30"}, "2026-10-25 01:10", "2026-10-25 01:30"),  # again before it
    (LONDON, {"from": "01:30", "to": "01:45"}, "2026-10-25 00:35", "2026-10-25 00:45"),
    (LONDON, {"from": "01:30", "to": "01:45"}, "2026-10-25 01:35", "2026-10-25 01:45"),
    # other kinds of change: at midnight, by half an hour, a day that never was, across the date line
    ("America/Havana", {"from": "22:00", "to": "00:30"}, "2026-03-08 04:00", "2026-03-08 05:00"),
    ("Australia/Lord_Howe", {"from": "20:00", "to": "02:15"}, "2026-10-03 15:00", "2026-10-03 15:30"),
    ("Pacific/Apia", NIGHT, "2011-12-30 08:00", "2011-12-30 18:00"),
    ("Pacific/Kiritimati", NIGHT, "2026-06-03 09:00", "2026-06-03 18:00"),
    ("Asia/Kathmandu", NIGHT, "2026-06-03 01:00", "2026-06-03 02:15"),
    ("America/St_Johns", NIGHT, "2026-03-08 08:00", "2026-03-08 10:30"),
]  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "quiet", "asked", "expected"), CASES)
def test_the_next_time_that_is_open(zone: str, quiet: dict[str, str], asked: str, expected: str) -> None:
    hours = hours_for("SMS", "GB", {"SMS": quiet})
    assert next_open(hours, moment(asked), ZoneInfo(zone)) == moment(expected or asked)


@pytest.mark.parametrize(
    ("country", "asked", "expected"),
    [
        ("ZA", "2026-06-06 08:00", ""),  # Saturday at 10
        ("ZA", "2026-06-06 11:00", "2026-06-08 06:00"),  # at 13 it is over until Monday
        ("ZA", "2026-06-07 10:00", "2026-06-08 06:00"),  # Sunday
        ("ZA", "2026-06-15 18:30", "2026-06-17 06:00"),  # Youth Day comes next
        ("ZA", "2027-03-20 12:00", "2027-03-23 06:00"),  # Human Rights Day, a Sunday, is kept on Monday too
        ("ZA", "2026-04-02 18:00", "2026-04-04 07:00"),  # Good Friday, then a Saturday
        ("ZA", "2026-12-24 19:00", "2026-12-28 06:00"),  # Christmas, the day after, Sunday
        ("FR", "2026-05-14 09:00", "2026-05-15 06:00"),  # Ascension
        ("US", "2026-06-07 00:30", "2026-06-07 12:00"),
        ("IN", "2026-06-03 03:00", "2026-06-03 04:30"),
        ("GB", "2026-06-07 07:30", ""),
    ],
)
def test_countries_have_rules_of_their_own(country: str, asked: str, expected: str) -> None:
    zones = {"ZA": JOBURG, "FR": "Europe/Paris", "US": "America/New_York", "IN": "Asia/Kolkata", "GB": LONDON}
    hours = hours_for("SMS", country, {})
    assert next_open(hours, moment(asked), ZoneInfo(zones[country])) == moment(expected or asked)


def test_an_email_disturbs_nobody_and_a_push_by_the_usual_hours() -> None:
    assert hours_for("EMAIL", "ZA", {}) is None
    assert hours_for("PUSH", "ZA", {}) == USUAL
    assert hours_for("WHATSAPP", "ZA", {}) == COUNTRIES["ZA"]
    assert hours_for("EMAIL", "ZA", {"EMAIL": NIGHT}) is not None


def test_holidays_move_with_easter() -> None:
    assert [easter_of(year) for year in (2024, 2025, 2026, 2027, 2038)] == [
        date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25),
    ]  # fmt: skip
    assert is_holiday("ZA", date(2026, 4, 3)) and is_holiday("ZA", date(2026, 4, 6))
    assert is_holiday("FR", date(2026, 5, 25)) and not is_holiday("FR", date(2026, 4, 3))


clocks = st.times().map(lambda one: f"{one:%H:%M}")
zones = st.sampled_from([LONDON, JOBURG, "America/Havana", "Australia/Lord_Howe", "America/New_York"])
days = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001


@given(clocks, clocks, zones, days)
def test_what_is_found_is_open_and_nothing_open_lies_before_it(
    start: str, end: str, zone: str, at: datetime
) -> None:
    hours = hours_for("SMS", "GB", {"SMS": {"from": start, "to": end}})
    here = ZoneInfo(zone)
    found = next_open(hours, at, here)
    assert found is not None and found >= at
    if hours is not None:
        assert is_open(hours, found, here)
        between = (at + (found - at) * step / 40 for step in range(40))
        assert not any(is_open(hours, one, here) for one in between if found > at)
