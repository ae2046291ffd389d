"""What staff and keys note down about a customer, in every version, and whom they mention."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantForeignKey, TenantModel, User, scoped, uuid7
from crm.tenancy.models.checks import one_of
from customers.models import CustomerProfile, Veiled

LONGEST = 20_000


class NoteType(models.TextChoices):
    GENERAL = "GENERAL", _("General")
    CALL = "CALL", _("Call")
    EMAIL = "EMAIL", _("E-mail")
    MEETING = "MEETING", _("Meeting")
    COMPLAINT = "COMPLAINT", _("Complaint")
    FOLLOW_UP = "FOLLOW_UP", _("Follow-up")


class Visibility(models.TextChoices):
    """Who may read a note besides its author: everybody, the named role and those above, or Admins alone."""

    ALL = "ALL", _("All staff")
    STAFF = "STAFF", _("Staff and up")
    MARKETING = "MARKETING", _("Marketing and up")
    ADMIN = "ADMIN", _("Admins")
    PRIVATE = "PRIVATE", _("Private")


class NoteQuerySet(models.QuerySet["Note"]):
    def kept(self) -> "NoteQuerySet":
        """Those that nobody deleted."""
        return self.filter(deleted_at=None)

    def readable(self, actor: str, levels: Collection[str]) -> "NoteQuerySet":
        """Those that `actor` wrote, or that are for one of the levels."""
        return self.filter(models.Q(visibility__in=levels) | models.Q(author=actor))


class NoteFields(Veiled, TenantModel):
    """What a writer says; a revision keeps all of it."""

    free_text = ("body",)

    type = models.CharField(max_length=9, choices=NoteType.choices, default=NoteType.GENERAL)
    body = models.TextField(help_text="Markdown; somebody mentioned is @[id].")
    visibility = models.CharField(max_length=9, choices=Visibility.choices, default=Visibility.ALL)
    is_pinned = models.BooleanField(default=False)
    due_on = models.DateField(null=True, blank=True, help_text="When to follow up; of follow-ups only.")

    class Meta(TenantModel.Meta):
        abstract = True


FIELDS = ("type", "body", "visibility", "is_pinned", "due_on")


class Note(NoteFields):
    """A note. `recorded_for` stays with the person it was written about, so that merging is one UPDATE."""

    written_by = "author"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = TenantForeignKey(CustomerProfile, related_name="+")
    recorded_for = models.UUIDField(editable=False)
    author = models.CharField(max_length=300, help_text="user:…, key:… or token:…")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True)
    edited_by = models.CharField(max_length=300, blank=True)
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    author_name: str  # where timeline.notes.with_names set them
    names: dict[str, str]

    objects: ClassVar[Any] = scoped(NoteQuerySet)

    class Meta(NoteFields.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="note_tenant_key"),
            one_of("type", NoteType, name="note_type"),
            one_of("visibility", Visibility, name="note_visibility"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "customer", "-is_pinned", "-created_at", "-id"],
                name="notes_of_customer",
                condition=models.Q(deleted_at=None),
            ),
            models.Index(
                fields=["tenant", "-created_at", "-id"],
                name="notes_by_time",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} note of {self.created_at:%Y-%m-%d}"

    @property
    def etag(self) -> str:
        return f'"{self.pk.hex}-{self.version}"'


class NoteRevision(NoteFields):
    """A note as it was from one edit to the next; the first one is the note as it was written."""

    written_by = "actor"

    note = TenantForeignKey(Note, models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    actor = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now)

    class Meta(NoteFields.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "note", "version"], name="note_revision_once")
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class NoteMention(TenantModel):
    """Somebody whom a note asks to look, and when they did."""

    note = TenantForeignKey(Note, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "note", "user"], name="mention_once")]
        indexes = [
            models.Index(fields=["tenant", "user"], name="mentions_unseen", condition=models.Q(seen_at=None)),
            models.Index(fields=["tenant", "user", "note"], name="mentions_of_user"),
        ]

    def __str__(self) -> str:
        return f"mention of {self.user_id}"


class NoteDraft(TenantModel):
    """What somebody is still writing: theirs alone, on the server, so that no browser keeps it.

    `about` is the note that is being edited, or the customer for a new one.
    """

    customer = TenantForeignKey(CustomerProfile, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="+")
    about = models.UUIDField()
    form = models.JSONField(default=dict)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "user", "about"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft about {self.about}"
