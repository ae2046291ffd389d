"""What the rest of the world hears of a batch of events, each piece with the event that caused it.

An event of the past fills up what others know and triggers nothing, so news that only such events caused says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from crm.outbox.services import News
from crm.tenancy.scope import current_tenant
from customers.facts import FactChange
from customers.payloads import WIRE, created_payload, updated_payload, wire_value
from customers.person import Person
from customers.resolution import Hit
from customers.stamps import Stamp
from timeline.effects import Effect, Event


class Told(NamedTuple):
    """An applied event: its effect, and whom each of the effect's people turned out to be."""

    event: Event
    effect: Effect
    hits: Sequence[Hit | None]


class Events(dict[tuple[str, str], Event]):
    """The events of a batch by source and id, as stamps name them."""

    def of(self, stamp: Sequence[int | str]) -> Event:
        found = Stamp(*stamp)  # type: ignore[arg-type]
        return self[found.source, found.event]


def news_of(
    batch: Sequence[Told], people: Mapping[UUID, Person], changes: Sequence[FactChange]
) -> Iterator[News]:
    """people: everyone whom the batch told of. changes: what became of its facts."""
    events = Events({(told.event.source, told.event.id): told.event for told in batch})
    live = {hit.customer for told in batch for hit in told.hits if hit and not told.event.historical}
    for pk, person in people.items():
        yield from _profile(pk, person, events, historical=pk not in live)
    yield from _new_customers(batch, people)
    for event, effect, hits in batch:
        subject = {"customerId": str(hits[0].customer)} if hits and hits[0] else {}
        for topic, payload in effect.announce:
            yield _news(topic, event.id, {**payload, **subject}, event)
    for change in changes:
        yield from _purchase(change, events)


def _news(topic: str, key: object, payload: Mapping[str, object], cause: Event) -> News:
    return News(topic, str(key), payload, cause.id, cause.historical)


def _profile(pk: UUID, person: Person, events: Events, *, historical: bool) -> Iterator[News]:
    """News of a profile: what several events wrote is told once, with the latest of them as the cause."""
    cause = events.of(person.cause) if person.cause else None
    if person.is_new:
        payload = created_payload(person.row, cause=cause.type if cause else "")
        yield News("crm.profile.created", str(pk), payload, cause.id if cause else "", historical)
    elif told := sorted(person.changed & WIRE.keys()):
        payload = updated_payload(person.row, told)
        yield News("crm.profile.updated", str(pk), payload, cause.id if cause else "", historical)
    if "deleted_at" in person.changed and person.row["deleted_at"]:
        deletion = events.of(person.row["provenance"]["status"])
        yield _news("crm.profile.deleted", pk, {"id": str(pk), "reason": deletion.type}, deletion)


def _new_customers(batch: Sequence[Told], people: Mapping[UUID, Person]) -> Iterator[News]:
    """Who reached the stage CUSTOMER for the first time, by an event of now if there is one that says so."""
    causes: dict[UUID, Event] = {}
    for event, effect, hits in batch:
        for person, hit in zip(effect.people, hits, strict=True):
            if hit and person.stage == "CUSTOMER":
                known = causes.setdefault(hit.customer, event)
                if known.historical and not event.historical:
                    causes[hit.customer] = event
    for pk, cause in causes.items():
        if "CUSTOMER" not in people[pk].reached_before:
            yield _news("person.became_customer", pk, {"customerId": str(pk)}, cause)


def _purchase(change: FactChange, events: Events) -> Iterator[News]:
    """News of an order that is now paid, where it is worth the tenant's threshold in the tenant's money."""
    after, tenant = change.after, current_tenant()
    if change.kind != "order" or after["paid_at"] is None or change.before.get("paid_at") is not None:
        return
    if (after["total_cents"] or 0) * tenant.rates.get(after["currency"], 0) >= tenant.high_value_cents:
        payload = {
            "customerId": str(after["customer_id"]) if after["customer_id"] else None,
            "orderId": after["key"],
            "total": after["total_cents"],
            "currency": after["currency"],
            "paidAt": wire_value(after["paid_at"]),
        }
        yield _news("high_value_purchase", after["key"], payload, events.of(after["stamps"]["paid_at"]))
