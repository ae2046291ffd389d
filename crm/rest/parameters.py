"""Query parameters, read as strictly as a body: what they say, as the values that JSON would have for it."""

import re
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from crm.rest.serializers import Dotted, Flag, StrictSerializer, Whole

WHOLE = re.compile(r"-?[0-9]{1,18}")
IN_BRACKETS = re.compile(r"(\w+)\[([^\[\]]*)\]")
MOST_WORDS = 500  # values of one parameter


def split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def read_query(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """The query parameters of a request, validated. Raises ValidationError."""
    return read_parameters(request.query_params, serializer)


def read_parameters(params: QueryDict, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Query parameters, validated. Raises ValidationError; name[key]=… and name.key=… fill a map."""
    query = serializer(data=_plain(params, serializer))
    query.is_valid(raise_exception=True)
    found: dict[str, Any] = query.validated_data
    found.pop("tenantId", None)
    return found


def _plain(params: QueryDict, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Parameters as the values that a JSON body would have for the same fields."""
    fields = serializer().fields
    plain: dict[str, Any] = {}
    for name, values in params.lists():
        bracketed, field = IN_BRACKETS.fullmatch(name), fields.get(name)
        head, dot, key = name.partition(".")
        if bracketed and isinstance(fields.get(bracketed[1]), Dotted):
            says = f"is written {bracketed[1]}.{bracketed[2]}="
            raise ValidationError({name: [ErrorDetail(says, code="unknown")]})
        if bracketed and isinstance(fields.get(bracketed[1]), serializers.DictField):
            _into(plain, bracketed[1], bracketed[2], values[-1])
        elif dot and isinstance(fields.get(head), Dotted):
            _into(plain, head, key, values)
        elif isinstance(field, serializers.MultipleChoiceField | serializers.ListField):
            plain[name] = [word for value in values for word in split(value)]
            if len(plain[name]) > MOST_WORDS:
                raise ValidationError(
                    {name: [ErrorDetail(f"has more than {MOST_WORDS} values", code="INVALID_FIELD")]}
                )
        elif len(values) > 1:
            raise ValidationError({name: [ErrorDetail("is given more than once", code="INVALID_FIELD")]})
        else:
            plain[name] = _value(field, values[0])
    return plain


def _into(plain: dict[str, Any], name: str, key: str, value: Any) -> None:
    """Put an entry into a map, unless something else was given under the map's own name."""
    if isinstance(found := plain.setdefault(name, {}), dict):
        found[key] = value


def _value(field: Any, text: str) -> Any:
    if isinstance(field, Flag):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(field, Whole) and WHOLE.fullmatch(text):
        return int(text)
    return text
