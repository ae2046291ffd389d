"""Building a rule in a real browser: with the mouse alone, and with the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from segments.models import Segment
from segments.services import create_segment
from tests.e2e.checks import axe, flaws
from tests.factories import CustomerProfileFactory

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]
SEGMENTS = "/admin/segments/segment/"


@pytest.fixture
def people(transactional_db: None, tenant: Tenant) -> None:
    CustomerProfileFactory(first_name="Ann", last_name="Botha", handicap="9.4", tags=["committee"])
    CustomerProfileFactory(first_name="Ben", last_name="Nkosi", handicap="22.0", is_vip=True)
    CustomerProfileFactory(first_name="Cas", last_name="Zulu", lifecycle_stage="MEMBER")


def saved() -> Any:
    return Segment.objects.get().criteria


def test_a_rule_is_built_with_the_mouse_alone(log_in: LogIn, people: None) -> None:
    """Only the name and the numbers are typed."""
    page = log_in()
    page.goto(SEGMENTS)
    page.get_by_role("link", name="Build one from scratch").click()
    page.get_by_label("Name", exact=True).fill("Good or close to us")
    page.get_by_role("button", name="Add rule", exact=True).click()
    page.get_by_label("What rule 1 is about").select_option(label="Handicap")
    page.get_by_label("What rule 1 asks").select_option(label="is at most")
    page.get_by_label("Handicap, rule 1").fill("12")
    expect(page.locator(".preview-count")).to_contain_text("1 person")
    expect(page.locator(".preview-words")).to_contain_text("andicap")
    expect(page.locator(".preview-people")).to_contain_text("Ann Botha")
    page.get_by_role("button", name="Add group").click()
    page.get_by_label("What rule 2.1 is about").select_option(label="VIP")
    page.get_by_role("group", name="Group 2").get_by_role("button", name="Add rule").click()
    page.get_by_label("What rule 2.2 is about").select_option(label="Lifecycle stage")
    page.get_by_label("Lifecycle stage, rule 2.2").select_option(label="Member")
    page.get_by_role("radio", name="any").first.click()
    expect(page.locator(".preview-count")).to_contain_text("3 people")
    assert [*flaws(page), *axe(page)] == []
    grips = page.locator(".rule > .rule-grip")
    grips.nth(0).drag_to(
        page.get_by_role("group", name="Rule 2.2", exact=True), target_position={"x": 60, "y": 40}
    )
    expect(page.get_by_label("Handicap, rule 1.3")).to_have_value("12")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/segment/*-*/")
    assert saved() == {
        "combinator": "OR",
        "rules": [
            {
                "combinator": "OR",
                "rules": [
                    {"field": "isVip", "operator": "eq", "value": True},
                    {"field": "lifecycleStage", "operator": "eq", "value": "MEMBER"},
                    {"field": "handicap", "operator": "lte", "value": 12},
                ],
            }
        ],
    }


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_rule_is_built_with_the_keyboard_alone(log_in: LogIn, people: None) -> None:
    page = log_in()
    page.goto(f"{SEGMENTS}add/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Players")
    add = page.get_by_role("button", name="Add rule", exact=True)
    for _ in range(30):
        press(page, "Tab")
        if add.evaluate("one => one === document.activeElement"):
            break
    press(page, "Enter")
    expect(page.get_by_label("What rule 1 is about")).to_be_focused()
    page.keyboard.type("Their bookings")
    expect(page.get_by_label("How, rule 1")).to_be_visible()
    expect(page.get_by_label("What rule 1 is about")).to_be_focused()
    press(page, "Tab")
    page.keyboard.type("how")
    expect(page.get_by_label("What rule 1 asks")).to_be_visible()
    press(page, "Tab", "Tab", "Tab")
    expect(page.get_by_label("When, rule 1", exact=True)).to_be_focused()
    page.keyboard.type("in the last")
    expect(page.get_by_label("When, rule 1, how many")).to_have_value("30")
    add.focus()
    press(page, "Enter")
    page.keyboard.type("Handicap")
    press(page, "Tab")
    page.keyboard.type("is at m")
    press(page, "Tab")
    page.keyboard.type("18")
    press(page, "Alt+ArrowUp")
    expect(page.get_by_label("Handicap, rule 1")).to_be_focused()
    menu = page.get_by_label("Move or copy: Rule 1", exact=True)
    menu.focus()
    press(page, "Enter", "Tab", "Tab", "Tab")
    expect(page.get_by_role("button", name="Move into a group")).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_label("Handicap, rule 1.1")).to_have_value("18")
    expect(page.get_by_role("button", name="Move into a group")).to_be_focused()
    press(page, "Tab")
    expect(page.get_by_role("button", name="Move out of the group")).to_be_focused()
    press(page, "Enter", "Escape")
    expect(page.get_by_label("Handicap, rule 1")).to_have_value("18")
    press(page, "Alt+ArrowDown")
    expect(page.get_by_label("Handicap, rule 2")).to_have_value("18")
    page.get_by_role("button", name="Save").focus()
    press(page, "Enter")
    page.wait_for_url("**/segment/*-*/")
    assert saved() == {
        "combinator": "AND",
        "rules": [
            {"relation": "bookings", "within": {"amount": 30, "unit": "days"}, "operator": "gte", "value": 2},
            {"field": "handicap", "operator": "lte", "value": 18},
        ],
    }


def test_the_server_says_what_is_wrong_at_the_very_rule(log_in: LogIn, people: None) -> None:
    page = log_in()
    page.goto(f"{SEGMENTS}add/")
    page.get_by_label("Name", exact=True).fill("Wrong")
    page.get_by_role("button", name="Add rule", exact=True).click()
    page.get_by_label("What rule 1 is about").select_option(label="VIP")
    page.get_by_role("button", name="Add rule", exact=True).click()
    page.get_by_label("What rule 2 is about").select_option(label="Last name")
    page.get_by_label("What rule 2 asks").select_option(label="matches")
    page.get_by_label("Last name, rule 2").fill("(a+)+(")
    problem = page.get_by_role("group", name="Rule 2").locator(".rule-problems")
    expect(problem).to_be_visible()
    expect(page.get_by_label("Last name, rule 2")).to_be_focused()
    expect(page.get_by_label("Last name, rule 2")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("group", name="Rule 1").locator(".rule-problems")).to_have_count(0)
    assert [*flaws(page), *axe(page)] == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("group", name="Rule 2").locator(".rule-problems")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("rules[1]")
    assert not Segment.objects.exists()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (768, "light"), (1920, "dark")])
def test_every_kind_of_rule_fits_and_reads(log_in: LogIn, people: None, width: int, scheme: str) -> None:
    rules = {
        "combinator": "AND",
        "rules": [
            {"field": "handicap", "operator": "between", "value": [4, 12], "for": {"amount": 30, "unit": "days"}},
            {"field": "lifetimeValue", "operator": "gte", "value": 123450},
            {"field": "tags", "operator": "containsAny", "value": ["committee", "captain"]},
            {"field": "dateOfBirth", "operator": "anniversaryWithin", "value": {"from": -3, "to": 7}},
            {"field": "lastBookingAt", "operator": "betweenAgo", "value": {"from": 30, "to": 60, "unit": "days"}},
            {"field": "sample", "operator": "lt", "value": 10},
            {"field": "externalIds.golfRsaId", "operator": "isNotNull"},
            {
                "combinator": "OR", "not": True,
                "rules": [
                    {"field": "isVip", "operator": "eq", "value": True},
                    {
                        "relation": "bookings", "operator": "gte", "value": 3, "within": "thisMonth",
                        "where": {"combinator": "AND", "rules": [{"field": "holes", "operator": "eq", "value": 18}]},
                    },
                ],
            },
            {
                "relation": "bookings", "operator": "gte", "value": 50000,
                "measure": {"function": "sum", "of": "amount"},
            },
            {
                "sequence": [
                    {"relation": "bookings"},
                    {"relation": "activities", "within": {"amount": 7, "unit": "days"}, "not": True},
                ],
            },
        ],
    }  # fmt: skip
    segment = create_segment("All of it", by="user:x", criteria=rules)
    page = log_in(width, 900, scheme)
    page.goto(f"{SEGMENTS}{segment.pk}/change/")
    expect(page.locator(".preview-count")).to_be_visible()
    assert [*flaws(page), *axe(page)] == []
    name = page.get_by_label("Name", exact=True)
    name.fill("The same rules")
    page.get_by_label("Not").first.check()
    page.get_by_label("Not").first.uncheck()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/{segment.pk}/")
    kept = segment.criteria
    segment.refresh_from_db()
    assert (segment.name, segment.criteria) == ("The same rules", kept)
    assert [*flaws(page), *axe(page)] == []


def test_a_template_fills_in_the_builder(log_in: LogIn, people: None) -> None:
    page = log_in()
    page.goto(f"{SEGMENTS}gallery/")
    assert [*flaws(page), *axe(page)] == []
    page.locator(".gallery a").first.click()
    expect(page.locator(".rule")).not_to_have_count(0)
    expect(page.locator(".preview-count")).to_be_visible()


def test_depth_and_number_of_rules_have_ends_that_are_said(log_in: LogIn, people: None) -> None:
    page = log_in()
    page.goto(f"{SEGMENTS}add/")
    for _ in range(4):
        page.get_by_role("button", name="Add group").first.click()
    expect(page.locator(".rule-limit").first).to_have_text("Groups can be nested 5 deep.")
    expect(page.locator(".rule-group.depth-5").get_by_role("button", name="Add group")).to_be_disabled()


def test_leaving_with_a_rule_that_is_not_saved_asks_first(log_in: LogIn, people: None) -> None:
    page = log_in()
    page.goto(f"{SEGMENTS}add/")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_label("Name", exact=True).fill("Half a thought")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_timeout(500)
    assert (asked, page.url.endswith("/add/")) == (["beforeunload"], True)
    page.get_by_role("button", name="Add rule", exact=True).click()
    page.get_by_label("What rule 1 is about").select_option(label="VIP")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/segment/*-*/")
    assert asked == ["beforeunload"]
