"""The form of a person: what can be chosen is chosen by its name."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.forms import PlainLabels, language_choices, region_choices
from crm.tenancy.markup import language_name
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.admin import custom_values
from customers.admin.conflicts import CatchesUp
from customers.lifecycle import ENDED, NOT_YET
from customers.models import CustomerProfile, CustomField, Stage, Status
from customers.words import GENDERS

Choices = list[tuple[Any, Any]]
RUNNING = ("ACTIVE", "SUSPENDED")
STATUSES = [(status.value, status.label) for status in (Status.ACTIVE, Status.INACTIVE)]
CUSTOM = "custom"
TIERS_FROM = 1000  # people among whom tiers to suggest are looked for
SECTIONS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("name", _("Name"), ("first_name", "last_name", "display_name", "date_of_birth", "gender")),
    ("contact", _("Contact"), ("email", "phone_number", "shared", "country", "language")),
    (
        "membership",
        _("Membership and golf"),
        (
            "home_club_ref",
            "handicap",
            "membership_tier",
            "membership_status",
            "member_since",
            "membership_expiry",
        ),
    ),
    (CUSTOM, _("More about them"), ()),
    (
        "handling",
        _("Handling"),
        (
            "tags",
            "customer_type",
            "status",
            "is_vip",
            "is_blocked",
            "is_pending",
            "lifecycle_pin",
            "internal_notes",
        ),
    ),
    ("record", _("Record"), ("gdpr_consent", "data_retention_date", "customer_notes")),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form that its list of parts leads to."""

    key: str
    title: Any
    fields: list[forms.BoundField]

    @property
    def has_errors(self) -> bool:
        return any(field.errors for field in self.fields)


class CustomerForm(CatchesUp, PlainLabels, forms.ModelForm[CustomerProfile]):
    """Everything of a person that is written by hand; of the fields in `only`, if some are named."""

    email = forms.CharField(label=_("E-mail"), max_length=254, required=False, widget=forms.EmailInput)
    phone_number = forms.CharField(
        label=_("Phone"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    shared = forms.BooleanField(
        label=_("Shared in a household"),
        required=False,
        help_text=_("Allow an e-mail or phone that somebody else here has too, such as a family’s address."),
    )
    gender = forms.ChoiceField(label=_("Gender"), required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    home_club_ref = forms.ChoiceField(label=_("Home club"), required=False)
    membership_status = forms.ChoiceField(label=_("Status"), required=False)
    lifecycle_pin = forms.ChoiceField(
        label=_("Stage"), required=False, choices=[("", _("As their history says")), *Stage.choices]
    )
    status = forms.ChoiceField(
        label=_("State"), choices=STATUSES, required=False, help_text=_("Inactive: kept, but left alone.")
    )
    tags = SimpleArrayField(
        forms.CharField(max_length=100), label=_("Tags"), required=False, help_text=_("Separated by commas."),
        widget=forms.TextInput(attrs={"data-chips": "known-tags", "autocomplete": "off"}),
    )  # fmt: skip
    handicap = forms.DecimalField(required=False, min_value=-10, max_value=54, decimal_places=1, max_digits=3)
    etag = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = CustomerProfile
        fields = (
            "first_name", "last_name", "display_name", "date_of_birth", "gender", "country", "language",
            "customer_type", "status", "lifecycle_pin", "is_vip", "is_blocked", "is_pending", "internal_notes",
            "membership_tier", "membership_status", "member_since", "membership_expiry", "handicap",
            "gdpr_consent", "data_retention_date", "customer_notes",
        )  # fmt: skip
        widgets = {
            "display_name": forms.TextInput(attrs={"data-wide": ""}),
            "membership_tier": forms.TextInput(attrs={"list": "known-tiers", "autocomplete": "off"}),
            **{
                name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
                for name in ("date_of_birth", "member_since", "membership_expiry", "data_retention_date")
            },
            "customer_notes": forms.Textarea(attrs={"rows": 3}),
            "internal_notes": forms.Textarea(attrs={"rows": 3}),
        }
        labels = {
            "date_of_birth": _("Born"),
            "display_name": _("Called"),
            "is_blocked": _("Blocked"),
            "is_pending": _("Pending"),
            "membership_tier": _("Tier"),
            "membership_expiry": _("Runs until"),
            "gdpr_consent": _("GDPR consent"),
            "data_retention_date": _("Keep until"),
            "customer_notes": _("Notes for them"),
        }
        help_texts = {
            "display_name": _("If it is not simply first and last name."),
            "customer_notes": _("The customer may read these; internal notes are for staff."),
        }

    def __init__(self, *args: Any, only: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile, self.only = self.instance, only
        if profile._state.adding or profile.status not in dict(STATUSES):
            del self.fields["status"]
        if not profile._state.adding:
            self.initial.update({
                "email": profile.email_display or profile.email, "phone_number": profile.phone_number,
                "tags": profile.tags, "home_club_ref": profile.home_club_ref, "etag": profile.etag,
            })  # fmt: skip
        clubs = list(Club.objects.all())
        for name, offered in (
            ("home_club_ref", club_choices(clubs, profile)),
            ("gender", with_current([*GENDERS.items()], profile.gender)),
            ("country", country_choices(clubs, profile.country)),
            ("language", tongue_choices(clubs, profile.language)),
            ("membership_status", membership_choices(profile.membership_status)),
        ):
            self.fields[name].choices = offered
        live = {field.key: field for field in CustomField.objects.live()}
        self.custom = custom_values.form_fields(live, profile)
        self.fields.update(self.custom)
        self.columns = {
            name: f"custom_fields.{name.removeprefix(custom_values.PREFIX)}" for name in self.custom
        }
        for name in set(self.fields) - {*only, "etag"} if only else ():
            del self.fields[name]
        self.carry()

    def anew(self, data: Any) -> "CustomerForm":
        return CustomerForm(data, instance=self.instance, only=self.only)

    def clean_status(self) -> str:
        return self.cleaned_data["status"] or str(self.initial.get("status"))

    def sections(self) -> list[Section]:
        """The form in parts, of which those without a field are left out."""
        parts = [(key, title, self.custom if key == CUSTOM else names) for key, title, names in SECTIONS]
        found = [
            Section(key, title, [self[name] for name in names if name in self.fields])
            for key, title, names in parts
        ]
        return [section for section in found if section.fields]

    def writes(self) -> dict[str, Any]:
        """The attributes that the person at the form changed."""
        names = [name for name in self.changed_data if name not in ("shared", "etag", *self.custom)]
        found = {name: self.cleaned_data[name] for name in names}
        if custom := custom_values.writes(self):
            found["custom_fields"] = custom
        for name in (
            "tags",
            "status",
        ):  # a list always looks changed to a form, and so does a select that is not sent
            if found.get(name) == self.initial.get(name):
                found.pop(name, None)
        if "home_club_ref" in found:
            labels: Any = dict(self.fields["home_club_ref"].choices)
            found["home_club_name"] = labels.get(found["home_club_ref"], "") if found["home_club_ref"] else ""
        return found


def tiers() -> list[str]:
    """The tiers that the people changed last have, whoever named them. One statement, by an index."""
    recent = CustomerProfile.objects.order_by("-updated_at", "-id").values_list("membership_tier", flat=True)
    return sorted(set(recent[:TIERS_FROM]) - {""}, key=str.casefold)


def club_choices(clubs: Iterable[Club], profile: CustomerProfile) -> Choices:
    """The tenant's clubs by their first ref, and the club that the profile has now."""
    choices = {club.refs[0]: club.name for club in clubs if club.refs}
    if profile.home_club_ref:
        choices.setdefault(profile.home_club_ref, profile.home_club_name or profile.home_club_ref)
    return [("", "–"), *choices.items()]


def with_current(offered: Choices, current: str) -> Choices:
    """The choices in the spelling that the profile has, and what it has although nobody offers it."""
    spelt = [(current if code == current.upper() else code, words) for code, words in offered]
    known = current in {"", *(code for code, _words in spelt)}
    return [("", "–"), *spelt, *([] if known else [(current, as_words(current))])]


def as_words(code: str) -> str:
    return code.replace("_", " ").capitalize()


def country_choices(clubs: Iterable[Club], current: str) -> Choices:
    """Countries by name, those of the group's clubs first."""
    names = dict(region_choices())
    names.setdefault(current, current)
    return nearest_first(names, [current_tenant().region, *(club.region for club in clubs), current])


def tongue_choices(clubs: Iterable[Club], current: str) -> Choices:
    """Languages by name, those of the group's clubs, as they are spoken there, first."""
    spoken = [(club.language, club.region) for club in clubs if club.language]
    near = [current_tenant().language, *(language for language, _region in spoken)]
    near += [f"{language}-{region}" for language, region in spoken if region and "-" not in language]
    names = dict(language_choices(current)) | {tag: language_name(tag) for tag in near}
    return nearest_first(names, [*near, current])


def nearest_first(names: dict[str, str], near: Iterable[str]) -> Choices:
    first = {code: names[code] for code in near if code}
    rest = [(code, words) for code, words in names.items() if code and code not in first]
    return [("", "–"), (_t("Of your clubs"), list(first.items())), (_t("All"), rest)]


def membership_choices(current: str) -> Choices:
    """What a membership can be, by what that means for the stage of the person."""
    groups = [
        (_t("Runs"), RUNNING),
        (_t("Not yet begun"), sorted(NOT_YET)),
        (_t("Over"), sorted(ENDED - {"DELETED"})),
    ]
    known = {code for _title, codes in groups for code in codes}
    spelt = [
        (title, [(current if code == current.upper() else code, as_words(code)) for code in codes])
        for title, codes in groups
    ]
    other = [] if current.upper() in {"", *known} else [(current, as_words(current))]
    return [("", "–"), *spelt, *other]
