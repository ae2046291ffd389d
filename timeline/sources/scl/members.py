"""Members as SCL tells of them: joining, changing, moving between tiers and standings, leaving. Pure."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from customers import lifecycle
from timeline.catalogue import Priority, event_type
from timeline.effects import Effect, Event, Fact, Person
from timeline.schema import array, country, day, key, moment, obj, one_of, read_day, text
from timeline.sources.common import (
    Home,
    Payload,
    changed,
    contact_points,
    effect,
    entry,
    hints,
    ident,
    moment_of,
    upper,
    words,
    written,
)

MEMBER = {
    "firstName": Home("first_name"),
    "lastName": Home("last_name"),
    "displayName": Home("display_name"),
    "email": Home("email"),
    "phoneNumber": Home("phone_number"),
    "dateOfBirth": Home("date_of_birth", read_day),
    "gender": Home("gender"),
    "country": Home("country", upper),
    "language": Home("language"),
    "membershipTierName": Home("membership_tier"),
    "memberSince": Home("member_since", read_day),
    "membershipExpiry": Home("membership_expiry", read_day),
}
MEMBERSHIP = {
    "membershipTierName": Home("tier"),
    "membershipType": Home("type"),
    "status": Home("status", upper),
    "memberSince": Home("joined_on", read_day),
}
MEMBER_HOMES = frozenset({"id", "clubId", *MEMBER, *MEMBERSHIP})

MEMBER_FIELDS = {
    "firstName": text(),
    "lastName": text(),
    "displayName": text(),
    "email": text(longest=254),
    "phoneNumber": text(longest=40),
    "dateOfBirth": day(),
    "gender": text(longest=30),
    "country": country(),
    "language": text(longest=35),
    "status": text(longest=50),
    "membershipTierId": key(),
    "membershipTierName": text(longest=100),
    "membershipType": text(longest=100),
    "memberSince": day(),
    "membershipExpiry": day(),
    "clubId": key(),
}


def member_hints(event: Event) -> dict[str, Any]:
    payload = event.payload
    return hints(
        event.identity,
        sclMemberId=payload["id"],
        email=payload.get("email"),
        phoneNumber=payload.get("phoneNumber"),
    )


def standing(payload: Payload, when: datetime, changes: Collection[str] | None = None) -> dict[str, Any]:
    """What a membership status says of the person; nothing where the payload has none."""
    status = upper(payload.get("status") or "")
    if not status or (changes is not None and "status" not in changes):
        return {}
    fields: dict[str, Any] = {
        "membership_status": status,
        "membership_ended_at": when if lifecycle.is_over(status) else None,
    }
    return fields | {"status": "ACTIVE"} if status == "ACTIVE" else fields


def membership(payload: Payload, values: dict[str, Any]) -> Fact:
    """The membership of the club that the event names; of the member as a whole where it names none."""
    club = ident(payload.get("clubId"))
    return Fact(
        "membership", f"{ident(payload['id'])}:{club}", {"club_ref": club, **values} if club else values
    )


def left(status: str | None, day_of_change: date) -> dict[str, Any]:
    return {"left_on": day_of_change if lifecycle.is_over(status) else None}


@event_type(
    "scl.member.created",
    source="scl",
    aliases=("member.created",),
    schema=obj(required=["id"], id=key(), createdAt=moment(), **MEMBER_FIELDS),
)
def member_created(event: Event) -> Effect:
    """Someone became a member."""
    payload, when = event.payload, event.occurred_at
    status = upper(payload.get("status") or "")
    since = read_day(payload.get("memberSince")) or moment_of(event, "createdAt").date()
    known = member_hints(event)
    fields = contact_points(written(payload, MEMBER), known) | {"member_since": since}
    fields |= standing(payload, when) or {"status": "ACTIVE"}
    values = written(payload, MEMBERSHIP) | {"joined_on": since} | left(status, when.date())
    tier = words(payload.get("membershipTierName") or "")
    return effect(
        event,
        Person(known, fields, stage=lifecycle.membership_stage(status)),
        entry=entry(
            event,
            "MEMBER_CREATED",
            "MEMBERSHIP",
            f"Joined as a member: {tier}" if tier else "Joined as a member",
            source_id=payload["id"],
            homes=MEMBER_HOMES,
            counts=True,
        ),
        facts=[membership(payload, values)],
    )


@event_type(
    "scl.member.updated",
    source="scl",
    aliases=("member.updated",),
    schema=obj(required=["id"], id=key(), changes=array(text()), updatedAt=moment(), **MEMBER_FIELDS),
)
def member_updated(event: Event) -> Effect:
    """A member's details changed; only the fields named in `changes` are written."""
    payload, when, changes = event.payload, event.occurred_at, changed(event.payload)
    fields = written(payload, MEMBER, changes) | standing(payload, when, changes)
    values = written(payload, MEMBERSHIP, changes)
    if "status" in values:
        values |= left(values["status"], when.date())
    return effect(
        event,
        Person(member_hints(event), fields, stage="MEMBER" if values.get("status") == "ACTIVE" else None),
        entry=entry(
            event,
            "MEMBER_UPDATED",
            "MEMBERSHIP",
            "Member details changed",
            source_id=payload["id"],
            homes=MEMBER_HOMES,
        ),
        facts=[membership(payload, values)] if values else [],
    )


@event_type(
    "scl.member.deleted",
    source="scl",
    aliases=("member.deleted",),
    schema=obj(
        required=["id"],
        id=key(),
        deletionType=one_of("soft", "hard"),
        reason=text(),
        deletedAt=moment(),
        clubId=key(),
    ),
)
def member_deleted(event: Event) -> Effect:
    """A member was deleted: soft ends the membership, hard also asks for the person's data to be erased."""
    payload, ended = event.payload, moment_of(event, "deletedAt")
    hard = upper(payload.get("deletionType") or "") == "HARD"
    fields = {
        "status": "DELETED" if hard else "INACTIVE",
        "membership_status": "INACTIVE",
        "membership_ended_at": ended,
    }
    facts = [membership(payload, {"status": "INACTIVE", "left_on": ended.date()})]
    if hard:
        request = written(payload, {"reason": Home("reason")}) | {"kind": "ERASURE", "requested_at": ended}
        facts.append(Fact("privacy_request", f"ERASURE:{event.id}", request))
    return effect(
        event,
        Person(hints(event.identity, sclMemberId=payload["id"]), fields),
        entry=entry(
            event,
            "MEMBER_DELETED",
            "MEMBERSHIP",
            "Member record deleted for good" if hard else "Membership ended",
            source_id=payload["id"],
            homes=("id", "clubId", "deletedAt"),
        ),
        facts=facts,
    )


@event_type(
    "scl.member.tier.changed",
    source="scl",
    aliases=("scl.tier.changed", "member.tier.changed", "tier.changed"),
    schema=obj(
        required=["id", "newTierName"],
        id=key(),
        previousTierId=key(),
        previousTierName=text(longest=100),
        newTierId=key(),
        newTierName=text(longest=100, blank=False),
        reason=text(),
        clubId=key(),
    ),
)
def tier_changed(event: Event) -> Effect:
    """A member moved to another tier."""
    payload = event.payload
    before, after = words(payload.get("previousTierName") or ""), words(payload["newTierName"])
    return effect(
        event,
        Person(hints(event.identity, sclMemberId=payload["id"]), {"membership_tier": after}),
        entry=entry(
            event,
            "MEMBER_TIER_CHANGED",
            "MEMBERSHIP",
            f"Tier changed from {before} to {after}" if before else f"Tier changed to {after}",
            source_id=payload["id"],
            homes=("id", "clubId"),
        ),
        facts=[membership(payload, {"tier": after})],
    )


@event_type(
    "scl.member.status.changed",
    source="scl",
    priority=Priority.HIGH,
    aliases=("scl.status.changed", "member.status.changed"),
    schema=obj(
        required=["id", "newStatus"],
        id=key(),
        previousStatus=text(longest=50),
        newStatus=text(longest=50, blank=False),
        reason=text(),
        clubId=key(),
    ),
)
def status_changed(event: Event) -> Effect:
    """A membership was activated, suspended or ended."""
    payload, when = event.payload, event.occurred_at
    before, after = upper(payload.get("previousStatus") or ""), upper(payload["newStatus"])
    fields = standing({"status": after}, when)
    return effect(
        event,
        Person(
            hints(event.identity, sclMemberId=payload["id"]),
            fields,
            stage="MEMBER" if after == "ACTIVE" else None,
        ),
        entry=entry(
            event,
            "MEMBER_STATUS_CHANGED",
            "MEMBERSHIP",
            f"Status changed from {before} to {after}" if before else f"Status changed to {after}",
            source_id=payload["id"],
            homes=("id", "clubId"),
        ),
        facts=[membership(payload, {"status": after} | left(after, when.date()))],
    )
