"""What a tenant's rows say, told so that two histories of the same events can be compared.

People tied together count as one, since either reading is true until somebody decides: by an open duplicate candidate,
by a contact that they share (a household), by an identifier that was set aside because it was seen with both; and so
do those who were merged. What is compared is what sources said, part by part; that a merged person's row is what their
parts and merges come to is asserted here on the way.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from customers.facts import MODELS
from customers.families import load_families
from customers.merging import KEPT
from customers.models import (
    AliasHolder,
    CustomerMetrics,
    CustomerProfile,
    Demotion,
    DuplicateCandidate,
    ProfilePart,
)
from timeline.models import Activity, InboundEvent

COUNTERS = ("activity_count_30d", "booking_count_30d", "lifetime_value_cents")
LAST = (
    "last_activity_at",
    "last_booking_at",
    "last_email_open_at",
    "last_email_click_at",
    "last_sms_reply_at",
)
NOT_TOLD = {"id", "tenant_id", "stamps", "created_at", "customer_id", "recorded_for"}


def world() -> dict[str, Any]:
    """The open tenant's people, timeline and facts, without ids and without the order they came in."""
    group_of = _groups()
    members = defaultdict(list)
    for pk, group in group_of.items():
        members[group].append(pk)
    names = _names(group_of)
    profiles = told_of()
    metrics = {row.pk: row for row in CustomerMetrics.objects.all()}
    return {
        "people": {
            names[group]: _person([profiles[pk] for pk in pks], [metrics[pk] for pk in pks])
            for group, pks in members.items()
        },
        "timeline": sorted(
            (entry.source_event_id, entry.type, entry.title, sorted(names[group_of[entry.customer_id]]))
            # The first is one a profile, and those may differ; the second tells what was noticed, and when.
            for entry in Activity.objects.exclude(
                type__in=["PROFILE_CREATED", "STAGE_CHANGED", "PROFILE_MERGED"]
            )
        ),
        "facts": {kind: _facts(kind, group_of, names) for kind in MODELS},
        "events": sorted(InboundEvent.objects.values_list("source", "event_id", "status")),
    }


def _groups() -> dict[UUID, UUID]:
    """Everyone -> the representative of those they are tied to."""
    leader = {pk: pk for pk in CustomerProfile.objects.values_list("pk", flat=True)}

    def find(pk: UUID) -> UUID:
        while leader[pk] != pk:
            pk = leader[pk]
        return pk

    merged = CustomerProfile.objects.exclude(merged_into=None).values_list("pk", "merged_into_id")
    for first, second in (*DuplicateCandidate.objects.values_list("first_id", "second_id"), *merged):
        leader[find(first)] = find(second)
    seen_with: dict[tuple[str, str], UUID] = {}
    for customer, *key in _seen():
        leader[find(customer)] = find(seen_with.setdefault(tuple(key), customer))
    return {pk: find(pk) for pk in leader}


def _seen() -> Iterator[tuple[UUID, str, str]]:
    """Everyone with each identifier that they have, or were named with when it was set aside."""
    yield from AliasHolder.objects.values_list("customer_id", "alias__kind", "alias__value")
    yield from Demotion.objects.values_list("customer_id", "kind", "value")


def _names(group_of: dict[UUID, UUID]) -> dict[UUID, frozenset[tuple[str, str]]]:
    held = defaultdict(set)
    for customer, kind, value in _seen():
        held[group_of[customer]].add((kind, value))
    return {group: frozenset(keys) for group, keys in held.items()}


def told_of() -> dict[UUID, dict[str, Any]]:
    """Each profile's own row: of a merged person the parts', of which their row must be made."""
    rows = {row["id"]: row for row in CustomerProfile.objects.values()}
    merged = set(ProfilePart.objects.values_list("root_id", flat=True))
    for family in load_families(merged).values():
        folded = family.fold()
        differs = {name for name in folded if name not in KEPT and folded[name] != rows[family.root][name]}
        assert not differs, {name: (folded[name], rows[family.root][name]) for name in differs}
        rows |= {pk: part.row for pk, part in family.parts.items()}
    return rows


def _person(rows: Iterable[dict[str, Any]], metrics: Iterable[CustomerMetrics]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    reached: dict[str, int] = {}
    rows = list(rows)
    for row in rows:
        for name, stamp in row["provenance"].items():
            told = (tuple(stamp), json.dumps(row[name], default=str))
            if name != "source" and (name not in fields or told > fields[name]):
                fields[name] = told
        for stage, at in row["stages_reached"].items():
            reached[stage] = max(at, reached.get(stage, at))
    numbers = list(metrics)
    return {
        "fields": fields,
        "reached": reached,
        "first told by": min(tuple(row["provenance"]["source"][2:]) for row in rows),
        **{name: sum(getattr(row, name) for row in numbers) for name in COUNTERS},
        **{name: max((v for row in numbers if (v := getattr(row, name))), default=None) for name in LAST},
    }


def _facts(kind: str, group_of: dict[UUID, UUID], names: dict[UUID, Any]) -> dict[str, Any]:
    found = {}
    for row in MODELS[kind].objects.values():
        told = {name: value for name, value in row.items() if name not in NOT_TOLD}
        owner = row["customer_id"] and names[group_of[row["customer_id"]]]
        found[row["key"]] = (told, owner)
    return found
