"""What became of the messages of runs: counted set-based whenever something changed, so that no counter can drift."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from campaigns import lifecycle
from campaigns.intervals import difference, wilson
from campaigns.models import Campaign, CampaignRun, CampaignStatus, PauseReason, RunState
from campaigns.queue import SLACK, database_now
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant

COUNTERS = ("target", "sent", "delivered", "opened", "clicked", "converted", "unsubscribed", "bounced")
MORE = ("complained", "openedByAnything", "clickedByAnything", "parts", "revenueCents")
ALL = (*COUNTERS, *MORE)
# A gateway that tells nothing of deliveries: what it took and did not bounce counts as delivered.
SILENT = ("local", "smtp")
COUNT = """
    SELECT m.variant_id::text AS variant, m.channel, m.state, m.reason, count(*) AS target,
        count(*) FILTER (WHERE h.left) AS sent,
        count(*) FILTER (WHERE h.left AND m.bounced_at IS NULL AND m.state <> 'BOUNCED'
            AND (m.delivered_at IS NOT NULL OR m.state <> 'SENT' OR m.first_open_at IS NOT NULL
                OR m.first_click_at IS NOT NULL OR m.gateway = ANY(%(silent)s))) AS delivered,
        count(*) FILTER (WHERE m.opened_at IS NOT NULL OR m.clicked_at IS NOT NULL) AS opened,
        count(m.clicked_at) AS clicked, count(m.converted_at) AS converted,
        count(m.unsubscribed_at) AS unsubscribed,
        count(*) FILTER (WHERE m.bounced_at IS NOT NULL OR m.state = 'BOUNCED') AS bounced,
        count(*) FILTER (WHERE m.complained_at IS NOT NULL OR m.state = 'COMPLAINED') AS complained,
        count(m.first_open_at) AS "openedByAnything", count(m.first_click_at) AS "clickedByAnything",
        coalesce(sum(m.parts) FILTER (WHERE h.left), 0)::bigint AS parts
    FROM campaigns_message m
    CROSS JOIN LATERAL (SELECT m.state IN ('SENT', 'DELIVERED', 'BOUNCED', 'COMPLAINED') AS "left") h
    WHERE m.tenant_id = %(tenant)s AND m.run_id = %(run)s
    GROUP BY 1, 2, 3, 4
"""
REVENUE = """
    SELECT m.variant_id::text AS variant, m.channel,
        sum(greatest(c.amount_cents - c.refunded_cents, 0))::bigint AS cents
    FROM campaigns_conversion c JOIN campaigns_message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
    WHERE c.tenant_id = %(tenant)s AND c.run_id = %(run)s AND c.reversed_at IS NULL GROUP BY 1, 2
"""
# Of who was held out and of who was sent it: how many booked or ordered within the days, because of it or not.
LIFT = """
    WITH people AS (
        SELECT DISTINCT customer_id, reason = 'HOLDOUT' AS is_out FROM campaigns_message
        WHERE tenant_id = %(tenant)s AND run_id = %(run)s
            AND (reason = 'HOLDOUT' OR state IN ('SENT', 'DELIVERED', 'BOUNCED', 'COMPLAINED'))
    )
    SELECT is_out, count(*) AS people, count(*) FILTER (WHERE EXISTS (
        SELECT FROM customers_booking b WHERE b.tenant_id = %(tenant)s AND b.customer_id = p.customer_id
            AND b.booked_at BETWEEN %(since)s AND %(until)s AND b.cancelled_at IS NULL
    ) OR EXISTS (
        SELECT FROM customers_order o WHERE o.tenant_id = %(tenant)s AND o.customer_id = p.customer_id
            AND o.placed_at BETWEEN %(since)s AND %(until)s AND o.cancelled_at IS NULL
    )) AS converted
    FROM people p GROUP BY is_out
"""
LINKS = """
    SELECT l.url, count(*) AS clicks, count(*) FILTER (WHERE i.is_human) AS human,
        count(DISTINCT i.message_id) FILTER (WHERE i.is_human) AS people
    FROM campaigns_interaction i JOIN campaigns_message m ON m.tenant_id = i.tenant_id AND m.id = i.message_id
    JOIN campaigns_link l ON l.tenant_id = i.tenant_id AND l.id = i.link_id
    WHERE i.tenant_id = %(tenant)s AND m.run_id = ANY(%(runs)s) AND i.kind = 'CLICKED'
    GROUP BY l.url ORDER BY people DESC, clicks DESC, l.url LIMIT 100
"""
OVER_TIME = """
    SELECT date_trunc('hour', i.at) AS hour, count(*) FILTER (WHERE i.kind = 'OPENED') AS opened,
        count(*) FILTER (WHERE i.kind = 'CLICKED') AS clicked
    FROM campaigns_interaction i JOIN campaigns_message m ON m.tenant_id = i.tenant_id AND m.id = i.message_id
    WHERE i.tenant_id = %(tenant)s AND m.run_id = ANY(%(runs)s) AND i.is_human AND i.kind IN ('OPENED', 'CLICKED')
    GROUP BY 1 ORDER BY 1 LIMIT 1000
"""
EVERY = timedelta(seconds=5)
A_SECOND = 100_000  # rows counted in a second, about: a large run is counted less often
ENOUGH_SENT, MOST_BOUNCED = 100, 0.05
ENOUGH_DELIVERED, MOST_COMPLAINED = 1_000, 0.001
LIFT_AFTER = timedelta(days=7)


def recount_dirty() -> int:
    """Count the open tenant's runs that something became of since they were counted."""
    now = database_now()
    dirty = CampaignRun.objects.filter(changed_at__isnull=False).filter(
        Q(counted_at=None) | Q(changed_at__gt=F("counted_at") - SLACK)
    )
    done = 0
    for run in dirty.select_related("campaign"):
        wait = EVERY + timedelta(seconds=run.target_count / A_SECOND)
        if run.counted_at is None or run.counted_at < now - wait:
            recount(run)
            pause_where_it_does_harm(run)
            done += 1
    return done


def recount(run: CampaignRun) -> dict[str, Any]:
    """Count a run from its rows. Three statements."""
    moment, asked = database_now(), {"tenant": current_tenant().pk, "run": run.pk, "silent": list(SILENT)}
    rows = select(COUNT, asked)
    revenue = select(REVENUE, asked)
    whole: Counter[str] = Counter()
    states: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    parts: dict[str, dict[str, Counter[str]]] = {"variants": {}, "channels": {}}
    for row in rows:
        found = {name: row[name] for name in (*COUNTERS, *MORE) if name in row}
        whole.update(found)
        states[row["state"]] += row["target"]
        if row["reason"]:
            reasons[row["reason"]] += row["target"]
        _of(parts, row).update(found)
        parts["channels"].setdefault(row["channel"], Counter()).update(found)
    for row in revenue:
        whole["revenueCents"] += row["cents"]
        _of(parts, row)["revenueCents"] += row["cents"]
        parts["channels"].setdefault(row["channel"], Counter())["revenueCents"] += row["cents"]
    counts = {
        **_plain(whole), "states": dict(states), "reasons": dict(reasons),
        **{kind: {key: _plain(value) for key, value in found.items()} for kind, found in parts.items()},
    }  # fmt: skip
    CampaignRun.objects.filter(pk=run.pk).update(counts=counts, counted_at=moment)
    run.counts, run.counted_at = counts, moment
    return counts


def _of(parts: dict[str, dict[str, Counter[str]]], row: Mapping[str, Any]) -> Counter[str]:
    if row["variant"] is None:
        return Counter()
    return parts["variants"].setdefault(row["variant"], Counter())


def _plain(found: Mapping[str, int]) -> dict[str, int]:
    return {name: int(found.get(name, 0)) for name in ALL}


def totals(runs: Collection[CampaignRun]) -> dict[str, Any]:
    """The counts of several runs as one, as they were last counted. No statement."""
    whole: Counter[str] = Counter()
    grouped: dict[str, Counter[str]] = {"states": Counter(), "reasons": Counter()}
    parts: dict[str, dict[str, Counter[str]]] = {"variants": {}, "channels": {}}
    for run in runs:
        whole.update({name: run.counts.get(name, 0) for name in ALL})
        for kind, counter in grouped.items():
            counter.update(run.counts.get(kind, {}))
        for kind, found in parts.items():
            for key, values in run.counts.get(kind, {}).items():
                found.setdefault(key, Counter()).update(values)
    return {
        **_plain(whole), **{kind: dict(counter) for kind, counter in grouped.items()},
        **{kind: {key: _plain(value) for key, value in found.items()} for kind, found in parts.items()},
    }  # fmt: skip


def rates(counts: Mapping[str, Any]) -> dict[str, float | None]:
    """In percent, with two decimals; null of what can't be divided."""

    def rate(part: str, of: str) -> float | None:
        return round(100 * counts.get(part, 0) / counts[of], 2) if counts.get(of) else None

    return {
        "deliveryRate": rate("delivered", "sent"), "openRate": rate("opened", "delivered"),
        "clickRate": rate("clicked", "delivered"), "conversionRate": rate("converted", "delivered"),
    }  # fmt: skip


def interval(hits: int, of: int) -> list[float]:
    """Of a share, in percent."""
    low, high = wilson(hits, of)
    return [round(100 * low, 2), round(100 * high, 2)]


def lift(run: CampaignRun) -> dict[str, Any] | None:
    """What the campaign brought beside what would have come anyway: who was sent it against who was held out."""
    if run.built_at is None or not run.counts.get("reasons", {}).get("HOLDOUT"):
        return None
    since = run.started_at
    asked = {"tenant": current_tenant().pk, "run": run.pk, "since": since, "until": since + LIFT_AFTER}
    found = {row["is_out"]: row for row in select(LIFT, asked)}
    sent, out = (found.get(is_out) or {"people": 0, "converted": 0} for is_out in (False, True))
    low, high = difference(sent["converted"], sent["people"], out["converted"], out["people"])

    def share(row: Mapping[str, int]) -> float:
        return row["converted"] / row["people"] if row["people"] else 0.0

    return {
        "sent": {"people": sent["people"], "converted": sent["converted"]},
        "heldOut": {"people": out["people"], "converted": out["converted"]},
        "lift": round(100 * (share(sent) - share(out)), 2), "interval": [round(100 * low, 2), round(100 * high, 2)],
        "days": LIFT_AFTER.days,
    }  # fmt: skip


def links(runs: Collection[Any]) -> list[dict[str, Any]]:
    """The addresses in what was sent, by how many people clicked them. One statement."""
    return select(LINKS, {"tenant": current_tenant().pk, "runs": list(runs)})


def over_time(runs: Collection[Any]) -> list[dict[str, Any]]:
    """What people did, by the hour. One statement."""
    return select(OVER_TIME, {"tenant": current_tenant().pk, "runs": list(runs)})


def pause_where_it_does_harm(run: CampaignRun) -> None:
    """Pause a campaign that bounces or is complained about more than mailbox providers bear."""
    if run.state != RunState.SENDING or run.campaign.status != CampaignStatus.ACTIVE:
        return
    counts = run.counts
    sent, delivered = counts["sent"], counts["delivered"]
    if sent >= ENOUGH_SENT and counts["bounced"] > MOST_BOUNCED * sent:
        _pause(run, PauseReason.BOUNCES, f"{counts['bounced']} of {sent} messages bounced.")
    elif delivered >= ENOUGH_DELIVERED and counts["complained"] > MOST_COMPLAINED * delivered:
        _pause(run, PauseReason.COMPLAINTS, f"{counts['complained']} of {delivered} people complained.")


def _pause(run: CampaignRun, reason: str, words: str) -> None:
    campaign = Campaign.objects.get(pk=run.campaign_id)
    if campaign.status == CampaignStatus.ACTIVE:
        lifecycle.pause_for(campaign, reason, words)


def as_of(runs: Collection[CampaignRun]) -> datetime | None:
    """As of when the counts are, at worst."""
    return min((run.counted_at for run in runs if run.counted_at), default=None)
