"""The form to add or edit a person. It writes through the services, as the API does."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _t

from crm.errors import CRMError, DuplicateResource, PreconditionFailed, ValidationFailed
from crm.tenancy.access import actor
from crm.versions import Condition
from customers.admin import custom_values
from customers.admin.customer_form import CustomerForm, tiers
from customers.admin.html import page_url
from customers.admin.tagging import suggested
from customers.custom_fields import WIRE
from customers.models import CustomerProfile
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


def edit_page(request: HttpRequest, model_admin: Any, profile: CustomerProfile | None) -> HttpResponse:
    """Show the form of `profile`, or of a new person; on success, their page."""
    form = open_form(request, profile)
    if request.method == "POST" and form.is_valid() and (saved := save(request, form, profile)):
        messages.success(request, " ".join([_t("%s is saved.") % saved, form.meanwhile]).strip())
        return HttpResponseRedirect(page_url(saved.pk))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": str(profile) if profile else _t("Add customer"),
        "opts": model_admin.opts,
        "profile": profile,
        "form": form,
        "errors": form.errors,
        "sections": form.sections(),
        "suggested": suggested(),
        "tiers": tiers(),
    }
    return TemplateResponse(request, "admin/customers/edit.html", context)


def open_form(
    request: HttpRequest, profile: CustomerProfile | None, *, only: Collection[str] = ()
) -> CustomerForm:
    """The form as it is asked for or sent; one that was overtaken by other people's changes is brought up to them."""
    form = CustomerForm(request.POST or None, instance=profile, only=only)
    return form.caught_up() if form.is_bound and form.is_outdated() else form


def save(request: HttpRequest, form: CustomerForm, profile: CustomerProfile | None) -> CustomerProfile | None:
    """Write what changed; what the services refuse goes beside the field that it is about."""
    writes = form.writes()
    hints = {kind: writes[name] for name, kind in CONTACTS.items() if writes.get(name)}
    shared = form.cleaned_data.get("shared", False)
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
            _t("This customer changed since you opened the form. Save again to go on from what stands now."),
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
    """Say who has the identifier already, if the member of staff may see them; beside it, if it was the only one."""
    owner_id = next((detail.message for detail in error.details if detail.field == "id"), "")
    owner = visible_people(request).filter(pk=owner_id).first() if owner_id else None
    who = format_html('<a href="{}">{}</a>', page_url(owner.pk), owner) if owner else _t("Somebody else")
    written = [name for name in CONTACTS if name in form.changed_data]
    form.add_error(
        written[0] if len(written) == 1 else None,
        format_html(
            _t("{} has this e-mail or phone already. Open their page, or tick “Shared in a household”."), who
        ),
    )
