import pytest

from tests.timeline.sources.reading import WHEN, interpret, wrong
from timeline.effects import Fact
from timeline.sources.common import money, truncated

ORDER = {
    "orderId": "O-1",
    "customerId": "cust-9",
    "total": 1250000,
    "currency": "zar",
    "items": [{"sku": "GLOVE-L"}],
}
AMOUNT = {"total_cents": 1250000, "currency": "ZAR", "items": [{"sku": "GLOVE-L"}]}
VISIT = {
    "sessionId": "s1",
    "utm": {"source": "facebook"},
    "referrer": "https://www.example.org/",
    "ip": "203.0.113.51",
    "userAgent": "Mozilla/5.0",
    "geo": {"country": "ZA", "city": "Cape Town", "latitude": -33.9},
}


@pytest.mark.parametrize(
    ("what", "extra", "values", "opening", "stage", "counts"),
    [
        ("created", {}, {"placed_at": WHEN}, {"status": "CREATED"}, "PROSPECT", True),
        ("paid", {}, {"status": "PAID", "paid_at": WHEN}, {}, "CUSTOMER", True),
        ("completed", {}, {"status": "COMPLETED"}, {"paid_at": WHEN}, "CUSTOMER", True),
        ("refunded", {"refunded": 5}, {"status": "REFUNDED", "refunded_cents": 5}, {"paid_at": WHEN}, None, False),
        ("refunded", {}, {"status": "REFUNDED", "refunded_cents": 1250000}, {"paid_at": WHEN}, None, False),
        ("cancelled", {}, {"status": "CANCELLED", "cancelled_at": WHEN}, {}, None, False),
    ],
)  # fmt: skip
def test_an_order_lives(what: str, extra: dict, values: dict, opening: dict, stage: str | None, counts: bool):
    effect = interpret(f"order.{what}", {**ORDER, **extra}, email="t@x.org")
    assert effect.facts == (Fact("order", "O-1", AMOUNT | values, opening),)
    assert (effect.people[0].stage, effect.entry.counts) == (stage, counts)
    assert (effect.entry.category, effect.entry.metadata) == ("COMMERCE", {"customerId": "cust-9"})


def test_an_order_of_nobody_is_kept():
    effect = interpret("order.paid", ORDER)
    assert (effect.people, effect.entry) == ((), None)
    assert effect.facts[0].person is None


def test_an_abandoned_cart_is_an_entry_alone():
    effect = interpret("cart.abandoned", {"cartId": "c5", "total": 59800, "currency": "ZAR"}, email="t@x.org")
    assert (effect.entry.title, effect.entry.source_id, effect.entry.counts) == (
        "Left a cart of 598.00 ZAR",
        "c5",
        False,
    )
    assert effect.facts == ()


def test_a_page_view_keeps_its_context_and_coarsens_it():
    effect = interpret(
        "web.page_view", {"url": "https://club.example/", "title": "Home", **VISIT}, email="t@x.org"
    )
    assert effect.entry.context == {
        "session": "s1",
        "utm": {"source": "facebook"},
        "referrer": "https://www.example.org/",
        "ip": "203.0.113.0",
        "userAgent": "Mozilla/5.0",
        "geo": {"country": "ZA", "city": "Cape Town"},
    }
    assert effect.entry.metadata == {"url": "https://club.example/", "title": "Home"}
    assert (effect.people[0].stage, effect.people[0].seen, effect.entry.counts) == (
        "PROSPECT",
        ("last_seen_at",),
        True,
    )


@pytest.mark.parametrize("sent_type", ["web.page_view", "web.product_view", "web.add_to_cart"])
def test_a_visit_by_nobody_known_changes_nothing(sent_type: str):
    effect = interpret(sent_type, {"url": "https://club.example/", "sku": "GLOVE-L", **VISIT})
    assert (effect.people, effect.entry, effect.facts) == ((), None, ())


def test_a_purchase_on_the_web_is_a_paid_order():
    effect = interpret(
        "web.purchase", {"orderId": "W-1", "total": 29900, "currency": "ZAR", **VISIT}, email="t@x.org"
    )
    paid = {"status": "PAID", "channel": "WEB", "placed_at": WHEN, "paid_at": WHEN}
    assert effect.facts == (Fact("order", "W-1", {"total_cents": 29900, "currency": "ZAR", **paid}),)
    assert (effect.people[0].stage, effect.entry.type) == ("CUSTOMER", "WEB_PURCHASE")


@pytest.mark.parametrize(
    ("what", "payload", "values", "stage"),
    [
        ("won", {"dealValue": 45, "currency": "zar"}, {"value_cents": 45, "currency": "ZAR"}, "CUSTOMER"),
        ("lost", {"reason": "price"}, {"reason": "price"}, "LEAD"),
    ],
)  # fmt: skip
def test_a_deal_ends_won_or_lost(what: str, payload: dict, values: dict, stage: str):
    effect = interpret(f"deal.{what}", {"dealId": "D-7", **payload}, email="t@x.org")
    assert effect.facts == (Fact("deal", "D-7", {**values, "status": what.upper()}),)
    assert (effect.people[0].stage, effect.entry.counts) == (stage, False)


def test_a_ticket_opened_late_does_not_reopen():
    opened = interpret(
        "support.ticket.opened",
        {"ticketId": "T-3", "subject": "Rakes", "sentiment": "negative"},
        email="t@x.org",
    )
    solved = interpret("support.ticket.resolved", {"ticketId": "T-3"}, email="t@x.org")
    assert opened.facts == (
        Fact(
            "ticket",
            "T-3",
            {"subject": "Rakes", "sentiment": "NEGATIVE", "opened_at": WHEN},
            {"status": "OPEN"},
        ),
    )
    assert solved.facts == (Fact("ticket", "T-3", {"status": "RESOLVED", "resolved_at": WHEN}),)
    assert (opened.entry.counts, solved.entry.counts) == (True, False)


@pytest.mark.parametrize(("what", "counts"), [("voted", True), ("unvoted", True), ("shipped", False)])
def test_feedback_shows_on_the_timeline(what: str, counts: bool):
    effect = interpret(f"feedback.{what}", {"featureId": "feat-12", "votes": 3}, authUserId="auth0|1")
    assert (effect.entry.type, effect.entry.category, effect.entry.counts) == (
        f"FEEDBACK_{what.upper()}", "FEEDBACK", counts
    )  # fmt: skip
    assert effect.entry.metadata == {"votes": 3}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.51", "203.0.113.0"),
        (" 2001:db8:85a3:8d3::1 ", "2001:db8:85a3::"),
        ("fe80::1%eth0", "fe80::"),
        ("not an address", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_an_address_is_cut_to_its_network(address: object, network: str):
    assert truncated(address) == network


@pytest.mark.parametrize(
    ("cents", "currency", "text"), [(125000, "gbp", "1,250.00 GBP"), (5, None, "0.05"), (0, "", "0.00")]
)
def test_money_is_written_for_people(cents: int, currency: str | None, text: str):
    assert money(cents, currency) == text


def test_a_wrong_item_of_an_order_is_named():
    assert wrong("order.paid", {"orderId": 1, "total": 1, "items": [{"sku": "a"}, {"price": 2.5}]}) == {
        "items[1].price": "must be an integer"
    }
