"""Rows for tests, made in the open tenant scope."""

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from crm.tenancy.models import ApiKey, Club, StaffMembership, Tenant, User
from crm.tenancy.permissions import Role, Scope
from crm.tenancy.scope import current_tenant, tenant_scope
from customers.models import (
    AliasHolder,
    CustomerMetrics,
    CustomerProfile,
    CustomField,
    Household,
    HouseholdMember,
    IdentityAlias,
    ProfilePart,
)
from segments.models import Segment
from timeline.models import Activity, EventBody, InboundEvent, Note, NoteRevision
from timeline.models.notes import FIELDS

PASSWORD = "correct horse battery staple"
ALIASES = {
    "email": "email",
    "phone_number": "phoneNumber",
    "auth_user_id": "authUserId",
    "scl_member_id": "sclMemberId",
    "teetime_player_id": "teetimePlayerId",
    "messaging_contact_id": "messagingContactId",
}


class TenantFactory(DjangoModelFactory[Tenant]):
    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"group-{n}")
    name = factory.LazyAttribute(lambda tenant: tenant.slug.title())


class ClubFactory(DjangoModelFactory[Club]):
    class Meta:
        model = Club

    tenant = factory.LazyFunction(current_tenant)
    name = factory.Sequence(lambda n: f"Club {n}")
    refs = factory.LazyAttribute(lambda club: [club.name.lower().replace(" ", "-")])


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"staff{n}@club.example")
    full_name = "Sam Starter"
    is_staff = True
    password = factory.django.Password(PASSWORD)


class StaffMembershipFactory(DjangoModelFactory[StaffMembership]):
    class Meta:
        model = StaffMembership

    tenant = factory.LazyFunction(current_tenant)
    user = factory.SubFactory(UserFactory)
    role = Role.ADMIN


class CustomerProfileFactory(DjangoModelFactory[CustomerProfile]):
    """A customer with metrics, and an identity alias for each identifier it is given."""

    class Meta:
        model = CustomerProfile
        skip_postgeneration_save = True

    tenant = factory.LazyFunction(current_tenant)
    first_name = "Thandi"
    last_name = factory.Sequence(lambda n: f"Nkosi{n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.com")
    email_display = factory.SelfAttribute("email")

    @factory.post_generation
    def metrics(self, create: bool, extracted: dict[str, Any] | None, **values: Any) -> None:
        CustomerMetrics.objects.create(tenant=self.tenant, customer=self, **(extracted or values))

    @factory.post_generation
    def part(self, create: bool, extracted: Any, **_: Any) -> None:
        """Of somebody who is said to be merged: only the id leads on."""
        if self.merged_into_id:
            known = ProfilePart.objects.filter(pk=self.merged_into_id).first()
            root = known.root_id if known else self.merged_into_id
            ProfilePart.objects.create(tenant=self.tenant, customer=self, root_id=root)

    @factory.post_generation
    def aliases(self, create: bool, extracted: Any, **_: Any) -> None:
        found = {kind: getattr(self, attribute) for attribute, kind in ALIASES.items()}
        found |= {f"externalIds.{kind}": value for kind, value in self.external_ids.items()}
        for kind, value in found.items():
            if value not in ("", None):
                hold(self, kind, str(value))


def hold(customer: CustomerProfile, kind: str, value: str, *, is_owner: bool = True) -> AliasHolder:
    """Give a customer an identifier; a shared one gets its further holders with is_owner=False."""
    alias, _ = IdentityAlias.objects.get_or_create(tenant=customer.tenant, kind=kind, value=value)
    return AliasHolder.objects.create(
        tenant=customer.tenant,
        alias=alias,
        customer=customer,
        recorded_for=customer.pk,
        is_owner=is_owner,
        source="test",
    )


def house(*people: CustomerProfile, name: str = "") -> Household:
    """Put people into one household."""
    household = Household.objects.create(tenant=people[0].tenant, name=name)
    for person in people:
        HouseholdMember.objects.create(
            tenant=person.tenant, household=household, customer=person, recorded_for=person.pk, role="STAFF"
        )
    return household


class CustomFieldFactory(DjangoModelFactory[CustomField]):
    class Meta:
        model = CustomField

    tenant = factory.LazyFunction(current_tenant)
    key = factory.Sequence(lambda n: f"field{n}")
    label = factory.LazyAttribute(lambda field: field.key.capitalize())


class ActivityFactory(DjangoModelFactory[Activity]):
    class Meta:
        model = Activity

    tenant = factory.LazyFunction(current_tenant)
    customer = factory.SubFactory(CustomerProfileFactory)
    recorded_for = factory.SelfAttribute("customer.id")
    type = "TEETIME_BOOKED"
    category = "BOOKING"
    title = "Booked a tee time"
    source = "teetime"
    occurred_at = factory.LazyFunction(timezone.now)


class NoteFactory(DjangoModelFactory[Note]):
    """A note with its first revision."""

    class Meta:
        model = Note
        skip_postgeneration_save = True

    tenant = factory.LazyFunction(current_tenant)
    customer = factory.SubFactory(CustomerProfileFactory)
    recorded_for = factory.SelfAttribute("customer.id")
    author = "user:0190d1c0-0000-7000-8000-000000000000"
    body = "Prefers the early tee times."

    @factory.post_generation
    def revision(self, create: bool, extracted: Any, **_: Any) -> None:
        said = {name: getattr(self, name) for name in FIELDS}
        NoteRevision.objects.create(
            tenant=self.tenant, note=self, version=self.version, actor=self.author, **said
        )


class InboundEventFactory(DjangoModelFactory[InboundEvent]):
    class Meta:
        model = InboundEvent
        skip_postgeneration_save = True

    tenant = factory.LazyFunction(current_tenant)
    source = "scl"
    event_id = factory.Sequence(lambda n: f"event-{n}")
    type = "scl.member.created"
    priority = 2
    occurred_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def raw(self, create: bool, extracted: str | None, **_: Any) -> None:
        EventBody.objects.create(tenant=self.tenant, event=self, raw=extracted or "{}")


def issue_key(tenant: Tenant, *, scopes: list[str] | None = None, **fields: Any) -> tuple[ApiKey, str]:
    """An API key of a tenant, with every scope unless told."""
    wanted = [scope.value for scope in Scope] if scopes is None else scopes
    with tenant_scope(tenant):
        return ApiKey.issue(name="Test", scopes=wanted, tenant=tenant, **fields)


class SegmentFactory(DjangoModelFactory[Segment]):
    """A segment that was worked out once, of nobody yet."""

    class Meta:
        model = Segment

    tenant = factory.LazyFunction(current_tenant)
    name = factory.Sequence(lambda n: f"Segment {n}")
    criteria = {"combinator": "AND", "rules": [{"field": "isVip", "operator": "eq", "value": True}]}
