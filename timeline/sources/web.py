"""What people do on the club's website. Pure."""

from timeline.catalogue import event_type
from timeline.effects import Effect, Entry, Event, Fact, Person
from timeline.schema import Schema, array, cents, currency, key, number, obj, text
from timeline.sources.commerce import ITEM, ORDER_HOMES, order
from timeline.sources.common import effect, entry, hints, money

VISIT: dict[str, Schema] = {
    "sessionId": text(),
    "utm": obj(),
    "referrer": text(longest=2000),
    "ip": text(longest=100),
    "userAgent": text(longest=1000),
    "geo": obj(country=text(), region=text(), city=text()),
}


def visit(event: Event, seen: Entry, *facts: Fact, stage: str = "PROSPECT") -> Effect:
    return effect(
        event,
        Person(hints(event.identity), stage=stage, seen=("last_seen_at",)),
        entry=seen,
        facts=facts,
    )


@event_type(
    "web.page_view",
    source="web",
    schema=obj(required=["url"], url=text(longest=2000), title=text(longest=300), **VISIT),
)
def page_view(event: Event) -> Effect:
    """Someone looked at a page."""
    title = event.payload.get("title")
    words = f"Viewed the page {title}" if title else "Viewed a page"
    return visit(event, entry(event, "WEB_PAGE_VIEW", "WEB", words, counts=True))


@event_type(
    "web.product_view",
    source="web",
    schema=obj(required=["sku"], sku=key(), name=text(longest=300), url=text(longest=2000), **VISIT),
)
def product_view(event: Event) -> Effect:
    """Someone looked at a product."""
    words = f"Viewed the product {event.payload.get('name') or event.payload['sku']}"
    return visit(
        event, entry(event, "WEB_PRODUCT_VIEW", "WEB", words, source_id=event.payload["sku"], counts=True)
    )


@event_type(
    "web.add_to_cart",
    source="web",
    schema=obj(
        required=["sku"],
        sku=key(),
        name=text(longest=300),
        quantity=number(least=0, most=1_000_000),
        price=cents(),
        currency=currency(),
        **VISIT,
    ),
)
def add_to_cart(event: Event) -> Effect:
    """Someone put a product into the cart."""
    words = f"Put {event.payload.get('name') or event.payload['sku']} into the cart"
    return visit(
        event, entry(event, "WEB_ADD_TO_CART", "WEB", words, source_id=event.payload["sku"], counts=True)
    )


@event_type(
    "web.purchase",
    source="web",
    schema=obj(
        required=["orderId", "total"],
        orderId=key(),
        total=cents(),
        currency=currency(),
        items=array(ITEM, most=500),
        **VISIT,
    ),
)
def purchase(event: Event) -> Effect:
    """Someone bought on the website; it is a paid order too, and adds to the lifetime value."""
    when = event.occurred_at
    bought = order(event, {"status": "PAID", "placed_at": when, "paid_at": when, "channel": "WEB"})
    title = f"Bought for {money(event.payload['total'], event.payload.get('currency'))}"
    seen = entry(
        event,
        "WEB_PURCHASE",
        "WEB",
        title,
        source_id=event.payload["orderId"],
        homes=ORDER_HOMES,
        counts=True,
    )
    return visit(event, seen, bought, stage="CUSTOMER")
