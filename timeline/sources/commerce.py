"""Orders and carts, as the web shop tells of them. Pure."""

from typing import Any

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import array, cents, currency, key, moment, number, obj, text
from timeline.sources.common import Home, effect, entry, hints, ident, moment_of, money, upper, written

ITEM = obj(
    sku=key(),
    name=text(longest=300),
    category=text(),
    brand=text(),
    quantity=number(least=0, most=1_000_000),
    price=cents(),
)
AMOUNT = {"total": Home("total_cents", int), "currency": Home("currency", upper)}
ORDER = AMOUNT | {"items": Home("items", list, []), "channel": Home("channel")}
ORDER_HOMES = frozenset({"orderId", "placedAt", "paidAt", "completedAt", "cancelledAt", "refunded", *ORDER})
ORDER_FIELDS = {
    "customerId": key(),
    "total": cents(),
    "currency": currency(),
    "items": array(ITEM, most=500),
    "channel": text(longest=50),
    "placedAt": moment(),
}


def order(event: Event, values: dict[str, Any], *, opening: dict[str, Any] | None = None) -> Fact:
    return Fact(
        "order", ident(event.payload["orderId"]), written(event.payload, ORDER) | values, opening or {}
    )


def price(event: Event, field: str = "total") -> str:
    """An amount of the event's, for a title: " of 299.00 ZAR", or nothing."""
    cents_of = event.payload.get(field)
    return "" if cents_of is None else f" of {money(cents_of, event.payload.get('currency'))}"


def order_effect(
    event: Event, type: str, title: str, fact: Fact, *, stage: str | None = None, counts: bool = False
) -> Effect:
    return effect(
        event,
        Person(hints(event.identity), stage=stage),
        entry=entry(
            event,
            type,
            "COMMERCE",
            title,
            source_id=event.payload["orderId"],
            homes=ORDER_HOMES,
            counts=counts,
        ),
        facts=[fact],
    )


@event_type(
    "order.created", source="ecommerce", schema=obj(required=["orderId"], orderId=key(), **ORDER_FIELDS)
)
def order_created(event: Event) -> Effect:
    """Someone placed an order."""
    placed = order(event, {"placed_at": moment_of(event, "placedAt")}, opening={"status": "CREATED"})
    title = f"Placed an order{price(event)}"
    return order_effect(event, "ORDER_CREATED", title, placed, stage="PROSPECT", counts=True)


@event_type(
    "order.paid",
    source="ecommerce",
    schema=obj(required=["orderId", "total"], orderId=key(), paidAt=moment(), **ORDER_FIELDS),
)
def order_paid(event: Event) -> Effect:
    """Someone paid an order; the amount adds to the lifetime value."""
    paid = order(event, {"status": "PAID", "paid_at": moment_of(event, "paidAt")})
    title = f"Paid an order{price(event)}"
    return order_effect(event, "ORDER_PAID", title, paid, stage="CUSTOMER", counts=True)


@event_type(
    "order.completed",
    source="ecommerce",
    schema=obj(required=["orderId"], orderId=key(), completedAt=moment(), **ORDER_FIELDS),
)
def order_completed(event: Event) -> Effect:
    """An order was fulfilled; without an event of its own for the payment it counts as paid now."""
    done = order(event, {"status": "COMPLETED"}, opening={"paid_at": moment_of(event, "completedAt")})
    title = f"Order{price(event)} completed"
    return order_effect(event, "ORDER_COMPLETED", title, done, stage="CUSTOMER", counts=True)


@event_type(
    "order.refunded",
    source="ecommerce",
    schema=obj(required=["orderId"], orderId=key(), refunded=cents(), **ORDER_FIELDS),
)
def order_refunded(event: Event) -> Effect:
    """Money for an order was given back; `refunded` is all of it so far, the whole order where it is absent."""
    back = event.payload.get("refunded")
    back = event.payload.get("total") if back is None else back
    values = {"status": "REFUNDED"} | ({} if back is None else {"refunded_cents": back})
    refund = order(event, values, opening={"paid_at": event.occurred_at})
    title = "Order refunded" if back is None else f"Refunded {money(back, event.payload.get('currency'))}"
    return order_effect(event, "ORDER_REFUNDED", title, refund)


@event_type(
    "order.cancelled",
    source="ecommerce",
    schema=obj(required=["orderId"], orderId=key(), cancelledAt=moment(), reason=text(), **ORDER_FIELDS),
)
def order_cancelled(event: Event) -> Effect:
    """An order was cancelled."""
    gone = order(event, {"status": "CANCELLED", "cancelled_at": moment_of(event, "cancelledAt")})
    return order_effect(event, "ORDER_CANCELLED", f"Order{price(event)} cancelled", gone)


@event_type(
    "cart.abandoned",
    source="ecommerce",
    schema=obj(
        cartId=key(), total=cents(), currency=currency(), items=array(ITEM, most=500), url=text(longest=2000)
    ),
)
def cart_abandoned(event: Event) -> Effect:
    """Someone left things in the cart."""
    return effect(
        event,
        Person(hints(event.identity), stage="PROSPECT"),
        entry=entry(
            event,
            "CART_ABANDONED",
            "COMMERCE",
            f"Left a cart{price(event)}",
            source_id=event.payload.get("cartId"),
            homes={"cartId"},
        ),
    )
