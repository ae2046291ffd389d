"""Contacts and their consent, as Messaging, which owns it, tells of them. Pure."""

from typing import Any

from customers.consent import MARKETING, PURPOSES, Consent, State
from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Event, Person
from timeline.schema import array, country, flag, key, moment, obj, one_of, read_moment, text
from timeline.sources.common import (
    Home,
    changed,
    contact_points,
    effect,
    entry,
    hints,
    ident,
    moment_of,
    truncated,
    upper,
    words,
    written,
)

CHANNELS = {"EMAIL": "email", "SMS": "SMS", "PUSH": "push", "WHATSAPP": "WhatsApp"}
FLAGS = {f"{channel.lower()}OptIn": channel for channel in CHANNELS}

CONTACT = {
    "email": Home("email"),
    "phoneNumber": Home("phone_number"),
    "firstName": Home("first_name"),
    "lastName": Home("last_name"),
    "language": Home("language"),
    "country": Home("country", upper),
}
JOB_HOMES = frozenset({"eventId", "tenantId", "contactId"})
PROOF_FIELDS = {
    "purpose": one_of(*PURPOSES),
    "clubId": key(),
    "consentSource": text(),
    "lawfulBasis": one_of("CONSENT", "CONTRACT", "LEGITIMATE_INTEREST", "LEGAL_OBLIGATION"),
    "wordingVersion": text(longest=100),
    "locale": text(longest=35),
    "ip": text(longest=100),
    "userAgent": text(longest=1000),
    "expiresAt": moment(),
}
PREFERENCE_HOMES = (JOB_HOMES | {"email", "phoneNumber", "changedAt"}).union(PROOF_FIELDS) - {"consentSource"}
CONTACT_HOMES = JOB_HOMES.union(CONTACT, FLAGS)
SIGNIFICANT = frozenset({"email", "phoneNumber"})
STATES = {True: State.GRANTED, False: State.WITHDRAWN, None: State.UNKNOWN}
FLAG_FIELDS = {name: flag() for name in FLAGS}
CONTACT_FIELDS = {
    "eventId": key(longest=200),
    "contactId": key(),
    "email": text(longest=254),
    "phoneNumber": text(longest=40),
    "firstName": text(),
    "lastName": text(),
    "language": text(longest=35),
    "country": country(),
    **FLAG_FIELDS,
}


def contact_hints(event: Event) -> dict[str, Any]:
    payload = event.payload
    return hints(
        event.identity,
        messagingContactId=payload.get("contactId"),
        email=payload.get("email"),
        phoneNumber=payload.get("phoneNumber"),
    )


def consents(event: Event, reason: str) -> tuple[Consent, ...]:
    """What the flags of the payload say, with whatever proof stands beside them."""
    payload, given_at = event.payload, moment_of(event, "changedAt")
    proof: dict[str, Any] = {
        "purpose": upper(payload.get("purpose") or "") or MARKETING,
        "club_ref": ident(payload.get("clubId")),
        "lawful_basis": upper(payload.get("lawfulBasis") or "") or "CONSENT",
        "wording": words(payload.get("wordingVersion") or "") or "",
        "locale": words(payload.get("locale") or "") or "",
        "ip": truncated(payload.get("ip")),
        "user_agent": (words(payload.get("userAgent") or "") or "")[:300],
        "expires_at": read_moment(payload.get("expiresAt")),
    }
    return tuple(
        Consent(channel, STATES[payload[name]], given_at, reason, **proof)
        for name, channel in FLAGS.items()
        if name in payload
    )


@event_type(
    "contact.created",
    source="messaging",
    aliases=("messaging.contact.created",),
    schema=obj(createdAt=moment(), changedAt=moment(), **CONTACT_FIELDS),
)
def contact_created(event: Event) -> Effect:
    """Messaging has a new contact, with what the person agreed to."""
    known = contact_hints(event)
    fields = contact_points(written(event.payload, CONTACT), known)
    return effect(
        event,
        Person(known, fields, stage="SUBSCRIBER", consents=consents(event, "CONTACT")),
        entry=entry(
            event,
            "CONTACT_CREATED",
            "COMMUNICATION",
            "Became a contact",
            source_id=known.get("messagingContactId"),
            homes=CONTACT_HOMES,
        ),
    )


@event_type(
    "contact.updated",
    source="messaging",
    aliases=("messaging.contact.updated",),
    schema=obj(
        changes=array(text()), createdAt=moment(), updatedAt=moment(), changedAt=moment(), **CONTACT_FIELDS
    ),
)
def contact_updated(event: Event) -> Effect:
    """A contact changed; it fills what no other source tells, and shows where its address or number changed."""
    known, changes = contact_hints(event), changed(event.payload)
    significant = changes is not None and not SIGNIFICANT.isdisjoint(changes)
    return effect(
        event,
        Person(known, written(event.payload, CONTACT, changes), tier=0, consents=consents(event, "CONTACT")),
        entry=entry(
            event,
            "CONTACT_UPDATED",
            "COMMUNICATION",
            "Contact details changed",
            source_id=known.get("messagingContactId"),
            homes=CONTACT_HOMES,
        )
        if significant
        else None,
    )


@event_type(
    "contact.deleted",
    source="messaging",
    aliases=("messaging.contact.deleted",),
    schema=obj(eventId=key(longest=200), contactId=key(), reason=text(), deletedAt=moment()),
)
def contact_deleted(event: Event) -> Effect:
    """Messaging no longer has the contact; what the person agreed to stays as it was."""
    known = hints(event.identity, messagingContactId=event.payload.get("contactId"))
    return effect(
        event,
        Person(known),
        entry=entry(
            event,
            "CONTACT_DELETED",
            "COMMUNICATION",
            "Contact removed from Messaging",
            source_id=known.get("messagingContactId"),
            homes=JOB_HOMES,
        ),
    )


@event_type(
    "contactPreference.updated",
    source="messaging",
    priority=Priority.HIGH,
    aliases=(
        "contact.preference.updated",
        "messaging.contactPreference.updated",
        "messaging.consent.changed",
        "messaging.consent.updated",
        "consent.changed",
        "consent.updated",
    ),
    schema=obj(
        any_of=FLAGS,
        eventId=key(longest=200),
        contactId=key(),
        email=text(longest=254),
        phoneNumber=text(longest=40),
        changedAt=moment(),
        **PROOF_FIELDS,
        **FLAG_FIELDS,
    ),
)
def preference_updated(event: Event) -> Effect:
    """Someone opted in or out; exactly the flags that are there change, and it counts at once."""
    known = contact_hints(event)
    given = [CHANNELS[channel] for name, channel in FLAGS.items() if event.payload.get(name) is True]
    taken = [CHANNELS[channel] for name, channel in FLAGS.items() if event.payload.get(name) is False]
    parts = [f"in to {' and '.join(given)}"] if given else []
    parts += [f"out of {' and '.join(taken)}"] if taken else []
    return effect(
        event,
        Person(known, consents=consents(event, "PREFERENCE")),
        entry=entry(
            event,
            "CONSENT_OPTED_OUT" if taken else "CONSENT_OPTED_IN",
            "CONSENT",
            f"Opted {', '.join(parts)}",
            source_id=known.get("messagingContactId"),
            homes=PREFERENCE_HOMES,
        )
        if parts
        else None,
    )
