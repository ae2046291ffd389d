"""One true profile per person, and the hot numbers beside it."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Collate, NullIf, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.countries import is_country
from crm.tenancy.masks import Level, Personal
from crm.tenancy.models import TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import country_code, is_map, lower_case, one_of, within
from crm.tenancy.scope import Eyes
from customers.models.veil import Veiled

models.CharField.register_lookup(Upper)  # for what is compared whatever its case


def valid_country(code: str) -> None:
    if not is_country(code):
        raise ValidationError(_("Use the two letters of a country in ISO 3166-1, such as ZA."))


def alphabetical(name: str) -> Collate:
    """A name as a list is sorted by it: neither capitals nor accents count, and who has none has null.

    Letter for letter as customers.terms.fold; without a collation, which not every PostgreSQL has the same.
    """
    folded = models.Func(models.F(name), function="customers_fold", output_field=models.CharField())
    return Collate(NullIf(folded, models.Value("")), "C")


class Status(models.TextChoices):
    ACTIVE = "ACTIVE", "Active"
    INACTIVE = "INACTIVE", "Inactive"
    MERGED = "MERGED", "Merged"
    DELETED = "DELETED", "Deleted"


class Stage(models.TextChoices):
    SUBSCRIBER = "SUBSCRIBER", "Subscriber"
    LEAD = "LEAD", "Lead"
    PROSPECT = "PROSPECT", "Prospect"
    CUSTOMER = "CUSTOMER", "Customer"
    MEMBER = "MEMBER", "Member"
    ADVOCATE = "ADVOCATE", "Advocate"
    CHURNED = "CHURNED", "Churned"


class CustomerType(models.TextChoices):
    GUEST = "GUEST", "Guest"
    REGISTERED = "REGISTERED", "Registered"
    WHOLESALE = "WHOLESALE", "Wholesale"
    AFFILIATE = "AFFILIATE", "Affiliate"


class CustomerQuerySet(models.QuerySet["CustomerProfile"]):
    def listed(self) -> "CustomerQuerySet":
        """Those a list shows by default: neither merged away nor deleted, and known by more than a name."""
        return self.current().filter(is_light=False)

    def current(self) -> "CustomerQuerySet":
        """Neither merged away nor deleted, guests known by name only among them."""
        return self.exclude(status__in=[Status.MERGED, Status.DELETED])

    def at_clubs(self, refs: list[str]) -> "CustomerQuerySet":
        """Those with a home club, a membership or a booking at one of the clubs, by the clubs' refs."""
        return self.filter(
            models.Q(home_club_ref__in=refs)
            | models.Exists(_facts_at("Membership", refs))
            | models.Exists(_facts_at("Booking", refs))
        )


def _facts_at(model: str, refs: list[str]) -> Any:
    rows = CustomerProfile._meta.apps.get_model("customers", model)._default_manager
    return rows.filter(customer=models.OuterRef("pk"), club_ref__in=refs)


class CustomerProfile(Veiled, TenantModel):
    """A person as the tenant's systems and staff know them.

    E-mail and phone are contact points, kept in step with the identity aliases but without unique keys.
    Every column that sources and staff write has its stamp in `provenance`: who wrote it, when, and why it won;
    every custom field has its own, as `custom_fields.<key>`.
    `created_at` is since when they are known: the earliest time that anything was heard of, which may be long
    before the row was made (its id tells that).
    """

    free_text = ("customer_notes", "internal_notes", "custom_fields", "source_details")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    external_id = models.UUIDField(default=uuid4, editable=False)

    auth_user_id = models.CharField(max_length=200, blank=True)
    email = models.CharField("e-mail", max_length=254, blank=True)
    email_display = models.CharField(max_length=254, blank=True, help_text="As its owner writes it.")
    email_verified = models.BooleanField(default=False)
    phone_number = models.CharField(max_length=40, blank=True)
    phone_is_valid = models.BooleanField(
        default=False, help_text="An invalid number is kept as sent, never used."
    )
    phone_verified = models.BooleanField(default=False)
    scl_member_id = models.BigIntegerField("SCL member id", null=True, blank=True)
    teetime_player_id = models.CharField("TeeTime player id", max_length=200, blank=True)
    messaging_contact_id = models.CharField("Messaging contact id", max_length=200, blank=True)
    external_ids = models.JSONField(default=dict, blank=True)

    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    gender = models.CharField(max_length=30, blank=True)
    country = models.CharField(max_length=2, blank=True, validators=[valid_country])
    language = models.CharField(max_length=35, blank=True)

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    lifecycle_stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.SUBSCRIBER)
    lifecycle_pin = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    stages_reached = models.JSONField(
        default=dict, help_text="Stage -> the latest time something spoke for it."
    )
    stage_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When time alone moves the stage."
    )
    customer_type = models.CharField(
        max_length=10, choices=CustomerType.choices, default=CustomerType.REGISTERED
    )
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    is_vip = models.BooleanField("VIP", default=False)
    is_blocked = models.BooleanField(default=False)
    is_pending = models.BooleanField(default=False)
    is_light = models.BooleanField(default=False, help_text="A guest known by name only.")
    source = models.CharField(max_length=50, blank=True, help_text="What first told us about this person.")
    source_details = models.JSONField(default=dict, blank=True)

    handicap = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    handicap_updated_at = models.DateTimeField(null=True, blank=True)
    home_club_ref = models.CharField("home club id", max_length=100, blank=True)
    home_club_name = models.CharField(max_length=200, blank=True)

    membership_tier = models.CharField(max_length=100, blank=True)
    membership_status = models.CharField(max_length=50, blank=True)
    member_since = models.DateField(null=True, blank=True)
    membership_expiry = models.DateField(null=True, blank=True)
    membership_ended_at = models.DateTimeField(null=True, blank=True)

    email_opt_in = models.BooleanField(null=True)
    email_opt_in_at = models.DateTimeField(null=True, blank=True)
    sms_opt_in = models.BooleanField("SMS opt in", null=True)
    sms_opt_in_at = models.DateTimeField(null=True, blank=True)
    push_opt_in = models.BooleanField(null=True)
    push_opt_in_at = models.DateTimeField(null=True, blank=True)
    whatsapp_opt_in = models.BooleanField("WhatsApp opt in", null=True)
    whatsapp_opt_in_at = models.DateTimeField(null=True, blank=True)

    gdpr_consent = models.BooleanField(null=True)
    gdpr_consent_at = models.DateTimeField(null=True, blank=True)
    data_retention_date = models.DateField(null=True, blank=True)
    customer_notes = models.TextField(blank=True)
    internal_notes = models.TextField(blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)

    merged_into = TenantForeignKey("self", null=True, blank=True, related_name="+")
    merged_at = models.DateTimeField(null=True, blank=True)
    merge_reason = models.CharField(max_length=200, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, editable=False)
    processing_restricted_at = models.DateTimeField(null=True, editable=False)
    legal_hold_at = models.DateTimeField(null=True, editable=False)
    guardian = TenantForeignKey(
        "self", null=True, blank=True, editable=False, related_name="+", help_text="Who answers for a minor."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=300, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    provenance = models.JSONField(default=dict, editable=False)

    born_in = ""  # the year of birth, for those who may see no more of it

    objects: ClassVar[Any] = scoped(CustomerQuerySet)

    class Meta(TenantModel.Meta):
        verbose_name = "customer"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="customer_tenant_key"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="customer_external_id"),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | models.Q(status=Status.MERGED),
                name="only_merged_point_on",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("id")),
                name="nobody_merged_into_self",
            ),
            models.CheckConstraint(
                condition=models.Q(guardian=None) | ~models.Q(guardian=models.F("id")),
                name="nobody_own_guardian",
            ),
            one_of("status", Status, name="customer_status"),
            one_of("lifecycle_stage", Stage, name="customer_stage"),
            one_of("lifecycle_pin", Stage, name="customer_pin", or_blank=True),
            one_of("customer_type", CustomerType, name="customer_type"),
            lower_case("email", name="customer_email_lower"),
            country_code(name="customer_country"),
            *(
                is_map(name, name=f"customer_{name}_map")
                for name in (
                    "external_ids",
                    "stages_reached",
                    "custom_fields",
                    "source_details",
                    "provenance",
                )
            ),
        ]
        indexes = [
            *(  # in the alphabet and against it, with the nameless last either way
                models.Index(
                    models.F("tenant"),
                    getattr(alphabetical("last_name"), order)(**nulls),
                    getattr(models.F("id"), order)(),
                    name=f"customer_by_last_name_{order}",
                )
                for order, nulls in (("asc", {}), ("desc", {"nulls_last": True}))
            ),
            models.Index(fields=["tenant", "-created_at", "-id"], name="customer_by_age"),
            models.Index(fields=["tenant", "updated_at", "id"], name="customer_by_update"),
            models.Index(fields=["tenant", "home_club_ref"], name="customer_by_home_club"),
            GinIndex(
                fields=["tenant", "custom_fields"],
                opclasses=["uuid_ops", "jsonb_path_ops"],
                condition=~models.Q(custom_fields={}),
                name="customer_by_custom_field",
            ),
            GinIndex(fields=["tenant", "tags"], name="customer_tags"),
            *(  # few, and asked for by every batch of events, erasure and retention
                models.Index(
                    fields=["tenant", name],
                    name=f"customer_{short}",
                    condition=models.Q(**{f"{name}__isnull": False}),
                )
                for name, short in (
                    ("processing_restricted_at", "restricted"),
                    ("legal_hold_at", "on_hold"),
                    ("guardian", "wards"),
                )
            ),
            models.Index(
                fields=["tenant", "stage_due_at"],
                name="customer_stage_due",
                condition=models.Q(stage_due_at__isnull=False),
            ),
            *(  # how a name starts, whatever its case
                models.Index(
                    models.F("tenant"),
                    OpClass(Upper(name), "text_pattern_ops"),
                    name=f"customer_{name}_start",
                )
                for name in ("last_name", "first_name")
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email_display or self.phone_number or f"Customer {str(self.pk)[-6:]}"

    @property
    def full_name(self) -> str:
        return self.display_name or f"{self.first_name} {self.last_name}".strip()

    @property
    def initials(self) -> str:
        letters = [word[0] for word in (self.first_name, self.last_name) if word]
        return "".join(letters or [str(self)[:1]]).upper()

    def veil(self, eyes: Eyes) -> None:
        born = self.__dict__.get("date_of_birth")
        super().veil(eyes)
        if born and eyes.masks.get(Personal.BIRTH_DATE) is Level.MASKED:
            self.born_in = str(born.year)

    @property
    def mailto(self) -> str:
        """The address to write to; nothing where only a part of it may be seen."""
        return "" if "email" in self.masked else self.email

    @property
    def dialled(self) -> str:
        """The number to call; nothing where it is not valid, or only a part of it may be seen."""
        return self.phone_number if self.phone_is_valid and "phone_number" not in self.masked else ""

    @property
    def etag(self) -> str:
        """Changes with what people and sources write, not with counters and scores."""
        return f'"{self.pk.hex}-{self.version}"'


class CustomerMetrics(Veiled, TenantModel):
    """Counters and scores of one customer: written often, so narrow, and apart from the profile's history."""

    customer = models.OneToOneField(
        CustomerProfile, models.CASCADE, primary_key=True, related_name="metrics", db_constraint=False
    )
    last_activity_at = models.DateTimeField(null=True)
    last_activity_type = models.CharField(max_length=60, blank=True)
    activity_count_30d = models.PositiveIntegerField(default=0)
    booking_count_30d = models.PositiveIntegerField(default=0)
    last_booking_at = models.DateTimeField(null=True)
    last_email_open_at = models.DateTimeField(null=True)
    last_email_click_at = models.DateTimeField(null=True)
    last_sms_reply_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    lifetime_value_cents = models.BigIntegerField(default=0)
    engagement_score = models.PositiveSmallIntegerField(default=0)
    engagement_score_at = models.DateTimeField(null=True)
    churn_risk_score = models.PositiveSmallIntegerField(default=0)
    churn_risk_score_at = models.DateTimeField(null=True)
    decays_at = models.DateTimeField(null=True, help_text="When the oldest counted thing leaves its window.")

    class Meta(TenantModel.Meta):
        verbose_name_plural = "customer metrics"
        constraints = [
            within("engagement_score", 0, 100, name="metrics_engagement"),
            within("churn_risk_score", 0, 100, name="metrics_churn_risk"),
        ]
        indexes = [
            models.Index(
                models.F("tenant"), models.F("last_activity_at").desc(nulls_last=True), models.F("customer").desc(),
                name="metrics_by_last_activity",
            ),
            models.Index(
                fields=["tenant", "decays_at"], name="metrics_due", condition=models.Q(decays_at__isnull=False)
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"metrics of {self.customer_id}"
