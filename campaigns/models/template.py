"""What a message says: a template per channel, its words per language, every wording kept."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from crm.tenancy.models import Club, TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import is_map, one_of
from customers.models.consent import Channel


class TemplateQuerySet(models.QuerySet["MessageTemplate"]):
    def kept(self) -> "TemplateQuerySet":
        """Those that nobody archived."""
        return self.filter(archived_at=None)


class MessageTemplate(TenantModel):
    """Something to say on one channel, in as many languages as it was written in.

    key: of the ready-made template it was made from; blank otherwise.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    club = TenantForeignKey(Club, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    key = models.CharField(max_length=60, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=300, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[Any] = scoped(TemplateQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="template_tenant_key"),
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=models.Q(archived_at=None), name="template_name_once"
            ),
            one_of("channel", Channel, name="template_channel"),
        ]
        indexes = [models.Index(fields=["tenant", "channel"], name="templates_by_channel")]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        return f'"{self.pk.hex}-{self.version}"'


class TemplateContent(TenantModel):
    """The words of a template in one language, as they were at one time. Append-only: the greatest revision counts,
    and a message that was sent names the one it was made of.

    body:  MJML with Liquid of an e-mail, else the text with Liquid.
    html:  the body compiled once, Liquid left in it; empty on other channels.
    text:  the plain part of an e-mail, or the text of another channel, as it is filled in: links by their number.
    plain: the plain part of an e-mail as it was written; blank where it is made from the body.
    extra: what only a channel has: a push's link and image, the name of a WhatsApp template and its parameters.
    """

    id = models.BigAutoField(primary_key=True)
    template = TenantForeignKey(MessageTemplate, models.CASCADE, related_name="+")
    language = models.CharField(max_length=35)
    revision = models.PositiveIntegerField(default=1)
    subject = models.CharField(max_length=300, blank=True)
    preheader = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    html = models.TextField(blank=True, editable=False)
    text = models.TextField(blank=True, editable=False)
    plain = models.TextField(blank=True, default="", db_default="")
    extra = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="content_tenant_key"),
            models.UniqueConstraint(
                fields=["tenant", "template", "language", "revision"], name="content_revision_once"
            ),
            is_map("extra", name="content_extra_map"),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} in {self.language}, revision {self.revision}"
