"""The demo's own fields: believable, the same for the same seed, filled in once, and no news of the minute."""

from datetime import UTC, datetime

import pytest

from crm.demo.group import ensure_group
from crm.demo.particulars import write_particulars
from crm.demo.story.particulars import particulars
from crm.tenancy.scope import tenant_scope
from customers.models import CustomerProfile, CustomField
from tests.factories import CustomerProfileFactory
from timeline.models import Activity

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.mark.django_db
def test_they_are_defined_and_filled_in_for_part_of_the_members() -> None:
    with tenant_scope(ensure_group()):
        for number in range(200):
            CustomerProfileFactory(scl_member_id=number)
        guest = CustomerProfileFactory()
        count = write_particulars(seed=7, as_of=AS_OF)
        assert write_particulars(seed=7, as_of=AS_OF) == 0
        filled = CustomerProfile.objects.exclude(custom_fields={})
        assert 100 < count == filled.count() < 190
        assert guest not in filled
        assert [field.label for field in CustomField.objects.listed()] == ["Locker number"]
        keys = {key for one in filled for key in one.custom_fields}
        assert keys == set(CustomField.objects.values_list("key", flat=True))
        for one in filled:
            assert one.custom_fields == particulars(one.scl_member_id, seed=7)
            assert one.provenance[f"custom_fields.{next(iter(one.custom_fields))}"][5] == "club"
        assert not Activity.objects.exists()
