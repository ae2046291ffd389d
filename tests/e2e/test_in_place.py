"""A single field changed where it stands on a person's page, by mouse and by keyboard; and saved views of the list."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, SavedView
from tests.e2e.checks import axe, flaws
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]


@pytest.fixture
def ann(transactional_db: None, tenant: Tenant) -> Any:
    CustomFieldFactory(key="size", label="Shirt size", type="ENUM", choices=["S", "L"])
    CustomFieldFactory(key="wishes", label="Wishes", type="TEXT")
    return CustomerProfileFactory(
        first_name="Ann", last_name="Botha", email="ann@example.com", lifecycle_stage="MEMBER",
        handicap="18.0", gender="MALE", custom_fields={"size": "S", "wishes": "A quiet table"},
    )  # fmt: skip


def of(ann: Any) -> CustomerProfile:
    found: CustomerProfile = CustomerProfile.objects.get(pk=ann.pk)
    return found


def test_by_mouse_a_value_is_changed_where_it_stands(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/")
    place = page.locator('[data-in-place="email"]')
    place.hover()
    place.get_by_role("link", name="Change E-mail").click()
    field = place.locator("input[name=email]")
    expect(field).to_be_focused()
    assert flaws(page) == []
    assert axe(page) == []
    field.fill("no address")
    place.get_by_role("button", name="Save").click()
    expect(place.locator("input[aria-invalid=true]")).to_be_focused()
    assert flaws(page) == []
    field.fill("Ann.Botha@Example.com")
    place.get_by_role("button", name="Save").click()
    expect(place.locator("form")).to_have_count(0)
    expect(place).to_contain_text("Ann.Botha@Example.com")
    assert of(ann).email == "ann.botha@example.com"


def test_by_keyboard_it_is_opened_left_and_saved_with_the_focus_where_it_was(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/")
    place = page.locator('[data-in-place="handicap"]')
    pencil = place.get_by_role("link", name="Change Handicap")
    pencil.focus()
    page.keyboard.press("Enter")
    expect(place.locator("input[name=handicap]")).to_be_focused()
    page.keyboard.type("99.5")
    page.keyboard.press("Escape")
    expect(place.locator("form")).to_have_count(0)
    expect(pencil).to_be_focused()
    assert str(of(ann).handicap) == "18.0"
    page.keyboard.press("Enter")
    expect(place.locator("input[name=handicap]")).to_be_focused()
    page.keyboard.type("12.4")
    page.keyboard.press("Enter")
    expect(place).to_contain_text("12.4")
    expect(pencil).to_be_focused()
    assert str(of(ann).handicap) == "12.4"


def test_the_name_a_choice_and_a_longer_text_too(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/")
    page.get_by_role("link", name="Change the name").focus()
    page.keyboard.press("Enter")
    expect(page.locator("input[name=first_name]")).to_be_focused()
    page.locator("input[name=last_name]").fill("Zulu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Zulu")
    size = page.locator('[data-in-place="custom_size"]')
    size.get_by_role("link", name="Change Shirt size").focus()
    page.keyboard.press("Enter")
    size.locator("select").select_option("L")
    size.get_by_role("button", name="Save").press("Enter")
    expect(size.locator("form")).to_have_count(0)
    expect(size).to_contain_text("L")
    wishes = page.locator('[data-in-place="custom_wishes"]')
    wishes.get_by_role("link", name="Change Wishes").focus()
    page.keyboard.press("Enter")
    wishes.locator("textarea").fill("By the window")
    wishes.get_by_role("button", name="Cancel").click()
    expect(wishes.locator("form")).to_have_count(0)
    found = of(ann)
    assert (found.last_name, found.custom_fields) == ("Zulu", {"size": "L", "wishes": "A quiet table"})


def test_what_somebody_else_wrote_meanwhile_is_not_lost(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/")
    place = page.locator('[data-in-place="gender"]')
    place.get_by_role("link", name="Change Gender").focus()
    page.keyboard.press("Enter")
    expect(place.locator("form")).to_have_count(1)
    other = log_in()
    other.goto(f"{LIST}{ann.pk}/change/")
    other.locator("input[name=first_name]").fill("Anna")
    other.get_by_role("button", name="Save").first.click()
    place.locator("select").select_option("FEMALE")
    place.get_by_role("button", name="Save").click()
    expect(place.locator("form")).to_have_count(0)
    found = of(ann)
    assert (found.first_name, found.gender) == ("Anna", "FEMALE")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_view_is_saved_opened_renamed_and_deleted(log_in: LogIn, ann: Any, width: int) -> None:
    CustomerProfileFactory(first_name="Lee", last_name="Lead", lifecycle_stage="LEAD")
    page = log_in(width)
    page.goto(f"{LIST}?stage=MEMBER")
    box = page.get_by_role("link", name="Clear filters").bounding_box()
    assert box and box["height"] < 40  # on one line, however narrow the window is
    page.get_by_text("Save view").click()
    page.get_by_label("Name of the view").fill("Members")
    page.get_by_label("For the whole team").check()
    assert flaws(page) == []
    page.get_by_label("Name of the view").press("Enter")
    views = page.get_by_role("navigation", name="Saved views")
    tab = views.get_by_role("link", name="Members")
    expect(tab).to_have_attribute("aria-current", "true")
    views.get_by_role("link", name="Everybody").click()
    names = page.locator("#result_list tbody th")
    expect(names).to_have_count(2)
    tab.click()
    expect(names).to_have_count(1)
    expect(names).to_contain_text("Ann Botha")
    page.get_by_label("Change the view Members").click()
    assert flaws(page) == []
    assert axe(page) == []
    page.get_by_label("Name", exact=True).fill("Our members")
    page.get_by_label("Name", exact=True).press("Enter")
    tab = views.get_by_role("link", name="Our members")
    expect(tab).to_have_attribute("aria-current", "true")
    page.get_by_label("Change the view Our members").click()
    page.get_by_role("button", name="Delete view").click()
    page.locator("#ask-yes").click()
    expect(tab).to_have_count(0)
    assert not SavedView.objects.exists()
