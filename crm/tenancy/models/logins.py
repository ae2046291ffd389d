"""How an account is entered besides its password: second factor, recovery codes, and where it is logged in now."""

from django.db import models

from crm.encryption import EncryptedTextField
from crm.tenancy.models.base import uuid7
from crm.tenancy.models.staff import User


class SecondFactor(models.Model):
    """An authenticator app (TOTP) of an account; on once its first code was given."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    secret = EncryptedTextField(help_text="Base32.")
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="Of the last code taken: none works twice.")
    failures = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code for the day the phone is lost; each works once. It has 80 bits, so its plain hash gives nothing away."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class LoginSession(models.Model):
    """A browser in which an account is logged in, for its owner to recognise and end."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=300, blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return f"login of {self.user_id}"
