"""What the columns of a profile were before: who wrote what, when, from what to what."""

from django.db import models
from django.db.models.functions import Now

from crm.tenancy.models import TenantForeignKey, TenantModel
from crm.tenancy.scope import Eyes
from customers import masking
from customers.models.profile import CustomerProfile
from customers.models.veil import Veiled, as_seen

# Columns with a history: what staff, keys and sources write. A map has one for each of its keys.
LINKS = ("auth_user_id", "scl_member_id", "teetime_player_id", "messaging_contact_id", "external_ids")
TRACKED_TEXTS = (
    "email", "phone_number", "first_name", "last_name", "display_name", "gender", "country", "language", "status",
    "lifecycle_pin", "customer_type", "home_club_ref", "home_club_name", "membership_tier", "membership_status",
    "customer_notes", "internal_notes",
)  # fmt: skip
TRACKED_VALUES = (
    "email_verified", "phone_verified", "date_of_birth", "tags", "is_vip", "is_blocked", "is_pending", "handicap",
    "member_since", "membership_expiry", "membership_ended_at", "email_opt_in", "sms_opt_in", "push_opt_in",
    "whatsapp_opt_in", "gdpr_consent", "data_retention_date",
)  # fmt: skip
TRACKED_MAPS = ("custom_fields", "source_details")
TRACKED = (*LINKS, *TRACKED_TEXTS, *TRACKED_VALUES, *TRACKED_MAPS)


class FieldWrite(TenantModel):
    """What one event or act made of a profile: a row for each stamp that changed something. Append-only.

    Written by triggers on the profile, whoever changes it (see `customers.tracking`). What a batch of events said
    in between, or too late to win, is added by `customers.history`, and so is what became of the links, which
    follow the identity aliases. The history of a profile stays with it when it is merged.
    """

    customer = TenantForeignKey(CustomerProfile, related_name="+")
    changes = models.JSONField(help_text="Column, or map.key -> [before, after]; blank is null.")
    tier = models.SmallIntegerField()
    version = models.BigIntegerField()
    at = models.DateTimeField(help_text="When it was so, as its source says.")
    rank = models.SmallIntegerField()
    event = models.CharField(max_length=200, blank=True, db_collation="C")
    source = models.CharField(max_length=50)
    by = models.CharField(max_length=300)
    request_id = models.CharField(max_length=64, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    is_erased = models.BooleanField(default=False, db_default=False)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "customer", "-at"], name="field_writes_of_customer")]

    def __str__(self) -> str:
        return f"{self.source} at {self.at:%Y-%m-%d %H:%M}"


class FieldChange(Veiled, TenantModel):
    """One field of a FieldWrite, read only: a view.

    `before` is what the write before it said, in the order of stamps and not of arrival, so that a field's changes
    are one chain which ends in the value of the profile, whatever order they came in.
    """

    id = models.CharField(primary_key=True, max_length=200)
    customer_id = models.UUIDField()
    field = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    at = models.DateTimeField()
    event = models.CharField(max_length=200)
    source = models.CharField(max_length=50)
    by = models.CharField(max_length=300)
    request_id = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()
    is_erased = models.BooleanField()
    by_name: str  # where customers.history.with_names set it

    class Meta(TenantModel.Meta):
        managed = False
        db_table = "customers_fieldchange"

    def __str__(self) -> str:
        return f"{self.field} at {self.at:%Y-%m-%d %H:%M}"

    def veil(self, eyes: Eyes) -> None:
        """As the column itself is veiled; a key of a map, as its map."""
        column, _dot, key = self.field.partition(".")
        kind = masking.kind_of(column)
        for name in ("before", "after"):
            value = getattr(self, name)
            if kind is not None and kind in eyes.masks:
                value = masking.left_of(kind, eyes.masks[kind], value) or None
                self.masked = frozenset({"before", "after"})
            setattr(self, name, as_seen({key: value})[key])
