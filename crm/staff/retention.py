"""Settings > Retention: how long what is kept, and how much would go by other days."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy import retention
from crm.tenancy.access import actor, require
from crm.tenancy.forms import PlainLabels
from crm.tenancy.permissions import Right


class RetentionForm(PlainLabels, forms.Form):
    """A number of days for each kind that a tenant decides on; empty = for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in decided():
            self.fields[kind.key] = forms.IntegerField(
                label=kind.title, help_text=kind.words, required=False, min_value=kind.least,
                max_value=retention.LONGEST,
                widget=forms.NumberInput(attrs={"placeholder": _("for ever")}),
            )  # fmt: skip


def decided() -> list[retention.Kind]:
    return [kind for kind in retention.kinds() if not kind.is_fixed]


def urls(site: Any) -> list[Any]:
    def page(request: HttpRequest) -> HttpResponse:
        return retention_view(site, request)

    return [path("retention/", site.admin_view(page), name="retention")]


def retention_view(site: Any, request: HttpRequest) -> HttpResponse:
    """GET: the days, and what would go now. POST: the same for other days, or these days from now on."""
    require(request, Right.ADMINISTER)
    now = retention.days_of_kinds()
    form = RetentionForm(request.POST if request.method == "POST" else None, initial=now)
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        retention.decide(form.cleaned_data, by=actor(request))
        messages.success(request, _t("Saved. What is over its time goes within the hour."))
        return HttpResponseRedirect(reverse("admin:retention"))
    days = form.cleaned_data if form.is_bound and form.is_valid() else now
    due = retention.preview(days, now=timezone.now())
    context = {
        **site.each_context(request),
        "title": _t("Retention"),
        "form": form,
        "errors": form.errors,
        "rows": [(form[kind.key], due.get(kind.key), kind) for kind in decided()],
        "most": retention.COUNT_UP_TO,
        "fixed": [(kind, now[kind.key]) for kind in retention.kinds() if kind.is_fixed],
        "is_trial": form.is_bound,
    }
    return TemplateResponse(request, "admin/retention.html", context)
