"""A message: one person on one channel, from being planned to whatever became of it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import CampaignRun, CampaignVariant, MessageClass
from campaigns.models.template import TemplateContent
from crm.tenancy.models import TenantModel, scoped
from crm.tenancy.models.checks import one_of
from crm.tenancy.scope import Eyes
from customers import masking
from customers.models import CustomerProfile
from customers.models.consent import Channel, Purpose
from customers.models.veil import Veiled
from segments.models.derived import DerivedKey


class MessageState(models.TextChoices):
    """Its life. From SKIPPED on the second line nothing follows; a receipt may still turn SENT into what it tells."""

    QUEUED = "QUEUED", _("Waiting")
    SENDING = "SENDING", _("Being sent")
    SENT = "SENT", _("Sent")
    DELIVERED = "DELIVERED", _("Delivered")
    BOUNCED = "BOUNCED", _("Bounced")
    COMPLAINED = "COMPLAINED", _("Reported as spam")
    FAILED = "FAILED", _("Failed")
    SKIPPED = "SKIPPED", _("Not sent")
    UNKNOWN = "UNKNOWN", _("Not known whether it went")
    CANCELLED = "CANCELLED", _("Cancelled")


M = MessageState
MOVES: dict[str, frozenset[str]] = {
    M.QUEUED: frozenset({M.SENDING, M.SKIPPED, M.CANCELLED}),
    M.SENDING: frozenset({M.QUEUED, M.SENT, M.FAILED, M.SKIPPED, M.UNKNOWN}),
    M.SENT: frozenset({M.DELIVERED, M.BOUNCED, M.COMPLAINED}),
    M.DELIVERED: frozenset({M.BOUNCED, M.COMPLAINED}),
    M.BOUNCED: frozenset(),
    M.COMPLAINED: frozenset(),
    M.FAILED: frozenset(),
    M.SKIPPED: frozenset(),
    M.UNKNOWN: frozenset({M.QUEUED, M.SENT, M.DELIVERED, M.BOUNCED, M.COMPLAINED, M.FAILED, M.CANCELLED}),
    M.CANCELLED: frozenset(),
}
LEFT = (M.SENT, M.DELIVERED, M.BOUNCED, M.COMPLAINED)  # it was handed over


class Origin(models.TextChoices):
    CAMPAIGN = "CAMPAIGN", _("Campaign")
    JOURNEY = "JOURNEY", _("Journey")
    TEST = "TEST", _("Test")
    API = "API", _("API")
    SYSTEM = "SYSTEM", _("The platform")


class Reason(models.TextChoices):
    """Why nothing was sent, or why it failed; in words for staff."""

    NO_ADDRESS = "NO_ADDRESS", _("There is no address to send it to")
    INVALID_ADDRESS = "INVALID_ADDRESS", _("The address is not one")
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS", _("Somebody else gets it at this address")
    DUPLICATE_PERSON = "DUPLICATE_PERSON", _("They get it already: two profiles became one")
    HOUSEHOLD = "HOUSEHOLD", _("Somebody of their household gets it")
    EXCLUDED = "EXCLUDED", _("They are in a segment that is kept out")
    HOLDOUT = "HOLDOUT", _("Held out, to measure what the campaign brings")
    CONTROL_GROUP = "CONTROL_GROUP", _("In the control group, which gets no marketing")
    NOT_ACTIVE = "NOT_ACTIVE", _("Not an active customer any more")
    ERASED = "ERASED", _("Their data was erased")
    RESTRICTED = "RESTRICTED", _("Their data must not be used")
    BLOCKED = "BLOCKED", _("They are blocked")
    MINOR = "MINOR", _("They are not of age")
    REFUSED = "REFUSED", _("They said no to this channel or purpose")
    NEVER_ASKED = "NEVER_ASKED", _("They never agreed to this channel")
    SUPPRESSED = "SUPPRESSED", _("The address must not be written to")
    CAPPED = "CAPPED", _("They had enough messages lately")
    QUIET_HOURS = "QUIET_HOURS", _("Quiet hours lasted until it was too late")
    SENDER_PAUSED = "SENDER_PAUSED", _("Sending is paused for this club")
    ALREADY_BOOKED = "ALREADY_BOOKED", _("They have booked or entered already")
    ON_COURSE = "ON_COURSE", _("They were on the course")
    COMPLAINT_OPEN = "COMPLAINT_OPEN", _("They have an open complaint")
    IN_ARREARS = "IN_ARREARS", _("They have unpaid invoices")
    NO_CONTENT = "NO_CONTENT", _("There is no text in a language they read")
    RENDER_ERROR = "RENDER_ERROR", _("The text could not be made for them")
    PROVIDER_REFUSED = "PROVIDER_REFUSED", _("The provider refused it")
    UNREGISTERED = "UNREGISTERED", _("The address does not exist any more")
    GAVE_UP = "GAVE_UP", _("The provider could not be reached for too long")
    NO_ANSWER = "NO_ANSWER", _("The provider did not say whether it went")
    CANCELLED = "CANCELLED", _("The campaign was cancelled")


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: Any) -> "MessageQuerySet":
        """Waiting and past their time, the most urgent first."""
        return self.filter(state=M.QUEUED, due_at__lte=now).order_by("due_at", "pk")

    def handed_over(self) -> "MessageQuerySet":
        return self.filter(state__in=LEFT)


class Message(Veiled, TenantModel):
    """One person on one channel. Of a campaign it is made when the audience is frozen, whatever becomes of it.

    recorded_for: who it was for then, whoever they are merged with since; address: where it goes, of that time.
    run, occasion: of a campaign, and of a triggered one the event it answers; origin_key: of everything else, such as
                  a step of a journey. Either is unique: the same thing is not said twice.
    due_at:       when to send it; claimed_at: since when somebody is at it. `attempts` counts claims and fences them:
                  who settles a message must name the attempt that it was claimed with.
    submitted_at: when it was first handed over under its key, as far as anybody knows; null when nothing left.
    counted_at:   when it began to count for frequency caps; null when it does not.
    content, variables: what it was made of, so that it can be shown as it was.
    opened_at, clicked_at: by people; first_open_at, first_click_at: by anything.
    """

    free_text = ("subject", "error")

    id = models.BigAutoField(primary_key=True)
    customer = DerivedKey(CustomerProfile, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    run = DerivedKey(CampaignRun, null=True, related_name="+")
    variant = DerivedKey(CampaignVariant, null=True, related_name="+")
    occasion = models.CharField(max_length=200, blank=True, default="", db_default="")
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.CAMPAIGN)
    origin_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    message_class = models.CharField(max_length=13, choices=MessageClass.choices)
    purpose = models.CharField(max_length=30, choices=Purpose.choices, default=Purpose.MARKETING)
    club_ref = models.CharField(max_length=100, blank=True, default="", db_default="")
    address = models.CharField(max_length=500, blank=True, default="", db_default="")

    state = models.CharField(max_length=10, choices=M.choices, default=M.QUEUED)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True, default="", db_default="")
    error = models.CharField(max_length=300, blank=True, default="", db_default="")
    due_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    counted_at = models.DateTimeField(null=True)

    content = DerivedKey(TemplateContent, null=True, related_name="+")
    language = models.CharField(max_length=35, blank=True, default="", db_default="")
    subject = models.CharField(max_length=300, blank=True, default="", db_default="")
    variables = models.JSONField(null=True)
    parts = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="SMS it takes.")
    gateway = models.CharField(max_length=20, blank=True, default="", db_default="")
    provider_id = models.CharField(max_length=200, blank=True, default="", db_default="")

    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)
    complained_at = models.DateTimeField(null=True)
    first_open_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    first_click_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)
    converted_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = scoped(MessageQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "run", "recorded_for", "channel", "occasion"],
                condition=models.Q(run__isnull=False),
                name="message_once_a_run",
            ),
            models.UniqueConstraint(
                fields=["tenant", "run", "address", "channel", "occasion"],
                condition=models.Q(run__isnull=False) & ~models.Q(address=""),
                name="message_once_an_address",
            ),
            models.UniqueConstraint(
                fields=["tenant", "origin_key"],
                condition=~models.Q(origin_key=""),
                name="message_once_an_origin",
            ),
            one_of("state", MessageState, name="message_state"),
            one_of("channel", Channel, name="message_channel"),
            one_of("reason", Reason, name="message_reason", or_blank=True),
            one_of("message_class", MessageClass, name="message_class"),
            one_of("origin", Origin, name="message_origin"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "message_class", "due_at", "id"],
                name="messages_due",
                condition=models.Q(state="QUEUED"),
            ),
            models.Index(
                fields=["tenant", "run", "due_at", "id"],
                name="messages_due_of_run",
                condition=models.Q(state="QUEUED"),
            ),
            models.Index(
                fields=["tenant", "claimed_at"],
                name="messages_claimed",
                condition=models.Q(state="SENDING"),
            ),
            models.Index(
                fields=["tenant", "id"], name="messages_unknown", condition=models.Q(state="UNKNOWN")
            ),
            models.Index(fields=["tenant", "customer", "-id"], name="messages_of_customer"),
            models.Index(
                fields=["tenant", "customer", "counted_at"],
                name="messages_counted",
                condition=models.Q(counted_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "provider_id"],
                name="messages_by_provider",
                condition=~models.Q(provider_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.recorded_for}"

    def veil(self, eyes: Eyes) -> None:
        """Hide as much of the address as the eyes may not see, and what was written in words."""
        super().veil(eyes)
        address = self.__dict__.get("address")
        kind = {"EMAIL": "email", "SMS": "phoneNumber", "WHATSAPP": "phoneNumber"}.get(
            self.__dict__.get("channel", ""), ""
        )
        left = masking.masked_identifier(kind, address, eyes.masks) if address and kind else address
        if left != address:
            self.__dict__["address"], self.masked = left, self.masked | {"address"}
