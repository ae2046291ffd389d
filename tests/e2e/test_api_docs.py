"""The API's documentation in a browser: drawn from our own files under the strict policy, and tried out."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from crm.rest.docs import document
from tests.conftest import Api

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture
def page(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page that fails the test for an error on its console or a request that leaves the server."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(base_url=live_server.url)
        wrong: list[str] = []
        page.on(
            "console", lambda message: message.type in ("error", "warning") and wrong.append(message.text)
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith((live_server.url, "data:")) or wrong.append(request.url),
        )
        yield page
        browser.close()
    assert wrong == []


def test_every_operation_is_drawn_and_one_can_be_tried(page: Page, api: Api) -> None:
    page.goto("/api/docs/")
    expect(page.locator(".opblock")).to_have_count(sum(map(len, document()["paths"].values())))
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(api.key)
    page.locator(".auth-container").first.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    create = page.locator("#operations-Customers-createCustomer")
    create.locator(".opblock-summary-control").click()
    create.get_by_role("button", name="Try it out").click()
    create.get_by_role("button", name="Execute").click()
    expect(create.locator(".live-responses-table .response-col_status").last).to_contain_text("201")
    page.screenshot(path=os.environ.get("DOCS_SCREENSHOT", os.devnull), type="png")
