"""Export what a list of customers shows: choose the columns and the format, take the file."""

import re
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import actor, client_ip, require
from crm.tenancy.forms import PlainLabels
from crm.tenancy.permissions import Right
from customers import export
from customers.custom_fields import WIRE as CUSTOM
from customers.models import CustomField

OF_THE_LIST = ("p", "o", "e", "all")  # where in it somebody was, not whom it shows
SAID = {
    "email": "e-mail", "gdpr": "GDPR", "scl": "SCL", "sms": "SMS", "teetime": "TeeTime", "vip": "VIP",
    "whatsapp": "WhatsApp", "30d": "30 days",
}  # fmt: skip
FORMATS = [("CSV", _("CSV, for spreadsheets")), ("NDJSON", _("NDJSON, for programs"))]


class ExportForm(PlainLabels, forms.Form):
    format = forms.ChoiceField(label=_("Format"), choices=FORMATS, widget=forms.RadioSelect)
    usual = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    own = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    more = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = [name for name in export.USUAL if name != CUSTOM]
        own = [(f"{CUSTOM}.{field.key}", field.label) for field in CustomField.objects.live()]
        more = [name for name in export.COLUMNS if name not in (*usual, CUSTOM, "tenantId", "lastActiveAt")]
        for name, label, choices in (
            ("usual", _("The usual columns"), [(one, heading(one)) for one in usual]),
            ("own", _("Custom fields"), own),
            ("more", _("More columns"), [(one, heading(one)) for one in sorted(more)]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
            field.label, field.choices = label, choices
        self.fields["own"].initial = [name for name, _label in own]
        if not own:
            del self.fields["own"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not self.columns:
            raise forms.ValidationError(_t("Choose at least one column."))
        return found

    @property
    def columns(self) -> list[str]:
        return [name for group in ("usual", "own", "more") for name in self.cleaned_data.get(group, ())]


def heading(name: str) -> str:
    """A wire name in words: bookingCount30d as Booking count 30 days."""
    words = [SAID.get(word.lower(), word.lower()) for word in re.findall(r"[A-Z]?[a-z]+|[0-9]+d?", name)]
    text = " ".join(words[1:] if words[0] == "is" else words)
    return text[:1].upper() + text[1:]


def export_page(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """GET: the form for the people that the list with the same address parameters shows. POST: the file."""
    require(request, Right.EXPORT)
    try:
        shown = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(request.path)
    first = {"format": "CSV", "usual": list(export.USUAL)}
    form = ExportForm(request.POST if request.method == "POST" else None, initial=first)
    if request.method == "POST" and form.is_valid():
        return _file(request, shown.queryset, form)
    query = shown.get_query_string(remove=OF_THE_LIST)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _t("Export customers"),
        "opts": model_admin.opts,
        "cl": shown,
        "form": form,
        "errors": form.errors,
        "filters": filters_of(shown),
        "back": reverse("admin:customers_customerprofile_changelist") + query,
    }
    return TemplateResponse(request, "admin/customers/export.html", context)


def export_url(shown: Any) -> str:
    """Where the people of a list are exported."""
    return reverse("admin:customers_customerprofile_export") + str(shown.get_query_string(remove=OF_THE_LIST))


def filters_of(shown: Any) -> list[str]:
    """The filters that are on, in words."""
    found = []
    for spec in shown.filter_specs:
        if spec.has_output() and any(name in shown.params for name in spec.expected_parameters()):
            found += [f"{spec.title}: {one['display']}" for one in spec.choices(shown) if one["selected"]]
    return [*([f"“{shown.query}”"] if shown.query else []), *found]


def _file(request: HttpRequest, people: Any, form: ExportForm) -> HttpResponse | StreamingHttpResponse:
    format = form.cleaned_data["format"]
    columns = export.columns_of(form.columns)
    asked = {name: request.GET.getlist(name) for name in request.GET if name not in OF_THE_LIST}
    export.note_export(
        people, columns, by=actor(request), format=format, filters=asked, ip=client_ip(request)
    )
    return export.download(people, columns, format=format, for_spreadsheets=format == "CSV")
