"""Secrets at rest (K1, K3): nothing readable in the database, new keys without a pause."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command

from crm import encryption, env
from crm.tenancy.models import StaffMail, Tenant

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
SECRETS = [f"https://crm.example/planted-{number}" for number in range(20)]


@pytest.fixture
def planted(tenant: Tenant, settings) -> list[StaffMail]:
    settings.FERNET_KEYS = [OLD]
    return [StaffMail.objects.create(tenant=tenant, to="a@b.example", link=link) for link in SECRETS]


def links() -> list[str]:
    return list(StaffMail.objects.order_by("pk").values_list("link", flat=True))


def stored(django_cursor) -> str:
    django_cursor.execute("SELECT string_agg(link, ' ') FROM tenancy_staffmail")
    return django_cursor.fetchone()[0]


@pytest.fixture
def cursor(db):
    from django.db import connection

    with connection.cursor() as cursor:
        yield cursor


def test_a_dump_holds_none_of_the_planted_secrets(planted, cursor) -> None:
    import base64

    dump = stored(cursor)
    for secret in SECRETS:
        assert secret not in dump
        assert base64.b64encode(secret.encode()).decode()[:40] not in dump
    assert links() == SECRETS


def test_a_new_key_is_put_first_everything_locked_anew_and_the_old_one_dropped(
    planted, settings, capsys
) -> None:
    settings.FERNET_KEYS = [NEW, OLD]
    assert links() == SECRETS
    call_command("rotate_secrets")
    assert "tenancy_staffmail.link: 20 locked" in capsys.readouterr().out
    settings.FERNET_KEYS = [NEW]
    assert links() == SECRETS


def test_more_rows_than_a_batch_are_all_locked_anew(planted, settings, monkeypatch) -> None:
    monkeypatch.setattr(encryption, "BATCH", 7)
    settings.FERNET_KEYS = [NEW, OLD]
    call_command("rotate_secrets")
    settings.FERNET_KEYS = [NEW]
    assert links() == SECRETS


def test_a_dry_run_changes_nothing(planted, settings, cursor) -> None:
    before = stored(cursor)
    settings.FERNET_KEYS = [NEW, OLD]
    call_command("rotate_secrets", "--dry-run")
    assert stored(cursor) == before


def test_the_wrong_key_is_an_error_and_never_the_ciphertext(planted, settings) -> None:
    settings.FERNET_KEYS = [NEW]
    with pytest.raises(InvalidToken):
        links()
    with pytest.raises(CommandError, match="20 secrets"):
        call_command("rotate_secrets")


def test_without_keys_of_their_own_secrets_follow_the_secret_key_and_its_fallbacks(tenant, settings) -> None:
    settings.FERNET_KEYS, settings.SECRET_KEY = [], "first"
    token = encryption.lock("secret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]
    assert encryption.unlock(token) == "secret"


def test_blank_stays_blank_and_nothing_can_be_searched(tenant) -> None:
    StaffMail.objects.create(tenant=tenant, to="a@b.example")
    assert links() == [""]
    with pytest.raises(FieldError):
        StaffMail.objects.filter(link="x")


@pytest.mark.parametrize("value", ["short", "not base64 !!", "x" * 44])
def test_a_key_that_is_none_is_refused_without_being_shown(monkeypatch, value) -> None:
    monkeypatch.setenv("FERNET_KEYS", f"{OLD},{value}")
    with pytest.raises(env.BadSetting, match="number 2 of FERNET_KEYS") as refused:
        env.fernet_keys("FERNET_KEYS")
    assert value not in str(refused.value)


def test_a_mail_server_is_read_from_its_address(monkeypatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://me%40club:p%2Fw@mail.example:2525")
    found = env.mail_server("EMAIL_URL")
    assert (found["host"], found["port"], found["username"], found["password"]) == (
        "mail.example",
        2525,
        "me@club",
        "p/w",
    )
    assert (found["use_tls"], found["use_ssl"]) == (True, False)
    monkeypatch.setenv("EMAIL_URL", "smtps://mail.example")
    assert env.mail_server("EMAIL_URL")["port"] == 465
    monkeypatch.setenv("EMAIL_URL", "http://mail.example")
    with pytest.raises(env.BadSetting, match="EMAIL_URL"):
        env.mail_server("EMAIL_URL")
