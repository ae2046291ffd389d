"""Segments at Messaging: sent whole, kept in step, nothing lost or doubled whatever the network does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile
from segments import sync as syncing
from segments.models import MembershipChange, Segment, SegmentMember, SegmentSync
from segments.retention import due_changes
from segments.sync import MessagingNotConnected, ask_for, sync_due
from tests.conftest import Api
from tests.factories import CustomerProfileFactory
from tests.loopback import Server
from tests.segments.messaging_service import TOKEN, MessagingService

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def messaging(serve: Callable[..., Server], settings: Any) -> Iterator[MessagingService]:
    service = MessagingService()
    settings.MESSAGING_URL = serve(service).url.removesuffix("/hook")
    settings.MESSAGING_TOKEN = TOKEN
    yield service


@pytest.fixture
def segment(tenant: Tenant) -> Segment:
    return Segment.objects.create(tenant=tenant, name="Platinum")


def join(segment: Segment, *people: CustomerProfile) -> None:
    for person in people:
        SegmentMember.objects.create(
            tenant=person.tenant, segment=segment, customer=person, joined_at=timezone.now()
        )
        note(segment, person, joined=True)


def leave(segment: Segment, person: CustomerProfile) -> None:
    SegmentMember.objects.filter(segment=segment, customer=person).delete()
    note(segment, person, joined=False)


def note(segment: Segment, person: CustomerProfile, *, joined: bool) -> None:
    MembershipChange.objects.create(
        tenant=person.tenant,
        segment=segment,
        customer=person,
        at=timezone.now(),
        joined=joined,
        cause="BY_HAND",
    )


def ids(*people: CustomerProfile) -> set[str]:
    return {str(person.pk) for person in people}


def row(segment: Segment) -> SegmentSync:
    found: SegmentSync = SegmentSync.objects.get(segment=segment)
    return found


def later(minutes: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes))


def test_a_segment_is_sent_whole_and_then_kept_in_step(segment: Segment, messaging: MessagingService) -> None:
    ann, ben, cid = CustomerProfileFactory.create_batch(3)
    join(segment, ann, ben)
    ask_for(segment, by="user:test")
    assert sync_due() == 1
    assert messaging.only_group == ids(ann, ben)
    segment.refresh_from_db()
    assert (segment.messaging_segment_id, segment.sync_error) == ("msg-" + str(segment.pk)[-12:], "")
    assert segment.synced_at
    (told,) = (group for group in messaging.groups.values())
    assert told[str(ann.pk)] == {
        "externalId": str(ann.pk),
        "email": ann.email,
        "firstName": "Thandi",
        "lastName": ann.last_name,
    }
    calls = len(messaging.calls)
    assert sync_due() == 0, "nothing new"
    leave(segment, ann)
    join(segment, cid)
    assert sync_due() == 1
    assert messaging.only_group == ids(ben, cid)
    assert len(messaging.calls) == calls + 1, "both in one call"


def test_thousands_go_in_batches(
    segment: Segment, messaging: MessagingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "MOST_AT_ONCE", 3)
    people = CustomerProfileFactory.create_batch(8)
    join(segment, *people)
    ask_for(segment, by="user:test")
    sync_due()
    assert messaging.only_group == ids(*people)
    assert [len(said.get("add", ())) for _, _, said, _ in messaging.calls] == [0, 3, 3, 2]


def test_who_came_and_went_meanwhile_is_told_by_the_last_of_it(
    segment: Segment, messaging: MessagingService
) -> None:
    ann, ben = CustomerProfileFactory.create_batch(2)
    ask_for(segment, by="user:test")
    sync_due()
    join(segment, ann)
    leave(segment, ann)
    join(segment, ben)
    sync_due()
    assert messaging.only_group == ids(ben)
    assert messaging.calls[-1][2]["remove"] == [str(ann.pk)]


@pytest.mark.parametrize(
    "fate", ["done, but the answer is lost", (500, "Oops", {}), (503, "Down", {}), (409, "Under way", {})]
)
def test_what_failed_is_tried_again_by_the_same_key(
    segment: Segment, messaging: MessagingService, fate: Any
) -> None:
    person = CustomerProfileFactory()
    join(segment, person)
    ask_for(segment, by="user:test")
    messaging.to_come = [None, fate]
    sync_due()
    segment.refresh_from_db()
    assert "Messaging" in segment.sync_error
    assert sync_due() == 0, "not at once"
    with later(2):
        assert sync_due() == 1
    segment.refresh_from_db()
    assert (messaging.only_group, segment.sync_error) == (ids(person), "")
    keys = [key for _, _, _, key in messaging.calls]
    assert keys[1] == keys[2] != keys[0]
    assert row(segment).attempts == 0


def test_a_batch_that_changed_before_it_was_tried_again_is_another_call(
    segment: Segment, messaging: MessagingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Done, not heard of, and then somebody of it left: who takes their place in the batch is told as well."""
    monkeypatch.setattr(syncing, "MOST_AT_ONCE", 2)
    people = sorted(CustomerProfileFactory.create_batch(3), key=lambda one: one.pk)
    join(segment, *people)
    ask_for(segment, by="user:test")
    messaging.to_come = [None, "done, but the answer is lost"]
    sync_due()
    leave(segment, people[1])
    with later(2):
        sync_due()
    assert messaging.only_group == ids(people[0], people[2])


def test_a_refusal_does_not_end_what_was_asked_for_since(
    segment: Segment, messaging: MessagingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = CustomerProfileFactory()
    join(segment, person)
    ask_for(segment, by="user:test")
    put_off = syncing._put_off

    def asked_meanwhile(*args: Any) -> None:
        ask_for(segment, by="user:test")
        put_off(*args)

    monkeypatch.setattr(syncing, "_put_off", asked_meanwhile)
    messaging.to_come = [(422, "No.", {})]
    syncing.sync_due()
    assert messaging.only_group == ids(person)


def test_the_log_is_kept_until_messaging_was_told(segment: Segment, messaging: MessagingService) -> None:
    ask_for(segment, by="user:test")
    sync_due()
    join(segment, CustomerProfileFactory())
    tomorrow = timezone.now() + timedelta(days=1)
    assert not due_changes(tomorrow).exists()
    sync_due()
    assert due_changes(tomorrow).exists()


def test_it_waits_as_long_as_it_is_asked_to(segment: Segment, messaging: MessagingService) -> None:
    ask_for(segment, by="user:test")
    messaging.to_come = [(429, "Slow down", {"Retry-After": "67608"})]
    sync_due()
    with later(60 * 18):
        assert sync_due() == 0
    with later(60 * 19):
        assert sync_due() == 1


def test_a_last_word_is_shown_and_waits_for_people_or_somebody_to_ask(
    segment: Segment, messaging: MessagingService
) -> None:
    ask_for(segment, by="user:test")
    messaging.to_come = [(422, "Names like this are not allowed.", {})] * 2
    sync_due()
    segment.refresh_from_db()
    assert segment.sync_error == "Messaging answered 422: Names like this are not allowed."
    with later(60 * 24):
        assert sync_due() == 0
    person = CustomerProfileFactory()
    join(segment, person)
    assert sync_due() == 1, "people change: once more"
    assert sync_due() == 0
    ask_for(segment, by="user:test")
    sync_due()
    assert messaging.only_group == ids(person)


def test_what_messaging_lost_is_sent_anew(segment: Segment, messaging: MessagingService) -> None:
    ann, ben = CustomerProfileFactory.create_batch(2)
    join(segment, ann)
    ask_for(segment, by="user:test")
    sync_due()
    messaging.groups.clear()
    join(segment, ben)
    sync_due()
    with later(2):
        sync_due()
    assert messaging.only_group == ids(ann, ben)


def test_a_dead_workers_row_is_taken_up(segment: Segment, messaging: MessagingService) -> None:
    person = CustomerProfileFactory()
    join(segment, person)
    ask_for(segment, by="user:test")
    SegmentSync.objects.update(claimed_at=timezone.now())
    assert sync_due() == 0
    with later(3):
        assert sync_due() == 1
    assert messaging.only_group == ids(person)


def test_asking_again_while_a_worker_is_at_it_starts_anew(
    segment: Segment, messaging: MessagingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's last call comes after the question: its settling is not taken for an answer to it."""
    person = CustomerProfileFactory()
    join(segment, person)
    ask_for(segment, by="user:test")
    sent = syncing._send_everybody

    def asked_meanwhile(*args: Any) -> bool:
        monkeypatch.setattr(syncing, "_send_everybody", sent)
        ask_for(segment, by="user:test")
        return sent(*args)

    monkeypatch.setattr(syncing, "_send_everybody", asked_meanwhile)
    sync_due()
    with later(3):
        sync_due()
    assert [method for method, *_ in messaging.calls].count("PUT") == 2
    assert messaging.only_group == ids(person)
    assert row(segment).due_at is None


def test_whom_messaging_can_not_know_or_take_is_counted(
    segment: Segment, messaging: MessagingService
) -> None:
    nobody = CustomerProfileFactory(email="", scl_member_id=7)
    taken, refused = CustomerProfileFactory.create_batch(2)
    messaging.refuses = ids(refused)
    join(segment, nobody, taken, refused)
    ask_for(segment, by="user:test")
    sync_due()
    assert messaging.only_group == ids(taken)
    assert (row(segment).left_out, row(segment).refusal) == (2, "Suppressed.")


def test_a_new_name_and_the_end_are_told(segment: Segment, messaging: MessagingService) -> None:
    ask_for(segment, by="user:test")
    sync_due()
    Segment.objects.filter(pk=segment.pk).update(name="Gold", version=2)
    sync_due()
    assert set(messaging.names.values()) == {"Gold"}
    Segment.objects.filter(pk=segment.pk).update(deleted_at=timezone.now())
    sync_due()
    assert messaging.groups == {}
    assert not SegmentSync.objects.exists()


def test_nothing_is_sent_where_there_is_no_messaging(segment: Segment, settings: Any) -> None:
    settings.MESSAGING_URL = ""
    with pytest.raises(MessagingNotConnected):
        ask_for(segment, by="user:test")


def test_another_tenants_segments_are_told_under_their_own_name(
    segment: Segment, messaging: MessagingService, other_tenant: Tenant
) -> None:
    with tenant_scope(other_tenant):
        theirs = Segment.objects.create(tenant=other_tenant, name="Platinum")
        ask_for(theirs, by="user:test")
    ask_for(segment, by="user:test")
    assert sync_due() == 2
    assert {said["tenantId"] for _, _, said, _ in messaging.calls} == {"fynbos-group", "heathland-group"}


def test_it_is_asked_for_over_the_api(segment: Segment, messaging: MessagingService, api: Api) -> None:
    person = CustomerProfileFactory()
    join(segment, person)
    address = f"/api/v1/segments/{segment.pk}"
    assert api.post(f"{address}/sync-to-messaging").status_code == 202
    sync_due()
    told = api.get(address).json()
    assert (told["messagingSegmentId"], told["syncError"]) == ("msg-" + str(segment.pk)[-12:], None)
    assert told["lastSyncedAt"]
    assert messaging.only_group == ids(person)


def test_without_messaging_the_api_says_so(segment: Segment, api: Api) -> None:
    refused = api.post(f"/api/v1/segments/{segment.pk}/sync-to-messaging")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MESSAGING_NOT_CONNECTED")
