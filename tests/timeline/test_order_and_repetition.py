import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from tests.factories import ClubFactory, TenantFactory
from tests.timeline.streams import streams
from tests.timeline.world import world
from timeline.ingestion import process_due, receive

counter = itertools.count()


def live_through(events: list[Any], *, chunks: list[int]) -> dict[str, Any]:
    """Send events to a tenant of their own, in pieces, each piece processed before the next comes."""
    tenant = TenantFactory(slug=f"order-{next(counter)}")
    with tenant_scope(tenant):
        ClubFactory(tenant=tenant, refs=["club-fynbos"])
        start = 0
        for size in [*chunks, len(events)]:
            piece, start = events[start : start + size], start + size
            if piece:
                _deliver(tenant, piece)
        return world()


def _deliver(tenant: Tenant, events: list[Any]) -> None:
    receipt = receive(events)
    assert receipt.rejected == 0
    process_due(tenant)


def check(events: list[Any], random: Random, chunks: list[int]) -> None:
    in_order = live_through(events, chunks=[])
    again = events * 3
    random.shuffle(again)
    assert live_through(again, chunks=chunks) == in_order


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(streams, st.randoms(use_true_random=False), st.lists(st.integers(1, 9), max_size=12))
def test_any_order_and_repetition_of_a_stream_ends_in_the_same_world(
    events: list[Any], random: Random, chunks: list[int]
) -> None:
    check(events, random, chunks)


@pytest.mark.proof
@pytest.mark.django_db
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(streams, st.randoms(use_true_random=False), st.lists(st.integers(1, 9), max_size=12))
def test_four_hundred_streams_in_any_order_end_in_the_same_world(
    events: list[Any], random: Random, chunks: list[int]
) -> None:
    check(events, random, chunks)
