"""What an Admin does for somebody's rights over their data: hand it out, lock it, erase it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.errors import CRMError
from crm.tenancy.access import actor, client_ip, posted, require
from crm.tenancy.permissions import Right
from customers import locks
from customers.admin.html import page_url
from customers.admin.tabs import Panel, banner
from customers.disclosure import CONTENT_TYPES, disclose, file_name, words
from customers.erasure import LegalHold, erase_customer
from customers.models import CustomerProfile, PrivacyRequest
from customers.privacy import holdings
from customers.requests import record_request

ASKED_OF_STAFF = {
    kind.value: kind.label for kind in PrivacyRequest.Kind if kind is not PrivacyRequest.Kind.MAJORITY
}
Act = Callable[..., None]
ACTS: dict[str, tuple[Act, Any]] = {
    "restrict": (locks.restrict, _("Nothing is done with %s's data any more but keeping it.")),
    "unrestrict": (locks.unrestrict, _("%s's data is used again; what came meanwhile is being applied.")),
    "hold": (locks.place_hold, _("%s is under a legal hold: nothing of them is erased.")),
    "unhold": (locks.lift_hold, _("The legal hold of %s is lifted.")),
}


@banner
def locks_banner(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """What stands over the person's data. No statement."""
    context = {"restricted_at": profile.processing_restricted_at, "erased_at": profile.erased_at}
    return Panel("admin/customers/locks.html", context, digest=str(context))


def back(pk: UUID) -> HttpResponse:
    return HttpResponseRedirect(f"{page_url(pk)}?tab=privacy")


def data_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """Everything about the person as a file for them: a page to read, and the same for programs."""
    require(request, Right.DELETE)
    data = disclose(profile.pk, by=actor(request), format="ZIP", ip=client_ip(request))
    response = HttpResponse(data, content_type=CONTENT_TYPES["ZIP"])
    response["Content-Disposition"] = f'attachment; filename="{file_name(profile.pk, "ZIP")}"'
    return response


def lock_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """Restrict, place under a hold, or lift either, with a reason."""
    require(request, Right.DELETE)
    act, said = ACTS.get(posted(request, "act"), (None, ""))
    if act is None:
        return back(profile.pk)
    try:
        act(profile.pk, by=actor(request), reason=posted(request, "reason"))
    except CRMError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said % profile)
    return back(profile.pk)


def guardian_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """Who answers for a minor: the id of their page, or nothing."""
    require(request, Right.EDIT)
    sent = posted(request, "guardian")
    try:
        locks.set_guardian(profile.pk, UUID(sent) if sent else None, by=actor(request))
    except ValueError:
        messages.error(request, _t("Give the id of a customer, as it stands on their page."))
    except CRMError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _t("The guardian of %s is saved.") % profile)
    return back(profile.pk)


def request_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """Somebody asked a member of staff about their data: into the queue with it."""
    require(request, Right.NOTE)
    kind = posted(request, "kind")
    if kind in ASKED_OF_STAFF:
        record_request(profile, kind, by=actor(request), reason=posted(request, "reason"))
        messages.success(request, _t("The request is in the queue; an Admin answers it."))
    return back(profile.pk)


def erase_page(request: HttpRequest, model_admin: Any, profile: CustomerProfile) -> HttpResponse:
    """GET: what goes and what stays, by a trial. POST: gone, once the name is typed."""
    require(request, Right.DELETE)
    wanted, typed, error = str(profile), posted(request, "confirmation"), ""
    try:
        if request.method == "POST":
            if typed.strip() == wanted:
                erase_customer(profile.pk, by=actor(request), reason=posted(request, "reason"))
                messages.success(request, _t("They are erased. Nothing here names them any more."))
                return HttpResponseRedirect(page_url(profile.pk))
            error = _t("Type the name exactly as it stands here.")
        done = erase_customer(profile.pk, by=actor(request), dry_run=True)
    except LegalHold as held:
        messages.error(request, held.message)
        return back(profile.pk)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _t("Erase %s") % profile,
        "opts": model_admin.opts,
        "profile": profile,
        "wanted": wanted,
        "errors": error,
        "goes": sorted((words(name), rows) for name, rows in done.items()),
        "stays": sorted(
            (words(holding.label), holding.kept)
            for holding in holdings()
            if holding.label in done and holding.kept != "Nothing."
        ),
    }
    return TemplateResponse(request, "admin/customers/erase.html", context)
