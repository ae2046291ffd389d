import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.rows import run
from crm.tenancy.scope import tenant_scope
from customers import ledger, suppression
from customers.consent import CHANNELS, MARKETING, PURPOSES, Consent, State, mirrored, standing
from customers.consents import lift_suppression, object_to_marketing
from customers.models import ConsentEntry, CustomerProfile, Suppression
from customers.stamps import Stamp
from tests.factories import CustomerProfileFactory, TenantFactory
from tests.timeline.streams import streams
from timeline.ingestion import process_due, receive

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
counter = itertools.count()

moments = st.sampled_from([NOW - timedelta(days=days) for days in range(4)])
consents = st.builds(
    Consent,
    st.sampled_from(["EMAIL", "SMS"]),
    st.sampled_from(list(State)),
    moments,
    st.just("TEST"),
    purpose=st.sampled_from(PURPOSES[:3]),
    club_ref=st.sampled_from(["", "here"]),
)
stamps = st.builds(
    lambda at, event, tier: Stamp.of("messaging", event, at, tier=tier),
    moments,
    st.uuids().map(str),
    st.sampled_from([0, 1]),
)
said = st.lists(st.tuples(stamps, consents), max_size=12, unique_by=lambda one: one[0])


@settings(deadline=None)
@given(said, st.randoms(use_true_random=False))
def test_what_stands_does_not_hang_on_the_order_or_on_repetition(statements: list[Any], random: Any) -> None:
    shuffled = statements * 2
    random.shuffle(shuffled)
    assert mirrored(shuffled) == mirrored(statements)
    for purpose, club in itertools.product(PURPOSES[:3], ["", "here"]):
        asked: Any = {"channel": "EMAIL", "purpose": purpose, "club_ref": club, "at": NOW}
        assert standing(shuffled, **asked) == standing(statements, **asked)


@settings(deadline=None)
@given(said, st.sampled_from(PURPOSES[:3]))
def test_a_last_word_of_refusal_is_a_refusal_of_everything_under_it(
    statements: list[Any], purpose: str
) -> None:
    last = Stamp.of("messaging", "last", NOW + timedelta(days=1))
    refused = [*statements, (last, Consent("EMAIL", State.WITHDRAWN, NOW, "TEST", purpose=purpose))]
    covered = PURPOSES if purpose == MARKETING else (purpose,)
    for one, club in itertools.product(covered, ["", "here"]):
        assert standing(refused, channel="EMAIL", purpose=one, club_ref=club, at=NOW) is not State.GRANTED


REFUSED, GRANTED = State.WITHDRAWN, State.GRANTED


def statement(purpose: str, state: State, day: int, **rest: Any) -> tuple[Stamp, Consent]:
    at = NOW + timedelta(days=day)
    return Stamp.of("messaging", f"e{day}", at), Consent("EMAIL", state, at, "TEST", purpose=purpose, **rest)


@pytest.mark.parametrize(
    ("statements", "asked", "expected"),
    [
        ([], "OFFERS", State.UNKNOWN),
        ([statement("MARKETING", GRANTED, 1)], "OFFERS", GRANTED),
        ([statement("OFFERS", GRANTED, 1)], "NEWSLETTER", State.UNKNOWN),
        ([statement("OFFERS", REFUSED, 1), statement("MARKETING", GRANTED, 2)], "OFFERS", REFUSED),
        ([statement("OFFERS", GRANTED, 1), statement("MARKETING", REFUSED, 2)], "OFFERS", REFUSED),
        ([statement("MARKETING", REFUSED, 1), statement("OFFERS", GRANTED, 2)], "OFFERS", GRANTED),
        ([statement("OFFERS", State.PENDING, 1)], "OFFERS", State.PENDING),
        ([statement("OFFERS", GRANTED, 1, expires_at=NOW + timedelta(days=2))], "OFFERS", GRANTED),
        ([statement("OFFERS", GRANTED, 1, expires_at=NOW)], "OFFERS", State.UNKNOWN),
    ],
)  # fmt: skip
def test_a_purpose_is_asked_for_itself_first(statements: list[Any], asked: str, expected: State) -> None:
    assert standing(statements, channel="EMAIL", purpose=asked, at=NOW) is expected


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(streams)
def test_the_flags_of_everybody_are_what_follows_from_the_ledger(events: list[Any]) -> None:
    tenant = TenantFactory(slug=f"ledger-{next(counter)}")
    with tenant_scope(tenant):
        receive(events)
        process_due(tenant)
        assert {channel: people for channel, people in ledger.differences() if people} == {}
        before = flags_of_all()
        for channel in CHANNELS:
            CustomerProfile.objects.update(**{f"{channel.lower()}_opt_in": None})
        with transaction.atomic():
            ledger.rebuild(by="job:test")
        assert flags_of_all() == before


def flags_of_all() -> Any:
    names = [f"{channel.lower()}_opt_in{end}" for channel in CHANNELS for end in ("", "_at")]
    rows = CustomerProfile.objects.order_by("pk").values("pk", "provenance", *names)
    return [{**row, "provenance": {name: row["provenance"].get(name) for name in names}} for row in rows]


def tell(tenant: Tenant, *events: dict[str, Any]) -> None:
    assert receive(list(events)).rejected == 0
    process_due(tenant)


def preference(*, at: datetime, **payload: Any) -> dict[str, Any]:
    return {
        "id": f"p{next(counter)}", "type": "contactPreference.updated", "source": "messaging", "version": "1.0",
        "timestamp": at.isoformat(), "identity": {"email": "ann@example.com"},
        "payload": {"contactId": "c1", **payload},
    }  # fmt: skip


def test_a_statement_keeps_its_proof(tenant: Tenant) -> None:
    tell(
        tenant,
        preference(
            at=NOW, emailOptIn=True, changedAt="2026-05-30T10:00:00Z", wordingVersion="v3", locale="en-ZA",
            ip="196.25.1.77", userAgent="Firefox", email="ann@example.com",
        ),
    )  # fmt: skip
    entry = ConsentEntry.objects.get()
    assert (entry.channel, entry.purpose, entry.state, entry.reason) == (
        "EMAIL",
        "MARKETING",
        "GRANTED",
        "PREFERENCE",
    )
    assert (entry.kind, entry.value, entry.wording, entry.locale) == (
        "email",
        "ann@example.com",
        "v3",
        "en-ZA",
    )
    assert (entry.ip, entry.user_agent, entry.at) == ("196.25.1.0", "Firefox", NOW)
    assert entry.given_at == datetime(2026, 5, 30, 10, tzinfo=UTC)
    assert entry.recorded_for == entry.customer_id


def test_a_late_grant_never_brings_consent_back(tenant: Tenant) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=False))
    tell(tenant, preference(at=NOW - timedelta(days=1), emailOptIn=True))
    assert CustomerProfile.objects.get().email_opt_in is False
    assert ConsentEntry.objects.count() == 2


def test_a_purpose_of_its_own_does_not_move_the_flag(tenant: Tenant) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=True, purpose="COMPETITIONS", clubId="club-fynbos"))
    assert CustomerProfile.objects.get().email_opt_in is None
    said = [entry.said for entry in ConsentEntry.objects.all()]
    asked: Any = {"channel": "EMAIL", "purpose": "COMPETITIONS", "at": NOW}
    assert standing(said, **asked, club_ref="club-fynbos") is State.GRANTED
    assert standing(said, **asked) is State.UNKNOWN


@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET state = 'GRANTED'", "DELETE FROM {}", "UPDATE {} SET value = ''"]
)
def test_nobody_edits_the_ledger(tenant: Tenant, statement: str) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=False))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(statement.format("customers_consententry"), [])


def test_merging_may_move_a_statement(tenant: Tenant) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=False))
    other = CustomerProfileFactory()
    ConsentEntry.objects.update(customer=other)
    assert ConsentEntry.objects.get().recorded_for != other.pk


def test_the_command_says_where_flags_differ_and_puts_them_right(tenant: Tenant, capsys: Any) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=False, smsOptIn=True))
    call_command("rebuild_consent", "--dry-run")
    CustomerProfile.objects.update(email_opt_in=True)
    with pytest.raises(SystemExit):
        call_command("rebuild_consent", "--tenant", tenant.slug, "--dry-run")
    assert "1 flags differ" in capsys.readouterr().out
    call_command("rebuild_consent", "--tenant", tenant.slug)
    assert CustomerProfile.objects.get().email_opt_in is False
    assert AuditEntry.objects.filter(action="consent.rebuilt").count() == 1


def test_who_is_suppressed_comes_in_with_marketing_off_whatever_is_said(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=NOW)
    tell(tenant, preference(at=NOW + timedelta(days=1), emailOptIn=True, smsOptIn=True))
    person = CustomerProfile.objects.get()
    assert (person.email_opt_in, person.sms_opt_in, person.push_opt_in) == (False, False, False)
    assert [people for _channel, people in ledger.differences() if people] == []


def test_nothing_of_the_identifier_is_in_the_suppression(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=NOW)
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=NOW)
    row = Suppression.objects.get()
    assert "ann" not in f"{row.value_hash} {row.kind}"
    other = TenantFactory(slug="elsewhere")
    with tenant_scope(other):
        assert suppression.hash_of(("email", "ann@example.com")) != row.value_hash
        assert suppression.suppressed([("email", "ann@example.com")]) == {}


def test_a_new_key_does_not_forget_who_asked_to_be_forgotten(tenant: Tenant, settings: Any) -> None:
    settings.SUPPRESSION_KEYS = ["old"]
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=NOW)
    settings.SUPPRESSION_KEYS = ["new", "old"]
    assert set(suppression.suppressed([("email", "ann@example.com")])) == {("email", "ann@example.com")}


def test_an_admin_lifts_a_suppression_and_what_was_said_stands_again(tenant: Tenant) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=NOW)
    tell(tenant, preference(at=NOW + timedelta(days=1), emailOptIn=True))
    person = CustomerProfile.objects.get()
    lift_suppression(person.pk, by="user:x", reason="Signed a new form")
    person.refresh_from_db()
    assert (person.email_opt_in, person.sms_opt_in) == (True, None)
    tell(tenant, preference(at=NOW + timedelta(days=2), smsOptIn=True))
    person.refresh_from_db()
    assert person.sms_opt_in is True


def test_an_objection_counts_at_once_and_messaging_is_told(tenant: Tenant) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=True))
    person = CustomerProfile.objects.get()
    object_to_marketing(person.pk, by="user:x")
    person.refresh_from_db()
    assert (person.email_opt_in, person.whatsapp_opt_in) == (False, False)
    asked = OutboxMessage.objects.filter(topic="crm.consent.optout.requested")
    assert {one.payload["channel"] for one in asked} == set(CHANNELS)
    assert [people for _channel, people in ledger.differences() if people] == []


def test_the_api_lists_statements_and_records_a_refusal(tenant: Tenant, api: Any) -> None:
    tell(tenant, preference(at=NOW, emailOptIn=True, email="ann@example.com"))
    path = f"/api/v1/customers/{CustomerProfile.objects.get().pk}/consents"
    made = api.post(path, {"channel": "EMAIL", "state": "WITHDRAWN", "reason": "CALL"})
    assert (made.status_code, made.json()["identifier"]) == (200, {"email": "ann@example.com"})
    listed = api.get(path, {"channel": "EMAIL"}).json()["data"]
    assert [one["state"] for one in listed] == ["WITHDRAWN", "GRANTED"]
    assert CustomerProfile.objects.get().email_opt_in is False


def test_a_grant_belongs_to_whoever_owns_consent(tenant: Tenant, api: Any) -> None:
    person = CustomerProfileFactory()
    grant = {"channel": "EMAIL", "state": "GRANTED", "wordingVersion": "v1"}
    refused = api.post(f"/api/v1/customers/{person.pk}/consents", grant)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONSENT_OWNED_BY_MESSAGING")
    Tenant.objects.update(consent_owner="LOCAL")
    assert api.post(f"/api/v1/customers/{person.pk}/consents", grant).status_code == 200
    person.refresh_from_db()
    assert person.email_opt_in is True
    assert not OutboxMessage.objects.filter(topic="crm.consent.optout.requested").exists()
