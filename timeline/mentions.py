"""Mentioning staff in notes: who can be, how they are named, and what they have not seen yet."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.errors import BusinessRule, Detail
from crm.tenancy.models import StaffMembership, User
from crm.tenancy.permissions import Role
from customers.models import CustomerProfile
from customers.visibility import who_may_see
from timeline.markdown import mentioned, replace_mentions
from timeline.models import Note, NoteMention
from timeline.readers import LEVELS

GONE = "somebody who left"


class MentionNotAllowed(BusinessRule):
    """Somebody mentioned may not see this note."""

    code = "MENTION_NOT_ALLOWED"


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the tenant's staff. label: how a text names them, unique among staff."""

    id: UUID
    name: str
    email: str
    role: str
    label: str
    may_see: bool


def colleagues(customer: CustomerProfile, visibility: str, *, author: str) -> list[Colleague]:
    """All active staff, and who of them may see a note of `visibility` about `customer`. At most five statements."""
    staff = StaffMembership.objects.filter(is_active=True, user__is_active=True).select_related("user")
    members = sorted(staff, key=lambda member: str(member.user).lower())
    seeing = {member.pk for member in who_may_see(customer, members)}
    names = [str(member.user).lower() for member in members]
    return [
        Colleague(
            member.user_id,
            str(member.user),
            member.user.email,
            Role(member.role).label,
            _label(member.user, names),
            member.pk in seeing and (visibility in LEVELS[member.role] or author == f"user:{member.user_id}"),
        )
        for member in members
    ]


def _label(user: User, names: Collection[str]) -> str:
    """The name, or the e-mail where the name is somebody else's too or can't stand between brackets."""
    name = str(user)
    is_plain = not any(sign in name for sign in "[]\n")
    return name if is_plain and list(names).count(name.lower()) == 1 else user.email


def resolve(
    text: str, customer: CustomerProfile, visibility: str, *, author: str, before: str = ""
) -> tuple[str, list[UUID]]:
    """The text with every @[name, e-mail or id] as @[id], and the ids of those who are still staff.

    before: the stored text that this one replaces; whom it mentions and who has left since may stand in it still.
    Raises MentionNotAllowed, naming everybody who is unknown or may not see the note.
    """
    wanted = mentioned(text)
    if not wanted:
        return text, []
    known: dict[str, Colleague] = {}
    for one in colleagues(customer, visibility, author=author):
        known |= {str(one.id): one, one.email.lower(): one, one.label.lower(): one}
    left = set(mentioned(before)) - known.keys()
    found = {who: known.get(who.lower()) for who in wanted if who not in left}
    problems = [
        Detail("body", "MENTION_NOT_ALLOWED", _problem(who, one))
        for who, one in found.items()
        if one is None or not one.may_see
    ]
    if problems:
        raise MentionNotAllowed(" ".join(problem.message for problem in problems), details=problems)
    ids = {who: one.id for who, one in found.items() if one}
    return replace_mentions(text, lambda who: str(ids.get(who, who))), list(dict.fromkeys(ids.values()))


def _problem(who: str, found: Colleague | None) -> str:
    if found is None:
        return f"There is no member of staff “{who}” here to mention."
    return f"{found.name} can’t be mentioned: they may not see this note."


def labelled(text: str) -> str:
    """A stored text as its author edits it: @[id] as @[name]. Two statements where somebody is mentioned."""
    ids = _ids([text])
    if not ids:
        return text
    members = StaffMembership.objects.filter(is_active=True, user__is_active=True).select_related("user")
    users = [member.user for member in members]
    names = [str(user).lower() for user in users]
    labels = {str(user.pk): _label(user, names) for user in users}
    return replace_mentions(text, lambda who: labels.get(who, who))


def names_in(texts: Iterable[str]) -> dict[str, str]:
    """Id -> name of everybody whom stored texts mention. One statement."""
    ids = _ids(texts)
    if not ids:
        return {}
    names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=ids)}
    return {str(pk): names.get(str(pk), GONE) for pk in ids}


def _ids(texts: Iterable[str]) -> set[UUID]:
    found: set[UUID] = set()
    for text in texts:
        for who in mentioned(text):
            try:
                found.add(UUID(who))
            except ValueError:
                continue
    return found


def keep_mentions(note: Note, users: Collection[UUID]) -> None:
    """Bring the note's mentions in step with its text; who was told already is not told again. Two statements."""
    NoteMention.objects.filter(note=note).exclude(user__in=users).delete()
    author = note.author.removeprefix("user:")
    rows = [
        NoteMention(
            tenant_id=note.tenant_id,
            note=note,
            user_id=user,
            seen_at=timezone.now() if str(user) == author else None,
        )
        for user in users
    ]
    NoteMention.objects.bulk_create(rows, ignore_conflicts=True)


def unseen(user: Any, readable: Any) -> Any:
    """The mentions of `user` that they have not looked at, in notes that they may read and nobody deleted."""
    return NoteMention.objects.filter(user=user, seen_at=None, note__in=readable.values("pk"))


def mark_seen(user: Any, notes: Collection[UUID]) -> int:
    """Remember that `user` has looked at these notes; how many mentions were new to them."""
    if not notes:
        return 0
    mine = NoteMention.objects.filter(user=user, seen_at=None, note__in=notes)
    count: int = mine.update(seen_at=timezone.now())
    return count
