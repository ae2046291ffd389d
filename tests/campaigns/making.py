"""Campaigns for tests: people, a list of them, words, and a campaign to them."""

from typing import Any

from django.utils import timezone

from campaigns import lifecycle, services
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignVariant,
    Message,
    MessageTemplate,
    Sender,
    TemplateContent,
)
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile
from segments.models import Segment, SegmentMember
from segments.services import create_segment
from tests.factories import CustomerProfileFactory

FOOTER = " {{ club.address }} {{ unsubscribeUrl }}"
AUTHOR, SECOND = "user:author", "user:second"


def people(count: int, **fields: Any) -> list[CustomerProfile]:
    """Some who agreed to everything."""
    agreed = {"email_opt_in": True, "sms_opt_in": True, "push_opt_in": True, "whatsapp_opt_in": True}
    return [CustomerProfileFactory(**(agreed | fields)) for _ in range(count)]


def list_of(who: list[CustomerProfile], name: str = "Some people") -> Segment:
    """A segment of exactly these."""
    segment = create_segment(name, by=AUTHOR, type="STATIC")
    rows = [
        SegmentMember(tenant=current_tenant(), segment=segment, customer=one, joined_at=segment.created_at)
        for one in who
    ]
    SegmentMember.objects.bulk_create(rows)
    return segment


def words(
    channel: str = "EMAIL", body: str = "Hello", name: str = "", footer: str = FOOTER, **fields: Any
) -> MessageTemplate:
    """A template with a text in English."""
    number = MessageTemplate.objects.count()
    template = MessageTemplate.objects.create(
        tenant=current_tenant(), name=name or f"{channel} {number}", channel=channel
    )
    if channel == "EMAIL":
        body += footer
    said = {"subject": "Hello", "html": body, "text": body} if channel == "EMAIL" else {"text": body}
    TemplateContent.objects.create(
        tenant=current_tenant(), template=template, language="en", body=body, **(said | fields)
    )
    return template


def campaigns_in_each_state(variant: str) -> dict[str, Any]:
    """One that could be scheduled, one that waits for a second person, one under way with a sample, one paused, and a
    message of which nobody knows. variant: the id that the variant of the one under way is to have."""
    who = people(1)
    Sender.objects.create(
        tenant=current_tenant(), approval_from=1, from_email="club@example.com", postal_address="1 Fairway Road",
        dns={"spf": {"ok": True}}, dns_checked_at=timezone.now(),
    )  # fmt: skip
    found = {name: campaign(who, name=name) for name in ("campaign", "scheduled", "running", "paused")}
    lifecycle.schedule_campaign(found["scheduled"].pk, by=AUTHOR)
    Campaign.objects.filter(pk=found["running"].pk).update(status="ACTIVE")
    Campaign.objects.filter(pk=found["paused"].pk).update(status="PAUSED", pause_reason="USER")
    CampaignVariant.objects.create(pk=variant, tenant=current_tenant(), campaign=found["running"], name="B")
    run = CampaignRun.objects.create(
        tenant=current_tenant(), campaign=found["running"], scheduled_for=timezone.now(), state="SENDING"
    )
    message = Message.objects.create(
        tenant=current_tenant(), customer=who[0], recorded_for=who[0].pk, run=run, channel="EMAIL",
        message_class="MARKETING", state="UNKNOWN", reason="NO_ANSWER",
    )  # fmt: skip
    return {**found, "message": message}


def campaign(
    who: list[CustomerProfile] | None = None,
    *,
    channels: tuple[str, ...] = ("EMAIL",),
    club: Club | None = None,
    **fields: Any,
) -> Campaign:
    """A draft that could be scheduled, to these people."""
    if who is not None:
        fields.setdefault("segment_ids", [list_of(who, f"List {Segment.objects.count()}").pk])
    templates = {f"{one.lower()}_template_id": words(one).pk for one in channels if one != "SOCIAL"}
    variants = fields.pop("variants", None)
    if variants:
        variants = [templates | one for one in variants]
    return services.create_campaign(
        fields.pop("name", "Winter offer"), by=fields.pop("by", AUTHOR), channels=list(channels),
        club_id=club.pk if club else None, variants=variants or (), templates=None if variants else templates,
        **fields,
    )  # fmt: skip


def message_to(person: CustomerProfile, **fields: Any) -> Message:
    """A test message that was sent to somebody."""
    usual = {"origin": "TEST", "channel": "EMAIL", "message_class": "MARKETING", "state": "SENT"}
    usual |= {"address": person.email}
    return Message.objects.create(
        tenant=person.tenant, customer=person, recorded_for=person.pk, **(usual | fields)
    )
