"""One profile while a batch works on it: its row as a dict, and what mentions of the person write to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from customers import lifecycle, normalise
from customers.deriving import derived
from customers.faces import Face
from customers.identity_rules import Rules
from customers.identity_settings import current_rules
from customers.normalise import CONTACTS, EXTERNAL_PREFIX, GUEST_KIND
from customers.parts import FIELDS
from customers.resolution import Request
from customers.stamps import EPOCH, Stamp, Told, fold, told

LINKS = {
    "authUserId": "auth_user_id",
    "sclMemberId": "scl_member_id",
    "teetimePlayerId": "teetime_player_id",
    "messagingContactId": "messaging_contact_id",
}
BOOKKEEPING = {"provenance", "stage_due_at", "version", "updated_at", "updated_by"}
BLANK: dict[str, Any] = {f.attname: f.get_default() for f in FIELDS}
NEVER_NULL = {f.attname for f in FIELDS if not f.null}


class Mention(NamedTuple):
    """What one event or act says about one person.

    hints are normalised (kind -> value); fields are profile attributes, of which custom_fields names only the
    keys it writes; region is where a phone number without a country code is dialled; freed are kinds of strong
    identifiers that the person gives up. face: name and birth date, where they are not among the fields to write.
    """

    hints: Mapping[str, str]
    fields: Mapping[str, Any]
    stamp: Stamp
    region: str
    stage: str | None = None
    seen: Sequence[str] = ()
    freed: Sequence[str] = ()
    face: Face | None = None

    def request(self) -> Request:
        """Who is meant, and what may be learnt of them."""
        return Request(
            self.hints, self.stamp.source, self.stamp.event, self.learnt(), self.face or Face.of(self.fields)
        )

    def learnt(self) -> tuple[tuple[str, str], ...]:
        """The e-mail and phone that it writes, where it named another one to recognise the person by."""
        rules, told = current_rules(), _told(self.fields, self.region)
        return tuple(
            (kind, value)
            for kind, value in told
            if value != self.hints.get(kind) and rules.counts(kind, value)
        )


@dataclass(slots=True)
class Person:
    """A profile while a batch works on it: its row as a dict, and what became different.

    parts: of a merged person, those parts that the batch writes to, each with its own row.
    cause: the greatest stamp of what was said of them.
    """

    row: dict[str, Any]
    is_new: bool
    changed: set[str] = field(default_factory=set)
    touched: bool = False
    reached_before: frozenset[str] = frozenset()
    stage_before: str = ""
    seen: dict[str, datetime] = field(default_factory=dict)
    cause: Stamp | None = None
    before: dict[str, Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    parts: dict[UUID, "Person"] = field(default_factory=dict)

    def each(self, part: UUID) -> Iterator["Person"]:
        """What a mention of this part is written to: its own row, if it has one, and what everybody sees."""
        if part in self.parts:
            yield self.parts[part]
        yield self

    def fold_in(self, writes: Mapping[str, Any], stamp: Stamp) -> bool:
        row, stamps = self.row, self.row["provenance"]
        self.told += told(row, stamps, writes, stamp)
        folded = fold(row, stamps, writes, stamp)
        self.changed |= folded.changed
        self.touched = self.touched or bool(folded.won)
        return bool(folded.won)

    def link(self, own: Mapping[str, str], stamp: Stamp, *, keep: bool = False) -> None:
        """Mirror strong identifiers to the profile's link columns; they follow from the aliases, so no tier.

        keep: what stands there, for a merged person who has several ids of a kind.
        """
        row = self.row
        if row["is_light"] and not {GUEST_KIND}.issuperset(own):
            row["is_light"] = False
            self.changed.add("is_light")
        for kind, value in own.items():
            if kind.startswith(EXTERNAL_PREFIX):
                name = kind.removeprefix(EXTERNAL_PREFIX)
                known = row["external_ids"].get(name)
                if known != value and not (keep and known):
                    self.told.append(Told(f"external_ids.{name}", known, value, stamp))
                    row["external_ids"] = row["external_ids"] | {name: value}
                    self.changed.add("external_ids")
            elif column := LINKS.get(kind):
                linked = int(value) if column == "scl_member_id" else value
                if row[column] != linked and not (keep and row[column]):
                    self.told.append(Told(column, row[column], linked, stamp))
                    row[column] = linked
                    self.changed.add(column)
        self.cause = max(self.cause or stamp, stamp)

    def unlink(self, kinds: Sequence[str], stamp: Stamp) -> None:
        """Clear the link columns of strong identifiers that the person holds no more."""
        row = self.row
        for kind in kinds:
            name = kind.removeprefix(EXTERNAL_PREFIX)
            if kind.startswith(EXTERNAL_PREFIX) and name in row["external_ids"]:
                self.told.append(Told(f"external_ids.{name}", row["external_ids"][name], None, stamp))
                row["external_ids"] = {
                    key: value for key, value in row["external_ids"].items() if key != name
                }
                self.changed.add("external_ids")
            elif (column := LINKS.get(kind)) and row[column] != BLANK[column]:
                self.told.append(Told(column, row[column], None, stamp))
                row[column] = BLANK[column]
                self.changed.add(column)

    def note_source(self, stamp: Stamp) -> None:
        """Keep who spoke of them at the earliest time, not who was heard first; they are known since then."""
        stamps = self.row["provenance"]
        first = stamps.get("source")
        if first is None or list(stamp[2:]) < list(first)[2:]:
            stamps["source"], self.row["source"] = list(stamp), stamp.source
            self.changed.add("source")
            since = EPOCH + timedelta(microseconds=stamp.at)
            if (self.is_new and first is None) or since < self.row["created_at"]:
                self.row["created_at"] = since
                self.changed.add("created_at")

    def write_to(self, mention: Mention) -> None:
        row, stamp = self.row, mention.stamp
        writes = _columns(mention)
        custom = writes.pop("custom_fields", None)
        self.fold_in(writes, stamp)
        if custom:
            self._write_map("custom_fields", custom, stamp)
        if mention.stage and lifecycle.reach(row["stages_reached"], mention.stage, stamp.at):
            self.changed.add("stages_reached")
        at = EPOCH + timedelta(microseconds=stamp.at)
        for name in mention.seen:
            self.seen[name] = max(at, self.seen.get(name, at))

    def _write_map(self, name: str, writes: Mapping[str, Any], stamp: Stamp) -> None:
        """Write keys of a map, each a register of its own that is stamped as `name.key`; None takes a key away."""
        stamps, prefix = self.row["provenance"], f"{name}."
        values = {prefix + key: value for key, value in self.row[name].items()}
        own = {prefix + key: value for key, value in writes.items()}
        self.told += told(values, stamps, own, stamp)
        folded = fold(values, stamps, own, stamp)
        self.touched = self.touched or bool(folded.won)
        if folded.changed:
            kept = {path: value for path, value in values.items() if value is not None}
            self.row[name] = {path.removeprefix(prefix): value for path, value in kept.items()}
            self.changed.add(name)

    def derive(self, now: datetime) -> None:
        """Bring what follows from the row and the time up to both."""
        for name, value in derived(self.row, now).items():
            if self.row[name] != value:
                self.row[name], self.touched = value, True
                self.changed |= {name} - BOOKKEEPING


def blocked_contacts(rules: Rules, fields: Mapping[str, Any], region: str) -> list[str]:
    """Those of the e-mail and phone that `fields` write which reach nobody in particular, by their column."""
    return [CONTACTS[kind] for kind, value in _told(fields, region) if not rules.counts(kind, value)]


def _told(fields: Mapping[str, Any], region: str) -> list[tuple[str, str]]:
    """The e-mail and phone that fields write, normalised, so far as they can be read."""
    sent = ((kind, fields.get(column)) for kind, column in CONTACTS.items())
    told = ((kind, normalise.identifier(kind, raw, region) if raw else None) for kind, raw in sent)
    return [(kind, value) for kind, value in told if value]


def _columns(mention: Mention) -> dict[str, Any]:
    """A mention's fields as column values: contact points normalised beside what was sent, nulls as blanks."""
    writes = {
        name: BLANK[name] if value is None and name in NEVER_NULL else value
        for name, value in mention.fields.items()
    }
    if "email" in writes:
        sent = writes["email"].strip()
        writes |= {"email": normalise.email(sent) or "", "email_display": sent[:254]}
    if "phone_number" in writes:
        phone = normalise.phone(writes["phone_number"], mention.region)
        writes |= {"phone_number": phone.number, "phone_is_valid": phone.is_valid}
    if "country" in writes:
        writes["country"] = writes["country"].upper()
    for name in ("first_name", "last_name", "display_name"):
        if name in writes:
            writes[name] = normalise.name(writes[name])
    return writes
