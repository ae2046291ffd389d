"""Staff at work in a real browser: finding a person, watching them live, mending what failed."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from customers.models import Booking
from tests.e2e.checks import flaws
from tests.factories import (
    ActivityFactory,
    ClubFactory,
    CustomerProfileFactory,
    InboundEventFactory,
    hold,
    issue_key,
)
from timeline.ingestion import process_due

pytestmark = pytest.mark.e2e

LogIn = Callable[..., Page]
SIZES = [(360, 740), (1280, 800), (1920, 1080)]
SCHEMES = ["light", "dark"]
PERSON = re.compile("^Ann Botha")  # the link to the page, not the one that writes to her


@pytest.fixture
def ann(transactional_db: None, tenant: Tenant) -> Any:
    """Somebody with a past of two pages."""
    ann = CustomerProfileFactory(
        first_name="Ann", last_name="Botha", email="ann@example.com",
        phone_number="+27821234567", phone_is_valid=True,
        scl_member_id=4711, lifecycle_stage="MEMBER", stages_reached={"MEMBER": 1},
        membership_tier="Gold", home_club_name="Fynbos", is_vip=True,
        email_opt_in=True, sms_opt_in=False, handicap="12.4", country="ZA", tags=["committee"],
    )  # fmt: skip
    for n in range(40):
        ActivityFactory(
            customer=ann, title=f"Round {n}", category="GOLF", counts=True, metadata={"holes": 18},
            occurred_at=timezone.now() - timedelta(days=n, hours=1),
        )  # fmt: skip
    return ann


def post_event(server: Any, tenant: Tenant, **event: Any) -> None:
    """An event through the live server's API, and a worker's turn."""
    key = issue_key(tenant)[1]
    body = {"timestamp": timezone.now().isoformat(), **event}
    request = Request(f"{server}/api/v1/events", json.dumps(body).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=10) as reply:
        assert reply.status == 202
    process_due(tenant)


def test_from_log_in_to_an_old_round_in_a_few_clicks(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.keyboard.press("/")
    page.keyboard.type("botha")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customerprofile/?q=botha")
    page.get_by_role("link", name=PERSON).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Botha")
    expect(page.get_by_text("Round 24", exact=True)).to_be_visible()
    expect(page.get_by_text("Round 25", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Show older").click()
    expect(page.get_by_text("Round 39", exact=True)).to_be_visible()
    assert page.locator("[data-entry]").count() == 40
    days = page.locator("[data-day]").evaluate_all("days => days.map(day => day.dataset.day)")
    assert len(days) == len(set(days))
    expect(page.get_by_role("link", name="Show older")).to_have_count(0)


def test_a_person_is_two_clicks_from_home(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.locator("[data-part=latest]").get_by_role("link", name="Ann Botha").first.click()
    expect(page.locator("#timeline")).to_contain_text("Round 0")


def test_a_member_number_opens_the_page_at_once(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.get_by_label("Find a customer").fill("4711")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Botha")


def test_filters_and_tabs_change_the_panel_without_leaving_the_page(log_in: LogIn, ann: Any) -> None:
    ActivityFactory(customer=ann, title="Paid R 100", category="COMMERCE", source="scl")
    page = log_in()
    page.goto(f"/admin/customers/customerprofile/{ann.pk}/")
    page.evaluate("window.stayed = true")
    page.get_by_label("Category").select_option("COMMERCE")
    expect(page.get_by_text("Round 0", exact=True)).to_have_count(0)
    expect(page.get_by_text("Paid R 100")).to_be_visible()
    page.get_by_role("link", name="Golf", exact=True).click()
    expect(page.get_by_role("heading", name="Handicap history")).to_be_visible()
    assert "tab=golf" in page.url
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page.get_by_text("Paid R 100")).to_be_visible()


def test_a_new_event_appears_on_the_open_page_within_seconds(
    log_in: LogIn, ann: Any, tenant: Tenant, live_server: Any
) -> None:
    hold(ann, "teetimePlayerId", "player-9")
    page = log_in()
    page.goto(f"/admin/customers/customerprofile/{ann.pk}/")
    post_event(
        live_server, tenant, id="h-1", type="teetime.handicap.updated", source="teetime",
        identity={"teetimePlayerId": "player-9"},
        payload={"playerId": "player-9", "previousHandicap": 12.4, "newHandicap": 11.9},
    )  # fmt: skip
    entry = page.locator("[data-entry].fresh")
    expect(entry).to_contain_text("11.9")
    expect(page.locator("[data-part=golf]")).to_contain_text("11.9")


def test_somebody_reading_is_told_instead_of_interrupted(
    log_in: LogIn, ann: Any, tenant: Tenant, live_server: Any
) -> None:
    page = log_in()
    page.goto(f"/admin/customers/customerprofile/{ann.pk}/")
    page.get_by_text("Details").first.click()
    ActivityFactory(customer=ann, title="Booked for Sunday")
    button = page.get_by_role("button", name="1 new")
    expect(button).to_be_visible()
    expect(page.get_by_text("holes").first).to_be_visible()
    button.click()
    expect(page.get_by_text("Booked for Sunday")).to_be_visible()


def test_the_home_page_fills_itself(log_in: LogIn, tenant: Tenant, live_server: Any) -> None:
    page = log_in()
    expect(page.get_by_text("Post your first event")).to_be_visible()
    post_event(
        live_server, tenant, id="p-1", type="teetime.player.created", source="teetime",
        identity={"email": "new@example.com"},
        payload={"id": "p-1", "name": "Nia", "surname": "New", "email": "new@example.com"},
    )  # fmt: skip
    expect(page.locator("[data-part=newest]")).to_contain_text("Nia New")
    expect(page.locator("[data-part=sources]")).to_contain_text("TeeTime")


def test_dead_letters_are_previewed_replayed_and_gone(log_in: LogIn, tenant: Tenant) -> None:
    raw = {
        "id": "e-1", "type": "teetime.player.created", "source": "teetime", "timestamp": "2026-01-02T10:00:00Z",
        "identity": {"email": "ann@example.com"}, "payload": {"id": "p-1", "name": "Ann", "surname": "Botha"},
    }  # fmt: skip
    InboundEventFactory(
        source="teetime", type="teetime.player.created", event_id="e-1", status="FAILED", is_waiting=False,
        dead_at=timezone.now(), error_code="PROCESSING_FAILED", raw=json.dumps(raw),
    )  # fmt: skip
    page = log_in()
    page.get_by_role("link", name="Dead letters 1 waiting").click()
    page.get_by_role("link", name="Preview replay").click()
    expect(page.get_by_text("Would be tried")).to_be_visible()
    page.get_by_role("button", name="Replay 1 event").click()
    expect(page.get_by_role("status")).to_contain_text("1 event is queued again.")
    process_due(tenant)
    page.reload()
    expect(page.get_by_text("No dead letters")).to_be_visible()


def test_a_key_is_issued_copied_and_never_shown_again(log_in: LogIn, tenant: Tenant) -> None:
    page = log_in()
    page.goto("/admin/tenancy/apikey/add/")
    page.get_by_label("Name").fill("TeeTime")
    page.get_by_label("crm:events").check()
    page.get_by_role("button", name="Save").click()
    secret = page.locator("#new-key").inner_text()
    assert re.fullmatch(r"fw_[0-9a-f]{12}_[\w-]{43}", secret)
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("link", name="I have copied it").click()
    assert secret not in page.content()


def test_the_theme_is_the_devices_until_somebody_chooses(log_in: LogIn) -> None:
    page = log_in(scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours").click()
    assert page.evaluate(ground) != dark
    page.reload()
    assert page.evaluate(ground) != dark


def test_the_keyboard_reaches_everything(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"/admin/customers/customerprofile/{ann.pk}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.get_by_label("Your account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()


def test_the_navigation_opens_and_closes_on_a_phone(log_in: LogIn, ann: Any) -> None:
    page = log_in(360, 740)
    expect(page.get_by_role("link", name="Customers")).to_be_hidden()
    page.get_by_role("button", name="Open navigation").click()
    page.get_by_role("link", name="Customers").click()
    page.wait_for_url("**/customerprofile/")
    page.get_by_role("link", name=PERSON).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Botha")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_page_fits_reads_and_has_names(
    log_in: LogIn, open_browser: LogIn, ann: Any, tenant: Tenant, width: int, height: int, scheme: str
) -> None:
    event = InboundEventFactory(
        customer=ann, status="FAILED", is_waiting=False, dead_at=timezone.now(), error_code="INVALID_PAYLOAD",
        error="payload.teeTime is not a date and time", raw=json.dumps({"id": "x" * 120, "payload": {"a": 1}}),
    )  # fmt: skip
    club, (key, _secret) = ClubFactory(), issue_key(tenant)
    soon = timezone.now() + timedelta(days=2)
    Booking.objects.create(
        tenant=tenant, key="soon", customer=ann, status="BOOKED", tee_time=soon, club_name="Fynbos"
    )
    person = f"/admin/customers/customerprofile/{ann.pk}/"
    page = log_in(width, height, scheme)
    paths = [
        *page.locator("#menu .menu a").evaluate_all("links => links.map(link => link.pathname)"),
        *(f"{person}?tab={tab}" for tab in ("golf", "shop", "service", "data")),
        person, f"{person}change/",
        "/admin/customers/customerprofile/add/", "/admin/customers/customerprofile/?q=zzz",
        f"/admin/timeline/inboundevent/{event.pk}/", "/admin/timeline/inboundevent/dead-letters/?try=1",
        f"/admin/tenancy/club/{club.pk}/change/", f"/admin/tenancy/apikey/{key.pk}/change/",
        "/admin/tenancy/invitation/add/", "/admin/password_change/",
    ]  # fmt: skip
    found = {}
    for path in paths:
        assert page.goto(path).status == 200, path
        if wrong := flaws(page):
            found[path] = wrong
    outside = open_browser(width, height, scheme)
    outside.goto("/admin/login/")
    if wrong := flaws(outside):
        found["log-in"] = wrong
    assert found == {}
