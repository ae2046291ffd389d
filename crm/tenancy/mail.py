"""Staff mail: written in the transaction of its cause, sent afterwards, tried again, and never twice on purpose.

Claim (commit), act (no transaction), settle. A sender that dies between the last two leaves a row that is due
again in five minutes; its second letter carries the same Message-ID.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone

from crm.messaging.delivery import Channel, Gateway, Outcome, Outgoing, Result, Sender
from crm.messaging.gateways import mail_gateway
from crm.tenancy.models import StaffMail, StaffMembership, Tenant, User
from crm.tenancy.models.mail import LINK
from crm.tenancy.retention import delete_in_batches
from crm.tenancy.scope import scopes_disabled

log = structlog.get_logger(__name__)

BATCH = 20
CLAIM = timedelta(minutes=5)
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720)]
KEPT = timedelta(days=90)
Kind, State = StaffMail.Kind, StaffMail.State


def post(
    kind: str, to: str, template: str, context: Mapping[str, Any], *,
    tenant: Tenant | None, link: str = "", expires_at: datetime | None = None,
) -> StaffMail:  # fmt: skip
    """Write a mail that goes out after the commit. templates/mail/<template>.txt: its first line is the subject."""
    page: Any = get_template(f"mail/{template}.txt")
    words = page.template.render(Context({**context, "link": LINK}, autoescape=False))  # plain text
    subject, _, text = words.strip().partition("\n")
    mail: StaffMail = StaffMail.objects.create(
        kind=kind, to=to, subject=" ".join(subject.split())[:200], text=text.strip() + "\n",
        link=link, expires_at=expires_at, tenant=tenant,
    )  # fmt: skip
    return mail


def post_to_user(
    user: User, kind: str, template: str, context: Mapping[str, Any] | None = None, **fields: Any
) -> StaffMail:
    """Mail to the owner of an account, in the log of the one tenant that they are staff of, if it is one."""
    about = {"user": user, "name": user.get_short_name(), **(context or {})}
    with scopes_disabled():  # an account is of no tenant
        return post(kind, fields.pop("to", user.email), template, about, tenant=home_of(user), **fields)


def home_of(user: User) -> Tenant | None:
    """The tenant of an account that is staff of one and no operator's. One statement."""
    if user.is_superuser:
        return None
    with scopes_disabled():  # all memberships of one account
        found = list(StaffMembership.objects.filter(user=user).select_related("tenant")[:2])
    return found[0].tenant if len(found) == 1 else None


def send_due() -> int:
    """Send what is due, of all tenants; give how many were tried."""
    tried, gateway = 0, mail_gateway()
    with scopes_disabled():  # mail leaves by one door
        while claimed := _claim():
            _send(claimed, gateway)
            tried += len(claimed)
    return tried


@transaction.atomic
def _claim() -> list[StaffMail]:
    now = timezone.now()
    waiting = StaffMail.objects.filter(state=State.QUEUED, due_at__lte=now).order_by("due_at")
    claimed = list(waiting.select_for_update(skip_locked=True)[:BATCH])
    for mail in claimed:
        mail.attempts, mail.due_at = mail.attempts + 1, now + CLAIM
    StaffMail.objects.bulk_update(claimed, ["attempts", "due_at"])
    return claimed


def _send(claimed: list[StaffMail], gateway: Gateway) -> None:
    now = timezone.now()
    expired = [mail for mail in claimed if mail.expires_at and mail.expires_at <= now]
    for mail in expired:
        _settle(mail, state=State.FAILED, error="The link had expired before it could be sent.", link="")
    going = [mail for mail in claimed if mail not in expired]
    name, address = parseaddr(settings.EMAIL_FROM)
    outcomes = gateway.send([_outgoing(mail, Sender(name, address)) for mail in going])
    for mail, outcome in zip(going, outcomes, strict=True):
        _settle_as(mail, outcome, gateway)


def _outgoing(mail: StaffMail, sender: Sender) -> Outgoing:
    return Outgoing(
        str(mail.pk), Channel.EMAIL, mail.to, sender, subject=mail.subject, text=mail.letter,
        headers={"Auto-Submitted": "auto-generated"}, is_marketing=False,
    )  # fmt: skip


def _settle_as(mail: StaffMail, outcome: Outcome, gateway: Gateway) -> None:
    """Write what came of a mail, or when it is tried again: rather twice, with one Message-ID, than never."""
    if outcome.result == Result.ACCEPTED:
        kept = {} if gateway.name == "local" else {"link": ""}
        _settle(mail, state=State.SENT, sent_at=timezone.now(), gateway=gateway.name, error="", **kept)
        return
    over = outcome.result not in (Result.LATER, Result.UNKNOWN) or mail.attempts > len(WAITS)
    log.warning("staff_mail.not_sent", mail=str(mail.pk), attempts=mail.attempts, gave_up=over)
    if over:
        _settle(mail, state=State.FAILED, error=outcome.why, gateway=gateway.name, link="")
    else:
        due_at = timezone.now() + WAITS[mail.attempts - 1]
        _settle(mail, due_at=due_at, error=outcome.why, gateway=gateway.name)


def _settle(mail: StaffMail, **outcome: Any) -> None:
    """Write what came of it, unless the claim ran out and another sender has it."""
    mine = StaffMail.objects.filter(pk=mail.pk, state=State.QUEUED, attempts=mail.attempts)
    mine.update(**outcome)


def purge(now: datetime) -> int:
    """Forget links that have expired, and mail of more than 90 days ago, of all tenants."""
    with scopes_disabled():  # age alone decides
        StaffMail.objects.filter(expires_at__lt=now).exclude(link__isnull=True).update(link="")
        return delete_in_batches(StaffMail.objects.filter(created_at__lt=now - KEPT))
