"""Campaigns in a real browser: made with the mouse, scheduled, looked at while they go and when they are over."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns import lifecycle, services, statistics
from campaigns.models import Campaign, CampaignRun, CampaignStatus, Interaction, Message
from crm.tenancy.models import Tenant
from tests.campaigns.making import AUTHOR, campaign, list_of, people, words
from tests.e2e.checks import axe, flaws

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]
CAMPAIGNS = "/admin/campaigns/campaign/"


@pytest.fixture
def crowd(transactional_db: None, tenant: Tenant) -> list[Any]:
    who = people(12)
    segment = list_of(who, "Members of Fynbos")
    segment.member_count = len(who)
    segment.save(update_fields=["member_count"])
    words("EMAIL", "Come along", name="Captain’s day invitation")
    words("EMAIL", "Do come along", name="Captain’s day, shorter")
    return who


def sent_to(who: list[Any]) -> Campaign:
    """A campaign with two variants that most of these got."""
    one = campaign(who, variants=[{}, {"subject": "Win a fourball this weekend"}], name="Winter special")
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    CampaignRun.objects.filter(campaign=one).update(state="SENDING", built_at=timezone.now(), target_count=12)
    run, now = CampaignRun.objects.get(campaign=one), timezone.now()
    both = services.variants_of(one)
    for number, person in enumerate(who):
        done: dict[str, Any] = {
            "state": "DELIVERED",
            "variant": both[number % 2],
            "sent_at": now,
            "delivered_at": now,
        }
        if number > 8:
            done = {"state": "SKIPPED", "reason": ("REFUSED", "HOLDOUT", "CAPPED")[number % 3]}
        elif number % 3 == 0:
            done |= {"opened_at": now, "first_open_at": now, "clicked_at": now, "first_click_at": now}
        made = Message.objects.create(
            tenant=run.tenant, customer=person, recorded_for=person.pk, run=run, channel="EMAIL", gateway="local",
            message_class="MARKETING", address=person.email, subject="A winter fourball for the price of three", **done,
        )  # fmt: skip
        if "clicked_at" in done:
            for kind in ("OPENED", "CLICKED"):
                Interaction.objects.create(
                    tenant=run.tenant, message=made, kind=kind, key="1", at=now, is_human=True
                )
    statistics.recount(run)
    return one


def test_a_campaign_is_made_and_scheduled_with_the_mouse(log_in: LogIn, crowd: list[Any]) -> None:
    page = log_in()
    page.goto(CAMPAIGNS)
    page.get_by_role("link", name="Make the first one").click()
    page.get_by_label("Name", exact=True).fill("Captain’s day")
    page.get_by_role("checkbox", name="Members of Fynbos").first.check()
    expect(page.locator(".preview-count")).to_contain_text("12")
    expect(page.locator(".reach")).to_contain_text("of 12 with an address")
    expect(page.get_by_label("SMS", exact=True).nth(1)).to_be_hidden()
    page.get_by_label("E-mail", exact=True).nth(1).select_option(label="Captain’s day invitation")
    page.get_by_role("button", name="Try another way of saying it").click()
    second = page.get_by_role("group", name="Variant B")
    second.get_by_label("E-mail", exact=True).select_option(label="Captain’s day, shorter")
    assert [*flaws(page), *axe(page)] == []
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/campaign/*-*/**")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Captain’s day")
    assert [*flaws(page), *axe(page)] == []
    page.get_by_role("button", name="Schedule").click()
    expect(page.get_by_text("It is on the schedule.")).to_be_visible()
    assert Campaign.objects.get().status == CampaignStatus.SCHEDULED


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_report_the_calendar_and_the_log_can_be_read(
    log_in: LogIn, crowd: list[Any], width: int, theme: str
) -> None:
    one = sent_to(crowd)
    message = Message.objects.exclude(clicked_at=None).first()
    page = log_in()
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for address in (
        CAMPAIGNS, f"{CAMPAIGNS}{one.pk}/", f"{CAMPAIGNS}{one.pk}/?tab=people", f"{CAMPAIGNS}{one.pk}/?tab=content",
        f"{CAMPAIGNS}{one.pk}/?tab=checks", f"{CAMPAIGNS}calendar/", "/admin/campaigns/message/",
        f"/admin/campaigns/message/{message.pk if message else 0}/look/", f"{CAMPAIGNS}{one.pk}/change/",
    ):  # fmt: skip
        page.goto(address)
        assert [*flaws(page), *axe(page)] == [], address
