"""The finder on rows: what it puts forward, what it leaves alone, what it never asks again."""

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from crm.outbox.models import OutboxMessage
from crm.routes import ROUTES
from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant, tenant_scope
from customers import deduplication
from customers.deduplication import find_all, find_for
from customers.likeness import Model
from customers.models import CustomerProfile, DuplicateCandidate, LikenessKeys, LikenessWeights
from customers.services import create_customer, update_customer
from customers.tasks import LOOK_FOR_DUPLICATES, catch_up_on_duplicates, look_for_duplicates
from tests.factories import ClubFactory

BORN = date(1978, 3, 9)
ANN: dict[str, Any] = {"first_name": "Catherine", "last_name": "van Wyk", "date_of_birth": BORN}


def person(**fields: Any) -> CustomerProfile:
    """A profile alone: contact points may be the same, of which an identifier would have one owner."""
    return CustomerProfile.objects.create(**{"tenant": current_tenant(), **fields})


def reachable(number: str) -> dict[str, Any]:
    return {"phone_number": number, "phone_is_valid": True}


def pairs() -> dict[frozenset[Any], DuplicateCandidate]:
    return {frozenset((row.first_id, row.second_id)): row for row in DuplicateCandidate.objects.all()}


def of(*people: CustomerProfile) -> frozenset[Any]:
    return frozenset(one.pk for one in people)


def test_a_person_who_stands_twice_is_put_forward_with_reasons(tenant: Tenant) -> None:
    one, other = person(**ANN, email="c@example.com"), person(**ANN, email="kate@example.org")
    person(first_name="Pieter", last_name="Botha", date_of_birth=date(1960, 1, 2))
    found = find_all()
    assert pairs().keys() == {of(one, other)}
    pair = pairs()[of(one, other)]
    assert (pair.status, pair.source, pair.band) == ("OPEN", "finder", "REVIEW")
    assert pair.score is not None
    assert pair.score > 80
    assert [reason[0] for reason in pair.reasons][:3] == ["born", "surname", "given"]
    assert (found.people, found.to_review) == (3, 1)


def test_nothing_is_merged_unasked_whatever_the_score(tenant: Tenant) -> None:
    more = reachable("+27821234567") | {"email": "c@example.com", "gender": "FEMALE"}
    person(**ANN, **more), person(**ANN, **more)
    assert find_all().certain == 1
    assert set(CustomerProfile.objects.values_list("status", flat=True)) == {"ACTIVE"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"scl_member_id": 1}, {"scl_member_id": 2}),
        ({"external_ids": {"rsa": "1"}}, {"external_ids": {"rsa": "2"}}),
        ({"gender": "FEMALE"}, {"gender": "MALE"}),
        ({}, {"date_of_birth": date(1978, 3, 8)}),
        ({}, {"first_name": "Kate"}),
        ({}, {"last_name": "van Wyk jr"}),
    ],
)
def test_what_speaks_against_it_makes_the_surest_pair_a_question(
    tenant: Tenant, first: Any, second: Any
) -> None:
    same = ANN | reachable("+27821234567") | {"email": "c@example.com"}
    one, other = person(**same | first), person(**same | second)
    find_all()
    assert pairs()[of(one, other)].band == "REVIEW"
    assert pairs()[of(one, other)].vetoes


def test_those_who_live_and_phone_together_are_not_one(tenant: Tenant) -> None:
    shared = reachable("+27821234567") | {"last_name": "Botha"}
    person(first_name="Pieter", date_of_birth=date(1960, 1, 2), gender="MALE", **shared)
    person(first_name="Elsa", date_of_birth=date(1963, 7, 30), gender="FEMALE", **shared)
    find_all()
    assert pairs() == {}


def test_what_was_put_aside_is_never_asked_again(tenant: Tenant) -> None:
    one, other = person(**ANN), person(**ANN)
    find_all()
    DuplicateCandidate.objects.update(status="DISMISSED")
    before = pairs()[of(one, other)]
    find_all()
    find_for([one.pk])
    after = pairs()[of(one, other)]
    assert (after.pk, after.status, after.checked_at) == (before.pk, "DISMISSED", before.checked_at)


def test_a_pair_that_is_no_longer_alike_is_withdrawn_unless_a_source_told_of_it(tenant: Tenant) -> None:
    one, other = person(**ANN), person(**ANN)
    third, fourth = sorted([person(first_name="A"), person(first_name="B")], key=lambda p: p.pk)
    DuplicateCandidate.objects.create(
        tenant=tenant, first=third, second=fourth, reason="the same phoneNumber", source="teetime"
    )
    find_all()
    assert pairs().keys() == {of(one, other), of(third, fourth)}
    CustomerProfile.objects.filter(pk=other.pk).update(
        first_name="Sipho", last_name="Dube", date_of_birth=None
    )
    assert find_for([other.pk]) == 0
    assert pairs().keys() == {of(third, fourth)}
    told = pairs()[of(third, fourth)]
    assert (told.source, told.reason, told.band) == ("teetime", "the same phoneNumber", "REVIEW")
    assert told.score is not None


def test_only_the_pairs_of_who_changed_are_looked_at(tenant: Tenant) -> None:
    one, other, third, fourth = person(**ANN), person(**ANN), person(**ANN), person(**ANN)
    find_all()
    DuplicateCandidate.objects.all().delete()
    assert find_for([third.pk]) == 3
    assert pairs().keys() == {of(third, other), of(third, one), of(third, fourth)}


def test_who_is_merged_or_deleted_is_compared_with_nobody(tenant: Tenant) -> None:
    one, other = person(**ANN), person(**ANN)
    find_all()
    CustomerProfile.objects.filter(pk=other.pk).update(status="DELETED")
    find_for([other.pk])
    assert pairs() == {}
    assert set(LikenessKeys.objects.values_list("pk", flat=True)) == {one.pk}


def test_tenants_are_never_compared_with_each_other(tenant: Tenant, other_tenant: Tenant) -> None:
    one = person(**ANN)
    with tenant_scope(other_tenant):
        person(**ANN, tenant=other_tenant)
        find_all()
        assert pairs() == {}
    find_all()
    find_for([one.pk])
    assert pairs() == {}


def test_a_second_run_changes_nothing(tenant: Tenant) -> None:
    person(**ANN), person(**ANN)
    find_all()
    rows = list(DuplicateCandidate.objects.values_list("pk", "score", "reasons"))
    assert find_all().withdrawn == 0
    assert list(DuplicateCandidate.objects.values_list("pk", "score", "reasons")) == rows


def test_the_command_says_what_it_found_and_writes_nothing_when_it_is_dry(tenant: Tenant) -> None:
    person(**ANN), person(**ANN)
    out = StringIO()
    call_command("find_duplicates", tenant=tenant.slug, dry_run=True, stdout=out)
    assert (
        "2 people, 1 pairs compared: 0 certain, 1 to review, 0 withdrawn; nothing was written"
        in out.getvalue()
    )
    assert pairs() == {}
    call_command("find_duplicates", stdout=out)
    assert len(pairs()) == 1


def test_the_weights_that_a_tenant_taught_are_kept_and_used(tenant: Tenant, monkeypatch: Any) -> None:
    for at, name in enumerate(["Pieter", "Elsa", "Bongani", "Rajesh", "Yusuf", "Nomsa", "Willem", "Deirdre"]):
        person(first_name=name, last_name="Nkosi", date_of_birth=date(1950 + 5 * at, 1 + at, 28 - 3 * at))
    one, other = person(**ANN), person(**ANN)
    assert find_all(learn=True).to_review == 1
    assert not LikenessWeights.objects.exists(), "ten people teach nothing"
    monkeypatch.setattr(deduplication, "FEWEST", 5)
    find_all(learn=True)
    kept = LikenessWeights.objects.get().weights
    assert kept["names"]["surname"]["nkosi"] == pytest.approx(8 / 10)
    assert pairs().keys() == {of(one, other)}
    assert deduplication.weights().weight("surname", "SAME") < Model().weight("surname", "SAME")


def test_what_was_put_aside_holds_for_whom_they_were_merged_into(tenant: Tenant) -> None:
    one, other, third = person(**ANN), person(**ANN), person(**ANN)
    find_all()
    DuplicateCandidate.objects.filter(first=one, second=other).update(status="DISMISSED")
    CustomerProfile.objects.filter(pk=one.pk).update(status="MERGED", merged_into=third)
    find_for([one.pk, third.pk])
    find_all()
    waiting = DuplicateCandidate.objects.waiting()
    assert [of(row.first, row.second) for row in waiting] == []


def test_news_of_people_make_the_finder_look_at_them(tenant: Tenant, redis: Any) -> None:
    first = create_customer({**ANN}, {"email": "c@example.com"}, by="user:1")
    second = create_customer({**ANN, "first_name": "Kate"}, {"email": "kate@example.com"}, by="user:1")
    lost = create_customer({**ANN, "first_name": "Cath"}, {"email": "cath@example.com"}, by="user:1")
    message_ids = list(OutboxMessage.objects.exclude(key=str(lost.pk)).values_list("pk", flat=True))
    assert {route.task for route in ROUTES["crm.profile.updated"]} == {LOOK_FOR_DUPLICATES}
    look_for_duplicates(str(tenant.pk), message_ids)
    assert pairs().keys() == {of(first, second)}
    update_customer(second.pk, {"handicap": 12}, by="user:1")
    update_customer(first.pk, {"date_of_birth": None, "last_name": "Dube"}, by="user:1")
    rename = OutboxMessage.objects.filter(topic="crm.profile.updated").values_list("pk", flat=True)
    look_for_duplicates(str(tenant.pk), list(rename))
    assert pairs() == {}
    assert catch_up_on_duplicates() == 2, (
        "whom the news missed: the lost one, and the one with a new handicap"
    )
    assert pairs().keys() == {of(second, lost)}
    assert catch_up_on_duplicates() == 0


def test_what_identifies_nobody_is_no_likeness(tenant: Tenant) -> None:
    ClubFactory(email="office@club.example", tenant=tenant)
    same = {"first_name": "Thandi", "last_name": "Nkosi", "email": "office@club.example"}
    one, other = person(**same), person(**same)
    find_for([one.pk, other.pk])
    assert pairs() == {}
