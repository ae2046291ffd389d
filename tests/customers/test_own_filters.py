"""Filters of the customer list by custom fields and by segments, and the segments that are made of them."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from customers.models import CustomField
from segments.models import SegmentMember
from tests.factories import CustomerProfileFactory, CustomFieldFactory, SegmentFactory
from tests.pages import LIST, Browser, staff_of


def shown(browser: Browser, **query: str) -> list[str]:
    reply = browser.get(LIST, query)
    assert reply.status_code == 200, reply.headers.get("Location")
    return sorted(str(profile) for profile in reply.context["cl"].result_list)


@pytest.fixture
def people(tenant: Tenant) -> None:
    CustomFieldFactory(key="buggy", label="Buggy", type="BOOL", is_listed=True)
    CustomFieldFactory(key="size", label="Size", type="ENUM", choices=["S", "L"], is_listed=True)
    CustomFieldFactory(
        key="diet", label="Diet", type="MULTI_ENUM", choices=["halaal", "vegan"], is_listed=True
    )
    CustomFieldFactory(key="locker", label="Locker", is_listed=True)
    CustomFieldFactory(key="hidden", label="Hidden", type="BOOL")
    for name, values in (
        ("Ann", {"buggy": True, "size": "L", "diet": ["vegan", "halaal"]}),
        ("Ben", {"buggy": False, "size": "S", "diet": ["halaal"]}),
        ("Cy", {}),
    ):
        CustomerProfileFactory(first_name=name, last_name="Botha", custom_fields=values)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"custom_buggy": "true"}, ["Ann Botha"]),
        ({"custom_buggy": "false"}, ["Ben Botha"]),
        ({"custom_size": "L"}, ["Ann Botha"]),
        ({"custom_diet": "halaal"}, ["Ann Botha", "Ben Botha"]),
        ({"custom_diet": "halaal", "custom_buggy": "false"}, ["Ben Botha"]),
        ({"custom_size": "nonsense"}, ["Ann Botha", "Ben Botha", "Cy Botha"]),
    ],
)
def test_people_are_found_by_what_a_custom_field_chooses(
    people: None, query: dict[str, str], found: list[str]
) -> None:
    browser = staff_of()
    assert shown(browser, **query) == found
    if "nonsense" not in query.values():
        assert browser.post(f"{LIST}views/?{urlencode(query)}", {"name": "Kept"}).status_code == 302
        assert shown(browser, **browser.get(LIST, query).context["views"]["opened"].view.filters) == found


def test_it_goes_with_the_list_into_a_file_a_segment_and_the_form_of_a_view(people: None) -> None:
    context = staff_of().get(LIST, {"custom_size": "L", "o": "1"}).context
    assert [link.url for link in context["links"]] == ["/admin/segments/segment/add/?custom_size=L&from=list"]
    assert context["export_url"].endswith("?custom_size=L")
    assert context["views"]["query"] == "?custom_size=L&o=1"


def test_only_columns_that_are_chosen_from_are_offered(people: None) -> None:
    offered = {spec.title for spec in staff_of().get(LIST).context["cl"].filter_specs}
    assert {"Buggy", "Size", "Diet"} <= offered
    assert not offered & {"Locker", "Hidden"}
    assert staff_of().get(LIST, {"custom_hidden": "true"}).status_code == 400


def test_from_whom_custom_fields_are_kept_nobody_is_told_by_a_filter(people: None) -> None:
    viewer = staff_of(Role.VIEWER)
    assert not {"Buggy", "Size"} & {spec.title for spec in viewer.get(LIST).context["cl"].filter_specs}
    assert viewer.get(LIST, {"custom_size": "L"}).status_code == 400


def test_a_view_by_a_field_that_is_no_column_any_more_says_so_and_can_be_deleted(people: None) -> None:
    browser = staff_of()
    browser.post(f"{LIST}views/?custom_size=L&stage=SUBSCRIBER", {"name": "Large"})
    CustomField.objects.filter(key="size").update(is_listed=False)
    (tab,) = browser.get(LIST).context["views"]["tabs"]
    assert (tab.url, tab.is_partial) == (f"{LIST}?stage=SUBSCRIBER&o=", True)
    page = browser.get(tab.url)
    assert page.context["views"]["opened"].may_change
    assert "a filter of it is gone" in page.content.decode()


def test_a_list_narrowed_by_custom_fields_and_a_segment_becomes_a_segment(people: None) -> None:
    segment = SegmentFactory(name="Regulars")
    browser = staff_of(Role.MARKETING)
    query = {"custom_buggy": "true", "custom_size": "L", "custom_diet": "vegan", "segment": str(segment.pk)}
    form: Any = browser.get("/admin/segments/segment/add/", {**query, "from": "list"}).context["form"]
    rules = form.initial["criteria"]["rules"]
    assert {rule["field"]: (rule["operator"], rule["value"]) for rule in rules} == {
        "customFields.buggy": ("eq", True),
        "customFields.size": ("eq", "L"),
        "customFields.diet": ("contains", "vegan"),
        "segments": ("in", [str(segment.pk)]),
    }
    sent = {"name": "Made of a list", "type": "DYNAMIC", "category": "CUSTOM", "refresh_frequency": "LIVE"}
    reply = browser.post("/admin/segments/segment/add/", {**sent, "criteria": form["criteria"].value()})
    assert reply.status_code == 302, reply.context["form"].errors


def test_a_segment_narrows_the_list(people: None) -> None:
    segment = SegmentFactory(name="Regulars")
    ann = CustomerProfileFactory(first_name="Di", last_name="Botha")
    SegmentMember.objects.create(tenant=ann.tenant, segment=segment, customer=ann, joined_at=timezone.now())
    assert shown(staff_of(Role.VIEWER), segment=str(segment.pk)) == ["Di Botha"]
    assert len(shown(staff_of(), segment="nonsense")) == 4
