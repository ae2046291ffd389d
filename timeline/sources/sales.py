"""Deals won and lost, as the sales system tells of them. Pure."""

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import Schema, cents, currency, key, obj, text
from timeline.sources.common import Home, effect, entry, hints, ident, money, upper, written

DEAL = {"dealValue": Home("value_cents", int), "currency": Home("currency", upper), "reason": Home("reason")}
DEAL_FIELDS: dict[str, Schema] = {
    "dealId": key(),
    "currency": currency(),
    "contactId": key(),
    "reason": text(),
}


def deal(event: Event, status: str, title: str, *, stage: str) -> Effect:
    payload = event.payload
    return effect(
        event,
        Person(hints(event.identity), stage=stage),
        entry=entry(
            event,
            f"DEAL_{status}",
            "SALES",
            title,
            source_id=payload["dealId"],
            homes={"dealId", "dealValue", "currency"},
        ),
        facts=[Fact("deal", ident(payload["dealId"]), written(payload, DEAL) | {"status": status})],
    )


@event_type(
    "deal.won",
    source="sales",
    schema=obj(required=["dealId", "dealValue"], dealValue=cents(), **DEAL_FIELDS),
)
def deal_won(event: Event) -> Effect:
    """A deal was won; its value adds to the lifetime value."""
    payload = event.payload
    title = f"Deal won: {money(payload['dealValue'], payload.get('currency'))}"
    return deal(event, "WON", title, stage="CUSTOMER")


@event_type("deal.lost", source="sales", schema=obj(required=["dealId"], dealValue=cents(), **DEAL_FIELDS))
def deal_lost(event: Event) -> Effect:
    """A deal was lost."""
    return deal(event, "LOST", "Deal lost", stage="LEAD")
