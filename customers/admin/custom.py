"""Settings > Custom fields: define, archive, delete."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import CRMError
from crm.tenancy.access import actor, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.forms import PlainLabels
from crm.tenancy.markup import badge
from crm.tenancy.permissions import Right
from customers.custom_fields import CustomFieldNotFound, define, find_field, redefine, remove
from customers.custom_values import WITH_CHOICES
from customers.models import CustomField
from customers.models.custom import MOST_LISTED

SHOWN = 4
ARCHIVE, REMOVE = "customers_customfield_archive", "customers_customfield_remove"


class ArchivedFilter(admin.SimpleListFilter):
    """Hides archived fields until they are asked for."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("archived", _("Archived")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "all":
            return queryset
        return queryset.filter(archived_at__isnull=self.value() != "archived")


class ChoiceLines(forms.CharField):
    """A choice a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class DefinitionForm(PlainLabels, forms.ModelForm[CustomField]):
    choices = ChoiceLines(
        label=_("Choices"), required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One a line, in the order in which they are offered."),
    )  # fmt: skip

    class Meta:
        model = CustomField
        fields = ("label", "key", "type", "choices", "is_required", "help_text", "is_listed")
        labels = {"is_required": _("Required"), "help_text": _("Help"), "is_listed": _("Show in the list")}
        help_texts = {
            "label": _("What staff read, such as Shirt size."),
            "key": _("What other systems call it, such as shirtSize. It can’t be changed later."),
            "type": _("What can be filled in. It can’t be changed later."),
            "is_required": _("Nobody new is added without it. People who are here already may lack it."),
            "is_listed": _(
                "As a column of the list of customers, and a filter where it has choices. Four fields can have one."
            ),
            "help_text": _("A hint for colleagues, shown under the field in forms."),
        }
        widgets = {"key": forms.TextInput(attrs={"data-proposed-from": "#id_label", "spellcheck": "false"})}

    def clean(self) -> dict[str, Any]:
        """The choices are out of sight for a type that has none, and so is what was typed there."""
        found = super().clean() or {}
        if found.get("type", self.instance.type) not in WITH_CHOICES:
            found["choices"] = []
        return found

    def clean_is_listed(self) -> bool:
        is_listed: bool = self.cleaned_data["is_listed"]
        others = CustomField.objects.listed().exclude(pk=self.instance.pk)
        if is_listed and others.count() >= MOST_LISTED:
            raise forms.ValidationError(
                _t("There are %d columns already: take one out of the list first.") % MOST_LISTED
            )
        return is_listed

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if CustomField.objects.filter(key=key).exists():
            raise forms.ValidationError(_t("There is a custom field “%s” already.") % key)
        return key


@admin.register(CustomField)
class CustomFieldAdmin(StaffModelAdmin):
    view_right = add_right = change_right = Right.ADMINISTER
    list_title, item_name = _("Custom fields"), _("custom field")
    empty_hint = _(
        "Add what your club group wants to keep: a shirt size, a locker number, a favourite course."
    )
    intro = _("What your club group keeps about people beyond what Fairway knows by itself.")
    form = DefinitionForm
    list_display = ("label", "mono_key", "kind", "offers", "flags")
    list_filter = (ArchivedFilter,)
    change_form_template = "admin/customers/custom_field.html"
    fieldsets = (
        (None, {"fields": ("label", "key", "type", "choices")}),
        (_("In forms and lists"), {"fields": ("is_required", "help_text", "is_listed")}),
    )

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/archive/", view(require_POST(self.archive_view)), name=ARCHIVE),
            path("<uuid:pk>/remove/", view(require_POST(self.remove_view)), name=REMOVE),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Choices only where there can be some; while the type is open, the style sheet shows them as it is chosen."""
        if obj is None or obj.has_choices:
            return self.fieldsets
        (title, options), *rest = self.fieldsets
        return [(title, {"fields": tuple(name for name in options["fields"] if name != "choices")}), *rest]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key", "type"] if obj else []

    def save_model(self, request: HttpRequest, obj: CustomField, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.fields}
        if change:
            redefine(obj.pk, values, by=actor(request))
        else:
            obj.pk = define(values, by=actor(request)).pk

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
                        extra_context: dict[str, Any] | None = None) -> Any:  # fmt: skip
        """What the use case refuses though the form was in order, such as one field too many, is said above it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.path)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """define() has written it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """redefine() has written it."""

    def archive_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Archive the field, or bring it back."""
        field = self.field_or_404(request, pk)
        archived = _t("“%s” is archived: values stay, but nobody fills it in any more.")
        back = _t("“%s” is filled in again.")
        try:
            redefine(pk, {"archived": field.archived_at is None}, by=actor(request))
            messages.success(request, (back if field.archived_at else archived) % field)
        except CRMError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(change_url(pk))

    def remove_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        field = self.field_or_404(request, pk)
        try:
            remove(pk, by=actor(request))
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(change_url(pk))
        messages.success(request, _t("“%s” is deleted.") % field)
        return HttpResponseRedirect(reverse("admin:customers_customfield_changelist"))

    def field_or_404(self, request: HttpRequest, pk: UUID) -> CustomField:
        require(request, Right.ADMINISTER)
        try:
            return find_field(pk)
        except CustomFieldNotFound:
            raise Http404 from None

    @admin.display(description=_("Key"), ordering="key")
    def mono_key(self, field: CustomField) -> Any:
        return format_html('<span class="mono">{}</span>', field.key)

    @admin.display(description=_("Type"), ordering="type")
    def kind(self, field: CustomField) -> str:
        return str(field.get_type_display())

    @admin.display(description=_("Choices"))
    def offers(self, field: CustomField) -> str:
        rest = len(field.choices) - SHOWN
        more = _t(" and %d more") % rest if rest > 0 else ""
        return (", ".join(field.choices[:SHOWN]) + more) or "–"

    @admin.display(description="", empty_value="")
    def flags(self, field: CustomField) -> Any:
        if field.archived_at:
            return badge(_t("Archived"), "grey")
        flags = ((field.is_required, _t("Required"), "info"), (field.is_listed, _t("In the list"), "grey"))
        return format_html_join(" ", "{}", ((badge(words, tone),) for on, words, tone in flags if on))


def change_url(pk: UUID) -> str:
    return reverse("admin:customers_customfield_change", args=[pk])
