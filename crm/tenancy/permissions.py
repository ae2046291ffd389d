"""The permission matrix: which role holds which right, and which API scope means the same. Pure but for choices."""

from collections.abc import Collection
from enum import StrEnum

from django.db.models import TextChoices


class Scope(StrEnum):
    """What an API credential may do."""

    READ = "crm:read"
    WRITE = "crm:write"
    ADMIN = "crm:admin"
    CAMPAIGNS = "crm:campaigns"
    SOCIAL = "crm:social"
    EVENTS = "crm:events"


class Right(StrEnum):
    """What a member of staff may do in the admin."""

    VIEW = "view"
    NOTE = "note"
    EDIT = "edit"
    MARKET = "market"
    MERGE = "merge"
    EXPORT = "export"
    DELETE = "delete"
    ADMINISTER = "administer"


class Role(TextChoices):
    ADMIN = "ADMIN", "Admin"
    MARKETING = "MARKETING", "Marketing Manager"
    STAFF = "STAFF", "Staff"
    VIEWER = "VIEWER", "Viewer"

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self]


_VIEWER = frozenset({Right.VIEW})
_STAFF = _VIEWER | {Right.NOTE}
_MARKETING = _STAFF | {Right.EDIT, Right.MARKET, Right.MERGE, Right.EXPORT}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _VIEWER,
    Role.STAFF: _STAFF,
    Role.MARKETING: _MARKETING,
    Role.ADMIN: frozenset(Right),
}
SCOPE_OF: dict[Right, Scope] = {
    Right.VIEW: Scope.READ,
    Right.EDIT: Scope.WRITE,
    Right.MARKET: Scope.CAMPAIGNS,
    Right.DELETE: Scope.ADMIN,
    Right.ADMINISTER: Scope.EVENTS,
}


def scopes_of(rights: Collection[Right]) -> frozenset[str]:
    """The API scopes of the same rights: what the browsable docs may do with a staff session."""
    return frozenset(str(scope) for right, scope in SCOPE_OF.items() if right in rights)
