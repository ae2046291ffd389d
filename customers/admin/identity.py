"""Settings > Identity: which identifiers recognise people, in which order and number, and which values never do."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.errors import ValidationFailed
from crm.tenancy.access import actor, posted, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.forms import PlainLabels
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from customers import normalise
from customers.admin.kinds import kind_words
from customers.identity_rules import BLOCKS, OTHER_EXTERNAL, Block, Rule, Rules
from customers.identity_settings import OUR_OWN, block, current_rules, set_rules, switch
from customers.models import BlockedValue, IdentityRule
from customers.models.rules import MOST_DAYS, MOST_PRIORITY, MOST_VALUES

PAGE = "customers_identityrule_changelist"
NAMES = ("priority", "most", "window_days", "is_active")


class RuleForm(PlainLabels, forms.Form):
    """One kind's rule; the kind itself is told by the form's prefix."""

    priority = forms.IntegerField(label=_("Priority"), min_value=1, max_value=MOST_PRIORITY)
    most = forms.IntegerField(label=_("At most"), min_value=1, max_value=MOST_VALUES, required=False)
    window_days = forms.IntegerField(label=_("Within days"), min_value=1, max_value=MOST_DAYS, required=False)
    is_active = forms.BooleanField(label=_("Recognises people"), required=False)

    def __init__(self, rule: Rule, data: Any = None) -> None:
        super().__init__(data, prefix=rule.kind, initial={name: getattr(rule, name) for name in NAMES})
        self.kind, self.words = rule.kind, words(rule.kind)


class NewKindForm(PlainLabels, forms.Form):
    """An external id that is to count otherwise than the others do."""

    name = forms.RegexField(
        r"^[A-Za-z0-9_.-]+\Z", label=_("External id"), max_length=80, required=False,
        help_text=_("As your systems name it under externalIds, such as tabletId."),
    )  # fmt: skip


class BlockForm(PlainLabels, forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    how = forms.ChoiceField(label=_("The value"), choices=BlockedValue.How.choices)
    pattern = forms.CharField(label=_("Value or expression"), max_length=200)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)

    def __init__(self, rules: Rules, data: Any = None) -> None:
        super().__init__(data)
        self.fields["kind"].choices = kind_choices(rules, all_of_them=True)  # type: ignore[attr-defined]


class TryForm(PlainLabels, forms.Form):
    kind = forms.ChoiceField(label=_("Kind"))
    value = forms.CharField(label=_("Value"), max_length=254)

    def __init__(self, rules: Rules, data: Any = None) -> None:
        super().__init__(data, prefix="try")
        self.fields["kind"].choices = kind_choices(rules)  # type: ignore[attr-defined]


@admin.register(IdentityRule)
class IdentityRuleAdmin(StaffModelAdmin):
    """One page instead of a list and forms: what counts is the whole of the rules, the usual ones among them."""

    view_right = Right.ADMINISTER

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("", view(self.rules_view), name=PAGE),
            path("block/", view(require_POST(self.block_view)), name="customers_identityrule_block"),
            path("switch/", view(require_POST(self.switch_view)), name="customers_identityrule_switch"),
        ]

    def rules_view(self, request: HttpRequest) -> HttpResponse:
        require(request, Right.ADMINISTER)
        posted = request.POST if request.method == "POST" else None
        forms_, new = rule_forms(posted), NewKindForm(posted)
        is_ready = posted is not None and all(form.is_valid() for form in (*forms_, new))
        if is_ready and save_rules(request, forms_, new.cleaned_data["name"]):
            return HttpResponseRedirect(reverse(f"admin:{PAGE}"))
        return self.page(request, forms_, new, BlockForm(current_rules()))

    def block_view(self, request: HttpRequest) -> HttpResponse:
        require(request, Right.ADMINISTER)
        form = BlockForm(current_rules(), request.POST)
        if form.is_valid():
            try:
                block(form.cleaned_data, by=actor(request))
            except ValidationFailed as error:
                mark(form, error)
            else:
                messages.success(
                    request, _t("Blocked from the next event on. What is tied already stays tied.")
                )
                return HttpResponseRedirect(reverse(f"admin:{PAGE}") + "#blocked")
        return self.page(request, rule_forms(), NewKindForm(), form)

    def switch_view(self, request: HttpRequest) -> HttpResponse:
        require(request, Right.ADMINISTER)
        key = tuple(posted(request, name) for name in ("kind", "how", "pattern"))
        try:
            switch(key, is_active=posted(request, "on") == "1", by=actor(request))  # type: ignore[arg-type]
        except ValidationFailed as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(reverse(f"admin:{PAGE}") + "#blocked")

    def page(
        self, request: HttpRequest, forms_: Any, new: NewKindForm, block_form: BlockForm
    ) -> HttpResponse:
        rules = current_rules()
        trial = TryForm(rules, request.GET if "try-value" in request.GET else None)
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Identity"),
            "rules": forms_,
            "new": new,
            "errors": any(form.errors for form in (*forms_, new, block_form)),
            "blocks": [block_row(one) for one in rules.blocks],
            "block_form": block_form,
            "trial": trial,
            "tried": tried(rules, trial) if trial.is_bound and trial.is_valid() else None,
        }
        return TemplateResponse(request, "admin/customers/identity.html", context)


def rule_forms(data: Any = None) -> list[RuleForm]:
    """The rules in the order in which they count, as forms."""
    rules = current_rules().rules.values()
    return [RuleForm(rule, data) for rule in sorted(rules, key=lambda rule: (rule.priority, rule.kind))]


def save_rules(request: HttpRequest, forms_: list[RuleForm], name: str) -> bool:
    """Write what changed, and a rule of its own for a newly named external id; False when something is refused."""
    rows = {form.kind: dict(form.cleaned_data) for form in forms_}
    if name:
        other = rows.get(OTHER_EXTERNAL, {})
        rows.setdefault(
            f"{normalise.EXTERNAL_PREFIX}{name}", {**other, "priority": other.get("priority", 50) + 1}
        )
    try:
        changed = set_rules(rows, by=actor(request))
    except ValidationFailed as error:
        messages.error(request, error.message)
        return False
    done = ngettext("%d rule changed. It counts", "%d rules changed. They count", changed) % changed
    messages.success(
        request, done + _t(" from the next event on.") if changed else _t("Nothing was different.")
    )
    return True


def mark(form: forms.Form, error: ValidationFailed) -> None:
    for detail in error.details:
        form.add_error(detail.field if detail.field in form.fields else None, detail.message)


def words(kind: str) -> str:
    """A kind as staff call it."""
    return _t("Any other external id") if kind == OTHER_EXTERNAL else kind_words(kind)


def kind_choices(rules: Rules, *, all_of_them: bool = False) -> list[tuple[str, str]]:
    kinds = sorted(rules.rules.values(), key=lambda rule: rule.priority)
    named = [(rule.kind, words(rule.kind)) for rule in kinds if rule.kind != OTHER_EXTERNAL]
    return [("", _t("All kinds")), *named] if all_of_them else named


def block_row(one: Block) -> dict[str, Any]:
    """A blocked value as the page lists it, and where it comes from."""
    usual = any(one.key == known.key for known in BLOCKS)
    origin = _t("usual") if usual else _t("from Clubs") if one.reason == OUR_OWN else _t("added here")
    return {
        "block": one,
        "kind": words(one.kind) if one.kind else _t("All kinds"),
        "how": BlockedValue.How(one.how).label,
        "origin": origin,
    }


def tried(rules: Rules, form: TryForm) -> dict[str, Any]:
    """What becomes of a value: how it is read, and what blocks it."""
    kind, raw = form.cleaned_data["kind"], form.cleaned_data["value"]
    value = normalise.identifier(kind, raw, current_tenant().region)
    return {
        "kind": words(kind),
        "value": value,
        "is_off": not rules.of(kind).is_active,
        "block": rules.blocked_by(kind, value) if value else None,
    }
