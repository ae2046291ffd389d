"""Settings: clubs, staff, API keys, the audit log."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.tenancy.models import ApiKey, AuditEntry, Club, Tenant
from crm.tenancy.permissions import Role
from tests.conftest import Api
from tests.factories import ClubFactory, CustomerProfileFactory, issue_key
from tests.pages import LIST, Browser, at_most, log_in, member, staff_of, words

CLUBS, STAFF, KEYS = "/admin/tenancy/club/", "/admin/tenancy/staffmembership/", "/admin/tenancy/apikey/"
AUDIT = "/admin/tenancy/auditentry/"


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))


# --- clubs
def test_a_club_is_added_with_the_ids_of_other_systems(tenant: Tenant) -> None:
    reply = staff_of().post(
        f"{CLUBS}add/",
        {"name": "Fynbos", "refs": "club-fynbos, FYN-01", "region": "ZA", "timezone": "Africa/Johannesburg"},
    )
    assert reply.status_code == 302
    club = Club.objects.get()
    assert (club.refs, club.tenant) == (["club-fynbos", "FYN-01"], tenant)
    entry = AuditEntry.objects.get(action="club.added")
    assert (entry.object_id, entry.after["refs"]) == (str(club.pk), ["club-fynbos", "FYN-01"])


def test_a_change_of_a_club_is_audited_before_and_after(tenant: Tenant) -> None:
    club = ClubFactory(name="Old", refs=["old"])
    staff_of().post(f"{CLUBS}{club.pk}/change/", {"name": "New", "refs": "old"})
    entry = AuditEntry.objects.get(action="club.changed")
    assert (entry.before, entry.after) == ({"name": "Old"}, {"name": "New"})


def test_two_clubs_never_share_an_id(tenant: Tenant) -> None:
    ClubFactory(name="One", refs=["shared"])
    reply = staff_of().post(f"{CLUBS}add/", {"name": "Two", "refs": "shared"})
    assert "Another club already uses shared." in words(reply)


# --- staff
@pytest.mark.parametrize("change", [{"role": "VIEWER", "is_active": "on"}, {"role": "ADMIN"}])
def test_the_last_active_admin_stays(tenant: Tenant, change: dict[str, str]) -> None:
    last = member(Role.ADMIN)
    member(Role.ADMIN, is_active=False)
    member(Role.MARKETING)
    reply = log_in(last.user).post(f"{STAFF}{last.pk}/change/", change)
    assert "This is the last active Admin of all clubs" in words(reply)
    last.refresh_from_db()
    assert (last.role, last.is_active) == ("ADMIN", True)


def test_staff_are_deactivated_and_come_back(tenant: Tenant) -> None:
    colleague, browser = member("STAFF"), staff_of()
    browser.post(f"{STAFF}{colleague.pk}/change/", {"role": "STAFF"})
    colleague.refresh_from_db()
    assert not colleague.is_active
    browser.post(f"{STAFF}{colleague.pk}/change/", {"role": "STAFF", "is_active": "on"})
    colleague.refresh_from_db()
    assert colleague.is_active


def test_a_smaller_role_counts_from_the_next_page(tenant: Tenant) -> None:
    colleague = member("ADMIN")
    theirs = log_in(colleague.user)
    assert theirs.get(STAFF).status_code == 200
    staff_of().post(f"{STAFF}{colleague.pk}/change/", {"role": "VIEWER", "is_active": "on"})
    assert theirs.get(STAFF).status_code == 403


def test_the_staff_list_names_clubs_without_a_query_a_row(tenant: Tenant) -> None:
    club = ClubFactory(name="Kelp Links")
    for _ in range(8):
        member("STAFF", clubs=(club,))
    browser = staff_of()
    with at_most(9):
        page = browser.text(STAFF)
    assert page.count("Kelp Links") == 8
    assert "9 members of staff" in page


# --- API keys
def secret_in(page: str) -> str:
    found = re.search(r"fw_[0-9a-f]{12}_[\w-]{43}", page)
    assert found
    return found[0]


def test_a_key_is_shown_once_and_works(tenant: Tenant) -> None:
    browser = staff_of()
    reply = browser.post(
        f"{KEYS}add/", {"name": "TeeTime", "scopes": ["crm:read"], "sources": "teetime", "limits": "{}"}
    )
    secret = secret_in(words(reply))
    assert "no-store" in reply["Cache-Control"]
    assert Api(secret).get("/api/v1/customers").status_code == 200
    assert secret not in browser.text(KEYS) + browser.text("/admin/") + str(browser.session.items())
    key = ApiKey.objects.get()
    assert (key.sources, secret in str(vars(key))) == (["teetime"], False)
    assert secret not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def test_rotating_leaves_the_old_key_for_a_while(tenant: Tenant) -> None:
    key, secret = issue_key(tenant)
    reply = staff_of().post(f"{KEYS}{key.pk}/rotate/", {"overlap": 24})
    successor = secret_in(words(reply))
    assert {Api(one).get("/api/v1/customers").status_code for one in (secret, successor)} == {200}
    key.refresh_from_db()
    assert timedelta(hours=23) < key.expires_at - timezone.now() <= timedelta(hours=24)
    assert "apikey.rotated" in actions()


def test_a_revoked_key_opens_nothing_and_can_not_be_rotated_back(tenant: Tenant) -> None:
    key, secret = issue_key(tenant)
    browser = staff_of()
    assert browser.post(f"{KEYS}{key.pk}/revoke/").status_code == 302
    assert Api(secret).get("/api/v1/customers").status_code == 401
    assert browser.post(f"{KEYS}{key.pk}/rotate/", {"overlap": 24}).status_code == 404
    assert "was revoked" in browser.text(f"{KEYS}{key.pk}/change/")
    assert "apikey.revoked" in actions()


def test_looking_at_the_revoke_address_revokes_nothing(tenant: Tenant) -> None:
    key, _secret = issue_key(tenant)
    assert staff_of().get(f"{KEYS}{key.pk}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


# --- the audit log
def test_the_audit_log_names_people_and_can_be_narrowed(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    browser = staff_of()
    browser.get(f"{LIST}{person.pk}/")
    browser.get(LIST)
    with at_most(10):
        page = browser.text(AUDIT)
    assert "Sam Starter customer.viewed customer" in page
    actor = AuditEntry.objects.filter(action="customer.listed").get().actor
    assert shown(browser, by=actor) == ["customer.listed", "customer.viewed"]
    assert shown(browser, by=f"user:{person.pk}") == []
    assert shown(browser, q=str(person.pk)) == ["customer.viewed"]
    assert shown(browser, action="customer.listed") == ["customer.listed"]
    assert shown(browser, by="key:") == []


def shown(browser: Browser, **query: str) -> list[str]:
    return [entry.action for entry in browser.get(AUDIT, query).context["cl"].result_list]


def test_nobody_edits_the_audit_log(tenant: Tenant) -> None:
    browser = staff_of()
    browser.get(LIST)
    entry = AuditEntry.objects.get()
    assert browser.post(f"{AUDIT}{entry.pk}/change/", {"action": "x"}).status_code == 403
    assert browser.post(f"{AUDIT}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert actions() == ["customer.listed"]


def test_an_entry_shows_before_and_after(tenant: Tenant) -> None:
    club, browser = ClubFactory(name="Old", refs=["old"]), staff_of()
    browser.post(f"{CLUBS}{club.pk}/change/", {"name": "New", "refs": "old"})
    entry = AuditEntry.objects.get(action="club.changed")
    page = browser.text(f"{AUDIT}{entry.pk}/change/")
    assert "name Old New" in page
    assert "Who Sam Starter" in page
