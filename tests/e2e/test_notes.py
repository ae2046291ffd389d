"""Notes in a real browser: drafts that save themselves, the picker, two editors, every size and scheme."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant, User
from crm.tenancy.permissions import Role
from tests.e2e.checks import flaws
from tests.factories import CustomerProfileFactory, NoteFactory, UserFactory
from tests.pages import LIST, member
from timeline.models import Note, NoteDraft

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]


@pytest.fixture
def ann(transactional_db: None, tenant: Tenant) -> Any:
    member(Role.STAFF, user=UserFactory(full_name="Pieter Fourie", email="pieter@club.example"))
    member(Role.VIEWER, user=UserFactory(full_name="Piet Viewer", email="piet@club.example"))
    return CustomerProfileFactory(first_name="Ann", last_name="Botha")


def test_a_draft_saves_itself_and_is_there_after_a_crash_and_a_log_out(
    log_in: LogIn, ann: Any, staff: User
) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    page.get_by_label("Note", exact=True).fill("Half a thought")
    expect(page.locator("[data-saved]")).to_have_text("Saved just now")
    expect(page.locator("[data-saved]")).to_have_text("Saved 3 s ago")
    page.get_by_label("Note", exact=True).press_sequentially(" and more")
    page.goto("about:blank")  # before the pause is over: what was typed last goes out with the page
    page.wait_for_timeout(500)
    assert NoteDraft.objects.get().form["body"] == "Half a thought and more"
    page.context.clear_cookies()
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    expect(page.get_by_label("Note", exact=True)).to_have_value("Half a thought and more")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note")).to_contain_text("Half a thought and more")
    expect(page.get_by_label("Note", exact=True)).to_have_value("")
    assert not NoteDraft.objects.exists()


def test_a_colleague_is_picked_by_keyboard_and_who_may_not_see_it_can_t_be(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    page.get_by_label("Who may read it").select_option("STAFF")
    field = page.get_by_label("Note", exact=True)
    field.press_sequentially("Ask @pie")
    options = page.locator(".picker [role=option]")
    expect(options).to_have_count(2)
    expect(options.and_(page.locator("[aria-disabled=true]"))).to_contain_text("may not see this note")
    assert flaws(page) == []
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("Ask @[Pieter Fourie] ")
    field.press_sequentially("please")
    field.press("Control+Enter")
    expect(page.locator(".note .mention")).to_have_text("@Pieter Fourie")


def test_of_two_editors_the_second_has_both_texts(log_in: LogIn, ann: Any, staff: User) -> None:
    note = NoteFactory(customer=ann, body="As it was", author=f"user:{staff.pk}")
    first, second = log_in(), log_in()
    for page in (first, second):
        page.goto(f"/admin/timeline/note/{note.pk}/edit/")
    first.get_by_label("Note", exact=True).fill("From the first")
    first.get_by_role("button", name="Save").click()
    second.get_by_label("Note", exact=True).fill("From the second")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else saved this note")
    expect(second.locator("#theirs")).to_have_text("From the first")
    expect(second.get_by_label("Note", exact=True)).to_have_value("From the second")
    assert flaws(second) == []
    second.get_by_role("button", name="Save").click()
    expect(second.locator(".note")).to_contain_text("From the second")
    assert Note.objects.get().version == 3


def test_a_deleted_note_comes_back_with_undo(log_in: LogIn, ann: Any, staff: User) -> None:
    NoteFactory(customer=ann, body="Oops", author=f"user:{staff.pk}")
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    page.locator(".note summary").click()
    page.get_by_role("button", name="Delete").click()
    page.locator("#ask-yes").click()
    expect(page.locator(".note")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".note")).to_contain_text("Oops")


def test_what_is_being_written_is_not_pulled_away_by_news(log_in: LogIn, ann: Any) -> None:
    page = log_in()
    page.goto(f"{LIST}{ann.pk}/?tab=notes")
    page.get_by_label("Note", exact=True).fill("Half")
    page.get_by_role("heading", level=1).click()
    NoteFactory(customer=ann, body="News", is_pinned=True)
    expect(page.locator(".pinned-notes")).to_contain_text("News")  # the page is alive
    expect(page.get_by_label("Note", exact=True)).to_have_value("Half")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_of_notes_keeps_the_rules(
    log_in: LogIn, ann: Any, staff: User, width: int, scheme: str
) -> None:
    body = "# Head\n\n**Bold** `code` [link](https://club.example)\n\n> quote\n\n- list\n\n```\npre\n```"
    note = NoteFactory(
        customer=ann, body=body, author=f"user:{staff.pk}", is_pinned=True, visibility="MARKETING",
        type="FOLLOW_UP", due_on="2026-12-01",
    )  # fmt: skip
    NoteFactory(customer=ann, body="x" * 300, type="COMPLAINT")
    page = log_in(width, 800, scheme)
    for path in (
        f"{LIST}{ann.pk}/?tab=notes", f"{LIST}{ann.pk}/", "/admin/timeline/note/",
        f"/admin/timeline/note/{note.pk}/edit/",
        f"/admin/timeline/note/{note.pk}/versions/", f"/admin/timeline/activity/for/{ann.pk}/log/",
    ):  # fmt: skip
        page.goto(path)
        if "tab=notes" in path:
            page.locator(".note summary").first.click()
        if path.endswith(f"{ann.pk}/"):
            page.locator(".log summary").click()
        assert flaws(page) == [], path
