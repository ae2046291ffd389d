"""The form for a call, a meeting or a visit that staff enter by hand, and its pages."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import CRMError, NotFound
from crm.tenancy.access import actor, require
from crm.tenancy.forms import PlainLabels
from crm.tenancy.permissions import Right
from customers.admin.html import page_url
from customers.visibility import of_visible_people, visible_customer
from timeline.models import Activity
from timeline.services import MANUAL_SOURCES, add_activity, delete_activity, edit_activity
from timeline.visibility import reader_of

TYPES = (
    ("PHONE_CALL", _("Call")),
    ("MEETING", _("Meeting")),
    ("VISIT", _("Visit")),
    ("LESSON", _("Lesson")),
    ("OTHER_CONTACT", _("Other contact")),
)
AHEAD = timedelta(days=1)
CHANNELS = {"PHONE_CALL": "PHONE", "MEETING": "IN_PERSON", "VISIT": "IN_PERSON", "LESSON": "IN_PERSON"}


class ActivityForm(PlainLabels, forms.Form):
    type = forms.ChoiceField(label=_("What"))
    occurred_at = forms.DateTimeField(
        label=_("When"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    title = forms.CharField(label=_("In a few words"), max_length=300, required=False)
    description = forms.CharField(
        label=_("More about it"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    counts = forms.BooleanField(label=_("They came to us: counts as their own activity"), required=False)

    def __init__(self, *args: Any, entry: Activity | None = None, **kwargs: Any) -> None:
        if entry is not None:
            names = ("type", "occurred_at", "title", "description", "counts")
            kwargs["initial"] = {name: getattr(entry, name) for name in names}
        kwargs.setdefault("auto_id", "id_activity_%s")
        super().__init__(*args, **kwargs)
        kinds = self.fields["type"]
        assert isinstance(kinds, forms.ChoiceField)  # noqa: S101 - declared above
        known: dict[str, Any] = dict(TYPES)
        if entry is not None and entry.type not in known:
            known[entry.type] = entry.type.replace("_", " ").capitalize()
        kinds.choices = list(known.items())

    @property
    def row(self) -> list[Any]:
        return [self["type"], self["occurred_at"]]

    def clean_occurred_at(self) -> Any:
        at = self.cleaned_data["occurred_at"]
        if at is not None and (at > timezone.now() + AHEAD or at.year < 1970):
            raise forms.ValidationError(_t("From 1970 on, and at most a day ahead."))
        return at

    def writes(self, entry: Activity | None = None) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        kinds: Any = self.fields["type"]
        found["title"] = found["title"] or str(dict(kinds.choices)[found["type"]])
        found["occurred_at"] = found["occurred_at"] or (entry.occurred_at if entry else timezone.now())
        if entry is None or entry.type != found["type"]:
            found["channel"] = CHANNELS.get(found["type"], "")
        if entry and entry.occurred_at.replace(second=0, microsecond=0) == found["occurred_at"]:
            found["occurred_at"] = entry.occurred_at  # the field knows no seconds
        return found


def urls(model_admin: Any) -> list[Any]:
    view = model_admin.admin_site.admin_view

    def log(request: HttpRequest, customer: UUID) -> HttpResponse:
        return log_view(request, model_admin, customer)

    def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
        return edit_view(request, model_admin, pk)

    return [
        path("for/<uuid:customer>/log/", view(log), name="timeline_activity_log"),
        path("<uuid:pk>/edit/", view(edit), name="timeline_activity_edit"),
        path("<uuid:pk>/remove/", view(require_POST(remove_view)), name="timeline_activity_remove"),
    ]


def log_view(request: HttpRequest, model_admin: Any, customer: UUID) -> HttpResponse:
    """Enter a call, a meeting or a visit."""
    require(request, Right.NOTE)
    try:
        profile, _merged = visible_customer(request, customer)
    except NotFound:
        raise Http404 from None
    form = ActivityForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        add_activity(profile, category="NOTE", by=actor(request), **form.writes())
        messages.success(request, _t("It is in the timeline."))
        return HttpResponseRedirect(page_url(profile.pk))
    return _page(request, model_admin, profile, form, _t("Log an activity"))


def edit_view(request: HttpRequest, model_admin: Any, pk: UUID) -> HttpResponse:
    entry = _entry(request, pk)
    if not may_edit(request, entry):
        raise PermissionDenied
    form = ActivityForm(request.POST if request.method == "POST" else None, entry=entry)
    if request.method == "POST" and form.is_valid():
        try:
            edit_activity(entry.customer_id, pk, form.writes(entry), by=reader_of(request))
        except NotFound:
            raise Http404 from None
        messages.success(request, _t("The entry is changed."))
        return HttpResponseRedirect(page_url(entry.customer_id))
    return _page(request, model_admin, entry.customer, form, _t("Edit entry"), entry=entry)


def remove_view(request: HttpRequest, pk: UUID) -> HttpResponse:
    entry = _entry(request, pk)
    try:
        delete_activity(entry.customer_id, pk, by=reader_of(request))
    except NotFound:
        raise Http404 from None
    except CRMError:
        raise PermissionDenied from None
    messages.success(request, _t("The entry is deleted."))
    return HttpResponseRedirect(page_url(entry.customer_id))


def may_edit(request: HttpRequest, entry: Activity) -> bool:
    """Whether the request may change the entry, so far as the entry decides."""
    return entry.source in MANUAL_SOURCES and reader_of(request).may_change(entry.actor)


def _entry(request: HttpRequest, pk: UUID) -> Activity:
    require(request, Right.NOTE)
    entries = of_visible_people(request, Activity.objects.select_related("customer"))
    entry: Activity | None = entries.filter(pk=pk).first()
    if entry is None:
        raise Http404
    return entry


def _page(
    request: HttpRequest, model_admin: Any, profile: Any, form: Any, title: str, **more: Any
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request), "title": title, "opts": model_admin.opts, "profile": profile,
        "form": form, **more,
    }  # fmt: skip
    return TemplateResponse(request, "admin/timeline/activity_form.html", context)
