import threading

import pytest
from django.db import DatabaseError, connections, transaction

from crm.errors import CustomerNotFound, DuplicateResource, PreconditionFailed, ValidationFailed
from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.scope import tenant_scope
from crm.versions import Condition
from customers import services
from customers.models import AliasHolder, CustomerProfile
from tests.factories import TenantFactory
from timeline.models import Activity

pytestmark = pytest.mark.services

BY = "key:test"


def test_a_created_customer_has_a_normalised_contact_an_entry_and_news(tenant: Tenant) -> None:
    customer = services.create_customer(
        {"first_name": " Ann ", "email": "Ann@Example.com"}, {"email": "Ann@Example.com"}, by=BY
    )
    assert (customer.email, customer.email_display, customer.first_name) == (
        "ann@example.com",
        "Ann@Example.com",
        "Ann",
    )
    assert customer.provenance["first_name"][5] == "api"
    assert Activity.objects.get().type == "PROFILE_CREATED"
    assert OutboxMessage.objects.get().topic == "crm.profile.created"


def test_a_taken_identifier_is_refused_with_the_existing_id(tenant: Tenant) -> None:
    first = services.create_customer({}, {"email": "a@example.com"}, by=BY)
    with pytest.raises(DuplicateResource) as refusal:
        services.create_customer({}, {"email": "A@example.com"}, by=BY)
    assert refusal.value.details[0] == ("id", "DUPLICATE_RESOURCE", str(first.pk))
    assert CustomerProfile.objects.count() == 1


def test_a_household_shares_an_address_and_its_owner_stays(tenant: Tenant) -> None:
    first = services.create_customer({}, {"email": "a@example.com"}, by=BY)
    second = services.create_customer({}, {"email": "a@example.com"}, by=BY, shared=True)
    found = services.look_up({"email": "a@example.com"})
    assert (found.profile, found.ambiguous) == (first, True)
    assert set(AliasHolder.objects.values_list("customer_id", "is_owner")) == {
        (first.pk, True),
        (second.pk, False),
    }


def test_a_member_number_is_never_shared(tenant: Tenant) -> None:
    services.create_customer({}, {"sclMemberId": 7}, by=BY)
    with pytest.raises(DuplicateResource):
        services.create_customer({}, {"sclMemberId": "7"}, by=BY, shared=True)


@pytest.mark.parametrize("hints", [{}, {"email": ""}, {"email": "nonsense"}, {"sclMemberId": "x"}])
def test_without_a_usable_identifier_nobody_is_created(tenant: Tenant, hints: dict[str, str]) -> None:
    with pytest.raises(ValidationFailed):
        services.create_customer({}, hints, by=BY)


def test_resolving_finds_the_second_time_what_it_made_the_first(tenant: Tenant) -> None:
    first = services.resolve({"email": "a@example.com", "sclMemberId": 3}, by=BY)
    second = services.resolve({"sclMemberId": 3}, by=BY)
    assert (first.is_new, first.matched_by, first.confidence) == (True, [], 100)
    assert (second.is_new, second.matched_by, second.profile) == (False, ["sclMemberId"], first.profile)
    assert first.profile.scl_member_id == 3


def test_looking_up_never_writes(tenant: Tenant) -> None:
    with pytest.raises(CustomerNotFound):
        services.look_up({"email": "nobody@example.com"})
    assert CustomerProfile.objects.count() == 0


def test_an_edit_writes_what_is_given_clears_what_is_null_and_moves_the_etag(tenant: Tenant) -> None:
    customer = services.create_customer(
        {"first_name": "Ann", "last_name": "Nel"}, {"email": "a@example.com"}, by=BY
    )
    edited = services.update_customer(
        customer.pk, {"first_name": None, "handicap": 12}, by="user:1", if_match=Condition.of(customer.etag)
    )
    assert (edited.first_name, edited.last_name, float(edited.handicap or 0)) == ("", "Nel", 12.0)
    assert edited.provenance["handicap"][5] == "staff"
    assert edited.etag != customer.etag
    with pytest.raises(PreconditionFailed):
        services.update_customer(
            customer.pk, {"last_name": "X"}, by="user:1", if_match=Condition.of(customer.etag)
        )


def test_an_edit_is_in_the_audit_log_with_before_and_after(tenant: Tenant) -> None:
    customer = services.create_customer({"first_name": "Ann"}, {"email": "a@example.com"}, by=BY)
    services.update_customer(customer.pk, {"first_name": "Anna"}, by="user:1")
    entry = AuditEntry.objects.get(action="customer.updated")
    assert (entry.actor, entry.object_id) == ("user:1", str(customer.pk))
    assert (entry.before, entry.after) == ({"firstName": "Ann"}, {"firstName": "Anna"})
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(actor="somebody else")


def test_an_edit_that_changes_nothing_tells_nobody(tenant: Tenant) -> None:
    customer = services.create_customer({"first_name": "Ann"}, {"email": "a@example.com"}, by=BY)
    again = services.update_customer(customer.pk, {"first_name": "Ann"}, by=BY)
    assert again.etag == customer.etag
    assert [message.topic for message in OutboxMessage.objects.all()] == ["crm.profile.created"]


def test_a_new_email_of_staff_becomes_an_identifier(tenant: Tenant) -> None:
    customer = services.create_customer({}, {"email": "old@example.com"}, by=BY)
    services.update_customer(
        customer.pk, {"email": "new@example.com"}, hints={"email": "new@example.com"}, by="user:1"
    )
    assert services.look_up({"email": "new@example.com"}).profile == customer
    assert services.look_up({"email": "old@example.com"}).profile == customer


def test_a_deleted_customer_is_gone_from_lists_and_comes_back_whole(tenant: Tenant) -> None:
    customer = services.create_customer({"first_name": "Ann"}, {"email": "a@example.com"}, by=BY)
    services.delete_customer(customer.pk, by=BY, reason="asked")
    with pytest.raises(CustomerNotFound):
        services.get_customer(customer.pk)
    assert not CustomerProfile.objects.listed().exists()
    restored = services.restore_customer(customer.pk, by=BY)
    assert (restored.first_name, restored.deleted_at) == ("Ann", None)


def test_another_tenants_customer_does_not_exist(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        theirs = services.create_customer({}, {"email": "a@example.com"}, by=BY)
    with pytest.raises(CustomerNotFound):
        services.get_customer(theirs.pk)
    with pytest.raises(CustomerNotFound):
        services.update_customer(theirs.pk, {"first_name": "X"}, by=BY)


@pytest.mark.django_db(transaction=True)
def test_eight_threads_creating_one_person_make_one_and_seven_conflicts() -> None:
    tenant = TenantFactory(slug="create-race")
    outcomes: list[str] = []

    def create() -> None:
        with tenant_scope(tenant):
            try:
                services.create_customer({}, {"email": "one@example.com", "phoneNumber": "0821234567"}, by=BY)
                outcomes.append("created")
            except DuplicateResource:
                outcomes.append("taken")
            finally:
                connections.close_all()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["created"] + ["taken"] * 7
