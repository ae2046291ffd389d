from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from customers import suppression
from customers.models import CustomerProfile
from customers.services import resolve
from tests.factories import CustomerProfileFactory
from tests.pages import LIST, log_in, member


@pytest.fixture
def admin(tenant: Tenant) -> Any:
    return log_in(member("ADMIN").user)


def test_an_objection_stands_with_its_proof(tenant: Tenant, admin: Any) -> None:
    person = CustomerProfileFactory(email_opt_in=True)
    assert "Nobody has said anything" in admin.text(f"{LIST}{person.pk}/", tab="privacy")
    admin.post(f"{LIST}{person.pk}/objection/")
    page = admin.text(f"{LIST}{person.pk}/", tab="privacy")
    assert "Objected to marketing" in page
    assert "Refused" in page
    person.refresh_from_db()
    assert person.email_opt_in is False
    assert AuditEntry.objects.filter(action="consent.recorded", object_id=str(person.pk)).count() == 4


def test_who_asked_to_be_forgotten_is_shown_without_telling_who(tenant: Tenant, admin: Any) -> None:
    suppression.suppress([("email", "ann@example.com")], reason="ERASED", by="user:x", now=timezone.now())
    person = resolve({"email": "ann@example.com"}, by="key:x").profile
    assert "asked to be forgotten before" in admin.text(f"{LIST}{person.pk}/", tab="privacy")
    admin.post(f"{LIST}{person.pk}/lift-suppression/", {"reason": ""})
    assert CustomerProfile.objects.get().email_opt_in is False
    admin.post(f"{LIST}{person.pk}/lift-suppression/", {"reason": "Signed at the desk"})
    assert CustomerProfile.objects.get().email_opt_in is None
    assert "Whatever a system says" not in admin.text(f"{LIST}{person.pk}/", tab="privacy")
