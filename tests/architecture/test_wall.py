"""The wall between tenants, and the door: every address of the URLconf x every method x who asks.

An address without an expectation fails here: say below what it is.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from campaigns import ready_made
from campaigns.models import Campaign, Message, MessageTemplate
from crm.tenancy.scope import tenant_scope
from customers.merging import merge_customers
from customers.models import CustomerProfile, CustomField, DuplicateCandidate, Status
from customers.suppressions import add
from customers.tags import spelled
from segments.models import Segment
from tests.campaigns.making import campaign, campaigns_in_each_state, message_to
from tests.conftest import Api
from tests.factories import (
    ActivityFactory,
    ClubFactory,
    CustomerProfileFactory,
    CustomFieldFactory,
    InboundEventFactory,
    NoteFactory,
    SegmentFactory,
    StaffMembershipFactory,
    house,
    issue_key,
)
from timeline.models import Activity, InboundEvent, Note, SyncStatus

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Call(NamedTuple):
    """What a method of an address needs, takes and answers its own tenant."""

    scope: str
    status: int
    body: Any = None
    query: str = ""


SPARE_TAG = "Spare"
VARIANT = "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c93"
SEGMENT = "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c92"
TEMPLATE = "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c94"
RULES = [{"field": "isVip", "operator": "eq", "value": True}]
LOSER = "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c91"
EVENT = {"id": "e", "type": "scl.member.created", "timestamp": "2026-11-01T00:00:00Z"}
TOGETHER = ("0190d1c0-0000-7000-8000-000000000001", "0190d1c0-0000-7000-8000-000000000002")
PEOPLE = {"customerIds": [*TOGETHER]}
API: dict[str, dict[str, Call]] = {
    "api/v1/customers": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:write", 201, {"email": "new@example.com"}),
    },
    "api/v1/custom-fields": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:admin", 201, {"key": "size", "label": "Size", "type": "STRING"}),
    },
    "api/v1/custom-fields/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:admin", 200, {"label": "Changed"}),
        "DELETE": Call("crm:admin", 204),
    },
    "api/v1/customers/export": {"POST": Call("crm:admin", 200, {"format": "NDJSON"})},
    "api/v1/customers/resolve": {
        "GET": Call("crm:read", 200, query="?email=known@example.com"),
        "POST": Call("crm:write", 200, {"email": "known@example.com"}),
    },
    "api/v1/customers/search": {"GET": Call("crm:read", 200, query="?q=known@example.com")},
    "api/v1/customers/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:write", 200, {"lastName": "Changed"}),
        "DELETE": Call("crm:admin", 204),
    },
    "api/v1/customers/<str:pk>/household": {"GET": Call("crm:read", 200)},
    "api/v1/households": {"GET": Call("crm:read", 200), "POST": Call("crm:write", 201, PEOPLE)},
    "api/v1/households/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:write", 200, {"name": "Changed"}),
    },
    "api/v1/customers/<str:pk>/tags": {
        "POST": Call("crm:write", 200, {"tags": ["committee"]}),
        "DELETE": Call("crm:write", 200, query="?tags=committee"),
    },
    "api/v1/suppressions": {
        "GET": Call("crm:campaigns", 200),
        "POST": Call("crm:campaigns", 200, {"address": "gone@example.com"}),
    },
    "api/v1/suppressions/<str:pk>": {"DELETE": Call("crm:campaigns", 204, query="?reason=Mended")},
    "api/v1/tags/<path:name>": {"DELETE": Call("crm:admin", 204)},
    "api/v1/duplicates": {"GET": Call("crm:admin", 200)},
    "api/v1/duplicates/<str:pk>/dismiss": {"POST": Call("crm:admin", 200, {"remark": "Father and son"})},
    "api/v1/tags": {"GET": Call("crm:read", 200)},
    "api/v1/customers/<str:pk>/consents": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:write", 200, {"channel": "EMAIL", "state": "WITHDRAWN"}),
    },
    "api/v1/customers/merge": {
        "POST": Call("crm:admin", 200, {"merges": [{"winnerId": LOSER, "loserId": LOSER}]})
    },
    "api/v1/customers/<str:pk>/merge": {"POST": Call("crm:admin", 200, {"loserId": LOSER})},
    "api/v1/customers/<str:pk>/merge-preview": {"GET": Call("crm:admin", 200, query=f"?with={LOSER}")},
    "api/v1/customers/<str:pk>/merges": {"GET": Call("crm:read", 200)},
    "api/v1/customers/<str:pk>/unmerge": {"POST": Call("crm:admin", 200)},
    "api/v1/customers/<str:pk>/data-export": {"POST": Call("crm:admin", 200, {"format": "HTML"})},
    "api/v1/customers/<str:pk>/devices": {
        "PUT": Call("crm:write", 200, {"platform": "IOS", "token": "phone"}),
        "DELETE": Call("crm:write", 204, query="?token=phone"),
    },
    "api/v1/customers/<str:pk>/erase": {"POST": Call("crm:admin", 200, {"dryRun": True})},
    "api/v1/customers/<str:pk>/history": {"GET": Call("crm:read", 200)},
    "api/v1/customers/<str:pk>/provenance": {"GET": Call("crm:read", 200)},
    "api/v1/customers/<str:pk>/restore": {"POST": Call("crm:admin", 200)},
    "api/v1/customers/<str:pk>/activities": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:write", 201, {"type": "PHONE_CALL"}),
    },
    "api/v1/customers/<str:pk>/activities/<str:activityId>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:write", 200, {"title": "Changed"}),
        "DELETE": Call("crm:write", 204),
    },
    "api/v1/customers/<str:pk>/notes": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:write", 201, {"body": "Likes the window table."}),
    },
    "api/v1/customers/<str:pk>/notes/<str:noteId>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:write", 200, {"body": "Changed"}),
        "DELETE": Call("crm:write", 204),
    },
    "api/v1/customers/<str:pk>/notes/<str:noteId>/history": {"GET": Call("crm:read", 200)},
    "api/v1/consistency": {"GET": Call("crm:admin", 200)},
    "api/v1/segments": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:campaigns", 201, {"name": "New", "criteria": RULES}),
    },
    "api/v1/segments/preview": {"POST": Call("crm:campaigns", 200, {"criteria": RULES})},
    "api/v1/segments/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:campaigns", 200, {"name": "Changed"}),
        "DELETE": Call("crm:campaigns", 204),
    },
    "api/v1/segments/fields": {"GET": Call("crm:read", 200)},
    "api/v1/segments/schema": {"GET": Call("crm:read", 200)},
    "api/v1/segments/templates": {"GET": Call("crm:read", 200)},
    "api/v1/segments/<str:pk>/explain": {"GET": Call("crm:read", 200, query=f"?customerId={LOSER}")},
    "api/v1/segments/<str:pk>/changes": {"GET": Call("crm:read", 200)},
    "api/v1/segments/<str:pk>/clone": {"POST": Call("crm:campaigns", 201)},
    "api/v1/segments/<str:pk>/consumers": {"GET": Call("crm:read", 200)},
    "api/v1/segments/<str:pk>/members": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:campaigns", 200, {"members": [{"customerId": LOSER}]}),
        "DELETE": Call("crm:campaigns", 200, query=f"?customerIds={LOSER}"),
    },
    "api/v1/segments/<str:pk>/overlap": {"GET": Call("crm:read", 200, query=f"?with={SEGMENT}")},
    "api/v1/segments/<str:pk>/preview": {"GET": Call("crm:read", 200)},
    "api/v1/segments/<str:pk>/refresh": {"POST": Call("crm:campaigns", 202)},
    "api/v1/segments/<str:pk>/snapshot": {"POST": Call("crm:campaigns", 201)},
    "api/v1/segments/<str:pk>/sync-to-messaging": {"POST": Call("crm:campaigns", 202)},
    "api/v1/templates": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:campaigns", 201, {"gallery": "newsletter"}),
    },
    "api/v1/templates/gallery": {"GET": Call("crm:read", 200)},
    "api/v1/templates/preview": {
        "POST": Call("crm:campaigns", 200, {"channel": "SMS", "content": {"language": "en", "body": "Hi"}})
    },
    "api/v1/templates/variables": {"GET": Call("crm:read", 200)},
    "api/v1/templates/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:campaigns", 200, {"name": "Changed"}),
        "DELETE": Call("crm:campaigns", 204),
    },
    "api/v1/templates/<str:pk>/clone": {"POST": Call("crm:campaigns", 201)},
    "api/v1/templates/<str:pk>/preview": {"GET": Call("crm:read", 200)},
    "api/v1/campaigns": {
        "GET": Call("crm:read", 200),
        "POST": Call("crm:campaigns", 201, {"name": "New", "channels": ["EMAIL"]}),
    },
    "api/v1/campaigns/<str:pk>": {
        "GET": Call("crm:read", 200),
        "PATCH": Call("crm:campaigns", 200, {"name": "Changed"}),
        "DELETE": Call("crm:campaigns", 204),
    },
    "api/v1/campaigns/<str:pk>/approve": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/cancel": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/clone": {"POST": Call("crm:campaigns", 201)},
    "api/v1/campaigns/<str:pk>/execute": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/pause": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/preflight": {"GET": Call("crm:read", 200)},
    "api/v1/campaigns/<str:pk>/recipients": {"GET": Call("crm:read", 200)},
    "api/v1/campaigns/<str:pk>/resume": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/schedule": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/stats": {"GET": Call("crm:read", 200)},
    "api/v1/campaigns/<str:pk>/test-send": {
        "POST": Call("crm:campaigns", 202, {"customerId": LOSER, "to": "me@example.com"})
    },
    "api/v1/campaigns/<str:pk>/unschedule": {"POST": Call("crm:campaigns", 200)},
    "api/v1/campaigns/<str:pk>/winner": {"POST": Call("crm:campaigns", 200, {"variantId": VARIANT})},
    "api/v1/campaigns/<str:pk>/preview": {"GET": Call("crm:read", 200, query=f"?customerId={LOSER}")},
    "api/v1/messages": {"GET": Call("crm:read", 200)},
    "api/v1/messages/<str:pk>": {"GET": Call("crm:read", 200)},
    "api/v1/messages/<str:pk>/resolve": {"POST": Call("crm:campaigns", 200, {"outcome": "SENT"})},
    "api/v1/events": {"GET": Call("crm:events", 200), "POST": Call("crm:events", 202, EVENT)},
    "api/v1/events/stats": {"GET": Call("crm:events", 200)},
    "api/v1/events/replay": {"POST": Call("crm:events", 202, {})},
    "api/v1/events/<str:pk>": {"GET": Call("crm:events", 200)},
    "api/v1/events/<str:pk>/replay": {"POST": Call("crm:events", 202)},
}
# Open to everyone, each for its reason.
PUBLIC = {
    "": "leads to the admin",
    "health": "says how the platform is, not what is in it",
    "health/live": "the same, for the orchestrator",
    "health/ready": "the same, for the load balancer",
    "metrics": "loopback or its own token only",
    "api/schema/": "the documentation is public",
    "api/docs/": "the documentation is public",
    "t/o/<str:token>.gif": "the picture of a message, opened by its token",
    "t/c/<str:token>": "a link of a message, opened by its token",
    "t/u/<str:token>": "leaving, opened by the token of a message",
    "t/p/<str:token>": "what somebody hears, opened by the token of a message",
    "t/v/<str:token>": "an e-mail as a page, opened by its token",
    "t/k/<str:token>": "the second half of a double opt-in, opened by its token",
    "t/s/<str:color>.css": "a colour",
    "webhooks/twilio/": "for Twilio, which signs its calls",
    "webhooks/whatsapp/": "for Meta, which signs its calls",
    "webhooks/messaging/": "for the Messaging service, which signs its calls",
    "admin/login/": "the door itself",
    "admin/second-step/": "the second half of the door",
    "admin/logout/": "the way out, a POST",
    "admin/jsi18n/": "words of the interface",
    "admin/invitation/<str:token>/": "an invitation, opened by its token",
    "admin/password-reset/": "asks for a link; says the same whoever asks",
    "admin/password-reset/<uidb64>/<token>/": "a new password, opened by its token",
}


def addresses(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        elif isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)


STAFF = [route for route in addresses() if route.startswith("admin/") and route not in PUBLIC]
KEPT = (
    CustomerProfile,
    CustomField,
    DuplicateCandidate,
    InboundEvent,
    Activity,
    Note,
    Segment,
    Campaign,
    Message,
)
OF_ONE = [route for route in API if "<" in route]


def filled(route: str, *pks: object) -> str:
    """A real address: the objects' ids in place of its parameters, one after the other, a UUID for any other."""
    ids = iter(pks)
    route = re.sub(r"\^|\$|\(\?P<app_label>(\w+)[^)]*\)|\(\?P<url>.*\)", lambda m: m[1] or "", route)
    return "/" + re.sub(r"<[^>]*>", lambda _: str(next(ids, "") or uuid4()), route)


def without_request_id(reply: Any) -> Any:
    body = reply.json()
    body["error"].pop("requestId")
    return reply.status_code, body


@pytest.fixture
def rows(tenant):
    """One of each thing that an address of the API can name."""
    person, deleted = (
        CustomerProfileFactory(email="known@example.com"),
        CustomerProfileFactory(status=Status.DELETED),
    )
    together = [CustomerProfileFactory(pk=pk) for pk in TOGETHER]
    spelled([SPARE_TAG])
    merged = CustomerProfileFactory()
    merge_customers(person.pk, merged.pk, by="key:test")
    return {
        "loser": CustomerProfileFactory(pk=LOSER),
        "merged": merged,
        "household": house(person, *together),
        "customer": person,
        "deleted": deleted,
        "event": InboundEventFactory(status=SyncStatus.FAILED, is_waiting=False),
        "activity": ActivityFactory(customer=person, source="api"),
        "note": NoteFactory(customer=person),
        "field": CustomFieldFactory(),
        "duplicate": pair_of(person, deleted),
        "segment": SegmentFactory(pk=SEGMENT),
        "template": ready_made.take("welcome", by="user:1", name="Hello"),
        "named_template": MessageTemplate.objects.create(
            pk=TEMPLATE, tenant=person.tenant, name="Named in the examples", channel="EMAIL"
        ),
        "suppression": add("back@example.com", by="user:x"),
        **campaigns_in_each_state(VARIANT),
    }


def pair_of(*people: CustomerProfile) -> DuplicateCandidate:
    first, second = sorted(people, key=lambda row: row.pk)
    return DuplicateCandidate.objects.create(
        tenant=first.tenant, first=first, second=second, reason="the same phoneNumber", source="teetime"
    )


def named(route: str, rows: Any) -> list[Any]:
    """The ids of the rows that an address names, in its order."""
    if route.startswith("api/v1/tags/"):
        return [SPARE_TAG]
    kinds = {
        "events": "event", "restore": "deleted", "custom-fields": "field", "duplicates": "duplicate",
        "/unschedule": "scheduled", "/approve": "scheduled", "/pause": "running", "/cancel": "running",
        "/winner": "running", "/resume": "paused", "campaigns": "campaign", "messages": "message",
        "unmerge": "merged", "households": "household", "segments": "segment",
        "v1/templates": "template",
        "suppressions": "suppression",
    }  # fmt: skip
    outer = rows[next((kind for word, kind in kinds.items() if word in route), "customer")].pk
    return [outer, *(rows[inner.removesuffix("Id")].pk for inner in re.findall(r"<str:(\w+Id)>", route))]


def send(client: Api, method: str, route: str, pks: list[Any], call: Call | None) -> Any:
    body = "" if call is None or call.body is None else call.body
    address = filled(route, *pks) + (call.query if call else "")
    if method in ("GET", "HEAD") or not body:
        return client.generic(method, address)
    return client.generic(method, address, json.dumps(body))


def test_every_address_has_an_expectation():
    found = set(addresses())
    assert found == {*API, *PUBLIC, *STAFF}, found ^ {*API, *PUBLIC, *STAFF}


@pytest.mark.parametrize("route", API)
def test_nobody_unknown_gets_in(route, api, rows):
    for stranger in (api.as_anyone(), api.with_token("fw_000000000000_nothing"), api.with_token("a.b.c")):
        for method in METHODS:
            reply = send(stranger, method, route, named(route, rows), API[route].get(method))
            assert reply.status_code == 401, method


@pytest.mark.parametrize("route", API)
def test_its_own_tenant_gets_what_is_promised_and_405_for_the_rest(route, api, rows):
    for method in METHODS:
        call = API[route].get("GET" if method == "HEAD" else method)
        reply = send(api, method, route, named(route, rows), call)
        assert reply.status_code == (call.status if call else 405), (method, reply.content)


@pytest.mark.parametrize("route", API)
def test_every_other_scope_is_not_enough(route, api, tenant, rows):
    for method, call in API[route].items():
        others = {"crm:read", "crm:write", "crm:admin", "crm:campaigns", "crm:social", "crm:events"} - {
            call.scope
        }
        reply = send(api.as_key_of(tenant, scopes=sorted(others)), method, route, named(route, rows), call)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], call.scope in error["message"]) == (
            403,
            "SCOPE_REQUIRED",
            True,
        )


@pytest.mark.parametrize("route", OF_ONE)
def test_another_tenants_id_is_an_id_that_is_not_there(route, api, tenant, other_tenant, rows):
    theirs = api.as_key_of(other_tenant)
    before = [list(model.objects.order_by("pk").values()) for model in KEPT]
    for method, call in API[route].items():
        there = send(theirs, method, route, named(route, rows), call)
        nowhere = send(theirs, method, route, [], call)
        assert without_request_id(there) == without_request_id(nowhere)
        assert there.status_code == 404
    assert before == [list(model.objects.order_by("pk").values()) for model in KEPT]


@pytest.mark.parametrize("route", sorted(set(API) - set(OF_ONE)))
def test_lists_and_counts_of_another_tenant_show_nothing(route, api, other_tenant, rows):
    theirs = api.as_key_of(other_tenant)
    for method, call in API[route].items():
        if call.scope != "crm:write":
            text = send(theirs, method, route, [], call).getvalue().decode()
            for row in rows.values():
                assert isinstance(row.pk, int) or str(row.pk) not in text  # a small number is anywhere
            assert "known@example.com" not in text


@pytest.mark.parametrize("route", STAFF)
def test_staff_pages_ask_strangers_to_log_in(route, client, db):
    for method in ("get", "post"):
        reply = getattr(client, method)(filled(route))
        assert reply.status_code in (302, 403, 404), method
        if reply.status_code == 302:
            assert "/admin/login/" in reply["Location"]


def staff_rows() -> dict[str, Any]:
    """One of each thing that a page of the admin can name, with the word that its addresses have for it."""
    person, other = sorted([CustomerProfileFactory(), CustomerProfileFactory()], key=lambda row: row.pk)
    return {
        "customerprofile": person,
        "household": house(person, other),
        "activity": ActivityFactory(customer=person, source="staff"),
        "note": NoteFactory(customer=person),
        "inboundevent": InboundEventFactory(),
        "club": ClubFactory(),
        "customfield": CustomFieldFactory(),
        "apikey": issue_key(person.tenant)[0],
        "staffmembership": StaffMembershipFactory(),
        "duplicatecandidate": pair_of(person, other),
        "segment": SegmentFactory(club=ClubFactory()),
        "messagetemplate": ready_made.take("newsletter", by="user:1", club_id=ClubFactory().pk),
        "campaign": campaign(club=ClubFactory()),
        "message": message_to(person),
    }


def model_of(route: str) -> str:
    """The model in admin/<app>/<model>/…, or nothing."""
    return (route.split("/") + ["", ""])[2]


KINDS = (
    "customerprofile",
    "household",
    "activity",
    "note",
    "inboundevent",
    "club",
    "customfield",
    "campaign",
    "message",
    "apikey",
    "staffmembership",
    "duplicatecandidate",
    "segment",
    "messagetemplate",
)
OF_ONE_FOR_STAFF = [route for route in STAFF if "<" in route and model_of(route) in KINDS]


@pytest.mark.parametrize("route", OF_ONE_FOR_STAFF)
def test_staff_pages_of_another_tenants_things_are_pages_of_nothing(route, client, tenant, outsider):
    row = staff_rows()[model_of(route)]
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")
    nothing = uuid4()
    for method in ("get", "post"):
        there = getattr(client, method)(filled(route, row.pk))
        nowhere = getattr(client, method)(filled(route, nothing))
        assert there.status_code == nowhere.status_code
        assert there.status_code != 200
        if there.status_code == 302:
            assert there["Location"].replace(str(row.pk), "") == nowhere["Location"].replace(str(nothing), "")
    with tenant_scope(tenant):
        assert type(row).objects.filter(pk=row.pk).exists()
