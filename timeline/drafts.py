"""Drafts of notes: kept while somebody writes, for them alone, until they post or throw them away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from customers.models import CustomerProfile
from timeline.models import NoteDraft
from timeline.models.notes import LONGEST

KEPT = ("body", "type", "visibility", "is_pinned", "due_on", "version")
SHORT = 100


def save_draft(customer: CustomerProfile, user: Any, about: UUID, form: Mapping[str, str]) -> datetime | None:
    """Keep what `user` has written so far; nothing written is no draft. When it was saved. One statement.

    about: the note that is edited, or the customer for a new one.
    """
    if not form.get("body", "").strip():
        drop_draft(user, about)
        return None
    limits = {name: LONGEST if name == "body" else SHORT for name in KEPT}
    kept = {name: str(form[name]).replace("\0", "")[: limits[name]] for name in KEPT if name in form}
    now = timezone.now()
    NoteDraft.objects.bulk_create(
        [NoteDraft(tenant_id=customer.tenant_id, customer=customer, user=user, about=about, form=kept, saved_at=now)],
        update_conflicts=True, unique_fields=["tenant", "user", "about"], update_fields=["form", "saved_at"],
    )  # fmt: skip
    return now


def draft_of(user: Any, about: UUID) -> NoteDraft | None:
    draft: NoteDraft | None = NoteDraft.objects.filter(user=user, about=about).first()
    return draft


def drop_draft(user: Any, about: UUID) -> None:
    NoteDraft.objects.filter(user=user, about=about).delete()
