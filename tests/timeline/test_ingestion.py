import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from crm.errors import Conflict
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import (
    AliasHolder,
    CustomerMetrics,
    CustomerProfile,
    DuplicateCandidate,
    Membership,
    PrivacyRequest,
)
from customers.services import delete_customer
from tests.factories import ClubFactory, TenantFactory
from timeline import ingestion
from timeline.application import Outcome
from timeline.ingestion import process_due, receive, tenants_with_due_events
from timeline.listing import entries_of
from timeline.models import Activity, EventBody, InboundEvent, SyncStatus
from timeline.replay import discard, preview, replay

pytestmark = pytest.mark.services


def event(number: int, kind: str = "web.page_view", **more: Any) -> dict[str, Any]:
    return {
        "id": f"e-{number}",
        "type": kind,
        "timestamp": (timezone.now() - timedelta(minutes=number)).isoformat(),
        "identity": {"email": f"p{number}@example.com"},
        "payload": {"url": "https://club.example/"},
        **more,
    }


def test_a_received_event_is_durable_then_applied_once(tenant: Tenant) -> None:
    assert receive([event(1)]).accepted == 1
    assert InboundEvent.objects.get().state == "PENDING"
    assert receive([event(1)]).duplicates == 1
    assert process_due(tenant).applied == 1
    assert process_due(tenant).total == 0
    row = InboundEvent.objects.get()
    assert (row.status, row.duplicates, row.attempts) == (SyncStatus.SUCCESS, 1, 0)
    assert row.customer == CustomerProfile.objects.get()
    made, entry = Activity.objects.order_by("type")
    assert (made.type, made.counts) == ("PROFILE_CREATED", False)
    assert entry.pk == row.activity_id
    assert CustomerMetrics.objects.get().activity_count_30d == 1


def test_the_same_id_with_another_payload_is_a_duplicate_and_the_first_wins(tenant: Tenant) -> None:
    receive([event(1)])
    receipt = receive([event(1, payload={"url": "https://other.example/"})])
    assert receipt.results[0].status == "DUPLICATE"
    assert json.loads(EventBody.objects.get().raw)["payload"]["url"] == "https://club.example/"


def test_one_bad_item_is_rejected_with_its_index_and_the_others_are_kept(tenant: Tenant) -> None:
    ahead = (timezone.now() + timedelta(days=2)).isoformat()
    receipt = receive([event(1), {"id": "x"}, "text", event(2, timestamp=ahead), event(3)])
    assert [result.status for result in receipt.results] == [
        "ACCEPTED", "REJECTED", "REJECTED", "REJECTED", "ACCEPTED",
    ]  # fmt: skip
    fields = [detail["field"] for detail in (receipt.results[1].error or {})["details"]]
    assert "type" in fields and "timestamp" in fields
    assert InboundEvent.objects.count() == 2


def test_an_event_that_names_another_tenant_is_rejected(tenant: Tenant, other_tenant: Tenant) -> None:
    receipt = receive([event(1, tenantId=other_tenant.slug), event(2, tenantId=str(tenant.pk))])
    assert [result.status for result in receipt.results] == ["REJECTED", "ACCEPTED"]
    assert (receipt.results[0].error or {})["code"] == "TENANT_MISMATCH"


def test_a_key_limited_to_sources_sends_only_those(tenant: Tenant) -> None:
    receipt = receive([event(1), event(2, source="shop")], sources={"web"})
    assert [result.status for result in receipt.results] == ["ACCEPTED", "REJECTED"]


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        ("nobody.knows", {}, "UNKNOWN_EVENT_TYPE"),
        ("scl.member.created", {"id": {"not": "an id"}}, "INVALID_PAYLOAD"),
        ("scl.payment.received", {"id": "p", "amount": 12.5, "currency": "ZAR"}, "INVALID_PAYLOAD"),
    ],
)
def test_a_hopeless_event_is_accepted_and_becomes_a_dead_letter_with_its_reason(
    tenant: Tenant, kind: str, payload: dict[str, Any], code: str
) -> None:
    assert receive([event(1, kind, payload=payload), event(2)]).accepted == 2
    tally = process_due(tenant)
    assert (tally.applied, tally.failed) == (1, 1)
    dead = InboundEvent.objects.dead().get()
    assert (dead.error_code, dead.attempts, dead.is_waiting) == (code, 1, False)
    assert dead.error


def test_an_event_about_a_person_nobody_can_identify_is_a_dead_letter(tenant: Tenant) -> None:
    receive([event(1, identity={"email": "not an address", "phoneNumber": "12"})])
    process_due(tenant)
    assert InboundEvent.objects.dead().get().error_code == "NO_IDENTIFIER"
    assert CustomerProfile.objects.count() == 0


@pytest.mark.parametrize(
    "identity", [{"externalIds": []}, {"sclMemberId": 10**30}, {"externalIds": {"shop": {}}}]
)
def test_money_of_somebody_unreadable_is_a_dead_letter_not_ownerless(
    tenant: Tenant, identity: dict[str, Any]
) -> None:
    payload = {"orderId": "o1", "total": 100, "currency": "ZAR"}
    receive([event(1, "order.paid", identity=identity, payload=payload)])
    process_due(tenant)
    assert InboundEvent.objects.dead().get().error_code == "NO_IDENTIFIER"


def test_a_poison_event_is_halved_out_retried_three_times_and_buried_alone(tenant: Tenant) -> None:
    receive([event(number) for number in range(1, 33)])
    with connection.cursor() as cursor:  # what the database itself refuses, whoever sends it
        cursor.execute(
            "ALTER TABLE timeline_activity ADD CONSTRAINT poison CHECK (source_event_id <> 'e-17') NOT VALID"
        )
    tally = process_due(tenant)
    assert (tally.applied, tally.failed) == (31, 1)
    poison = InboundEvent.objects.get(event_id="e-17")
    assert (poison.status, poison.attempts, poison.is_waiting) == (SyncStatus.FAILED, 1, True)
    for attempt, wait in ((1, 1), (2, 2), (3, 4)):
        assert (poison.next_attempt_at - poison.processed_at) == timedelta(seconds=wait)
        assert process_due(tenant).total == 0, "not before its time"
        InboundEvent.objects.filter(pk=poison.pk).update(next_attempt_at=timezone.now())
        assert process_due(tenant).failed == 1
        poison.refresh_from_db()
        assert poison.attempts == attempt + 1
    assert (poison.dead_at is not None, poison.is_waiting, poison.error_code) == (
        True,
        False,
        "DATABASE_REFUSED",
    )
    assert Activity.objects.filter(counts=True).count() == 31


def test_dead_letters_are_tried_without_effect_then_replayed_in_bulk(tenant: Tenant) -> None:
    receive([event(n, "scl.member.created", payload={"id": True}) for n in range(1, 4)] + [event(4)])
    process_due(tenant)
    dead = InboundEvent.objects.dead()
    for body in EventBody.objects.filter(event__in=dead):
        body.raw = body.raw.replace('{"id":true}', '{"id":7}')
        body.save()
    forecast = preview(dead)
    assert forecast["count"] == 3 and forecast["sample"]["applied"] == 3
    assert Activity.objects.filter(source="web").count() == Activity.objects.count() - 1, (
        "a trial leaves nothing"
    )
    assert replay(dead, by="user:1") == 3
    assert process_due(tenant).applied == 3
    assert dead.count() == 0 and Activity.objects.exclude(source="crm").count() == 4
    assert replay(InboundEvent.objects.all(), by="user:1") == 0, "what was applied is never applied again"


def test_a_dead_letter_is_discarded_with_a_reason_only(tenant: Tenant) -> None:
    receive([event(1, "nobody.knows")])
    process_due(tenant)
    with pytest.raises(Conflict):
        discard(InboundEvent.objects.all(), reason=" ", by="user:1")
    assert discard(InboundEvent.objects.all(), reason="a test of the sender", by="user:1") == 1
    row = InboundEvent.objects.get()
    assert (row.status, row.error_code, row.dead_at) == (SyncStatus.SKIPPED, "DISCARDED", None)


def test_urgent_events_are_taken_first(tenant: Tenant) -> None:
    receive([event(number) for number in range(1, 6)])
    urgent = event(9, "contactPreference.updated", payload={"emailOptIn": False})
    receive([urgent])
    process_due(tenant, budget_seconds=0, limit=1)
    assert InboundEvent.objects.get(status=SyncStatus.SUCCESS).event_id == "e-9"


def test_an_event_whose_worker_died_runs_alone_and_is_parked_after_three_deaths(
    tenant: Tenant, monkeypatch: Any
) -> None:
    """Q4: three tries at most."""
    receive([event(1), event(2)])
    monkeypatch.setattr(ingestion, "LEASE", timedelta(0))
    InboundEvent.objects.filter(event_id="e-1").update(claimed_at=timezone.now(), claims=1)
    InboundEvent.objects.filter(event_id="e-2").update(claimed_at=timezone.now(), claims=2)
    assert [t.pk for t in tenants_with_due_events(timezone.now())] == [tenant.pk]
    tally = process_due(tenant)
    assert (tally.applied, tally.failed) == (1, 1)
    parked = InboundEvent.objects.dead().get()
    assert (parked.event_id, parked.error_code) == ("e-2", "WORKER_DIED")


def test_what_the_database_lost_in_its_own_crash_is_free_at_once_and_costs_no_try(tenant: Tenant) -> None:
    """F2: a claim from before the server started has no worker any more, whose death it would count as."""
    receive([event(1)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time() - interval '1 ms'")
        (before,) = cursor.fetchone()
    InboundEvent.objects.update(claimed_at=before, claims=2)
    assert process_due(tenant).applied == 1


def test_a_fresh_claim_of_another_worker_is_left_alone(tenant: Tenant) -> None:
    receive([event(1)])
    InboundEvent.objects.update(claimed_at=timezone.now())
    assert process_due(tenant).total == 0
    assert tenants_with_due_events(timezone.now()) == []


def test_a_historical_event_fills_the_profile_and_its_news_say_so(tenant: Tenant) -> None:
    receive(
        [event(1, "order.paid", historical=True, payload={"orderId": "o", "total": 10**6, "currency": "ZAR"})]
    )
    process_due(tenant)
    assert CustomerMetrics.objects.get().lifetime_value_cents == 10**6
    topics = OutboxMessage.objects.values_list("topic", "historical")
    assert set(topics) == {
        ("crm.profile.created", True), ("person.became_customer", True), ("high_value_purchase", True),
    }  # fmt: skip


def test_an_event_of_the_past_triggers_nothing_beside_one_of_now(tenant: Tenant) -> None:
    """The same person, in one batch: their purchase of old made them a customer, not what they do today."""
    me = {"identity": {"email": "p@example.com"}}
    old = {"orderId": "o", "total": 10**6, "currency": "ZAR"}
    receive([event(2, "order.paid", historical=True, payload=old, **me), event(1, **me)])
    process_due(tenant)
    told = OutboxMessage.objects.values_list("topic", "correlation_id", "historical")
    assert set(told) == {
        ("crm.profile.created", "e-1", False), ("person.became_customer", "e-2", True),
        ("high_value_purchase", "e-2", True),
    }  # fmt: skip


def test_who_becomes_a_customer_today_too_is_told_as_of_today(tenant: Tenant) -> None:
    me = {"identity": {"email": "p@example.com"}}
    orders = [{"orderId": f"o-{n}", "total": 1, "currency": "ZAR"} for n in range(3)]
    receive([event(n + 1, "order.paid", historical=n != 1, payload=orders[n], **me) for n in range(3)])
    process_due(tenant)
    told = OutboxMessage.objects.get(topic="person.became_customer")
    assert (told.correlation_id, told.historical) == ("e-2", False)


def test_a_purchase_by_nobody_names_nobody(tenant: Tenant) -> None:
    receive(
        [event(1, "order.paid", identity={}, payload={"orderId": "o", "total": 10**6, "currency": "ZAR"})]
    )
    process_due(tenant)
    assert OutboxMessage.objects.get().payload["customerId"] is None


def test_a_high_value_purchase_is_told_in_the_tenants_money_with_its_cause(tenant: Tenant) -> None:
    tenant.currency_rates = {"GBP": 20}
    tenant.save()
    amounts = [
        ("ZAR", 99_999),
        ("ZAR", 100_000),
        ("GBP", 4_999),
        ("GBP", 5_000),
        ("JPY", 10**9),
        (None, 100_000),
    ]
    receive(
        [
            event(n, "order.paid", payload={"orderId": f"o-{n}", "total": total, "currency": currency})
            for n, (currency, total) in enumerate(amounts)
        ]
    )
    process_due(tenant)
    told = OutboxMessage.objects.filter(topic="high_value_purchase").order_by("key")
    assert list(told.values_list("key", "correlation_id")) == [("o-1", "e-1"), ("o-3", "e-3"), ("o-5", "e-5")]


def test_a_timeline_begins_with_the_profile(tenant: Tenant) -> None:
    receive([event(1)])
    process_due(tenant)
    entries = entries_of(CustomerProfile.objects.get().pk, {}).order_by("-occurred_at", "-pk")
    assert [entry.type for entry in entries] == ["WEB_PAGE_VIEW", "PROFILE_CREATED"]


def test_a_hard_member_delete_opens_an_erasure_request(tenant: Tenant) -> None:
    receive([event(1, "scl.member.deleted", payload={"id": 5, "deletionType": "hard", "reason": "GDPR"})])
    process_due(tenant)
    assert CustomerProfile.objects.get().status == "DELETED"
    request = PrivacyRequest.objects.get()
    assert (request.kind, request.status, request.customer) == (
        "ERASURE",
        "OPEN",
        CustomerProfile.objects.get(),
    )


def test_the_clubs_region_reads_the_phone(tenant: Tenant) -> None:
    ClubFactory(tenant=tenant, refs=["club-heathland"], region="GB")
    payload = {
        "id": "p1",
        "name": "A",
        "surname": "B",
        "phone": "07700 900123",
        "homeClubId": "club-heathland",
    }
    receive([event(1, "teetime.player.created", identity={"teetimePlayerId": "p1"}, payload=payload)])
    process_due(tenant)
    assert CustomerProfile.objects.get().phone_number == "+447700900123"


def test_the_same_email_is_one_person_in_a_tenant_and_two_in_two(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    both_clubs = [event(1), event(1) | {"id": "e-2"}]
    receive(both_clubs)
    process_due(tenant)
    with tenant_scope(other_tenant):
        receive([event(1)])
    process_due(other_tenant)
    assert CustomerProfile.objects.count() == 1
    with tenant_scope(other_tenant):
        assert CustomerProfile.objects.count() == 1


def test_a_changed_email_becomes_an_identifier_even_when_the_sender_names_the_old_one(tenant: Tenant) -> None:
    payload = {"id": 5, "changes": ["email"], "email": "New@example.com"}
    old = {"sclMemberId": 5, "email": "old@example.com"}
    receive([event(2, "scl.member.updated", identity=old, payload=payload)])
    process_due(tenant)
    receive([event(1, identity={"email": "new@example.com"})])
    process_due(tenant)
    customer = CustomerProfile.objects.get()
    assert customer.email == "new@example.com"
    assert AliasHolder.objects.filter(customer=customer, alias__kind="email").count() == 2


def test_a_status_without_a_club_holds_at_every_club_of_the_member(tenant: Tenant) -> None:
    joined = {"id": 5, "status": "ACTIVE", "membershipTierName": "Gold"}
    member = {"sclMemberId": 5}
    receive([event(1, "scl.member.deleted", identity=member, payload={"id": 5, "deletionType": "soft"})])
    process_due(tenant)
    for number, club in ((9, "club-a"), (8, "club-b")):
        receive([event(number, "scl.member.created", identity=member, payload=joined | {"clubId": club})])
        process_due(tenant)
    assert set(Membership.objects.exclude(club_ref="").values_list("club_ref", "status", "tier")) == {
        ("club-a", "INACTIVE", "Gold"), ("club-b", "INACTIVE", "Gold"),
    }  # fmt: skip


def test_naughty_strings_are_stored_as_they_are_and_shown_without_nul(tenant: Tenant) -> None:
    name = "\x00Robert'); DROP TABLE--\ud800 <script>alert(1)</script> 𝕏 \u202e"
    payload = {"id": "p1", "name": name, "surname": "😀"}
    receive([event(1, "teetime.player.created", identity={"teetimePlayerId": "p1"}, payload=payload)])
    assert process_due(tenant).applied == 1
    first_name = CustomerProfile.objects.get().first_name
    assert "DROP TABLE" in first_name and "\x00" not in first_name
    assert json.loads(EventBody.objects.get().raw)["payload"]["name"] == name


@pytest.mark.django_db(transaction=True)
def test_eight_threads_with_one_new_person_make_one_profile() -> None:
    tenant = TenantFactory(slug="race")
    start = threading.Barrier(8)
    problems: list[BaseException] = []

    def send_and_process(number: int) -> None:
        try:
            start.wait(timeout=20)
            with tenant_scope(tenant):
                same = {"email": "one@example.com", "sclMemberId": 7}
                receive([event(number * 10 + n, identity=same) for n in range(5)])
                for _ in range(3):
                    process_due(tenant)
        except BaseException as error:  # noqa: BLE001 - whatever happens in a thread must fail the test
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send_and_process, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with tenant_scope(tenant):
        process_due(tenant)
        assert problems == []
        assert CustomerProfile.objects.count() == 1
        assert AliasHolder.objects.count() == 2
        assert DuplicateCandidate.objects.count() == 0
        assert Activity.objects.filter(counts=True).count() == 40
        assert Activity.objects.filter(type="PROFILE_CREATED").count() == 1
        assert CustomerMetrics.objects.get().activity_count_30d == 40
        assert InboundEvent.objects.filter(status=SyncStatus.SUCCESS).count() == 40


@pytest.fixture
def leave(monkeypatch: Any) -> Any:
    """As a worker does that died; no lease here: a claim from before the server's own start counts for nothing."""
    monkeypatch.setattr(ingestion, "LEASE", timedelta(0))

    def left_behind(*numbers: int, claims: int = 0) -> None:
        left = InboundEvent.objects.filter(event_id__in=[f"e-{number}" for number in numbers])
        left.update(claimed_at=timezone.now(), claims=claims)

    return left_behind


def test_what_a_dead_worker_left_goes_in_small_groups_and_alone_once_such_a_group_died_too(
    tenant: Tenant, leave: Any, monkeypatch: Any
) -> None:
    receive([event(number) for number in range(1, 41)])
    leave(*range(1, 39))
    leave(39, claims=2)
    leave(40, claims=1)
    batches: list[int] = []
    work = ingestion._work
    monkeypatch.setattr(ingestion, "_work", lambda ids, *rest: batches.append(len(ids)) or work(ids, *rest))
    assert process_due(tenant).applied == 39
    assert batches == [32, 1, 6]
    assert InboundEvent.objects.get(dead_at__isnull=False).event_id == "e-39"


def test_over_whom_more_workers_died_goes_after_the_others_that_run_alone(tenant: Tenant, leave: Any) -> None:
    receive([event(number) for number in (1, 2, 3)])
    leave(1, claims=2)
    leave(2, 3, claims=1)
    turns = [ingestion._claim(ingestion.ALONE, 1, timezone.now())[0][1] for _ in range(3)]
    assert turns == [2, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_duplicate_is_just_being_counted_is_not_left_lying(monkeypatch: Any) -> None:
    tenant = TenantFactory(slug="twice")
    claim, counted = ingestion._claim, threading.Event()

    def count_slowly() -> None:
        with tenant_scope(tenant), transaction.atomic():
            receive([event(1)])
            counted.set()
            time.sleep(0.3)
        connections.close_all()

    def claim_while_it_comes_again(*arguments: Any) -> Any:
        claimed = claim(*arguments)
        if claimed:
            threading.Thread(target=count_slowly).start()
            assert counted.wait(10)
        return claimed

    monkeypatch.setattr(ingestion, "_claim", claim_while_it_comes_again)
    with tenant_scope(tenant):
        receive([event(1)])
        assert process_due(tenant).applied == 1
        row = InboundEvent.objects.get()
        assert (row.status, row.duplicates, row.claims) == (SyncStatus.SUCCESS, 1, 0)


def test_a_rolled_back_batch_leaves_nothing_behind(tenant: Tenant) -> None:
    receive([event(1)])
    with pytest.raises(RuntimeError), transaction.atomic():
        process_due(tenant)
        raise RuntimeError
    assert Activity.objects.count() == 0 and OutboxMessage.objects.count() == 0
    assert process_due(tenant).applied == 1


def test_an_outcome_of_failure_carries_no_rows() -> None:
    outcome = Outcome.failed("X", "why", permanent=True)
    assert (outcome.customer, outcome.activity) == (None, None)


def test_what_is_heard_of_a_deleted_person_is_kept_with_them_and_does_not_bring_them_back(
    tenant: Tenant,
) -> None:
    who = {"identity": {"email": "gone@example.com"}}
    receive([event(1, **who)])
    process_due(tenant)
    person = CustomerProfile.objects.get()
    delete_customer(person.pk, by="user:x")
    receive([event(2, **who), event(3, "scl.member.updated", payload={"id": 5}, **who)])
    process_due(tenant)
    assert CustomerProfile.objects.get().status == "DELETED"
    assert set(InboundEvent.objects.values_list("status", "customer_id")) == {("SUCCESS", person.pk)}
    told = Activity.objects.filter(customer=person).values_list("source_event_id", flat=True)
    assert {"e-1", "e-2"} <= set(told)
