"""Small, quarrelsome streams of events: few people, few identifiers, few moments, so that everything collides."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

NOW = datetime.now(UTC).replace(microsecond=0)
EMAILS = ["ann@example.com", "Ben@Example.com", "cat@example.com"]
PHONES = ["082 123 4567", "+27821234568", "0821234569"]
moments = st.sampled_from([NOW - timedelta(days=days, hours=1) for days in (0, 1, 5, 29, 31, 90)])
members, players, contacts, numbers = (st.integers(1, 3) for _ in range(4))
emails, phones = st.sampled_from(EMAILS), st.sampled_from(PHONES)
names = st.sampled_from(["Ann", "Ben", "Cat", "Zoë", ""])


def _event(
    kind: str, source: str, identity: dict[str, Any], payload: dict[str, Any], at: datetime
) -> dict[str, Any]:
    return {
        "type": kind, "source": source, "version": "1.0", "timestamp": at.isoformat(), "identity": identity,
        "payload": payload,
    }  # fmt: skip


@st.composite
def scl(draw: Any) -> dict[str, Any]:
    member, at = draw(members), draw(moments)
    identity = {"sclMemberId": member}
    kind = draw(
        st.sampled_from(["created", "updated", "deleted", "tier.changed", "status.changed", "payment"])
    )
    if kind == "created":
        payload = {
            "id": member, "firstName": draw(names), "lastName": "Nel", "email": draw(emails), "status": "ACTIVE",
            "membershipTierName": draw(st.sampled_from(["Gold", "Silver"])), "clubId": "club-fynbos",
        }  # fmt: skip
        return _event("scl.member.created", "scl", {**identity, "phoneNumber": draw(phones)}, payload, at)
    if kind == "updated":
        payload = {
            "id": member,
            "changes": ["email", "lastName"],
            "email": draw(emails),
            "lastName": draw(names),
        }
        return _event("scl.member.updated", "scl", identity, payload, at)
    if kind == "deleted":
        hard = draw(st.sampled_from(["soft", "hard"]))
        return _event("scl.member.deleted", "scl", identity, {"id": member, "deletionType": hard}, at)
    if kind == "tier.changed":
        return _event("scl.tier.changed", "scl", identity, {"id": member, "newTierName": draw(names)}, at)
    if kind == "status.changed":
        status = draw(st.sampled_from(["ACTIVE", "SUSPENDED", "LAPSED"]))
        return _event("scl.member.status.changed", "scl", identity, {"id": member, "newStatus": status}, at)
    payload = {"id": f"pay-{draw(numbers)}", "memberId": member, "amount": 1000 * member, "currency": "ZAR"}
    return _event("scl.payment.received", "scl", identity, payload, at)


@st.composite
def teetime(draw: Any) -> dict[str, Any]:
    player, at, booking = f"player-{draw(players)}", draw(moments), f"bk-{draw(numbers)}"
    kind = draw(st.sampled_from(["player", "created", "cancelled", "completed", "handicap", "entered"]))
    identity: dict[str, Any] = {"teetimePlayerId": player}
    if kind == "player":
        payload = {
            "id": player,
            "name": draw(names),
            "surname": "Nel",
            "email": draw(emails),
            "handicap": 12.5,
        }
        return _event(
            "teetime.player.created", "teetime", {**identity, "email": payload["email"]}, payload, at
        )
    if kind == "created":
        payload = {
            "id": booking, "playerId": player, "clubId": "club-fynbos", "teeTime": at.isoformat(), "holes": 18,
            "players": [{"playerId": player, "name": "A", "surname": "B"}, {"name": "Guest", "surname": "X"},
                        {"name": "C", "surname": "D", "email": draw(emails)}],
        }  # fmt: skip
        return _event("teetime.booking.created", "teetime", identity, payload, at)
    if kind in ("cancelled", "completed"):
        return _event(f"teetime.booking.{kind}", "teetime", identity, {"id": booking, "playerId": player}, at)
    if kind == "handicap":
        identity["externalIds"] = {"golfRsaId": f"rsa-{draw(numbers)}"}
        payload = {"playerId": player, "newHandicap": float(draw(st.integers(0, 36)))}
        return _event("teetime.handicap.updated", "teetime", identity, payload, at)
    payload = {"competitionId": "comp-1", "playerId": player, "clubId": "club-fynbos"}
    return _event("teetime.competition.entered", "teetime", identity, payload, at)


@st.composite
def messaging(draw: Any) -> dict[str, Any]:
    contact, at = f"contact-{draw(contacts)}", draw(moments)
    kind = draw(
        st.sampled_from(["contact.created", "contact.updated", "contactPreference.updated", "email.opened"])
    )
    identity = {"messagingContactId": contact}
    if kind.startswith("contact."):
        identity |= {"email": draw(emails), "phoneNumber": draw(phones)}
        payload = {"contactId": contact, "firstName": draw(names), "emailOptIn": draw(st.booleans())}
        return _event(kind, "messaging", identity, payload | {"email": identity["email"]}, at)
    if kind == "contactPreference.updated":
        flag = draw(st.sampled_from(["emailOptIn", "smsOptIn", "pushOptIn", "whatsappOptIn"]))
        return _event(kind, "messaging", identity, {flag: draw(st.booleans())}, at)
    return _event(kind, "messaging", identity, {"messageId": "m-1", "channel": "EMAIL"}, at)


@st.composite
def shop(draw: Any) -> dict[str, Any]:
    at, order = draw(moments), f"order-{draw(numbers)}"
    identity = {"email": draw(emails)}
    kind = draw(
        st.sampled_from(["order.created", "order.paid", "order.refunded", "web.page_view", "feedback.voted"])
    )
    if kind.startswith("order."):
        payload = {"orderId": order, "total": 5000, "currency": "ZAR"} | (
            {"refunded": 1000} if kind == "order.refunded" else {}
        )
        return _event(kind, "ecommerce", identity, payload, at)
    if kind == "web.page_view":
        return _event(kind, "web", identity, {"url": "https://club.example/", "sessionId": "s"}, at)
    return _event(
        kind, "feedback", {"authUserId": f"auth-{draw(numbers)}", **identity}, {"featureId": "f"}, at
    )


def numbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "id": f"event-{index:03}"} for index, event in enumerate(events)]


streams = st.lists(st.one_of(scl(), teetime(), messaging(), shop()), min_size=2, max_size=25).map(numbered)
