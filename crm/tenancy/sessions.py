"""Where an account is logged in: remembered at the log-in, stamped now and then, ended by its owner."""

from datetime import datetime, timedelta

from django.contrib.auth import login
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from crm.tenancy.access import client_ip
from crm.tenancy.models import LoginSession, User
from crm.tenancy.retention import delete_in_batches

STAMP_EVERY = timedelta(minutes=5)
SEEN = "seen"  # the session's own note of its last stamp; only sessions made by enter() have it
BACKEND = "django.contrib.auth.backends.ModelBackend"


def enter(request: HttpRequest, user: User) -> None:
    """Log in, and remember where."""
    login(request, user, BACKEND)
    request.session[SEEN] = timezone.now().timestamp()
    request.session.save()  # for its key
    LoginSession.objects.create(
        user=user, session_key=request.session.session_key or "", ip=client_ip(request),
        user_agent=request.headers.get("User-Agent", "")[:300],
    )  # fmt: skip


def stamp(request: HttpRequest) -> None:
    """Note that the session is in use, at most every five minutes."""
    seen, now = request.session.get(SEEN), timezone.now()
    if seen is None or now.timestamp() - seen < STAMP_EVERY.total_seconds():
        return
    request.session[SEEN] = now.timestamp()
    own = LoginSession.objects.filter(session_key=request.session.session_key)
    own.update(last_seen_at=now, ip=client_ip(request))


def follow(request: HttpRequest, old_key: str | None) -> None:
    """The session has got a new key, as after a change of the password."""
    LoginSession.objects.filter(session_key=old_key).update(session_key=request.session.session_key)


def open_sessions(user: User) -> list[LoginSession]:
    live = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    return list(LoginSession.objects.filter(Exists(live), user=user))


def end(user: User, *, but: str | None = None, only: str | None = None) -> int:
    """Log the account out everywhere but in the session of key `but`, or in `only` one; gives in how many."""
    mine = LoginSession.objects.filter(user=user).exclude(session_key=but)
    if only is not None:
        mine = mine.filter(pk=only)
    keys = list(mine.values_list("session_key", flat=True))
    ended: int = Session.objects.filter(session_key__in=keys).delete()[0]
    LoginSession.objects.filter(session_key__in=keys).delete()
    return ended


def purge(now: datetime) -> int:
    """Delete sessions that are over."""
    deleted = delete_in_batches(Session.objects.filter(expire_date__lt=now))
    live = Session.objects.filter(session_key=OuterRef("session_key"))
    settled = now - timedelta(hours=1)  # a log-in under way writes its session last
    delete_in_batches(LoginSession.objects.filter(~Exists(live), created_at__lt=settled))
    return deleted
