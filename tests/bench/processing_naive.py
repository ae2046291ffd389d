"""The naive way of B2, as the source documents sketch it: event by event, a query for each thing to know or write.

What an event means is asked of the same pure modules as ours; one transaction an event, statements prepared.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant, uuid7
from customers import lifecycle, normalise
from customers.changes import METRICS_BLANK
from customers.facts import COLUMNS as FACT_COLUMNS
from customers.facts import MODELS as FACTS
from customers.models import AliasHolder, CustomerMetrics, CustomerProfile, IdentityAlias
from customers.payloads import WIRE, created_payload, updated_payload
from customers.person import BLANK, LINKS
from customers.stamps import Stamp, fold
from tests.bench.statements import connect
from timeline.application import ENTRY_COLUMNS
from timeline.effects import Effect, Event, Fact, Person
from timeline.envelope import read_envelope
from timeline.models import Activity, InboundEvent
from timeline.sources import TYPES

TAKE = """
    SELECT e.id, b.raw FROM timeline_inboundevent e
    JOIN timeline_eventbody b ON b.tenant_id = e.tenant_id AND b.event_id = e.id
    WHERE e.tenant_id = %s AND e.is_waiting ORDER BY e.priority, e.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED
"""
HOLDER = """
    SELECT h.customer_id FROM customers_identityalias a
    JOIN customers_aliasholder h ON h.tenant_id = a.tenant_id AND h.alias_id = a.id AND h.is_owner
    WHERE a.tenant_id = %s AND a.kind = %s AND a.value = %s
"""
PROFILE = "SELECT * FROM customers_customerprofile WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE"
COUNT = """
    UPDATE customers_customermetrics SET activity_count_30d = activity_count_30d + 1,
        last_activity_at = greatest(last_activity_at, %(at)s),
        last_activity_type = CASE WHEN %(at)s >= coalesce(last_activity_at, %(at)s) THEN %(type)s
            ELSE last_activity_type END,
        decays_at = least(decays_at, %(decays_at)s), lifetime_value_cents = lifetime_value_cents + %(cents)s
    WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s
"""
SEEN = """
    UPDATE customers_customermetrics SET {name} = greatest({name}, %s) WHERE tenant_id = %s AND customer_id = %s
"""


def process_all(tenant: Tenant) -> int:
    """Work off the tenant's waiting events; how many that were."""
    total, naive = 0, Naive(tenant, own_connection())
    while naive.process_one():
        total += 1
    return total


@cache
def own_connection() -> Any:
    connection = connect()
    connection.row_factory = dict_row
    return connection


class Naive:
    """A worker that takes one event after the other."""

    def __init__(self, tenant: Tenant, connection: Any) -> None:
        self.tenant, self.connection, self.now = tenant, connection, datetime.now(UTC)

    def process_one(self) -> bool:
        with self.connection.transaction():
            row = self.connection.execute(TAKE, [self.tenant.pk]).fetchone()
            if row is None:
                return False
            self.now = datetime.now(UTC)
            event = read_envelope(json.loads(row["raw"]), now=self.now).event()
            effect = TYPES[event.type].interpret(event)
            customers = [self.person(event, person, effect) for person in effect.people]
            for fact in effect.facts:
                self.fact(fact, customers[fact.person or 0], self.stamp(event, effect))
            entry = self.entry(event, effect, customers[0])
            settled = {
                "status": "SUCCESS",
                "is_waiting": False,
                "processed_at": self.now,
                "customer_id": customers[0],
                "activity_id": entry,
            }
            self.update(InboundEvent, {"id": row["id"]}, settled)
        return True

    def stamp(self, event: Event, effect: Effect, tier: int = 1) -> Stamp:
        return Stamp.of(event.source, event.id, event.occurred_at, tier=tier, version=effect.version)

    # --- people
    def person(self, event: Event, person: Person, effect: Effect) -> UUID:
        hints = normalise.hints(person.hints, self.tenant.region)
        stamp = self.stamp(event, effect, person.tier)
        found = next(self.holders(hints), None)
        row: dict[str, Any] = (
            self.connection.execute(PROFILE, [self.tenant.pk, found]).fetchone() if found else self.blank()
        )
        had_bought = "CUSTOMER" in row["stages_reached"]
        changed = self.write(row, person, hints, stamp)
        if found:
            if changed:
                kept = changed | {"provenance", "version", "updated_at", "updated_by"}
                row |= {"version": row["version"] + 1, "updated_at": self.now, "updated_by": "events"}
                self.update(CustomerProfile, {"id": row["id"]}, {name: row[name] for name in kept})
        else:
            self.create(row, hints, stamp)
        self.tell(row, changed, event, is_new=not found, had_bought=had_bought)
        for name in person.seen:
            statement = sql.SQL(SEEN).format(name=sql.Identifier(name))
            self.connection.execute(statement, [event.occurred_at, self.tenant.pk, row["id"]])
        pk: UUID = row["id"]
        return pk

    def holders(self, hints: Mapping[str, str]) -> Iterator[UUID]:
        for kind, value in hints.items():
            for row in self.connection.execute(HOLDER, [self.tenant.pk, kind, value]).fetchall():
                yield row["customer_id"]

    def blank(self) -> dict[str, Any]:
        made = {"id": uuid7(), "external_id": uuid4(), "stages_reached": {}, "provenance": {}}
        by = {"created_by": "events", "updated_by": "events", "created_at": self.now, "updated_at": self.now}
        return {**BLANK, **made, **by}

    def write(self, row: dict[str, Any], person: Person, hints: Mapping[str, str], stamp: Stamp) -> set[str]:
        fields = person.writes
        if "email" in fields:
            fields |= {"email": hints["email"], "email_display": fields["email"]}
        if "phone_number" in fields:
            fields |= {"phone_number": hints["phoneNumber"], "phone_is_valid": True}
        changed = fold(row, row["provenance"], fields, stamp).changed
        if person.stage and lifecycle.reach(row["stages_reached"], person.stage, stamp.at):
            changed.add("stages_reached")
            row["lifecycle_stage"] = lifecycle.current_stage(
                row["stages_reached"], over_at=None, now=stamp.at, lapse=lifecycle.Lapse(0, 0)
            )
        for kind, value in hints.items():
            if kind in LINKS:
                row[LINKS[kind]] = int(value) if kind == "sclMemberId" else value
        if "source" not in row["provenance"]:
            row["source"], row["provenance"]["source"] = stamp.source, list(stamp)
        return changed

    def create(self, row: dict[str, Any], hints: Mapping[str, str], stamp: Stamp) -> None:
        self.insert(CustomerProfile, row)
        self.insert(CustomerMetrics, {"customer_id": row["id"], **METRICS_BLANK})
        for kind, value in sorted(hints.items()):
            alias = self.insert(
                IdentityAlias, {"kind": kind, "value": value, "created_at": self.now}, returning=True
            )
            holder = {
                "alias_id": alias,
                "customer_id": row["id"],
                "recorded_for": row["id"],
                "is_owner": True,
            }
            self.insert(AliasHolder, holder | {"source": stamp.source, "since": self.now})

    def tell(
        self, row: dict[str, Any], changed: set[str], event: Event, *, is_new: bool, had_bought: bool
    ) -> None:
        if is_new:
            self.news("crm.profile.created", row, created_payload(row, cause=event.type), event)
        elif told := changed & WIRE.keys():
            self.news("crm.profile.updated", row, updated_payload(row, told), event)
        if not had_bought and "CUSTOMER" in row["stages_reached"]:
            self.news("person.became_customer", row, {"customerId": str(row["id"])}, event)

    def news(self, topic: str, row: dict[str, Any], payload: dict[str, Any], event: Event) -> None:
        message = {"message_id": uuid7(), "topic": topic, "key": str(row["id"]), "payload": payload}
        self.insert(
            OutboxMessage,
            message | {"correlation_id": event.id, "historical": False, "created_at": self.now},
        )

    # --- what is told of them
    def fact(self, fact: Fact, customer: UUID, stamp: Stamp) -> None:
        model = FACTS[fact.kind]
        table = sql.Identifier(model._meta.db_table)
        look = sql.SQL("SELECT * FROM {} WHERE tenant_id = %s AND key = %s FOR UPDATE").format(table)
        found = self.connection.execute(look, [self.tenant.pk, fact.key]).fetchone()
        defaults = {f.attname: f.get_default() for f in model._meta.concrete_fields}
        row = found or {**defaults, "key": fact.key, "stamps": {}, "created_at": self.now}
        fold(row, row["stamps"], {**fact.values, "customer_id": customer, "recorded_for": customer}, stamp)
        columns = {name: row[name] for name in FACT_COLUMNS[fact.kind]}
        if found:
            self.update(model, {"id": found["id"]}, columns)
        else:
            self.insert(model, columns)

    def entry(self, event: Event, effect: Effect, customer: UUID) -> UUID | None:
        entry = effect.entry
        if entry is None:
            return None
        pk = uuid7()
        values = [
            pk, customer, customer, entry.type, entry.category, entry.channel, entry.title, entry.description,
            dict(entry.metadata), dict(entry.context), event.source, entry.source_id, event.id, "", "", entry.counts,
            event.occurred_at, self.now,
        ]  # fmt: skip
        self.insert(Activity, dict(zip(ENTRY_COLUMNS, values, strict=True)))
        if entry.counts:
            cents = event.payload["amount"] if event.type == "scl.payment.received" else 0
            params = {"at": event.occurred_at, "type": entry.type, "cents": cents}
            params |= {"decays_at": event.occurred_at + timedelta(days=30)}
            self.connection.execute(COUNT, params | {"tenant": self.tenant.pk, "customer": customer})
        return pk

    # --- rows
    def insert(self, model: Any, values: Mapping[str, Any], *, returning: bool = False) -> Any:
        statement = sql.SQL("INSERT INTO {} (tenant_id, {}) VALUES (%s, {})").format(
            sql.Identifier(model._meta.db_table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        if returning:
            statement += sql.SQL(" RETURNING id")
        done = self.connection.execute(statement, [self.tenant.pk, *map(_adapted, values.values())])
        return done.fetchone()["id"] if returning else None

    def update(self, model: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        ((name, value),) = key.items()
        statement = sql.SQL("UPDATE {} SET {} WHERE tenant_id = %s AND {} = %s").format(
            sql.Identifier(model._meta.db_table),
            sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values),
            sql.Identifier(name),
        )
        self.connection.execute(statement, [*map(_adapted, values.values()), self.tenant.pk, value])


def _adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value
