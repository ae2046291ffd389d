"""The JSON Schema of rules, made from the tables that the parser goes by. Pure."""

from typing import Any

from segments.operators import OPERATORS, Operator, Shape
from segments.periods import Period, Unit
from segments.rules import DEEPEST, MOST_LEAVES, MOST_STEPS
from segments.trees import Function
from segments.values import LONGEST, MOST_VALUES
from segments.vocabulary import Vocabulary

ADDRESS = "https://json-schema.org/draft/2020-12/schema"
_ONE = {"type": ["string", "number", "boolean"], "maxLength": LONGEST}
_UNITS = [unit.value for unit in Unit]
_LENGTH = {
    "type": "object", "required": ["amount", "unit"], "additionalProperties": False,
    "properties": {"amount": {"type": "integer", "minimum": 0}, "unit": {"enum": _UNITS}},
}  # fmt: skip
_PERIOD = {"enum": [period.value for period in Period]}
_VALUES: dict[Shape, Any] = {
    Shape.ONE: _ONE,
    Shape.MANY: {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MOST_VALUES},
    Shape.PAIR: {"type": "array", "items": _ONE, "minItems": 2, "maxItems": 2},
    Shape.COUNT: {"type": "integer", "minimum": 1},
    Shape.PATTERN: {"type": "string", "minLength": 1, "maxLength": 100},
    Shape.LENGTH: _LENGTH,
    Shape.BETWEEN: {
        "type": "object", "required": ["from", "to", "unit"], "additionalProperties": False,
        "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}, "unit": {"enum": _UNITS}},
    },
    Shape.PERIOD: _PERIOD,
    Shape.AROUND: {
        "type": "object", "required": ["from", "to"], "additionalProperties": False,
        "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}},
    },
}  # fmt: skip


def schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """What rules look like in their one spelling, with the fields and relations there are.

    Which operators a field has, and what their values may be, the parser says; this says their shape.
    """
    fields = _names(vocabulary)
    return {
        "$schema": ADDRESS,
        "title": "Rules of a segment",
        "description": f"Groups may be nested {DEEPEST} deep, with {MOST_LEAVES} rules in all.",
        "$ref": "#/$defs/group",
        "$defs": {
            "group": _group([{"$ref": f"#/$defs/{name}"} for name in ("group", "field", "rows", "sequence")]),
            "field": _field(
                {"anyOf": fields}, {"for": _LENGTH, "seed": {"type": "string", "maxLength": 100}}
            ),
            "where": _group([{"$ref": "#/$defs/where"}, {"$ref": "#/$defs/fieldOfRow"}]),
            "fieldOfRow": _field({"type": "string"}, {}),
            "rows": _rows(list(vocabulary.relations)),
            "sequence": _sequence(list(vocabulary.relations)),
        },
    }


def _names(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    names = [field.name for field in vocabulary.words.fields.values()]
    maps = [f"^{prefix.replace('.', chr(92) + '.')}.+$" for prefix in vocabulary.words.makers]
    return [{"enum": names}, *({"type": "string", "pattern": pattern} for pattern in maps)]


def _group(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["combinator", "rules"],
        "additionalProperties": False,
        "properties": {
            "combinator": {"enum": ["AND", "OR"]},
            "not": {"type": "boolean", "default": False},
            "rules": {"type": "array", "items": {"anyOf": rules}, "minItems": 1, "maxItems": MOST_LEAVES},
        },
    }


def _by_shape(properties: dict[str, Any], required: list[str]) -> list[dict[str, Any]]:
    """One alternative for each shape of a value, with the operators that take it."""
    shapes: dict[Shape, list[Operator]] = {}
    for operator in OPERATORS.values():
        shapes.setdefault(operator.shape, []).append(operator)
    return [
        {
            "type": "object",
            "required": [*required, "operator", *(["value"] if shape in _VALUES else [])],
            "additionalProperties": False,
            "properties": {
                **properties,
                "operator": {"enum": [operator.name for operator in of_shape]},
                **({"value": _VALUES[shape]} if shape in _VALUES else {}),
            },
        }
        for shape, of_shape in shapes.items()
    ]


def _field(name: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": _by_shape({"field": name, **extra}, ["field"])}


def _rows(relations: list[str]) -> dict[str, Any]:
    measure = {
        "type": "object",
        "required": ["function"],
        "additionalProperties": False,
        "properties": {"function": {"enum": [one.value for one in Function]}, "of": {"type": "string"}},
    }
    return {"anyOf": _by_shape({**_filters(relations), "measure": measure}, ["relation"])}


def _filters(relations: list[str]) -> dict[str, Any]:
    return {
        "relation": {"enum": relations},
        "where": {"$ref": "#/$defs/where"},
        "within": {"anyOf": [_LENGTH, _PERIOD]},
    }


def _sequence(relations: list[str]) -> dict[str, Any]:
    step = {
        "type": "object",
        "required": ["relation"],
        "additionalProperties": False,
        "properties": {**_filters(relations), "not": {"type": "boolean"}},
    }
    return {
        "type": "object",
        "required": ["sequence"],
        "additionalProperties": False,
        "properties": {
            "sequence": {"type": "array", "items": step, "minItems": 2, "maxItems": MOST_STEPS},
            "same": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    }
