"""Settings > General: what holds for the whole club group, and what is kept from which role."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import plain, record, require, tenant_of
from crm.tenancy.forms import PlainLabels, language_choices, region_choices, zone_choices
from crm.tenancy.masks import DEFAULTS, ROLES, Level, Personal, levels_of
from crm.tenancy.models import Club, Tenant
from crm.tenancy.permissions import Right, Role
from customers.models import Booking, Deal, Invoice, Order, Payment

PERSONAL_WORDS = {
    Personal.EMAIL: _("E-mail addresses"),
    Personal.PHONE: _("Phone numbers"),
    Personal.BIRTH_DATE: _("Birth dates"),
    Personal.IDENTIFIERS: _("Log-ins, service links, association numbers"),
    Personal.INTERNAL_NOTES: _("Internal notes of the record"),
    Personal.CUSTOM_FIELDS: _("Custom fields, how somebody came"),
    Personal.SCORES: _("Engagement, churn risk, lifetime value"),
}
LEVEL_WORDS = {Level.SHOWN: _("Shown"), Level.MASKED: _("In part"), Level.HIDDEN: _("Hidden")}
FIELDSETS: list[tuple[Any, dict[str, Any]]] = [
    (None, {"fields": ["name", "language"]}),
    (_("Where and when"), {"fields": ["region", "timezone", "date_format", "currency"]}),
    (
        _("When somebody counts as lost"),
        {
            "fields": ["lapse_grace_days", "lapse_quiet_days"],
            "description": _(
                "A member whose membership is over becomes a customer again while they play or buy, else churned. "
                "A changed rule is applied to everybody within a quarter of an hour."
            ),
        },
    ),
    (_("Worth a look"), {"fields": ["high_value_cents", "at_risk_threshold"]}),
    (_("Merged profiles"), {"fields": ["merges_duplicates", "unmerge_days"]}),
    (_("Personal data"), {"fields": ["majority_age", "privacy_days"]}),
    (_("Getting in"), {"fields": ["second_factor_roles"]}),
]
MONEY = {
    Payment: "amount_cents",
    Order: "total_cents",
    Invoice: "amount_cents",
    Deal: "value_cents",
    Booking: "amount_cents",
}


class GeneralForm(PlainLabels, forms.ModelForm[Tenant]):
    region = forms.ChoiceField(
        label=_("Country"), help_text=_("Of phone numbers that come without a code, where a club has none.")
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("Times are shown and things scheduled by it, where a club has none."),
    )
    language = forms.ChoiceField(
        label=_("Default language"), help_text=_("Of people whose own language is not known.")
    )
    second_factor_roles = forms.MultipleChoiceField(
        label=_("Second factor for"),
        required=False,
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Whoever has such a role sets one up at their next page, and sees nothing before."),
    )

    at_risk_threshold = forms.IntegerField(
        label=_("At risk from"),
        min_value=0,
        max_value=100,
        help_text=_("Churn risk, 0 to 100, from which a person counts as at risk."),
    )

    class Meta:
        model = Tenant
        fields = (
            "name", "language", "region", "timezone", "date_format", "currency", "lapse_grace_days",
            "lapse_quiet_days", "high_value_cents", "at_risk_threshold", "merges_duplicates", "unmerge_days",
            "majority_age", "privacy_days", "second_factor_roles",
        )  # fmt: skip
        labels = {
            "date_format": _("Dates"),
            "lapse_grace_days": _("Days of grace"),
            "lapse_quiet_days": _("Quiet days"),
            "high_value_cents": _("A large order, in cents"),
            "merges_duplicates": _("Merge certain duplicates without asking"),
            "unmerge_days": _("Days to undo a merge"),
            "majority_age": _("Of age at"),
            "privacy_days": _("Days to answer"),
        }
        help_texts = {
            "majority_age": _("Who is younger gets no marketing, whatever was agreed."),
            "privacy_days": _(
                "Requests to see, correct or erase personal data are overdue after so many days."
            ),
            "name": _("As staff and the people you write to read it."),
            "lapse_quiet_days": _("Days without a paid order or a round, after which an ex-member is lost."),
            "merges_duplicates": _(
                "Pairs with the same name and two more things the same to the letter, and nothing against it. "
                "Else they wait for somebody to decide."
            ),
            "unmerge_days": _("After them two profiles stay one person for good."),
            "high_value_cents": _(
                "Paid orders from this amount on are told to other systems as high-value purchases."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "region": region_choices(),
            "timezone": zone_choices(),
            "language": language_choices(self.instance.language),
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        currency = self.fields["currency"]
        currency.help_text = _("Three letters, such as ZAR. Lifetime values are in it.")
        if has_money():
            currency.disabled = True
            currency.help_text = _("Fixed, because there are amounts in it already.")
        for role in ROLES:
            for kind in Personal:
                self.fields[mask_name(role, kind)] = _level_field(self.instance, role, kind)

    def rules(self) -> dict[str, dict[str, str]]:
        """The masks that were chosen, so far as they are not the usual ones."""
        chosen: dict[str, dict[str, str]] = {}
        for role in ROLES:
            for kind in Personal:
                level = self.cleaned_data[mask_name(role, kind)]
                if level != DEFAULTS[role].get(kind, Level.SHOWN):
                    chosen.setdefault(role.value, {})[kind.value] = level
        return chosen

    @property
    def mask_rows(self) -> list[tuple[Any, list[Any]]]:
        """A row for each kind of data: its words, and a field for each role."""
        return [
            (words, [self[mask_name(role, kind)] for role in ROLES]) for kind, words in PERSONAL_WORDS.items()
        ]


def mask_name(role: Role, kind: Personal) -> str:
    return f"mask-{role}-{kind}"


def _level_field(tenant: Tenant, role: Role, kind: Personal) -> forms.ChoiceField:
    usual = DEFAULTS[role].get(kind, Level.SHOWN)
    return forms.ChoiceField(
        label=f"{PERSONAL_WORDS[kind]}: {role.label}",
        choices=[(level.value, LEVEL_WORDS[level]) for level in levels_of(kind)],
        initial=tenant.masks.get(role, {}).get(kind, usual),
    )


def has_money() -> bool:
    """Is there an amount of money anywhere? A statement a table, until one says yes."""
    return any(
        model._default_manager.filter(**{f"{column}__isnull": False}).exists()
        for model, column in MONEY.items()
    )


def urls(site: Any) -> list[Any]:
    def page(request: HttpRequest) -> HttpResponse:
        return general_view(site, request)

    return [path("settings/", site.admin_view(page), name="settings")]


def plain_fieldsets() -> Any:
    return [(name, {**options, "classes": ()}) for name, options in FIELDSETS]


def general_view(site: Any, request: HttpRequest) -> HttpResponse:
    require(request, Right.ADMINISTER)
    tenant = tenant_of(request)
    assert tenant is not None  # noqa: S101 - whoever may administer has one
    form = GeneralForm(request.POST if request.method == "POST" else None, instance=tenant)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        messages.success(request, _t("Saved. It counts from everybody’s next page on."))
        return HttpResponseRedirect(reverse("admin:settings"))
    context = {
        **site.each_context(request),
        "title": _t("General"),
        "form": form,
        "errors": form.errors,
        "adminform": AdminForm(form, plain_fieldsets(), {}),
        "roles": ROLES,
        "clubs": Club.objects.all(),
    }
    return TemplateResponse(request, "admin/general.html", context)


def save(request: HttpRequest, form: GeneralForm) -> None:
    """Write what changed, and note it in the audit log."""
    tenant = form.instance
    stored = Tenant.objects.get(pk=tenant.pk)
    tenant.masks = form.rules()
    names = [
        name for name in (*GeneralForm.Meta.fields, "masks") if getattr(stored, name) != getattr(tenant, name)
    ]
    if not names:
        return
    with transaction.atomic():
        tenant.save(update_fields=names)
        record(
            request, "tenant.changed", tenant,
            before={name: plain(getattr(stored, name)) for name in names},
            after={name: plain(getattr(tenant, name)) for name in names},
        )  # fmt: skip
