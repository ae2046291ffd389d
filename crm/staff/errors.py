"""What staff are told when a page is not there or not theirs: within the site when they are in it."""

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from crm.rest import errors
from crm.tenancy.access import membership_of


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    words = _("Your role does not include this page. If you need it, ask an Admin of your club group.")
    page = _inside(request, 403, "lock", _("You may not do this"), words)
    return page or errors.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    words = _("It may have been deleted, belong to clubs that are not yours, or the address may be wrong.")
    page = _inside(request, 404, "search", _("There is no such page"), words)
    return page or errors.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    words = _("Something in its address can’t be read. Start again from a list or the search.")
    is_plain = isinstance(exception, BadRequest)
    page = (
        _inside(request, 400, "triangle-alert", _("This address makes no sense"), words) if is_plain else None
    )
    return page or errors.bad_request(request, exception)


def _inside(request: HttpRequest, status: int, icon: str, title: str, words: str) -> HttpResponse | None:
    """The error with the navigation around it, for staff who have chosen their tenant; else nothing."""
    if not request.path.startswith("/admin/") or membership_of(request) is None:
        return None
    context = {**admin.site.each_context(request), "title": title, "words": words, "icon_name": icon}
    return render(request, "admin/error.html", context, status=status)
