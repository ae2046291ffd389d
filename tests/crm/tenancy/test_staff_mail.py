"""Staff mail as rows: claimed, sent outside of transactions, tried again, never lost, its links kept secret."""

import re
from collections.abc import Iterator
from datetime import timedelta
from socket import socket
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from django.utils import timezone

from crm.tenancy import mail
from crm.tenancy.models import StaffMail, Tenant
from crm.tenancy.scope import scopes_disabled


class Sink:
    """A mail server that keeps what it gets, and answers DATA with `answer`, when told to."""

    def __init__(self) -> None:
        self.answer, self.got = "250 OK", []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.got.append(envelope.content.decode())
        return self.answer


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    handler = Sink()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_FROM = "Fairway <crm@club.example>"
    settings.EMAIL_SERVER = {
        "host": "127.0.0.1", "port": port, "username": "", "password": "", "use_tls": False, "use_ssl": False,
    }  # fmt: skip
    yield handler
    controller.stop()


def posted(tenant: Tenant | None, **fields: Any) -> StaffMail:
    context = {"subject": "Subject", "what": "Something was done.", "name": "Sam", "advice": ""}
    return mail.post(mail.Kind.NOTICE, "sam@club.example", "notice", context, tenant=tenant, **fields)


def with_link(tenant: Tenant, **fields: Any) -> StaffMail:
    context = {"name": "Sam"}
    link = "https://crm.example/secret-token"
    return mail.post(
        mail.Kind.PASSWORD, "sam@club.example", "password", context, tenant=tenant, link=link, **fields
    )


def test_a_mail_server_gets_it_once_and_the_link_is_forgotten(tenant: Tenant, sink: Sink) -> None:
    row = with_link(tenant)
    assert (mail.send_due(), mail.send_due()) == (1, 0)
    (sent,) = sink.got
    assert "https://crm.example/secret-token" in sent
    assert "Subject: Set a new password for Fairway" in sent
    assert f"Message-ID: <{row.pk}@club.example>" in sent
    row.refresh_from_db()
    assert (row.state, row.gateway, row.link, row.attempts) == ("SENT", "smtp", "", 1)
    assert "secret-token" not in row.letter


def test_without_a_mail_server_the_log_is_the_mailbox(tenant: Tenant) -> None:
    row = with_link(tenant)
    mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.gateway) == ("SENT", "local")
    assert "https://crm.example/secret-token" in row.letter


def test_the_link_lies_encrypted_in_the_database(tenant: Tenant) -> None:
    with_link(tenant)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(m)::text FROM tenancy_staffmail m")
        assert "secret-token" not in cursor.fetchone()[0]


def test_a_server_that_is_busy_or_away_is_asked_again_later(
    tenant: Tenant, sink: Sink, settings: Any
) -> None:
    row, sink.answer = posted(tenant), "451 busy"
    mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == ("QUEUED", "451 busy", 1)
    assert row.due_at > timezone.now() + timedelta(seconds=50)
    settings.EMAIL_SERVER["port"] = 1
    due(row)
    mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("QUEUED", 2)
    assert "ConnectionRefused" in row.error


def test_a_server_that_refuses_for_good_is_not(tenant: Tenant, sink: Sink) -> None:
    row, sink.answer = with_link(tenant), "550 no such mailbox"
    mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.error, row.link) == ("FAILED", "550 no such mailbox", "")


def test_in_the_end_it_is_given_up(tenant: Tenant, sink: Sink) -> None:
    row, sink.answer = posted(tenant), "451 busy"
    for _ in range(len(mail.WAITS) + 1):
        due(row)
        mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("FAILED", len(mail.WAITS) + 1)


def test_a_sender_that_dies_leaves_a_row_that_is_due_again(
    tenant: Tenant, sink: Sink, monkeypatch: Any
) -> None:
    row = posted(tenant)
    monkeypatch.setattr(mail, "_settle", lambda *_args, **_fields: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mail.send_due()
    monkeypatch.undo()
    assert mail.send_due() == 0  # claimed: its sender may still be at work
    due(row)
    mail.send_due()
    first, second = (re.search(r"Message-ID: (\S+)", text)[1] for text in sink.got)
    assert first == second


def test_a_late_settlement_does_not_undo_another_senders(tenant: Tenant) -> None:
    row = posted(tenant)
    (claimed,) = mail._claim()
    StaffMail.objects.update(attempts=2)  # somebody else has claimed it since
    mail._settle(claimed, state="FAILED")
    row.refresh_from_db()
    assert row.state == "QUEUED"


def test_a_link_that_has_expired_is_not_sent(tenant: Tenant, sink: Sink) -> None:
    row = with_link(tenant, expires_at=timezone.now())
    mail.send_due()
    row.refresh_from_db()
    assert (row.state, row.link, sink.got) == ("FAILED", "", [])


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_every_mail_once(sink: Sink) -> None:
    with scopes_disabled():
        for _ in range(30):
            posted(None)

    def work() -> None:
        mail.send_due()
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [re.search(r"Message-ID: (\S+)", text)[1] for text in sink.got]
    assert (len(names), len(set(names))) == (30, 30)


def test_old_mail_and_expired_links_are_purged(tenant: Tenant) -> None:
    now = timezone.now()
    old, fresh = posted(tenant), with_link(tenant, expires_at=now - timedelta(minutes=1))
    StaffMail.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=91))
    assert mail.purge(now) == 1
    (kept,) = StaffMail.objects.all()
    assert (kept.pk, kept.link) == (fresh.pk, "")


def test_a_subject_can_not_smuggle_a_header(tenant: Tenant, sink: Sink) -> None:
    good, bad = posted(tenant), posted(tenant)
    StaffMail.objects.filter(pk=bad.pk).update(subject="Two\r\nBcc: x@example.com")
    assert mail.send_due() == 2
    (sent,) = sink.got
    assert f"Message-ID: <{good.pk}@" in sent
    bad.refresh_from_db()
    assert (bad.state, bad.error) == ("FAILED", "A header has a line break in it.")


def due(row: StaffMail) -> None:
    StaffMail.objects.filter(pk=row.pk).update(due_at=timezone.now())
