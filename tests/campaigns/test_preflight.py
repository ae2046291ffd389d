"""What would go wrong with a campaign: every check has something that fails it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import preflight as module
from campaigns import templates
from campaigns.findings import Level
from campaigns.models import Campaign, CampaignRun, CampaignVariant, Link, Sender, TemplateContent
from campaigns.preflight import preflight
from campaigns.services import create_campaign
from campaigns.writing import Wording
from crm.tenancy.models import Tenant
from segments.models import Segment
from segments.services import create_segment
from tests.campaigns.making import AUTHOR, campaign, list_of, people, words

pytestmark = pytest.mark.usefixtures("tenant")
FOOTER = "<p>{{ club.address }} <a href='{{ unsubscribeUrl }}'>Stop</a></p>"


def mail(body: str, channel: str = "EMAIL", **fields: Any) -> Campaign:
    """A campaign that says this to two people."""
    subject = "Hello" if channel == "EMAIL" else ""
    template = templates.create_template(
        f"T{Campaign.objects.count()}",
        by=AUTHOR,
        channel=channel,
        contents=[Wording("en", subject=subject, body=body)],
    )
    who = fields.pop("who", None) or people(2)
    return create_campaign(
        "Offer", by=AUTHOR, channels=[channel], segment_ids=[list_of(who, f"L{Segment.objects.count()}").pk],
        templates={f"{channel.lower()}_template_id": template.pk}, **fields,
    )  # fmt: skip


def codes(one: Campaign, level: Level | None = None) -> set[str]:
    return {found.code for found in preflight(one) if level in (None, found.level)}


def stale() -> Campaign:
    rules = [{"field": "isVip", "operator": "eq", "value": True}]
    return campaign(segment_ids=[create_segment("VIPs", by=AUTHOR, criteria=rules).pk])


def broken() -> Campaign:
    one = campaign(people(1))
    Segment.objects.update(refresh_error="no")
    return one


def gone() -> Campaign:
    one = campaign(people(1))
    Segment.objects.update(deleted_at=timezone.now())
    return one


def jump() -> Campaign:
    before = campaign(people(1))
    CampaignRun.objects.create(
        tenant=before.tenant,
        campaign=before,
        scheduled_for=timezone.now(),
        built_at=timezone.now(),
        target_count=1,
    )
    return campaign(people(3))


def silent_variant() -> Campaign:
    return campaign(people(1), variants=[{}, {"email_template_id": None}])


def bare(footer: str) -> Campaign:
    """With words that lack something."""
    one = campaign(people(1))
    CampaignVariant.objects.update(email_template=words(footer=footer))
    return one


def dead_link() -> Campaign:
    template = words()
    Link.objects.create(
        tenant=template.tenant,
        content=TemplateContent.objects.get(template=template),
        position=0,
        url="https://nowhere/",
    )
    one = campaign(people(1))
    CampaignVariant.objects.update(email_template=template)
    return one


def night() -> Campaign:
    at = timezone.now().replace(hour=23) + timedelta(days=2)
    return mail("Hi", "SMS", scheduled_at=at)


FAILING: dict[str, Callable[[], Campaign]] = {
    "CHANNEL_REQUIRED": lambda: create_campaign("x", by=AUTHOR),
    "SEGMENT_REQUIRED": campaign,
    "SEGMENT_NOT_FOUND": gone,
    "SEGMENT_BROKEN": broken,
    "SEGMENT_STALE": stale,
    "AUDIENCE_EMPTY": lambda: campaign([]),
    "AUDIENCE_JUMP": jump,
    "NO_CONTENT": silent_variant,
    "INVALID_SCHEDULE": lambda: campaign(people(1), type="RECURRING"),
    "NOT_CARRIED_OUT_YET": lambda: campaign(people(1), type="TRIGGERED"),
    "OPENS_AS_METRIC": lambda: campaign(people(1), variants=[{}, {}], winner_metric="OPENS"),
    "SAMPLE_TOO_SMALL": lambda: campaign(people(1), variants=[{}, {}], sample_percent=10),
    "SENDER_ADDRESS_MISSING": lambda: campaign(people(1)),
    "POSTAL_ADDRESS_MISSING": lambda: campaign(people(1)),
    "DOMAIN_NOT_VERIFIED": lambda: campaign(people(1)),
    "UNSUBSCRIBE_MISSING": lambda: bare("{{ club.address }}"),
    "ADDRESS_NOT_SHOWN": lambda: bare("{{ unsubscribeUrl }}"),
    "BROKEN_LINK": dead_link,
    "UNDEFINED_VARIABLE": lambda: mail(f"<p>{{{{ handicap }}}}</p>{FOOTER}"),
    "SMS_PARTS": lambda: mail("x" * 161, "SMS"),
    "QUIET_HOURS": night,
}


@pytest.mark.parametrize("code", FAILING)
def test_each_check_finds_what_it_is_for(code: str) -> None:
    assert code in codes(FAILING[code]())


def test_nothing_is_found_where_all_is_well(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    Sender.objects.create(
        tenant=tenant, from_email="club@example.com", postal_address="1 Fairway Road", dns={"spf": {"ok": True}},
        dns_checked_at=timezone.now(),
    )  # fmt: skip
    assert codes(mail(f"<p>Hello {{{{ firstName }}}}</p>{FOOTER}")) == set()


def test_domain_and_addresses_only_warn_where_nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    one = campaign(people(1))
    of_sender = {"SENDER_ADDRESS_MISSING", "POSTAL_ADDRESS_MISSING", "DOMAIN_NOT_VERIFIED"}
    assert of_sender <= codes(one, Level.WARNING)
    monkeypatch.setattr(module, "is_local", lambda: False)
    assert of_sender <= codes(one, Level.ERROR)
