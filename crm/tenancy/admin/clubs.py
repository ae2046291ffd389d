"""Settings > Clubs: the sites of a tenant, and the ids that other systems use for them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import tenant_of
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.forms import PlainLabels, region_choices, zone_choices
from crm.tenancy.markup import country_name
from crm.tenancy.models import Club
from crm.tenancy.permissions import Right


class ClubForm(PlainLabels, forms.ModelForm[Club]):
    region = forms.ChoiceField(
        label=_("Country"), required=False, help_text=_("Country of phone numbers that come without a code.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)

    class Meta:
        model = Club
        fields = ("name", "refs", "region", "timezone", "currency", "language", "email", "phone")
        labels = {"email": _("E-mail"), "phone": _("Phone")}
        help_texts = {
            "email": _("It never identifies a customer in whose data it stands."),
            "phone": _("The same holds for it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        same = ("", _("Same as the club group"))
        for name, choices in (("region", region_choices()), ("timezone", zone_choices())):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = [same, *choices]
        self.fields["refs"].label = _("Ids in other systems")
        self.fields["refs"].help_text = _(
            "Separated by commas, exactly as the systems write them: club-fynbos, FYN-01. "
            "Events with one of these ids belong to this club."
        )


@admin.register(Club)
class ClubAdmin(StaffModelAdmin):
    view_right = add_right = change_right = Right.ADMINISTER
    empty_hint = _("Add each site of the group, with the ids by which your systems call it.")
    intro = _("The sites of the club group. Events name a club by the ids that their system uses for it.")
    form = ClubForm
    list_display = ("name", "ids", "country", "zone")
    fieldsets = (
        (None, {"fields": ("name", "refs")}),
        (
            _("Where it differs from the club group"),
            {"fields": ("region", "timezone", "currency", "language")},
        ),
        (_("How the club itself is reached"), {"fields": ("email", "phone")}),
    )

    def save_model(self, request: HttpRequest, obj: Club, form: Any, change: bool) -> None:
        obj.tenant = tenant_of(request)  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Ids in other systems"))
    def ids(self, club: Club) -> str:
        return ", ".join(club.refs)

    @admin.display(description=_("Country"))
    def country(self, club: Club) -> str:
        return country_name(club.region)

    @admin.display(description=_("Time zone"))
    def zone(self, club: Club) -> str:
        return club.timezone
