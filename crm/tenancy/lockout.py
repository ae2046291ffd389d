"""What django-axes asks us about failed log-ins: who, from where, counted how, and the page that follows.

Failures are counted per account and per address, so neither many addresses nor many accounts help to guess. In a
browser that the account has been in before, only failures from the owner's own address count: whoever guesses
elsewhere can't lock the owner out.
"""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from crm.tenancy.access import LONGEST, client_ip, posted
from crm.tenancy.accounts import record_account, tell, told_lately
from crm.tenancy.models import User

DEVICE = "fairway_device"
DEVICE_DAYS = 365


def username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Counted without regard to case, as accounts are found."""
    told = str(credentials.get("username") or "") if credentials else posted(request, "username")
    return told.replace("\0", "").strip().lower()[:LONGEST]


def parameters(asked: Any, credentials: dict[str, Any] | None) -> list[Any]:
    known = isinstance(asked, HttpRequest) and knows_device(asked, username(asked, credentials))
    return [["username", "ip_address"]] if known else ["username", "ip_address"]


def remember_device(response: HttpResponse, user: User) -> None:
    """Mark the browser as one that the account has been in."""
    response.set_cookie(
        DEVICE, _mark(user.email), max_age=DEVICE_DAYS * 86_400, httponly=True,
        secure=settings.SECURE, samesite="Lax", path="/admin/",
    )  # fmt: skip


def knows_device(request: HttpRequest, email: str) -> bool:
    return constant_time_compare(request.COOKIES.get(DEVICE, ""), _mark(email))


def _mark(email: str) -> str:
    return salted_hmac("fairway.device", email.lower(), algorithm="sha256").hexdigest()


def locked_out(request: HttpRequest, _original: Any, credentials: dict[str, Any] | None) -> HttpResponse:
    """The page for whoever is locked out, the same for accounts that there are and that there are not."""
    email, ip = username(request, credentials), client_ip(request)
    minutes = minutes_left(email, ip)
    user = User.objects.filter(email=email, is_active=True).first()
    subject = _("Too many failed log-ins at Fairway")
    if user is not None and is_locked(email) and not told_lately(email, subject):
        what = _("Somebody typed a wrong password too often, so your account takes none for a while.")
        tell(user, subject, what, ip=ip)
        record_account(user, "account.locked_out", ip=ip)
    context = {"limit": settings.AXES_FAILURE_LIMIT, "minutes": minutes}
    reply = render(request, "admin/locked_out.html", context, status=429)
    reply["Retry-After"] = str(60 * minutes)
    return reply


def is_locked(email: str) -> bool:
    """Are there too many failures for the account, from wherever?"""
    failures = _lately().filter(username=email).aggregate(count=Sum("failures_since_start"))["count"]
    return bool((failures or 0) >= settings.AXES_FAILURE_LIMIT)


def minutes_left(email: str, ip: str | None) -> int:
    last = _lately().filter(Q(username=email) | Q(ip_address=ip)).aggregate(at=Max("attempt_time"))["at"]
    left = (last or timezone.now()) + _cool_off() - timezone.now()
    return max(1, round(left.total_seconds() / 60))


def _lately() -> Any:
    return AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - _cool_off())


def _cool_off() -> timedelta:
    return timedelta(hours=settings.AXES_COOLOFF_TIME)
