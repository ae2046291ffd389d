"""Support tickets. Pure."""

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import key, moment, obj, text
from timeline.sources.common import Home, effect, entry, hints, ident, moment_of, upper, written

TICKET = {"subject": Home("subject"), "sentiment": Home("sentiment", upper)}
TICKET_FIELDS = {"ticketId": key(), "subject": text(longest=300), "sentiment": text(longest=20)}
TICKET_HOMES = frozenset({"ticketId", "subject", "openedAt", "resolvedAt"})


@event_type(
    "support.ticket.opened",
    source="support",
    schema=obj(required=["ticketId"], openedAt=moment(), **TICKET_FIELDS),
)
def ticket_opened(event: Event) -> Effect:
    """Someone asked for help or complained."""
    payload = event.payload
    values = written(payload, TICKET) | {"opened_at": moment_of(event, "openedAt")}
    subject = payload.get("subject")
    return effect(
        event,
        Person(hints(event.identity)),
        entry=entry(
            event,
            "TICKET_OPENED",
            "SUPPORT",
            f"Opened a ticket: {subject}" if subject else "Opened a ticket",
            source_id=payload["ticketId"],
            homes=TICKET_HOMES,
            counts=True,
        ),
        facts=[Fact("ticket", ident(payload["ticketId"]), values, opening={"status": "OPEN"})],
    )


@event_type(
    "support.ticket.resolved",
    source="support",
    schema=obj(required=["ticketId"], resolvedAt=moment(), **TICKET_FIELDS),
)
def ticket_resolved(event: Event) -> Effect:
    """A ticket was resolved."""
    payload = event.payload
    values = written(payload, TICKET) | {"status": "RESOLVED", "resolved_at": moment_of(event, "resolvedAt")}
    return effect(
        event,
        Person(hints(event.identity)),
        entry=entry(
            event,
            "TICKET_RESOLVED",
            "SUPPORT",
            "Ticket resolved",
            source_id=payload["ticketId"],
            homes=TICKET_HOMES,
        ),
        facts=[Fact("ticket", ident(payload["ticketId"]), values)],
    )
