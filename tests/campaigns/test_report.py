"""What became of messages, in numbers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from campaigns import attribution, lifecycle, statistics, variants
from campaigns.intervals import difference, wilson
from campaigns.models import Campaign, CampaignRun, Conversion, Interaction, Message
from campaigns.services import variants_of
from crm.tenancy.models import Tenant
from customers.models import Booking, CustomerProfile, Order
from tests.campaigns.making import AUTHOR, campaign, people

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def run() -> CampaignRun:
    """Of a campaign with two variants."""
    one = campaign(people(1), variants=[{}, {}])
    lifecycle.execute_campaign(one.pk, by=AUTHOR)
    CampaignRun.objects.filter(campaign=one).update(state="SENDING", built_at=timezone.now())
    return CampaignRun.objects.select_related("campaign").get(campaign=one)


def message(
    run: CampaignRun, state: str = "SENT", who: CustomerProfile | None = None, **fields: Any
) -> Message:
    person = who or people(1)[0]
    fields = {
        "channel": "EMAIL",
        "message_class": "MARKETING",
        "gateway": "local",
        "sent_at": timezone.now(),
    } | fields
    return Message.objects.create(
        tenant=run.tenant, customer=person, recorded_for=person.pk, run=run, state=state, **fields
    )


def did(one: Message, kind: str, at: datetime, *, is_human: bool = True) -> None:
    Interaction.objects.create(
        tenant=one.tenant,
        message=one,
        kind=kind,
        key=str(Interaction.objects.count()),
        at=at,
        is_human=is_human,
    )


def test_every_row_is_counted_once_and_the_eight_counters_tell_what_became_of_them(run: CampaignRun) -> None:
    now, (a, b) = timezone.now(), variants_of(run.campaign)
    message(run, variant=a)
    message(run, variant=a, opened_at=now, first_open_at=now)
    message(run, variant=b, clicked_at=now, first_open_at=now, first_click_at=now, converted_at=now)
    message(run, "DELIVERED", variant=b, first_open_at=now, delivered_at=now, gateway="messaging")
    message(run, variant=b, gateway="messaging")  # of which nothing was heard
    message(run, "BOUNCED", bounced_at=now)
    message(run, "COMPLAINED", complained_at=now, unsubscribed_at=now)
    for reason in ("REFUSED", "REFUSED", "HOLDOUT"):
        message(run, "SKIPPED", reason=reason)
    message(run, "UNKNOWN", reason="NO_ANSWER")
    counts = statistics.recount(run)
    assert {name: counts[name] for name in statistics.COUNTERS} == {
        "target": 11, "sent": 7, "delivered": 5, "opened": 2, "clicked": 1, "converted": 1, "unsubscribed": 1,
        "bounced": 1,
    }  # fmt: skip
    assert (counts["openedByAnything"], counts["clickedByAnything"], counts["complained"]) == (3, 1, 1)
    assert counts["reasons"] == {"REFUSED": 2, "HOLDOUT": 1, "NO_ANSWER": 1}
    assert sum(counts["states"].values()) == counts["target"]
    assert counts["variants"][str(b.pk)]["sent"] == 3
    assert statistics.rates(counts) == {
        "deliveryRate": 71.43, "openRate": 40.0, "clickRate": 20.0, "conversionRate": 20.0,
    }  # fmt: skip
    assert statistics.totals([run, run])["sent"] == 14


def test_a_run_is_counted_again_only_when_something_became_of_it(run: CampaignRun) -> None:
    CampaignRun.objects.update(changed_at=timezone.now() - timedelta(minutes=1))
    assert statistics.recount_dirty() == 1
    assert statistics.recount_dirty() == 0


def test_too_many_bounces_pause_a_campaign(run: CampaignRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "ENOUGH_SENT", 10)
    for number in range(10):
        message(run, "BOUNCED" if number < 2 else "SENT")
    statistics.recount(run)
    statistics.pause_where_it_does_harm(run)
    paused = Campaign.objects.get(pk=run.campaign_id)
    assert (paused.status, paused.pause_reason) == ("PAUSED", "BOUNCES")


# --- the winner
def sample(run: CampaignRun, clicks: tuple[int, int], *, of: int = 10) -> dict[str, UUID]:
    Campaign.objects.filter(pk=run.campaign_id).update(
        sample_percent=20, winner_min_sample=10, winner_after_minutes=60
    )
    found = variants_of(run.campaign)
    for variant, count in zip(found, clicks, strict=True):
        for number in range(of):
            message(run, variant=variant, clicked_at=timezone.now() if number < count else None)
    message(run, "QUEUED")
    return {one.name: one.pk for one in found}


def test_the_variant_that_did_better_goes_to_whoever_waits(run: CampaignRun) -> None:
    names, now = sample(run, (1, 4)), timezone.now()
    assert not variants.choose_winner_if_due(run, now + timedelta(minutes=59))
    assert variants.choose_winner_if_due(run, now + timedelta(minutes=61))
    run.refresh_from_db()
    assert run.winner_id == names["B"]
    (waiting,) = Message.objects.filter(state="QUEUED")
    assert waiting.variant_id == names["B"]
    assert waiting.due_at is not None
    assert not variants.choose_winner_if_due(run, now + timedelta(minutes=62))


def test_of_two_that_did_as_well_the_first_wins(run: CampaignRun) -> None:
    names = sample(run, (2, 2))
    variants.choose_winner_if_due(run, timezone.now() + timedelta(minutes=61))
    run.refresh_from_db()
    assert run.winner_id == names["A"]


def test_a_sample_that_is_too_small_waits_for_more_and_not_for_ever(run: CampaignRun) -> None:
    sample(run, (1, 2), of=3)
    assert not variants.choose_winner_if_due(run, timezone.now() + timedelta(minutes=61))
    assert variants.choose_winner_if_due(run, timezone.now() + timedelta(hours=8))


def test_where_staff_choose_nothing_chooses_itself(run: CampaignRun) -> None:
    names = sample(run, (1, 4))
    Campaign.objects.update(winner_mode="MANUAL")
    assert not variants.choose_winner_if_due(run, timezone.now() + timedelta(days=1))
    variants.choose_winner(run, names["A"], by=AUTHOR, now=timezone.now())
    assert Message.objects.get(state="QUEUED").variant_id == names["A"]


# --- what it brought
def booking(who: CustomerProfile, at: datetime, **fields: Any) -> Booking:
    number = Booking.objects.count()
    return Booking.objects.create(
        tenant=who.tenant, key=f"b{number}", customer=who, recorded_for=who.pk, booked_at=at, amount_cents=50_000,
        currency="ZAR", **fields,
    )  # fmt: skip


def test_the_last_click_counts_else_the_last_open_within_the_days_of_the_channel(run: CampaignRun) -> None:
    (who,), now = people(1), timezone.now()
    clicked = message(run, who=who, club_ref="")
    opened_later = message(run, who=who, occasion="later")
    did(clicked, "CLICKED", now - timedelta(hours=5))
    did(opened_later, "OPENED", now - timedelta(hours=2))
    did(opened_later, "CLICKED", now - timedelta(hours=1), is_human=False)
    booking(who, now)
    attribution.attribute()
    conversion = Conversion.objects.get()
    assert (conversion.message_id, conversion.run_id, conversion.amount_cents) == (clicked.pk, run.pk, 50_000)
    assert Message.objects.get(pk=clicked.pk).converted_at == now
    assert attribution.attribute() == 0


def test_what_happened_before_or_too_long_after_is_nobodys(run: CampaignRun) -> None:
    (who,), now = people(1), timezone.now()
    did(message(run, who=who), "CLICKED", now - timedelta(days=1))
    booking(who, now - timedelta(days=1, hours=1))
    stranger = people(1)[0]
    did(message(run, who=stranger), "CLICKED", now - timedelta(days=7, hours=1))
    booking(stranger, now)
    attribution.attribute()
    assert not Conversion.objects.exists()


def test_a_refund_and_a_cancellation_take_their_revenue_back(run: CampaignRun) -> None:
    (who,), now = people(1), timezone.now()
    one = message(run, who=who)
    did(one, "CLICKED", now - timedelta(hours=5))
    booked = booking(who, now - timedelta(hours=1))
    order = Order.objects.create(
        tenant=who.tenant,
        key="o1",
        customer=who,
        recorded_for=who.pk,
        placed_at=now,
        total_cents=10_000,
        currency="ZAR",
    )
    attribution.attribute()
    assert statistics.recount(run)["revenueCents"] == 60_000
    Order.objects.filter(pk=order.pk).update(refunded_cents=4_000)
    Booking.objects.filter(pk=booked.pk).update(cancelled_at=now)
    attribution.attribute()
    counts = statistics.recount(run)
    assert (counts["revenueCents"], counts["converted"]) == (6_000, 1)
    Order.objects.filter(pk=order.pk).update(cancelled_at=now)
    attribution.attribute()
    counts = statistics.recount(run)
    assert (counts["revenueCents"], counts["converted"]) == (0, 0)


def test_what_it_brought_beside_what_would_have_come_anyway(run: CampaignRun, tenant: Tenant) -> None:
    now = timezone.now()
    for number in range(40):
        sent, out = message(run), message(run, "SKIPPED", reason="HOLDOUT", sent_at=None)
        if number < 20:
            booking(sent.customer, now + timedelta(hours=1))
        if number < 8:
            booking(out.customer, now + timedelta(hours=1))
    statistics.recount(run)
    found = statistics.lift(run)
    assert found is not None
    assert (found["sent"], found["heldOut"]) == (
        {"people": 40, "converted": 20},
        {"people": 40, "converted": 8},
    )
    low, high = found["interval"]
    assert found["lift"] == 30.0
    assert 0 < low < 30 < high


def test_intervals_are_those_of_the_books() -> None:
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = difference(56, 70, 48, 80)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
    assert wilson(0, 0) == (0.0, 1.0)
