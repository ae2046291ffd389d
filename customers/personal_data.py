"""What this app and those below it hold of people: how it is told to them, and how it is erased."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Model, Q
from psycopg import sql

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry, IdempotentCall
from crm.tenancy.rows import dump, run, select, update_rows
from crm.tenancy.scope import current_tenant
from customers import history, suppression
from customers.facts import MODELS
from customers.models import (
    AliasHolder,
    AssociationNumber,
    Booking,
    BookingPlayer,
    ConsentEntry,
    CustomerMetrics,
    CustomerProfile,
    CustomerSearch,
    Demotion,
    Device,
    DuplicateCandidate,
    FieldWrite,
    Household,
    HouseholdMember,
    LikenessKeys,
    MergeRecord,
    Order,
    PrivacyRequest,
    ProfilePart,
    SourceFact,
)
from customers.payloads import METRICS, WIRE, blank_as_null, row_payload, wire_name, wire_value
from customers.privacy import Case, Holding, Told, holds
from customers.search_upkeep import tidy_words

PROFILE, LAST = 90, 99
KEPT_OF_PROFILE = {
    "id", "external_id", "status", "lifecycle_stage", "stages_reached", "customer_type", "source", "home_club_ref",
    "home_club_name", "membership_tier", "membership_status", "is_light", "country", "merged_into_id", "merged_at",
    "created_at", "deleted_at", "version", "updated_at", "erased_at", "legal_hold_at",
}  # fmt: skip
NOT_TOLD = {"tenant_id", "id", "customer_id", "stamps", "created_at", "party", "recorded_for"}
WARES = {
    "sku", "productId", "id", "name", "title", "quantity", "qty", "price", "priceCents", "unitPrice", "amount", "total",
    "currency", "category", "variant",
}  # fmt: skip
AUDIT = """
    UPDATE tenancy_auditentry SET before = {before}, after = {after}
    WHERE tenant_id = %(tenant)s AND (before IS NOT NULL OR after IS NOT NULL)
        AND (object_type, object_id) IN (SELECT * FROM unnest(%(types)s::text[], %(ids)s::text[]))
    RETURNING id
"""
# A name alone may be a namesake's in what is about somebody.
AUDIT_OF_OTHERS = """
    SELECT id, before::text AS before, after::text AS after FROM tenancy_auditentry
    WHERE tenant_id = %(tenant)s AND (before IS NOT NULL OR after IS NOT NULL)
        AND (object_type, object_id) NOT IN (SELECT * FROM unnest(%(types)s::text[], %(ids)s::text[])) AND (
        before::text ~* %(identifying)s OR after::text ~* %(identifying)s
        OR (object_id = '' AND (before::text ~* %(pattern)s OR after::text ~* %(pattern)s)))
"""
BLANKED = """
    (SELECT jsonb_object_agg(name, null) FROM jsonb_object_keys(
        CASE jsonb_typeof({column}) WHEN 'object' THEN {column} ELSE '{{}}' END) AS name)
"""
ANSWERS = """
    DELETE FROM tenancy_idempotentcall WHERE tenant_id = %(tenant)s AND (
        encode(body, 'escape') ~* %(identifying)s OR encode(body, 'escape') ~ %(ids)s) RETURNING id
"""
OUTBOX = """
    DELETE FROM outbox_outboxmessage WHERE tenant_id = %(tenant)s AND (key = ANY(%(keys)s)
        OR ARRAY[payload->>'id', payload->>'customerId', payload->>'winnerId', payload->>'loserId'] && %(keys)s)
    RETURNING id
"""
OUTBOX_OF_OTHERS = """
    SELECT id, payload::text AS payload FROM outbox_outboxmessage
    WHERE tenant_id = %(tenant)s AND payload::text ~* %(identifying)s
"""
WARDS = """
    UPDATE customers_profilepart SET row = row || '{"guardian_id": null}'
    WHERE tenant_id = %s AND row->>'guardian_id' = ANY(%s)
"""
CONSENTS = """
    UPDATE customers_consententry e SET value = '', value_hash = h.hash, ip = '', user_agent = '', locale = ''
    FROM json_to_recordset(%(hashes)s) AS h (id bigint, hash text) WHERE e.tenant_id = %(tenant)s AND e.id = h.id
"""
WORDS = """
    SELECT unnest(tsvector_to_array(lexemes)) AS word FROM customers_customersearch
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(people)s)
    UNION SELECT unnest(customers_words(customers_fold(name))) FROM unnest(%(names)s::text[]) AS name
"""
PARTS = """
    UPDATE customers_profilepart t SET seen = '{}', row = to_jsonb(p) - 'tenant_id' FROM customers_customerprofile p
    WHERE t.tenant_id = %(tenant)s AND t.customer_id = ANY(%(people)s) AND p.tenant_id = t.tenant_id
        AND p.id = t.customer_id
    RETURNING t.customer_id
"""
OWNERLESS = """
    UPDATE customers_aliasholder h SET is_owner = true
    WHERE h.tenant_id = %(tenant)s AND h.id IN (
        SELECT min(o.id) FROM customers_aliasholder o WHERE o.tenant_id = %(tenant)s AND o.alias_id = ANY(%(aliases)s)
        GROUP BY o.alias_id HAVING NOT bool_or(o.is_owner))
"""
UNHELD = """
    DELETE FROM customers_identityalias a WHERE a.tenant_id = %(tenant)s AND a.id = ANY(%(aliases)s) AND NOT EXISTS (
        SELECT FROM customers_aliasholder h WHERE h.tenant_id = a.tenant_id AND h.alias_id = a.id)
"""


def of_people(model: type[Model], people: Sequence[UUID]) -> Any:
    manager: Any = model._default_manager
    return manager.filter(customer__in=people)


def row_told(row: Mapping[str, Any], left_out: set[str]) -> dict[str, Any]:
    return {
        wire_name(name): blank_as_null(wire_value(value))
        for name, value in row.items()
        if name not in left_out and not name.startswith("_")
    }


def rows_told(model: type[Model], left_out: set[str] = NOT_TOLD) -> Told:
    """Tell of every column of a table's rows but those left out, oldest first."""

    def told(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
        for row in of_people(model, people).order_by("pk").values():
            yield row_told(row, left_out)

    return told


# --- the profile, and what it is recognised by
def told_profile(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in CustomerProfile.objects.filter(pk__in=people).values():
        yield row_payload(row, WIRE)


def erase_profiles(case: Case) -> int:
    """Leave an empty profile: the group it belonged to for counting, and nothing that tells who it was."""
    blanks = {f.attname: f.get_default() for f in CustomerProfile._meta.concrete_fields}
    gone = {name: value for name, value in blanks.items() if name not in KEPT_OF_PROFILE | {"tenant_id"}}
    rows = list(
        CustomerProfile.objects.filter(pk__in=case.people).values("id", "status", "version", "deleted_at")
    )
    for row in rows:
        status = row["status"] if row["status"] == "MERGED" else "DELETED"
        row |= gone | {
            "status": status, "erased_at": case.now, "deleted_at": row["deleted_at"] or case.now,
            "version": row["version"] + 1, "updated_at": case.now, "updated_by": case.by, "merge_reason": "",
        }  # fmt: skip
    if rows:
        update_rows(CustomerProfile, rows, sorted(rows[0].keys() - {"id"}))
    CustomerProfile.objects.filter(guardian__in=case.people).update(guardian=None)
    run(WARDS, [current_tenant().pk, [str(pk) for pk in case.people]])
    forget_words(case)
    return len(rows)


def erase_holders(case: Case) -> int:
    """Take the identifiers away and suppress those that nobody else has; one that is shared stays with the others."""
    held = of_people(AliasHolder, case.people)
    aliases = dict(held.values_list("alias_id", "alias__kind").distinct())
    keys = {
        pk: (kind, value) for pk, kind, value in held.values_list("alias_id", "alias__kind", "alias__value")
    }
    shared = set(
        AliasHolder.objects.filter(alias__in=list(aliases))
        .exclude(customer__in=case.people)
        .values_list("alias_id", flat=True)
    )
    own = [key for pk, key in keys.items() if pk not in shared]
    suppression.suppress(own, reason="ERASED", by=case.by, now=case.now)
    count: int = held.delete()[0]
    params = {"tenant": current_tenant().pk, "aliases": list(aliases)}
    run(OWNERLESS, params)
    run(UNHELD, params)
    return count


def told_identifiers(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for holder in of_people(AliasHolder, people).select_related("alias").order_by("pk"):
        yield {
            "kind": holder.alias.kind,
            "value": holder.alias.value,
            "source": holder.source,
            "since": wire_value(holder.since),
        }


def told_history(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(FieldWrite, people).order_by("at", "pk").values("changes", "at", "source", "event"):
        yield row_told(row, set())


def erase_history(case: Case) -> int:
    count: int = of_people(FieldWrite, case.people).count()
    history.erase_values(case.people)
    return count


def erase_search(case: Case) -> int:
    """The words go with the names, those of former names too; what nobody else is called is forgotten as a word."""
    names = [name for pair in case.needles.names for name in pair]
    params = {"tenant": current_tenant().pk, "people": case.people, "names": names}
    case.about["word"] = [row["word"] for row in select(WORDS, params)]
    count: int = of_people(CustomerSearch, case.people).delete()[0]
    return count


def forget_words(case: Case) -> None:
    """Once the profile is empty, whose triggers write what it is found by anew."""
    of_people(CustomerSearch, case.people).delete()
    if words := case.about.pop("word", []):
        tidy_words(words)


def told_consents(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    left_out = NOT_TOLD | {"tier", "version", "rank", "value_hash", "actor"}
    for row in of_people(ConsentEntry, people).order_by("at", "pk").values():
        yield row_told(row, left_out)


def erase_consents(case: Case) -> int:
    """The statements stay as proof that sending was allowed; the identifier is a keyed hash from now on."""
    rows = [
        {"id": pk, "hash": suppression.hash_of((kind, value)) if value else ""}
        for pk, kind, value in of_people(ConsentEntry, case.people).values_list("pk", "kind", "value")
    ]
    if rows:
        from_rows = {"hashes": dump(rows), "tenant": current_tenant().pk}
        with history.erasing():
            run(CONSENTS, from_rows)
    return len(rows)


def erase_pairs(case: Case) -> int:
    """With what was remarked on them, in the audit log too."""
    pairs = DuplicateCandidate.objects.filter(Q(first__in=case.people) | Q(second__in=case.people))
    case.about["duplicatecandidate"] = [str(pk) for pk in pairs.values_list("pk", flat=True)]
    count: int = pairs.delete()[0]
    return count


def erase_demotions(case: Case) -> int:
    count: int = of_people(Demotion, case.people).delete()[0]
    return count


def told_households(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """Since when they are in a household; who else is in it is their own affair."""
    for row in of_people(HouseholdMember, people).order_by("since", "pk"):
        yield {"role": row.role, "since": wire_value(row.since), "until": wire_value(row.until)}


def erase_households(case: Case) -> int:
    """A household's name goes with whoever was in it: it is mostly theirs. Without one the last names stand for it."""
    houses = list(of_people(HouseholdMember, case.people).values_list("household", flat=True).distinct())
    Household.objects.filter(pk__in=houses).update(name="")
    case.about["household"] = [str(pk) for pk in houses]
    count: int = of_people(HouseholdMember, case.people).delete()[0]
    return count


def erase_likeness(case: Case) -> int:
    """What they are compared by."""
    count: int = of_people(LikenessKeys, case.people).delete()[0]
    return count


def erase_parts(case: Case) -> int:
    """Which profiles are one person stays, so that the ids of all of them lead to the same empty profile."""
    return len(select(PARTS, {"tenant": current_tenant().pk, "people": case.people}))


def erase_merges(case: Case) -> int:
    merges = MergeRecord.objects.filter(Q(winner__in=case.people) | Q(loser__in=case.people))
    count: int = merges.update(writes={}, before={}, reason="", undone_reason="")
    return count


# --- facts
def erase_facts(model: type[SourceFact]) -> Callable[[Case], int]:
    """Amounts, times and states stay, since reports count them; words about the person go."""

    def erase(case: Case) -> int:
        columns = [f.attname for f in model._meta.concrete_fields if f.attname != "tenant_id"]
        rows = list(of_people(model, case.people).values(*columns))
        for row in rows:
            row |= emptied(model, row, case)
        update_rows(model, rows, [name for name in columns if name != "id"])
        return len(rows)

    return erase


def emptied(model: type[SourceFact], row: Mapping[str, Any], case: Case) -> dict[str, Any]:
    blank: dict[str, Any] = {name: [] if name == "party" else "" for name in model.free_text}
    if model is BookingPlayer:
        blank |= {"first_name": "", "last_name": ""}
    if model is Order and isinstance(row["items"], list):
        blank["items"] = [
            {name: item[name] for name in item.keys() & WARES} if isinstance(item, dict) else item
            for item in case.needles.scrubbed(row["items"])
        ]
    if model is PrivacyRequest and row["status"] == "OPEN" and row["kind"] == "ERASURE":
        blank |= {"status": "DONE", "decided_at": case.now, "decided_by": case.by}
    identifiers = {value for _kind, value in case.needles.identifiers}
    if any(part in identifiers for part in row["key"].split(":")):
        blank["key"] = f"erased:{suppression.hash_of(('key', row['key']))}"
    if case.needles.are_in(str(row["stamps"])):
        blank["stamps"] = {}
    return blank


def erase_others_parties(case: Case) -> int:
    """The names that other people's bookings have of the person who played along."""
    keys = of_people(BookingPlayer, case.people).values_list("booking_key", flat=True)
    bookings = list(
        Booking.objects.filter(key__in=list(keys)).exclude(customer__in=case.people).values("id", "party")
    )
    changed = [{**row, "party": case.needles.scrubbed(row["party"])} for row in bookings]
    update_rows(Booking, changed, ["party"])
    return len(changed)


def erase_players(case: Case) -> int:
    return erase_others_parties(case) + erase_facts(BookingPlayer)(case)


def erase_numbers(case: Case) -> int:
    count: int = of_people(AssociationNumber, case.people).delete()[0]
    return count


# --- what is said of people in logs and queues
def erase_audit(case: Case) -> int:
    """What is about the person is blanked; from what is about others, what names the person is taken out."""
    pairs = [("customer", str(pk)) for pk in case.people]
    pairs += [(kind, one) for kind, ids in case.about.items() for one in ids]
    params = {
        **_text_params(case), "types": [kind for kind, _ in pairs], "ids": [one for _, one in pairs]
    }  # fmt: skip
    columns = {name: sql.SQL(BLANKED).format(column=sql.Identifier(name)) for name in ("before", "after")}
    with history.erasing():
        others = _scrub(AuditEntry, AUDIT_OF_OTHERS, params, ("before", "after"), case)
        return others + len(select(sql.SQL(AUDIT).format(**columns), params))


def erase_answers(case: Case) -> int:
    params = {**_text_params(case), "ids": "|".join(str(pk) for pk in case.people)}
    return len(select(ANSWERS, params))


def erase_outbox(case: Case) -> int:
    """News of the person that is not told yet goes untold; crm.profile.erased follows it. That of others is told."""
    params = {**_text_params(case), "keys": [str(pk) for pk in case.people]}
    gone = len(select(OUTBOX, params))
    return gone + _scrub(OutboxMessage, OUTBOX_OF_OTHERS, params, ("payload",), case)


def _scrub(
    model: type[Model], found: str, params: Mapping[str, Any], columns: Sequence[str], case: Case
) -> int:
    """Take what names the person out of JSON columns of the rows that a statement finds; how many. Two statements."""
    rows = select(found, params)
    for row in rows:
        row |= {
            name: case.needles.scrubbed(json.loads(row[name])) for name in columns if row[name] is not None
        }
    update_rows(model, rows, columns)
    return len(rows)


def _text_params(case: Case) -> dict[str, Any]:
    needles = case.needles
    return {"tenant": current_tenant().pk, "pattern": needles.pattern, "identifying": needles.identifying}


def told_metrics(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(CustomerMetrics, people).values(*METRICS):
        yield row_told(row, set())


def told_devices(people: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for row in of_people(Device, people).order_by("pk"):
        yield {"platform": row.platform, "token": row.token, "lastSeenAt": wire_value(row.last_seen_at)}


def erase_devices(case: Case) -> int:
    count: int = of_people(Device, case.people).delete()[0]
    return count


FACT_TITLES = {
    "membership": "memberships", "booking": "bookings", "booking_player": "roundsPlayed",
    "competition_entry": "competitionEntries", "handicap": "handicapRevisions",
    "association_number": "associationNumbers", "order": "orders", "payment": "payments", "invoice": "invoices",
    "deal": "deals", "ticket": "tickets", "privacy_request": "privacyRequests",
}  # fmt: skip
NOBODYS = {"club_event", "course_closure"}
SPECIAL = {"booking_player": erase_players, "association_number": erase_numbers}

for _kind, _model in MODELS.items():
    if _kind in NOBODYS:
        holds(Holding(_model, "It is about nobody in particular."))
        continue
    holds(
        Holding(
            _model,
            "Amounts, times and states stay for the accounts and for reports.",
            FACT_TITLES[_kind], rows_told(_model), SPECIAL.get(_kind) or erase_facts(_model), 20,
        )
    )  # fmt: skip
for _holding in (
    Holding(CustomerProfile, "An empty profile stays, to count by stage, club and tier.", "profile", told_profile,
            erase_profiles, PROFILE),
    Holding(CustomerMetrics, "Counts and sums without a name stay for reports.", "figures", told_metrics, None, 11),
    Holding(AliasHolder, "A keyed hash stays, so that nobody writes to them again; what a household shares stays "
            "with the others.", "identifiers", told_identifiers, erase_holders, 12),
    Holding(FieldWrite, "Who changed which field, and when.", "history", told_history, erase_history, PROFILE + 1),
    Holding(ConsentEntry, "Statements stay as proof, with a keyed hash for the identifier.", "consents", told_consents,
            erase_consents, 13),
    Holding(CustomerSearch, "Nothing.", None, None, erase_search, 10),
    Holding(DuplicateCandidate, "Nothing.", None, None, erase_pairs, 15),
    Holding(Demotion, "Nothing.", None, None, erase_demotions, 16),
    Holding(HouseholdMember, "Nothing.", "households", told_households, erase_households, 18),
    Holding(Device, "Nothing.", "devices", told_devices, erase_devices, 19),
    Holding(LikenessKeys, "Nothing.", None, None, erase_likeness, 17),
    Holding(ProfilePart, "Which profiles were one person.", None, None, erase_parts, PROFILE + 2),
    Holding(MergeRecord, "That a merge was made, when and by whom.", None, None, erase_merges, PROFILE + 3),
    Holding(AuditEntry, "Who did what, and when.", None, None, erase_audit, LAST),
    Holding(IdempotentCall, "Nothing.", None, None, erase_answers, LAST),
    Holding(OutboxMessage, "Nothing.", None, None, erase_outbox, LAST),
):  # fmt: skip
    holds(_holding)
