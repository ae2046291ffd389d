"""Rows as the person who looks may see them: what their role's masks keep back never leaves the database layer."""

from typing import Any, ClassVar, Self

from django.db import models

from crm.tenancy.scope import Eyes, current_eyes, current_tenant
from customers import masking


class Veiled(models.Model):
    """A row with personal data; read under masks, it holds only what they leave (docs/decisions/0010-masks.md).

    free_text:  columns in which somebody may have written an e-mail address or a phone number.
    written_by: the column of who wrote in them, who may read their own words.
    """

    masked: frozenset[str] = frozenset()
    free_text: ClassVar[tuple[str, ...]] = ()
    written_by: ClassVar[str] = ""

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Self:
        row = super().from_db(db, field_names, values, **options)
        eyes = current_eyes()
        if eyes.masks:
            row.veil(eyes)
        return row

    def veil(self, eyes: Eyes) -> None:
        """Put what the masks leave in the place of what was read, and remember the columns."""
        left = masking.masked(self.__dict__, eyes.masks)
        self.__dict__.update(left)
        self.masked = frozenset(left)
        if self.free_text and not (self.written_by and self.__dict__.get(self.written_by) == eyes.actor):
            self.__dict__.update(
                {name: as_seen(self.__dict__[name]) for name in self.free_text if name in self.__dict__}
            )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises RuntimeError for a row of which only a part was read: the rest would be lost."""
        if self.masked:
            raise RuntimeError(f"{self._meta.label} was read under masks: {', '.join(sorted(self.masked))}")
        super().save(*args, **kwargs)


def as_seen(text: Any) -> Any:
    """Free text, or a map of it, for the eyes of the open request."""
    masks = current_eyes().masks
    return masking.scrubbed(text, masks, current_tenant().region) if masks else text
