"""Campaigns from draft to done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import lifecycle, services
from campaigns.approval import approve_campaign, needs_approval
from campaigns.models import Campaign, CampaignRun, Message, MessageState, Sender, TemplateContent
from campaigns.problems import (
    ApprovalNotNeeded,
    CampaignAlreadyActive,
    CampaignNotDraft,
    CampaignNotScheduled,
    InvalidSchedule,
    OwnCampaign,
    PreflightFailed,
    SegmentRequired,
)
from crm.errors import ValidationFailed
from crm.outbox.models import OutboxMessage
from crm.states import IllegalMove, transition
from crm.tenancy.models import AuditEntry, Tenant
from segments.models import Segment
from tests.campaigns.making import AUTHOR, SECOND, campaign, list_of, people, words

pytestmark = pytest.mark.usefixtures("tenant")


def again(one: Campaign) -> Campaign:
    return Campaign.objects.get(pk=one.pk)


def soon(**delta: int) -> datetime:
    return timezone.now() + timedelta(**delta)


def test_a_draft_goes_on_the_schedule_and_off_it_again() -> None:
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=soon(hours=1))
    assert again(one).status == "SCHEDULED"
    assert OutboxMessage.objects.filter(topic="crm.campaign.scheduled", key=str(one.pk)).exists()
    lifecycle.unschedule_campaign(one.pk, by=AUTHOR)
    assert (again(one).status, again(one).due_at) == ("DRAFT", None)
    with pytest.raises(CampaignNotScheduled):
        lifecycle.unschedule_campaign(one.pk, by=AUTHOR)
    actions = AuditEntry.objects.filter(object_id=str(one.pk)).order_by("at").values_list("action", flat=True)
    assert list(actions) == ["campaign.created", "campaign.scheduled", "campaign.unscheduled"]


def test_without_a_time_or_with_one_just_past_it_is_for_now() -> None:
    for past in (None, soon(minutes=-4)):
        one = campaign(people(1))
        scheduled = lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=past)
        assert abs(scheduled.scheduled_at - timezone.now()) < timedelta(seconds=5)


def test_a_time_that_is_past_is_refused() -> None:
    one = campaign(people(1))
    with pytest.raises(InvalidSchedule):
        lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=soon(minutes=-6))
    assert again(one).status == "DRAFT"


def test_nobody_to_write_to_and_nothing_to_say_keep_it_off_the_schedule() -> None:
    with pytest.raises(SegmentRequired):
        lifecycle.schedule_campaign(campaign().pk, by=AUTHOR)
    silent = services.create_campaign(
        "Silent", by=AUTHOR, channels=["EMAIL"], segment_ids=[list_of(people(1), "One").pk]
    )
    with pytest.raises(PreflightFailed) as caught:
        lifecycle.schedule_campaign(silent.pk, by=AUTHOR)
    assert [one.code for one in caught.value.details] == ["NO_CONTENT"]


def test_what_is_said_to_whom_changes_only_in_a_draft() -> None:
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=soon(hours=1))
    for changes in ({"segment_ids": []}, {"channels": ["SMS"]}, {"holdout_percent": 5}):
        with pytest.raises(CampaignAlreadyActive):
            services.change_campaign(one.pk, changes, by=AUTHOR)
    with pytest.raises(CampaignAlreadyActive):
        services.change_campaign(one.pk, {}, by=AUTHOR, templates={"email_template_id": words().pk})
    renamed = services.change_campaign(one.pk, {"name": "Spring", "per_minute": 100}, by=AUTHOR)
    assert (renamed.name, renamed.version) == ("Spring", 3)
    with pytest.raises(CampaignNotDraft):
        services.delete_campaign(one.pk, by=AUTHOR)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"channels": ["PIGEON"]}, "channels"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"recur_pattern": "* * * * *"}, "recurPattern"),
        ({"batch_size": 5}, "batchMinutes"),
        ({"segment_ids": ["0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"]}, "segmentIds"),
        ({"variants": [{}] * 9}, "variants"),
        ({"message_class": "TRANSACTIONAL", "holdout_percent": 5}, "holdoutPercent"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        services.create_campaign("x", by=AUTHOR, **fields)
    assert {one.field for one in caught.value.details} == {where}


def test_a_template_of_another_channel_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        services.create_campaign("x", by=AUTHOR, templates={"email_template_id": words("SMS").pk})


def test_a_copy_is_a_draft_that_says_the_same_to_the_same() -> None:
    one = campaign(people(1), variants=[{"subject": "One"}, {"subject": "Two", "weight": 3}])
    copy = services.clone_campaign(one.pk, by=SECOND)
    assert (copy.name, copy.status, copy.segment_ids) == ("Winter offer (Copy)", "DRAFT", one.segment_ids)
    assert [(row.name, row.subject, row.weight) for row in services.variants_of(copy)] == [
        ("A", "One", 1),
        ("B", "Two", 3),
    ]


def test_when_its_time_comes_it_begins_once() -> None:
    one = campaign(people(2))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    for _ in range(2):
        lifecycle.look_at(one.pk, soon(seconds=1))
    assert again(one).status == "ACTIVE"
    assert CampaignRun.objects.filter(campaign=one).count() == 1


def test_two_who_move_it_at_once_do_not_both_move_it() -> None:
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    mine, theirs = again(one), again(one)
    lifecycle.begin(mine, timezone.now())
    with pytest.raises(IllegalMove):
        lifecycle.begin(theirs, timezone.now())
    with pytest.raises(IllegalMove):
        transition(again(one), "DRAFT", moves=lifecycle.MOVES)


def test_one_whose_time_is_long_past_waits_for_somebody() -> None:
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    lifecycle.look_at(one.pk, soon(minutes=61))
    assert (again(one).status, again(one).pause_reason) == ("PAUSED", "OVERDUE")
    assert not CampaignRun.objects.exists()
    lifecycle.resume_campaign(one.pk, by=AUTHOR)
    assert again(one).status == "ACTIVE"
    assert CampaignRun.objects.filter(campaign=one).count() == 1


def test_one_off_the_schedule_is_not_begun() -> None:
    """Whatever task was sent for it while it was on."""
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    lifecycle.unschedule_campaign(one.pk, by=AUTHOR)
    lifecycle.look_at(one.pk, soon(seconds=1))
    assert again(one).status == "DRAFT"


def test_a_recurring_one_is_carried_out_at_each_occurrence_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    one = campaign(
        people(1), type="RECURRING", recur_pattern="0 9 * * *", timezone="Europe/London",
        recur_end_at=start + timedelta(days=2),
    )  # fmt: skip
    lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=start)
    seen = []
    while (due := again(one).due_at) is not None:
        seen.append(due)
        lifecycle.look_at(one.pk, due + timedelta(seconds=3))
    assert len(seen) == 2
    runs = CampaignRun.objects.filter(campaign=one).order_by("scheduled_for")
    assert [run.scheduled_for for run in runs] == seen
    assert again(one).status == "ACTIVE"
    for run in runs:
        CampaignRun.objects.filter(pk=run.pk).update(state="SENDING")
        assert lifecycle.finish_run(run, seen[-1])
    assert again(one).status == "COMPLETED"


def test_occurrences_that_passed_while_everything_stood_still_do_not_come_all_at_once() -> None:
    start = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    one = campaign(people(1), type="RECURRING", recur_pattern="0 * * * *", timezone="UTC")
    lifecycle.schedule_campaign(one.pk, by=AUTHOR, scheduled_at=start)
    lifecycle.look_at(one.pk, start + timedelta(hours=24, minutes=5))
    (run,) = CampaignRun.objects.filter(campaign=one)
    assert run.scheduled_for == start + timedelta(hours=24)
    assert again(one).due_at == start + timedelta(hours=25)


def test_cancelling_stops_for_good_what_still_waits() -> None:
    one = campaign(people(2))
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    run = CampaignRun.objects.get(campaign=one)
    for person in people(2):
        Message.objects.create(
            tenant=one.tenant,
            customer=person,
            recorded_for=person.pk,
            run=run,
            channel="EMAIL",
            message_class="MARKETING",
        )
    lifecycle.cancel_campaign(one.pk, by=SECOND)
    assert again(one).status == "CANCELLED"
    assert set(Message.objects.values_list("state", "reason")) == {(MessageState.CANCELLED, "CANCELLED")}


# --- the second person
@pytest.fixture
def large(tenant: Tenant) -> Campaign:
    """A scheduled campaign to as many as need a second person."""
    Sender.objects.create(tenant=tenant, approval_from=2)
    one = campaign(people(2))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    return again(one)


def test_a_large_one_begins_only_when_a_second_person_agreed(large: Campaign) -> None:
    lifecycle.look_at(large.pk, soon(seconds=1))
    assert again(large).status == "SCHEDULED"
    with pytest.raises(OwnCampaign):
        approve_campaign(large.pk, by=AUTHOR)
    approve_campaign(large.pk, by=SECOND)
    with pytest.raises(ApprovalNotNeeded):
        approve_campaign(large.pk, by=SECOND)
    lifecycle.look_at(large.pk, soon(seconds=1))
    assert again(large).status == "ACTIVE"


def test_other_words_or_other_rules_void_an_agreement(large: Campaign) -> None:
    approve_campaign(large.pk, by=SECOND)
    assert not needs_approval(again(large))
    (variant,) = services.variants_of(large)
    TemplateContent.objects.create(
        tenant=large.tenant,
        template=variant.email_template,
        language="en",
        revision=2,
        subject="Other",
        html="x",
        text="x",
    )
    assert needs_approval(again(large))
    approve_campaign(large.pk, by=SECOND)
    Segment.objects.filter(pk=large.segment_ids[0]).update(criteria_version=9)
    assert needs_approval(again(large))


def test_a_small_one_needs_nobody(tenant: Tenant) -> None:
    Sender.objects.create(tenant=tenant, approval_from=2)
    one = campaign(people(1))
    lifecycle.schedule_campaign(one.pk, by=AUTHOR)
    lifecycle.look_at(one.pk, soon(seconds=1))
    assert again(one).status == "ACTIVE"
