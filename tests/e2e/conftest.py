"""A real browser against a real server: headless Chromium on pytest-django's live server.

Whatever a test does, at its end there must have been no console error, no breach of the content security policy,
and no request that left the server.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from crm.tenancy.models import Tenant, User
from tests.factories import PASSWORD

# Playwright runs an event loop in this thread, which makes Django refuse the plain queries of tests.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PATIENCE = 15_000  # milliseconds
expect.set_options(timeout=PATIENCE)


@dataclass
class Watch:
    """What went wrong in a browser while nobody looked."""

    home: str
    problems: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", lambda request: self._follow(request.url))
        page.on("requestfailed", lambda request: self._fail(request.url, request.failure))

    def _hear(self, message: ConsoleMessage) -> None:
        is_answer = message.page is not None and message.location.get("url") == message.page.url
        if is_answer and message.text.startswith("Failed to load resource"):
            return  # the page itself is a 403 or 404, which is for the test to judge
        if message.type in {"error", "warning"}:
            self.problems.append(f"console {message.type}: {message.text}")

    def _follow(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "about:", "blob:")):
            self.problems.append(f"a request left the server: {url}")

    def _fail(self, url: str, failure: str | None) -> None:
        if "ERR_ABORTED" not in (failure or ""):  # a page that was left takes its requests with it
            self.problems.append(f"request failed: {url} {failure}")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("no Chromium found: install Debian's chromium package to run the browser tests")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


Opener = Callable[..., Page]


@pytest.fixture
def open_browser(chromium: Browser, live_server: object) -> Iterator[Opener]:
    """Opens a fresh browser window of a size and a colour scheme on the live server."""
    watch, contexts = Watch(str(live_server)), list[BrowserContext]()

    def open_window(width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        context = chromium.new_context(
            base_url=str(live_server), viewport={"width": width, "height": height}, color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert watch.problems == []


@pytest.fixture
def log_in(open_browser: Opener, tenant: Tenant, staff: User) -> Callable[..., Page]:
    """A window in which an Admin of the tenant is logged in."""

    def opened(width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        page = open_browser(width, height, scheme)
        page.goto("/admin/")
        page.get_by_label("E-mail").fill(staff.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/admin/")
        return page

    return opened
