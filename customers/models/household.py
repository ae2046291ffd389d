"""People who live or play together: a household, and who is in it."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel, uuid7
from crm.tenancy.models.checks import one_of
from customers.models.profile import CustomerProfile


class Household(TenantModel):
    """People sharing an e-mail or phone, or put together by staff. Who is in it says HouseholdMember."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200, blank=True, help_text="Blank: called by its members’ last names.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "id"], name="household_tenant_key")]

    def __str__(self) -> str:
        return self.name or str(_("Household"))


class HouseholdRole(models.TextChoices):
    CONTACT = "CONTACT", _("By a shared contact")
    STAFF = "STAFF", _("Put in by staff")


class HouseholdMember(TenantModel):
    """Somebody in a household; with `until` they left it, and nothing but staff brings them back.

    recorded_for: the part of a merged person; each is in one household at a time.
    """

    id = models.BigAutoField(primary_key=True)
    household = TenantForeignKey(Household, models.CASCADE, related_name="+")
    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    role = models.CharField(max_length=7, choices=HouseholdRole.choices, default=HouseholdRole.CONTACT)
    since = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "household", "recorded_for"], name="household_member_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "recorded_for"],
                condition=models.Q(until=None),
                name="one_household_at_a_time",
            ),
            one_of("role", HouseholdRole, name="household_member_role"),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="households_of_customer")]

    def __str__(self) -> str:
        return f"{self.recorded_for} in {self.household_id}"
