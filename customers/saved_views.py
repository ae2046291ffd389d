"""Saved views: the filters and the order of the customer list under a name, own or shared with the team."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.errors import BusinessRule, Detail, DuplicateResource, Forbidden, NotFound, ValidationFailed
from crm.tenancy.models import User
from crm.tenancy.scope import current_tenant
from customers.models import SavedView
from customers.models.saved import LONGEST_NAME

MOST = 50  # of one member of staff


class SavedViewNotFound(NotFound):
    """There is no saved view with this id."""

    code = "SAVED_VIEW_NOT_FOUND"


class TooManySavedViews(BusinessRule):
    """There are as many saved views as one person can have. Delete one first."""

    code = "TOO_MANY_SAVED_VIEWS"


@transaction.atomic
def save_view(
    owner: User, *, name: str, filters: Mapping[str, str], sort: Sequence[str], is_shared: bool
) -> SavedView:
    """Keep a view; the owner's one of that name, in capitals or not, is replaced.

    Raises TooManySavedViews, ValidationFailed.
    """
    _one_at_a_time(owner)
    own = SavedView.objects.filter(owner=owner)
    view = own.filter(name__iexact=_named(name)).first()
    if view is None and own.count() >= MOST:
        raise TooManySavedViews
    view = view or SavedView(tenant=current_tenant(), owner=owner)
    view.name, view.filters, view.sort, view.is_shared = _named(name), dict(filters), list(sort), is_shared
    view.save()
    return view


def find_view(pk: UUID, user: User, *, may_share: bool, of_anybody: bool) -> SavedView:
    """A view that the user may change: their own, and what is shared only while they may share; others' shared ones
    with `of_anybody`.

    Raises SavedViewNotFound for one that they do not see, Forbidden for one that they see and may not change.
    """
    view: SavedView | None = SavedView.objects.for_user(user).filter(pk=pk).first()
    if view is None:
        raise SavedViewNotFound
    if not may_change(view, user, may_share=may_share, of_anybody=of_anybody):
        raise Forbidden(_("Only its owner and Admins change a view of the team."))
    return view


def may_change(view: SavedView, user: Any, *, may_share: bool, of_anybody: bool) -> bool:
    is_own = view.owner_id == user.pk
    return (is_own and (may_share or not view.is_shared)) or (of_anybody and view.is_shared)


def change_view(view: SavedView, *, name: str, is_shared: bool) -> SavedView:
    """Raises DuplicateResource where its owner has another view of that name, ValidationFailed."""
    others = SavedView.objects.filter(owner=view.owner_id).exclude(pk=view.pk)
    if others.filter(name__iexact=_named(name)).exists():
        raise _taken(name)
    view.name, view.is_shared = _named(name), is_shared
    try:
        with transaction.atomic():
            view.save(update_fields=["name", "is_shared"])
    except IntegrityError:
        raise _taken(name) from None
    return view


def _taken(name: str) -> DuplicateResource:
    return DuplicateResource(_("There is a view “%s” already.") % _named(name))


def _named(name: str) -> str:
    said = " ".join(name.split())
    if not said:
        raise ValidationFailed(details=[Detail("name", "MISSING_FIELD", _("Give the view a name."))])
    if len(said) > LONGEST_NAME:
        words = _("A name has at most %d characters.") % LONGEST_NAME
        raise ValidationFailed(details=[Detail("name", "INVALID_FIELD", words)])
    return said


def _one_at_a_time(owner: User) -> None:
    """Somebody's views are counted and looked for one after the other. One statement."""
    list(User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values("pk"))
