"""What staff and integrators do to one person: look up, resolve, create, change, delete, restore."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from crm.database import retried
from crm.errors import Conflict, CustomerNotFound, Detail, ValidationFailed
from crm.outbox.services import emit
from crm.tenancy import audit
from crm.tenancy.models import uuid7
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers import custom_fields, lifecycle, normalise
from customers.acts import record_act, record_acts
from customers.automatic import settle_ties
from customers.changes import add_person, apply_mentions, write_fields
from customers.faces import FACE, NO_FACE, Face
from customers.gathering import gather
from customers.history import changes_of
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.matching import is_strong
from customers.models import CustomerProfile, ProfilePart, Status
from customers.payloads import WIRE, created_payload, row_payload, updated_payload, wire_name
from customers.person import Mention, Person
from customers.releasing import given_up
from customers.resolution import (
    Hit,
    Request,
    Resolution,
    find,
    find_settled,
    refuse_deleted,
    register,
)
from customers.stamps import Stamp
from customers.tags import spelled
from customers.telling import TOLD_APART, edit_acts

PAST = ("date_of_birth", "member_since", "gdpr_consent_at")  # what can't be in the future


def get_customer(pk: UUID, *, include_deleted: bool = False) -> tuple[CustomerProfile, UUID | None]:
    """The customer, or the one they were merged into and then the asked id as second value.

    Raises CustomerNotFound, also for a deleted one unless asked for. One query.
    """
    root = ProfilePart.objects.filter(customer=pk).values("root")
    people = CustomerProfile.objects.select_related("metrics")
    profile: CustomerProfile | None = people.filter(pk=Coalesce(Subquery(root), Value(pk))).first()
    if profile is None or (profile.status == Status.DELETED and not include_deleted):
        raise CustomerNotFound("There is no customer with this id.")
    return profile, pk if profile.pk != pk else None


def look_up(hints: Mapping[str, Any], *, region: str = "", face: Face = NO_FACE) -> Resolution:
    """Find the person of the raw hints, reading only; `face` chooses among those who share a contact.

    Raises CustomerNotFound, ValidationFailed.
    """
    hit = find(_usable(hints, region), face, now=timezone.now())
    if hit is None:
        raise CustomerNotFound("Nobody has these identifiers.")
    profile, _ = get_customer(hit.customer)
    return Resolution(profile, False, hit.matched_by, hit.confidence, hit.ambiguous)


def resolve(
    hints: Mapping[str, Any], *, by: str, region: str = "", new: Mapping[str, Any] | None = None
) -> Resolution:
    """Find the person of the raw hints or create them, with the attributes that `new` gives to a new one.

    Raises ValidationFailed when no hint is usable, or `new` lacks a custom field that is required;
    DuplicateResource when they were deleted. Nothing is learnt of somebody whose data may only be kept.
    Two statements for somebody who has all the hints already.
    """
    usable = _usable(hints, region)
    face = Face.of(new or {})
    try:
        hit = find_settled(usable, face) or _find_or_create(usable, by=by, new=new or {})
    except _OnlyKept as kept:
        hit = find(usable, face, now=timezone.now()) or kept.hit
    profile, _ = get_customer(hit.customer, include_deleted=True)
    if profile.status == Status.DELETED:
        refuse_deleted(profile.pk)
    return Resolution(profile, hit.is_new, hit.matched_by, hit.confidence, hit.ambiguous)


class _OnlyKept(Exception):  # noqa: N818 - not an error: it takes back what was learnt
    """The person of a hit is restricted."""

    def __init__(self, hit: Hit) -> None:
        self.hit = hit


@retried
@transaction.atomic
def _find_or_create(hints: Mapping[str, str], *, by: str, new: Mapping[str, Any]) -> Hit:
    now = timezone.now()
    mention = _mention(hints, {}, by=by, now=now)._replace(face=Face.of(new))
    outcome = apply_mentions([mention], now=now, by=by)
    (hit,) = outcome.hits
    assert hit is not None  # noqa: S101 - _usable() refuses a mention without hints
    if outcome.people[hit.customer].row["processing_restricted_at"] is not None:
        raise _OnlyKept(hit)
    refuse_deleted(hit.customer)
    custom = custom_fields.checked(new.get("custom_fields") or {}, is_new=True) if hit.is_new else {}
    for pk, person in outcome.people.items():
        if person.is_new:
            _tell_created(pk, person, by=by)
            known = new if pk == hit.customer else {k: v for k, v in new.items() if k not in FACE}
            own = {**known, "custom_fields": custom if pk == hit.customer else {}}
            if given := {name: value for name, value in own.items() if value}:
                update_customer(pk, given, by=by)
    settle_ties(outcome.ties, now=now)
    gather(outcome.shared, now=now)
    return hit


@transaction.atomic
def create_customer(
    fields: Mapping[str, Any], hints: Mapping[str, Any], *, by: str, shared: bool = False
) -> CustomerProfile:
    """Create a person from profile attributes and raw identifiers; custom_fields are raw values by key.

    shared: an e-mail or phone that somebody has already is shared with them, as in a household.
    Raises ValidationFailed without a usable identifier, DuplicateResource (detail `id`) for a taken one, and for
    custom fields as custom_fields.checked().
    """
    now, pk = timezone.now(), uuid7()
    fields = _dated(_tidy(fields, now), CustomerProfile(), now)
    custom = custom_fields.checked(fields.get("custom_fields") or {}, is_new=True)
    custom_fields.total({}, custom)
    usable = _usable(hints, "", phone=fields.get("phone_number"))
    stage = _stage_told(fields, CustomerProfile())
    mention = _mention(usable, {**fields, "custom_fields": custom}, by=by, now=now)._replace(stage=stage)
    register(pk, Request(mention.hints, mention.stamp.source), now=now, shared=shared)
    person = add_person(pk, mention, now=now, by=by)
    return _tell_created(pk, person, by=by)


@retried
@transaction.atomic
def update_customer(
    pk: UUID,
    fields: Mapping[str, Any],
    *,
    by: str,
    hints: Mapping[str, Any] | None = None,
    unlinks: bool = False,
    if_match: Condition = ANY,
    shared: bool = False,
) -> CustomerProfile:
    """Write profile attributes and learn raw identifiers; an absent attribute stays, a None clears.

    The same holds for each key of custom_fields, whose values are raw. Who loses their e-mail or phone is no longer
    found by it; a strong identifier that is None is taken from them (docs/decisions/0016-given-up.md).

    unlinks: whether the caller may take strong identifiers; else ScopeRequired for one that the person has.
    if_match: the versions the change may be made from.
    Raises CustomerNotFound, PreconditionFailed, ValidationFailed, DuplicateResource (as create_customer).
    """
    now = timezone.now()
    fields = _tidy(fields, now)
    if "custom_fields" in fields:
        fields = {**fields, "custom_fields": custom_fields.checked(fields["custom_fields"], is_new=False)}
    named = {kind: value for kind, value in (hints or {}).items() if value is not None}
    learnt = _usable(named, "") if named else {}
    freed = given_up(pk, fields, (hints or {}).keys() - named.keys(), unlinks=unlinks)
    links = [kind for kind, _ in freed if is_strong(kind)]
    mention = _mention(learnt, fields, by=by, now=now)._replace(freed=links)
    pk = register(pk, Request(learnt, mention.stamp.source), now=now, shared=shared, freed=freed)
    profile, _ = get_customer(pk, include_deleted=True)
    if_match.check(profile.etag)
    custom_fields.total(profile.custom_fields, fields.get("custom_fields", {}))
    stage = _stage_told(mention.fields, profile)
    mention = mention._replace(fields=_dated(mention.fields, profile, now), stage=stage)
    person = write_fields(profile.pk, mention, now=now, by=by)
    profile, _ = get_customer(profile.pk, include_deleted=True)
    _tell_updated(profile, person, by=by)
    return profile


@retried
def delete_customer(pk: UUID, *, by: str, reason: str = "", if_match: Condition = ANY) -> None:
    """Delete softly: the person leaves every list, nothing is lost. Raises CustomerNotFound, PreconditionFailed."""
    with transaction.atomic():
        get_customer(pk)
        profile = update_customer(pk, {"status": Status.DELETED}, by=by, if_match=if_match)
        emit("crm.profile.deleted", key=str(profile.pk), payload={"id": str(profile.pk), "reason": reason})


def restore_customer(pk: UUID, *, by: str, if_match: Condition = ANY) -> CustomerProfile:
    """Bring a deleted person back, active or not as they were.

    Raises CustomerNotFound, PreconditionFailed, and Conflict for one who was erased.
    """
    if CustomerProfile.objects.filter(pk=pk, erased_at__isnull=False).exists():
        raise Conflict("This customer was erased: there is nothing to bring back.")
    return update_customer(pk, {"status": status_before(pk)}, by=by, if_match=if_match)


def status_before(pk: UUID) -> Status:
    """What a deleted person's status was before that, by the history of the field; ACTIVE where it says nothing."""
    deletion = changes_of(pk, ["status"]).filter(after=Status.DELETED).order_by("-at", "-recorded_at").first()
    return Status.INACTIVE if deletion and deletion.before == Status.INACTIVE else Status.ACTIVE


def _tidy(fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """The attributes with tags as they are spelt here. Raises ValidationFailed, also for days that can't have been."""
    wrong = [
        Detail(wire_name(name), "INVALID_FIELD", normalise.PAST_DAY_WORDS)
        for name in PAST
        if fields.get(name) is not None and not normalise.is_past_day(fields[name], now)
    ]
    if wrong:
        raise ValidationFailed(details=wrong)
    return {**fields, "tags": spelled(fields["tags"])} if fields.get("tags") else fields


def _dated(fields: Mapping[str, Any], profile: CustomerProfile, now: datetime) -> dict[str, Any]:
    """A new handicap, consent or end of a membership that comes without its time is as of now."""
    times = {"handicap": "handicap_updated_at", "gdpr_consent": "gdpr_consent_at"}
    dated = {
        column: None if fields[name] is None else now
        for name, column in times.items()
        if name in fields and fields[name] != getattr(profile, name)
    }
    if _is_new_status(fields, profile):
        dated["membership_ended_at"] = now if lifecycle.is_over(fields["membership_status"]) else None
    return dated | dict(fields)


def _stage_told(fields: Mapping[str, Any], profile: CustomerProfile) -> str | None:
    """The stage that a new status of the membership speaks for."""
    is_new = _is_new_status(fields, profile) and fields["membership_status"]
    return lifecycle.membership_stage(fields["membership_status"]) if is_new else None


def _is_new_status(fields: Mapping[str, Any], profile: CustomerProfile) -> bool:
    status = fields.get("membership_status", profile.membership_status)
    return (status or "") != profile.membership_status


def _usable(raw: Mapping[str, Any], region: str, *, phone: str | None = None) -> dict[str, str]:
    """The normalised hints; raises ValidationFailed naming each that can't be read, or that none was given.

    phone: a number that is to be kept though it may identify nobody, named where it was all there is.
    """
    region = region or current_tenant().region
    given = {kind: value for kind, value in raw.items() if value not in (None, "")}
    usable = normalise.hints(given, region)
    bad = [
        Detail(kind, "INVALID_FIELD", f"This is not a valid {kind}.") for kind in given if kind not in usable
    ]
    if bad:
        raise ValidationFailed("Some identifiers can't be read.", details=bad)
    if blocked := _blocked(usable):
        raise ValidationFailed("Some values identify nobody here.", details=blocked)
    if not usable and phone:
        says = f"This number can't be dialled from {region}, so it identifies nobody: give another identifier too."
        raise ValidationFailed(details=[Detail("phoneNumber", "INVALID_FIELD", says)])
    if not usable:
        raise ValidationFailed(
            "Give at least one identifier.",
            details=[
                Detail("email", "MISSING_FIELD", "An e-mail, phone number or other identifier is needed.")
            ],
        )
    return usable


def _blocked(hints: Mapping[str, str]) -> list[Detail]:
    """What the rules of identity say against normalised hints."""
    rules = current_rules()
    return [
        Detail(kind, "BLOCKED_VALUE", _blocked_words(rules, kind, value))
        for kind, value in hints.items()
        if not rules.counts(kind, value)
    ]


def _blocked_words(rules: Rules, kind: str, value: str) -> str:
    block = rules.blocked_by(kind, value)
    why = f" ({block.reason})" if block and block.reason else ""
    return f"By the rules of identity this {kind} identifies nobody{why}."


def _mention(hints: Mapping[str, str], fields: Mapping[str, Any], *, by: str, now: datetime) -> Mention:
    return Mention(hints, fields, Stamp.of_act(by, now), current_tenant().region)


def _tell_created(pk: UUID, person: Person, *, by: str) -> CustomerProfile:
    profile, _ = get_customer(pk, include_deleted=True)
    record_act(profile, type="PROFILE_CREATED", title="Profile created", by=by)
    audit.record("customer.created", by=by, object_type="customer", object_id=pk)
    emit("crm.profile.created", key=str(pk), payload=created_payload(person.row, cause="crm.profile.created"))
    return profile


def _tell_updated(profile: CustomerProfile, person: Person, *, by: str) -> None:
    changed = person.changed & WIRE.keys()
    if not changed:
        return
    payload = updated_payload(person.row, changed)
    metadata = {"changes": payload["changes"]}
    if changed - TOLD_APART:
        record_act(profile, type="PROFILE_UPDATED", title="Profile edited", by=by, metadata=metadata)
    if acts := edit_acts(profile.pk, person):
        record_acts(acts, by=by)
    audit.record(
        "customer.updated",
        by=by,
        object_type="customer",
        object_id=profile.pk,
        before=row_payload(person.before, changed),
        after=row_payload(person.row, changed),
    )
    emit("crm.profile.updated", key=str(profile.pk), payload=payload)
