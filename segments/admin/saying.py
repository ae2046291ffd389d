"""Why somebody is in a segment or not, in words: the verdict on each rule, and the value that it was asked of."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.tenancy.markup import day, moment, money
from crm.tenancy.scope import current_tenant
from segments import entries, reasons
from segments.models import Segment, SegmentEntry
from segments.sentences import Names
from segments.sight import is_kept_back
from segments.trees import FieldRule, Group, Leaf, RowsRule, leaves, segments_in
from segments.vocabulary import Field, Kind

MOST_SAID = 12


@dataclass(frozen=True, slots=True)
class Said:
    """One rule: whether it holds, what is known of the person, and whether it decides.

    holds is None where whoever looks may not see what it asks about.
    """

    words: str
    holds: bool | None
    actual: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Why:
    is_member: bool
    words: str
    rules: list[Said]


def names_in(tree: Group) -> Names:
    """The names of the segments that a tree asks about. One statement, if there are any."""
    wanted = segments_in(tree)
    return dict(Segment.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def why(segment: Segment, tree: Group | None, person: UUID) -> Why:
    """Why somebody is in a segment or not. Four statements, and one for each relation that the rules ask about."""
    is_member = person in entries.members_among(segment, [person])
    entry = entries.entries_of(segment, [person]).get(person)
    if tree is None:
        return Why(is_member, _by_hand(entry) or _outside(is_member), [])
    names = names_in(tree)
    found = reasons.why(tree, person, moment=timezone.now(), zone=segment.zone, names=names)
    leaf_at = dict(leaves(tree))
    said = [
        Said(one.sentence, None, _("Not shown to your role."), decides=False)
        if is_kept_back(leaf_at[one.path])
        else Said(one.sentence, one.holds, _actual(leaf_at[one.path], one.actual, names), one.decides)
        for one in (found.reasons if found else ())
    ]
    words = _by_hand(entry) or (_by_rules(is_member, found.matches) if found else _outside(is_member))
    return Why(is_member, words, said)


def _by_hand(entry: SegmentEntry | None) -> str:
    if entry is None:
        return ""
    words = _("is kept out by hand") if entry.is_excluded else _("was put in by hand")
    return f"{words}: {entry.reason}" if entry.reason else f"{words}."


def _outside(is_member: bool) -> str:
    return _("is in it.") if is_member else _("is not in it.")


def _by_rules(is_member: bool, matches: bool) -> str:
    return {
        (True, True): _("is in it: the rules hold."),
        (False, False): _("is not in it: the rules do not hold."),
        (True, False): _(
            "is still in it, though the rules no longer hold: they leave when it is worked out next."
        ),
        (False, True): _(
            "is not in it, though the rules hold: they join when it is worked out next, if they can."
        ),
    }[is_member, matches]


def _actual(leaf: Leaf, value: Any, names: Names) -> str:
    """What is known of the person; of a sample and of a sequence nothing is said."""
    if not isinstance(leaf, FieldRule | RowsRule):
        return ""
    field = leaf.field if isinstance(leaf, FieldRule) else leaf.of
    return "" if field.kind is Kind.SAMPLE else _("Known: %s") % _shown(field, value, names)


def _shown(field: Field, value: Any, names: Names) -> str:
    """A value as JSON has it, as people read it."""
    match value:
        case None | "" | []:
            return _("none") if field.kind is Kind.SEGMENTS else _("not known")
        case bool():
            return _("yes") if value else _("no")
        case list():
            said = [_shown(field, one, names) for one in value[:MOST_SAID]]
            more = len(value) - MOST_SAID
            return ", ".join([*said, _("and %s more") % more] if more > 0 else said)
    if field.kind is Kind.MOMENT:
        return moment(datetime.fromisoformat(value))
    if field.kind in (Kind.DATE, Kind.AGE):
        return day(date.fromisoformat(value))
    if field.unit == "cents":
        return money(int(value), current_tenant().currency)
    if field.kind is Kind.SEGMENTS:
        return names.get(UUID(value), _("another segment"))
    return next((choice.label for choice in field.choices if choice.value == value), str(value))
