"""What entries are about: a competition, a ticket, a booking, a tag. Its name is looked up when an entry is read.

An entry keeps the name as it was when it was written, and shows it when the thing itself is gone. A note is read
through its own rules (docs/decisions/0008-notes.md), not here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Model

from customers.facts import FactChange
from customers.models import Booking, ClubEvent, Tag, Ticket
from timeline.models import Activity

Reference = tuple[str, str]  # kind, the id that entries have of it


class Kind(NamedTuple):
    """Where things of a kind are kept: model, columns of key and name, and how an entry's id is the key there.

    fact:   its kind among facts, for what a batch of events has just written.
    is_apart: the name stands after the title, which does not hold it.
    """

    model: type[Model]
    key: str
    name: str
    prefix: str = ""
    fact: str = ""
    is_apart: bool = False


LONGEST_PK = 19  # digits of a bigint
KINDS = {
    "competition": Kind(ClubEvent, "key", "name", "COMPETITION:", fact="club_event", is_apart=True),
    "ticket": Kind(Ticket, "key", "subject", fact="ticket"),
    "booking": Kind(Booking, "key", "club_name", fact="booking"),
    "tag": Kind(Tag, "pk", "name"),
}
KIND_OF = {
    "COMPETITION_ENTERED": "competition",
    "COMPETITION_WITHDRAWN": "competition",
    "SCORE_POSTED": "competition",
    "TICKET_OPENED": "ticket",
    "TICKET_RESOLVED": "ticket",
    "TEETIME_BOOKED": "booking",
    "TEETIME_UPDATED": "booking",
    "TEETIME_COMPLETED": "booking",
    "TEETIME_CANCELLED": "booking",
    "TEETIME_NO_SHOW": "booking",
    "TAG_ADDED": "tag",
    "TAG_REMOVED": "tag",
}


def with_subjects(entries: Sequence[Activity]) -> None:
    """Give entries the titles that fit what they are about now. A statement for each kind among them, four at most."""
    about = {entry.pk: found for entry in entries if (found := reference(entry.type, entry.source_id))}
    names = names_of(about.values())
    for entry in entries:
        found = about.get(entry.pk)
        entry.subject = None
        if found:
            name = names.get(found, "")
            entry.subject = Subject(*found, name or entry.subject_name, found in names)
            entry.title = _title(entry, KINDS[found[0]], name)


class Subject(NamedTuple):
    """What an entry is about; `name` is the one it had, where it is gone."""

    kind: str
    id: str
    name: str
    exists: bool


def snapshots(rows: Iterable[dict[str, Any]], changes: Sequence[FactChange]) -> None:
    """Set `subject_name` of rows of entries to be written. A statement for each kind that the batch did not write."""
    rows = list(rows)
    about = [reference(row["type"], row["source_id"]) for row in rows]
    written = dict(_written(changes))
    names = written | names_of({found for found in about if found and found not in written})
    for row, found in zip(rows, about, strict=True):
        row["subject_name"] = names.get(found, "")[:300] if found else ""


def reference(type: str, source_id: str) -> Reference | None:
    kind = KIND_OF.get(type)
    return (kind, source_id) if kind and source_id else None


def names_of(about: Iterable[Reference]) -> dict[Reference, str]:
    """The names of those that exist."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for kind, id_ in about:
        if KINDS[kind].key != "pk" or (id_.isdecimal() and len(id_) < LONGEST_PK):
            wanted[kind].add(KINDS[kind].prefix + id_)
    found: dict[Reference, str] = {}
    for name, keys in wanted.items():
        model, key, column, prefix, *_rest = KINDS[name]
        manager: Any = model._default_manager
        for row in manager.filter(**{f"{key}__in": keys}).only(key, column):
            found[name, str(getattr(row, key)).removeprefix(prefix)] = getattr(row, column)
    return found


def _written(changes: Sequence[FactChange]) -> Iterator[tuple[Reference, str]]:
    by_fact: Mapping[str, str] = {kind.fact: name for name, kind in KINDS.items() if kind.fact}
    for change in changes:
        name = by_fact.get(change.kind)
        if name and change.after["key"].startswith(KINDS[name].prefix):
            yield (name, change.after["key"].removeprefix(KINDS[name].prefix)), change.after[KINDS[name].name]


def _title(entry: Activity, kind: Kind, name: str) -> str:
    name, was = name or entry.subject_name, entry.subject_name
    if was and was in entry.title:
        return entry.title.replace(was, name)
    return f"{entry.title}: {name}" if kind.is_apart and name else entry.title
