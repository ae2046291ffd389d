"""Sending what is due."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import audience, lifecycle, planning, reconciling, sending, ticking
from campaigns.models import Campaign, CampaignRun, Message, MessageState, Sender
from campaigns.outgoing import shown
from campaigns.queue import database_now, sources, tenants_with_due, waiting
from campaigns.settling import Settled, settle
from crm.messaging.delivery import Outcome, Result
from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from tests.campaigns.making import AUTHOR, campaign, people, words
from tests.campaigns.provider import Provider

pytestmark = pytest.mark.usefixtures("tenant")
LATER = timedelta(minutes=3)  # than any lease


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    return use(monkeypatch, Provider())


def use(monkeypatch: pytest.MonkeyPatch, provider: Provider) -> Provider:
    """Let every channel lead to a provider."""
    for module in ("sending", "reconciling"):
        monkeypatch.setattr(f"campaigns.{module}.gateway_for", lambda channel: provider)
    return provider


def ready(who: list[CustomerProfile], **fields: Any) -> CampaignRun:
    """A run whose audience is frozen."""
    one = campaign(who, **fields)
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    run = CampaignRun.objects.get(campaign=one)
    assert audience.build(run)
    Message.objects.filter(run=run, state="QUEUED").update(due_at=timezone.now() - timedelta(seconds=1))
    return run


def states(**by: Any) -> dict[str, int]:
    return dict(Counter(Message.objects.filter(**by).values_list("state", flat=True)))


def at_noon() -> datetime:
    """When nobody sleeps."""
    return database_now().replace(hour=10, minute=0) + timedelta(days=1)


def send(now: datetime | None = None) -> int:
    return sending.send_due(budget_seconds=20, now=now or at_noon())[0]


def test_everybody_gets_it_once_and_the_campaign_is_done(provider: Provider) -> None:
    run = ready(people(120))
    assert send() == 120
    assert set(provider.took.values()) == {1}
    assert len(provider.to) == len(set(provider.to)) == 120
    assert max(provider.batches) <= provider.most_at_once
    assert states() == {"SENT": 120}
    ticking.tick(database_now())
    assert Campaign.objects.get(pk=run.campaign_id).status == "COMPLETED"
    run.refresh_from_db()
    assert (run.state, run.counts["sent"], run.counts["target"]) == ("DONE", 120, 120)


def test_a_message_says_what_it_said(provider: Provider) -> None:
    ready(people(1, first_name="Sipho"))
    send()
    (row,) = Message.objects.all()
    assert row.subject == "Hello"
    rendered = shown(row)
    assert rendered is not None
    assert "Hello" in rendered.text


def test_who_says_no_after_the_audience_was_frozen_gets_nothing(provider: Provider) -> None:
    who = people(2)
    ready(who)
    CustomerProfile.objects.filter(pk=who[0].pk).update(email_opt_in=False)
    assert send() == 1
    assert Message.objects.get(customer=who[0]).reason == "REFUSED"


def test_two_profiles_that_became_one_get_it_once(provider: Provider) -> None:
    first, second = people(2)
    ready([first, second])
    Message.objects.filter(customer=second).update(customer=first)
    assert send() == 1
    assert states() == {"SENT": 1, "SKIPPED": 1}


def test_after_a_pause_no_more_than_a_batch_leaves_and_resuming_goes_on(provider: Provider) -> None:
    run = ready(people(130))
    provider.before = lambda: Campaign.objects.filter(pk=run.campaign_id).update(status="PAUSED")
    send()
    assert len(provider.to) <= sending.BATCH
    left = 130 - len(provider.to)
    assert states() == {"SENT": len(provider.to), "QUEUED": left}
    provider.before = lambda: None
    lifecycle.resume_campaign(run.campaign_id, by=AUTHOR)
    Message.objects.filter(state="QUEUED").update(due_at=timezone.now())
    send()
    assert states() == {"SENT": 130}
    assert set(provider.took.values()) == {1}


def test_after_a_cancellation_nothing_leaves(provider: Provider) -> None:
    run = ready(people(130))
    provider.before = lambda: (
        lifecycle.cancel_campaign(run.campaign_id, by=AUTHOR) and None if not provider.to else None
    )
    send()
    ticking.tick(database_now())
    assert states() == {"SENT": len(provider.to), "CANCELLED": 130 - len(provider.to)}
    assert len(provider.to) <= sending.BATCH


def test_service_messages_go_first(provider: Provider) -> None:
    ready(people(3), name="Offer")
    slow = ready(people(2), name="Closed today", message_class="TRANSACTIONAL")
    send()
    assert set(provider.to[:2]) == set(Message.objects.filter(run=slow).values_list("address", flat=True))


def test_a_small_campaign_does_not_wait_for_a_large_one(provider: Provider) -> None:
    ready(people(350), name="Large")
    small = ready(people(5), name="Small")
    mine = set(Message.objects.filter(run=small).values_list("address", flat=True))
    send()
    assert max(provider.to.index(one) for one in mine) < 205


def test_a_provider_that_asks_to_wait_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = use(monkeypatch, Provider(faults={"LATER": 1.0}))
    ready(people(1))
    now = at_noon()
    sending.send_batch(sources(now)[0], now=now)
    (row,) = Message.objects.all()
    assert (row.state, row.attempts, row.error, row.counted_at) == ("QUEUED", 1, "429", None)
    assert row.due_at > database_now() + timedelta(seconds=20)
    provider.faults = {}
    send(row.due_at + timedelta(days=1))
    assert states() == {"SENT": 1}


@pytest.mark.parametrize(
    ("result", "state", "reason"),
    [
        ("REFUSED", "FAILED", "PROVIDER_REFUSED"),
        ("UNREGISTERED", "FAILED", "UNREGISTERED"),
        ("OPTED_OUT", "SKIPPED", "REFUSED"),
    ],
)
def test_what_a_provider_refuses_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, result: str, state: str, reason: str
) -> None:
    use(monkeypatch, Provider(faults={result: 1.0}))
    ready(people(1))
    send()
    (row,) = Message.objects.all()
    assert (row.state, row.reason, row.counted_at) == (state, reason, None)


def crash(monkeypatch: pytest.MonkeyPatch, provider: Provider) -> None:
    """A worker who dies after the provider took everything."""
    take = provider.send

    def send_and_die(batch: Any) -> Any:
        take(batch)
        raise RuntimeError("killed")

    monkeypatch.setattr(provider, "send", send_and_die)
    send()
    monkeypatch.setattr(provider, "send", take)
    assert states() == {"SENDING": Message.objects.count()}


def lose_the_claims() -> None:
    Message.objects.filter(state="SENDING").update(claimed_at=database_now() - LATER)


def test_what_a_dead_worker_left_is_repeated_where_keys_are_known(
    monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    ready(people(50))
    crash(monkeypatch, provider)
    assert reconciling.reconcile() == 0  # he may still live
    lose_the_claims()
    assert reconciling.reconcile() == 50
    assert states() == {"SENT": 50}
    assert set(provider.took.values()) == {1}


def test_it_is_asked_about_where_the_provider_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = use(monkeypatch, Provider(keys=False, asks=True))
    ready(people(5))
    crash(monkeypatch, provider)
    first = next(iter(provider.took))
    del provider.took[first]  # one never arrived
    lose_the_claims()
    reconciling.reconcile()
    assert states() == {"SENT": 4, "QUEUED": 1}


def test_else_nobody_knows_and_staff_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = use(monkeypatch, Provider(keys=False))
    ready(people(3))
    crash(monkeypatch, provider)
    lose_the_claims()
    reconciling.reconcile()
    assert states() == {"UNKNOWN": 3}
    assert waiting().unknown == 3
    send()
    assert sum(provider.took.values()) == 3
    went, failed, again = Message.objects.order_by("pk")
    reconciling.resolve_message(went.pk, by=AUTHOR, sent=True)
    reconciling.resolve_message(failed.pk, by=AUTHOR, sent=False)
    reconciling.resolve_message(again.pk, by=AUTHOR, sent=None)
    assert states() == {"SENT": 1, "FAILED": 1, "QUEUED": 1}
    send(at_noon() + timedelta(days=9))
    assert states() == {"SENT": 2, "FAILED": 1}


def test_a_key_that_the_provider_has_forgotten_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    ready(people(1))
    crash(monkeypatch, provider)
    old = database_now() - timedelta(hours=2)
    Message.objects.update(claimed_at=old, submitted_at=old)
    reconciling.reconcile()
    assert states() == {"UNKNOWN": 1}


def test_a_worker_who_was_away_for_long_settles_nothing(provider: Provider) -> None:
    ready(people(1))
    (row,) = Message.objects.all()
    Message.objects.update(state="SENDING", attempts=2)
    told = (Settled(row.pk, 1), row, Outcome("x", Result.ACCEPTED))
    assert settle([told], provider) == set()
    assert states() == {"SENDING": 1}
    assert settle([(Settled(row.pk, 2), row, Outcome("x", Result.ACCEPTED))], provider) == {row.pk}


def test_a_limit_of_the_campaign_is_kept(provider: Provider) -> None:
    ready(people(20), per_minute=60)
    sending.send_due(budget_seconds=1.5, now=at_noon())
    assert 1 <= len(provider.to) <= 3


def test_a_new_domain_sends_no_more_than_its_day_allows(
    provider: Provider, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.allowances.WARM_UP", 7)
    Sender.objects.create(tenant=tenant, warm_up_from=at_noon().date())
    ready(people(20))
    sending.send_due(budget_seconds=1, now=at_noon())
    assert len(provider.to) == 7


def test_who_has_work_is_found_and_who_is_paused_has_none(provider: Provider, tenant: Tenant) -> None:
    now = at_noon()
    assert tenants_with_due(now, now - LATER) == []
    run = ready(people(1))
    assert tenants_with_due(now, now - LATER) == [tenant.pk]
    lifecycle.pause_campaign(run.campaign_id, by=AUTHOR)
    assert tenants_with_due(now, now - LATER) == []


def test_a_message_of_no_campaign_is_planned_once_and_sent(provider: Provider) -> None:
    (who,) = people(1)
    template = words("SMS", "See you {{ firstName }}")
    CustomerProfile.objects.filter(pk=who.pk).update(phone_number="+27821234567", phone_is_valid=True)
    who.refresh_from_db()
    assert planning.plan_message(who, template, origin="JOURNEY", origin_key="step-1")
    assert not planning.plan_message(who, template, origin="JOURNEY", origin_key="step-1")
    assert send() == 1
    row = Message.objects.get()
    assert (row.state, row.variables["firstName"]) == (MessageState.SENT, who.first_name)
    assert "lastName" not in row.variables


def test_who_has_no_words_in_any_language_is_skipped_with_the_reason(provider: Provider) -> None:
    run = ready(people(1))
    CampaignRun.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(days=1))
    send()
    assert Message.objects.get().reason == "NO_CONTENT"


def test_a_misbehaving_provider_gets_each_once_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = use(monkeypatch, Provider(faults={"LATER": 0.1, "LOST": 0.1}))
    run = ready(people(200))
    now = at_noon()
    for day in range(12):
        send(now)
        lose_the_claims()
        reconciling.reconcile()
        Message.objects.filter(state="QUEUED").update(due_at=now - timedelta(seconds=1), deadline_at=None)
        now += timedelta(hours=1 if day % 2 else 0)
    assert states() == {"SENT": 200}
    assert set(provider.took.values()) == {1}
    assert len(set(provider.to)) == 200
    ticking.tick(database_now())
    run.refresh_from_db()
    assert run.counts["sent"] == run.target_count == 200


@pytest.mark.parametrize("result", ["UNREGISTERED", "OPTED_OUT"])
def test_an_address_that_is_dead_or_said_stop_is_not_written_to_again(
    monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    provider = use(monkeypatch, Provider(faults={result: 1.0}))
    who = people(1)
    ready(who)
    send()
    provider.faults = {}
    ready(who, name="The next one")
    send()
    assert not provider.to
    assert Message.objects.latest("pk").reason in ("SUPPRESSED", "REFUSED")
