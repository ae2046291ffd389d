"""The form that notes are written and edited in, filled from a draft where there is one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.errors import CRMError
from crm.tenancy.forms import PlainLabels
from timeline.drafts import draft_of
from timeline.mentions import labelled
from timeline.models import Note, NoteType, Visibility
from timeline.models.notes import FIELDS, LONGEST

PROMPT = _("What should everybody know? Markdown works; @ mentions a colleague.")


class NoteForm(PlainLabels, forms.Form):
    body = forms.CharField(
        label=_("Note"), max_length=LONGEST,
        widget=forms.Textarea(attrs={
            "rows": 3, "placeholder": PROMPT, "data-mentions": "", "aria-autocomplete": "list",
        }),
    )  # fmt: skip
    type = forms.ChoiceField(label=_("Type"), choices=NoteType.choices, initial=NoteType.GENERAL)
    visibility = forms.ChoiceField(
        label=_("Who may read it"), choices=Visibility.choices, initial=Visibility.ALL
    )
    due_on = forms.DateField(
        label=_("Due on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    is_pinned = forms.BooleanField(label=_("Pin to the top"), required=False)
    version = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def writes(self) -> dict[str, Any]:
        found = {name: self.cleaned_data[name] for name in FIELDS}
        if found["type"] != NoteType.FOLLOW_UP:  # the field is out of sight then
            found["due_on"] = None
        return found

    def explain(self, error: CRMError) -> None:
        """Put what the service refused beside the field that it is about."""
        names = {"dueOn": "due_on"}
        for detail in error.details:
            name = names.get(detail.field, detail.field)
            self.add_error(name if name in self.fields else None, detail.message)
        if not error.details:
            self.add_error(None, error.message)


def drafted(user: Any, about: UUID) -> tuple[NoteForm, datetime | None]:
    """An empty form, or one with what the user had written, and when that was saved."""
    draft = draft_of(user, about)
    return NoteForm(initial=_initial(draft.form) if draft else {}), draft.saved_at if draft else None


def editing(user: Any, note: Note) -> tuple[NoteForm, datetime | None]:
    """The form of a note, or of the user's unfinished edit of it."""
    draft = draft_of(user, note.pk)
    stored = {name: getattr(note, name) for name in FIELDS} | {"version": note.version}
    stored["body"] = labelled(note.body)
    return NoteForm(initial=stored | (_initial(draft.form) if draft else {})), (
        draft.saved_at if draft else None
    )


def _initial(form: dict[str, str]) -> dict[str, Any]:
    return {**form, "is_pinned": form.get("is_pinned") == "on"}
