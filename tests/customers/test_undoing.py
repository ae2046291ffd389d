"""An undone merge leaves nothing behind: what stands is what would stand had it never been, with the locks of both."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers import ledger, locks
from customers.consent import Consent, State
from customers.consents import object_to_marketing, record_consents
from customers.ledger import entries_of
from customers.locks import set_guardian
from customers.merging import merge_customers
from customers.models import ConsentEntry, CustomerProfile, MergeRecord
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.unmerging import unmerge
from tests.conftest import Api
from tests.factories import TenantFactory

BY = "user:0190d1c0-0000-7000-8000-000000000000"
pytestmark = pytest.mark.django_db


def person(number: int, **fields: Any) -> UUID:
    return create_customer(fields, {"email": f"p{number}@x.com", "sclMemberId": number + 1}, by=BY).pk


def merge(winner: UUID, loser: UUID) -> UUID:
    made = merge_customers(winner, loser, by=BY)
    assert made is not None
    return made.pk


def row(pk: UUID) -> CustomerProfile:
    return CustomerProfile.objects.get(pk=pk)


# --- tags and consent
def says(pk: UUID, state: State) -> None:
    record_consents(pk, [Consent("EMAIL", state, row(pk).created_at, "FORM")], by=BY)


@pytest.fixture
def local(tenant: Tenant) -> Tenant:
    tenant.consent_owner = Tenant.ConsentOwner.LOCAL
    tenant.save()
    return tenant


def test_undoing_an_earlier_merge_takes_its_tags_and_its_no_along(local: Tenant) -> None:
    ann, ben, cat = (person(number, tags=[tag]) for number, tag in enumerate(("golf", "shop", "spa")))
    says(ann, State.GRANTED)
    says(ben, State.WITHDRAWN)
    says(cat, State.GRANTED)
    first, second = merge(ann, ben), merge(ann, cat)
    assert (row(ann).tags, row(ann).email_opt_in) == (["golf", "shop", "spa"], False)
    unmerge(first, by=BY)
    assert (row(ann).tags, row(ann).email_opt_in) == (["golf", "spa"], True)
    assert (row(ben).tags, row(ben).email_opt_in) == (["shop"], False)
    unmerge(second, by=BY)
    assert (row(ann).tags, row(cat).tags) == (["golf"], ["spa"])
    assert not [people for _channel, people in ledger.differences() if people]


def test_undoing_an_earlier_merge_never_widens_consent(local: Tenant) -> None:
    """The second merge had nothing to narrow, as the first one had done it: now it is the one that does."""
    cat, ben, ann = person(2), person(1), person(0)
    says(cat, State.WITHDRAWN)
    says(ben, State.WITHDRAWN)
    says(ann, State.GRANTED)
    first = merge(ann, ben)
    merge(ann, cat)
    unmerge(first, by=BY)
    assert row(ann).email_opt_in is False
    assert not [people for _channel, people in ledger.differences() if people]


people = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["golf", "shop", "spa"])),
        st.sampled_from([None, State.GRANTED, State.WITHDRAWN]),
    ),
    min_size=3,
    max_size=5,
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(people, st.data())
def test_what_stands_is_what_would_stand_without_the_merge(group: list[Any], data: Any) -> None:
    roots, pairs = list(range(len(group))), []
    while len(roots) > 1:
        winner, loser = data.draw(st.permutations(roots))[:2]
        pairs.append((winner, loser))
        roots.remove(loser)
    gone = data.draw(st.integers(0, len(pairs) - 1))
    with tenant_scope(TenantFactory(consent_owner=Tenant.ConsentOwner.LOCAL)):
        one, other = (_told(group, start) for start in (0, 100))
        made = [merge(one[winner], one[loser]) for winner, loser in pairs]
        unmerge(made[gone], by=BY)
        for number, (winner, loser) in enumerate(pairs):
            if number != gone:
                merge(other[winner], other[loser])
        seen = [[_seen(pk) for pk in side] for side in (one, other)]
        assert seen[0] == seen[1]
        assert not [ids for _channel, ids in ledger.differences() if ids]


def _seen(pk: UUID) -> tuple[Any, ...]:
    """Of a person; of who is merged away it is the survivor that counts."""
    one = row(pk)
    return () if one.merged_into_id else (one.status, one.tags, one.email_opt_in)


def _told(group: list[Any], start: int) -> list[UUID]:
    made = [person(start + number, tags=sorted(tags)) for number, (tags, _state) in enumerate(group)]
    for pk, (_tags, state) in zip(made, group, strict=True):
        if state:
            says(pk, state)
    return made


# --- locks and guardians
def test_locks_are_on_both_sides_of_an_undoing(tenant: Tenant) -> None:
    ann, ben, cat = person(0), person(1), person(2)
    locks.place_hold(ben, by=BY, reason="a dispute")
    first = merge(ann, ben)
    second = merge(cat, ann)
    assert {row(pk).legal_hold_at is not None for pk in (ann, ben, cat)} == {True}
    locks.restrict(cat, by=BY, reason="asked")
    unmerge(second, by=BY)
    for pk in (ann, cat):
        assert row(pk).legal_hold_at is not None
        assert row(pk).processing_restricted_at is not None
    locks.lift_hold(ann, by=BY, reason="settled")
    unmerge(first, by=BY)
    assert (row(ann).legal_hold_at, row(ben).legal_hold_at) == (None, None)
    assert row(cat).legal_hold_at is not None


def test_a_hold_that_came_between_two_merges_is_not_lost(tenant: Tenant) -> None:
    ann, ben, cat = person(0), person(1), person(2)
    merge(ann, ben)
    locks.place_hold(ann, by=BY, reason="a dispute")
    version = row(ann).version
    second = merge(cat, ann)
    unmerge(second, by=BY)
    assert row(ann).legal_hold_at is not None
    assert row(ann).version > version, "an etag from before is an old one"


def test_a_guardian_comes_along_and_goes_with_the_one_they_answer_for(tenant: Tenant) -> None:
    child, twin, mother, father = (person(number) for number in range(4))
    set_guardian(twin, mother, by=BY)
    first = merge(child, twin)
    assert row(child).guardian_id == mother
    unmerge(first, by=BY)
    assert (row(child).guardian_id, row(twin).guardian_id) == (None, mother)
    second = merge(child, twin)
    set_guardian(child, father, by=BY)
    unmerge(second, by=BY)
    assert (row(child).guardian_id, row(twin).guardian_id) == (father, mother)


def test_nobody_becomes_their_own_guardian_by_a_merge(tenant: Tenant) -> None:
    child, mother, aunt = person(0), person(1), person(2)
    set_guardian(child, mother, by=BY)
    first = merge(aunt, mother)
    second = merge(aunt, child)
    assert row(aunt).guardian_id is None
    unmerge(second, by=BY)
    assert (row(aunt).guardian_id, row(child).guardian_id) == (None, mother)
    unmerge(first, by=BY)


# --- what is decided about a person as a whole
def test_who_was_deleted_as_one_stays_deleted_as_two(tenant: Tenant) -> None:
    ann, ben = person(0), person(1)
    made = merge(ann, ben)
    delete_customer(ann, by=BY)
    unmerge(made, by=BY)
    assert (row(ann).status, row(ben).status) == ("DELETED", "DELETED")
    restore_customer(ben, by=BY)
    assert (row(ann).status, row(ben).status) == ("DELETED", "ACTIVE")


def test_who_was_restored_as_one_is_restored_as_two(tenant: Tenant) -> None:
    ann, ben = person(0), person(1)
    made = merge(ann, ben)
    delete_customer(ann, by=BY)
    restore_customer(ann, by=BY)
    unmerge(made, by=BY)
    assert (row(ann).status, row(ben).status) == ("ACTIVE", "ACTIVE")


def test_a_pinned_stage_and_a_block_are_those_of_both(tenant: Tenant, api: Api) -> None:
    ann, ben = person(0), person(1)
    made = merge(ann, ben)
    assert api.patch(f"/api/v1/customers/{ben}", {"lifecycleStage": "MEMBER"}).status_code == 200
    update_customer(ann, {"is_blocked": True, "last_name": "Nel"}, by=BY)
    unmerge(made, by=BY)
    for pk in (ann, ben):
        assert (row(pk).lifecycle_stage, row(pk).is_blocked) == ("MEMBER", True)
    assert (row(ann).last_name, row(ben).last_name) == ("Nel", "")


def test_a_no_of_a_merged_person_is_that_of_both_and_is_told_once(tenant: Tenant) -> None:
    ann, ben = person(0), person(1)
    made = merge(ann, ben)
    said = object_to_marketing(ann, by=BY)
    assert len(said) == entries_of(ann).count() == 4
    unmerge(made, by=BY)
    assert (row(ann).email_opt_in, row(ben).email_opt_in) == (False, False)
    assert entries_of(ben).count() == 4
    assert ConsentEntry.objects.count() == 8
    assert not [ids for _channel, ids in ledger.differences() if ids]
    assert MergeRecord.objects.live().count() == 0
