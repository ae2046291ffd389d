"""Who calls the API: an API key, another system's token, or staff in their session."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from crm.errors import TokenInvalid, Unauthorized
from crm.tenancy.masks import Masks, masks_of
from crm.tenancy.models import ApiKey, StaffMembership, Tenant
from crm.tenancy.permissions import Role, scopes_of
from crm.tenancy.scope import scopes_disabled, tenant_scope
from crm.tenancy.tokens import read_token

KEY_MARK = "fw_"


@dataclass(frozen=True, slots=True)
class Credential:
    """A caller that is who it says, and what it may do in its one tenant.

    id:      distinguishes callers for limits and idempotency keys.
    actor:   how the caller is written in logs and histories: key:…, token:… or user:….
    sources: event sources it may send; empty = all.
    limits:  requests a minute by kind, where they differ from the tenant's.
    membership: of a member of staff, in their session or by a token of theirs; None for keys and other tokens.
    given:   the scopes that a token of staff carries, which narrow every right of theirs; None = no token of theirs.
    role:    whose masks hold for what it reads; empty = nothing is kept from it.
    """

    id: str
    tenant: Tenant
    actor: str
    scopes: frozenset[str]
    sources: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    membership: StaffMembership | None = None
    given: frozenset[str] | None = None
    role: str = ""
    by_session: bool = False

    @property
    def masks(self) -> Masks:
        return masks_of(self.role, self.tenant.masks)


def authenticate(header: str) -> Credential:
    """Check an Authorization header. Raises Unauthorized, TokenExpired, TokenInvalid or ServiceUnavailable."""
    scheme, _, secret = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized("Send “Authorization: Bearer …” with an API key or a token.")
    secret = secret.strip()
    return _by_key(secret) if secret.startswith(KEY_MARK) else _by_token(secret)


def by_membership(membership: StaffMembership) -> Credential:
    """What a member of staff may do in the API, while they read its documentation."""
    actor = f"user:{membership.user_id}"
    return Credential(
        actor, membership.tenant, actor, scopes_of(membership.rights), membership=membership, role=membership.role,
        by_session=True,
    )  # fmt: skip


def _by_key(text: str) -> Credential:
    prefix, _, secret = text.removeprefix(KEY_MARK).partition("_")
    now = timezone.now()
    with scopes_disabled():  # the key tells the tenant
        found = ApiKey.objects.select_related("tenant").filter(prefix=prefix) if prefix.isalnum() else ()
        key: ApiKey | None = next(iter(found), None)
    if key is None or not key.tenant.is_active or not key.opens_with(secret, now=now):
        raise Unauthorized("This API key is unknown, revoked or expired.")
    with tenant_scope(key.tenant):
        key.stamp_use(now=now)
    name, scopes = f"key:{key.prefix}", frozenset(key.scopes)
    if key.sees_as:
        scopes &= scopes_of(Role(key.sees_as).rights)
    return Credential(
        name, key.tenant, name, scopes, frozenset(key.sources), key.limits, role=key.sees_as,
    )  # fmt: skip


def _by_token(text: str) -> Credential:
    claims = read_token(text)
    tenant = _tenant(claims.tenant)
    if tenant is None or (claims.tenants and claims.tenants.isdisjoint({tenant.slug, str(tenant.pk)})):
        raise TokenInvalid
    caller = sha256(f"{claims.issuer}\n{claims.subject}".encode()).hexdigest()[:32]
    name = f"token:{caller}"
    membership = _membership(tenant, claims.subject)
    if membership is None:
        return Credential(name, tenant, f"token:{claims.subject}", claims.scopes)
    if not (membership.is_active and membership.user.is_active):
        raise Unauthorized("This member of staff is deactivated.")
    scopes = claims.scopes & scopes_of(membership.rights)
    actor = f"user:{membership.user_id}"
    return Credential(
        name, tenant, actor, scopes, membership=membership, given=claims.scopes, role=membership.role
    )


def _membership(tenant: Tenant, subject: str) -> StaffMembership | None:
    """Of the member of staff whom a token's subject names by e-mail or id; one statement where it looks like either."""
    try:
        who = Q(user__pk=UUID(subject))
    except ValueError:
        who = Q(user__email=subject.lower()) if "@" in subject and "\0" not in subject else Q()
    if not who:
        return None
    with tenant_scope(tenant):
        found: StaffMembership | None = (
            StaffMembership.objects.filter(who).select_related("tenant", "user").first()
        )
    return found


def _tenant(named: str) -> Tenant | None:
    """The active tenant of a slug or UUID."""
    wanted = Q(slug=named.replace("\0", ""))
    with suppress(ValueError):
        wanted |= Q(pk=UUID(named))
    return Tenant.objects.filter(wanted, is_active=True).first()
