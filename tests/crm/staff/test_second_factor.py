"""The second factor: set up, asked for, each code once, throttled, taken off by its owner or an Admin."""

import base64
import re
import time
from threading import Thread
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django_otp.oath import totp

from crm.tenancy import second_factor
from crm.tenancy.models import AuditEntry, RecoveryCode, SecondFactor, StaffMail, Tenant, User
from crm.tenancy.permissions import Role
from crm.tenancy.scope import scopes_disabled, tenant_scope
from tests.factories import PASSWORD, StaffMembershipFactory, UserFactory
from tests.pages import Browser, log_in, member, staff_of, words

LOGIN, STEP, ACCOUNT = "/admin/login/", "/admin/second-step/", "/admin/account/"
SETUP = f"{ACCOUNT}second-factor/"


def code_of(user: User, ahead: int = 0) -> str:
    key = base64.b32decode(SecondFactor.objects.get(user=user).secret)
    return f"{totp(key, t0=-30 * ahead):06d}"


def turned_on(user: User) -> list[str]:
    """The account has a second factor; its recovery codes."""
    second_factor.begin(user)
    codes = second_factor.confirm(user, code_of(user, ahead=-1))
    assert codes
    return codes


def halfway(user: User) -> Browser:
    browser = Browser()
    reply = browser.post(
        LOGIN, {"username": user.email, "password": PASSWORD, "next": "/admin/tenancy/club/"}
    )
    assert reply["Location"] == STEP
    return browser


def give(browser: Browser, code: str) -> Any:
    return browser.post(STEP, {"code": code})


def is_in(browser: Browser) -> bool:
    return browser.get("/admin/").status_code == 200


# --- setting it up
def test_it_is_set_up_with_a_picture_a_first_code_and_recovery_codes_shown_once(staff: User) -> None:
    browser = log_in(staff)
    page = browser.get(SETUP)
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    secret = SecondFactor.objects.get(user=staff).secret
    assert secret in words(page).replace(" ", "")
    assert not second_factor.is_on(staff)
    assert "not right" in words(browser.post(SETUP, {"code": "000000"}))
    reply = browser.post(SETUP, {"code": code_of(staff)})
    codes = re.findall(r"\b(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}\b", words(reply))
    assert len(set(codes)) == 10
    assert second_factor.is_on(staff)
    assert codes[0] not in browser.text(ACCOUNT)
    assert browser.get(SETUP).status_code == 302  # the secret is never shown again
    with scopes_disabled():
        assert StaffMail.objects.filter(to=staff.email, subject__contains="is on").exists()


def test_other_sessions_end_when_it_is_turned_on(staff: User) -> None:
    elsewhere, here = Browser(), Browser()
    for browser in (elsewhere, here):
        browser.post(LOGIN, {"username": staff.email, "password": PASSWORD})
    here.get(SETUP)
    here.post(SETUP, {"code": code_of(staff)})
    assert (is_in(here), is_in(elsewhere)) == (True, False)


def test_secret_and_codes_are_not_readable_in_the_database(staff: User) -> None:
    """K1."""
    codes = turned_on(staff)
    secret = SecondFactor.objects.get(user=staff).secret
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT string_agg(to_jsonb(f)::text, '') FROM tenancy_secondfactor f)"
            " || (SELECT string_agg(to_jsonb(c)::text, '') FROM tenancy_recoverycode c)"
        )
        dump = cursor.fetchone()[0]
    for text in (secret, base64.b64encode(secret.encode()).decode(), *codes, codes[0].replace("-", "")):
        assert text not in dump


# --- logging in
def test_the_password_alone_is_halfway(staff: User) -> None:
    turned_on(staff)
    browser = halfway(staff)
    assert not is_in(browser)
    assert browser.get("/api/v1/customers").status_code == 401
    assert give(browser, code_of(staff))["Location"] == "/admin/tenancy/club/"
    assert is_in(browser)


def test_each_code_works_once(staff: User) -> None:
    turned_on(staff)
    code = code_of(staff)
    assert give(halfway(staff), code).status_code == 302
    assert "used before" in words(give(halfway(staff), code))
    assert "used before" in words(give(halfway(staff), code_of(staff, ahead=-1)))  # nor an earlier one


def test_each_recovery_code_works_once_however_it_is_typed(staff: User) -> None:
    first, second, *_rest = turned_on(staff)
    assert give(halfway(staff), first.lower().replace("-", " ")).status_code == 302
    assert "not right" in words(give(halfway(staff), first))
    assert give(halfway(staff), second).status_code == 302
    assert second_factor.recovery_codes_left(staff) == 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_one_code_given_at_once_in_many_places_opens_one(kind: str) -> None:
    user = UserFactory(is_superuser=True)
    recovery = turned_on(user)
    code = code_of(user) if kind == "app" else recovery[0]
    taken = []

    def work() -> None:
        taken.append(second_factor.check(user, code))
        connection.close()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "١٢٣٤٥٦", "000000 OR 1=1", "x" * 40, "\N{FULLWIDTH DIGIT ONE}" * 6]
)
def test_nonsense_is_refused_in_words(staff: User, code: str) -> None:
    turned_on(staff)
    browser = halfway(staff)
    assert give(browser, code).status_code == 200
    assert not is_in(browser)


def test_96_wrong_codes_a_day_and_no_more(staff: User) -> None:
    """X10; a right code does not help either, or a guesser's luck would count."""
    recovery = turned_on(staff)
    SecondFactor.objects.filter(user=staff).update(failures=95)
    assert "not right" in words(give(halfway(staff), "000000"))
    for code in (code_of(staff), recovery[0]):
        assert "Too many wrong codes" in words(give(halfway(staff), code))
    with time_machine.travel(time.time() + 25 * 3600):
        assert give(halfway(staff), code_of(staff)).status_code == 302


def test_halfway_lasts_ten_minutes_and_not_beyond_a_new_password(staff: User) -> None:
    turned_on(staff)
    late, changed = halfway(staff), halfway(staff)
    with time_machine.travel(time.time() + 11 * 60):
        assert late.get(STEP)["Location"] == LOGIN
    staff.set_password("another long pass phrase")
    staff.save()
    assert give(changed, code_of(staff))["Location"] == LOGIN


def test_nobody_gives_a_code_without_a_password(staff: User) -> None:
    turned_on(staff)
    assert give(Browser(), code_of(staff))["Location"] == LOGIN


# --- taking it off
def test_turning_it_off_takes_password_and_code(staff: User) -> None:
    codes, browser = turned_on(staff), log_in(staff)
    for answers in (
        {"off-password": PASSWORD, "off-code": "000000"},
        {"off-password": "wrong", "off-code": codes[0]},
    ):
        assert browser.post(f"{SETUP}off/", answers).status_code == 400
        assert second_factor.is_on(staff)
    assert (
        browser.post(f"{SETUP}off/", {"off-password": PASSWORD, "off-code": code_of(staff)}).status_code
        == 302
    )
    assert not second_factor.is_on(staff)
    assert not RecoveryCode.objects.exists()


def test_new_recovery_codes_take_the_place_of_the_old(staff: User) -> None:
    old = turned_on(staff)
    answers = {"codes-password": PASSWORD, "codes-code": code_of(staff)}
    page = words(log_in(staff).post(f"{ACCOUNT}recovery-codes/", answers))
    assert old[0] not in page
    assert not second_factor.check(staff, old[0])
    assert second_factor.recovery_codes_left(staff) == 10


def test_an_admin_resets_it_for_a_colleague_of_this_tenant_alone(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    colleague, shared = member("STAFF"), member("STAFF")
    with tenant_scope(other_tenant):
        StaffMembershipFactory(user=shared.user)
    for one in (colleague, shared):
        turned_on(one.user)
    browser, page = staff_of(), "/admin/tenancy/staffmembership/"
    assert "Reset the second factor" in browser.text(f"{page}{colleague.pk}/change/")
    assert browser.post(f"{page}{colleague.pk}/second-factor/").status_code == 302
    assert browser.post(f"{page}{shared.pk}/second-factor/").status_code == 404
    assert (second_factor.is_on(colleague.user), second_factor.is_on(shared.user)) == (False, True)
    assert AuditEntry.objects.filter(action="staffmembership.second_factor_reset").exists()


def test_an_operator_resets_it_by_command(staff: User, capsys: Any) -> None:
    turned_on(staff)
    call_command("reset_second_factor", staff.email)
    assert not second_factor.is_on(staff)
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody@club.example")


# --- required by the tenant
def test_a_role_that_must_have_one_sets_it_up_before_anything_else(tenant: Tenant) -> None:
    tenant.second_factor_roles = ["ADMIN"]
    tenant.save()
    admin = member(Role.ADMIN).user
    browser = log_in(admin)
    for address in ("/admin/", "/admin/customers/customerprofile/", "/admin/live/"):
        assert browser.get(address)["Location"] == SETUP
    assert browser.get("/api/v1/customers").status_code == 403
    assert "asks for a second factor" in browser.text(SETUP)
    browser.post(SETUP, {"code": code_of(admin)})
    assert is_in(browser)
    assert browser.get("/api/v1/customers").status_code == 200
    assert is_in(staff_of(Role.STAFF))


def test_operators_act_as_admins_so_they_must_too(tenant: Tenant) -> None:
    tenant.second_factor_roles = ["ADMIN"]
    tenant.save()
    browser = log_in(UserFactory(is_superuser=True))
    browser.post("/admin/tenant/", {"tenant": tenant.pk})
    assert browser.get("/admin/")["Location"] == SETUP
