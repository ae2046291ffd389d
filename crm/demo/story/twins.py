"""One person whom the systems know as two, so that the review of duplicates has a real question. Pure.

Catherine registered as a player a second time, with her private address; the phone is the same. Two player ids
keep the two apart whatever comes first, and the phone says that they may be one.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from crm.demo.story.clubs import FYNBOS, TIERS
from crm.demo.story.world import Draft, World, iso

MEMBER_ID = 39_500
PHONE = "082 555 0199"
WORK, PRIVATE = "catherine.vanwyk@example.org", "kate.vanwyk@example.com"
PLAYERS = ("7f0a3c52-6f0f-4d0a-9d0e-3b8a1f6f2c11", "c1d9b8a4-2f4e-4d53-8f7e-0a5b6c7d8e92")


def twins(world: World) -> Iterator[Draft]:
    """Catherine as SCL and TeeTime know her, and Kate, whom TeeTime knows too."""
    told_at = FYNBOS.at(world.period.start, 0.9)
    yield _member(told_at, world)
    yield _player(told_at + timedelta(hours=6), PLAYERS[0], "Catherine", WORK, {"handicap": 22.4})
    yield _player(_again(world), PLAYERS[1], "Kate", PRIVATE, {})


def kates_order(world: World) -> Iterator[tuple[date, Draft]]:
    """What Kate buys on the evening on which she registers."""
    order = {
        "orderId": "O-F-TWIN-1",
        "customerId": "cust-twin",
        "total": 69_900,
        "currency": "ZAR",
        "items": [{"sku": "POLO-M", "name": "Club polo", "category": "Clothing", "brand": "Fairway",
                   "quantity": 1, "price": 69_900}],
    }  # fmt: skip
    for minutes, what in ((30, "created"), (33, "paid")):
        at = _again(world) + timedelta(minutes=minutes)
        yield at.date(), Draft(at, f"order.{what}", "ecommerce", {"email": PRIVATE}, order)


def _again(world: World) -> datetime:
    return FYNBOS.at(world.period.today - timedelta(days=33), 20.4)


def _member(told_at: datetime, world: World) -> Draft:
    since = world.period.start - timedelta(days=811)
    payload = {
        "id": MEMBER_ID,
        "firstName": "Catherine",
        "lastName": "van Wyk",
        "email": WORK,
        "phoneNumber": PHONE,
        "status": "ACTIVE",
        "membershipTierId": TIERS["Silver"],
        "membershipTierName": "Silver",
        "dateOfBirth": "1978-03-09",
        "memberSince": since.isoformat(),
        "createdAt": iso(FYNBOS.at(since, 12)),
        "clubId": FYNBOS.ref,
    }
    identity = {"sclMemberId": MEMBER_ID, "email": WORK, "phoneNumber": PHONE}
    return Draft(told_at, "scl.member.created", "scl", identity, payload)


def _player(at: datetime, player: str, name: str, email: str, more: dict[str, Any]) -> Draft:
    payload = {
        "id": player,
        "name": name,
        "surname": "van Wyk",
        "email": email,
        "phone": PHONE,
        "homeClubId": FYNBOS.ref,
        "homeClubName": FYNBOS.name,
        "createdAt": iso(at),
        **more,
    }
    identity = {"teetimePlayerId": player, "email": email, "phoneNumber": PHONE}
    return Draft(at, "teetime.player.created", "teetime", identity, payload)
