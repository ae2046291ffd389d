"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

Every code works once, and only 96 wrong ones are taken in a day.
"""

import base64
import hashlib
import re
import secrets
import time
from datetime import timedelta
from hmac import compare_digest

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp.oath import hotp

from crm.tenancy.models import RecoveryCode, SecondFactor, StaffMembership, User

STEP = 30  # seconds
TOLERANCE = 1  # steps that a clock may be off
MOST_FAILURES, WINDOW = 96, timedelta(days=1)
RECOVERY_CODES = 10


class TooManyCodes(Exception):
    """Too many wrong codes were given in a day; str() says what to do."""

    def __str__(self) -> str:
        return _("Too many wrong codes. Try again tomorrow, or ask an Admin to reset your second factor.")


def is_on(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def is_missing(membership: StaffMembership) -> bool:
    """Does the tenant want a second factor of this role, and the account has none? A statement where it wants one."""
    return membership.role in membership.tenant.second_factor_roles and not is_on(membership.user)


def begin(user: User) -> SecondFactor:
    """A secret to put into the app, the same until its first code is given."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    factor, _made = SecondFactor.objects.get_or_create(user=user, defaults={"secret": secret})
    return factor


@transaction.atomic
def confirm(user: User, code: str) -> list[str]:
    """Turn it on with the app's first code; gives the recovery codes, which are shown this once.

    Empty when the code is wrong or it is on already. Raises TooManyCodes.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if factor is None or not _takes(factor, code):
        return []
    factor.confirmed_at = timezone.now()
    factor.save(update_fields=["confirmed_at"])
    return new_recovery_codes(user)


@transaction.atomic
def check(user: User, code: str) -> bool:
    """Is this the app's code of now, or an unused recovery code? Taken, it is used up. Raises TooManyCodes."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    return factor is not None and _takes(factor, code)


def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes; earlier ones stop."""
    with transaction.atomic():
        codes = [
            _readable(base64.b32encode(secrets.token_bytes(10)).decode()) for _number in range(RECOVERY_CODES)
        ]
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_digest(code)) for code in codes])
    return codes


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def turn_off(user: User) -> None:
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()


def _takes(factor: SecondFactor, code: str) -> bool:
    """Use a code up, or count the failure. The row is locked."""
    now = timezone.now()
    if factor.failing_since is None or now - factor.failing_since > WINDOW:
        factor.failures, factor.failing_since = 0, now
    if factor.failures >= MOST_FAILURES:
        raise TooManyCodes
    text = re.sub(r"[\s-]", "", code).upper()
    taken = _takes_totp(factor, text) or _takes_recovery(factor, text)
    factor.failures += not taken
    factor.save(update_fields=["failures", "failing_since", "last_step"])
    return taken


def _takes_totp(factor: SecondFactor, text: str) -> bool:
    if not re.fullmatch(r"[0-9]{6}", text):
        return False
    key, current = base64.b32decode(factor.secret), int(time.time()) // STEP
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if step > factor.last_step and compare_digest(f"{hotp(key, step):06d}", text):
            factor.last_step = step
            return True
    return False


def _takes_recovery(factor: SecondFactor, text: str) -> bool:
    unused = RecoveryCode.objects.filter(user=factor.user_id, digest=_digest(text), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def _digest(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _readable(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
