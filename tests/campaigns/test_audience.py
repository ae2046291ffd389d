"""Whom a run is for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import audience, lifecycle
from campaigns.models import Campaign, CampaignRun, Message, MessageState, Sender
from campaigns.splitting import turns
from crm.tenancy.models import Tenant
from customers.models import CustomerProfile, Status
from segments.services import create_segment
from tests.campaigns.making import AUTHOR, campaign, list_of, people
from tests.factories import ClubFactory

pytestmark = pytest.mark.usefixtures("tenant")


def built(who: list[CustomerProfile] | None = None, **fields: Any) -> CampaignRun:
    """The run of a campaign to these people, with its rows made."""
    one = campaign(who, **fields)
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    run = CampaignRun.objects.get(campaign=one)
    assert audience.build(run)
    run.refresh_from_db()
    return run


def outcomes(run: CampaignRun) -> dict[tuple[str, str], int]:
    return dict(Counter(Message.objects.filter(run=run).values_list("state", "reason")))


def test_everybody_in_a_segment_gets_a_row_and_whoever_gets_nothing_has_the_reason() -> None:
    sender = {"email": "shared@example.com"}
    who = [
        *people(3), *people(1, email=""), *people(1, email_opt_in=False), *people(1, email_opt_in=None),
        *people(1, is_blocked=True), *people(1, status=Status.INACTIVE),
        *people(1, processing_restricted_at=timezone.now()),
    ]  # fmt: skip
    first, second = people(2)
    CustomerProfile.objects.filter(pk__in=[first.pk, second.pk]).update(**sender)
    out = people(2)
    run = built([*who, first, second, *out], excluded_segment_ids=[list_of(out, "Kept out").pk])
    assert outcomes(run) == {
        ("QUEUED", ""): 4, ("SKIPPED", "NO_ADDRESS"): 1, ("SKIPPED", "REFUSED"): 1, ("SKIPPED", "NEVER_ASKED"): 1,
        ("SKIPPED", "BLOCKED"): 1, ("SKIPPED", "NOT_ACTIVE"): 1, ("SKIPPED", "RESTRICTED"): 1,
        ("SKIPPED", "DUPLICATE_ADDRESS"): 1, ("SKIPPED", "EXCLUDED"): 2,
    }  # fmt: skip
    assert run.target_count == Message.objects.filter(run=run).count() == 13
    assert (run.state, run.built_to) == ("SENDING", None)


def test_each_gets_it_on_every_channel_that_they_can_get() -> None:
    both, mail_only = people(1, phone_number="+27821234567", phone_is_valid=True), people(1)
    neither = people(1, email="", phone_number="12", phone_is_valid=False)
    run = built([*both, *mail_only, *neither], channels=("EMAIL", "SMS"))
    rows = Message.objects.filter(run=run).order_by("customer", "channel")
    assert [(row.customer_id, row.channel, row.state, row.reason) for row in rows] == sorted([
        (both[0].pk, "EMAIL", "QUEUED", ""), (both[0].pk, "SMS", "QUEUED", ""),
        (mail_only[0].pk, "EMAIL", "QUEUED", ""), (neither[0].pk, "EMAIL", "SKIPPED", "NO_ADDRESS"),
    ])  # fmt: skip


def test_a_person_in_several_segments_is_meant_once() -> None:
    who = people(3)
    ids = [list_of(who, "One").pk, list_of(who[:2], "Two").pk]
    assert outcomes(built(segment_ids=ids)) == {("QUEUED", ""): 3}


def test_a_builder_who_dies_is_followed_by_one_who_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "CHUNK", 7)
    one = campaign(people(30), variants=[{}, {}, {}])
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    run = CampaignRun.objects.get(campaign=one)
    for chunks in (1, 2, None):
        run.refresh_from_db()
        audience.build(run, chunks=chunks)
    assert outcomes(run) == {("QUEUED", ""): 30}
    shares = Counter(Message.objects.filter(run=run).values_list("variant__name", flat=True))
    assert shares == {"A": 10, "B": 10, "C": 10}


def test_a_paused_campaign_is_built_on_when_it_is_resumed() -> None:
    one = campaign(people(2))
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    run = CampaignRun.objects.get(campaign=one)
    lifecycle.pause_campaign(one.pk, by=AUTHOR)
    assert not audience.build(run)
    lifecycle.resume_campaign(one.pk, by=AUTHOR)
    assert audience.build(run)


def test_a_segment_that_is_out_of_date_is_worked_out_first() -> None:
    rules = [{"field": "isVip", "operator": "eq", "value": True}]
    segment = create_segment("VIPs", by=AUTHOR, criteria=rules)
    people(2, is_vip=True)
    assert outcomes(built(segment_ids=[segment.pk])) == {("QUEUED", ""): 2}


@pytest.mark.parametrize("weights", [(1, 1), (1, 2), (50, 30, 20), (1, 1, 1, 1, 1, 1, 1, 1)])
def test_every_beginning_of_the_order_is_split_exactly(weights: tuple[int, ...]) -> None:
    order = turns(dict(enumerate(weights))) * 3
    for length in range(1, len(order) + 1):
        counts = Counter(order[:length])
        for key, weight in enumerate(weights):
            assert abs(counts[key] - length * weight / sum(weights)) <= 1


def test_a_sample_gets_the_variants_and_the_rest_waits_for_the_winner() -> None:
    run = built(people(21), variants=[{}, {}], sample_percent=20)
    rows = list(Message.objects.filter(run=run).values_list("variant__name", "due_at"))
    assert Counter(name for name, _ in rows) == {"A": 2, "B": 2, None: 17}
    assert all((due is None) == (name is None) for name, due in rows)


def test_who_is_held_out_stays_held_out_of_a_campaign() -> None:
    who = people(60)
    one = campaign(who, holdout_percent=20)
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    seen = []
    for number in range(2):
        run = CampaignRun.objects.create(
            tenant=one.tenant, campaign=one, scheduled_for=timezone.now() + timedelta(number)
        )
        audience.build(run)
        rows = Message.objects.filter(run=run, reason="HOLDOUT")
        seen.append(set(rows.values_list("customer", flat=True)))
    assert seen[0] == seen[1]
    assert 3 <= len(seen[0]) <= 24


def test_the_control_group_of_a_club_gets_no_marketing_and_every_service_message() -> None:
    club = ClubFactory(refs=["club-fynbos"])
    Sender.objects.create(tenant=club.tenant, club=club, control_percent=20)
    theirs, others = people(60, home_club_ref="club-fynbos"), people(10)
    first, second = (built([*theirs, *others]) for _ in range(2))
    kept = [
        set(Message.objects.filter(run=run, reason="CONTROL_GROUP").values_list("customer", flat=True))
        for run in (first, second)
    ]
    assert kept[0] == kept[1]
    assert 3 <= len(kept[0]) <= 24
    assert kept[0] <= {one.pk for one in theirs}
    assert set(outcomes(built(theirs, message_class="TRANSACTIONAL"))) == {("QUEUED", "")}


def test_batches_follow_each_other() -> None:
    run = built(people(7), batch_size=3, batch_minutes=30)
    start = max(run.scheduled_for, run.started_at)
    waits = Counter(
        (due - start) // timedelta(minutes=1)
        for due in Message.objects.filter(run=run).values_list("due_at", flat=True)
    )
    assert waits == {0: 3, 30: 3, 60: 1}


def test_at_local_time_each_gets_it_when_their_own_clock_shows_it() -> None:
    ClubFactory(refs=["club-heath"], timezone="Europe/London")
    here, there, club = (
        people(1, country="ZA"),
        people(1, country="GB"),
        people(1, country="US", home_club_ref="club-heath"),
    )
    nine = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0) + timedelta(
        days=3
    )  # 09:00 in Johannesburg
    one = campaign([*here, *there, *club], send_mode="LOCAL_TIME", timezone="Africa/Johannesburg")
    lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=nine)
    due = Campaign.objects.get(pk=one.pk).due_at
    assert due == nine - timedelta(hours=12)
    lifecycle.look_at(one.pk, due + timedelta(seconds=1))
    run = CampaignRun.objects.get(campaign=one)
    audience.build(run)
    clocks = {
        row.customer_id: row.due_at for row in Message.objects.filter(run=run, state=MessageState.QUEUED)
    }
    assert clocks[here[0].pk] == nine
    assert clocks[there[0].pk].astimezone(audience.ZoneInfo("Europe/London")).hour == 9
    assert clocks[club[0].pk] == clocks[there[0].pk]


def test_another_tenants_people_are_nobody(other_tenant: Tenant) -> None:
    run = built(people(1))
    assert set(Message.objects.filter(run=run).values_list("tenant", flat=True)) != {other_tenant.pk}
