"""What a tenant keeps about people beyond the profile's own attributes."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import TenantModel, scoped, uuid7
from crm.versions import etag_of
from customers.custom_values import WITH_CHOICES, Frame

KEY = r"^[A-Za-z][A-Za-z0-9_]{0,63}\Z"
KEY_WORDS = _("must begin with a letter and have up to 64 letters, digits and _")
MOST_FIELDS, MOST_CHOICES, MOST_LISTED = 500, 200, 4


class CustomFieldQuerySet(models.QuerySet["CustomField"]):
    def live(self) -> "CustomFieldQuerySet":
        """Those that are filled in; what was once written to an archived one stays readable."""
        return self.filter(archived_at=None)

    def listed(self) -> "CustomFieldQuerySet":
        """The columns that staff read in the list of customers."""
        return self.live().filter(is_listed=True)


class CustomField(TenantModel):
    """A typed field of the tenant's own. The values lie in CustomerProfile.custom_fields, by key.

    Key and type stay for ever, since values are kept by them.
    """

    class Type(models.TextChoices):
        STRING = "STRING", _("Line of text")
        TEXT = "TEXT", _("Longer text")
        INT = "INT", _("Whole number")
        DECIMAL = "DECIMAL", _("Number")
        BOOL = "BOOL", _("Yes or no")
        DATE = "DATE", _("Date")
        DATETIME = "DATETIME", _("Date and time")
        ENUM = "ENUM", _("One of some choices")
        MULTI_ENUM = "MULTI_ENUM", _("Several of some choices")
        URL = "URL", _("Web address")
        EMAIL = "EMAIL", _("E-mail address")
        PHONE = "PHONE", _("Phone number")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=64, validators=[RegexValidator(KEY, KEY_WORDS)])
    label = models.CharField(max_length=100)
    type = models.CharField(max_length=10, choices=Type.choices, default=Type.STRING)
    choices = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    is_required = models.BooleanField(default=False)
    help_text = models.CharField(max_length=300, blank=True)
    is_listed = models.BooleanField(_("Column of the list"), default=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)

    objects: ClassVar[Any] = scoped(CustomFieldQuerySet)

    class Meta(TenantModel.Meta):
        ordering = ["label", "key"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="custom_field_key_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def etag(self) -> str:
        return etag_of(getattr(self, field.attname) for field in self._meta.concrete_fields)

    @property
    def has_choices(self) -> bool:
        return self.type in WITH_CHOICES

    def frame(self, region: str) -> Frame:
        """What its values are read within."""
        return Frame(self.choices, region)

    def clean(self) -> None:
        """Choices belong to the types that choose, each once."""
        self.choices = list(dict.fromkeys(word for one in self.choices or () if (word := one.strip())))
        if self.has_choices and not self.choices:
            raise ValidationError({"choices": _("Give at least one choice.")})
        if self.choices and not self.has_choices:
            raise ValidationError({"choices": _("A field of this type has no choices.")})
        if len(self.choices) > MOST_CHOICES:
            raise ValidationError({"choices": _("At most %d choices.") % MOST_CHOICES})
