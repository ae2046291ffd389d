"""API keys at the door: GET /api/v1/customers with one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.tenancy.models import ApiKey
from crm.tenancy.scope import tenant_scope
from tests.factories import CustomerProfileFactory, issue_key

LIST = "/api/v1/customers"


def code_of(reply):
    return reply.json()["error"]["code"]


def test_a_key_opens_its_own_tenant_only(api, tenant, other_tenant):
    CustomerProfileFactory(last_name="Mine")
    with tenant_scope(other_tenant):
        CustomerProfileFactory(last_name="Theirs")
    assert [row["lastName"] for row in api.get(LIST).json()["data"]] == ["Mine"]
    assert [row["lastName"] for row in api.as_key_of(other_tenant).get(LIST).json()["data"]] == ["Theirs"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "Token x", "Bearer fw_", "Bearer fw_abc", "Bearer fw__x",
     "Bearer fw_\x00_x", "Bearer fw_' OR 1=1--_x", "Bearer fw_000000000000_wrong", "bearer \u00ff"],
)  # fmt: skip
def test_what_is_no_key_is_401_and_says_how(api, header):
    reply = api.as_anyone().get(LIST, headers={"Authorization": header})
    assert reply.status_code == 401
    assert code_of(reply) in {"UNAUTHORIZED", "TOKEN_INVALID"}
    assert reply["WWW-Authenticate"] == "Bearer"


def test_a_wrong_secret_with_a_right_prefix_is_401(api):
    assert api.with_token(api.key[:-1] + "~").get(LIST).status_code == 401


def test_revoking_or_expiring_a_key_counts_at_the_next_request(api, tenant):
    key, secret = issue_key(tenant)
    client = api.with_token(secret)
    assert client.get(LIST).status_code == 200
    key.revoke()
    assert code_of(client.get(LIST)) == "UNAUTHORIZED"
    _, old = issue_key(tenant, expires_at=timezone.now() - timedelta(seconds=1))
    assert api.with_token(old).get(LIST).status_code == 401


def test_rotation_overlaps(api, tenant):
    key, old = issue_key(tenant)
    _, new = key.rotate(overlap=timedelta(hours=1))
    assert api.with_token(old).get(LIST).status_code == api.with_token(new).get(LIST).status_code == 200


def test_a_deactivated_tenant_is_out(api, tenant):
    tenant.is_active = False
    tenant.save()
    assert api.get(LIST).status_code == 401


def test_use_is_stamped_at_most_once_a_minute(api):
    api.get(LIST)
    (key,) = ApiKey.objects.all()
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)
    api.get(LIST)
    assert ApiKey.objects.get().last_used_at == key.last_used_at


def test_a_missing_scope_is_403_and_named(api, tenant):
    reader = api.as_key_of(tenant, scopes=["crm:read"])
    reply = reader.post(LIST, {"email": "a@example.com"})
    assert reply.status_code == 403
    assert code_of(reply) == "SCOPE_REQUIRED"
    assert "crm:write" in reply.json()["error"]["message"]
    assert reader.get(LIST).json()["data"] == []


def test_the_tenant_may_be_named_and_must_be_the_keys(api, tenant, other_tenant):
    for name in (tenant.slug, str(tenant.pk), str(tenant.pk).upper()):
        assert api.get(LIST, {"tenantId": name}).status_code == 200
    for name in (other_tenant.slug, str(other_tenant.pk), "nobody", ""):
        reply = api.get(LIST, {"tenantId": name})
        assert (reply.status_code, code_of(reply)) == (403, "TENANT_MISMATCH")
        reply = api.post(LIST, {"email": "a@example.com", "tenantId": name})
        assert (reply.status_code, code_of(reply)) == (403, "TENANT_MISMATCH")
    assert api.post(LIST, {"email": "a@example.com", "tenantId": tenant.slug}).status_code == 201
