"""Tagging on staff pages: a person's own tags and marks, everybody chosen in the list, and the tags themselves."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.errors import ValidationFailed
from crm.tenancy.access import actor, club_refs, posted, require
from crm.tenancy.admin.base import StaffModelAdmin
from crm.tenancy.permissions import Right
from customers.admin.html import page_url
from customers.models import CustomerProfile, Tag
from customers.services import update_customer
from customers.tags import (
    find_other,
    remove_tag,
    rename_tag,
    tag_many,
    tag_one,
    with_people,
)
from customers.telling import FLAGS

MOST, SAMPLE, SUGGESTED = 10_000, 8, 200
MOST_WORDS = 5000  # characters of tags in one field
MARKS = (*FLAGS, "lifecycle_pin")


# --- a person
def tag_person(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """POST: `add` tags, separated by commas, and `remove` one."""
    require(request, Right.EDIT)
    add = [name for name in posted(request, "add", most=MOST_WORDS).split(",") if name.strip()]
    remove = [name for name in [posted(request, "remove", most=MOST_WORDS)] if name.strip()]
    try:
        tag_one(profile.pk, add=add, remove=remove, by=actor(request))
    except ValidationFailed as error:
        messages.error(request, " ".join(detail.message for detail in error.details))
    return _back(request, profile)


def mark_person(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """POST: set (`on`) or clear a flag, `mark`; or lift the stage that was fixed by hand."""
    require(request, Right.EDIT)
    mark = posted(request, "mark")
    if mark not in MARKS:
        raise Http404
    value = None if mark == "lifecycle_pin" else posted(request, "on") == "1"
    update_customer(profile.pk, {mark: value}, by=actor(request))
    return _back(request, profile)


def _back(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """To the person's page, at the tab that was open."""
    tab = posted(request, "tab")
    return HttpResponseRedirect(
        f"{page_url(profile.pk)}?{urlencode({'tab': tab})}" if tab else page_url(profile.pk)
    )


def marks(profile: CustomerProfile) -> list[dict[str, Any]]:
    """What can be marked with one click, and what the click says."""
    words = {
        "is_vip": (_t("Mark as VIP"), _t("Take the VIP mark off"), "star"),
        "is_blocked": (_t("Block"), _t("Unblock"), "ban"),
        "is_pending": (_t("Mark as pending"), _t("No longer pending"), "hourglass"),
    }
    found = [
        {"mark": flag, "words": off if getattr(profile, flag) else on, "on": "" if getattr(profile, flag) else "1",
         "icon": icon}
        for flag, (on, off, icon) in words.items()
    ]  # fmt: skip
    if profile.lifecycle_pin:
        found.append({"mark": "lifecycle_pin", "words": _t("Lift the fixed stage"), "on": "", "icon": "pin"})
    return found


def suggested() -> list[str]:
    """Tags to choose from. One statement."""
    return list(Tag.objects.order_by("key").values_list("name", flat=True)[:SUGGESTED])


# --- everybody chosen in the list
def tag_chosen(model_admin: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
    """First who it is about and a sample of them, then, with `apply`, the tagging."""
    require(request, Right.EDIT)
    count = queryset.order_by().values("pk")[: MOST + 1].count()
    if count > MOST:
        messages.error(request, _t("That is more than 10,000 people: narrow the list first."))
        return None
    if "apply" in request.POST and (done := _apply(request, queryset)):
        messages.success(request, done)
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _t("Tag people"),
        "opts": model_admin.opts,
        "count": count,
        "sample": list(queryset[:SAMPLE]),
        "others": max(count - SAMPLE, 0),
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "across": posted(request, "select_across", "0"),
        "add": posted(request, "add", most=MOST_WORDS),
        "remove": posted(request, "remove", most=MOST_WORDS),
        "suggested": suggested(),
    }
    return TemplateResponse(request, "admin/customers/tag.html", context)


def _apply(request: HttpRequest, queryset: Any) -> str:
    """What was done, in words; nothing where the tags can't be used, which is said."""
    add, remove = (
        [name for name in posted(request, field, most=MOST_WORDS).split(",") if name.strip()]
        for field in ("add", "remove")
    )
    if not add and not remove:
        messages.error(request, _t("Name at least one tag."))
        return ""
    people: list[UUID] = list(queryset.order_by("pk").values_list("pk", flat=True))
    try:
        changed = tag_many(people, add=add, remove=remove, by=actor(request))
    except ValidationFailed as error:
        messages.error(request, " ".join(detail.message for detail in error.details))
        return ""
    words = ngettext("%(n)s person changed", "%(n)s people changed", changed) % {"n": changed}
    same = len(people) - changed
    return words + (_t("; %s were so already.") % same if same else ".")


# --- the tags themselves
class TagForm(forms.ModelForm[Tag]):
    merge = forms.BooleanField(
        label=_("Merge"),
        required=False,
        help_text=_("If there is a tag of this name already, become one with it."),
    )

    class Meta:
        model = Tag
        fields = ("name",)
        help_texts = {"name": _("Everybody who has the tag follows.")}

    def clean(self) -> None:
        """Refuse what can't be a tag, and the name of another one unless they are to become one."""
        name = self.cleaned_data.get("name", "")
        try:
            other = find_other(self.instance, name)
        except ValidationFailed as error:
            raise forms.ValidationError({"name": error.details[0].message}) from None
        if other is not None and not self.cleaned_data.get("merge"):
            says = _t("There is a tag “%s” already. Tick “Merge” to become one with it.") % other
            raise forms.ValidationError({"name": says})


@admin.register(Tag)
class TagAdmin(StaffModelAdmin):
    view_right, change_right = Right.VIEW, Right.EDIT
    empty_hint = _("Put a tag on somebody, on their page or in the list of customers, and it stands here.")
    intro = _("The words that people are put under. A tag has one spelling, however it is typed.")
    list_display = ("name", "people")
    search_fields = ("name",)
    search_help_text = _("Part of a tag")
    ordering = ("key",)
    form = TagForm
    change_form_template = "admin/customers/tag_form.html"

    def get_urls(self) -> Any:
        take_away = self.admin_site.admin_view(require_POST(self.take_away_view))
        return [path("<int:pk>/take-away/", take_away, name="customers_tag_take_away"), *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tags are the whole group's: staff of some clubs would change people whom they don't see."""
        return super().has_change_permission(request, obj) and club_refs(request) is None

    def get_queryset(self, request: HttpRequest) -> Any:
        return with_people()

    @admin.display(description=_("People"))
    def people(self, tag: Any) -> Any:
        url = reverse("admin:customers_customerprofile_changelist")
        return format_html('<a href="{}?{}">{}</a>', url, urlencode({"tag": tag.name}), f"{tag.people:,}")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.instance  # nothing is saved before the renaming, which does it all

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        names = form.cleaned_data
        rename_tag(Tag.objects.get(pk=obj.pk), names["name"], by=actor(request), merge=names["merge"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A tag has no rows of its own."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The renaming has told the audit log."""

    def take_away_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        tag = get_object_or_404(Tag, pk=pk)
        remove_tag(tag, by=actor(request))
        messages.success(request, _t("Nobody has the tag “%s” any more.") % tag)
        return HttpResponseRedirect(reverse("admin:customers_tag_changelist"))
