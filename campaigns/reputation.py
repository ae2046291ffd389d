"""What a sender may send without losing its good name: a slow beginning, and a stop when too much comes back."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Message, MessageState, Sender
from campaigns.senders import senders_by_ref

FIRST_DAY, TWO_DAYS_MORE = 50, 2.0  # messages on the first day; each second day twice as many
WARM = 28  # days, after which there is no limit
LOOKED_AT = timedelta(days=1)
FEW = 100  # messages, below which shares tell nothing
MOST_BOUNCES, MOST_COMPLAINTS = 0.05, 0.001
COMPLAINTS_TOLD = 2  # one person alone stops nobody


def daily_limit(warm_up_from: date | None, today: date) -> int | None:
    """How many messages a domain may send on a day; None = as many as there are. Pure."""
    if warm_up_from is None:
        return None
    days = (today - warm_up_from).days
    if days >= WARM:
        return None
    return int(FIRST_DAY * TWO_DAYS_MORE ** (max(days, 0) / 2))


def too_much(sent: int, bounced: int, complained: int) -> str:
    """What of a day's messages is beyond measure: "bounces", "complaints" or "". Pure."""
    if sent < FEW:
        return ""
    if complained >= COMPLAINTS_TOLD and complained / sent > MOST_COMPLAINTS:
        return "complaints"
    return "bounces" if bounced / sent > MOST_BOUNCES else ""


def watch(refs: Collection[str], *, now: datetime) -> list[Sender]:
    """Pause the senders of these clubs of whose messages too many came back in a day; those that were paused.

    Three statements, and two a sender.
    """
    by_ref = senders_by_ref()
    senders = {one.pk: one for ref in refs if (one := by_ref.get(ref) or by_ref[""]).tenant_id}
    paused = []
    for sender in senders.values():
        own = [ref for ref, one in by_ref.items() if one.pk == sender.pk]
        what = too_much(*_day_of(own, now))
        words = {
            "bounces": _("Too many messages came back within a day."),
            "complaints": _("Too many people reported messages as spam within a day."),
        }
        if what and _pause(sender, words[what], now):
            paused.append(sender)
    return paused


def _day_of(refs: Collection[str], now: datetime) -> tuple[int, int, int]:
    rows: Any = Message.objects.filter(
        club_ref__in=refs, sent_at__gt=now - LOOKED_AT, message_class="MARKETING", channel="EMAIL"
    )
    states = list(rows.values_list("state", flat=True))
    return len(states), states.count(MessageState.BOUNCED), states.count(MessageState.COMPLAINED)


def _pause(sender: Sender, why: str, now: datetime) -> bool:
    if Sender.objects.filter(pk=sender.pk).exists():
        return bool(
            Sender.objects.filter(pk=sender.pk, paused_at=None).update(paused_at=now, pause_reason=why)
        )
    sender.paused_at, sender.pause_reason = now, why  # the rules in use were written by nobody yet
    sender.save()
    return True
