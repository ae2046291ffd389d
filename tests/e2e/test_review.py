"""Pairs that may be one person, decided with the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, DuplicateCandidate
from tests.e2e.checks import flaws
from tests.factories import CustomerProfileFactory

LogIn = Callable[..., Page]
QUEUE = "/admin/customers/duplicatecandidate/"


def pair(tenant: Tenant, name: str, score: float) -> Any:
    people: list[Any] = [
        CustomerProfileFactory(first_name=first, last_name=name) for first in ("Ann", "Anna")
    ]
    first, second = sorted(people, key=lambda one: one.pk)
    return DuplicateCandidate.objects.create(
        tenant=tenant, first=first, second=second, reason="surname", source="finder", score=score,
        reasons=[["surname", "SAME", 7.0], ["given", "ALIKE", 4.0]],
    )  # fmt: skip


@pytest.fixture
def pairs(transactional_db: None, tenant: Tenant) -> list[Any]:
    return [pair(tenant, name, score) for name, score in (("Botha", 99.0), ("Nel", 90.0), ("Dube", 80.0))]


def state(one: Any) -> str:
    return str(DuplicateCandidate.objects.get(pk=one.pk).status)


def test_the_queue_is_worked_off_with_single_keys(log_in: LogIn, pairs: list[Any]) -> None:
    page = log_in()
    page.goto(f"{QUEUE}{pairs[0].pk}/")
    for key, name in (("j", "Nel"), ("j", "Dube"), ("k", "Nel"), ("k", "Botha")):
        press(page, key, name)
    page.keyboard.press("s")
    expect(page.get_by_role("columnheader").nth(1)).to_contain_text(str(pairs[0].second))
    page.wait_for_load_state()
    press(page, "m", "Nel")
    assert state(pairs[0]) == "MERGED"
    merged = CustomerProfile.objects.get(pk=pairs[0].first_id)
    assert merged.merged_into_id == pairs[0].second_id, "into the left one"
    press(page, "n", "Dube")
    assert state(pairs[1]) == "DISMISSED"
    press(page, "u", "Nel")
    assert state(pairs[1]) == "OPEN"


def press(page: Page, key: str, name: str) -> None:
    """Press a key, and wait until the pair of that name is there and listens."""
    page.keyboard.press(key)
    expect(page.get_by_role("navigation", name="Breadcrumbs")).to_contain_text(name)
    page.wait_for_load_state()


def test_what_is_typed_elsewhere_decides_nothing(log_in: LogIn, pairs: list[Any]) -> None:
    page = log_in()
    page.goto(f"{QUEUE}{pairs[0].pk}/")
    search = page.get_by_role("combobox").first
    search.click()
    page.keyboard.type("nm")
    expect(search).to_have_value("nm")
    page.keyboard.press("Control+m")
    assert state(pairs[0]) == "OPEN"


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1920, "dark")])
def test_the_page_of_a_pair_fits_and_reads(log_in: LogIn, pairs: list[Any], width: int, scheme: str) -> None:
    page = log_in(width, 800, scheme)
    page.goto(f"{QUEUE}{pairs[0].pk}/")
    assert flaws(page) == []
