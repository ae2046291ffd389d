"""How many messages may leave just now, by limits that all workers share: token buckets by the database's clock."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from campaigns.models import Campaign, Sender
from crm.tenancy.rows import run, select
from crm.tenancy.scope import current_tenant

PART = 0.1  # of a second's messages that may leave at once; with REFILL, a second never sees more than 5 % too many
REFILL = 0.95
OPEN = """
    INSERT INTO campaigns_allowance (tenant_id, key, "left", at)
    VALUES (%(tenant)s, %(key)s, %(most)s, clock_timestamp())
    ON CONFLICT DO NOTHING
"""
TAKE = """
    WITH old AS MATERIALIZED (
        SELECT id, least(%(most)s, "left" + extract(epoch FROM clock_timestamp() - at) * %(rate)s) AS has
        FROM campaigns_allowance WHERE tenant_id = %(tenant)s AND key = %(key)s FOR UPDATE
    )
    UPDATE campaigns_allowance a
    SET "left" = old.has - least(%(wanted)s, greatest(floor(old.has), 0)), at = clock_timestamp()
    FROM old WHERE a.tenant_id = %(tenant)s AND a.id = old.id
    RETURNING least(%(wanted)s, greatest(floor(old.has), 0))::int AS granted
"""
GIVE_BACK = """
    UPDATE campaigns_allowance SET "left" = least(%(most)s, "left" + %(count)s)
    WHERE tenant_id = %(tenant)s AND key = %(key)s
"""
WARM_UP = 200  # e-mails on the first day of a domain; each day half as many again
GROWTH, WARM = 1.5, 30  # days, after which it may send as it likes


class Limit(NamedTuple):
    """A limit by its key: `most` at once, growing back by `rate` a second."""

    key: str
    most: float
    rate: float


def a_minute(key: str, count: int) -> Limit:
    """So many a minute, spread evenly: of a second's share a part at once, one at least."""
    second = count / 60
    return Limit(key, max(1.0, second * PART), second * REFILL)


def limits_of(sender: Sender, campaign: Campaign | None = None) -> list[Limit]:
    """The limits that messages of a sender, and of a campaign, are under."""
    found = []
    if campaign is not None and campaign.per_minute:
        found.append(a_minute(f"campaign:{campaign.pk}", campaign.per_minute))
    if sender.per_minute:
        found.append(a_minute(f"sender:{sender.pk}", sender.per_minute))
    return found


def warm_up_of(sender: Sender, day: date) -> Limit | None:
    """What a domain that is new to mailbox providers may send in a day; None where it may send as it likes."""
    if sender.warm_up_from is None:
        return None
    age = (day - sender.warm_up_from).days
    if age >= WARM:
        return None
    return Limit(f"warm-up:{sender.pk}:{day}", float(int(WARM_UP * GROWTH ** max(age, 0))), 0.0)


def take(limits: Sequence[Limit], wanted: int) -> int:
    """Take up to so many from all of the limits at once, and give how many that were. A statement or two a limit."""
    taken: list[tuple[Limit, int]] = []
    for limit in limits:
        granted = _take(limit, wanted)
        taken.append((limit, granted))
        wanted = granted
        if not granted:
            break
    for limit, granted in taken:
        give_back([limit], granted - wanted)
    return wanted


def give_back(limits: Sequence[Limit], count: int) -> None:
    """What was taken and not used."""
    if count > 0:
        for limit in limits:
            run(
                GIVE_BACK,
                {"tenant": current_tenant().pk, "key": limit.key, "most": limit.most, "count": count},
            )


def _take(limit: Limit, wanted: int) -> int:
    asked = {"tenant": current_tenant().pk, "wanted": wanted, **limit._asdict()}
    rows = select(TAKE, asked)
    if not rows:
        run(OPEN, asked)
        rows = select(TAKE, asked)
    return int(rows[0]["granted"]) if rows else 0
