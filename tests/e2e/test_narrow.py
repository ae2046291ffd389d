"""What matters stays readable in a small window: figures, names and every tab."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.tenancy.models import Tenant
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST

pytestmark = pytest.mark.e2e
LogIn = Callable[..., Page]
CUT = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent.trim())"


@pytest.fixture
def ann(transactional_db: None, tenant: Tenant) -> Any:
    CustomFieldFactory(key="locker", label="Locker number", is_listed=True)
    return CustomerProfileFactory(first_name="Marguerite", last_name="Vosloo")


def test_figures_and_names_are_not_cut_on_a_phone(log_in: LogIn, ann: Any) -> None:
    page = log_in(360, 740)
    assert page.locator(".tile, .tile .caption").evaluate_all(CUT) == []
    page.goto(LIST)
    assert page.locator("#result_list .person-text > :first-child").evaluate_all(CUT) == []
    expect(page.get_by_role("columnheader", name="Locker number")).to_be_hidden()


def test_every_tab_and_column_is_in_sight_on_a_laptop(log_in: LogIn, ann: Any) -> None:
    page = log_in(1440, 900)
    page.goto(f"{LIST}{ann.pk}/")
    assert page.locator(".tabs").evaluate_all(CUT) == []
    page.goto(LIST)
    expect(page.get_by_role("columnheader", name="Locker number")).to_be_in_viewport()
    assert page.locator(".results").evaluate_all(CUT) == []
