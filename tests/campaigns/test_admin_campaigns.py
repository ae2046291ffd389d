"""Campaigns on staff pages: the list, the form, a campaign's page and report, the calendar, the message log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import lifecycle, services, statistics
from campaigns.models import Campaign, CampaignRun, CampaignStatus, CampaignVariant, Message
from crm.tenancy.models import AuditEntry
from tests.campaigns.making import AUTHOR, campaign, people
from tests.factories import ClubFactory
from tests.pages import at_most, form_on, staff_of, words

pytestmark = pytest.mark.usefixtures("tenant")
CAMPAIGNS, MESSAGES = "/admin/campaigns/campaign/", "/admin/campaigns/message/"


@pytest.fixture
def sent() -> Campaign:
    """A campaign with two variants under way: 3 people got it, of whom one clicked; one refused, one was held out."""
    who = people(5)
    one = campaign(who, variants=[{}, {"subject": "The other way"}])
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    CampaignRun.objects.filter(campaign=one).update(state="SENDING", built_at=timezone.now(), target_count=5)
    run = CampaignRun.objects.get(campaign=one)
    first, second = services.variants_of(one)
    now = timezone.now()
    states: list[dict[str, Any]] = [
        {"state": "SENT", "variant": first, "sent_at": now, "subject": "Hello"},
        {"state": "SENT", "variant": second, "sent_at": now, "clicked_at": now, "first_click_at": now},
        {"state": "DELIVERED", "variant": first, "sent_at": now, "delivered_at": now},
        {"state": "SKIPPED", "reason": "REFUSED"},
        {"state": "SKIPPED", "reason": "HOLDOUT"},
    ]
    for person, fields in zip(who, states, strict=True):
        Message.objects.create(
            tenant=run.tenant, customer=person, recorded_for=person.pk, run=run, channel="EMAIL",
            message_class="MARKETING", gateway="local", address=person.email, **fields,
        )  # fmt: skip
    statistics.recount(run)
    one.refresh_from_db()
    return one


def page_of(one: Campaign) -> str:
    return f"{CAMPAIGNS}{one.pk}/"


def test_the_list_says_where_each_campaign_stands_and_what_it_brought(sent: Campaign) -> None:
    page = staff_of().text(CAMPAIGNS)
    assert sent.name in page
    assert "Active" in page
    assert "3 sent" in page
    assert "33 % clicked" in page
    assert sent.name not in staff_of().text(CAMPAIGNS, state="planned")
    assert sent.name in staff_of().text(CAMPAIGNS, state="running")
    assert "No campaign yet" not in page


def test_the_list_costs_the_same_however_many_there_are(sent: Campaign) -> None:
    for _number in range(6):
        services.clone_campaign(sent.pk, by=AUTHOR)
    browser = staff_of()
    browser.get(CAMPAIGNS)
    with at_most(9):
        browser.text(CAMPAIGNS)


def test_a_report_tells_the_funnel_the_variants_and_why_others_did_not_get_it(sent: Campaign) -> None:
    page = staff_of().text(page_of(sent), tab="report")
    assert "Meant for 5 100" in page
    assert "Sent 3 60" in page
    assert "Clicked 1 20" in page
    assert "They said no to this channel or purpose 1 20" in page
    assert "Held out, to measure what the campaign brings 1 20" in page
    assert "The other way" in page
    assert "2–5 %" in page  # what is usual for clicks


def test_everybody_it_is_for_stands_there_with_what_became_of_them(sent: Campaign) -> None:
    browser = staff_of()
    assert "They said no" in browser.text(page_of(sent), tab="people")
    refused = browser.text(page_of(sent), tab="people", reason="REFUSED")
    assert refused.count("Not sent") == 2  # the choice of the filter, and the one person
    assert "Nobody" in browser.text(page_of(sent), tab="people", state="BOUNCED")


def test_a_campaign_is_made_by_its_form_and_comes_back_in_it(sent: Campaign) -> None:
    browser = staff_of("MARKETING")
    form = form_on(browser.get(f"{CAMPAIGNS}add/"))
    club = ClubFactory(timezone="Europe/London")
    form |= {
        "name": "Captain’s day", "type": "RECURRING", "recur_pattern": "0 9 * * 1", "club": str(club.pk),
        "channels": ["EMAIL", "SMS"], "segment_ids": [str(pk) for pk in sent.segment_ids],
        "scheduled_at": "2027-07-05T09:00", "A-email_template_id": str(template_of(sent)), "B-subject": "Come along",
        "B-email_template_id": str(template_of(sent)), "per_minute": "60",
    }  # fmt: skip
    reply = browser.post(f"{CAMPAIGNS}add/", form)
    assert reply.status_code == 302, words(reply)
    made = Campaign.objects.get(name="Captain’s day")
    assert made.scheduled_at == datetime(2027, 7, 5, 8, tzinfo=UTC)  # nine in London, in summer
    assert (made.channels, made.per_minute, made.recur_pattern) == (["EMAIL", "SMS"], 60, "0 9 * * 1")
    assert [one.subject for one in services.variants_of(made)] == ["", "Come along"]
    again = form_on(browser.get(f"{page_of(made)}change/"))
    assert again["scheduled_at"] == ["2027-07-05T09:00"]
    browser.post(f"{page_of(made)}change/", again)
    made.refresh_from_db()
    assert made.version == 1, "saved as it was, nothing changed"


def template_of(one: Campaign) -> Any:
    return CampaignVariant.objects.filter(campaign=one).first().email_template_id


def test_what_the_services_refuse_stands_beside_its_field() -> None:
    browser = staff_of("MARKETING")
    form = form_on(browser.get(f"{CAMPAIGNS}add/"))
    refused = browser.post(
        f"{CAMPAIGNS}add/", form | {"name": "x", "type": "RECURRING", "recur_pattern": "every monday"}
    )
    assert "needs five fields" in words(refused)
    refused = browser.post(f"{CAMPAIGNS}add/", form | {"name": "x", "batch_size": "100"})
    assert "Batches need both" in words(refused)
    refused = browser.post(f"{CAMPAIGNS}add/", form | {"name": "x", "scheduled_at": "tomorrow"})
    assert "Give a day and a time" in words(refused)
    assert not Campaign.objects.exists()


def test_two_editors_do_not_overwrite_each_other() -> None:
    one = campaign(people(1))
    browser = staff_of("MARKETING")
    form = form_on(browser.get(f"{page_of(one)}change/"))
    services.change_campaign(one.pk, {"name": "Named by another"}, by=AUTHOR)
    refused = browser.post(f"{page_of(one)}change/", form | {"name": "Named by me"})
    assert "changed since you opened the form" in words(refused)
    one.refresh_from_db()
    assert one.name == "Named by another"


def test_a_campaign_goes_through_its_life_from_its_page() -> None:
    one = campaign(people(2))
    browser = staff_of("MARKETING")

    def after(act: str) -> str:
        one.refresh_from_db()
        browser.post(f"{page_of(one)}{act}/", {"etag": one.etag})
        one.refresh_from_db()
        return str(one.status)

    assert after("schedule") == CampaignStatus.SCHEDULED
    assert after("unschedule") == CampaignStatus.DRAFT
    assert after("send-now") == CampaignStatus.ACTIVE
    assert after("pause") == CampaignStatus.PAUSED
    assert "Somebody paused it" in browser.text(page_of(one))
    assert after("resume") == CampaignStatus.ACTIVE
    assert after("cancel") == CampaignStatus.CANCELLED
    assert after("resume") == CampaignStatus.CANCELLED
    assert "not paused" in browser.text(page_of(one))
    assert AuditEntry.objects.filter(action="campaign.cancelled").exists()


def test_what_would_go_wrong_is_said_before_it_does() -> None:
    one = services.create_campaign("Nothing in it", by=AUTHOR)
    browser = staff_of("MARKETING")
    page = browser.text(page_of(one), tab="checks")
    assert "Choose a channel." in page
    assert "Stops it" in page
    browser.post(f"{page_of(one)}schedule/")
    assert "Choose a channel." in browser.text(page_of(one))
    one.refresh_from_db()
    assert one.status == CampaignStatus.DRAFT


def test_the_form_says_how_many_people_it_reaches(sent: Campaign) -> None:
    browser = staff_of("MARKETING")
    asked = {"segment_ids": [str(pk) for pk in sent.segment_ids], "channels": ["EMAIL"], "type": "ONE_TIME"}
    said = browser.post(f"{CAMPAIGNS}reach/", asked).json()["html"]
    assert "<b>5</b>" in said
    assert "of 5 with an address" in said
    assert "Tick a segment" in browser.post(f"{CAMPAIGNS}reach/", {"channels": ["EMAIL"]}).json()["html"]


def test_the_calendar_shows_what_comes_and_what_came(sent: Campaign) -> None:
    coming = timezone.now().replace(day=1, hour=8, minute=0, second=0, microsecond=0) + timedelta(days=40)
    later = campaign([], name="Later on", scheduled_at=coming)
    weekly = campaign(
        people(1), name="Every Monday", type="RECURRING", recur_pattern="0 9 * * 1", scheduled_at=coming
    )
    browser = staff_of()
    this, then = (
        browser.text(f"{CAMPAIGNS}calendar/"),
        browser.text(f"{CAMPAIGNS}calendar/", month=f"{coming:%Y-%m}"),
    )
    assert sent.name in this
    assert later.name in then
    assert then.count(weekly.name) >= 3
    assert sent.name in browser.text(f"{CAMPAIGNS}calendar/", month="nonsense")


def test_a_message_tells_to_whom_it_went_and_what_became_of_it(sent: Campaign) -> None:
    one = Message.objects.exclude(clicked_at=None).get()
    browser = staff_of("STAFF")
    assert sent.name in browser.text(MESSAGES)
    page = browser.text(f"{MESSAGES}{one.pk}/look/")
    assert one.address.partition("@")[0] in page
    assert "Clicked by a person" in page
    assert AuditEntry.objects.filter(action="message.viewed", object_id=str(one.pk)).exists()
    assert browser.get(f"{MESSAGES}{2**70}/look/").status_code == 404
    assert sent.name in browser.text(f"/admin/customers/customerprofile/{one.customer_id}/", tab="messages")


def test_staff_settle_what_nobody_knows_of_and_only_by_an_answer(sent: Campaign) -> None:
    Message.objects.filter(state="DELIVERED").update(state="UNKNOWN", reason="NO_ANSWER")
    one = Message.objects.get(state="UNKNOWN")
    browser = staff_of("MARKETING")
    assert "Do you know what became of it?" in browser.text(f"{MESSAGES}{one.pk}/look/")
    for nonsense in ({}, {"outcome": "perhaps"}):
        browser.post(f"{MESSAGES}{one.pk}/settle/", nonsense)
        one.refresh_from_db()
        assert one.state == "UNKNOWN"
    assert staff_of("STAFF").post(f"{MESSAGES}{one.pk}/settle/", {"outcome": "sent"}).status_code == 403
    browser.post(f"{MESSAGES}{one.pk}/settle/", {"outcome": "sent"})
    one.refresh_from_db()
    assert one.state == "SENT"
    browser.post(f"{MESSAGES}{one.pk}/settle/", {"outcome": "failed"})
    one.refresh_from_db()
    assert one.state == "SENT", "what is known stays"


def test_only_those_who_market_make_and_send(sent: Campaign) -> None:
    for role in ("STAFF", "VIEWER"):
        browser = staff_of(role)
        assert browser.get(page_of(sent)).status_code == 200
        assert browser.get(f"{CAMPAIGNS}add/").status_code == 403
        assert browser.post(f"{page_of(sent)}cancel/").status_code == 403
    sent.refresh_from_db()
    assert sent.status == CampaignStatus.ACTIVE
