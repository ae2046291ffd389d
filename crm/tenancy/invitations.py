"""Inviting somebody by mail, and what becomes of the invitation: sent again, taken back, accepted once.

Nobody is staff before they have accepted, and whoever invites does not learn whether the address has an account
elsewhere: both kinds of people get the same mail.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from crm.errors import DuplicateResource
from crm.tenancy.audit import record
from crm.tenancy.mail import Kind, post
from crm.tenancy.models import Invitation, StaffMembership, User
from crm.tenancy.scope import current_tenant, scopes_disabled, tenant_scope

GOOD_FOR = timedelta(days=7)


class InvitationGone(Exception):
    """The invitation was accepted or taken back."""


@transaction.atomic
def invite(
    email: str, role: str, *, by: str, full_name: str = "", club_ids: list[UUID] | None = None
) -> Invitation:
    """Invite somebody into the open tenant. Raises DuplicateResource when they are staff or invited already."""
    email = email.strip().lower()
    if StaffMembership.objects.filter(user__email=email).exists():
        raise DuplicateResource(
            "There is an account with this e-mail here already; reactivate it if need be."
        )
    try:
        with transaction.atomic():
            invitation: Invitation = Invitation.objects.create(
                tenant=current_tenant(), email=email, full_name=full_name, role=role, created_by=by,
                club_ids=club_ids or [], expires_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:
        raise DuplicateResource("They are invited already; send that invitation again.") from None
    after = {"email": email, "role": role, "clubs": [str(pk) for pk in invitation.club_ids]}
    _record("invitation.created", invitation, by=by, after=after)
    _mail(invitation, by)
    return invitation


@transaction.atomic
def resend(invitation: Invitation, *, by: str) -> None:
    """Mail a new link, good for seven days; the earlier one stops. Raises InvitationGone."""
    _mail(_open(invitation), by)
    _record("invitation.resent", invitation, by=by)


@transaction.atomic
def revoke(invitation: Invitation, *, by: str) -> None:
    """Take an invitation back. Raises InvitationGone."""
    _open(invitation)
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=timezone.now())
    _record("invitation.revoked", invitation, by=by)


def find(token: str) -> Invitation | None:
    """The open invitation of a link, of whatever tenant. One statement."""
    with scopes_disabled():  # the token tells the tenant
        found: Invitation | None = (
            Invitation.objects.select_related("tenant").filter(token_hash=digest(token)).first()
        )
    return found if found and found.is_open and found.tenant.is_active else None


def account_of(invitation: Invitation) -> User | None:
    """The account that the address has already, with a password of its own."""
    user = User.objects.filter(email=invitation.email).first()
    return user if user and user.has_usable_password() else None


def accept(invitation: Invitation, *, full_name: str = "", password: str = "") -> User:
    """Make them staff: with the account they have, or a new one with this name and password.

    The caller has checked the password of an account that exists. Raises InvitationGone, and Django's
    ValidationError for too weak a password.
    """
    with tenant_scope(invitation.tenant), transaction.atomic():
        invitation = _open(invitation)
        user = account_of(invitation) or _account(invitation, full_name, password)
        membership, _ = StaffMembership.objects.get_or_create(
            user=user, tenant=invitation.tenant,
            defaults={"role": invitation.role, "club_ids": invitation.club_ids},
        )  # fmt: skip
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
        after = {
            "email": user.email,
            "role": membership.role,
            "clubs": [str(pk) for pk in membership.club_ids],
        }
        _record("invitation.accepted", invitation, by=f"user:{user.pk}", after=after)
    return user


def _account(invitation: Invitation, full_name: str, password: str) -> User:
    """The mailbox is proven by the link, so an account that never had a password gets this one."""
    user = User.objects.filter(email=invitation.email).first() or User(email=invitation.email, is_staff=True)
    user.full_name = full_name or invitation.full_name
    validate_password(password, user)
    user.set_password(password)
    user.save()
    return user


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _open(invitation: Invitation) -> Invitation:
    """The invitation as it is now, locked. Raises InvitationGone when it was accepted or taken back."""
    found: Invitation | None = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("tenant")
        .filter(pk=invitation.pk)
        .first()
    )
    if found is None or found.accepted_at or found.revoked_at:
        raise InvitationGone
    return found


def _mail(invitation: Invitation, by: str) -> None:
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.expires_at = digest(token), timezone.now() + GOOD_FOR
    invitation.save(update_fields=["token_hash", "expires_at"])
    inviter = User.objects.filter(pk=by.removeprefix("user:")).first() if by.startswith("user:") else None
    post(
        Kind.INVITATION, invitation.email, "invitation",
        {"invitation": invitation, "tenant": invitation.tenant, "inviter": inviter},
        tenant=invitation.tenant, expires_at=invitation.expires_at,
        link=settings.PUBLIC_URL + reverse("admin:invitation", args=[token]),
    )  # fmt: skip


def _record(action: str, invitation: Invitation, *, by: str, after: dict[str, Any] | None = None) -> None:
    record(action, by=by, object_type="invitation", object_id=invitation.pk, after=after)
