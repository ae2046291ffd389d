"""The two clubs: where they are, what they charge, and when people play. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TIERS = {"Platinum": 1, "Gold": 2, "Silver": 3, "Social": 4, "Junior": 5}
LADDER = ("Social", "Silver", "Gold", "Platinum")
WEEKDAYS = (0.55, 0.6, 1.0, 0.75, 0.9, 2.4, 1.9)  # Monday first: clubs live on Wednesdays and at weekends


@dataclass(frozen=True, slots=True, eq=False)
class DemoClub:
    """A club of the demo; there are two, so each is equal to itself alone.

    Money:   integer cents of `currency`; fees are a year's.
    Shapes:  season, washed_out and dusk have one number a month: how much is played, the chance that rain closes
             the course on a day, and the hour at which it gets dark.
    """

    ref: str
    name: str
    code: str
    region: str
    timezone: str
    currency: str
    language: str
    courses: tuple[tuple[str, str], ...]
    authority: str
    association: str
    first_tee: int
    minutes_between_tees: int
    season: tuple[float, ...]
    washed_out: tuple[float, ...]
    dusk: tuple[float, ...]
    fees: dict[str, int]
    green_fee_member: int
    green_fee_visitor: int

    def at(self, day: date, hour: float) -> datetime:
        """The moment in UTC when clocks at the club show `hour` (9.5 is half past nine) on `day`."""
        local = datetime.combine(day, time(), ZoneInfo(self.timezone)) + timedelta(hours=hour)
        return local.astimezone(UTC)

    def competition_day(self, month: date) -> date:
        """The day of a month's competition: Fynbos' second Saturday, Heathland's third Sunday."""
        weekday, week = (5, 1) if self.region == "ZA" else (6, 2)
        return month + timedelta(days=(weekday - month.weekday()) % 7 + 7 * week)

    def pace(self, day: date) -> float:
        """How much is played on a day, 1.0 on an average one."""
        return self.season[day.month - 1] * WEEKDAYS[day.weekday()] / (sum(WEEKDAYS) / 7)


FYNBOS = DemoClub(
    ref="club-fynbos",
    name="Fynbos Golf Club",
    code="f",
    region="ZA",
    timezone="Africa/Johannesburg",
    currency="ZAR",
    language="en-ZA",
    courses=(("course-mountain", "Mountain Course"), ("course-vlei", "Vlei Course")),
    authority="GOLF_RSA",
    association="golfRsaId",
    first_tee=7,
    minutes_between_tees=8,
    season=(1.3, 1.25, 1.2, 1.0, 0.8, 0.6, 0.6, 0.75, 0.95, 1.1, 1.2, 1.25),
    dusk=(20.0, 19.6, 19.0, 18.3, 17.9, 17.7, 17.9, 18.2, 18.5, 18.9, 19.4, 19.9),
    washed_out=(0.01, 0.01, 0.02, 0.06, 0.12, 0.17, 0.16, 0.13, 0.07, 0.04, 0.02, 0.01),
    fees={
        "Platinum": 3_450_000,
        "Gold": 2_180_000,
        "Silver": 1_320_000,
        "Social": 390_000,
        "Junior": 240_000,
    },
    green_fee_member=19_500,
    green_fee_visitor=72_500,
)
HEATHLAND = DemoClub(
    ref="club-heathland",
    name="Heathland Park GC",
    code="h",
    region="GB",
    timezone="Europe/London",
    currency="GBP",
    language="en-GB",
    courses=(("course-heath", "Heath Course"),),
    authority="WHS",
    association="cdhId",
    first_tee=8,
    minutes_between_tees=10,
    season=(0.45, 0.5, 0.75, 1.05, 1.3, 1.4, 1.4, 1.35, 1.2, 1.0, 0.7, 0.5),
    dusk=(16.4, 17.3, 18.3, 19.9, 20.7, 21.3, 21.2, 20.4, 19.3, 18.1, 16.3, 15.9),
    washed_out=(0.16, 0.13, 0.09, 0.05, 0.03, 0.03, 0.02, 0.03, 0.04, 0.08, 0.13, 0.17),
    fees={"Platinum": 196_000, "Gold": 142_500, "Silver": 89_000, "Social": 21_000, "Junior": 14_500},
    green_fee_member=0,
    green_fee_visitor=4_800,
)
CLUBS = (FYNBOS, HEATHLAND)
