"""Strict input: every field says what it takes, nothing unknown is passed over, JSON types are meant."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from crm import moments
from crm.errors import TenantMismatch
from crm.sizes import MAP_WORDS, fits
from crm.tenancy.scope import current_tenant

BIGGEST = 2**53 - 1
KEY = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")  # of what a tenant defines


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not have, naming each; also inside of other serializers."""

    def to_internal_value(self, data: Any) -> Any:
        problems: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = {field.field_name for field in self._writable_fields}
            words = [ErrorDetail("is not known here", code="unknown")]
            problems = {str(name): words for name in data if name not in known}
        try:
            value = super().to_internal_value(data)
        except ValidationError as exc:
            problems |= exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
        if problems:
            raise ValidationError(problems)
        return value


class Query(StrictSerializer):
    """Query parameters; the tenant may be named, and must then be the credential's."""

    tenantId = serializers.CharField(required=False, help_text="Slug or UUID of the credential's tenant.")


class Nothing(StrictSerializer):
    """The body of a call that needs none."""

    tenantId = serializers.CharField(required=False)


class Text(serializers.CharField):
    """Text, and not a number that could be read as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class Email(Text):
    """An address; whether it is one is decided where it is read."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)


class Flag(serializers.BooleanField):
    """true or false, not words for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole number that every JSON reader can hold."""

    def __init__(self, *, min_value: int = -BIGGEST, max_value: int = BIGGEST, **options: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(super().to_internal_value(int(data)))


class Moment(serializers.DateTimeField):
    """A moment in ISO 8601, of a year that somebody could mean; without an offset it is UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="ISO 8601")
        moment: datetime = super().to_internal_value(value)
        if not moments.is_plausible(moment):
            raise ValidationError(f"must be {moments.WORDS}", code="INVALID_FIELD")
        return moment


class Day(serializers.DateField):
    """A calendar day, YYYY-MM-DD, of a year that somebody could mean."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        day = super().to_internal_value(value)
        if not moments.is_plausible(day):
            raise ValidationError(f"must be a day {moments.WORDS}", code="INVALID_FIELD")
        return day


@extend_schema_field({})
class AnyJson(serializers.JSONField):
    """Whatever JSON holds, null among it: in the document a schema that everything fits."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class FreeMap(serializers.JSONField):
    """An object whose keys are the sender's own: nothing in it is renamed. Of bounded size, written as JSON."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValidationError("must be an object", code="not_a_dict")
        if not fits(data):
            raise ValidationError(MAP_WORDS, code="INVALID_FIELD")
        return super().to_internal_value(data)


@extend_schema_field(
    {"type": ["string", "integer"], "minLength": 1, "maxLength": 200, "pattern": r"\S", "maximum": BIGGEST}
)
class Identifier(serializers.Field[Any, Any, Any, Any]):
    """An identifier of a system, text or a whole number; what is usable is decided where it is looked up."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, str | int):
            raise ValidationError("must be text or a whole number", code="invalid")
        if isinstance(data, int) and abs(data) > BIGGEST:
            raise ValidationError(f"as a number is at most {BIGGEST}: write it as text", code="INVALID_FIELD")
        text = str(data).strip()
        if not 0 < len(text) <= 200:
            raise ValidationError("must have 1 to 200 characters", code="invalid")
        return text

    def to_representation(self, value: Any) -> Any:
        return value


class Uuid(serializers.UUIDField):
    """A UUID as text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "integer"]}})
class Identifiers(serializers.DictField):
    """Identifiers by the name of their system."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Identifier(), **options)


class Dotted(serializers.DictField):
    """Query parameters that share the beginning of their names: name.key=…, each given once or more."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.ListField(child=Text(max_length=500, allow_blank=True)), **options)


class AnyOf(serializers.MultipleChoiceField):
    """Some of a few values; as a query parameter, separated by commas or given again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty=False, **options)

    def to_internal_value(self, data: Any) -> Any:
        return sorted(super().to_internal_value(data))


class Name(serializers.ChoiceField):
    """One of the names that a list offers."""

    def to_internal_value(self, data: Any) -> Any:
        if data not in self.choices:
            raise ValidationError(f"there is no “{data}” here", code="unknown")
        return data


class NameOrKey(Name):
    """One of the names that a list offers, or map.key of one that is a map with keys of the tenant's own."""

    def __init__(self, *, maps: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self.maps = maps
        pattern = rf"^({'|'.join(maps)})\.{KEY.pattern}$"
        names = {"type": "string", "enum": list(self.choices)}
        set_override(self, "field", {"anyOf": [names, {"type": "string", "pattern": pattern}]})

    def to_internal_value(self, data: Any) -> Any:
        name, _dot, key = str(data).partition(".")
        return data if name in self.maps and KEY.fullmatch(key) else super().to_internal_value(data)


class Names(serializers.ListField):
    """Some of the names that a list offers, in the order given; of `maps` among them, single keys too."""

    def __init__(self, choices: list[str], *, maps: Sequence[str] = (), **options: Any) -> None:
        child = NameOrKey(choices=choices, maps=maps) if maps else Name(choices=choices)
        super().__init__(child=child, required=False, allow_empty=False, **options)


class Stretch(StrictSerializer):
    """A stretch of time: `from` is inclusive, `to` exclusive, and not before it."""

    to = Moment(required=False, source="until")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        since, until = attrs.get("since"), attrs.get("until")
        if since and until and since > until:
            raise ValidationError(
                {"from": "must not be after “to”", "to": "must not be before “from”"}, code="INVALID_FIELD"
            )
        return attrs

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": Moment(required=False, source="since")}


def check_tenant(*named: Any) -> None:
    """Raise TenantMismatch when a request names another tenant than its credential's."""
    tenant = current_tenant()
    for name in named:
        if name is not None and (
            not isinstance(name, str) or (name != tenant.slug and name.lower() != str(tenant.pk))
        ):
            raise TenantMismatch
