"""`demo_access`: one JSON object with which a person and a program get in."""

import json
import stat

import pytest

from crm.demo.access import KEY_NAME
from crm.tenancy.models import ApiKey, AuditEntry, Tenant, User
from crm.tenancy.permissions import Scope
from crm.tenancy.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def facts(run):
    return lambda: json.loads(run("demo_access"))


def live_keys():
    with tenant_scope(Tenant.objects.get(slug="demo")):
        return list(ApiKey.objects.filter(name=KEY_NAME, revoked_at=None))


def test_it_tells_how_to_get_in_before_anything_is_loaded(facts, settings):
    found = facts()
    assert found.keys() == {"url", "adminEmail", "adminPassword", "apiKey", "tenant"}
    assert (found["url"], found["tenant"]) == (settings.PUBLIC_URL, "demo")
    admin = User.objects.get(email=found["adminEmail"])
    assert admin.check_password(found["adminPassword"])
    assert admin.is_staff
    assert not admin.is_superuser


def test_the_key_may_do_everything_a_hundred_times_as_often(facts, settings):
    found = facts()
    (key,) = live_keys()
    assert found["apiKey"].startswith(f"fw_{key.prefix}_")
    assert set(key.scopes) == set(Scope)
    assert key.limits == {kind: 100 * most for kind, most in settings.LIMITS_PER_MINUTE.items()}


def test_it_says_the_same_again_and_the_file_is_private(facts, demo_machine):
    first = facts()
    assert facts() == first
    path = demo_machine / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["apiKey"] == first["apiKey"]


def test_without_its_file_it_makes_new_ones_and_shuts_the_old_key_out(facts, demo_machine):
    first = facts()
    (demo_machine / "demo.json").unlink()
    second = facts()
    assert second["apiKey"] != first["apiKey"]
    assert second["adminPassword"] != first["adminPassword"]
    (key,) = live_keys()
    assert second["apiKey"].startswith(f"fw_{key.prefix}_")
    assert User.objects.get(email=second["adminEmail"]).check_password(second["adminPassword"])


def test_a_damaged_file_is_as_good_as_none(facts, demo_machine):
    first = facts()
    (demo_machine / "demo.json").write_text("{")
    assert facts()["apiKey"] != first["apiKey"]


def test_with_the_file_of_another_database_the_login_works_and_the_key_is_new(facts, demo_machine):
    demo_machine.mkdir()
    (demo_machine / "demo.json").write_text('{"adminPassword": "brought along", "apiKey": "fw_abc_def"}')
    found = facts()
    assert found["adminPassword"] == "brought along"
    assert found["apiKey"] != "fw_abc_def"
    assert User.objects.get(email=found["adminEmail"]).check_password("brought along")


def test_a_revoked_key_is_replaced(facts):
    first = facts()
    with tenant_scope(Tenant.objects.get(slug="demo")):
        live_keys()[0].revoke()
    assert facts()["apiKey"] != first["apiKey"]


def test_the_environment_may_choose_the_password(facts, monkeypatch):
    facts()
    monkeypatch.setenv("DEMO_PASSWORD", "a word of our own")
    found = facts()
    assert found["adminPassword"] == "a word of our own"
    assert User.objects.get(email=found["adminEmail"]).check_password("a word of our own")


def test_issuing_the_key_is_in_the_audit_log_and_the_key_is_not(facts):
    found = facts()
    with tenant_scope(Tenant.objects.get(slug="demo")):
        entry = AuditEntry.objects.get(action="apikey.issued")
    assert entry.actor == "job:load_demo"
    assert found["apiKey"] not in json.dumps(entry.after)


def test_a_machine_that_is_no_demo_has_no_demo_login(run, settings, capsys):
    settings.EMBEDDED = settings.DEBUG = False
    with pytest.raises(SystemExit) as stopped:
        run("demo_access")
    assert stopped.value.code == 2
    assert "FAIRWAY_EMBEDDED=1" in capsys.readouterr().err
    assert not Tenant.objects.exists()
