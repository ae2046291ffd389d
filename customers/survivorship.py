"""What a merged person is, from the parts they were told of as. Pure.

Every attribute is a register, so of all parts' writes the latest stands; what the merges themselves say is written on
top, as one more write. The outcome depends on the set of parts and writes, not on the order of the merges.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from customers import lifecycle
from customers.stamps import Stamp, fold

Row = dict[str, Any]

LINKS = ("auth_user_id", "scl_member_id", "teetime_player_id", "messaging_contact_id")
# Follow from elsewhere, or are each profile's own.
NO_REGISTERS = {
    *LINKS, "id", "external_id", "external_ids", "provenance", "stages_reached", "stage_due_at", "lifecycle_stage",
    "source", "created_at", "created_by", "updated_at", "updated_by", "version", "deleted_at", "merged_into_id",
    "merged_at", "merge_reason", "is_light", "erased_at", "processing_restricted_at", "legal_hold_at",
}  # fmt: skip
MAPS = ("custom_fields",)
# What belongs to an attribute and is chosen with it.
WITH: Mapping[str, tuple[str, ...]] = {
    "email": ("email_display", "email_verified"),
    "phone_number": ("phone_is_valid", "phone_verified"),
    "handicap": ("handicap_updated_at",),
    "home_club_ref": ("home_club_name",),
    "membership_status": ("membership_ended_at",),
}
# Consent -> its time, and the column of the address it was given for.
CONSENTS: Mapping[str, tuple[str, str]] = {
    "email_opt_in": ("email_opt_in_at", "email"),
    "sms_opt_in": ("sms_opt_in_at", "phone_number"),
    "whatsapp_opt_in": ("whatsapp_opt_in_at", "phone_number"),
    "push_opt_in": ("push_opt_in_at", ""),
    "gdpr_consent": ("gdpr_consent_at", ""),
}
# Decided about the person as a whole: said of every part, so that it stands on both sides of an undoing, as does a no.
OF_ALL = {"status", "lifecycle_pin", "is_blocked"}
CHOSEN_WITH = {name for names in WITH.values() for name in names}
NOT_CHOSEN = {*NO_REGISTERS, *CHOSEN_WITH, *CONSENTS, *(at for at, _ in CONSENTS.values()), "status", "custom_fields",
              "lifecycle_pin", "is_blocked"}  # fmt: skip


def of_all(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the attributes that staff or a key write which are said of the person as a whole."""
    return {
        name: value
        for name, value in fields.items()
        if name in OF_ALL or (name in CONSENTS and value is False)
    }


class Write(NamedTuple):
    """That a merge says `value` of an attribute (custom_fields.<key> for a key of it), whatever the parts say."""

    attribute: str
    value: Any
    stamp: Stamp


def folded(root: UUID, parts: Mapping[UUID, Row], writes: Iterable[Write], blank: Row) -> Row:
    """The row that everybody sees of the person whose parts these are; what is derived of it is left to do.

    parts: every part's own row by id, the root's among them. blank: a row that says nothing.
    """
    row = registers(root, parts, writes, blank)
    for _pk, part in _others(root, parts):
        _add_joins(row, part)
    return row


def registers(root: UUID, parts: Mapping[UUID, Row], writes: Iterable[Write], blank: Row) -> Row:
    """What stands of the attributes that the parts' rows have, be it some of a profile's."""
    row = _copied(parts[root])
    for _pk, part in _others(root, parts):
        _add_registers(row, part, blank)
    for write in sorted(writes, key=lambda one: one.stamp):
        _fold_one(row, write.attribute, write.value, write.stamp)
    return row


def _others(root: UUID, parts: Mapping[UUID, Row]) -> list[tuple[UUID, Row]]:
    return sorted(((pk, part) for pk, part in parts.items() if pk != root), key=lambda one: one[0])


def _copied(row: Row) -> Row:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in row.items()}


def _add_registers(row: Row, part: Row, blank: Row) -> None:
    """The part's writes; what nobody stamped only fills."""
    stamps = part["provenance"]
    for attribute in stamps.keys() - {"source"}:
        _fold_one(row, attribute, _value(part, attribute), Stamp(*stamps[attribute]))
    for name in part.keys() - NO_REGISTERS - stamps.keys() - row["provenance"].keys():
        if name in MAPS:
            row[name] = {
                key: v for key, v in part[name].items() if f"{name}.{key}" not in row["provenance"]
            } | row[name]
        elif row[name] == blank[name]:
            row[name] = part[name]


def _value(row: Row, attribute: str) -> Any:
    name, dot, key = attribute.partition(".")
    return row[name].get(key) if dot else row[name]


def _fold_one(row: Row, attribute: str, value: Any, stamp: Stamp) -> None:
    name, dot, key = attribute.partition(".")
    if not dot:
        fold(row, row["provenance"], {attribute: value}, stamp)
        return
    values = {attribute: row[name].get(key)}
    fold(values, row["provenance"], {attribute: value}, stamp)
    kept = {} if values[attribute] is None else {key: values[attribute]}
    row[name] = {one: v for one, v in row[name].items() if one != key} | kept


def _add_joins(row: Row, part: Row) -> None:
    """What comes out the same in any order; of the links the root's own stands, else the earliest part's."""
    for stage, at in part["stages_reached"].items():
        lifecycle.reach(row["stages_reached"], stage, at)
    first, other = row["provenance"].get("source"), part["provenance"].get("source")
    if other is not None and (first is None or list(other)[2:] < list(first)[2:]):
        row["provenance"]["source"], row["source"] = other, part["source"]
    row["created_at"] = min(row["created_at"], part["created_at"])
    row["is_light"] = row["is_light"] and part["is_light"]
    for name in LINKS:
        row[name] = row[name] or part[name]
    row["external_ids"] = part["external_ids"] | row["external_ids"]


# --- what a merge itself says
def merge_writes(
    winner: Row, loser: Row, stands: Row, *, chosen: Mapping[str, str], stamp: Stamp
) -> list[Write]:
    """What a merge of two says against the usual rules: what was chosen, the tags of both, the narrower consent.

    stands: what the rules alone would make of the two. chosen: attribute -> "winner" or "loser".
    """
    said: Row = {}
    for attribute, side in chosen.items():
        source = winner if side == "winner" else loser
        said |= {name: _value(source, name) for name in (attribute, *WITH.get(attribute, ()))}
    if set(winner["tags"]) | set(loser["tags"]) != set(stands["tags"]):
        known = {tag.casefold(): tag for tag in (*loser["tags"], *winner["tags"])}
        said["tags"] = sorted(known.values(), key=str.casefold)
    said |= narrower([winner, loser], {**stands, **said})
    stamps = stands["provenance"]
    return [
        Write(name, value, stamp.after(stamps.get(name)))
        for name, value in sorted(said.items())
        if value != _value(stands, name)
    ]


def narrower(rows: Sequence[Row], stands: Row) -> Row:
    """The consents of people who are one, where what stands would be wider than they may be.

    Whoever said no said it for the person. A yes counts where somebody gave it for the address that stands, or where
    it is for no address; else nothing is known.
    """
    found: Row = {}
    for name, (_at, address) in CONSENTS.items():
        if any(row[name] is False for row in rows):
            if stands[name] is not False:
                found[name] = False
        elif stands[name] is True and not any(
            row[name] is True and (not address or row[address] == stands[address]) for row in rows
        ):
            found[name] = None
    return found
