"""What people and machines did with a message, and what it brought."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import CampaignRun
from campaigns.models.message import Message
from campaigns.models.template import TemplateContent
from crm.tenancy.models import TenantForeignKey, TenantModel
from crm.tenancy.models.checks import currency_code, one_of
from segments.models.derived import DerivedKey


class InteractionKind(models.TextChoices):
    SENT = "SENT", _("Sent")
    DELIVERED = "DELIVERED", _("Delivered")
    OPENED = "OPENED", _("Opened")
    CLICKED = "CLICKED", _("Clicked")
    BOUNCED = "BOUNCED", _("Bounced")
    COMPLAINED = "COMPLAINED", _("Reported as spam")
    UNSUBSCRIBED = "UNSUBSCRIBED", _("Unsubscribed")
    REPLIED = "REPLIED", _("Replied")


class Link(TenantModel):
    """An address in the words of a template, by its place in them. What leads there is `url`, with Liquid left in."""

    id = models.BigAutoField(primary_key=True)
    content = TenantForeignKey(TemplateContent, models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=2000)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="link_tenant_key"),
            models.UniqueConstraint(fields=["tenant", "content", "position"], name="link_once"),
        ]

    def __str__(self) -> str:
        return self.url


class Interaction(TenantModel):
    """One thing that was done with a message. Everything is kept; what machines did is marked.

    key:      by which it is known again: the provider's id of the event, or what makes it one of ours.
    is_human: null until enough is known to tell; why: what spoke for a machine.
    """

    id = models.BigAutoField(primary_key=True)
    message = DerivedKey(Message, related_name="+")
    kind = models.CharField(max_length=12, choices=InteractionKind.choices)
    key = models.CharField(max_length=200)
    at = models.DateTimeField()
    link = TenantForeignKey(Link, null=True, related_name="+")
    is_human = models.BooleanField(null=True)
    why = models.CharField(max_length=60, blank=True)
    network = models.CharField(
        max_length=45, blank=True, help_text="The network it came from, not the address."
    )
    user_agent = models.CharField(max_length=300, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "message", "kind", "key"], name="interaction_once"),
            one_of("kind", InteractionKind, name="interaction_kind"),
        ]
        indexes = [
            models.Index(fields=["tenant", "at"], name="interactions_by_time"),
            models.Index(
                fields=["tenant", "at"],
                name="interactions_to_judge",
                condition=models.Q(is_human=None, kind__in=["OPENED", "CLICKED"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"


class Conversion(TenantModel):
    """Something that a person did after a message and that is put down to it: the last one they clicked or opened.

    kind, key: the fact it is, such as an order and its id; each counts for one message only.
    reversed_at: it was cancelled or refunded since; refunded_cents: how much of it.
    """

    id = models.BigAutoField(primary_key=True)
    message = DerivedKey(Message, related_name="+")
    run = DerivedKey(CampaignRun, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=200)
    amount_cents = models.BigIntegerField(default=0)
    refunded_cents = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "key"], name="conversion_once"),
            currency_code(name="conversion_currency", or_blank=False),
        ]
        indexes = [models.Index(fields=["tenant", "run"], name="conversions_of_run")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
