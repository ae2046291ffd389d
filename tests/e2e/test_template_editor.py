"""Writing a template in a real browser: what somebody gets stands beside the words, and nothing runs in it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from campaigns import ready_made
from crm.tenancy.models import Tenant
from tests.e2e.checks import axe, flaws
from tests.factories import CustomerProfileFactory

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]
PAGES = "/admin/campaigns/messagetemplate/"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_words_are_looked_at_while_they_are_written(
    log_in: LogIn, transactional_db: None, tenant: Tenant, width: int, scheme: str
) -> None:
    template = ready_made.take("welcome", by="user:1")
    CustomerProfileFactory(first_name="Ann", last_name="Botha")
    page = log_in(width=width, scheme=scheme)
    page.goto(f"{PAGES}{template.pk}/change/")
    frame = page.frame_locator("iframe[name=template-frame]")
    expect(frame.get_by_text("Welcome, Thandi")).to_be_visible()
    assert [*flaws(page), *axe(page)] == []
    body = page.locator("textarea[name=body]")
    words = body.input_value()
    body.fill(words.replace("Welcome, {{ firstName }}", "Hello, {{ fistName }}"))
    problem = page.get_by_role("button", name="did you mean “firstName”")
    expect(problem).to_be_visible()
    body.fill(words.replace("Welcome, {{ firstName }}", "Hello, {{ firstName }}"))
    page.get_by_label("As which customer").fill("Ann Botha")
    expect(frame.get_by_text("Hello, Ann")).to_be_visible()
    page.get_by_role("button", name="Dark", exact=True).click()
    page.get_by_role("button", name="Desktop").click()
    expect(frame.get_by_text("Hello, Ann")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
