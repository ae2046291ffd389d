"""The page on which a segment is made or changed: the form, the rule builder, who would be in, and the gallery.

Nothing is kept back from those who may open it: masks are for the roles that edit nobody.
"""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import CRMError, Detail, DuplicateResource, PreconditionFailed
from crm.tenancy.access import actor, queried, record_look, require
from crm.tenancy.forms import PlainLabels
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right
from crm.versions import Condition
from customers.models import CustomerProfile
from customers.visibility import within_clubs
from segments import meaning, previews, services
from segments.admin import saying
from segments.admin.from_list import rules_of
from segments.admin.html import page_url
from segments.admin.words import builder_words
from segments.compiler import current_vocabulary
from segments.models import Category, Frequency, Segment, SegmentType
from segments.models.segment import LISTS
from segments.ready_made import shelves
from segments.rules import InvalidRules
from segments.sentences import sentence

WIRE = {"refreshFrequency": "refresh_frequency", "clubId": "club", "name": "name", "description": "description",
        "category": "category", "type": "type"}  # fmt: skip
KINDS = (SegmentType.DYNAMIC, SegmentType.SMART, SegmentType.STATIC, SegmentType.IMPORT)
FREQUENCY_HELP = _("“At once” follows every event within seconds. A list is never worked out.")


class CriteriaField(forms.CharField):
    """Rules as JSON text."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValidationError(_t("This is not JSON: %s") % error) from None

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value or {}, indent=2, ensure_ascii=False)


class SegmentForm(PlainLabels, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(
        label=_("Description"),
        max_length=2000,
        required=False,
        widget=forms.TextInput(attrs={"data-wide": ""}),
    )
    type = forms.ChoiceField(
        label=_("Kind"), choices=[(kind.value, kind.label) for kind in KINDS], widget=forms.RadioSelect
    )
    category = forms.ChoiceField(label=_("Category"), choices=Category.choices)
    refresh_frequency = forms.ChoiceField(
        label=_("Worked out"), choices=Frequency.choices, required=False, help_text=FREQUENCY_HELP
    )
    club: Any = forms.ModelChoiceField(
        label=_("Club"), queryset=None, required=False, empty_label=_("All clubs"),
        help_text=_("Whose it is, and by whose clock its days begin."),
    )  # fmt: skip
    criteria = CriteriaField(label=_("Rules"), required=False, strip=True)
    etag = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, segment: Segment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clubs: Any = self.fields["club"]
        clubs.queryset = Club.objects.order_by("name")
        if segment is not None:
            self.fields["type"].disabled = True
            if segment.is_system or segment.is_list:
                del self.fields["criteria"]
            if segment.is_list:
                del self.fields["refresh_frequency"]

    @property
    def is_list(self) -> bool:
        return self.cleaned_data.get("type") in LISTS

    def writes(self) -> dict[str, Any]:
        """What goes to the services, by their names."""
        data, club = self.cleaned_data, self.cleaned_data["club"]
        found = {"name": data["name"], "description": data["description"], "category": data["category"]}
        found["club_id"] = club.pk if club else None
        if "criteria" in data and not self.is_list:
            found["criteria"] = data["criteria"]
        if data.get("refresh_frequency") and not self.is_list:
            found["refresh_frequency"] = data["refresh_frequency"]
        return found


class Editing:
    """The pages that write a segment, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("gallery/", view(self.gallery_view), name="segments_segment_gallery"),
            path("preview/", view(require_POST(self.preview_view)), name="segments_segment_preview"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        require(request, Right.MARKET)
        return self.edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        require(request, Right.MARKET)
        return self.edit(request, self.segment_or_404(request, object_id))  # type: ignore[attr-defined]

    def edit(self, request: HttpRequest, segment: Segment | None) -> HttpResponse:
        """Show the form of a segment or of a new one; on success, its page."""
        form = SegmentForm(request.POST or None, segment=segment, initial=_initial(request, segment))
        problems: list[Detail] = []
        if request.method == "POST" and form.is_valid():
            saved, problems = save(request, form, segment)
            if saved is not None:
                messages.success(request, _t("%s is saved.") % saved.name)
                return HttpResponseRedirect(page_url(saved.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Edit %s") % segment.name if segment else _t("New segment"),
            "opts": self.opts,
            "segment": segment,
            "form": form,
            "errors": form.errors,
            "problems": [one._asdict() for one in problems],
            "has_rules": "criteria" in form.fields,
        }
        if context["has_rules"]:
            context["words"] = builder_words(current_vocabulary(), without=segment.pk if segment else None)
        return TemplateResponse(request, "admin/segments/edit.html", context)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Who the rules of the form mean, and what is wrong with them: HTML and problems as JSON."""
        require(request, Right.MARKET)
        form = SegmentForm(request.POST)
        form.is_valid()  # only what was sent for rules and club counts here
        criteria, segment = form.cleaned_data.get("criteria"), Segment(club=form.cleaned_data.get("club"))
        try:
            tree, _ids = meaning.read(criteria)
        except InvalidRules as error:
            html = render_to_string("admin/segments/preview_problems.html", {"count": len(error.details)})
            return JsonResponse({"html": html, "problems": _told(error.details)})
        found = previews.preview(tree, zone=segment.zone, within=within_clubs(request))
        record_look(
            request, "customer.listed", CustomerProfile, after={"shown": len(found.sample), "part": "preview"}
        )
        words = sentence(tree, saying.names_in(tree))
        html = render_to_string("admin/segments/preview.html", {"found": found, "sentence": words}, request)
        return JsonResponse({"html": html, "problems": []})

    def gallery_view(self, request: HttpRequest) -> HttpResponse:
        """Templates to start from, by what they are for."""
        require(request, Right.MARKET)
        groups: dict[str, list[Any]] = {}
        for one in shelves():
            groups.setdefault(one.group, []).append(one)
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Start from a template"),
            "opts": self.opts,
            "groups": list(groups.items()),
        }
        return TemplateResponse(request, "admin/segments/gallery.html", context)


def save(
    request: HttpRequest, form: SegmentForm, segment: Segment | None
) -> tuple[Segment | None, list[Detail]]:
    """Write it; what the services refuse goes beside its field, and to the very rules, whose problems come back."""
    writes, by = form.writes(), actor(request)
    try:
        if segment is None:
            made = services.create_segment(by=by, type=form.cleaned_data["type"], **writes)
            return made, []
        etag = form.cleaned_data["etag"] or segment.etag
        return services.change_segment(segment.pk, writes, by=by, if_match=Condition.of(etag)), []
    except InvalidRules as error:
        for detail in error.details:
            form.add_error("criteria", f"{detail.field}: {detail.message}")
        return None, list(error.details)
    except PreconditionFailed:
        words = _t("This segment changed since you opened the form. Look at its page, then change it again.")
        form.add_error(None, words)
    except DuplicateResource as error:
        form.add_error("name", error.message)
    except CRMError as error:
        for detail in error.details or [Detail("", "", error.message)]:
            name = WIRE.get(detail.field, detail.field)
            form.add_error(name if name in form.fields else None, detail.message)
    return None, []


def _initial(request: HttpRequest, segment: Segment | None) -> dict[str, Any]:
    if segment is not None:
        return {
            "name": segment.name, "description": segment.description, "type": segment.type,
            "category": segment.category, "refresh_frequency": segment.refresh_frequency, "club": segment.club_id,
            "criteria": segment.criteria, "etag": segment.etag,
        }  # fmt: skip
    usual = {"type": SegmentType.DYNAMIC, "category": Category.CUSTOM, "refresh_frequency": Frequency.LIVE}
    if request.method == "GET" and queried(request, "from") == "list":
        criteria, left_out = rules_of(request.GET.dict())
        if left_out:
            words = _t("No rule asks for what the list was narrowed by here: %s.") % ", ".join(left_out)
            messages.warning(request, words)
        return usual | {"criteria": criteria}
    if not (key := queried(request, "template")):
        kind = queried(request, "type")
        return usual | ({"type": kind} if kind in SegmentType.values else {})
    template = next((one for one in shelves() if one.key == key), None)
    if template is None:
        raise Http404
    return usual | {
        "name": services.free_name(template.name, ""), "description": template.description,
        "category": template.category, "criteria": template.criteria, "type": template.type,
        "refresh_frequency": template.frequency,
    }  # fmt: skip


def _told(details: Any) -> list[dict[str, str]]:
    return [one._asdict() for one in details]
