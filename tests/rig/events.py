"""What the rig sends: each event follows from its run and number, so that a journal of ids is enough to tell all."""

from datetime import datetime
from typing import Any

TENANT = "rig-group"
PEOPLE = 120
LETHAL = "kills-its-worker"  # in the address of a page view: see poison.py
KINDS = (
    "web.page_view",
    "scl.payment.received",
    "web.page_view",
    "teetime.booking.created",
    "scl.payment.failed",
)


def event_id(run: str, number: int) -> str:
    return f"{run}-{number}"


def person_of(number: int) -> int:
    return number * 7919 % PEOPLE


def email_of(person: int) -> str:
    return f"person{person}@rig.example"


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


def amount_of(number: int) -> int:
    """Cents that the event pays; 0 for one that pays nothing."""
    return 100 + number % 900 if kind_of(number) == "scl.payment.received" else 0


def source_of(number: int) -> str:
    return kind_of(number).partition(".")[0]


def event(run: str, number: int, at: datetime) -> dict[str, Any]:
    """One of four kinds of three sources; each leaves one entry on the timeline of its one person."""
    pk, kind, person = event_id(run, number), kind_of(number), person_of(number)
    identity: dict[str, Any] = {"email": email_of(person)}
    if kind == "web.page_view":
        payload: dict[str, Any] = {"url": f"https://rig.example/{pk}", "sessionId": run}
    elif kind == "teetime.booking.created":
        payload = {"id": f"booking-{pk}", "clubId": "club-rig", "teeTime": at.isoformat(), "holes": 18}
        identity["teetimePlayerId"] = f"player-{person}"
    else:
        payload = {
            "id": f"payment-{pk}",
            "memberId": person + 1,
            "currency": "ZAR",
            "amount": 100 + number % 900,
        }
        identity["sclMemberId"] = person + 1
    return {
        "id": pk, "type": kind, "version": "1.0", "source": source_of(number), "timestamp": at.isoformat(),
        "tenantId": TENANT, "identity": identity, "payload": payload,
    }  # fmt: skip


def lethal(pk: str, at: datetime) -> dict[str, Any]:
    """An event that ends every worker that takes it."""
    return {
        "id": pk, "type": "web.page_view", "version": "1.0", "source": "web", "timestamp": at.isoformat(),
        "tenantId": TENANT, "identity": {"email": email_of(0)}, "payload": {"url": f"https://rig.example/{LETHAL}"},
    }  # fmt: skip
