"""A1.7: seven stages from evidence, the tenant's rule and the time; only a lapse moves down; staff may pin."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from customers.lapses import turn_due
from customers.lifecycle import LADDER, Lapse, current_stage, reach, stage_named, turns_at
from customers.models import CustomerProfile, FieldChange
from customers.services import create_customer, update_customer
from tests.conftest import Api
from tests.pages import at_most
from timeline.ingestion import process_due, receive
from timeline.models import Activity

RULE = Lapse(grace=10, quiet=30)
NOW = datetime.now(UTC).replace(microsecond=0)


# --- the rule, in small numbers
@given(
    st.lists(st.tuples(st.sampled_from(LADDER), st.integers(0, 99))),
    st.randoms(use_true_random=False),
    st.one_of(st.none(), st.integers(0, 99)),
    st.integers(0, 200),
)
def test_the_stage_does_not_depend_on_the_order_of_evidence(
    evidence: list[tuple[str, int]], random: Random, over: int | None, now: int
) -> None:
    def stage(history: list[tuple[str, int]]) -> str:
        reached: dict[str, int] = {}
        for name, at in history:
            reach(reached, name, at)
        return current_stage(reached, over_at=over, now=now, lapse=RULE)

    shuffled = evidence * 2
    random.shuffle(shuffled)
    assert stage(shuffled) == stage(evidence)


@given(
    st.dictionaries(st.sampled_from(LADDER), st.integers(0, 99)),
    st.one_of(st.none(), st.integers(0, 99)),
    st.integers(0, 199),
)
def test_between_two_turns_the_stage_stands_still(
    reached: dict[str, int], over: int | None, now: int
) -> None:
    facts: dict[str, Any] = {"over_at": over, "lapse": RULE}
    turn = turns_at(reached, now=now, **facts)
    stages = {current_stage(reached, now=at, **facts) for at in range(now, turn or 400)}
    assert len(stages) == 1


@pytest.mark.parametrize(
    ("now", "stage"),
    [(0, "MEMBER"), (59, "MEMBER"), (60, "CUSTOMER"), (69, "CUSTOMER"), (70, "CHURNED"), (999, "CHURNED")],
)
def test_an_ended_membership_lapses_when_its_grace_and_their_silence_are_over(now: int, stage: str) -> None:
    reached = {"LEAD": 1, "CUSTOMER": 40, "MEMBER": 3}
    assert current_stage(reached, over_at=50, now=now, lapse=RULE) == stage


def test_coming_back_moves_up_again() -> None:
    reached = {"CUSTOMER": 2, "MEMBER": 3}
    assert current_stage(reached, over_at=5, now=99, lapse=RULE) == "CHURNED"
    assert current_stage(reached | {"CUSTOMER": 98}, over_at=5, now=99, lapse=RULE) == "CUSTOMER"
    assert current_stage(reached | {"MEMBER": 98}, over_at=5, now=99, lapse=RULE) == "MEMBER"
    assert (
        current_stage(reached | {"ADVOCATE": 1, "CUSTOMER": 98}, over_at=5, now=99, lapse=RULE) == "ADVOCATE"
    )


def test_nothing_but_the_end_of_a_membership_moves_down_and_a_pin_stands() -> None:
    assert current_stage({}, over_at=None, now=999, lapse=RULE) == "SUBSCRIBER"
    assert current_stage({"CUSTOMER": 1}, over_at=5, now=999, lapse=RULE) == "CUSTOMER"
    assert current_stage({"MEMBER": 1}, over_at=None, now=999, lapse=RULE) == "MEMBER"
    assert current_stage({"MEMBER": 1}, over_at=5, now=999, lapse=RULE, pin="LEAD") == "LEAD"
    assert turns_at({"MEMBER": 1}, over_at=5, now=9, lapse=RULE, pin="LEAD") is None


@pytest.mark.parametrize(
    ("word", "stage"),
    [("visitor", "SUBSCRIBER"), ("contact", "LEAD"), ("evangelist", "ADVOCATE"), ("Champion", "ADVOCATE"),
     ("member", "MEMBER"), ("other", "OTHER")],
)  # fmt: skip
def test_other_words_for_stages(word: str, stage: str) -> None:
    assert stage_named(word) == stage


# --- with real events
def told(kind: str, at: datetime, **payload: Any) -> dict[str, Any]:
    source = {"scl": "scl", "order": "ecommerce", "web": "web", "email": "messaging"}[kind.partition(".")[0]]
    return {
        "id": f"{kind}-{at.isoformat()}", "type": kind, "source": source, "timestamp": at.isoformat(),
        "identity": {"email": "p@example.com", **({"sclMemberId": 7} if source == "scl" else {})}, "payload": payload,
    }  # fmt: skip


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def person() -> CustomerProfile:
    return CustomerProfile.objects.get()


def live_through(tenant: Tenant, *events: dict[str, Any]) -> str:
    for event in events:
        receive([event])
        process_due(tenant)
    return person().lifecycle_stage


def changes() -> list[tuple[str, str]]:
    found = Activity.objects.filter(type="STAGE_CHANGED").order_by("created_at", "id")
    return [(entry.metadata["from"], entry.metadata["to"]) for entry in found]


def test_loaded_history_moves_people_without_a_word(tenant: Tenant) -> None:
    """It comes in any order and is judged by today: who renewed years ago never was a member who lapsed."""

    def past(kind: str, days: float, **payload: Any) -> dict[str, Any]:
        return told(kind, days_ago(days), **payload) | {"historical": True}

    renewal = {"id": 7, "changes": ["membershipExpiry"]}
    until = days_ago(1035).date().isoformat()
    live_through(tenant, past("scl.member.created", 1400, id=7, status="ACTIVE", membershipExpiry=until))
    live_through(tenant, past("order.paid", 30, orderId="o1", total=100))
    until = days_ago(-40).date().isoformat()
    live_through(tenant, past("scl.member.updated", 325, membershipExpiry=until, **renewal))
    assert (person().lifecycle_stage, changes()) == ("MEMBER", [])
    left = told("scl.member.status.changed", NOW, id=7, previousStatus="ACTIVE", newStatus="RESIGNED")
    live_through(tenant, left)
    turn_due(days_ago(-31))
    assert changes() == [("MEMBER", "CUSTOMER")]


def test_a_person_climbs_lapses_with_time_and_comes_back(tenant: Tenant) -> None:
    joined = told("scl.member.created", days_ago(400), id=7, status="ACTIVE")
    paid = told("order.paid", days_ago(20), orderId="o1", total=100)
    left = told(
        "scl.member.status.changed", days_ago(25), id=7, previousStatus="ACTIVE", newStatus="RESIGNED"
    )
    assert live_through(tenant, told("web.page_view", days_ago(500), url="https://c.example/")) == "PROSPECT"
    assert live_through(tenant, joined, paid, left) == "MEMBER"
    assert person().stage_due_at == days_ago(-5)
    turn_due(NOW)
    assert (person().lifecycle_stage, turn_due(NOW)) == ("MEMBER", 0)
    assert turn_due(days_ago(-6)) == 1
    assert person().lifecycle_stage == "CUSTOMER"
    assert turn_due(days_ago(-71)) == 1
    assert (person().lifecycle_stage, person().stage_due_at) == ("CHURNED", None)
    assert turn_due(days_ago(-99)) == 0
    assert changes() == [("PROSPECT", "MEMBER"), ("MEMBER", "CUSTOMER"), ("CUSTOMER", "CHURNED")]
    news = OutboxMessage.objects.filter(topic="crm.profile.updated").order_by("-id")[0].payload
    assert (news["changes"], news["lifecycleStage"]) == (["lifecycleStage"], "CHURNED")


def test_who_comes_back_moves_up_again(tenant: Tenant) -> None:
    status = {"id": 7, "previousStatus": "ACTIVE", "newStatus": "RESIGNED"}
    joined = told("scl.member.created", days_ago(400), id=7, status="ACTIVE")
    assert (
        live_through(tenant, joined, told("scl.member.status.changed", days_ago(200), **status)) == "CHURNED"
    )
    assert live_through(tenant, told("order.paid", NOW, orderId="o2", total=100)) == "CUSTOMER"
    back = {"id": 7, "previousStatus": "RESIGNED", "newStatus": "ACTIVE"}
    assert live_through(tenant, told("scl.member.status.changed", NOW, **back)) == "MEMBER"
    assert changes() == [("MEMBER", "CHURNED"), ("CHURNED", "CUSTOMER"), ("CUSTOMER", "MEMBER")]


def test_a_membership_that_ran_out_lapses_without_an_event(tenant: Tenant) -> None:
    expiry = (timezone.localdate() - timedelta(days=29)).isoformat()
    live_through(
        tenant, told("scl.member.created", days_ago(400), id=7, status="ACTIVE", membershipExpiry=expiry)
    )
    turn_due(NOW)
    assert person().lifecycle_stage == "MEMBER"
    due = person().stage_due_at
    assert due is not None
    assert due.astimezone(tenant.zone).hour == 0
    assert turn_due(due - timedelta(seconds=1)) == 0
    assert turn_due(due) == 1
    assert person().lifecycle_stage == "CHURNED"


def test_the_tenant_sets_the_rule_and_a_change_counts_for_everybody(tenant: Tenant) -> None:
    left = told(
        "scl.member.status.changed", days_ago(20), id=7, previousStatus="ACTIVE", newStatus="RESIGNED"
    )
    live_through(tenant, told("scl.member.created", days_ago(400), id=7, status="ACTIVE"), left)
    turn_due(NOW)
    assert person().lifecycle_stage == "MEMBER"
    Tenant.objects.filter(pk=tenant.pk).update(lapse_grace_days=10)
    turn_due(NOW)
    assert person().lifecycle_stage == "CHURNED"
    Tenant.objects.filter(pk=tenant.pk).update(lapse_grace_days=60)
    turn_due(NOW)
    assert person().lifecycle_stage == "MEMBER"
    assert turn_due(NOW) == 0


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whatever_order_it_is_told_in_the_stage_is_the_same(tenant: Tenant, order: Any) -> None:
    told_of = [
        told("web.page_view", days_ago(500), url="https://c.example/"),
        told("scl.member.created", days_ago(400), id=7, status="ACTIVE"),
        told("order.paid", days_ago(50), orderId="o1", total=100),
        told(
            "scl.member.status.changed",
            days_ago(45),
            id=7,
            previousStatus="ACTIVE",
            newStatus="RESIGNED",
        ),
    ]
    assert live_through(tenant, *[told_of[number] for number in order]) == "CUSTOMER"
    assert person().stage_due_at == days_ago(-40)


def test_a_batch_of_turns_costs_the_same_for_one_and_for_many(tenant: Tenant) -> None:
    turn_due(NOW)
    for number in range(20):
        member = create_customer({}, {"email": f"m{number}@example.com"}, by="key:a")
        row = CustomerProfile.objects.filter(pk=member.pk)
        row.update(stages_reached={"MEMBER": 1}, membership_ended_at=days_ago(99), stage_due_at=NOW)
    with at_most(15):
        assert turn_due(NOW) == 20
    assert set(CustomerProfile.objects.values_list("lifecycle_stage", flat=True)) == {"CHURNED"}


def test_a_pin_stands_against_time_and_events_and_tells_who_set_it(tenant: Tenant) -> None:
    member = create_customer({}, {"email": "p@example.com"}, by="key:a")
    update_customer(member.pk, {"lifecycle_pin": "ADVOCATE"}, by="user:sam")
    assert live_through(tenant, told("order.paid", NOW, orderId="o1", total=100)) == "ADVOCATE"
    update_customer(member.pk, {"lifecycle_pin": None}, by="user:kim")
    assert person().lifecycle_stage == "CUSTOMER"
    assert changes() == [("SUBSCRIBER", "ADVOCATE"), ("ADVOCATE", "CUSTOMER")]
    pins = FieldChange.objects.filter(field="lifecycle_pin").order_by("at")
    assert [(pin.before, pin.after, pin.by) for pin in pins] == [
        (None, "ADVOCATE", "user:sam"),
        ("ADVOCATE", None, "user:kim"),
    ]


def test_the_api_takes_other_words_for_stages_and_answers_its_own(api: Api) -> None:
    made = api.post("/api/v1/customers", {"email": "p@example.com", "lifecycleStage": "contact"}).json()
    assert made["lifecycleStage"] == "LEAD"
    path = f"/api/v1/customers/{made['id']}"
    assert api.patch(path, {"lifecycleStage": "Champion"}).json()["lifecycleStage"] == "ADVOCATE"
    assert api.patch(path, {"lifecycleStage": None}).json()["lifecycleStage"] == "LEAD"
    assert api.patch(path, {"lifecycleStage": "somebody"}).status_code == 400
    entry = api.get(f"{path}/activities?type=STAGE_CHANGED").json()["data"][0]
    assert entry["title"] == "Stage changed from Advocate to Lead"


def test_a_membership_for_ever_never_lapses(api: Api) -> None:
    made = api.post("/api/v1/customers", {"email": "p@example.com", "lifecycleStage": "MEMBER"}).json()
    reply = api.patch(f"/api/v1/customers/{made['id']}", {"membershipExpiry": "9999-12-31"})
    assert reply.status_code in (200, 400)
    assert person().lifecycle_stage == "MEMBER"


@pytest.mark.parametrize("over", ["RESIGNED", "resigned"])
def test_a_membership_written_by_hand_or_key_makes_a_member_and_its_end_is_one(api: Api, over: str) -> None:
    """A1.7: MEMBER = active membership, whoever says so."""
    sent = {"email": "lindiwe@example.com", "membershipStatus": "ACTIVE", "membershipTier": "Gold"}
    made = api.post("/api/v1/customers", sent).json()
    assert made["lifecycleStage"] == "MEMBER"
    one = f"/api/v1/customers/{made['id']}"
    assert api.patch(one, {"membershipStatus": over}).json()["membershipEndedAt"] is not None
    again = api.patch(one, {"membershipStatus": "ACTIVE"}).json()
    assert (again["membershipEndedAt"], again["lifecycleStage"]) == (None, "MEMBER")
    waiting = api.post(
        "/api/v1/customers", {"email": "new@example.com", "membershipStatus": "Pending"}
    ).json()
    assert waiting["lifecycleStage"] == "SUBSCRIBER"
