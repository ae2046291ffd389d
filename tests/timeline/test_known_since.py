"""Since when a person is known: the earliest time anything was heard of, told alike by API, home and timeline."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from tests.pages import staff_of
from timeline.ingestion import process_due, receive
from timeline.models import Activity, InboundEvent, SyncStatus

DAYS = (datetime(2019, 5, 1, tzinfo=UTC), datetime(2021, 3, 1, tzinfo=UTC), datetime(2024, 8, 1, tzinfo=UTC))


def seen(at: datetime, name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": name or at.isoformat(),
        "type": "web.page_view",
        "timestamp": at.isoformat(),
        "identity": {"email": "p@example.com"},
        "payload": {"url": "https://club.example/"},
        **more,
    }


@pytest.mark.parametrize("order", list(permutations(DAYS)))
def test_whatever_order_events_come_in_it_is_the_earliest(tenant: Tenant, order: Any, api: Any) -> None:
    for at in order:
        receive([seen(at, historical=True)])
        process_due(tenant)
    person = CustomerProfile.objects.get()
    beginning = Activity.objects.get(type="PROFILE_CREATED")
    assert person.created_at == beginning.occurred_at == DAYS[0]
    assert beginning.source_event_id == DAYS[0].isoformat()
    assert api.get(f"/api/v1/customers/{person.pk}").json()["createdAt"] == "2019-05-01T00:00:00Z"


def test_the_home_page_counts_who_became_known_lately(tenant: Tenant) -> None:
    receive(
        [seen(DAYS[0], historical=True), seen(timezone.now()) | {"identity": {"email": "new@example.com"}}]
    )
    process_due(tenant)
    assert CustomerProfile.objects.count() == 2
    assert "New people 1 in the last 7 days" in staff_of().text("/admin/live/")


def test_an_event_from_tomorrow_makes_nobody_known_before_they_are(tenant: Tenant) -> None:
    receive([seen(timezone.now() + timedelta(hours=20))])
    process_due(tenant)
    assert CustomerProfile.objects.get().created_at <= timezone.now()


def test_an_event_from_before_somebody_was_added_by_hand_leaves_that_act_where_it_was(
    api: Any, tenant: Tenant
) -> None:
    made = api.post("/api/v1/customers", {"email": "p@example.com"}).json()
    acted = Activity.objects.get(type="PROFILE_CREATED").occurred_at
    receive([seen(DAYS[0])])
    process_due(tenant)
    assert api.get(f"/api/v1/customers/{made['id']}").json()["createdAt"] == "2019-05-01T00:00:00Z"
    assert Activity.objects.get(type="PROFILE_CREATED").occurred_at == acted


@pytest.mark.parametrize("born", ["1899-12-30", "2999-01-01"])
def test_a_birth_date_that_nobody_can_have_is_left_out_and_the_rest_applied(
    tenant: Tenant, born: str
) -> None:
    payload = {"id": 7, "firstName": "Ann", "dateOfBirth": born, "email": "ann@example.com"}
    receive(
        [{"id": "m", "type": "scl.member.created", "timestamp": "2026-11-01T00:00:00Z", "payload": payload}]
    )
    process_due(tenant)
    person, event = CustomerProfile.objects.get(), InboundEvent.objects.select_related("body").get()
    assert (person.first_name, person.date_of_birth) == ("Ann", None)
    assert (event.status, event.error_code) == (SyncStatus.SUCCESS, "FIELD_LEFT_OUT")
    assert "birth date" in event.error
    assert born not in event.error
    assert born in event.body.raw


def test_the_first_word_of_an_unknown_type_is_no_source(tenant: Tenant) -> None:
    receive([seen(timezone.now()), seen(timezone.now(), "n") | {"type": "nobody.knows"}])
    receive([seen(timezone.now(), "own", source="ourshop")])
    page = staff_of().text("/admin/live/")
    assert "nobody" not in page
    assert "ourshop" in page.lower()
