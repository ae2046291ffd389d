"""The time the story covers, and dice that always fall the same way. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

HISTORY = timedelta(days=396)
ISSUES = 6
OUTLOOK = timedelta(days=35)  # what is booked, announced or invoiced already and happens later


@dataclass(frozen=True, slots=True)
class Period:
    """From the first night on which the CRM heard of anybody up to `as_of` (aware UTC)."""

    seed: int
    as_of: datetime

    @property
    def start(self) -> date:
        return (self.as_of - HISTORY).date()

    @property
    def today(self) -> date:
        return self.as_of.date()

    def dice(self, *topic: object) -> Random:
        """A generator of its own for each topic: what is told first doesn't change what is told later."""
        return Random("/".join(map(str, (self.seed, *topic))))

    def days(self) -> Iterator[date]:
        """Every day on which something is anchored, the latest first, beginning with what lies ahead."""
        day = self.today + OUTLOOK
        while day > self.start:
            yield day
            day -= timedelta(days=1)

    def months(self) -> list[date]:
        """The first day of every month that begins within the period or the outlook."""
        found, month = [], (self.start.replace(day=1) + timedelta(days=32)).replace(day=1)
        while month <= self.today + OUTLOOK:
            found.append(month)
            month = (month + timedelta(days=32)).replace(day=1)
        return found

    def issue_days(self) -> list[date]:
        """The days of the newsletter so far: the first Tuesday of each month, for half a year now."""
        tuesdays = (month + timedelta(days=(1 - month.weekday()) % 7) for month in self.months())
        return [day for day in tuesdays if day < self.today][-ISSUES:]

    def day_between(self, dice: Random, first: date, last: date) -> date:
        """A day from `first` to `last`, both included; `first` where they are the wrong way round."""
        return first + timedelta(days=dice.randint(0, max(0, (last - first).days)))
