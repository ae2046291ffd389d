"""What happens to an account: a lost password, a new address, and what its owner is told about it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from crm.tenancy.mail import Kind, home_of, post_to_user
from crm.tenancy.models import AuditEntry, StaffMail, User
from crm.tenancy.scope import scopes_disabled

LINK_GOOD_FOR = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
MOST_AN_HOUR = 5
SALT = "fairway.new-address"


def ask_for_password(email: str) -> None:
    """Mail a link to whoever has this address, if anybody; the caller never learns whether. At most 5 an hour."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is not None and not _too_many(user.email, Kind.PASSWORD):
        send_password_link(user)


def send_password_link(user: User) -> None:
    """The link stops with its first use, with the next log-in, or after a day."""
    token = default_token_generator.make_token(user)
    address = reverse(
        "admin:password_reset_confirm", args=[urlsafe_base64_encode(force_bytes(user.pk)), token]
    )
    post_to_user(
        user, Kind.PASSWORD, "password",
        link=settings.PUBLIC_URL + address, expires_at=timezone.now() + LINK_GOOD_FOR,
    )  # fmt: skip


def ask_for_new_address(user: User, email: str) -> None:
    """Mail a link to the new address; an address that somebody has already gets none, and nobody is told."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exists() or _too_many(email, Kind.EMAIL):
        return
    token = signing.dumps([str(user.pk), user.email, email], salt=SALT)
    post_to_user(
        user, Kind.EMAIL, "email", to=email,
        link=f"{settings.PUBLIC_URL}{reverse('admin:account_new_address')}?token={token}",
        expires_at=timezone.now() + LINK_GOOD_FOR,
    )  # fmt: skip


def take_new_address(user: User, token: str) -> bool:
    """Log in with the new address from now on; the old one is told. False for a link that is not good any more."""
    try:
        pk, old, new = signing.loads(token, salt=SALT, max_age=LINK_GOOD_FOR)
    except signing.BadSignature:
        return False
    if (pk, old) != (str(user.pk), user.email):
        return False
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk, email=old).update(email=new)
    except IntegrityError:  # somebody else has taken it since
        return False
    what = _("You log in with %(new)s from now on.") % {"new": new}
    tell(user, _("Your e-mail address at Fairway was changed"), what, to=old)
    user.email = new
    return True


def tell(user: User, subject: str, what: str, *, ip: str | None = None, **fields: Any) -> None:
    """A security notice to the owner of an account."""
    advice = _("If it was not you, set a new password at once, and tell an Admin of your club group.")
    context = {"subject": subject, "what": what, "ip": ip, "when": timezone.now(), "advice": advice}
    post_to_user(user, Kind.NOTICE, "notice", context, **fields)


def told_lately(email: str, subject: str) -> bool:
    """Was this notice sent to the address less than an hour ago?"""
    since = timezone.now() - timedelta(hours=1)
    with scopes_disabled():  # an address is of no tenant
        return bool(StaffMail.objects.filter(to=email, subject=subject, created_at__gte=since).exists())


def record_account(user: User, action: str, *, ip: str | None, by: str = "") -> None:
    """Note what happened to an account in the audit log of its tenant, or of none where it has several."""
    with scopes_disabled():  # an account is of no tenant
        AuditEntry.objects.create(
            tenant=home_of(user), actor=by or f"user:{user.pk}", action=action, object_type="account",
            object_id=str(user.pk), ip=ip,
        )  # fmt: skip


def _too_many(email: str, kind: str) -> bool:
    since = timezone.now() - timedelta(hours=1)
    with scopes_disabled():  # an address is of no tenant
        sent: int = StaffMail.objects.filter(to=email, kind=kind, created_at__gte=since).count()
    return sent >= MOST_AN_HOUR
