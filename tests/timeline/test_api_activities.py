"""A customer's timeline over HTTP."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry
from crm.tenancy.scope import tenant_scope
from customers.models import Status
from tests.factories import ActivityFactory, CustomerProfileFactory
from timeline.models import Activity

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


def url(customer):
    return f"/api/v1/customers/{getattr(customer, 'pk', customer)}/activities"


@pytest.fixture
def thandi(tenant):
    return CustomerProfileFactory()


def titles(reply):
    assert reply.status_code == 200, reply.content
    return [row["title"] for row in reply.json()["data"]]


def test_the_newest_is_first(api, thandi):
    for day in (1, 3, 2):
        ActivityFactory(customer=thandi, title=str(day), occurred_at=DAY + timedelta(days=day))
    ActivityFactory(title="somebody else's")
    reply = api.get(url(thandi))
    assert titles(reply) == ["3", "2", "1"]
    assert reply.json()["meta"] == {"total": 3, "skip": 0, "take": 25, "hasMore": False}
    assert reply.json()["data"][0]["sourceService"] == "teetime"


def test_a_walk_by_cursor_sees_each_entry_once_even_at_one_moment(api, thandi):
    for number in range(11):
        ActivityFactory(customer=thandi, title=str(number), occurred_at=DAY + timedelta(seconds=number // 4))
    walked, cursor = [], ""
    while cursor is not None:
        body = api.get(url(thandi), {"take": 3, "cursor": cursor}).json()
        walked += [row["id"] for row in body["data"]]
        cursor = body["meta"]["nextCursor"]
    assert walked == [row["id"] for row in api.get(url(thandi)).json()["data"]]
    assert len(set(walked)) == 11


def test_each_filter_narrows(api, thandi):
    ActivityFactory(
        customer=thandi, title="hit", type="ORDER_PAID", category="COMMERCE", source="web", channel="EMAIL",
        occurred_at=DAY,
    )  # fmt: skip
    ActivityFactory(customer=thandi, title="miss")
    for query in (
        {"category": "COMMERCE"}, {"category": "COMMERCE,GOLF"}, {"type": "ORDER_PAID"}, {"source": "web"},
        {"channel": "EMAIL"}, {"to": "2026-11-01T12:00:01Z"},
        {"from": "2026-11-01T12:00:00Z", "to": "2026-11-01T12:00:01Z"},
    ):  # fmt: skip
        assert titles(api.get(url(thandi), query)) == ["hit"], query
    assert titles(api.get(url(thandi), {"to": "2026-11-01T12:00:00Z"})) == []
    for query in ({"category": "NOPE"}, {"from": "x"}, {"sort": "title"}, {"take": 101}, {"foo": 1}):
        assert api.get(url(thandi), query).status_code == 400


def test_an_entry_by_hand_says_who_made_it(api, thandi):
    reply = api.post(url(thandi), {"type": "PHONE_CALL", "channel": "PHONE", "metadata": {"Minutes_": 3}})
    body = reply.json()
    assert reply.status_code == 201
    wanted = {
        "type": "PHONE_CALL", "category": "NOTE", "title": "Phone call", "channel": "PHONE", "description": None,
        "metadata": {"Minutes_": 3}, "sourceService": "api", "byCustomer": False, "customerId": str(thandi.pk),
    }  # fmt: skip
    assert {name: body[name] for name in wanted} == wanted
    assert body["actor"].startswith("key:")
    assert api.get(url(thandi)).json()["data"] == [body]


def test_what_the_customer_did_counts_and_what_we_did_does_not(api, thandi):
    api.post(url(thandi), {"type": "PHONE_CALL"})
    assert api.get(f"/api/v1/customers/{thandi.pk}").json()["activityCount30d"] == 0
    api.post(url(thandi), {"type": "VISIT", "category": "SALES", "byCustomer": True})
    assert api.get(f"/api/v1/customers/{thandi.pk}").json()["activityCount30d"] == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"type": "call"}, {"type": "CALL", "category": "NOPE"}, {"type": "CALL", "title": ""},
     {"type": "CALL", "title": "x" * 301}, {"type": "CALL", "metadata": []}, {"type": "CALL", "actor": "me"},
     {"type": "CALL", "occurredAt": "1969-12-31T00:00:00Z"}, {"type": "CALL", "occurredAt": 7},
     {"type": "CALL", "occurredAt": (timezone.now() + timedelta(days=2)).isoformat()}],
)  # fmt: skip
def test_what_cannot_be_read_is_400_and_leaves_nothing(api, thandi, body):
    assert api.post(url(thandi), body).status_code == 400
    assert not Activity.objects.exists()


def test_a_merged_person_shows_the_winners_timeline(api, thandi):
    ActivityFactory(customer=thandi, title="hers")
    loser = CustomerProfileFactory(status=Status.MERGED, merged_into=thandi)
    assert titles(api.get(url(loser))) == ["hers"]
    assert api.post(url(loser), {"type": "CALL"}).json()["customerId"] == str(thandi.pk)


def test_nobodys_timeline_is_404(api, thandi, other_tenant):
    with tenant_scope(other_tenant):
        theirs = CustomerProfileFactory()
    deleted = CustomerProfileFactory(status=Status.DELETED)
    for pk in (theirs.pk, deleted.pk, uuid4(), "x"):
        for reply in (api.get(url(pk)), api.post(url(pk), {"type": "CALL"})):
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    with tenant_scope(other_tenant):
        assert not Activity.objects.exists()


def test_an_entry_by_hand_can_be_changed_and_deleted_and_counts_anew(api, thandi):
    """A3.5."""
    entry = api.post(url(thandi), {"type": "VISIT", "description": "x", "byCustomer": True}).json()
    address = f"{url(thandi)}/{entry['id']}"
    changed = api.patch(address, {"title": "Popped in", "description": None, "byCustomer": False})
    assert changed.status_code == 200
    assert changed.json() == entry | {"title": "Popped in", "description": None, "byCustomer": False}
    assert api.get(f"/api/v1/customers/{thandi.pk}").json()["activityCount30d"] == 0
    api.patch(address, {"byCustomer": True})
    assert api.get(f"/api/v1/customers/{thandi.pk}").json()["activityCount30d"] == 1
    assert api.delete(address).status_code == 204
    assert api.get(f"/api/v1/customers/{thandi.pk}").json()["activityCount30d"] == 0
    assert (api.get(address).status_code, api.get(address).json()["error"]["code"]) == (
        404,
        "ACTIVITY_NOT_FOUND",
    )
    done = list(
        AuditEntry.objects.filter(object_type="activity").order_by("at").values_list("action", flat=True)
    )
    assert done == ["activity.added", "activity.changed", "activity.changed", "activity.deleted"]


def test_what_a_source_reported_or_the_crm_recorded_cannot_be_changed(api, thandi):
    """A3.5: never sourced ones."""
    for source in ("teetime", "crm"):
        entry = ActivityFactory(customer=thandi, source=source)
        for reply in (
            api.patch(f"{url(thandi)}/{entry.pk}", {"title": "x"}),
            api.delete(f"{url(thandi)}/{entry.pk}"),
        ):
            assert (reply.status_code, reply.json()["error"]["code"]) == (409, "ACTIVITY_NOT_MANUAL")


def test_anothers_entry_takes_crm_admin(api, tenant, thandi):
    entry = ActivityFactory(customer=thandi, source="staff", actor="user:1")
    plain = api.as_key_of(tenant, scopes=["crm:write"])
    assert (
        plain.patch(f"{url(thandi)}/{entry.pk}", {"title": "x"}).json()["error"]["code"] == "NOT_THE_AUTHOR"
    )
    assert api.patch(f"{url(thandi)}/{entry.pk}", {"title": "x"}).status_code == 200


def test_an_entry_of_somebody_else_or_of_nobody_is_404(api, thandi):
    other = ActivityFactory(source="api")
    for pk in (other.pk, uuid4(), "x"):
        for reply in (
            api.get(f"{url(thandi)}/{pk}"),
            api.patch(f"{url(thandi)}/{pk}", {}),
            api.delete(f"{url(thandi)}/{pk}"),
        ):
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "ACTIVITY_NOT_FOUND")
