"""What an operator or the demo sets up: tenants, their staff, their keys. Each act is in the audit log."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from crm.errors import Detail, DuplicateResource, NotFound, ValidationFailed
from crm.tenancy.audit import record
from crm.tenancy.models import ApiKey, Club, StaffMembership, Tenant, User
from crm.tenancy.permissions import Role, Scope
from crm.tenancy.scope import current_tenant, tenant_scope

Furnisher = Callable[..., object]
_furnishers: list[Furnisher] = []


def furnishes(furnish: Furnisher) -> Furnisher:
    """Register what apps above give a new tenant: furnish(by=…), in its scope and in the transaction that makes it."""
    _furnishers.append(furnish)
    return furnish


def find_tenant(slug: str) -> Tenant:
    """Raises NotFound, naming the slugs that exist."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise NotFound(
            f"There is no tenant “{slug}”{_choices(Tenant.objects.values_list('slug', flat=True))}"
        )
    return tenant


@transaction.atomic
def open_tenant(slug: str, name: str, *, by: str, **fields: Any) -> Tenant:
    """Create a tenant. Raises DuplicateResource for a taken slug, ValidationFailed for values it can't have."""
    if Tenant.objects.filter(slug=slug).exists():
        raise DuplicateResource(f"There is a tenant “{slug}” already.")
    tenant = Tenant(slug=slug, name=name, **fields)
    _clean(tenant)
    tenant.save()
    with tenant_scope(tenant):
        record(
            "tenant.created",
            by=by,
            object_type="tenant",
            object_id=tenant.pk,
            after={"slug": slug, "name": name},
        )
        for furnish in _furnishers:
            furnish(by=by)
    return tenant


@transaction.atomic
def hire(
    email: str, role: str, *, by: str, full_name: str = "", clubs: Collection[str] = (), password: str = ""
) -> tuple[StaffMembership, bool]:
    """Give someone a role in the open tenant; the second value says whether the account is new.

    clubs:    names or refs of the clubs they are limited to; none = every club.
    password: set on a new account alone; a new one without can't log in until a password is set.
    Raises DuplicateResource when they are staff here already, ValidationFailed for an unknown role or club,
    an unusable e-mail or too weak a password.
    """
    if role not in Role.values:
        raise _invalid("role", f"There is no role “{role}”{_choices(Role.values)}")
    found = User.objects.filter(email=email.strip().lower()).first()
    if found and StaffMembership.objects.filter(user=found).exists():
        raise DuplicateResource(f"{found.email} is staff here already.")
    user = found or _new_account(email, full_name, password)
    limited_to = [str(pk) for pk in _club_ids(clubs)]
    membership: StaffMembership = StaffMembership.objects.create(
        tenant=current_tenant(), user=user, role=role, club_ids=limited_to
    )
    after = {"email": user.email, "role": role, "clubs": limited_to}
    record(
        "staffmembership.created", by=by, object_type="staffmembership", object_id=membership.pk, after=after
    )
    return membership, found is None


@transaction.atomic
def issue_key(
    name: str,
    scopes: Collection[str],
    *,
    by: str,
    sources: Collection[str] = (),
    sees_as: str = "",
    limits: Mapping[str, int] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Issue an API key in the open tenant; the second value is the key itself, which is kept nowhere.

    Raises ValidationFailed for an unknown scope or a bad name.
    """
    unknown = sorted(set(scopes) - {scope.value for scope in Scope})
    if unknown or not scopes:
        what = f"There is no scope {', '.join(unknown)}" if unknown else "Give at least one scope"
        raise _invalid("scopes", f"{what}{_choices(scope.value for scope in Scope)}")
    try:
        key, secret = ApiKey.issue(
            name=name, scopes=list(scopes), sources=list(sources), sees_as=sees_as, limits=dict(limits or {}),
            tenant=current_tenant(), expires_at=expires_at, created_by=by,
        )  # fmt: skip
    except ValidationError as error:
        raise _failed(error) from None
    after = {"name": name, "prefix": key.prefix, "scopes": list(scopes), "sources": list(sources)}
    after |= {"sees_as": sees_as} if sees_as else {}
    record("apikey.issued", by=by, object_type="apikey", object_id=key.pk, after=after)
    return key, secret


def _new_account(email: str, full_name: str, password: str) -> User:
    user = User(email=email.strip().lower(), full_name=full_name, is_staff=True)
    try:
        if password:
            validate_password(password, user)
        user.set_password(password or None)
        user.full_clean()
    except ValidationError as error:
        raise _failed(error) from None
    user.save()
    return user


def _club_ids(names: Collection[str]) -> list[Any]:
    clubs = list(Club.objects.all())
    found = {key: club.pk for club in clubs for key in (club.name, *club.refs)}
    unknown = [name for name in names if name not in found]
    if unknown:
        known = _choices(ref for club in clubs for ref in club.refs)
        raise _invalid("clubs", f"There is no club {', '.join(unknown)}{known}")
    return sorted({found[name] for name in names})


def _clean(row: Any) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise _failed(error) from None


def _failed(error: ValidationError) -> ValidationFailed:
    fields = error.message_dict if hasattr(error, "error_dict") else {"password": error.messages}
    details = [Detail(field, "INVALID_FIELD", text) for field, texts in fields.items() for text in texts]
    return ValidationFailed(
        " ".join(f"{detail.field}: {detail.message}" for detail in details), details=details
    )


def _invalid(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, details=[Detail(field, "INVALID_FIELD", message)])


def _choices(values: Any) -> str:
    names = ", ".join(values)
    return f"; there are {names}." if names else "."
