"""Custom fields: defining them, reading what is written to them, finding people by them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import JSONField, Q, Value
from django.db.models.fields.json import KeyTransform, KeyTransformGte, KeyTransformLte
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.errors import (
    BusinessRule,
    Conflict,
    Detail,
    DuplicateResource,
    NotFound,
    UnknownField,
    ValidationFailed,
)
from crm.sizes import MAP_WORDS, fits
from crm.tenancy import audit
from crm.tenancy.models import Tenant
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition
from customers.custom_values import RANGED, Unusable, from_text, normal
from customers.models import CustomerProfile, CustomField
from customers.models.custom import MOST_FIELDS, MOST_LISTED

WIRE = "customFields"
FILLED = ~Q(custom_fields={})  # the index leaves out everybody who has none
BOUNDS: dict[str, Any] = {"min": KeyTransformGte, "max": KeyTransformLte}


class CustomFieldNotFound(NotFound):
    """There is no custom field with this id."""

    code = "CUSTOM_FIELD_NOT_FOUND"


class CustomFieldInUse(Conflict):
    """Customers have a value in this field. Archive it: it takes no more values, and those there are stay."""

    code = "CUSTOM_FIELD_IN_USE"


class TooManyCustomFields(BusinessRule):
    """There are as many custom fields as there can be. Archive one first."""

    code = "TOO_MANY_CUSTOM_FIELDS"


# --- what there is
def definitions() -> dict[str, CustomField]:
    """The tenant's fields by key, archived ones too, in the order of their labels. One statement."""
    return {field.key: field for field in CustomField.objects.all()}


def find_field(pk: UUID) -> CustomField:
    """Raises CustomFieldNotFound."""
    field: CustomField | None = CustomField.objects.filter(pk=pk).first()
    if field is None:
        raise CustomFieldNotFound
    return field


@transaction.atomic
def define(fields: Mapping[str, Any], *, by: str) -> CustomField:
    """Add a field. Raises DuplicateResource, TooManyCustomFields, ValidationFailed."""
    _one_at_a_time()
    field = CustomField(tenant=current_tenant(), created_by=by, **fields)
    _clean(field)
    taken = CustomField.objects.filter(key__iexact=field.key).values_list("key", flat=True).first()
    if taken is not None:  # keys that differ in capitals only would be taken for each other
        raise DuplicateResource(f"There is a custom field “{taken}” already.")
    _leave_room()
    _leave_column(field)
    field.save()
    after = described(field)
    audit.record("customfield.added", by=by, object_type="customfield", object_id=field.pk, after=after)
    return field


@transaction.atomic
def redefine(pk: UUID, changes: Mapping[str, Any], *, by: str, if_match: Condition = ANY) -> CustomField:
    """Change what a field is called, offers or asks for. `archived` is a flag here.

    Values that are no longer among the choices stay until somebody writes another.
    Raises CustomFieldNotFound, PreconditionFailed, TooManyCustomFields, ValidationFailed.
    """
    _one_at_a_time()
    field = find_field(pk)
    if_match.check(field.etag)
    before = described(field)
    plain = dict(changes)
    archived = plain.pop("archived", None)
    if archived is False and field.archived_at:
        _leave_room()
        field.archived_at = None
    elif archived and not field.archived_at:
        field.archived_at = timezone.now()
    for name, value in plain.items():
        setattr(field, name, value)
    _clean(field)
    _leave_column(field)
    field.save()
    if before != (after := described(field)):
        audit.record(
            "customfield.changed", by=by, object_type="customfield", object_id=pk, before=before, after=after
        )
    return field


@transaction.atomic
def remove(pk: UUID, *, by: str, if_match: Condition = ANY) -> None:
    """Take away a field that nobody has a value in.

    Raises CustomFieldNotFound, CustomFieldInUse, PreconditionFailed.
    """
    _one_at_a_time()
    field = find_field(pk)
    if_match.check(field.etag)
    if CustomerProfile.objects.filter(FILLED, custom_fields__has_key=field.key).exists():
        raise CustomFieldInUse
    audit.record(
        "customfield.deleted", by=by, object_type="customfield", object_id=pk, before=described(field)
    )
    CustomField.objects.filter(pk=pk).delete()


def described(field: CustomField) -> dict[str, Any]:
    """A definition as the audit log keeps it."""
    names = ("key", "label", "type", "choices", "is_required", "help_text", "is_listed")
    return {name: getattr(field, name) for name in names} | {"archived": field.archived_at is not None}


def _one_at_a_time() -> None:
    """Definitions change one after the other, so that what is counted and looked for stays true. One statement."""
    list(Tenant.objects.select_for_update(no_key=True).filter(pk=current_tenant().pk).values("pk"))


def _leave_room() -> None:
    if CustomField.objects.live().count() >= MOST_FIELDS:
        raise TooManyCustomFields


def _leave_column(field: CustomField) -> None:
    """A list with a column for everything is read by nobody."""
    if field.is_listed and CustomField.objects.listed().exclude(pk=field.pk).count() >= MOST_LISTED:
        message = _("There are %d columns already: take one out of the list first.") % MOST_LISTED
        raise ValidationFailed(details=[Detail("showInList", "INVALID_FIELD", message)])


def _clean(field: CustomField) -> None:
    try:
        field.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        wire = {"is_required": "required", "help_text": "helpText"}
        details = [
            Detail(wire.get(name, name), "INVALID_FIELD", text)
            for name, texts in error.message_dict.items()
            for text in texts
        ]
        raise ValidationFailed(details=details) from None


# --- what is written to them
def checked(values: Mapping[str, Any] | None, *, is_new: bool) -> dict[str, Any]:
    """Raw values by key as they are kept: None clears a key, None altogether clears every one. One statement.

    is_new: of a person just being added, who must have what is required.
    Raises UnknownField for keys that are not defined, ValidationFailed for values that are none of their type,
    naming each as customFields.<key>.
    """
    known = definitions()
    region = current_tenant().region
    wanted = dict.fromkeys(known) if values is None else values
    unknown = [
        Detail(f"{WIRE}.{key}", "UNKNOWN_FIELD", "no custom field has this key")
        for key in wanted
        if key not in known
    ]
    if unknown:
        raise UnknownField(details=unknown)
    kept: dict[str, Any] = {}
    problems: list[Detail] = []
    for key, value in wanted.items():
        field = known[key]
        try:
            kept[key] = normal(field.type, value, field.frame(region))
        except Unusable as error:
            problems.append(Detail(f"{WIRE}.{key}", "INVALID_FIELD", str(error)))
            continue
        if kept[key] is not None and field.archived_at:
            problems.append(Detail(f"{WIRE}.{key}", "INVALID_FIELD", "is archived: it takes no more values"))
    problems += _missing(known, kept, is_new=is_new, asked={detail.field for detail in problems})
    if problems:
        raise ValidationFailed(details=problems)
    return kept


def _missing(
    known: Mapping[str, CustomField], kept: Mapping[str, Any], *, is_new: bool, asked: set[str]
) -> Iterator[Detail]:
    """What is required and left out of a new person, or taken from one there is."""
    for key, field in known.items():
        named = f"{WIRE}.{key}"
        is_absent = kept.get(key) is None and (is_new or key in kept)
        if field.is_required and not field.archived_at and is_absent and named not in asked:
            yield Detail(named, "MISSING_FIELD", "is required")


def total(values: Mapping[str, Any], writes: Mapping[str, Any]) -> None:
    """Raise ValidationFailed where what somebody has, with what is written to it, would be too large."""
    if not fits({key: value for key, value in {**values, **writes}.items() if value is not None}):
        raise ValidationFailed(details=[Detail(WIRE, "INVALID_FIELD", f"in all {MAP_WORDS}")])


# --- who has what
def require_defined(paths: Sequence[str]) -> None:
    """Raise UnknownField for each customFields.<key> of a list of fields that has no such key, as fields[n].

    One statement, where there is one of them.
    """
    keys = {path: path.removeprefix(f"{WIRE}.") for path in paths if path.startswith(f"{WIRE}.")}
    known = (
        set(CustomField.objects.filter(key__in=keys.values()).values_list("key", flat=True)) if keys else ()
    )
    unknown = [
        Detail(f"fields[{number}]", "UNKNOWN_FIELD", f"there is no “{path}” here")
        for number, path in enumerate(paths)
        if path in keys and keys[path] not in known
    ]
    if unknown:
        raise UnknownField(details=unknown)


def condition(filters: Mapping[str, Sequence[str]]) -> Q:
    """People whose custom fields are what the texts say: {"size": ["L", "XL"], "since.min": ["2020-01-01"]}.

    Several texts mean any of them. One statement.
    Raises UnknownField, ValidationFailed, naming each as customFields.<key>.
    """
    known = definitions()
    found, unknown, problems = FILLED, [], []
    for name, texts in filters.items():
        key, _, bound = name.partition(".")
        field = known.get(key)
        if field is None or bound not in ("", *BOUNDS):
            unknown.append(Detail(f"{WIRE}.{name}", "UNKNOWN_FIELD", "no custom field has this key"))
            continue
        try:
            found &= _one(field, bound, texts)
        except Unusable as error:
            problems.append(Detail(f"{WIRE}.{name}", "INVALID_FIELD", str(error)))
    if unknown:
        raise UnknownField(details=unknown)
    if problems:
        raise ValidationFailed(details=problems)
    return found


def equals(field: CustomField, value: Any) -> Q:
    """People who have this value, of several choices among others."""
    return FILLED & Q(custom_fields__contains={field.key: [value] if field.type == "MULTI_ENUM" else value})


def _one(field: CustomField, bound: str, texts: Sequence[str]) -> Q:
    frame = field.frame(current_tenant().region)
    values = [normal(field.type, from_text(field.type, text), frame) for text in texts]
    if None in values or not values:
        raise Unusable("must not be empty")
    if not bound:
        any_of = Q()
        for value in values:
            any_of |= Q(custom_fields__contains={field.key: value})
        return any_of
    if field.type not in RANGED or len(values) > 1:
        raise Unusable("takes one value" if field.type in RANGED else "is of a type without an order")
    return Q(BOUNDS[bound](KeyTransform(field.key, "custom_fields"), Value(values[0], JSONField())))
