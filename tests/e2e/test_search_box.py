"""The search box of every page, in a real browser: typed into, walked through, at every size."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from tests.e2e.checks import axe, flaws
from tests.factories import CustomerProfileFactory, hold

pytestmark = pytest.mark.e2e

LogIn = Callable[..., Page]


@pytest.fixture
def people(transactional_db: None, tenant: Tenant) -> Any:
    ann = CustomerProfileFactory(
        first_name="Ann", last_name="Botha", email="ann@example.com", phone_number="+27821234567", phone_is_valid=True,
        scl_member_id=4711, lifecycle_stage="MEMBER", home_club_name="Fynbos", is_vip=True,
    )  # fmt: skip
    hold(ann, "externalIds.golfRsaId", "GR-77")
    CustomerProfileFactory(
        first_name="Ben", last_name="Botha", email="ben.with.a.very.long.address@example.com"
    )
    for number in range(9):
        CustomerProfileFactory(first_name="Carl", last_name=f"Bothma{number}", email="")
    return ann


def box(page: Page) -> Any:
    return page.get_by_role("combobox", name="Find a customer")


def test_it_answers_while_one_types_and_opens_whom_one_chooses(log_in: LogIn, people: Any) -> None:
    page = log_in()
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("both")
    options = page.get_by_role("option")
    expect(options).to_have_count(8)
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("a ann")
    expect(options).to_have_count(1)
    expect(options.first).to_contain_text("Ann Botha")
    expect(options.first.locator("mark").first).to_have_text(re.compile("Ann|Botha"))
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customerprofile/{people.pk}/")


def test_arrows_walk_round_and_escape_gives_the_words_back(log_in: LogIn, people: Any) -> None:
    page = log_in()
    box(page).fill("botha")
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box(page)).to_have_value("botha")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    page.keyboard.press("Tab")
    expect(options.first).to_be_hidden()


def test_enter_without_a_choice_leads_to_the_list(log_in: LogIn, people: Any) -> None:
    page = log_in()
    box(page).fill("bothma")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/customerprofile/?q=bothma")
    expect(page.locator("#result_list tbody tr")).to_have_count(9)


def test_a_click_opens_a_person_too(log_in: LogIn, people: Any) -> None:
    page = log_in()
    box(page).fill("gr-77")
    option = page.get_by_role("option")
    expect(option).to_contain_text("golfRsaId GR-77")
    option.click()
    page.wait_for_url(f"**/customerprofile/{people.pk}/")


def test_finding_nobody_and_failing_are_said_in_words(log_in: LogIn, people: Any, open_browser: Any) -> None:
    page = log_in()
    said = page.locator(".find-panel [role=status]")
    box(page).fill("nobodyatall")
    expect(said).to_contain_text("Nobody found for “nobodyatall”")
    expect(page.get_by_role("option")).to_have_count(0)
    page.route("**/find/**", lambda route: route.abort("aborted"))
    box(page).fill("botha")
    expect(said).to_contain_text("Press Enter to look in the list")
    page.unroute("**/find/**")


def test_only_the_last_question_is_answered(log_in: LogIn, people: Any) -> None:
    page = log_in()
    page.route("**/find/?q=both", lambda route: page.wait_for_timeout(600) or route.continue_())
    box(page).press_sequentially("both", delay=20)
    page.wait_for_timeout(250)
    box(page).press_sequentially("a ben", delay=20)
    expect(page.get_by_role("option")).to_have_count(1)
    page.wait_for_timeout(900)
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_contain_text("Ben Botha")


def test_without_scripts_it_is_a_form(chromium: Any, live_server: Any, log_in: LogIn, people: Any) -> None:
    cookies = log_in().context.cookies()
    with chromium.new_context(base_url=str(live_server), java_script_enabled=False) as context:
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto("/admin/")
        field = page.get_by_role("searchbox", name="Find a customer")
        field.fill("4711")
        field.press("Enter")
        page.wait_for_url(f"**/customerprofile/{people.pk}/")


@pytest.mark.parametrize("size", [(360, 740), (1280, 800)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_open_list_keeps_what_every_page_keeps(
    log_in: LogIn, people: Any, size: Any, scheme: str
) -> None:
    page = log_in(*size, scheme)
    box(page).fill("bot")
    expect(page.get_by_role("option")).to_have_count(8)
    page.keyboard.press("ArrowDown")
    assert flaws(page) == []
    assert axe(page) == []
