"""The tab History of a person's page: what changed in their fields, in sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import ValidationFailed
from crm.rest.paging import Walk, walk
from crm.tenancy.access import queried
from crm.tenancy.markup import day as said_day
from crm.tenancy.markup import moment, source_name
from customers.admin.kinds import kind_words
from customers.admin.tabs import Panel, tab
from customers.custom_fields import definitions
from customers.history import HISTORY, changes_of, with_names
from customers.models import CustomerProfile, FieldChange
from customers.words import SAID

TAKE, LONGEST = 25, 160
OWN = "custom_fields."
COLUMNS: dict[str, Any] = {column.attname: column for column in CustomerProfile._meta.concrete_fields}
LABELS = {
    "date_of_birth": _("Birth date"),
    "display_name": _("Called"),
    "email_opt_in": _("E-mail consent"),
    "external_ids": _("External id"),
    "home_club_ref": _("Home club id"),
    "is_blocked": _("Blocked"),
    "is_pending": _("Pending"),
    "lifecycle_pin": _("Stage, fixed by hand"),
    "membership_ended_at": _("Membership ended"),
    "membership_expiry": _("Membership runs until"),
    "push_opt_in": _("Push consent"),
    "sms_opt_in": _("SMS consent"),
    "whatsapp_opt_in": _("WhatsApp consent"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A change as it is said; `details` is what stands behind it."""

    change: FieldChange
    label: str
    words: str
    who: str
    details: list[tuple[str, str]]


@tab("history", _("History"), icon="history", position=45)
def history_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """One page of the changes, of one field if asked. Five statements at most, the same cost however far back."""
    field, cursor = queried(request, "field", most=200), queried(request, "cursor")
    try:
        page = walk(changes_of(profile.pk, [field] if field else ()), HISTORY, cursor=cursor, take=TAKE)
    except ValidationFailed:  # a cursor that somebody typed
        page = Walk([], None)
    with_names(page.rows)
    names = list(changes_of(profile.pk).order_by().values_list("field", flat=True).distinct())
    labels = labels_of(names)
    context = {
        "profile": profile,
        "lines": [line(change, labels) for change in page.rows],
        "fields": sorted(labels.items(), key=lambda one: one[1].lower()),
        "field": field,
        "is_older": bool(cursor),
        "next": urlencode({"tab": "history", "field": field, "cursor": page.next_cursor})
        if page.next_cursor
        else "",
    }
    return Panel("admin/customers/history.html", context)


def line(change: FieldChange, labels: Mapping[str, str]) -> Line:
    details = [
        (_t("event") if change.by == "events" else _t("act"), change.event),
        (_t("request"), change.request_id),
        (_t("recorded"), moment(change.recorded_at)),
    ]
    who = change.by_name or ("" if change.by == "events" else change.by)
    behind = [pair for pair in details if pair[1]]
    return Line(change, labels.get(change.field, change.field), said(change), who, behind)


def labels_of(fields: Iterable[str]) -> dict[str, str]:
    """Columns, and keys of maps, as people call them. One statement where custom fields are among them."""
    wanted = set(fields)
    own = definitions() if any(field.startswith(OWN) for field in wanted) else {}
    return {
        field: own[key].label
        if field.startswith(OWN) and (key := field.removeprefix(OWN)) in own
        else label(field)
        for field in wanted
    }


def label(field: str) -> str:
    name, _dot, key = field.partition(".")
    if name == "custom_fields":  # one that is defined no longer
        return key
    if name == "external_ids" and key:
        return kind_words(key)
    column = COLUMNS.get(name)  # none for a column of former times
    words = LABELS.get(name) or (column.verbose_name if column else name.replace("_", " "))
    return f"{capfirst(words)} {key}".strip()


def said(change: FieldChange) -> str:
    """“Botha” became “Nkosi”, in words that fit what was there before and is now."""
    before, after = shown(change.field, change.before), shown(change.field, change.after)
    if change.is_erased:
        return _t("changed; what it said was erased")
    if change.masked and not (before or after):
        return _t("changed; your role does not see what it says")
    sides = [[] if side is None else side for side in (change.before, change.after)]
    if any(sides) and all(isinstance(side, list) for side in sides):
        return listed(*sides)
    if not before:
        return _t("set to %s") % after
    if not after:
        return _t("cleared, was %s") % before
    return _t("changed from %(before)s to %(after)s") % {"before": before, "after": after}


def listed(before: list[Any], after: list[Any]) -> str:
    added = ", ".join(f"“{one}”" for one in after if one not in before)
    removed = ", ".join(f"“{one}”" for one in before if one not in after)
    words = [
        _t("added %s") % added if added else "",
        _t("removed %s") % removed if removed else "",
    ]
    return "; ".join(word for word in words if word) or _t("put in another order")


def shown(field: str, value: Any) -> str:
    """A value in the words of its column; nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _t("yes") if value else _t("no")
    name, dot, _key = field.partition(".")
    column = None if dot else COLUMNS.get(name)
    if column is not None and column.choices:
        return f"“{dict(column.flatchoices).get(value, value)}”"
    if isinstance(column, models.DateField) and isinstance(value, str):
        return day_words(column, value)
    if name in SAID and not dot:
        return f"“{SAID[name](str(value))}”" if value else ""
    return f"“{Truncator(source_name(str(value))).chars(LONGEST)}”"


def day_words(column: Any, value: str) -> str:
    try:
        day = column.to_python(value)
    except ValidationError:
        return value
    return moment(day) if isinstance(day, datetime) else said_day(day)
