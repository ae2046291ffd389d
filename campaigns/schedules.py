"""When campaigns go out: cron patterns and wall clocks, in zones whose clocks are put forward and back. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

EARLIEST = timezone(timedelta(hours=14))  # where every day begins first
OFTEN = timedelta(hours=1)
LOOKED_AT = 50  # occurrences, to see how often a pattern comes round


class InvalidPattern(ValueError):
    """The text is no cron pattern, or one that no campaign may have; the words are for staff."""


def check_pattern(pattern: str, zone: ZoneInfo, after: datetime) -> None:
    """Refuse what is no pattern of five fields, never comes, or comes oftener than once an hour."""
    coming = list(islice(occurrences(pattern, zone, after), LOOKED_AT))
    if not coming:
        raise InvalidPattern(f"“{pattern}” never comes.")
    if any(later - sooner < OFTEN for sooner, later in zip(coming, coming[1:], strict=False)):
        raise InvalidPattern(f"“{pattern}” comes more often than once an hour.")


def occurrences(pattern: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Its moments after `after`, in UTC, by the clock on the wall of the zone.

    09:00 stays 09:00 when clocks change. A time that they skip comes at the moment of the change; one that they show
    twice comes the first time only. Raises InvalidPattern.
    """
    if len(pattern.split()) != 5:
        raise InvalidPattern(f"“{pattern}” needs five fields: minute, hour, day, month and day of the week.")
    try:
        for moment in CronSim(pattern, after.astimezone(zone)):
            yield moment.astimezone(UTC)
    except CronSimError as error:
        raise InvalidPattern(f"“{pattern}” is not a pattern: {error}.") from error


def next_occurrence(
    pattern: str, zone: ZoneInfo, after: datetime, until: datetime | None = None
) -> datetime | None:
    """The first moment after `after`, or None where the pattern has ended by then. Raises InvalidPattern."""
    found = next(occurrences(pattern, zone, after), None)
    return None if found is None or (until is not None and found > until) else found


def at_wall(moment: datetime, zone: ZoneInfo, there: ZoneInfo | timezone) -> datetime:
    """When the clock of `there` shows what the clock of `zone` shows at `moment`, in UTC.

    A time that the clock of `there` skips is moved on by as much as it skips; of one that it shows twice, the first.
    """
    wall = moment.astimezone(zone).replace(tzinfo=None)
    return wall.replace(tzinfo=there, fold=0).astimezone(UTC)


def first_anywhere(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the first place on earth has the time that `zone` has at `moment`: sending to each at their time begins."""
    return at_wall(moment, zone, EARLIEST)


def from_first(begin: datetime, zone: ZoneInfo) -> datetime:
    """The moment of which `first_anywhere` made `begin`."""
    return begin.astimezone(EARLIEST).replace(tzinfo=zone, fold=0).astimezone(UTC)
