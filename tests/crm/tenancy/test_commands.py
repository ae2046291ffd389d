"""The commands that give access: create_tenant, create_staff, create_api_key."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm.tenancy.models import ApiKey, AuditEntry, StaffMembership, Tenant, User
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from tests.factories import PASSWORD, ClubFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_at_the_terminal(monkeypatch, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    monkeypatch.delenv("FIRST_PASSWORD", raising=False)


def output(capsys, *command):
    capsys.readouterr()
    call_command(*command)
    return capsys.readouterr().out


def refused(*command):
    with pytest.raises(CommandError) as error:
        call_command(*command)
    assert error.value.returncode == 1
    return str(error.value)


# --- create_tenant
def test_a_tenant_is_created_with_its_region_and_money(capsys):
    said = output(
        capsys, "create_tenant", "--slug", "links", "--name", "Links Group", "--region", "GB", "--timezone",
        "Europe/London", "--currency", "GBP", "--language", "en-GB",
    )  # fmt: skip
    tenant = Tenant.objects.get(slug="links")
    assert (tenant.region, tenant.timezone, tenant.currency, tenant.language) == (
        "GB",
        "Europe/London",
        "GBP",
        "en-GB",
    )
    assert "links" in said
    with tenant_scope(tenant):
        assert AuditEntry.objects.filter(action="tenant.created").count() == 1


def test_the_first_admin_gets_the_password_of_the_environment_and_it_is_not_printed(capsys, monkeypatch):
    monkeypatch.setenv("FIRST_PASSWORD", PASSWORD)
    said = output(
        capsys, "create_tenant", "--slug", "links", "--name", "Links", "--admin-email", "Ada@Links.example"
    )
    admin = User.objects.get(email="ada@links.example")
    assert admin.check_password(PASSWORD)
    assert admin.is_staff
    assert PASSWORD not in said
    with tenant_scope(Tenant.objects.get(slug="links")):
        assert StaffMembership.objects.get().role == Role.ADMIN


def test_without_a_password_it_says_how_to_set_one(capsys):
    said = output(
        capsys, "create_tenant", "--slug", "links", "--name", "Links", "--admin-email", "ada@links.example"
    )
    assert "changepassword ada@links.example" in said
    assert not User.objects.get().has_usable_password()


def test_an_account_that_exists_keeps_its_password(capsys, monkeypatch):
    user = UserFactory()
    monkeypatch.setenv("FIRST_PASSWORD", "quite another secret")
    said = output(capsys, "create_tenant", "--slug", "links", "--name", "Links", "--admin-email", user.email)
    assert "the password they have" in said
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--slug", "no spaces", "--name", "X"), "slug"),
        (("--slug", "x", "--name", "X", "--timezone", "Mars/Olympus"), "timezone"),
        (("--slug", "x", "--name", "X", "--region", "XX"), "region"),
        (("--slug", "x", "--name", "X", "--currency", "rand"), "currency"),
        (("--slug", "x", "--name", "X", "--admin-email", "nobody"), "email"),
    ],
)
def test_values_that_a_tenant_cant_have_are_refused_and_nothing_is_made(arguments, word):
    assert word in refused("create_tenant", *arguments)
    assert not Tenant.objects.exists()


def test_a_weak_first_password_is_refused_and_nothing_is_made(monkeypatch):
    monkeypatch.setenv("FIRST_PASSWORD", "password")
    refused("create_tenant", "--slug", "x", "--name", "X", "--admin-email", "ada@links.example")
    assert not Tenant.objects.exists()
    assert not User.objects.exists()


def test_a_slug_is_taken_once(tenant):
    assert "already" in refused("create_tenant", "--slug", tenant.slug, "--name", "Another")


# --- create_staff
def test_staff_can_be_limited_to_clubs_by_ref_or_name(tenant, capsys):
    clubs = [ClubFactory(name="Links"), ClubFactory(name="Heath", refs=["club-heath"])]
    said = output(
        capsys, "create_staff", "--tenant", tenant.slug, "--email", "bo@links.example", "--role", "staff", "--name",
        "Bo Derrick", "--clubs", "Links, club-heath",
    )  # fmt: skip
    membership = StaffMembership.objects.select_related("user").get()
    assert membership.role == Role.STAFF
    assert set(membership.club_ids) == {club.pk for club in clubs}
    assert membership.user.full_name == "Bo Derrick"
    assert "changepassword" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--role", "CADDIE"), "ADMIN, MARKETING, STAFF, VIEWER"),
        (("--role", "STAFF", "--clubs", "club-moon"), "club-moon"),
    ],
)
def test_unknown_roles_and_clubs_are_refused_with_the_valid_ones(tenant, arguments, words):
    ClubFactory(name="Links")
    assert words in refused(
        "create_staff", "--tenant", tenant.slug, "--email", "bo@links.example", *arguments
    )
    assert not User.objects.exists()


def test_nobody_is_staff_of_a_tenant_twice(tenant, staff):
    command = ("create_staff", "--tenant", tenant.slug, "--email", staff.email.upper(), "--role", "VIEWER")
    assert "already" in refused(*command)


# --- create_api_key
def test_the_key_is_alone_on_standard_output_and_opens(tenant, capsys):
    capsys.readouterr()
    call_command("create_api_key", "--tenant", tenant.slug, "--name", "TeeTime", "--scopes", "crm:read, crm:events",
                 "--sources", "teetime", "--expires-days", "30")  # fmt: skip
    printed = capsys.readouterr().out
    key = ApiKey.objects.get()
    assert printed == printed.strip() + "\n"
    assert printed.startswith(f"fw_{key.prefix}_")
    assert key.opens_with(printed.strip().split("_", 2)[2], now=timezone.now())
    assert (key.scopes, key.sources) == (["crm:read", "crm:events"], ["teetime"])
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    assert key.created_by == "job:create_api_key"
    assert AuditEntry.objects.get().action == "apikey.issued"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tenant", "nowhere", "--scopes", "crm:read"), "fynbos-group"),
        (("--tenant", "fynbos-group", "--scopes", "crm:read,crm:fly"), "crm:campaigns"),
        (("--tenant", "fynbos-group", "--scopes", ","), "at least one"),
        (("--tenant", "fynbos-group", "--scopes", "crm:read", "--expires-days", "0"), "from 1 to 36500"),
        (
            ("--tenant", "fynbos-group", "--scopes", "crm:read", "--expires-days", "9999999"),
            "from 1 to 36500",
        ),
        (("--tenant", "fynbos-group", "--scopes", "crm:read", "--name", "n" * 101), "name"),
    ],
)
def test_unknown_tenants_and_scopes_are_refused_with_the_valid_ones(tenant, arguments, words):
    assert words in refused("create_api_key", "--name", "TeeTime", *arguments)
    assert not ApiKey.objects.exists()
