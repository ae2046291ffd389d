"""API keys, and the calls that were made with an Idempotency-Key."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from crm.tenancy.masks import ROLES
from crm.tenancy.models.base import TenantModel, uuid7
from crm.tenancy.permissions import Scope

STAMP_EVERY = timedelta(minutes=1)


class ApiKey(TenantModel):
    """A credential of an integrator: `fw_<prefix>_<secret>`, of which only a hash is kept.

    The secret has 256 bits from a CSPRNG, so a plain SHA-256 is enough to store it: there is nothing to guess.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=[(s.value, s.value) for s in Scope]), default=list
    )
    sources = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Event sources it may send; empty = all.",
    )
    sees_as = models.CharField(
        max_length=9,
        choices=[(role.value, role.label) for role in ROLES],
        blank=True,
        help_text="Role whose masks hold for it; empty = it sees everything.",
    )
    limits = models.JSONField(
        default=dict, blank=True, help_text="Requests a minute, where they differ: {“events”: 6000}."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=254, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} (fw_{self.prefix}_…)"

    @classmethod
    def issue(cls, *, name: str, scopes: list[str], **fields: Any) -> tuple["ApiKey", str]:
        """Make a key in the open scope's tenant; the second value is the key itself, shown this once."""
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = cls(name=name, scopes=scopes, prefix=prefix, secret_hash=cls.digest(secret), **fields)
        key.full_clean()
        key.save()
        return key, f"fw_{prefix}_{secret}"

    @staticmethod
    def digest(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    def opens_with(self, secret: str, *, now: datetime) -> bool:
        """Does this secret open the key, and is the key still good?"""
        right = secrets.compare_digest(self.secret_hash, self.digest(secret))
        return right and self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def stamp_use(self, *, now: datetime) -> None:
        """Remember the use, at most once a minute: a busy key must not become a hot row."""
        if self.last_used_at is None or now - self.last_used_at > STAMP_EVERY:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)

    def rotate(self, *, overlap: timedelta, by: str = "") -> tuple["ApiKey", str]:
        """Issue a successor with the same rights; this key goes on for `overlap`, never longer than before."""
        until = timezone.now() + overlap
        self.expires_at = min(self.expires_at, until) if self.expires_at else until
        self.save(update_fields=["expires_at"])
        return self.issue(
            name=self.name, scopes=self.scopes, sources=self.sources, sees_as=self.sees_as, limits=self.limits,
            tenant=self.tenant, created_by=by,
        )  # fmt: skip

    def revoke(self) -> None:
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())


class IdempotentCall(TenantModel):
    """The first answer to a write with an Idempotency-Key, replayed for 24 hours."""

    caller = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "caller", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_call_age")]
