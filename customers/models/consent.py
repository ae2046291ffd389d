"""What people agreed to, statement by statement, and who must not be written to whatever else is said."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel, uuid7
from crm.tenancy.models.checks import one_of
from crm.tenancy.scope import Eyes
from customers import masking
from customers.consent import Consent, State
from customers.models.profile import CustomerProfile
from customers.models.veil import Veiled
from customers.stamps import Stamp


class Channel(models.TextChoices):
    EMAIL = "EMAIL", _("E-mail")
    SMS = "SMS", _("SMS")
    PUSH = "PUSH", _("Push")
    WHATSAPP = "WHATSAPP", _("WhatsApp")


class ConsentState(models.TextChoices):
    GRANTED = State.GRANTED.value, _("Agreed")
    WITHDRAWN = State.WITHDRAWN.value, _("Refused")
    PENDING = State.PENDING.value, _("To be confirmed")
    UNKNOWN = State.UNKNOWN.value, _("No longer known")


class Purpose(models.TextChoices):
    MARKETING = "MARKETING", _("Marketing")
    NEWSLETTER = "NEWSLETTER", _("Newsletter")
    OFFERS = "OFFERS", _("Offers")
    COMPETITIONS = "COMPETITIONS", _("Competitions")
    MEMBERSHIP_SERVICE = "MEMBERSHIP_SERVICE", _("Membership service")
    PARTNER = "PARTNER", _("Partners")


class LawfulBasis(models.TextChoices):
    CONSENT = "CONSENT", _("Consent")
    CONTRACT = "CONTRACT", _("Contract")
    LEGITIMATE_INTEREST = "LEGITIMATE_INTEREST", _("Legitimate interest")
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION", _("Legal obligation")


class ConsentEntry(Veiled, TenantModel):
    """One statement about what a person agrees to, with its proof. Append-only; merging moves `customer` alone.

    kind, value: the identifier that the statement names. Erasure leaves a keyed hash in the place of the value.
    tier … source: the stamp by which it wins or loses; see customers.stamps.
    given_at: when the person said so; `at` is the moment of the stamp.
    """

    id = models.BigAutoField(primary_key=True)
    customer = TenantForeignKey(CustomerProfile, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    kind = models.CharField(max_length=100, blank=True)
    value = models.CharField(max_length=254, blank=True)
    value_hash = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.CharField(max_length=30, choices=Purpose.choices, default=Purpose.MARKETING)
    club_ref = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=9, choices=ConsentState.choices)
    lawful_basis = models.CharField(max_length=20, choices=LawfulBasis.choices, default=LawfulBasis.CONSENT)
    reason = models.CharField(max_length=30)
    wording = models.CharField(max_length=100, blank=True, help_text="Version of the words agreed to.")
    locale = models.CharField(max_length=35, blank=True)
    ip = models.CharField(max_length=45, blank=True, help_text="The network it came from.")
    user_agent = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=300, blank=True)
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    tier = models.SmallIntegerField(default=1)
    version = models.BigIntegerField(default=0)
    at = models.DateTimeField()
    rank = models.SmallIntegerField(default=0)
    event_id = models.CharField(max_length=200, db_collation="C")
    source = models.CharField(max_length=50, db_collation="C")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        verbose_name_plural = "consent entries"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "event_id", "channel", "purpose", "club_ref", "recorded_for"],
                name="consent_said_once",
            ),
            one_of("channel", Channel, name="consent_channel"),
            one_of("state", ConsentState, name="consent_state"),
            one_of("purpose", Purpose, name="consent_purpose"),
            one_of("lawful_basis", LawfulBasis, name="consent_basis"),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "channel", "-at"], name="consents_of_customer"),
            models.Index(
                fields=["tenant", "expires_at"],
                name="grants_that_end",
                condition=models.Q(state="GRANTED", expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state} at {self.at:%Y-%m-%d %H:%M}"

    def veil(self, eyes: Eyes) -> None:
        value = self.__dict__.get("value")
        left = masking.masked_identifier(self.kind, value, eyes.masks) if value else value
        if left != value:
            self.__dict__["value"], self.masked = left, frozenset({"value"})

    @property
    def said(self) -> tuple[Stamp, Consent]:
        """The statement as customers.consent folds it."""
        stamp = Stamp.of(self.source, self.event_id, self.at, tier=self.tier, version=self.version)
        return stamp._replace(rank=self.rank), Consent(
            self.channel, State(self.state), self.given_at, self.reason, self.purpose, self.club_ref,
            expires_at=self.expires_at,
        )  # fmt: skip


class SuppressionReason(models.TextChoices):
    ERASED = "ERASED", _("Asked to be forgotten")
    MANUAL = "MANUAL", _("Put in by hand")
    HARD_BOUNCE = "HARD_BOUNCE", _("A message came back for good")
    SOFT_BOUNCES = "SOFT_BOUNCES", _("Messages came back again and again")
    INVALID = "INVALID", _("There is no such address")
    COMPLAINT = "COMPLAINT", _("Reported a message as spam")
    CARRIER = "CARRIER", _("Blocked by the network after STOP")
    UNSUBSCRIBED = "UNSUBSCRIBED", _("Unsubscribed")
    PAUSED = "PAUSED", _("Wants a rest for some time")


class Suppression(TenantModel):
    """An identifier that must not be written to, kept as a keyed hash: it outlives the erasure of its owner.

    Whoever is recognised by one that was ERASED has their marketing off, whatever a source says, until an Admin lifts
    it; the others are heeded by the gate of sending. channel, purpose, club_ref: what it is about; blank = all.
    source: what told us, such as a gateway; expires_at: when it ends by itself.
    """

    Reason = SuppressionReason

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    value_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=100)
    reason = models.CharField(max_length=12, choices=Reason.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices, blank=True, default="", db_default="")
    purpose = models.CharField(max_length=30, choices=Purpose.choices, blank=True, default="", db_default="")
    club_ref = models.CharField(max_length=100, blank=True, default="", db_default="")
    source = models.CharField(max_length=50, blank=True, default="", db_default="")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "value_hash", "reason", "channel", "purpose", "club_ref"],
                condition=models.Q(lifted_at=None),
                name="suppressed_once",
            ),
            one_of("reason", SuppressionReason, name="suppression_reason"),
            one_of("channel", Channel, name="suppression_channel", or_blank=True),
            one_of("purpose", Purpose, name="suppression_purpose", or_blank=True),
        ]
        indexes = [models.Index(fields=["tenant", "-at"], name="suppressions_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.at:%Y-%m-%d}"


class PlatformComplaint(models.Model):
    """An address whose owner reported somebody's message as spam: no tenant sends marketing to it.

    Of nobody's: a hash by a key of the platform, and nothing of who wrote what to whom.
    """

    value_hash = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"
