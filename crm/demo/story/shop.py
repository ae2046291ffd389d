"""What the web shop and the web site tell: visits, carts, orders, refunds. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from crm.demo.story.clubs import DemoClub
from crm.demo.story.people import Kind, Person
from crm.demo.story.world import Draft, World, by_email

ORDERS_A_DAY = 0.00072  # per person of the club
VISITS_A_DAY = 0.0009
IS_CUSTOMER = {Kind.SHOPPER: 10.0, Kind.MEMBER: 1.0, Kind.VISITOR: 0.7, Kind.SUBSCRIBER: 0.25}
IS_VISITOR = {
    Kind.MEMBER: 1.0,
    Kind.VISITOR: 2.0,
    Kind.SUBSCRIBER: 2.2,
    Kind.SHOPPER: 1.5,
    Kind.CORPORATE: 3.0,
}
PAGES = (
    ("/membership", "Membership"), ("/book", "Book a tee time"), ("/visitors", "Visitors and green fees"),
    ("/competitions", "Competitions"), ("/shop", "Pro shop"), ("/restaurant", "Restaurant"),
    ("/functions", "Weddings and functions"), ("/course", "The course"),
)  # fmt: skip
CAME_FROM: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "https://www.example.org/search"),
    ({"source": "facebook", "medium": "social", "campaign": "season-opening"}, "https://facebook.example/"),
    ({"source": "newsletter", "medium": "email", "campaign": "monthly"}, ""),
    ({"source": "google", "medium": "cpc", "campaign": "green-fees"}, "https://www.example.org/search"),
    ({}, ""),
)
AGENTS = (
    "Mozilla/5.0 (iPhone)",
    "Mozilla/5.0 (Linux; Android 15)",
    "Mozilla/5.0 (Macintosh)",
    "Mozilla/5.0 (Windows NT 10.0)",
)


class Product(NamedTuple):
    """What the pro shop sells, and its price in cents of each club's currency."""

    sku: str
    name: str
    category: str
    brand: str
    rand: int
    sterling: int

    def price(self, club: DemoClub) -> int:
        return self.rand if club.currency == "ZAR" else self.sterling


PRODUCTS = (
    Product("BALL-12", "Tour balls, dozen", "Balls", "Titan", 89_900, 4_200),
    Product("BALL-3", "Soft balls, sleeve", "Balls", "Titan", 19_900, 950),
    Product("GLOVE-L", "All-weather glove", "Accessories", "Fynbos", 29_900, 1_450),
    Product("TEE-50", "Bamboo tees, 50", "Accessories", "Fairway", 9_900, 450),
    Product("CAP-CLUB", "Club cap", "Clothing", "Fairway", 34_900, 1_800),
    Product("POLO-M", "Club polo", "Clothing", "Fairway", 69_900, 3_900),
    Product("RAIN-SET", "Rain suit", "Clothing", "Stormline", 249_900, 13_900),
    Product("SHOE-42", "Spikeless shoes", "Shoes", "Stride", 219_900, 11_500),
    Product("WEDGE-56", "Sand wedge 56°", "Clubs", "Forge", 259_900, 12_900),
    Product("PUTTER-M", "Mallet putter", "Clubs", "Forge", 449_900, 21_900),
    Product("LESSON-1", "Lesson with the pro", "Lessons", "Fairway", 65_000, 4_000),
    Product("VOUCHER", "Gift voucher", "Vouchers", "Fairway", 100_000, 5_000),
)
POPULAR = (16, 18, 14, 9, 9, 8, 3, 4, 3, 2, 9, 5)


def shop_of(day: date, club: DemoClub, world: World, people: list[Person]) -> Iterator[Draft]:
    """A day's orders and abandoned carts; twice as many before Christmas."""
    dice = world.period.dice("shop", club.ref, day)
    rush = 2.2 if day.month == 12 and day.day < 22 else 1.4 if day.month == 11 else 0.9
    shares = [IS_CUSTOMER.get(person.kind, 0) for person in people]
    for number in range(_about(len(people) * ORDERS_A_DAY * rush, dice) if any(shares) else 0):
        person = dice.choices(people, shares)[0]
        if person.email and not person.shares_email:
            at = club.at(day, dice.triangular(7, 23.5, 20.5))
            if dice.random() < 0.27:
                yield _abandoned(person, at, f"cart-{club.code}{day:%y%m%d}{number}", dice)
            else:
                yield from _order(person, at, f"O-{club.code.upper()}{day:%y%m%d}{number:02d}", dice)


def visits_of(day: date, club: DemoClub, world: World, people: list[Person]) -> Iterator[Draft]:
    """A day's visits to the web site by people it recognises."""
    dice = world.period.dice("web", club.ref, day)
    shares = [IS_VISITOR.get(person.kind, 0) for person in people]
    for _ in range(_about(len(people) * VISITS_A_DAY, dice) if any(shares) else 0):
        person = dice.choices(people, shares)[0]
        if person.email and not person.shares_email:
            yield from _visit(person, club.at(day, dice.triangular(6, 23.5, 20)), dice)


def _about(expected: float, dice: Random) -> int:
    return int(expected) + (dice.random() < expected % 1)


def _basket(person: Person, dice: Random) -> tuple[list[dict[str, Any]], int]:
    chosen = dict.fromkeys(dice.choices(PRODUCTS, POPULAR, k=dice.choice((1, 1, 1, 2, 2, 3))))
    items = [_item(product, person, dice.choice((1, 1, 1, 2))) for product in chosen]
    return items, sum(item["price"] * item["quantity"] for item in items)


def _item(product: Product, person: Person, quantity: int) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "brand": product.brand,
        "quantity": quantity,
        "price": product.price(person.club),
    }


def _order(person: Person, at: datetime, key: str, dice: Random) -> Iterator[Draft]:
    items, total = _basket(person, dice)
    order = {
        "orderId": key,
        "customerId": f"cust-{person.number}",
        "total": total,
        "currency": person.club.currency,
        "items": items,
    }
    yield _told(person, at, "order.created", order)
    fate = dice.random()
    if fate < 0.05:
        yield _told(person, at + timedelta(hours=dice.uniform(1, 20)), "order.cancelled", order)
        return
    yield _told(person, at + timedelta(minutes=dice.uniform(1, 6)), "order.paid", order)
    sent = at + timedelta(days=dice.uniform(0.6, 3.5))
    yield _told(person, sent, "order.completed", order)
    if fate > 0.95:
        back = items[0]["price"] * items[0]["quantity"]
        yield _told(
            person, sent + timedelta(days=dice.uniform(3, 14)), "order.refunded", order | {"refunded": back}
        )


def _abandoned(person: Person, at: datetime, key: str, dice: Random) -> Draft:
    items, total = _basket(person, dice)
    payload = {"cartId": key, "total": total, "currency": person.club.currency, "items": items}
    return _told(person, at + timedelta(hours=1), "cart.abandoned", payload)


def _visit(person: Person, at: datetime, dice: Random) -> Iterator[Draft]:
    """Two or three pages; a look at the shop may put something into the cart."""
    utm, referrer = dice.choice(CAME_FROM)
    context: dict[str, Any] = {
        "sessionId": f"{dice.getrandbits(48):012x}",
        "userAgent": dice.choice(AGENTS),
        "ip": f"{'203.0.113' if person.club.region == 'ZA' else '198.51.100'}.{dice.randint(1, 254)}",
        "geo": {"country": person.club.region, "city": person.address["city"]},
    }
    if utm:
        context["utm"] = utm
    if referrer:
        context["referrer"] = referrer
    pages = dice.sample(PAGES, dice.choice((1, 2, 2, 3)))
    for path, title in pages:
        yield _seen(
            person, at, "web.page_view", {"url": f"https://club.example{path}", "title": title} | context
        )
        at += timedelta(seconds=dice.uniform(8, 160))
    if any(path == "/shop" for path, _ in pages):
        product = dice.choices(PRODUCTS, POPULAR)[0]
        yield _seen(person, at, "web.product_view", {"sku": product.sku, "name": product.name} | context)
        if dice.random() < 0.35:
            cart = {"sku": product.sku, "quantity": 1, "price": product.price(person.club)}
            yield _seen(person, at + timedelta(seconds=30), "web.add_to_cart", cart | context)


def _told(person: Person, at: datetime, type: str, payload: dict[str, Any]) -> Draft:
    return Draft(at, type, "ecommerce", by_email(person, at.date()), payload)


def _seen(person: Person, at: datetime, type: str, payload: dict[str, Any]) -> Draft:
    return Draft(at, type, "web", by_email(person, at.date()), payload)
