"""Calendars: midnights, changes of clocks, leap days, and that nothing falls between two spans."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.conditions import Spans, times_of
from segments.operators import OPERATORS
from segments.periods import Between, Clock, Length, Period, Span, Unit, days_of, shifted, yearly
from segments.statements import Sql
from segments.vocabulary import Field, Kind

LONDON, JOHANNESBURG = ZoneInfo("Europe/London"), ZoneInfo("Africa/Johannesburg")
MOMENT = Field("at", Kind.MOMENT, "At", Sql(""))
PAST = Field("seen", Kind.MOMENT, "Seen", Sql(""), is_past=True)
DAY = Field("on", Kind.DATE, "On", Sql(""))
AGE = Field("age", Kind.AGE, "Age", Sql(""))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(field: Field, operator: str, value: Any, clock: Clock) -> Span:
    times = times_of(field, operator, value, clock)
    assert isinstance(times, Spans)
    return times.spans[0]


def test_a_day_of_changing_clocks_is_as_long_as_it_is() -> None:
    spring, autumn = Clock(at("2026-03-29T12:00"), LONDON), Clock(at("2026-10-25T12:00"), LONDON)
    assert span(MOMENT, "during", Period.TODAY, spring) == Span(
        at("2026-03-29T00:00"), at("2026-03-29T23:00")
    )
    assert span(MOMENT, "during", Period.TODAY, autumn) == Span(
        at("2026-10-24T23:00"), at("2026-10-26T00:00")
    )


def test_days_are_those_of_the_zone() -> None:
    late = at("2026-11-25T22:30")  # the 26th in Johannesburg
    assert Clock(late, JOHANNESBURG).today == date(2026, 11, 26)
    assert Clock(late, LONDON).today == date(2026, 11, 25)
    assert span(MOMENT, "eq", date(2026, 11, 26), Clock(late, JOHANNESBURG)) == Span(
        at("2026-11-25T22:00"), at("2026-11-26T22:00")
    )


def test_a_midnight_that_does_not_exist_is_the_first_moment_of_its_day() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # clocks go from 00:00 to 01:00 on the last Friday of April
    clock = Clock(at("2026-04-24T12:00"), cairo)
    assert span(MOMENT, "during", Period.TODAY, clock).start == at("2026-04-23T22:00")
    assert clock.local_day(at("2026-04-23T22:00")) == date(2026, 4, 24)
    assert clock.local_day(at("2026-04-23T21:59")) == date(2026, 4, 23)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period.THIS_WEEK, "2026-11-23", "2026-11-30"),
        (Period.LAST_WEEK, "2026-11-16", "2026-11-23"),
        (Period.NEXT_MONTH, "2026-12-01", "2027-01-01"),
        (Period.LAST_MONTH, "2026-10-01", "2026-11-01"),
        (Period.NEXT_YEAR, "2027-01-01", "2028-01-01"),
        (Period.YESTERDAY, "2026-11-24", "2026-11-25"),
    ],
)
def test_periods_of_the_calendar(period: Period, start: str, end: str) -> None:
    assert days_of(period, date(2026, 11, 25)) == Span(date.fromisoformat(start), date.fromisoformat(end))


def test_months_and_years_end_on_days_that_there_are() -> None:
    assert shifted(date(2026, 3, 31), -1, Unit.MONTHS) == date(2026, 2, 28)
    assert shifted(date(2028, 2, 29), -1, Unit.YEARS) == date(2027, 2, 28)
    assert shifted(date(2026, 1, 15), -13, Unit.MONTHS) == date(2024, 12, 15)


def test_a_leap_day_is_kept_on_the_28th_in_common_years() -> None:
    assert yearly(Span(date(2027, 2, 28), date(2027, 3, 1))) == {228, 229}
    assert yearly(Span(date(2028, 2, 28), date(2028, 2, 29))) == {228}
    assert yearly(Span(date(2028, 2, 29), date(2028, 3, 1))) == {229}


@pytest.mark.parametrize(
    ("today", "born", "age"),
    [
        ("2026-11-25", "2008-11-25", 18), ("2026-11-24", "2008-11-25", 17), ("2022-02-28", "2004-02-29", 17),
        ("2022-03-01", "2004-02-29", 18), ("2024-02-29", "2006-03-01", 17), ("2024-02-29", "2004-02-29", 20),
    ],
)  # fmt: skip
def test_ages_are_full_years(today: str, born: str, age: int) -> None:
    clock = Clock(at(f"{today}T12:00"), LONDON)
    assert date.fromisoformat(born) in span(AGE, "eq", age, clock)
    assert date.fromisoformat(born) in span(AGE, "gte", age, clock)
    assert date.fromisoformat(born) not in span(AGE, "gte", age + 1, clock)


LENGTHS = st.builds(Length, st.integers(0, 400), st.sampled_from(list(Unit)))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CLOCKS = st.builds(Clock, MOMENTS, st.sampled_from([LONDON, JOHANNESBURG, ZoneInfo("America/St_Johns")]))


@given(CLOCKS, LENGTHS)
def test_what_is_not_in_the_last_days_is_longer_ago(clock: Clock, length: Length) -> None:
    assert span(PAST, "inLast", length, clock).start == span(PAST, "moreThanAgo", length, clock).end
    assert clock.moment in span(MOMENT, "inLast", length, clock)
    assert clock.moment + timedelta(microseconds=1) not in span(MOMENT, "inLast", length, clock)
    assert span(MOMENT, "inNext", length, clock).end == span(MOMENT, "moreThanAhead", length, clock).start


@given(CLOCKS, LENGTHS, st.sampled_from(["inLast", "moreThanAgo", "inNext", "moreThanAhead"]))
def test_a_moment_is_where_its_day_is(clock: Clock, length: Length, operator: str) -> None:
    """What is said of days holds of moments at their noon, where the moment itself is not the line."""
    if length.unit.slides:
        return
    day = shifted(
        clock.today, -length.amount if "Last" in operator or "Ago" in operator else length.amount, length.unit
    )
    if day == clock.today:
        return
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=clock.zone)
    assert (day in span(DAY, operator, length, clock)) == (noon in span(MOMENT, operator, length, clock))


def test_between_so_many_and_so_many_days() -> None:
    clock = Clock(at("2026-11-25T12:00"), JOHANNESBURG)
    ago = span(DAY, "betweenAgo", Between(30, 60, Unit.DAYS), clock)
    assert (ago.start, ago.end) == (date(2026, 9, 26), date(2026, 10, 27))
    assert set(OPERATORS) >= {"betweenAgo", "betweenAhead"}
