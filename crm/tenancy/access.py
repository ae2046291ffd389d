"""Who is asking, and what they may see and do: read from the request as the tenancy middleware left it."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, QueryDict

from crm.tenancy import audit
from crm.tenancy.models import Club, StaffMembership, Tenant, User
from crm.tenancy.permissions import Right
from crm.tenancy.scope import scopes_disabled

LATELY = timedelta(hours=1)
LONGEST = 1000  # characters of a word that is read without a form
CALLED = {"customerprofile": "customer", "inboundevent": "event", "user": "account"}


def tenant_of(request: HttpRequest) -> Tenant | None:
    return getattr(request, "tenant", None)


def membership_of(request: HttpRequest) -> StaffMembership | None:
    """The membership that the request acts by; a superuser's is an Admin's, of the tenant they chose."""
    return getattr(request, "membership", None)


def tenants_of(user: User) -> list[Tenant]:
    """The tenants that a user may enter: all for a platform operator, else those of active memberships."""
    tenants = Tenant.objects.filter(is_active=True)
    if user.is_superuser:
        return list(tenants)
    with scopes_disabled():  # before a tenant is chosen there is no scope; the user's own rows only
        mine = StaffMembership.objects.filter(user=user, is_active=True).values("tenant")
        return list(tenants.filter(pk__in=mine))


def may(request: HttpRequest, right: Right | None) -> bool:
    """Does the role hold the right? None is a right that nobody holds."""
    membership = membership_of(request)
    return right is not None and membership is not None and membership.may(right)


def require(request: HttpRequest, right: Right) -> None:
    if not may(request, right):
        raise PermissionDenied


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def posted(request: HttpRequest, name: str, default: str = "", *, most: int = LONGEST) -> str:
    """A word of what was sent that no form reads: see `_word`."""
    return _word(request.POST, name, default, most)


def queried(request: HttpRequest, name: str, default: str = "", *, most: int = LONGEST) -> str:
    """A word of the address: see `_word`."""
    return _word(request.GET, name, default, most)


def _word(said: QueryDict, name: str, default: str, most: int) -> str:
    """As the database can keep it and look for it: no NUL, no white space around it, at most so many characters."""
    return (said.get(name) or default)[: 2 * most].replace("\0", "").strip()[:most]


def client_ip(request: HttpRequest) -> str | None:
    """Where the request comes from: as the nearest of TRUSTED_PROXIES saw it, whatever a client claims."""
    passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if settings.TRUSTED_PROXIES and len(passed) >= settings.TRUSTED_PROXIES:
        with suppress(ValueError):
            return str(ip_address(passed[-settings.TRUSTED_PROXIES]))
    return request.META.get("REMOTE_ADDR") or None


def club_refs(request: HttpRequest) -> list[str] | None:
    """The refs of the clubs that the membership is limited to, None for all clubs. One query a request."""
    membership = membership_of(request)
    if membership is None or not membership.club_ids:
        return None
    known: list[str] | None = getattr(request, "_club_refs", None)
    if known is None:
        clubs = Club.objects.filter(pk__in=membership.club_ids)
        known = [ref for refs in clubs.values_list("refs", flat=True) for ref in refs]
        request._club_refs = known  # type: ignore[attr-defined]
    return known


def record(
    request: HttpRequest,
    action: str,
    about: models.Model | None = None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Note in the audit log what the request does, and the row it is about. One statement."""
    audit.record(
        action,
        by=actor(request),
        object_type=thing(about) if about is not None else "",
        object_id=about.pk if about is not None else "",
        before=before,
        after=after,
        ip=client_ip(request),
    )


def thing(row: models.Model | type[models.Model]) -> str:
    """How the audit log calls the kind of a row."""
    name = row._meta.model_name or ""
    return CALLED.get(name, name)


def record_look(
    request: HttpRequest,
    action: str,
    about: models.Model | type[models.Model],
    *,
    after: dict[str, Any] | None = None,
    within: timedelta = audit.ONE_LOOK,
) -> None:
    """Note that the request shows a row, or a list of a model; the same look going on is one entry. One statement."""
    audit.record_look(
        action, by=actor(request), object_type=thing(about), after=after, ip=client_ip(request), within=within,
        object_id=about.pk if isinstance(about, models.Model) else "",
    )  # fmt: skip


def plain(value: Any) -> Any:
    """A form's value as JSON keeps it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | dict):
        return value
    if isinstance(value, models.Model | UUID):
        return str(value.pk if isinstance(value, models.Model) else value)
    return str(value)
