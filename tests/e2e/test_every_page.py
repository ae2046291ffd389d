"""Every staff page in a real browser, with hostile rows: nothing runs, nothing breaks, everybody can use it.

X1, UX-4, UX-6. The pages come from the URLconf (tests/everything.py).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from crm.tenancy.models import Tenant, User
from crm.tenancy.permissions import Role
from tests import everything
from tests.e2e.checks import axe, flaws
from tests.factories import PASSWORD, StaffMembershipFactory

SIZES = ((360, 740), (1280, 800), (1920, 1080))
SCHEMES = ("light", "dark")
GATE, NOWHERE = "/admin/login/", "/admin/nowhere/"
SAMPLE = (
    "admin/",
    "admin/customers/customerprofile/",
    "admin/customers/customerprofile/<uuid:pk>/",
    "admin/customers/customerprofile/add/",
    "admin/timeline/inboundevent/dead-letters/",
    "admin/segments/segment/",
    "admin/segments/segment/<uuid:pk>/",
    "a template",
)

Opener = Callable[..., Page]


@pytest.fixture
def world(transactional_db: None, tenant: Tenant) -> everything.Everything:
    return everything.build(tenant)


@pytest.fixture
def no_dialogs() -> Iterator[list[str]]:
    said: list[str] = []
    yield said
    assert said == []


def enter(page: Page, user: User) -> None:
    page.goto("/admin/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def look(page: Page, path: str, *, with_axe: bool) -> list[str]:
    """What is wrong with a page, at every size and in both schemes; it is loaded once and then resized."""
    status = page.goto(path).status  # type: ignore[union-attr]
    found = [f"status {status}"] if (status == 404) != (path == NOWHERE) and path in (GATE, NOWHERE) else []
    page.wait_for_load_state("networkidle") if "data-lazy" in page.content() else None
    for scheme in SCHEMES:
        # Half-way through a transition no colour is what it will be.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            wrong = [*flaws(page), *(axe(page) if with_axe else ())]
            found += [f"{width} {scheme}: {one}" for one in wrong]
    return found


def report(found: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}\n    " + "\n    ".join(wrong) for name, wrong in found.items())


def survey(page: Page, paths: dict[str, str], dialogs: list[str], with_axe: Any) -> dict[str, list[str]]:
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    found = {}
    for name, path in paths.items():
        if wrong := look(page, path, with_axe=with_axe(name)):
            found[name] = wrong
        assert dialogs == [], path
    return found


@pytest.mark.proof
def test_every_page_fits_reads_and_has_names(
    open_browser: Opener, world: everything.Everything, staff: User, no_dialogs: list[str]
) -> None:
    """An Admin's pages, and axe-core on those that people live in."""
    page = open_browser()
    gate = survey(page, {GATE: GATE}, no_dialogs, lambda name: True)
    enter(page, staff)
    pages = everything.pages(world, staff) | {NOWHERE: NOWHERE}
    found = survey(page, pages, no_dialogs, lambda name: name in (*SAMPLE, NOWHERE))
    assert report(gate | found) == ""


@pytest.mark.proof
@pytest.mark.parametrize("role", list(Role))
def test_nothing_runs_and_nothing_breaks_for_any_role(
    open_browser: Opener, world: everything.Everything, role: Role, no_dialogs: list[str]
) -> None:
    user = StaffMembershipFactory(role=role).user
    page = open_browser()
    enter(page, user)
    paths = everything.pages(world, user)
    assert len(paths) > 20
    assert report(survey(page, paths, no_dialogs, lambda name: role == Role.ADMIN)) == ""


@pytest.mark.proof
def test_every_hostile_text_is_only_text_on_the_pages_of_its_own_row(
    open_browser: Opener, world: everything.Everything, staff: User, no_dialogs: list[str]
) -> None:
    """X1: each text once in every place of a person, an event and a form."""
    page = open_browser()
    page.on("dialog", lambda dialog: (no_dialogs.append(dialog.message), dialog.dismiss()))
    enter(page, staff)
    routes = [
        route for route in everything.STAFF if "<" in route and route.endswith(("<uuid:pk>/", "/change/"))
    ]
    for number in range(len(everything.HOSTILE)):
        for route in routes:
            path = everything.address(route, world, number)
            page.goto(path)
            assert no_dialogs == [], (path, everything.HOSTILE[number])
