"""Saved views above the customer list: opened with one click, kept, renamed, shared and deleted there."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t

from crm.errors import CRMError, Forbidden, NotFound, ValidationFailed
from crm.tenancy.access import may, posted, record, require
from crm.tenancy.models import User
from crm.tenancy.permissions import Right
from customers.models import SavedView
from customers.models.saved import LONGEST_FILTER, LONGEST_NAME, MOST_FILTERS
from customers.saved_views import change_view, find_view, may_change, save_view

Filters = dict[str, str]
Said = tuple[Filters, list[str]]  # what the list is narrowed and sorted by
LIST = "admin:customers_customerprofile_changelist"


class Tab(NamedTuple):
    view: SavedView
    url: str
    is_open: bool
    is_partial: bool  # a filter of it is not offered any more
    may_change: bool


# --- what the list shows
def above(request: HttpRequest, shown: Any) -> dict[str, Any]:
    """The views above a list as it is shown, and whether it is one that can be saved. One statement."""
    columns, offered, now = _columns(shown), _offered(shown), _said(shown)
    tabs = [
        _tab(request, view, now, columns=columns, offered=offered)
        for view in SavedView.objects.for_user(request.user)
        if view.owner_id == request.user.pk or offered.issuperset(view.filters)
    ]
    opened = next((tab for tab in tabs if tab.is_open), None)
    return {
        "tabs": tabs,
        "opened": opened,
        "is_everybody": now == ({}, []),
        "can_save": now != ({}, []) and opened is None,
        "may_share": may(request, Right.MARKET),
        "query": shown.get_query_string(remove=["p", "e", "all"]),
        "longest": LONGEST_NAME,
    }


def _tab(
    request: HttpRequest, view: SavedView, now: Said, *, columns: Sequence[str], offered: set[str]
) -> Tab:
    filters = {name: value for name, value in view.filters.items() if name in offered}
    sort = [name for name in view.sort if name.removeprefix("-") in columns]
    return Tab(
        view, _address(filters, sort, columns), is_open=(filters, sort) == now, is_partial=filters != view.filters,
        may_change=may_change(view, request.user, **_rights(request)),
    )  # fmt: skip


def _address(filters: Filters, sort: Sequence[str], columns: Sequence[str]) -> str:
    """A list so narrowed and sorted; `o` is there without an order too, or the last one would stand."""
    places = [f"{'-' * name.startswith('-')}{columns.index(name.removeprefix('-'))}" for name in sort]
    return f"{reverse(LIST)}?{urlencode({**filters, 'o': '.'.join(places)})}"


def _said(shown: Any) -> Said:
    """The filters and the order of a list, as a view keeps them."""
    asked = ((name, str(shown.params.get(name, ""))[:LONGEST_FILTER]) for name in sorted(_offered(shown)))
    filters = [(name, value) for name, value in asked if value][:MOST_FILTERS]
    return dict(filters), _sort(str(shown.params.get("o", "")), _columns(shown))


def _offered(shown: Any) -> set[str]:
    return {name for spec in shown.filter_specs for name in spec.expected_parameters() if name}


def _columns(shown: Any) -> list[str]:
    return [column if isinstance(column, str) else column.__name__ for column in shown.list_display]


def _sort(places: str, columns: Sequence[str]) -> list[str]:
    """Places of columns, as Django writes them in `o`, as names."""
    names = []
    for place in places.split("."):
        number = place.removeprefix("-")
        if number.isascii() and number.isdecimal() and int(number) < len(columns):
            names.append(f"{place[: -len(number)]}{columns[int(number)]}")
    return names


# --- what is done with them
def save(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """POST: the list with the same address parameters, under a name."""
    require(request, Right.VIEW)
    try:
        shown = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse(LIST))
    filters, sort = _said(shown)
    is_shared = _is_shared(request)
    try:
        view = save_view(
            cast(User, request.user),
            name=posted(request, "name"),
            filters=filters,
            sort=sort,
            is_shared=is_shared,
        )
    except CRMError as error:
        return _refused(request, error)
    record(request, "savedview.saved", view, after=_described(view))
    messages.success(request, _t("“%s” stands above the list now.") % view)
    return HttpResponseRedirect(_address(filters, sort, _columns(shown)))


def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST: another name, or shared or not."""
    view = _theirs(request, pk)
    before = _described(view)
    try:
        change_view(view, name=posted(request, "name"), is_shared=_is_shared(request))
    except CRMError as error:
        return _refused(request, error)
    if before != (after := _described(view)):
        record(request, "savedview.changed", view, before=before, after=after)
    messages.success(request, _t("“%s” is saved.") % view)
    return _back(request)


def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    view = _theirs(request, pk)
    record(request, "savedview.deleted", view, before=_described(view))
    messages.success(request, _t("The view “%s” is deleted.") % view)
    view.delete()
    return HttpResponseRedirect(f"{reverse(LIST)}?o=")


def _theirs(request: HttpRequest, pk: UUID) -> SavedView:
    require(request, Right.VIEW)
    try:
        return find_view(pk, cast(User, request.user), **_rights(request))
    except NotFound:
        raise Http404 from None
    except Forbidden:
        raise PermissionDenied from None


def _is_shared(request: HttpRequest) -> bool:
    """Whether it is to be the team's; refused to whoever may not share."""
    if posted(request, "shared") != "1":
        return False
    require(request, Right.MARKET)
    return True


def _described(view: SavedView) -> dict[str, Any]:
    return {"name": view.name, "filters": view.filters, "sort": view.sort, "is_shared": view.is_shared}


def _refused(request: HttpRequest, error: CRMError) -> HttpResponse:
    texts = [detail.message for detail in error.details] if isinstance(error, ValidationFailed) else []
    messages.error(request, " ".join(texts) or error.message)
    return _back(request)


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {"may_share": may(request, Right.MARKET), "of_anybody": may(request, Right.ADMINISTER)}


def _back(request: HttpRequest) -> HttpResponse:
    """To the list as it was when the form was sent."""
    return HttpResponseRedirect(f"{reverse(LIST)}?{request.GET.urlencode()}")
