"""Clocks and calendars: what "the last 30 days" means at a moment, in a zone. Pure.

Days, weeks (Monday to Sunday), months and years move at midnight of the zone, minutes and hours with the clock. Every
condition on a day or a moment comes down to half-open spans of them, so that both executors compare alike, and what the
clock alone changes is known exactly: what lies between where a span's end was and where it is.
"""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    @property
    def slides(self) -> bool:
        """Whether it moves with the clock rather than at midnight."""
        return self in (Unit.MINUTES, Unit.HOURS)


MOST = {
    Unit.MINUTES: 100_000, Unit.HOURS: 10_000, Unit.DAYS: 36_500, Unit.WEEKS: 5_200, Unit.MONTHS: 1_200,
    Unit.YEARS: 100,
}  # fmt: skip


class Length(NamedTuple):
    """So many units of time."""

    amount: int
    unit: Unit

    @property
    def delta(self) -> timedelta:
        """As a fixed time: a day is 24 hours. Not for months and years, which have none."""
        return timedelta(**{self.unit.value: self.amount})


class Between(NamedTuple):
    """From so many units of time to so many, the fewer first."""

    least: int
    most: int
    unit: Unit


class Around(NamedTuple):
    """Days around today: (-3, 7) is from three days ago to a week ahead, both included."""

    first: int
    last: int


class Period(StrEnum):
    TODAY = "today"
    YESTERDAY = "yesterday"
    TOMORROW = "tomorrow"
    THIS_WEEK = "thisWeek"
    LAST_WEEK = "lastWeek"
    NEXT_WEEK = "nextWeek"
    THIS_MONTH = "thisMonth"
    LAST_MONTH = "lastMonth"
    NEXT_MONTH = "nextMonth"
    THIS_YEAR = "thisYear"
    LAST_YEAR = "lastYear"
    NEXT_YEAR = "nextYear"

    @property
    def label(self) -> str:
        head, *rest = self.value.replace("W", " w").replace("M", " m").replace("Y", " y").split()
        return " ".join([head, *rest])


class Span(NamedTuple):
    """From `start` on and before `end`, of days or of moments; None is open."""

    start: date | None = None
    end: date | None = None

    def __contains__(self, when: object) -> bool:
        assert isinstance(when, date)  # noqa: S101 - a moment is a date, too
        return (self.start is None or self.start <= when) and (self.end is None or when < self.end)


@dataclass(frozen=True)
class Clock:
    """A moment, and the zone whose calendar counts."""

    moment: datetime
    zone: ZoneInfo

    @cached_property
    def today(self) -> date:
        return self.moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The first moment of a day in the zone. A midnight that a change of clocks skips is the moment after it."""
        local = datetime.combine(day, time(), self.zone)
        return local.astimezone(UTC)

    def moments(self, days: Span) -> Span:
        """The moments of whole days."""
        start, end = days
        return Span(start and self.midnight(start), end and self.midnight(end))

    def local_day(self, when: datetime) -> date:
        return when.astimezone(self.zone).date()


def shifted(day: date, amount: int, unit: Unit) -> date:
    """A day, so many days, weeks, months or years on; of a month that is too short, its last day."""
    if unit in (Unit.DAYS, Unit.WEEKS):
        return day + timedelta(**{unit.value: amount})
    months = day.year * 12 + day.month - 1 + amount * (12 if unit is Unit.YEARS else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_of(period: Period, today: date) -> Span:
    return _PERIODS[period](today)


def _week(today: date, weeks: int) -> Span:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    return Span(monday, monday + timedelta(weeks=1))


def _month(today: date, months: int) -> Span:
    first = shifted(today.replace(day=1), months, Unit.MONTHS)
    return Span(first, shifted(first, 1, Unit.MONTHS))


def _year(today: date, years: int) -> Span:
    return Span(date(today.year + years, 1, 1), date(today.year + years + 1, 1, 1))


_PERIODS: dict[Period, Callable[[date], Span]] = {
    Period.TODAY: lambda today: Span(today, today + DAY),
    Period.YESTERDAY: lambda today: Span(today - DAY, today),
    Period.TOMORROW: lambda today: Span(today + DAY, today + 2 * DAY),
    Period.THIS_WEEK: lambda today: _week(today, 0),
    Period.LAST_WEEK: lambda today: _week(today, -1),
    Period.NEXT_WEEK: lambda today: _week(today, 1),
    Period.THIS_MONTH: lambda today: _month(today, 0),
    Period.LAST_MONTH: lambda today: _month(today, -1),
    Period.NEXT_MONTH: lambda today: _month(today, 1),
    Period.THIS_YEAR: lambda today: _year(today, 0),
    Period.LAST_YEAR: lambda today: _year(today, -1),
    Period.NEXT_YEAR: lambda today: _year(today, 1),
}


# --- days that come again every year
LEAP_DAY = 229


def yearly(days: Span) -> frozenset[int]:
    """The anniversaries on some days, as month * 100 + day. Who was born on 29 February has 28 in common years."""
    assert days.start and days.end  # noqa: S101 - those asked for are bounded
    return frozenset(_yearly(days.start, days.end))


def _yearly(day: date, end: date) -> Iterator[int]:
    while day < end:
        yield month_and_day(day)
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            yield LEAP_DAY
        day += DAY


def month_and_day(day: date) -> int:
    return day.month * 100 + day.day
