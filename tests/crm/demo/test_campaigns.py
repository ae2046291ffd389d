"""What the demo's marketing has in its drawer."""

from datetime import UTC, datetime

import pytest

from campaigns.models import Campaign, CampaignStatus, Message, Sender
from campaigns.preflight import preflight
from crm.demo.campaigns import draft_campaigns
from crm.tenancy.models import Tenant
from segments.ready_made import furnish_segments
from tests.factories import ClubFactory

pytestmark = pytest.mark.django_db


def test_the_drafts_are_written_once_and_nothing_is_sent(tenant: Tenant) -> None:
    ClubFactory(name="Fynbos", email="club@fynbos.example")
    furnish_segments(by="job:test")
    as_of = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert draft_campaigns(as_of=as_of) == 3
    assert draft_campaigns(as_of=as_of) == 0
    assert set(Campaign.objects.values_list("status", flat=True)) == {CampaignStatus.DRAFT}
    assert not Message.objects.exists()
    assert Sender.objects.count() == 2
    for one in Campaign.objects.all():
        assert one.segment_ids, one.name
        words = {finding.code for finding in preflight(one) if finding.level == "ERROR"}
        assert words <= {"AUDIENCE_EMPTY"}, (one.name, words)
