"""System checks: what hurts in production is said before it does."""

import subprocess
import sys

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection

from crm import checks

PRODUCTION = {
    "SECRET_KEY": "Jq8Zr3vN1tYp6LmW4xK9sBd2HfJ7uGcE5aTnQ0oRiXeVyUkMbCwDzPhSgFjAl",
    "ALLOWED_HOSTS": "crm.club.example",
    "PUBLIC_URL": "https://crm.club.example",
    "METRICS_TOKEN": "a-long-random-token",
    "SUPPRESSION_KEYS": "words that stay for good",
    "FERNET_KEYS": "b2s-a-key-of-thirty-two-bytes-for-tests-1-2=",
    "EMAIL_URL": "smtp://mail.club.example",
}


@pytest.fixture
def production(settings):
    """Settings as of an installation that is in order."""
    settings.TESTING = settings.EMBEDDED = settings.DEBUG = False
    settings.SECRET_KEY, settings.METRICS_TOKEN = PRODUCTION["SECRET_KEY"], "a-long-random-token"
    settings.ALLOWED_HOSTS = ["crm.club.example"]
    settings.FERNET_KEYS, settings.EMAIL_SERVER = [PRODUCTION["FERNET_KEYS"]], {"host": "mail.club.example"}
    settings.SUPPRESSION_KEYS = [PRODUCTION["SUPPRESSION_KEYS"]]
    return settings


def ids(messages) -> list[str]:
    return [message.id for message in messages]


def test_an_installation_in_order_has_nothing_to_be_told(production):
    assert [*checks.secret_key(), *checks.deployment()] == []


@pytest.mark.parametrize("key", ["unset-secret-key-see-check-crm-E001", "short", "x" * 49])
def test_a_missing_or_short_secret_key(production, key):
    production.SECRET_KEY = key
    assert ids(checks.secret_key()) == ["crm.E001"]


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("EMBEDDED", True, "crm.E002"), ("DEBUG", True, "crm.E003"), ("ALLOWED_HOSTS", ["*"], "crm.E004"),
        ("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], "crm.E004"), ("ALLOWED_HOSTS", [], "crm.E004"),
        ("METRICS_TOKEN", "", "crm.W001"), ("EMAIL_SERVER", {}, "crm.W005"),
        ("FERNET_KEYS", [], "crm.W006"), ("SUPPRESSION_KEYS", [], "crm.W007"),
        ("TIME_ZONE", "Africa/Johannesburg", "crm.E006"), ("USE_TZ", False, "crm.E006"),
    ],
)  # fmt: skip
def test_each_bad_setting_is_told_by_its_number(production, setting, value, expected):
    setattr(production, setting, value)
    assert ids(checks.deployment()) == [expected]


def test_every_message_says_what_to_do(production):
    production.SECRET_KEY, production.ALLOWED_HOSTS, production.METRICS_TOKEN = "short", [], ""
    production.AS_OWNER = False
    found = [*checks.secret_key(), *checks.deployment(), *checks._role(True, False)]
    assert len(found) == 4
    assert all(message.hint for message in found)


def test_the_role_of_the_application_is_neither_superuser_nor_owner(production):
    production.AS_OWNER = False
    assert ids(checks._role(True, False)) == ids(checks._role(False, True)) == ["crm.W002"]
    assert checks._role(False, False) == []
    production.AS_OWNER = True
    assert checks._role(True, True) == []


def test_the_database_is_asked(production, db):
    production.AS_OWNER = False
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Africa/Johannesburg'")
        found = ids(checks.database(databases=["default"]))
        cursor.execute("SET TIME ZONE 'UTC'")
    assert "crm.W004" in found
    assert "crm.E005" not in found
    assert "crm.W004" not in ids(checks.database(databases=["default"]))


def test_a_redis_that_evicts_is_told(redis, db):
    before = redis.config_get("maxmemory-policy")["maxmemory-policy"]
    try:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        assert ids(checks.redis_keeps_everything(databases=["default"])) == ["crm.W003"]
        redis.config_set("maxmemory-policy", "noeviction")
        assert checks.redis_keeps_everything(databases=["default"]) == []
    finally:
        redis.config_set("maxmemory-policy", before)


def test_without_redis_the_checks_go_on(no_redis, db):
    assert checks.redis_keeps_everything(databases=["default"]) == []


def test_servers_are_not_asked_unless_asked_to(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        run_checks(tags=[Tags.database], databases=None)


def test_check_deploy_is_clean_in_production(db, settings):
    answer = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://app@db/fairway", **PRODUCTION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout
