"""Random histories of people who are told of, edited, merged and parted, beside a model in plain Python.

In the model a person is a set of parts, each with its own writes; what everybody sees is the latest of all of them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm.tenancy.scope import tenant_scope
from customers import ledger
from customers.families import load_families
from customers.merging import KEPT, merge_customers
from customers.models import AliasHolder, CustomerProfile, MergeRecord, ProfilePart
from customers.services import create_customer, get_customer, update_customer
from customers.unmerging import unmerge
from tests.factories import TenantFactory
from timeline.consistency import RULES, check
from timeline.ingestion import process_due, receive
from timeline.models import Activity

BY = "user:0190d1c0-0000-7000-8000-000000000000"
PEOPLE = 5
numbers = st.integers(0, PEOPLE - 1)
names = st.sampled_from(["Nel", "Botha", "Nkosi", "Zulu", "Smit"])
tenants = count()
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)


@dataclass
class Part:
    """What was told of one profile: (moment, order) -> value."""

    pk: UUID
    last_names: dict[tuple[Any, ...], str] = field(default_factory=dict)
    consents: dict[tuple[Any, ...], bool] = field(default_factory=dict)
    entries: int = 0
    into: int | None = None


class Merging(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.tenant = TenantFactory(slug=f"machine-{next(tenants)}")
        self.scope = tenant_scope(self.tenant)
        self.scope.__enter__()
        self.number = count(1)
        self.parts = [Part(self._person(number)) for number in range(PEOPLE)]
        self.merges: dict[UUID, tuple[int, int]] = {}

    def teardown(self) -> None:
        self.scope.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def _person(self, number: int) -> UUID:
        hints = {"sclMemberId": number + 1, "messagingContactId": f"c-{number}"}
        return create_customer({}, hints, by=BY).pk

    # --- the model
    def root(self, number: int) -> int:
        into = self.parts[number].into
        return number if into is None else self.root(into)

    def family(self, number: int) -> list[Part]:
        root = self.root(number)
        return [part for other, part in enumerate(self.parts) if self.root(other) == root]

    def last_name(self, number: int) -> str:
        told = {stamp: name for part in self.family(number) for stamp, name in part.last_names.items()}
        return told[max(told)] if told else ""

    # --- what happens
    @rule(number=numbers, name=names, hours=st.integers(0, 400))
    def told_by_the_club(self, number: int, name: str, hours: int) -> None:
        at, event = LONG_AGO + timedelta(hours=hours), f"event-{next(self.number):05}"
        payload = {"id": number + 1, "changes": ["lastName"], "lastName": name}
        self._send(event, "scl.member.updated", "scl", {"sclMemberId": number + 1}, payload, at)
        self.parts[number].last_names[at, 70, event] = name

    @rule(number=numbers, agrees=st.booleans(), hours=st.integers(0, 400))
    def told_what_they_agree_to(self, number: int, agrees: bool, hours: int) -> None:
        at, event = LONG_AGO + timedelta(hours=hours), f"event-{next(self.number):05}"
        identity = {"messagingContactId": f"c-{number}"}
        self._send(event, "contactPreference.updated", "messaging", identity, {"pushOptIn": agrees}, at)
        self.parts[number].consents[at, 50, event] = agrees

    def _send(self, event: str, kind: str, source: str, identity: Any, payload: Any, at: datetime) -> None:
        (number,) = [
            other for other, part in enumerate(self.parts)
            if identity.get("sclMemberId") == other + 1 or identity.get("messagingContactId") == f"c-{other}"
        ]  # fmt: skip
        sent = {
            "id": event, "type": kind, "source": source, "version": "1.0", "timestamp": at.isoformat(),
            "identity": identity, "payload": payload,
        }  # fmt: skip
        assert receive([sent]).accepted == 1
        assert process_due(self.tenant).applied == 1
        self.parts[number].entries += 1

    @rule(number=numbers, name=names)
    def edited_by_staff(self, number: int, name: str) -> None:
        """Whichever of the ids they come by: it is the survivor's own."""
        update_customer(self.parts[number].pk, {"last_name": name}, by=BY)
        own = self.parts[self.root(number)]
        own.last_names[datetime.now(UTC), 90, ""] = name

    @rule(one=numbers, other=numbers)
    def merged(self, one: int, other: int) -> None:
        winner, loser = self.root(one), self.root(other)
        if one == other:
            return
        flags = [CustomerProfile.objects.get(pk=self.parts[root].pk).push_opt_in for root in (winner, loser)]
        made = merge_customers(self.parts[one].pk, self.parts[other].pk, by=BY)
        assert (made is None) == (winner == loser)
        if made is None:
            return
        self.parts[loser].into = winner
        self.merges[made.pk] = (winner, loser)
        now = CustomerProfile.objects.get(pk=self.parts[winner].pk).push_opt_in
        assert now == (False if False in flags else True if True in flags else None), "consent is never wider"

    @precondition(lambda self: self.merges)
    @rule(data=st.data())
    def parted(self, data: Any) -> None:
        pk = data.draw(st.sampled_from(sorted(self.merges)))
        _winner, loser = self.merges.pop(pk)
        unmerge(pk, by=BY)
        self.parts[loser].into = None

    # --- what holds
    @invariant()
    def every_id_leads_to_the_right_person(self) -> None:
        for number, part in enumerate(self.parts):
            profile, merged_from = get_customer(part.pk)
            assert profile.pk == self.parts[self.root(number)].pk
            assert merged_from == (None if profile.pk == part.pk else part.pk)

    @invariant()
    def what_is_seen_is_the_latest_word_on_any_part(self) -> None:
        for number, part in enumerate(self.parts):
            if part.into is None:
                assert CustomerProfile.objects.get(pk=part.pk).last_name == self.last_name(number)

    @invariant()
    def consent_is_that_of_their_own_words_where_nothing_was_merged(self) -> None:
        for number, part in enumerate(self.parts):
            if self.family(number) == [part]:
                said = part.consents
                expected = said[max(said)] if said else None
                assert CustomerProfile.objects.get(pk=part.pk).push_opt_in == expected
        assert not [people for _channel, people in ledger.differences() if people]

    @invariant()
    def nothing_is_lost_and_nothing_is_doubled(self) -> None:
        roots = {part.pk: self.parts[self.root(number)].pk for number, part in enumerate(self.parts)}
        holders = list(AliasHolder.objects.values_list("recorded_for", "customer", "is_owner"))
        assert sorted(holders) == sorted((part, root, True) for part, root in roots.items() for _ in range(2))
        entries = Activity.objects.filter(source__in=["scl", "messaging"]).values_list(
            "recorded_for", "customer"
        )
        expected = [(part.pk, roots[part.pk]) for part in self.parts for _ in range(part.entries)]
        assert sorted(entries) == sorted(expected)

    @invariant()
    def the_row_is_what_the_parts_come_to(self) -> None:
        parts = dict(ProfilePart.objects.values_list("customer", "root"))
        alone = [part.pk for number, part in enumerate(self.parts) if self.family(number) == [part]]
        assert not parts.keys() & set(alone)
        for family in load_families(set(parts.values())).values():
            folded = family.fold()
            differs = {n for n in folded if n not in KEPT and folded[n] != family.row[n]}
            assert not differs
        assert MergeRecord.objects.live().count() == len(self.merges)

    @invariant()
    def numbers_agree(self) -> None:
        found = check(now=datetime.now(UTC))
        assert not [one for one in found if one.wrong and one.name in RULES]


SMALL = settings(
    phases=[Phase.generate],
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
LARGE = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.django_db
def test_random_histories_of_merges_keep_what_was_told() -> None:
    run_state_machine_as_test(Merging, settings=SMALL)


@pytest.mark.proof
@pytest.mark.django_db
def test_three_hundred_histories_of_merges_keep_what_was_told() -> None:
    run_state_machine_as_test(Merging, settings=LARGE)
