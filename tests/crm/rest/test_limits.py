"""How often a credential may call."""

import pytest
import redis
import time_machine
from django.conf import settings as django_settings
from structlog.testing import capture_logs

from crm.rest.throttling import Outage
from crm.tenancy.scope import tenant_scope

LIST, EVENTS = "/api/v1/customers", "/api/v1/events"
NOW = "2026-11-21T10:00:30Z"


@pytest.fixture(autouse=True)
def still():
    """A clock that stands 30 s into a minute, but for tokens and the cooling down after an outage."""
    Outage.ask_again = Outage.say_again = 0.0
    with time_machine.travel(NOW, tick=False):
        yield


def remaining(reply):
    return [reply.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining")]


def test_reads_writes_and_events_are_counted_apart(api):
    assert remaining(api.get(LIST)) == ["1000", "999"]
    assert remaining(api.get(LIST)) == ["1000", "998"]
    assert remaining(api.post(LIST, {})) == ["100", "99"]
    assert remaining(api.post(EVENTS, [])) == ["600", "599"]
    assert remaining(api.get(EVENTS)) == ["1000", "997"]


def test_the_limit_ends_with_429_and_the_seconds_to_wait(api, tenant):
    client = api.as_key_of(tenant, limits={"read": 2})
    for left in ("1", "0"):
        assert remaining(client.get(LIST)) == ["2", left]
    reply = client.get(LIST)
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 30 <= int(reply["Retry-After"]) <= 31
    assert remaining(reply) == ["2", "0"]
    assert int(reply["X-RateLimit-Reset"]) == 1795255260  # 10:01:00
    with time_machine.travel("2026-11-21T10:01:01Z", tick=False):
        assert client.get(LIST).status_code == 200


def test_every_answer_to_a_known_caller_has_the_headers(api, tenant):
    for reply in (api.get("/api/v1/customers/x"), api.get(LIST + "?foo=1"), api.put(LIST),
                  api.as_key_of(tenant, scopes=["crm:social"]).get(LIST)):  # fmt: skip
        assert "X-RateLimit-Remaining" in reply.headers
    assert "X-RateLimit-Limit" not in api.as_anyone().get(LIST).headers


def test_refused_calls_count_too(api, tenant):
    client = api.as_key_of(tenant, scopes=["crm:social"], limits={"read": 1})
    assert [client.get(LIST).status_code for _ in range(2)] == [403, 429]


def test_a_key_goes_before_its_tenant_and_the_tenant_before_the_platform(api, tenant, other_tenant):
    tenant.limits = {"read": 7}
    tenant.save()
    assert api.get(LIST)["X-RateLimit-Limit"] == "7"
    assert api.as_key_of(tenant, limits={"read": 9}).get(LIST)["X-RateLimit-Limit"] == "9"
    assert api.as_key_of(other_tenant).get(LIST)["X-RateLimit-Limit"] == "1000"


def test_each_key_has_its_own_count(api, tenant):
    first, second = (api.as_key_of(tenant, limits={"read": 1}) for _ in range(2))
    assert [first.get(LIST).status_code, second.get(LIST).status_code, first.get(LIST).status_code] == [
        200,
        200,
        429,
    ]


def test_while_redis_is_away_nobody_is_stopped_and_it_is_said_once(api, tenant, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = api.as_key_of(tenant, limits={"read": 1})
    with capture_logs() as logs:
        replies = [client.get(LIST) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200] * 5
    assert "X-RateLimit-Limit" not in replies[0].headers
    assert [line["event"] for line in logs].count("limits.not_counted") == 1


def test_counts_leave_redis_by_themselves(api, tenant):
    api.get(LIST)
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    with tenant_scope(tenant):
        (key,) = client.keys(f"fairway:limit:{tenant.pk}:*")
    assert 0 < client.ttl(key) <= 120
