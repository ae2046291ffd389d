"""Staff accounts and what they may do in which tenant."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models.base import TenantModel, uuid7
from crm.tenancy.permissions import Right, Role


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A login. What it may do hangs on its memberships; a superuser is a platform operator."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail", unique=True)
    full_name = models.CharField(max_length=200, blank=True)

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.full_name or self.email

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.partition(" ")[0] or self.email


class StaffMembership(TenantModel):
    """A user's role in one tenant, for all of its clubs or for some."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=9, choices=Role.choices)
    club_ids = ArrayField(
        models.UUIDField(), default=list, blank=True, help_text="Empty = every club of the tenant."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name, verbose_name_plural = _("member of staff"), _("members of staff")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"

    @property
    def rights(self) -> frozenset[Right]:
        """The role's; the settings are the whole group's, so an Admin of some clubs leaves them alone."""
        return Role(self.role).rights - ({Right.ADMINISTER} if self.club_ids else frozenset())

    def may(self, right: Right) -> bool:
        return right in self.rights


class Invitation(TenantModel):
    """An open door for one person, until they come in, it is closed, or seven days are over.

    Only a hash of the link's token is kept; it has 256 bits, so there is nothing to guess. Sending it again makes
    a new token.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail")
    full_name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=9, choices=Role.choices)
    club_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=254, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"], name="one_open_invitation",
                condition=models.Q(accepted_at=None, revoked_at=None),
            ),
            models.UniqueConstraint(
                fields=["token_hash"], name="invitation_token_once", condition=~models.Q(token_hash="")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def is_open(self) -> bool:
        return not self.accepted_at and not self.revoked_at and timezone.now() < self.expires_at
