"""When people may be disturbed: by what the club says, else by the rule of the country that they are in. Pure.

A rule says when it is open, as the clock on the wall shows it where the person is. Whether it is open now is asked of
the moment, so that a time that the clock shows twice is judged both times, and one that it skips never comes up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAYS_AHEAD = 15  # no rule is shut for longer than the longest row of Sundays and holidays
Window = tuple[time, time | None]  # from, until; None = the end of the day


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody may be written to. holidays: the country whose public holidays are as Sundays."""

    weekdays: tuple[Window, ...]
    saturday: tuple[Window, ...]
    sunday: tuple[Window, ...] = ()
    holidays: str = ""

    def on(self, day: date) -> tuple[Window, ...]:
        if self.holidays and is_holiday(self.holidays, day):
            return self.sunday
        return (*(self.weekdays,) * 5, self.saturday, self.sunday)[day.weekday()]


def daily(opens: int, shuts: int) -> Hours:
    every = ((time(opens), time(shuts)),)
    return Hours(every, every, every)


# South Africa: Consumer Protection Act 68 of 2008, section 12, and regulation 11 of Government Notice R293 of 2011:
#   not on Sundays and public holidays, on Saturdays only from 9 to 13, on other days only from 8 to 20.
# France: the operators' code for marketing SMS (AF2M): not from 20 to 8, nor on Sundays and public holidays.
# United States: 47 CFR 64.1200(c)(1) has 8 to 21 where the person is; Florida, Oklahoma and Washington have 8 to 20.
# India: TRAI, Telecom Commercial Communications Customer Preference Regulations 2018: promotions from 10 to 21.
# Elsewhere no law names hours for messages; 8 to 21 is what the trade's codes agree on.
USUAL = daily(8, 21)
MORNING_TO_EVENING = ((time(8), time(20)),)
COUNTRIES: Mapping[str, Hours] = {
    "ZA": Hours(MORNING_TO_EVENING, ((time(9), time(13)),), holidays="ZA"),
    "FR": Hours(MORNING_TO_EVENING, MORNING_TO_EVENING, holidays="FR"),
    "US": daily(8, 20),
    "IN": daily(10, 21),
}
LOUD = (
    "SMS",
    "WHATSAPP",
)  # what a country's rule is about; a push is quiet by the usual hours, an e-mail never


def hours_for(channel: str, country: str, own: Mapping[str, Any]) -> Hours | None:
    """The rule for a channel; None = at any time. own: the sender's, channel -> {"from": "20:00", "to": "08:00"}."""
    if channel in own:
        return own_hours(own[channel])
    if channel in LOUD:
        return COUNTRIES.get(country, USUAL)
    return USUAL if channel == "PUSH" else None


def own_hours(quiet: Any) -> Hours | None:
    """A club's own quiet hours; None where they are empty, or from a time to the same."""
    if not isinstance(quiet, Mapping) or not quiet.get("from") or not quiet.get("to"):
        return None
    start, end = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
    if start == end:
        return None
    if start > end:
        windows: tuple[Window, ...] = ((end, start),)
    else:
        windows = tuple(one for one in ((time.min, start), (end, None)) if one[0] != one[1])
    return Hours(windows, windows, windows)


def is_open(hours: Hours, at: datetime, zone: ZoneInfo) -> bool:
    here = at.astimezone(zone)
    clock = here.time().replace(fold=0)
    return any(opens <= clock and (shuts is None or clock < shuts) for opens, shuts in hours.on(here.date()))


def next_open(hours: Hours | None, at: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment from `at` on that is open; None where there is none in two weeks."""
    if hours is None or is_open(hours, at, zone):
        return at
    today = at.astimezone(zone).date()
    for ahead in range(DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        moments = sorted(one for opens, _ in hours.on(day) for one in _moments(day, opens, zone))
        for moment in moments:
            if moment > at and is_open(hours, moment, zone):
                return moment
    return None


def _moments(day: date, opens: time, zone: ZoneInfo) -> Sequence[datetime]:
    """When the clock shows a time: twice where it is set back over it, when it is set on where it skips it."""
    found = []
    for fold in (0, 1):
        wall = datetime.combine(day, opens, tzinfo=zone).replace(fold=fold)
        moment = wall.astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
            found.append(moment)
    return found or [_gap_end(datetime.combine(day, opens, tzinfo=zone))]


def _gap_end(skipped: datetime) -> datetime:
    """The first moment after the gap of the clock that a time falls into."""
    before = skipped.replace(fold=1).astimezone(UTC)
    after = skipped.replace(fold=0).astimezone(UTC)
    zone = skipped.tzinfo
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


@lru_cache(maxsize=2_000)
def is_holiday(country: str, day: date) -> bool:
    easter = easter_of(day.year)
    fixed, moving = HOLIDAYS[country]
    days = {date(day.year, month, number) for month, number in fixed}
    if country == "ZA":  # one that falls on a Sunday is kept on the Monday too
        days |= {one + timedelta(days=1) for one in days if one.weekday() == 6}
    return day in days or (day - easter).days in moving


# Fixed days, and days from Easter Sunday. ZA: Public Holidays Act 36 of 1994; FR: Code du travail, L3133-1.
HOLIDAYS: Mapping[str, tuple[Sequence[tuple[int, int]], Sequence[int]]] = {
    "ZA": (
        [(1, 1), (3, 21), (4, 27), (5, 1), (6, 16), (8, 9), (9, 24), (12, 16), (12, 25), (12, 26)],
        [-2, 1],
    ),
    "FR": ([(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)], [1, 39, 50]),
}


def easter_of(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    leap, leaps = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * leaps + 2 * (rest // 4) - moon - rest % 4) % 7
    month, day = divmod(moon + week - 7 * ((golden + 11 * moon + 22 * week) // 451) + 114, 31)
    return date(year, month, day + 1)
