"""What the demo's marketing is about to say: whom its clubs write as, templates, and drafts that nobody has scheduled.

Nothing is sent by loading a demo, so none of it is under way.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from campaigns import ready_made, services
from campaigns.models import MessageTemplate, Sender
from crm.demo.group import BY
from crm.tenancy.audit import record
from crm.tenancy.models import AuditEntry, Club
from crm.tenancy.scope import current_tenant
from segments.models import Segment

DRAFTED = "demo.campaigns_drafted"
TEMPLATES = ("newsletter", "membership-renewal", "reengagement", "welcome")


@transaction.atomic
def draft_campaigns(*, as_of: datetime) -> int:
    """Write the drafts, once; how many those were."""
    if AuditEntry.objects.filter(action=DRAFTED).exists():
        return 0
    for club in Club.objects.order_by("name"):
        Sender.objects.get_or_create(tenant=current_tenant(), club=club, defaults=_sender(club))
    Sender.objects.get_or_create(
        tenant=current_tenant(), club=None, defaults={"from_name": current_tenant().name}
    )
    templates = {key: _template(key) for key in TEMPLATES}
    drafts = list(_drafts(templates, as_of))
    for name, fields in drafts:
        services.create_campaign(name, by=BY, channels=["EMAIL"], **fields)
    record(DRAFTED, by=BY, after={"campaigns": len(drafts)})
    return len(drafts)


def _sender(club: Club) -> dict[str, Any]:
    return {
        "from_name": club.name, "from_email": club.email or "club@fairway.example",
        "postal_address": f"{club.name}, Fairway Road", "approval_from": 1_000, "control_percent": 2,
    }  # fmt: skip


def _template(key: str) -> MessageTemplate:
    """Some are every tenant's from the start."""
    return MessageTemplate.objects.kept().filter(key=key).first() or ready_made.take(key, by=BY)


def _drafts(templates: dict[str, MessageTemplate], as_of: datetime) -> list[tuple[str, dict[str, Any]]]:
    monday = as_of.replace(hour=7, minute=0, second=0, microsecond=0) + timedelta(days=7 - as_of.weekday())
    renewal, back = templates["membership-renewal"].pk, templates["reengagement"].pk
    return [
        ("Club news", {
            "description": "What is on at both clubs, on the first of the month.", "type": "RECURRING",
            "recur_pattern": "0 9 1 * *", "segment_ids": _segments("stageMember", "stageAdvocate"),
            "purpose": "NEWSLETTER", "templates": {"email_template_id": templates["newsletter"].pk},
        }),
        ("Renew before the season", {
            "description": "To members; two subjects, the better one goes to the rest.",
            "segment_ids": _segments("stageMember"), "scheduled_at": monday, "sample_percent": 20,
            "holdout_percent": 5, "variants": [
                {"email_template_id": renewal},
                {"email_template_id": renewal, "subject": "Your place on the first tee"},
            ],
        }),
        ("We miss you", {
            "description": "To who has not been with us for long.", "segment_ids": _segments("stageChurned"),
            "excluded_segment_ids": _segments("stageMember"), "scheduled_at": monday + timedelta(days=3),
            "send_mode": "LOCAL_TIME", "templates": {"email_template_id": back},
        }),
    ]  # fmt: skip


def _segments(*keys: str) -> list[Any]:
    rows = Segment.objects.kept().filter(is_system=True, key__in=keys)
    return list(rows.order_by("key").values_list("pk", flat=True))
