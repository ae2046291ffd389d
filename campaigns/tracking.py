"""What is done with messages that were sent: opened, followed, and by whom, people or machines.

A request is one statement to read and one to write. Whether a person did it is decided a minute later, from all that
was done with the message; only then it counts, on the message, on the timeline and for segments.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.http import HttpRequest

from campaigns import humans, tokens
from campaigns.humans import Act
from campaigns.models import Interaction, InteractionKind, Link, Message
from campaigns.news import tell_timeline
from campaigns.tokens import CLICK, TRAP
from crm.tenancy.access import client_ip
from crm.tenancy.models import Tenant
from crm.tenancy.rows import dump, run
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope

MOST = 300  # rows a message: more of the same tells nothing
AT_ONCE = 500
RECORD = """
    WITH made AS (
        INSERT INTO campaigns_interaction
            (tenant_id, message_id, kind, key, at, link_id, is_human, why, network, user_agent, detail)
        SELECT %(tenant)s, %(message)s, %(kind)s, %(key)s, %(at)s, %(link)s, %(is_human)s, %(why)s, %(network)s,
            %(agent)s, ''
        WHERE (SELECT count(*) FROM campaigns_interaction
            WHERE tenant_id = %(tenant)s AND message_id = %(message)s) < %(most)s
        ON CONFLICT DO NOTHING
    )
    UPDATE campaigns_message SET
        first_open_at = CASE WHEN %(kind)s = 'OPENED' THEN %(at)s ELSE first_open_at END,
        first_click_at = CASE WHEN %(kind)s = 'CLICKED' THEN %(at)s ELSE first_click_at END
    WHERE tenant_id = %(tenant)s AND id = %(message)s
        AND CASE WHEN %(kind)s = 'OPENED' THEN first_open_at ELSE first_click_at END IS NULL
"""
JUDGE = """
    UPDATE campaigns_interaction i SET is_human = j.why = '', why = j.why
    FROM json_to_recordset(%s) AS j (id bigint, why text) WHERE i.tenant_id = %s AND i.id = j.id
"""
SEEN = """
    WITH seen AS (
        SELECT message_id, min(at) FILTER (WHERE kind = 'OPENED') AS opened,
            min(at) FILTER (WHERE kind = 'CLICKED') AS clicked
        FROM campaigns_interaction WHERE tenant_id = %(tenant)s AND message_id = ANY(%(messages)s) AND is_human
        GROUP BY message_id
    )
    UPDATE campaigns_message m SET opened_at = least(m.opened_at, seen.opened, seen.clicked),
        clicked_at = least(m.clicked_at, seen.clicked)
    FROM seen WHERE m.tenant_id = %(tenant)s AND m.id = seen.message_id
"""


class Target(NamedTuple):
    """A message that a token names. url: where the link of a click leads, "" where it leads nowhere."""

    message: Message
    url: str = ""
    link: int | None = None
    is_trap: bool = False


def find(kind: str, token: str, address: str = "") -> Target | None:
    """The message that a token names; None where it is none of ours. One statement."""
    said = tokens.read(kind, token, address)
    if said is None:
        return None
    rows: Any = Message.objects.filter(pk=said.message, tenant__is_active=True).select_related("tenant")
    if kind == CLICK:
        links = Link.objects.filter(
            tenant=OuterRef("tenant"), content=OuterRef("content"), position=said.position
        )
        rows = rows.annotate(url=Subquery(links.values("url")), link=Subquery(links.values("pk")))
    with scopes_disabled():  # the token tells the tenant
        message = rows.first()
    if message is None:
        return None
    if kind != CLICK:
        return Target(message)
    return Target(message, address or message.url or "", message.link, said.position == TRAP)


def record(target: Target, kind: InteractionKind, request: HttpRequest, now: datetime) -> None:
    """Write down that something was done with a message; the same within a minute is the same. One statement."""
    agent, address = request.headers.get("User-Agent", "")[:300], client_ip(request) or ""
    why = humans.at_once(
        method=request.method or "", agent=agent, address=address, is_trap=target.is_trap,
        more=settings.SCANNER_NETWORKS,
    )  # fmt: skip
    network, message = humans.network_of(address), target.message
    place = TRAP if target.is_trap else target.link or 0
    with tenant_scope(message.tenant):
        run(RECORD, {
            "tenant": message.tenant_id, "message": message.pk, "kind": kind.value, "at": now, "most": MOST,
            "key": f"{place}:{now:%Y%m%d%H%M}:{network}:{why}", "link": target.link, "why": why,
            "is_human": False if why else None, "network": network, "agent": scrubbed(agent),
        })  # fmt: skip


def scrubbed(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def judge_due(now: datetime) -> int:
    """Decide who did what was done a minute ago, of all tenants; how many messages that were."""
    with scopes_disabled():  # asked across tenants: who has something to judge
        waiting = _undecided(now).filter(tenant=OuterRef("pk"))
        tenants = list(Tenant.objects.filter(Exists(waiting), is_active=True))
    total = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            while found := _judge_batch(now):
                total += found
    return total


def _undecided(now: datetime) -> Any:
    return Interaction.objects.filter(
        is_human=None, kind__in=["OPENED", "CLICKED"], at__lte=now - humans.SETTLED
    )


@transaction.atomic
def _judge_batch(now: datetime) -> int:
    """Seven statements at most, however many messages."""
    ids = list(_undecided(now).order_by("message").values_list("message", flat=True).distinct()[:AT_ONCE])
    locked = Message.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    messages = {row.pk: row for row in locked}
    rows = Interaction.objects.filter(message__in=ids, kind__in=["OPENED", "CLICKED"]).order_by("at", "pk")
    of: defaultdict[int, list[Interaction]] = defaultdict(list)
    for row in rows:
        of[row.message_id].append(row)
    verdicts: dict[int, str] = {}
    for pk, done in of.items():
        message = messages.get(pk)
        arrived = (message.delivered_at or message.sent_at) if message else None
        acts = [Act(one.pk, one.kind, one.at, one.link_id or 0, one.why) for one in done]
        verdicts |= humans.judged(acts, delivered_at=arrived)
    new = [one for done in of.values() for one in done if one.is_human is None]
    run(JUDGE, [dump({"id": one.pk, "why": verdicts[one.pk]} for one in new), current_tenant().pk])
    run(SEEN, {"tenant": current_tenant().pk, "messages": ids})
    tell_timeline(
        [(messages[one.message_id], one) for one in _firsts(new, of, verdicts) if one.message_id in messages]
    )
    return len(ids)


def _firsts(
    new: Sequence[Interaction], of: dict[int, list[Interaction]], verdicts: dict[int, str]
) -> list[Interaction]:
    """What of the new belongs on a timeline: the first opening by a person, and the first click of each link."""
    found = []
    for one in new:
        same = [
            other
            for other in of[one.message_id]
            if (other.kind, other.link_id) == (one.kind, one.link_id) and not verdicts[other.pk]
        ]
        if same and same[0].pk == one.pk:
            found.append(one)
    return found
