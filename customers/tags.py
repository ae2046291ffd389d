"""Tagging people, one or many: in one spelling, with the act on the timeline, the news and the history.

A tag that is renamed, merged into another or removed leaves the list at once; whoever has it follows in batches.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import CharField, Count, Exists, Func, IntegerField, OuterRef, QuerySet, Subquery
from django.utils import timezone

from crm.errors import Conflict, Detail, NotFound, ValidationFailed
from crm.outbox.nudge import nudge
from crm.outbox.services import News, emit_many
from crm.tenancy import audit
from crm.tenancy.models import Tenant
from crm.tenancy.rows import insert_rows, select
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope
from crm.versions import ANY, Condition
from customers import normalise
from customers.acts import record_acts
from customers.changes import write_many
from customers.models import CustomerProfile, Tag, TagMove
from customers.models.tags import LONGEST
from customers.payloads import updated_payload
from customers.person import Mention, Person
from customers.stamps import Stamp
from customers.telling import tag_acts

BATCH = 500
MOVE = "customers.move_tags"
AT_ONCE = 2.0  # seconds that who asked for a move waits for it; a worker does the rest
LOCKED = """
    SELECT id, tags, provenance->'tags' AS stamp FROM customers_customerprofile
    WHERE tenant_id = %s AND id = ANY(%s) AND merged_into_id IS NULL ORDER BY id FOR NO KEY UPDATE
"""
TAGGED = (
    "SELECT id FROM customers_customerprofile WHERE tenant_id = %s AND tags @> %s::varchar(100)[] LIMIT %s"
)


class TagNotFound(NotFound):
    """There is no such tag."""

    code = "TAG_NOT_FOUND"


class TagInUse(Conflict):
    """Customers have this tag. Ask for `untag=true` to take it from all of them."""

    code = "TAG_IN_USE"


# --- spelling
def clean(name: str) -> str:
    """A tag as it is written: of what can be seen, no blanks around it, single ones within. Raises ValidationFailed."""
    tidy = normalise.seen(name)
    if not tidy or len(tidy) > LONGEST or "," in tidy:
        says = f"“{tidy[:20]}” is no tag: give 1 to {LONGEST} characters without a comma."
        raise ValidationFailed(details=[Detail("tags", "INVALID_FIELD", says)])
    return tidy


def spelled(names: Iterable[str]) -> list[str]:
    """The tags in the spelling that the tenant has for them; what is new is listed from now on. Two statements.

    Raises ValidationFailed.
    """
    wanted = _by_key(names)
    now = timezone.now()
    rows = [{"key": key, "name": name, "created_at": now} for key, name in sorted(wanted.items())]
    insert_rows(Tag, rows, ("key", "name", "created_at"), conflict="(tenant_id, key) DO NOTHING")
    return _known(wanted, default=wanted)


def looked_up(names: Iterable[str]) -> list[str]:
    """The tags in the tenant's spelling, reading only; an unknown one as it is. One statement."""
    wanted = {name.casefold(): name for name in map(normalise.seen, names)}
    return _known(wanted, default=wanted)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in map(clean, names):
        found.setdefault(name.casefold(), name)
    return found


def _known(wanted: dict[str, str], *, default: dict[str, str]) -> list[str]:
    known = dict(Tag.objects.filter(key__in=wanted).values_list("key", "name")) if wanted else {}
    return [known.get(key, default[key]) for key in wanted]


def with_people() -> "QuerySet[Tag]":
    """The tags, each with the number of its `people`; a range of the GIN index each."""
    name = Func(
        OuterRef("name"),
        template="ARRAY[%(expressions)s]::varchar(100)[]",
        output_field=ArrayField(CharField()),
    )
    people = CustomerProfile.objects.listed().filter(tags__contains=name).order_by().values("tenant")
    count = Subquery(people.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    tags: QuerySet[Tag] = Tag.objects.annotate(people=Func(count, 0, function="COALESCE"))
    return tags


# --- tagging
@transaction.atomic
def tag_one(
    pk: UUID, *, add: Iterable[str] = (), remove: Iterable[str] = (), by: str, if_match: Condition = ANY
) -> CustomerProfile:
    """Give and take tags of a customer; who has them, or has not, is left alone. Returns the customer as they are now.

    Raises PreconditionFailed, ValidationFailed.
    """
    added, removed = spelled(add), looked_up(remove)
    found: CustomerProfile = CustomerProfile.objects.select_for_update(no_key=True).get(pk=pk)
    if_match.check(found.etag)
    before = list(found.tags)
    changed = _retag([pk], _edit(added, removed), by=by)
    if not changed:
        return found
    found.tags, found.version = changed[pk].row["tags"], changed[pk].row["version"]
    audit.record(
        "customer.tagged",
        by=by,
        object_type="customer",
        object_id=pk,
        before={"tags": before},
        after={"tags": found.tags},
    )
    return found


def tag_many(people: Sequence[UUID], *, add: Iterable[str] = (), remove: Iterable[str] = (), by: str) -> int:
    """Give and take tags of many customers, a transaction for each 500; how many changed. Can be repeated."""
    added, removed = spelled(add), looked_up(remove)
    count = 0
    for start in range(0, len(people), BATCH):
        with transaction.atomic():
            count += len(_retag(people[start : start + BATCH], _edit(added, removed), by=by))
    audit.record(
        "customers.tagged",
        by=by,
        object_type="tag",
        after={"added": added, "removed": removed, "people": count},
    )
    return count


def _edit(added: Collection[str], removed: Collection[str]) -> Callable[[list[str]], list[str]]:
    gone = {name.casefold() for name in removed}
    return lambda tags: _unique([*(tag for tag in tags if tag.casefold() not in gone), *added])


def _unique(tags: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def _retag(
    people: Sequence[UUID], edit: Callable[[list[str]], list[str]], *, by: str, is_told: bool = True
) -> dict[UUID, Person]:
    """Edit the tags of people who are then locked; those whose tags changed. Eight statements at most.

    is_told: make timeline entries of it, which a new spelling is not worth.
    """
    now = timezone.now()
    stamp = Stamp.of_act(by, now)
    rows = select(LOCKED, [current_tenant().pk, sorted(people)])
    mentions = {
        row["id"]: Mention(
            {},
            {"tags": after},
            stamp.after(row["stamp"] and json.loads(row["stamp"])),
            current_tenant().region,
        )
        for row in rows
        if (after := edit(row["tags"])) != row["tags"]
    }
    if not mentions:
        return {}
    changed = write_many(mentions, now=now, by=by)
    if is_told:
        record_acts(tag_acts(changed), by=by)
    emit_many(
        [
            News("crm.profile.updated", str(pk), updated_payload(one.row, one.changed))
            for pk, one in changed.items()
        ]
    )
    return changed


# --- the tags themselves
def find_tag(name: str) -> Tag:
    """The tag of a name, however spelt, with the number of its `people`. Raises TagNotFound."""
    key = normalise.seen(name).casefold()
    tag = with_people().filter(key=key).first() if normalise.is_storable(key) else None
    if tag is None:
        raise TagNotFound
    return tag


def find_other(tag: Tag, name: str) -> Tag | None:
    """Another tag of this name, however spelt. Raises ValidationFailed."""
    other: Tag | None = Tag.objects.filter(key=clean(name).casefold()).exclude(pk=tag.pk).first()
    return other


def rename_tag(tag: Tag, name: str, *, by: str, merge: bool = False) -> Tag:
    """Spell a tag otherwise, with everybody who has it.

    merge: become one with the tag that has this name already; without it that raises Conflict.
    Raises ValidationFailed.
    """
    name, old = clean(name), tag.name
    with transaction.atomic():
        other = find_other(tag, name)
        if other is not None and not merge:
            raise Conflict(f"There is a tag “{other.name}” already.")
        if other is not None:
            Tag.objects.filter(pk=tag.pk).delete()
        else:
            tag.name, tag.key = name, name.casefold()
            tag.save(update_fields=["name", "key"])
        kept = other or tag
        _move(old, kept.name, "tag.merged" if other else "tag.renamed", tag, by)
    _work_off()
    return kept


def remove_tag(tag: Tag, *, by: str) -> None:
    """Take a tag away from everybody."""
    with transaction.atomic():
        pk = tag.pk
        Tag.objects.filter(pk=pk).delete()
        _move(tag.name, "", "tag.removed", tag, by)
    _work_off()


def _move(old: str, new: str, action: str, tag: Tag, by: str) -> None:
    audit.record(
        action, by=by, object_type="tag", object_id=tag.pk, before={"name": old}, after={"name": new}
    )
    if old != new:
        TagMove.objects.create(tenant=current_tenant(), old=old, new=new, by=by)


def _work_off() -> None:
    if not move_all(budget_seconds=AT_ONCE):
        nudge(MOVE)


def move_due(*, budget_seconds: float) -> None:
    """Go on with the moves of all tenants."""
    with scopes_disabled():  # asked across tenants: who has a tag to move
        tenants = list(Tenant.objects.filter(Exists(TagMove.objects.filter(tenant=OuterRef("pk")))))
    for tenant in tenants:
        with tenant_scope(tenant):
            move_all(budget_seconds=budget_seconds)


def move_all(*, budget_seconds: float) -> bool:
    """Work off the open tenant's moves, the oldest first; whether that is all of them."""
    deadline = time.monotonic() + budget_seconds
    for move in TagMove.objects.order_by("created_at", "pk"):
        while _move_batch(move):
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def _move_batch(move: TagMove) -> bool:
    """Move up to 500 people; whether there may be more."""
    ids = [row["id"] for row in select(TAGGED, [current_tenant().pk, [move.old], BATCH])]
    new = [move.new] if move.new else []
    edit = _replace(move.old, new)
    if ids and _retag(ids, edit, by=move.by, is_told=not move.new):
        return True
    TagMove.objects.filter(pk=move.pk).delete()
    return False


def _replace(old: str, new: Sequence[str]) -> Callable[[list[str]], list[str]]:
    return lambda tags: _unique(one for tag in tags for one in (new if tag == old else [tag]))
