"""The ledger of consent: writing statements, and proving that the flags of profiles are what follows from them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone
from psycopg import sql

from crm.tenancy.rows import insert_rows, run, select
from crm.tenancy.scope import current_tenant
from customers import history
from customers.consent import CHANNELS, Consent, identifier_of, mirrored
from customers.models import ConsentEntry, Suppression
from customers.parts import parts_of, write_parts
from customers.stamps import EPOCH, Stamp
from customers.suppression import SOURCE

COLUMNS = (
    "customer_id", "recorded_for", "kind", "value", "value_hash", "channel", "purpose", "club_ref", "state",
    "lawful_basis", "reason", "wording", "locale", "ip", "user_agent", "actor", "given_at", "expires_at", "tier",
    "version", "at", "rank", "event_id", "source", "recorded_at",
)  # fmt: skip
# What follows for one channel: the greatest stamp of all, and of all grants, which tells since when.
FOLLOWS = """
    SELECT p.id, n.state, n.stamp, g.given_at, g.stamp AS given_stamp
    FROM customers_customerprofile p
    LEFT JOIN LATERAL ({last}) n ON true
    LEFT JOIN LATERAL ({given}) g ON true
    WHERE p.tenant_id = %(tenant)s AND p.status <> 'MERGED' {people}
"""
LAST = """
    SELECT e.state, e.given_at, jsonb_build_array(e.tier, e.version,
        (extract(epoch FROM e.at) * 1000000)::bigint, e.rank, e.event_id, e.source) AS stamp
    FROM customers_consententry e
    WHERE e.tenant_id = p.tenant_id AND e.customer_id = p.id AND e.channel = %(channel)s
        AND e.purpose = 'MARKETING' AND e.club_ref = '' AND {states}
        AND NOT (e.tier = 2 AND EXISTS (SELECT FROM customers_suppression s
            WHERE s.tenant_id = e.tenant_id AND s.id::text = e.event_id AND s.lifted_at IS NOT NULL))
    ORDER BY e.tier DESC, e.version DESC, e.at DESC, e.rank DESC, e.event_id DESC, e.source DESC LIMIT 1
"""
ANY, GRANTS = sql.SQL("e.state <> 'PENDING'"), sql.SQL("e.state = 'GRANTED'")
DIFFERS = """
    SELECT p.id FROM customers_customerprofile p JOIN ({follows}) f ON f.id = p.id
    WHERE p.tenant_id = %(tenant)s AND (
        p.{flag} IS DISTINCT FROM CASE f.state WHEN 'GRANTED' THEN true WHEN 'WITHDRAWN' THEN false END
        OR p.{at} IS DISTINCT FROM f.given_at
        OR p.provenance->{flag_name} IS DISTINCT FROM f.stamp
        OR p.provenance->{at_name} IS DISTINCT FROM f.given_stamp)
"""
REBUILD = """
    UPDATE customers_customerprofile p
    SET {flag} = CASE f.state WHEN 'GRANTED' THEN true WHEN 'WITHDRAWN' THEN false END,
        {at} = f.given_at,
        provenance = (p.provenance - {flag_name} - {at_name})
            || jsonb_strip_nulls(jsonb_build_object({flag_name}, f.stamp, {at_name}, f.given_stamp)),
        version = p.version + 1, updated_at = %(now)s, updated_by = %(by)s
    FROM ({follows}) f
    WHERE p.tenant_id = %(tenant)s AND f.id = p.id AND p.id = ANY(%(changed)s)
"""


class Said(NamedTuple):
    """A statement to be written down: about whom, and which part of theirs, by which stamp and which identifiers."""

    customer: UUID
    part: UUID
    consent: Consent
    stamp: Stamp
    hints: Mapping[str, str]
    actor: str = ""


def write(said: Sequence[Said], *, now: datetime) -> None:
    """Write statements down, in the caller's transaction; one that is there already stays as it is. One statement."""
    insert_rows(ConsentEntry, [_row(one, now) for one in said], COLUMNS, conflict="DO NOTHING")


def _row(said: Said, now: datetime) -> dict[str, Any]:
    consent, stamp = said.consent, said.stamp
    kind, value = identifier_of(consent.channel, said.hints)
    return {
        "customer_id": said.customer, "recorded_for": said.part, "kind": kind, "value": value, "value_hash": "",
        "channel": consent.channel, "purpose": consent.purpose, "club_ref": consent.club_ref[:100],
        "state": consent.state.value, "lawful_basis": consent.lawful_basis, "reason": consent.reason,
        "wording": consent.wording[:100], "locale": consent.locale[:35], "ip": consent.ip,
        "user_agent": consent.user_agent[:300], "actor": said.actor, "given_at": consent.given_at,
        "expires_at": consent.expires_at, "tier": stamp.tier, "version": stamp.version,
        "at": EPOCH + timedelta(microseconds=stamp.at), "rank": stamp.rank, "event_id": stamp.event[:200],
        "source": stamp.source, "recorded_at": now,
    }  # fmt: skip


def forget_merges(merges: Collection[UUID]) -> None:
    """Take back what merges said that are undone, or say otherwise now; their records keep it. Three statements."""
    if merges:
        with history.erasing():
            events = [f"merge:{merge}" for merge in merges]
            ConsentEntry.objects.filter(event_id__in=events, reason="MERGE").delete()


def entries_of(customer: UUID) -> Any:
    """What was said of a person, newest first; what was said of several parts of theirs at once is told once."""
    same = {
        name: OuterRef(name) for name in ("customer", "source", "event_id", "channel", "purpose", "club_ref")
    }
    twins = ConsentEntry.objects.filter(**same, recorded_for__lt=OuterRef("recorded_for"))
    return ConsentEntry.objects.filter(~Exists(twins), customer=customer).order_by("-at", "-pk")


def heard(entries: Sequence[ConsentEntry]) -> list[ConsentEntry]:
    """Without what a suppression said that was lifted since. One statement where there was one."""
    told = {entry.event_id for entry in entries if entry.source == SOURCE}
    lifted = Suppression.objects.filter(pk__in=told, lifted_at__isnull=False) if told else []
    gone = {str(one.pk) for one in lifted}
    return [entry for entry in entries if entry.source != SOURCE or entry.event_id not in gone]


def rebuild_parts(root: UUID) -> None:
    """Bring the flags of the parts of a merged person in step with what was said of each. Three statements."""
    parts = parts_of([root])
    entries = heard(list(ConsentEntry.objects.filter(customer=root).exclude(reason="MERGE"))) if parts else []
    for part in parts:
        row, stamps = mirrored(entry.said for entry in entries if entry.recorded_for == part.pk)
        others = {name: stamp for name, stamp in part.row["provenance"].items() if name not in row}
        part.row.update(row | {"provenance": others | stamps})
    write_parts(parts)


def differences(people: Collection[UUID] | None = None) -> Iterator[tuple[str, list[UUID]]]:
    """Channel -> those whose flag is not what follows from the ledger, of all unless told. A statement a channel."""
    for channel in CHANNELS:
        found = select(_statement(DIFFERS, channel, people), _params(channel, people))
        yield channel, [row["id"] for row in found]


def rebuild(people: Collection[UUID] | None = None, *, by: str, now: datetime | None = None) -> int:
    """Bring flags in step with the ledger where they are not, in the caller's transaction; gives how many.

    A flag that nothing in the ledger speaks of becomes unknown. Two statements a channel.
    """
    history.say_who(by)
    count = 0
    for channel, changed in differences(people):
        if changed:
            params = {"changed": changed, "now": now or timezone.now(), "by": by}
            run(_statement(REBUILD, channel, changed), {**_params(channel, changed), **params})
            count += len(changed)
    return count


def _params(channel: str, people: Iterable[UUID] | None) -> dict[str, Any]:
    asked = None if people is None else list(people)
    return {"tenant": current_tenant().pk, "channel": channel, "people": asked}


def _statement(text: str, channel: str, people: Any) -> sql.Composed:
    flag = f"{channel.lower()}_opt_in"
    follows = sql.SQL(FOLLOWS).format(
        last=sql.SQL(LAST).format(states=ANY),
        given=sql.SQL(LAST).format(states=GRANTS),
        people=sql.SQL("" if people is None else "AND p.id = ANY(%(people)s)"),
    )
    return sql.SQL(text).format(
        follows=follows, flag=sql.Identifier(flag), at=sql.Identifier(f"{flag}_at"),
        flag_name=sql.Literal(flag), at_name=sql.Literal(f"{flag}_at"),
    )  # fmt: skip
