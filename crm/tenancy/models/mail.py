"""Mail to staff: each one a row, which is what is to be sent, what became of it, and the message log."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from crm.encryption import EncryptedTextField
from crm.tenancy.models.base import uuid7

LINK = "{link}"


class StaffMail(models.Model):
    """One mail to one person. `text` says {link} where the secret link stands, which is encrypted apart.

    A link is a key to an account, so it is forgotten once a mail server has taken the mail; with the local
    gateway it stays until it has expired, since nobody else would have it. Mail about an account of several
    tenants, or of none, belongs to no tenant, and no Admin sees it.
    """

    class Kind(models.TextChoices):
        INVITATION = "INVITATION", "Invitation"
        PASSWORD = "PASSWORD", "New password"  # noqa: S105 - a kind of mail
        EMAIL = "EMAIL", "New e-mail address"
        NOTICE = "NOTICE", "Security notice"

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENT = "SENT", "Sent"
        FAILED = "FAILED", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenancy.Tenant", null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    to = models.EmailField("e-mail")
    subject = models.CharField(max_length=200)
    text = models.TextField()
    link = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(null=True, help_text="Of the link; no use in sending it later.")
    state = models.CharField(max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=timezone.now, help_text="When to try, or to look after a dead sender."
    )
    gateway = models.CharField(max_length=20, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ScopedManager(tenant="tenant")

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "staff mail"
        indexes = [
            models.Index(fields=["due_at"], name="staff_mail_due", condition=models.Q(state="QUEUED")),
            models.Index(fields=["tenant", "-created_at"], name="staff_mail_by_time"),
            models.Index(fields=["to", "kind", "-created_at"], name="staff_mail_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"

    @property
    def letter(self) -> str:
        """The text as its receiver reads it."""
        return self.text.replace(LINK, self.link)
