"""manage.py refresh_segments, and what doctor and metrics say of segments."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from crm.health.diagnosis import Level, examine
from crm.tenancy.models import Tenant
from segments import tasks
from segments.models import Segment, SegmentTouch
from segments.services import create_segment
from tests.factories import CustomerProfileFactory
from tests.segments.test_membership import BY, VIP, made, members


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("refresh_segments", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_a_dry_run_counts_and_changes_nothing(tenant: Tenant) -> None:
    segment, _ = made(), CustomerProfileFactory(is_vip=True)
    assert "1 would come, 0 would go" in told("--tenant", tenant.slug, "--dry-run")
    assert members(segment) == set()
    assert "1 came, 0 left" in told("--tenant", tenant.slug, "--segment", segment.name)
    assert len(members(segment)) == 1
    assert "0 came, 0 left" in told()


def test_it_names_what_is_wrong_and_goes_on(tenant: Tenant) -> None:
    broken, other = made(), made(name="Others")
    Segment.objects.filter(pk=broken.pk).update(
        criteria={"rules": [{"field": "gone", "operator": "eq", "value": 1}]}
    )
    CustomerProfileFactory(is_vip=True)
    with pytest.raises(CommandError, match="1 could not be worked out"):
        told("--tenant", tenant.slug)
    assert len(members(other)) == 1
    with pytest.raises(CommandError, match="no active segment"):
        told("--tenant", tenant.slug, "--segment", "Nobody")


def test_a_worker_fills_a_new_segment_and_follows_it(tenant: Tenant, redis: Any) -> None:
    person = CustomerProfileFactory(is_vip=True)
    segment = create_segment("VIPs", by=BY, criteria=VIP)
    assert tasks.sweep() == 2
    assert tasks.refresh_due(str(tenant.pk)) == 1
    assert members(segment) == {person.pk}
    assert tasks.follow(str(tenant.pk)) == 1
    assert tasks.sweep() == 0


def test_doctor_and_metrics_tell_of_a_broken_one_and_of_a_queue_that_stands_still(
    tenant: Tenant, redis: Any
) -> None:
    segment = made()
    CustomerProfileFactory()
    SegmentTouch.objects.update(at=timezone.now() - timedelta(minutes=5))
    Segment.objects.filter(pk=segment.pk).update(refresh_error="It took longer.")
    found = {one.check: one for one in examine() if one.check.startswith("segment")}
    assert found["segments"].level == found["segment touches"].level == Level.WARNING
    assert "“VIPs” of fynbos-group is broken: It took longer." in found["segments"].says
    scraped = Client().get("/metrics").content.decode()
    assert 'fairway_segments{state="BROKEN"} 1.0' in scraped
    assert re.search(r"fairway_segment_touches_waiting [1-9]", scraped)
