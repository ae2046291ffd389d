"""Settings > Identity, and what blocked values do to events, keys and staff."""

from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from customers.admin.identity import rule_forms
from customers.identity_rules import ANY, EXACT, REGEX
from customers.identity_settings import block, current_rules, set_rules, switch
from customers.models import AliasHolder, BlockedValue, CustomerProfile, IdentityRule
from tests.conftest import Api
from tests.factories import ClubFactory
from tests.pages import at_most, staff_of, words
from timeline.ingestion import process_due, receive
from timeline.models import Activity, InboundEvent

PAGE = "/admin/customers/identityrule/"


def sent(**changes: Any) -> dict[str, Any]:
    """The rules as the page shows them, with changes by “kind-column”."""
    values = {form.add_prefix(name): form[name].value() for form in rule_forms() for name in form.fields}
    return {name: value for name, value in {**values, **changes}.items() if value not in (None, False)}


def deliver(tenant: Tenant, **identity: Any) -> InboundEvent:
    number = InboundEvent.objects.count()
    event = {
        "id": f"e-{number}", "type": "web.page_view", "timestamp": timezone.now().isoformat(), "identity": identity,
        "payload": {"url": "https://club.example/"},
    }  # fmt: skip
    receive([event])
    process_due(tenant)
    found: InboundEvent = InboundEvent.objects.get(event_id=event["id"])
    return found


# --- blocked values
def test_an_event_with_a_blocked_value_is_stored_and_applied_by_its_other_identifiers(tenant: Tenant) -> None:
    row = deliver(tenant, sclMemberId=7, authUserId="null", email="noreply@club.example")
    assert row.status == "SUCCESS"
    assert row.error == "Left out: authUserId, email, whose value identifies nobody by the rules of identity."
    assert list(AliasHolder.objects.values_list("alias__kind", flat=True)) == ["sclMemberId"]
    person = CustomerProfile.objects.get()
    assert (person.email, person.auth_user_id) == ("", "")
    assert Activity.objects.filter(source_event_id=row.event_id, customer=person).exists()


def test_an_event_with_nothing_but_blocked_values_is_stored_and_ties_nobody(tenant: Tenant) -> None:
    row = deliver(tenant, authUserId="anonymous")
    assert (row.status, row.error_code) == ("FAILED", "NO_IDENTIFIER")
    assert "identifies nobody by the rules" in row.error
    assert not CustomerProfile.objects.exists()


def test_the_club_s_own_number_never_makes_two_people_one(tenant: Tenant) -> None:
    ClubFactory(email="Pro.Shop@club.example", phone="021 300 1100")
    deliver(tenant, authUserId="a", phoneNumber="+27213001100")
    deliver(tenant, authUserId="b", phoneNumber="021 300 1100", email="pro.shop@club.example")
    assert CustomerProfile.objects.count() == 2
    assert not AliasHolder.objects.filter(alias__kind__in=["email", "phoneNumber"]).exists()


def test_a_profile_is_not_written_an_address_that_reaches_nobody_in_particular(tenant: Tenant) -> None:
    event = {
        "id": "m", "type": "scl.member.created", "source": "scl", "timestamp": timezone.now().isoformat(),
        "payload": {"id": 5, "firstName": "Ann", "lastName": "Nel", "email": "noreply@club.example"},
    }  # fmt: skip
    receive([event])
    process_due(tenant)
    assert (CustomerProfile.objects.get().email, CustomerProfile.objects.get().first_name) == ("", "Ann")


def test_a_key_that_sends_a_blocked_value_is_told_so(api: Api, tenant: Tenant) -> None:
    reply = api.post("/api/v1/customers", {"email": "do-not-reply@club.example", "lastName": "Nel"})
    (detail,) = reply.json()["error"]["details"]
    assert (reply.status_code, detail["field"], detail["code"]) == (400, "email", "BLOCKED_VALUE")
    assert "identifies nobody (A sender that nobody reads)" in detail["message"]


def test_a_rule_counts_from_the_next_event_on_and_for_its_own_tenant_only(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    deliver(tenant, externalIds={"tabletId": "t-1"})
    block({"kind": "", "how": REGEX, "pattern": "^t-", "reason": "tablets"}, by="user:x")
    assert deliver(tenant, externalIds={"tabletId": "t-1"}).error_code == "NO_IDENTIFIER"
    with tenant_scope(other_tenant):
        assert current_rules().counts("externalIds.tabletId", "t-1")


def test_the_rules_are_read_once_until_they_change(tenant: Tenant) -> None:
    with at_most(3):
        current_rules()
    with at_most(0):
        current_rules()
    switch((ANY, EXACT, "null"), is_active=False, by="user:x")
    assert current_rules().counts("authUserId", "null")
    with tenant_scope(Tenant.objects.get(pk=tenant.pk)), at_most(3):
        assert current_rules().counts("authUserId", "null")


# --- the page
def test_an_admin_changes_a_rule_and_the_audit_log_says_from_what_to_what(tenant: Tenant) -> None:
    browser = staff_of()
    reply = browser.post(
        PAGE, sent(**{"email-most": "3", "email-window_days": "365", "phoneNumber-is_active": None})
    )
    assert reply.status_code == 302
    with tenant_scope(Tenant.objects.get(pk=tenant.pk)):
        rules = current_rules()
        assert rules.of("email")[1:] == (100, 3, 365, True)
        assert not rules.of("phoneNumber").is_active
        assert IdentityRule.objects.count() == 2, "what is as usual needs no row"
    entry = AuditEntry.objects.get(action="identityrule.changed", object_id="email")
    assert (entry.before["most"], entry.after["most"]) == (10, 3)


def test_an_admin_gives_an_external_id_a_rule_of_its_own(tenant: Tenant) -> None:
    browser = staff_of()
    browser.post(PAGE, sent(name="tabletId"))
    assert IdentityRule.objects.get().kind == "externalIds.tabletId"
    assert "Tablet" in browser.text(PAGE)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"email-priority": "0"}, "greater than or equal to 1"),
        ({"email-priority": "many"}, "Enter a whole number"),
        ({"email-most": "1"}, "An e-mail or phone can be changed and shared"),
        ({"authUserId-most": "", "authUserId-window_days": "30"}, "A window needs a limit"),
        ({"name": "tablet id!"}, "Enter a valid value"),
    ],
)
def test_a_rule_that_can_t_be_is_refused_in_words(
    tenant: Tenant, changes: dict[str, Any], problem: str
) -> None:
    reply = staff_of().post(PAGE, sent(**changes))
    assert problem in words(reply)
    assert not IdentityRule.objects.exists()


def test_an_admin_blocks_a_value_switches_a_usual_one_off_and_tries_both(tenant: Tenant) -> None:
    browser = staff_of()
    browser.post(
        f"{PAGE}block/", {"kind": "email", "how": EXACT, "pattern": " Bar@Club.example ", "reason": "the bar"}
    )
    browser.post(f"{PAGE}switch/", {"kind": "", "how": EXACT, "pattern": "null", "on": ""})
    asked = {"try-kind": "email", "try-value": "BAR@club.example"}
    assert "Blocked: bar@club.example (the bar)" in browser.text(PAGE, **asked)
    assert "null identifies people" in browser.text(PAGE, **{"try-kind": "authUserId", "try-value": "null"})
    assert "can’t be read as Phone" in browser.text(PAGE, **{"try-kind": "phoneNumber", "try-value": "12"})
    actions = AuditEntry.objects.filter(object_type="identity").values_list("action", flat=True)
    assert set(actions) == {"blockedvalue.added", "blockedvalue.changed"}


def test_an_expression_that_could_take_long_is_refused_beside_it(tenant: Tenant) -> None:
    reply = staff_of().post(f"{PAGE}block/", {"kind": "", "how": REGEX, "pattern": "(a+)+$"})
    assert "This could take too long" in words(reply)
    assert not BlockedValue.objects.exists()


@pytest.mark.parametrize("role", [Role.MARKETING, Role.STAFF, Role.VIEWER])
def test_only_admins_see_and_change_the_rules(tenant: Tenant, role: str) -> None:
    browser = staff_of(role)
    for path in ("", "block/", "switch/"):
        assert browser.post(PAGE + path, {}).status_code == 403
    assert browser.get(PAGE).status_code == 403


def test_rules_of_a_kind_that_nobody_changed_are_not_written(tenant: Tenant) -> None:
    assert set_rules({"email": {"most": 10}}, by="user:x") == 0
    assert not AuditEntry.objects.exists()
