"""The ready-made templates."""

import pytest

from campaigns import previews, ready_made, sms, wordings
from campaigns.gallery import GALLERY
from campaigns.models import MessageTemplate
from campaigns.templates import archive_template
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import open_tenant
from tests.factories import CustomerProfileFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", GALLERY)
def test_each_says_something_to_somebody_of_whom_nothing_is_known(tenant: Tenant, key: str) -> None:
    template = ready_made.take(key, by="user:1")
    person = CustomerProfileFactory(first_name="", last_name="", display_name="")
    for content in wordings.latest([template.pk])[template.pk].values():
        seen = previews.preview(template, language=content.language, customer_id=person.pk)
        assert seen.language == content.language
        assert seen.missing == []
        assert "{{" not in seen.rendered.html + seen.rendered.text + seen.rendered.subject
        facts = seen.words.facts
        if template.channel == "EMAIL":
            assert facts.has_unsubscribe and facts.has_postal_address and facts.has_reason
        else:
            assert sms.count(seen.rendered.text).parts == 1


def test_every_tenant_has_those_that_work_out_of_the_box(db: None) -> None:
    with tenant_scope(open_tenant("new", "New", by="user:1")):
        assert set(MessageTemplate.objects.values_list("key", flat=True)) == {"welcome", "reengagement"}
        archive_template(MessageTemplate.objects.get(key="welcome").pk, by="user:1")
        assert ready_made.furnish_templates(by="user:1") == 0


def test_taken_twice_it_has_another_name(tenant: Tenant) -> None:
    names = [ready_made.take("newsletter", by="user:1").name for _ in range(2)]
    assert names == ["Newsletter", "Newsletter 2"]
