"""Forms in a real browser: chips for tags, a key that is proposed, errors that lead to their field, staying put."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, CustomField
from customers.services import update_customer
from tests.e2e.checks import axe, flaws
from tests.factories import CustomerProfileFactory, NoteFactory
from tests.pages import LIST

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]
FIELDS = "/admin/customers/customfield/"


@pytest.fixture
def ann(transactional_db: None, tenant: Tenant) -> Any:
    update_customer(CustomerProfileFactory().pk, {"tags": ["Committee", "Captain"]}, by="user:x")
    return CustomerProfileFactory(first_name="Ann", last_name="Botha", email="ann@example.com", tags=["old"])


def test_tags_are_chosen_with_the_keyboard_alone(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/change/")
    tags = page.get_by_role("combobox", name="Tags")
    expect(page.locator(".chips .badge")).to_have_text(["old×"])
    tags.press_sequentially("com")
    expect(page.get_by_role("option", name="Committee")).to_be_visible()
    assert [*flaws(page), *axe(page)] == []
    tags.press("ArrowDown")
    tags.press("Enter")
    tags.press_sequentially("brand new, captain")
    tags.press("Enter")
    expect(page.locator(".chips .badge")).to_have_count(4)
    tags.press("Backspace")
    page.get_by_role("button", name="Take the tag old away").press("Enter")
    tags.press_sequentially("Typed and left")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{LIST}{ann.pk}/")
    assert CustomerProfile.objects.get(pk=ann.pk).tags == ["Committee", "brand new", "Typed and left"]


def test_saving_stays_in_view_and_errors_lead_to_their_field(log_in: LogIn, ann: Any) -> None:
    page = log_in(1280, 700)
    page.goto(f"{LIST}{ann.pk}/change/")
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_in_viewport()
    page.get_by_role("link", name="Record", exact=True).click()
    expect(page.get_by_label("Keep until")).to_be_in_viewport()
    expect(save).to_be_in_viewport()
    page.get_by_label("E-mail").fill("no address")
    save.click()
    page.get_by_role("alert").get_by_role("link", name="E-mail").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    assert [*flaws(page), *axe(page)] == []


def test_a_key_is_proposed_until_somebody_writes_their_own(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{FIELDS}add/")
    label, key = page.get_by_label("Label"), page.locator("#id_key")
    choices = page.get_by_label("Choices")
    label.press_sequentially("Café’s shirt size")
    expect(key).to_have_value("cafesShirtSize")
    expect(choices).to_be_hidden()
    page.get_by_label("Type").select_option("ENUM")
    expect(choices).to_be_visible()
    assert [*flaws(page), *axe(page)] == []
    choices.fill("S\nM")
    key.fill("shirt")
    label.press_sequentially("s")
    expect(key).to_have_value("shirt")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{FIELDS}")
    field = CustomField.objects.get()
    assert (field.key, field.choices) == ("shirt", ["S", "M"])


def test_after_a_note_the_page_is_where_the_reader_was(log_in: LogIn, ann: Any) -> None:
    for _ in range(12):
        NoteFactory(customer=ann)
    page = log_in(1280, 700)
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    page.evaluate("window.scrollTo(0, 120)")
    page.get_by_label("Note", exact=True).fill("Rang back")
    top = page.evaluate("window.scrollY")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note").first).to_contain_text("Rang back")
    page.wait_for_load_state("load")
    page.wait_for_timeout(100)
    assert abs(page.evaluate("window.scrollY") - top) < 5
    expect(page.locator(".note").first).to_be_focused()


def test_a_tag_put_on_leaves_the_tab_open(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=golf")
    page.get_by_label("Add a tag").fill("Captain")
    page.keyboard.press("Enter")
    expect(page.locator(".record-head .tags .badge")).to_have_text(["old", "Captain"])
    expect(page.get_by_role("link", name="Golf", exact=True)).to_have_attribute("aria-current", "page")


def test_a_field_is_changed_where_it_stands(log_in: LogIn, ann: Any) -> None:
    CustomerProfileFactory(first_name="Ben", last_name="Nkosi", email="ben@example.com")
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/")
    page.get_by_role("link", name="Change E-mail").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="E-mail")
    expect(field).to_be_focused()
    field.fill("no address")
    field.press("Enter")
    expect(page.locator("form.in-place")).to_contain_text("not a valid")
    assert [*flaws(page), *axe(page)] == []
    field.fill("new@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-part=contact]")).to_contain_text("new@example.com")
    expect(page.get_by_role("link", name="Change E-mail")).to_be_focused()
    page.get_by_role("link", name="Change the name").click()
    page.get_by_role("textbox", name="Last name").fill("Zulu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Zulu")
    page.get_by_role("link", name="Change Phone").click()
    expect(page.get_by_role("textbox", name="Phone")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("form.in-place")).to_have_count(0)
    ann.refresh_from_db()
    assert (ann.email, ann.last_name) == ("new@example.com", "Zulu")


def test_of_a_field_that_both_changed_one_says_whose_stands(log_in: LogIn, ann: Any) -> None:
    page = log_in(360, 740)
    page.goto(f"{LIST}{ann.pk}/change/")
    page.get_by_label("Last name").fill("Slow")
    page.get_by_label("Called").fill("Annie")
    update_customer(ann.pk, {"last_name": "Quick", "display_name": "Nan", "is_vip": True}, by="user:x")
    page.get_by_role("button", name="Save").click()
    last, called = page.get_by_role("group", name="Last name"), page.get_by_role("group", name="Called")
    expect(last.get_by_label("Theirs")).not_to_be_checked()
    assert [*flaws(page), *axe(page)] == []
    called.get_by_label("Called").press("End")
    called.get_by_label("Called").press_sequentially("!")  # who writes on means their own
    expect(called.get_by_label("Yours")).to_be_checked()
    last.get_by_label("Theirs").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{LIST}{ann.pk}/")
    saved = CustomerProfile.objects.get(pk=ann.pk)
    assert (saved.last_name, saved.display_name, saved.is_vip) == ("Quick", "Annie!", True)
