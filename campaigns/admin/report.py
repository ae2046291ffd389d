"""How a campaign went, to look at: the funnel, what people did over time, links, variants, who was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns import statistics
from campaigns.admin.html import channel_name
from campaigns.models import Campaign, CampaignRun, CampaignVariant, MessageState, Reason
from crm.bars import Bar, bars, nice

HOURS = 48  # in which most of what a message brings comes in
# What is usual in the field, in percent: metric -> (at least, up to which it is usual).
BENCHMARKS: dict[str, dict[str, tuple[float, float | None]]] = {
    "EMAIL": {
        "delivery": (95, None),
        "open": (20, 30),
        "click": (2, 5),
        "bounce": (0, 2),
        "unsubscribe": (0, 0.5),
    },
    "SMS": {"delivery": (98, None), "click": (5, 15), "unsubscribe": (0, 1)},
    "PUSH": {"delivery": (90, None), "open": (5, 15), "conversion": (2, 5)},
    "WHATSAPP": {},
}
METRICS: dict[str, tuple[Any, str, str, bool]] = {  # words, part, of, and whether more is better
    "delivery": (_("Delivered"), "delivered", "sent", True),
    "open": (_("Opened"), "opened", "delivered", True),
    "click": (_("Clicked"), "clicked", "delivered", True),
    "conversion": (_("Converted"), "converted", "delivered", True),
    "bounce": (_("Bounced"), "bounced", "sent", False),
    "unsubscribe": (_("Unsubscribed"), "unsubscribed", "delivered", False),
}
FUNNEL = (
    ("target", _("Meant for")), ("sent", _("Sent")), ("delivered", _("Delivered")), ("opened", _("Opened")),
    ("clicked", _("Clicked")), ("converted", _("Converted")),
)  # fmt: skip


class Step(NamedTuple):
    """A step of the funnel; `share` of all it was meant for, in percent."""

    key: str
    words: Any
    people: int
    share: float


class Measure(NamedTuple):
    """A share of a channel beside what is usual; is_good is null where nothing is known to compare it with."""

    words: Any
    percent: float
    usual: str
    is_good: bool | None


class Line(NamedTuple):
    """Why so many did not get it."""

    words: Any
    people: int
    share: float
    query: str


class Way(NamedTuple):
    """How a variant did. low, high: where its true click rate lies, in percent."""

    name: str
    pk: Any
    subject: str
    counts: Mapping[str, int]
    open: float | None
    click: float | None
    low: float
    high: float
    is_winner: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """What people did hour by hour from the first message on; the peak is the busiest hour."""

    rows: list[tuple[datetime, Bar, Bar]]
    most: int
    peak: datetime | None
    opened: int
    clicked: int


def report(campaign: Campaign, runs: Sequence[CampaignRun], chosen: Sequence[CampaignRun]) -> dict[str, Any]:
    """Everything on the report of some of a campaign's runs. Four statements."""
    totals = statistics.totals(chosen)
    ids = [run.pk for run in chosen]
    latest = chosen[0] if chosen else None
    return {
        "totals": totals,
        "rates": statistics.rates(totals),
        "funnel": funnel(totals),
        "channels": [
            (channel_name(key), key, counts, measures(key, counts))
            for key, counts in sorted(totals["channels"].items())
        ],
        "reasons": reasons(totals),
        "ways": ways(campaign, totals, latest),
        "links": statistics.links(ids) if ids else [],
        "hours": hours(statistics.over_time(ids), latest) if ids else None,
        "lift": statistics.lift(latest) if latest else None,
        "as_of": statistics.as_of(chosen),
        "runs": runs,
        "chosen": latest if len(chosen) == 1 else None,
        "unknown": totals["states"].get(MessageState.UNKNOWN, 0),
        "waiting": totals["states"].get(MessageState.QUEUED, 0)
        + totals["states"].get(MessageState.SENDING, 0),
    }


def funnel(totals: Mapping[str, Any]) -> list[Step]:
    whole = totals["target"]
    return [
        Step(key, words, totals[key], round(100 * totals[key] / whole, 1) if whole else 0.0)
        for key, words in FUNNEL
    ]


def measures(channel: str, counts: Mapping[str, int]) -> list[Measure]:
    """The shares of a channel that can be told, each beside what is usual for it."""
    found = []
    for key, (words, part, of, more_is_better) in METRICS.items():
        if not counts.get(of) or (key == "open" and channel in ("SMS",)):
            continue
        percent = 100 * counts[part] / counts[of]
        bounds = BENCHMARKS.get(channel, {}).get(key)
        found.append(Measure(words, round(percent, 2), *_beside(percent, bounds, more_is_better)))
    return found


def _beside(
    percent: float, bounds: tuple[float, float | None] | None, more_is_better: bool
) -> tuple[str, bool | None]:
    if bounds is None:
        return "", None
    least, most = bounds
    if not more_is_better:
        return f"< {most:g} %", percent < (most or 0)
    return (f"{least:g} %+" if most is None else f"{least:g}–{most:g} %"), percent >= least


def reasons(totals: Mapping[str, Any]) -> list[Line]:
    """Who was left out or failed, by reason, the most first."""
    whole = totals["target"] or 1
    words = dict(Reason.choices)
    found = sorted(totals["reasons"].items(), key=lambda one: (-one[1], one[0]))
    return [
        Line(words.get(key, key), count, round(100 * count / whole, 1), f"?tab=people&reason={key}")
        for key, count in found
    ]


def ways(campaign: Campaign, totals: Mapping[str, Any], run: CampaignRun | None) -> list[Way]:
    """The variants side by side; none where there is only one. One statement."""
    rows = list(CampaignVariant.objects.filter(campaign=campaign).order_by("name"))
    if len(rows) < 2:
        return []
    found = []
    for row in rows:
        counts = totals["variants"].get(str(row.pk), dict.fromkeys(statistics.ALL, 0))
        rates = statistics.rates(counts)
        low, high = statistics.interval(counts["clicked"], counts["delivered"])
        is_winner = run is not None and run.winner_id == row.pk
        found.append(
            Way(
                row.name,
                row.pk,
                row.subject,
                counts,
                rates["openRate"],
                rates["clickRate"],
                low,
                high,
                is_winner,
            )
        )
    return found


def hours(rows: Sequence[Mapping[str, Any]], run: CampaignRun | None) -> Hours | None:
    """The first 48 hours of a run, or as many as there were."""
    if not rows or run is None:
        return None
    first = min(run.started_at, rows[0]["hour"]).replace(minute=0, second=0, microsecond=0)
    known = {row["hour"]: row for row in rows}
    count = min(HOURS, int((timezone.now() - first) / timedelta(hours=1)) + 1)
    every = [first + timedelta(hours=n) for n in range(max(count, 1))]
    opened = [known.get(hour, {}).get("opened", 0) for hour in every]
    clicked = [known.get(hour, {}).get("clicked", 0) for hour in every]
    most = nice(max([*opened, *clicked, 1]))
    peak = max(
        every,
        key=lambda hour: sum(known[hour][kind] for kind in ("opened", "clicked")) if hour in known else 0,
    )
    drawn = list(zip(every, bars(opened, most=most), bars(clicked, most=most, fill=0.36), strict=True))
    return Hours(drawn, most, peak if any(opened) or any(clicked) else None, sum(opened), sum(clicked))
