"""Who reads and writes notes and entries by hand: which notes they see, and what they may change."""

from dataclasses import dataclass

from crm.errors import Forbidden
from crm.tenancy.auth import Credential
from crm.tenancy.models import StaffMembership
from crm.tenancy.permissions import Role, Scope
from timeline.models import Note, Visibility

LEVELS: dict[str, frozenset[str]] = {
    Role.VIEWER: frozenset({Visibility.ALL}),
    Role.STAFF: frozenset({Visibility.ALL, Visibility.STAFF}),
    Role.MARKETING: frozenset({Visibility.ALL, Visibility.STAFF, Visibility.MARKETING}),
    Role.ADMIN: frozenset(Visibility),
}


class NotTheAuthor(Forbidden):
    """Only its author or an Admin may change this."""

    code = "NOT_THE_AUTHOR"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody before notes.

    levels:     the visibilities they may read besides their own notes.
    is_admin:   may change what others wrote.
    is_person:  can keep a private note; what no person wrote, no author could read.
    """

    actor: str
    levels: frozenset[str]
    is_admin: bool
    is_person: bool = True

    def may_read(self, note: Note) -> bool:
        return note.author == self.actor or note.visibility in self.levels

    def may_change(self, author: str) -> bool:
        return self.is_admin or author == self.actor

    def require_change(self, author: str) -> None:
        """Raises NotTheAuthor."""
        if not self.may_change(author):
            raise NotTheAuthor


def staff_reader(membership: StaffMembership) -> Reader:
    return Reader(
        f"user:{membership.user_id}", LEVELS[membership.role], is_admin=membership.role == Role.ADMIN
    )


def api_reader(credential: Credential) -> Reader:
    """A key or token reads what all staff read, with crm:admin also what is kept for roles; nothing private."""
    if credential.membership is not None:
        return staff_reader(credential.membership)
    is_admin = Scope.ADMIN in credential.scopes
    levels = frozenset(Visibility) - {Visibility.PRIVATE} if is_admin else LEVELS[Role.VIEWER]
    return Reader(credential.actor, levels, is_admin=is_admin, is_person=False)
