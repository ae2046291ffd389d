"""Who the people are: their number, stages and consents. Read once in ten minutes, and not with the page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from crm.staff.home.remember import remembered
from customers.models import Stage
from customers.visibility import visible_people
from customers.words import CHANNELS, STAGE_TONES

SECONDS = 600
LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the people: its words, tone, number and percentage; `key` is what a list filters by."""

    key: str
    words: Any
    tone: str
    count: int
    percent: float
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Consent:
    """A channel: how many said yes and no, and how many did either in the last 30 days."""

    channel: str
    words: Any
    icon: str
    yes: Share
    no: Share
    gained: int
    lost: int


def people(request: HttpRequest) -> dict[str, Any]:
    counts = remembered(request, "people", SECONDS, lambda: _count(request))
    total = counts["total"]
    return {
        "total": total,
        "new": counts["new"],
        "stages": _stages(counts, total),
        "consents": [_consent(counts, total, *channel) for channel in CHANNELS],
    }


def _count(request: HttpRequest) -> dict[str, int]:
    """All of it in one pass over the profiles that the request may see."""
    lately = timezone.now() - LATELY
    wanted = {"total": Count("pk"), "new": Count("pk", filter=Q(created_at__gte=lately))}
    wanted |= {stage.value: Count("pk", filter=Q(lifecycle_stage=stage)) for stage in Stage}
    for channel, _words, _icon in CHANNELS:
        for name, answer in (("yes", True), ("no", False)):
            said = Q(**{f"{channel}_opt_in": answer})
            wanted[f"{channel}_{name}"] = Count("pk", filter=said)
            wanted[f"{channel}_{name}_lately"] = Count(
                "pk", filter=said & Q(**{f"{channel}_opt_in_at__gte": lately})
            )
    counted: dict[str, int] = visible_people(request).listed().aggregate(**wanted)
    return counted


def _stages(counts: dict[str, int], total: int) -> list[Share]:
    shares: list[Share] = []
    x = 0.0
    for stage in Stage:
        percent = share(counts[stage], total)
        shares.append(
            Share(stage.value, stage.label, STAGE_TONES[stage], counts[stage], percent, round(x, 2))
        )
        x += percent
    return shares


def _consent(counts: dict[str, int], total: int, channel: str, words: Any, icon: str) -> Consent:
    yes, no = counts[f"{channel}_yes"], counts[f"{channel}_no"]
    in_percent = share(yes, total)
    return Consent(
        channel, words, icon,
        Share(f"{channel}-yes", words, "good", yes, in_percent),
        Share(f"{channel}-no", words, "bad", no, share(no, total), in_percent),
        counts[f"{channel}_yes_lately"], counts[f"{channel}_no_lately"],
    )  # fmt: skip


def share(count: int, total: int) -> float:
    return round(count / total * 100, 2) if total else 0.0
