"""The notes of the demo: believable, the same for the same seed, written once."""

from datetime import UTC, datetime

import pytest
from django.test import override_settings

from crm.demo.group import ensure_group
from crm.demo.notes import write_notes
from crm.demo.story.remarks import REMARKS, remarks
from crm.tenancy.scope import tenant_scope
from tests.factories import CustomerProfileFactory
from timeline.models import Activity, Note, NoteMention

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_the_same_seed_says_the_same_of_the_same_people() -> None:
    clubs = ["club-fynbos", "club-heathland"] * 100
    told = list(remarks(clubs, seed=7, as_of=AS_OF))
    assert told == list(remarks(clubs, seed=7, as_of=AS_OF))
    assert told != list(remarks(clubs, seed=8, as_of=AS_OF))
    assert 10 <= len(told) <= 30
    assert all(one.at <= AS_OF for one in told)
    assert all(clubs[one.person] == "club-fynbos" for one in told if one.remark.by == "staff")
    assert list(remarks([], seed=7, as_of=AS_OF)) == []


@pytest.mark.django_db
@override_settings(EMBEDDED=True)
def test_they_are_written_once_by_people_who_may_and_read_as_if_then() -> None:
    with tenant_scope(ensure_group()):
        for number in range(500):
            CustomerProfileFactory(
                scl_member_id=number, home_club_ref="club-fynbos" if number % 2 else "club-heathland"
            )
        count = write_notes(seed=7, as_of=AS_OF)
        assert count == Note.objects.count() == Activity.objects.filter(type="NOTE_ADDED").count() > 25
        assert write_notes(seed=7, as_of=AS_OF) == 0
        assert not Note.objects.filter(created_at__gt=AS_OF).exists()
        assert {note.type for note in Note.objects.all()} == {remark.type for remark in REMARKS}
        assert not Note.objects.filter(body__contains="{").exists()
        assert NoteMention.objects.filter(seen_at=None).exists()
