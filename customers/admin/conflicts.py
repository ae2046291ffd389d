"""Two people at one form: what each changed since it was opened, and whose word stands where both did.

The form carries the values that it was opened with (Django's hidden initials). When the row has changed meanwhile, what
only others changed is taken over, what only this person changed stays, and of what both changed they say whose stands.
Nothing that was typed is lost.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _t

from crm.tenancy.markup import day, moment, source_name
from customers.history import changes_of, with_names
from customers.models import FieldChange

MINE, THEIRS = "mine", "theirs"
BESIDE_THE_ROW = {"etag", "shared"}
LOOKED_BACK = 200  # changes of a person among which the latest of each field are looked for


class Clash(NamedTuple):
    """A field that both changed: what stands in the row, who wrote it and when."""

    theirs: str
    who: str
    at: datetime | None
    chosen: str


class CatchesUp:
    """A form of one row with an `etag` field, whose subclass calls carry() once its fields are made.

    overtaken: the fields of which somebody else's new value was taken over.
    """

    data: Any
    fields: dict[str, Any]
    instance: Any
    is_bound: bool
    overtaken: Sequence[str] = ()
    columns: dict[str, str] = {}  # noqa: RUF012 - the name of a field's history, where that is not the field's

    def carry(self) -> None:
        """Let each field bring the value it has now, and put theirs where it was said that theirs stands."""
        sends = not self.is_bound or any(name.startswith("initial-") for name in self.data)
        for name, field in self.fields.items():
            field.show_hidden_initial = (
                sends and name not in BESIDE_THE_ROW and not self.instance._state.adding
            )
        if self.is_bound:
            self.data = self.data.copy()
            for name, values in [*self.data.lists()]:  # browsers send other ends of lines than the row has
                self.data.setlist(name, [value.replace("\r\n", "\n") for value in values])
            for name in self.clashing:
                if self.stands(name) == THEIRS:
                    self.data.setlist(name, self._sent(name))

    @cached_property
    def clashing(self) -> list[str]:
        """The fields that both changed, as the page that was sent knew them."""
        return [name for name in self.data.getlist("clash") if self._carries(name)] if self.is_bound else []

    def stands(self, name: str) -> str:
        """Whose word stands; nothing as long as nobody said."""
        said = self.data.get(f"stands-{name}", "")
        return said if said in (MINE, THEIRS) else ""

    def is_outdated(self) -> bool:
        """Whether the row changed since the form was opened, which then carries what it was opened with."""
        opened = self.data.get("etag")
        return bool(opened) and opened != self.instance.etag and any(map(self._carries, self.fields))

    def caught_up(self) -> Self:
        """The form as if it were opened now, with what this person changed in it. Not for one that is validated."""
        data, overtaken = self.data.copy(), []
        clashing = set(self.clashing)
        for name in filter(self._carries, self.fields):
            bound: Any = self[name]  # type: ignore[index]
            if self._changed_by_others(name):
                is_mine = name in self.changed_data  # type: ignore[attr-defined]
                if not is_mine:
                    data.setlist(name, self._sent(name))
                    overtaken.append(name)
                elif bound.field.has_changed(bound.initial, bound.data):
                    clashing.add(name)
                    data.pop(f"stands-{name}", None)
                else:
                    clashing.discard(name)  # both wrote the same
            data.setlist(bound.html_initial_name, _as_sent(bound.field.hidden_widget(), bound))
        data["etag"] = self.instance.etag
        data.setlist("clash", [name for name in self.fields if name in clashing])
        fresh = self.anew(data)
        fresh.overtaken = overtaken
        return fresh

    def anew(self, data: Any) -> Self:
        raise NotImplementedError

    def clean(self) -> None:
        """Ask whose word stands wherever that is open."""
        super().clean()  # type: ignore[misc]
        open_ones = [name for name in self.clashing if not self.stands(name)]
        for name in open_ones:
            self.add_error(name, _t("Say which of the two stands."))  # type: ignore[attr-defined]
        if open_ones:
            asked = _t("%(who)s changed the same as you while you were editing: choose below which stands.")
            said = [asked % {"who": self._who(open_ones)}, self.meanwhile]
            self.add_error(None, [capfirst(one) for one in said if one])  # type: ignore[attr-defined]

    @cached_property
    def meanwhile(self) -> str:
        """What others changed while somebody was at the form and touched something else."""
        if not self.overtaken:
            return ""
        labels = get_text_list([str(self.fields[name].label) for name in self.overtaken], _t("and"))
        return _t("Meanwhile %(who)s changed %(fields)s; that stays.") % {
            "who": self._who(self.overtaken),
            "fields": labels,
        }

    @cached_property
    def clashes(self) -> dict[str, Clash]:
        """By field. Three statements where there are any."""
        latest = self._latest
        return {
            name: Clash(
                _in_words(self[name]),  # type: ignore[index]
                _author(latest[name]) if name in latest else "",
                latest[name].recorded_at if name in latest else None,
                self.stands(name),
            )
            for name in self.clashing
        }

    @cached_property
    def _latest(self) -> dict[str, FieldChange]:
        """The latest change of each field that clashes or was overtaken."""
        fields = {self.columns.get(name, name): name for name in (*self.clashing, *self.overtaken)}
        if not fields:
            return {}
        changes = list(changes_of(self.instance.pk, fields).order_by("-recorded_at", "-at")[:LOOKED_BACK])
        with_names(changes)
        return {fields[one.field]: one for one in reversed(changes) if one.field in fields}

    def _who(self, names: Collection[str]) -> str:
        authors = {_author(self._latest[name]): None for name in names if name in self._latest}
        return str(get_text_list([*authors], _t("and"))) or _t("Somebody else")

    def _carries(self, name: str) -> bool:
        return name in self.fields and self.fields[name].show_hidden_initial

    def _changed_by_others(self, name: str) -> bool:
        bound: Any = self[name]  # type: ignore[index]
        sent, hidden = self.data.copy(), bound.field.hidden_widget()
        sent.setlist(name, self._sent(name))
        now = bound.field.widget.value_from_datadict(sent, {}, name)
        try:
            was = bound.field.to_python(hidden.value_from_datadict(sent, {}, bound.html_initial_name))
        except ValidationError:
            return True
        return bool(bound.field.has_changed(was, now))

    def _sent(self, name: str) -> list[str]:
        """What a browser sends for the value in the row."""
        bound: Any = self[name]  # type: ignore[index]
        return _as_sent(bound.field.widget, bound)


def _as_sent(widget: forms.Widget, bound: Any) -> list[str]:
    value = bound.field.prepare_value(bound.initial)
    if isinstance(widget, forms.CheckboxInput):
        return ["on"] if value else []
    shown = widget.format_value(value)
    return [] if shown is None else list(map(str, shown)) if isinstance(shown, list | tuple) else [str(shown)]


def _author(change: FieldChange) -> str:
    return change.by_name or source_name(change.source)


def _in_words(bound: Any) -> str:
    """The value in the row as one reads it."""
    value = bound.initial
    choices = dict(_flat(getattr(bound.field, "choices", ())))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or _t("nothing")
    if value in choices and value not in ("", None):
        return str(choices[value])
    if isinstance(value, bool):
        return _t("yes") if value else _t("no")
    if isinstance(value, datetime):
        return moment(value)
    return (day(value) if isinstance(value, date) else str(value or "")) or _t("nothing")


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    """Choices without their groups."""
    return [
        pair
        for value, words in choices
        for pair in (words if isinstance(words, list | tuple) else [(value, words)])
    ]
