"""The form to add or edit a person. It writes through the services, as the API does."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import CRMError, DuplicateResource, PreconditionFailed, ValidationFailed
from crm.tenancy.access import actor
from crm.tenancy.forms import PlainLabels
from crm.tenancy.models import Club
from crm.versions import Condition
from customers.admin import custom_values
from customers.admin.html import page_url
from customers.custom_fields import WIRE
from customers.models import CustomerProfile, CustomField
from customers.services import create_customer, update_customer
from customers.visibility import keep_in_clubs, visible_people

CONTACTS = {"email": "email", "phone_number": "phoneNumber"}
ATTRIBUTES = {
    "email": "email",
    "phoneNumber": "phone_number",
    "phone": "phone_number",
    "homeClubId": "home_club_ref",
    "dateOfBirth": "date_of_birth",
}
FIELDSETS: list[tuple[Any, dict[str, Any]]] = [
    (None, {"fields": [("first_name", "last_name"), "display_name"]}),
    (_("Contact"), {"fields": ["email", "phone_number", "shared"]}),
    (
        _("About"),
        {"fields": [("date_of_birth", "gender"), ("country", "language"), "customer_type", "home_club_ref"]},
    ),
    (
        _("Membership and golf"),
        {
            "fields": [
                ("membership_tier", "membership_status"),
                ("member_since", "membership_expiry"),
                "handicap",
            ]
        },
    ),
    (
        _("Handling"),
        {"fields": ["lifecycle_pin", "tags", "is_vip", "is_blocked", "is_pending", "internal_notes"]},
    ),
    (_("Record"), {"fields": [("gdpr_consent", "data_retention_date"), "customer_notes"]}),
]


class CustomerForm(PlainLabels, forms.ModelForm[CustomerProfile]):
    email = forms.CharField(label=_("E-mail"), max_length=254, required=False, widget=forms.EmailInput)
    phone_number = forms.CharField(label=_("Phone"), max_length=40, required=False)
    shared = forms.BooleanField(
        label=_("Shared in a household"),
        required=False,
        help_text=_("Allow an e-mail or phone that somebody else here has too, such as a family’s address."),
    )
    home_club_ref = forms.ChoiceField(label=_("Home club"), required=False)
    tags = SimpleArrayField(
        forms.CharField(max_length=100), label=_("Tags"), required=False, help_text=_("Separated by commas.")
    )
    handicap = forms.DecimalField(required=False, min_value=-10, max_value=54, decimal_places=1, max_digits=3)
    etag = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = CustomerProfile
        fields = (
            "first_name", "last_name", "display_name", "date_of_birth", "gender", "country", "language",
            "customer_type", "lifecycle_pin", "is_vip", "is_blocked", "is_pending", "internal_notes",
            "membership_tier", "membership_status", "member_since", "membership_expiry", "handicap",
            "gdpr_consent", "data_retention_date", "customer_notes",
        )  # fmt: skip
        widgets = {
            **{
                name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
                for name in ("date_of_birth", "member_since", "membership_expiry", "data_retention_date")
            },
            "customer_notes": forms.Textarea(attrs={"rows": 3}),
            "internal_notes": forms.Textarea(attrs={"rows": 4}),
        }
        labels = {
            "date_of_birth": _("Born"),
            "display_name": _("Called"),
            "lifecycle_pin": _("Stage, fixed by hand"),
            "is_blocked": _("Blocked"),
            "is_pending": _("Pending"),
            "membership_tier": _("Tier"),
            "membership_status": _("Status"),
            "membership_expiry": _("Runs until"),
            "gdpr_consent": _("GDPR consent"),
            "data_retention_date": _("Keep until"),
            "customer_notes": _("Notes for them"),
        }
        help_texts = {
            "display_name": _("If it is not simply first and last name."),
            "country": _("Two letters, such as ZA."),
            "language": _("Such as en or af-ZA."),
            "customer_notes": _("The customer may read these; internal notes are for staff."),
            "lifecycle_pin": _("Empty = as their history says."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile = self.instance
        if not profile._state.adding:
            self.initial.update({
                "email": profile.email_display or profile.email, "phone_number": profile.phone_number,
                "tags": profile.tags, "home_club_ref": profile.home_club_ref, "etag": profile.etag,
            })  # fmt: skip
        clubs = self.fields["home_club_ref"]
        assert isinstance(clubs, forms.ChoiceField)  # noqa: S101 - declared above
        clubs.choices = club_choices(profile)
        live = {field.key: field for field in CustomField.objects.live()}
        self.custom = custom_values.form_fields(live, profile)
        self.fields.update(self.custom)

    def writes(self) -> dict[str, Any]:
        """The attributes that the person at the form changed."""
        names = [name for name in self.changed_data if name not in ("shared", "etag", *self.custom)]
        found = {name: self.cleaned_data[name] for name in names}
        if custom := custom_values.writes(self):
            found["custom_fields"] = custom
        if found.get("tags") == self.initial.get("tags"):  # a list always looks changed to a form
            found.pop("tags", None)
        if "home_club_ref" in found:
            labels: Any = dict(self.fields["home_club_ref"].choices)  # type: ignore[attr-defined]
            found["home_club_name"] = labels.get(found["home_club_ref"], "") if found["home_club_ref"] else ""
        return found


def club_choices(profile: CustomerProfile) -> list[tuple[str, str]]:
    """The tenant's clubs by their first ref, and the club that the profile has now."""
    choices = {club.refs[0]: club.name for club in Club.objects.all() if club.refs}
    if profile.home_club_ref:
        choices.setdefault(profile.home_club_ref, profile.home_club_name or profile.home_club_ref)
    return [("", "–"), *choices.items()]


def edit_page(request: HttpRequest, model_admin: Any, profile: CustomerProfile | None) -> HttpResponse:
    """Show the form of `profile`, or of a new person; on success, their page."""
    form = CustomerForm(request.POST or None, instance=profile)
    if request.method == "POST" and form.is_valid() and (saved := _save(request, form, profile)):
        messages.success(request, _t("%s is saved.") % saved)
        return HttpResponseRedirect(page_url(saved.pk))
    own = [(_("More about them"), {"fields": list(form.custom)})] if form.custom else []
    fieldsets = [(name, {**options, "classes": ()}) for name, options in [*FIELDSETS, *own]]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": str(profile) if profile else _t("Add customer"),
        "opts": model_admin.opts,
        "profile": profile,
        "form": form,
        "errors": form.errors,
        "adminform": AdminForm(form, fieldsets, {}, (), model_admin),
    }
    return TemplateResponse(request, "admin/customers/edit.html", context)


def _save(
    request: HttpRequest, form: CustomerForm, profile: CustomerProfile | None
) -> CustomerProfile | None:
    """Write what changed; what the services refuse goes beside the field that it is about."""
    writes = form.writes()
    hints = {kind: writes[name] for name, kind in CONTACTS.items() if writes.get(name)}
    shared = form.cleaned_data["shared"]
    try:
        keep_in_clubs(request, writes, is_new=profile is None)
        if profile is None:
            return create_customer(writes, hints, by=actor(request), shared=shared)
        etag = form.cleaned_data["etag"] or profile.etag
        return update_customer(
            profile.pk,
            writes,
            by=actor(request),
            hints=hints or None,
            if_match=Condition.of(etag),
            shared=shared,
        )
    except PreconditionFailed:
        form.add_error(
            None,
            _t("This customer changed since you opened the form. Look at the page, then change it again."),
        )
    except DuplicateResource as error:
        _explain_duplicate(request, form, error)
    except ValidationFailed as error:
        for detail in error.details:
            name = ATTRIBUTES.get(detail.field, detail.field.replace(f"{WIRE}.", custom_values.PREFIX))
            form.add_error(name if name in form.fields else None, detail.message)
    except CRMError as error:
        form.add_error(None, error.message)
    return None


def _explain_duplicate(request: HttpRequest, form: CustomerForm, error: DuplicateResource) -> None:
    """Say who has the identifier already, if the member of staff may see them."""
    owner_id = next((detail.message for detail in error.details if detail.field == "id"), "")
    owner = visible_people(request).filter(pk=owner_id).first() if owner_id else None
    who = format_html('<a href="{}">{}</a>', page_url(owner.pk), owner) if owner else _t("Somebody else")
    form.add_error(
        None,
        format_html(
            _t("{} has this e-mail or phone already. Open their page, or tick “Shared in a household”."), who
        ),
    )
