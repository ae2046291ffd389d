"""A campaign: what is to be said to whom and when, its variants, and each time that it is carried out."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from campaigns.models.template import MessageTemplate
from crm.tenancy.models import Club, TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import is_map, one_of, within
from crm.tenancy.scope import current_tenant
from customers.models.consent import Channel, Purpose


class CampaignType(models.TextChoices):
    ONE_TIME = "ONE_TIME", _("One time")
    RECURRING = "RECURRING", _("Recurring")
    TRIGGERED = "TRIGGERED", _("Triggered by an event")
    JOURNEY = "JOURNEY", _("Journey")


class CampaignStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    SCHEDULED = "SCHEDULED", _("Scheduled")
    ACTIVE = "ACTIVE", _("Active")
    PAUSED = "PAUSED", _("Paused")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELLED = "CANCELLED", _("Cancelled")


S = CampaignStatus
MOVES: dict[str, frozenset[str]] = {
    S.DRAFT: frozenset({S.SCHEDULED}),
    S.SCHEDULED: frozenset({S.ACTIVE, S.DRAFT, S.PAUSED}),  # PAUSED: overdue
    S.ACTIVE: frozenset({S.COMPLETED, S.PAUSED, S.CANCELLED}),
    S.PAUSED: frozenset({S.ACTIVE, S.CANCELLED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
}


class PauseReason(models.TextChoices):
    USER = "USER", _("Somebody paused it")
    OVERDUE = "OVERDUE", _("Its time was over before it began")
    ERROR = "ERROR", _("Something went wrong")
    BOUNCES = "BOUNCES", _("Too many messages bounced")
    COMPLAINTS = "COMPLAINTS", _("Too many people complained")


class MessageClass(models.TextChoices):
    MARKETING = "MARKETING", _("Marketing")
    TRANSACTIONAL = "TRANSACTIONAL", _("Service message")


class SendMode(models.TextChoices):
    AT_ONCE = "AT_ONCE", _("To everybody at that time")
    LOCAL_TIME = "LOCAL_TIME", _("To each at that time where they are")


class WinnerMetric(models.TextChoices):
    CLICKS = "CLICKS", _("Clicks by people")
    CONVERSIONS = "CONVERSIONS", _("Conversions")
    REVENUE = "REVENUE", _("Revenue")
    OPENS = "OPENS", _("Opens")


class WinnerMode(models.TextChoices):
    AUTO = "AUTO", _("By itself")
    MANUAL = "MANUAL", _("By hand")


class RunState(models.TextChoices):
    BUILDING = "BUILDING", _("Building its audience")
    SENDING = "SENDING", _("Sending")
    DONE = "DONE", _("Done")
    CANCELLED = "CANCELLED", _("Cancelled")


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def kept(self) -> "CampaignQuerySet":
        """Those that nobody deleted."""
        return self.filter(deleted_at=None)


class Campaign(TenantModel):
    """Something to be said to some people.

    segment_ids, excluded_segment_ids: the audience is who is in any of the first and in none of the second.
    timezone:     of scheduled_at as staff wrote it and of the cron pattern; blank = the club's, else the tenant's.
    batch_size, batch_minutes: so many at a time, with so many minutes from one to the next.
    trigger:      of TRIGGERED: {"event": type, "criteria": rules?, "delayMinutes": n?}.
    social:       what is to be posted: {"content", "mediaUrls", "connectionIds"}; sent by the social app.
    sample_percent: of the audience, who get the variants first; the winner goes to the rest. 100 = a plain split.
    approved_hash: of content, audience rules and schedule as approved; another one voids the approval.
    due_at:       when beat has something to do with it next: begin, next occurrence, pick a winner.
    version:      of what people write, which makes the ETag.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    club = TenantForeignKey(Club, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    type = models.CharField(max_length=9, choices=CampaignType.choices, default=CampaignType.ONE_TIME)
    status = models.CharField(max_length=9, choices=S.choices, default=S.DRAFT, editable=False)
    pause_reason = models.CharField(max_length=10, choices=PauseReason.choices, blank=True, editable=False)
    error = models.CharField(max_length=500, blank=True, editable=False)
    message_class = models.CharField(
        max_length=13, choices=MessageClass.choices, default=MessageClass.MARKETING
    )
    purpose = models.CharField(max_length=30, choices=Purpose.choices, default=Purpose.MARKETING)
    channels = ArrayField(models.CharField(max_length=8), default=list)
    segment_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    excluded_segment_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    social = models.JSONField(default=dict, blank=True)

    scheduled_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    send_mode = models.CharField(max_length=10, choices=SendMode.choices, default=SendMode.AT_ONCE)
    per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    batch_size = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    batch_minutes = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    recur_pattern = models.CharField(max_length=100, blank=True)
    recur_end_at = models.DateTimeField(null=True, blank=True)
    trigger = models.JSONField(default=dict, blank=True)

    holdout_percent = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(20)])
    sample_percent = models.PositiveSmallIntegerField(
        default=100, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    winner_metric = models.CharField(max_length=11, choices=WinnerMetric.choices, default=WinnerMetric.CLICKS)
    winner_mode = models.CharField(max_length=6, choices=WinnerMode.choices, default=WinnerMode.AUTO)
    winner_after_minutes = models.PositiveIntegerField(default=240, validators=[MinValueValidator(1)])
    winner_min_sample = models.PositiveIntegerField(default=100)
    goal = models.JSONField(
        default=dict, blank=True, help_text="What counts as a conversion: {“kinds”: […]}."
    )

    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.CharField(max_length=300, blank=True, editable=False)
    approved_hash = models.CharField(max_length=64, blank=True, editable=False)

    started_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)
    updated_by = models.CharField(max_length=300, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[Any] = scoped(CampaignQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="campaign_tenant_key"),
            one_of("type", CampaignType, name="campaign_type"),
            one_of("status", CampaignStatus, name="campaign_status"),
            one_of("message_class", MessageClass, name="campaign_class"),
            one_of("purpose", Purpose, name="campaign_purpose"),
            one_of("send_mode", SendMode, name="campaign_send_mode"),
            within("holdout_percent", 0, 20, name="campaign_holdout"),
            within("sample_percent", 1, 100, name="campaign_sample"),
            is_map("trigger", name="campaign_trigger_map"),
            is_map("social", name="campaign_social_map"),
            is_map("goal", name="campaign_goal_map"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status"], name="campaigns_by_status"),
            models.Index(fields=["tenant", "type"], name="campaigns_by_type"),
            models.Index(fields=["tenant", "scheduled_at"], name="campaigns_by_schedule"),
            models.Index(fields=["tenant", "club"], name="campaigns_of_club"),
            models.Index(
                fields=["tenant", "due_at"],
                name="campaigns_due",
                condition=models.Q(due_at__isnull=False, deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        """Changes with what people write, not with how far it is."""
        return f'"{self.pk.hex}-{self.version}"'

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its schedule. A query where it has a club that is not loaded."""
        club = self.club
        return ZoneInfo(self.timezone or (club.timezone if club else "") or current_tenant().timezone)


class CampaignVariant(TenantModel):
    """One way of saying it: a template a channel. Every campaign has one at least, named A.

    subject: in place of the template's, where only that is tried out.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = TenantForeignKey(Campaign, models.CASCADE, related_name="+")
    name = models.CharField(max_length=1, default="A")
    weight = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    subject = models.CharField(max_length=300, blank=True)
    email_template = TenantForeignKey(MessageTemplate, null=True, blank=True, related_name="+")
    sms_template = TenantForeignKey(MessageTemplate, null=True, blank=True, related_name="+")
    push_template = TenantForeignKey(MessageTemplate, null=True, blank=True, related_name="+")
    whatsapp_template = TenantForeignKey(MessageTemplate, null=True, blank=True, related_name="+")

    class Meta(TenantModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="variant_tenant_key"),
            models.UniqueConstraint(fields=["tenant", "campaign", "name"], name="variant_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def template_id_on(self, channel: str) -> Any:
        """The template's id on a channel, or None."""
        return getattr(self, f"{Channel(channel).value.lower()}_template_id")


class CampaignRun(TenantModel):
    """One time that a campaign is carried out: the only one, an occurrence, or the standing one of TRIGGERED.

    scheduled_for: the occurrence it is of, which makes it unique.
    built_to:      the last customer whose row was made; null when all are.
    split_count:   people who were given their turn in the split so far.
    counts:        what became of its messages when last counted: target, sent, delivered, opened, clicked, converted,
                   unsubscribed, bounced, and by state and reason; see campaigns.statistics.
    counted_at:    as of when; changed_at: when something about its messages last changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    campaign = TenantForeignKey(Campaign, models.CASCADE, related_name="+")
    scheduled_for = models.DateTimeField()
    state = models.CharField(max_length=9, choices=RunState.choices, default=RunState.BUILDING)
    winner = TenantForeignKey(CampaignVariant, null=True, related_name="+")
    winner_at = models.DateTimeField(null=True)
    winner_by = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField(default=now)
    built_at = models.DateTimeField(null=True)
    built_to = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)
    target_count = models.PositiveIntegerField(default=0)
    split_count = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    next_batch_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="run_tenant_key"),
            models.UniqueConstraint(fields=["tenant", "campaign", "scheduled_for"], name="run_once"),
            one_of("state", RunState, name="run_state"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "state"],
                name="runs_under_way",
                condition=models.Q(state__in=["BUILDING", "SENDING"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} of {self.scheduled_for:%Y-%m-%d %H:%M}"
