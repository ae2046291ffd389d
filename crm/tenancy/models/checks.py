"""What a column may hold, said to the database: raw SQL and a forgotten validation can't break it either."""

from typing import Any

from django.db.models import CharField, CheckConstraint, F, Func, Q, TextChoices
from django.db.models.functions import Collate, Lower
from django.db.models.lookups import Exact


def one_of(field: str, choices: type[TextChoices], *, name: str, or_blank: bool = False) -> CheckConstraint:
    values = [*choices.values, *([""] if or_blank else [])]
    return CheckConstraint(condition=Q(**{f"{field}__in": values}), name=name)


def within(field: str, least: int, most: int, *, name: str) -> CheckConstraint:
    """A number between both, or none."""
    return CheckConstraint(condition=Q(**{f"{field}__gte": least, f"{field}__lte": most}), name=name)


def currency_code(field: str = "currency", *, name: str, or_blank: bool = True) -> CheckConstraint:
    return _like(field, r"^[A-Z]{3}$", name, or_blank)


def country_code(field: str = "country", *, name: str, or_blank: bool = True) -> CheckConstraint:
    return _like(field, r"^[A-Z]{2}$", name, or_blank)


def lower_case(field: str, *, name: str) -> CheckConstraint:
    """No capitals of ASCII; what others have is their language's affair."""
    return CheckConstraint(condition=Q(**{field: Lower(Collate(field, "C"))}), name=name)


def is_map(field: str, *, name: str) -> CheckConstraint:
    """A JSON object, whose keys can be asked for."""
    kind: Any = Func(F(field), function="jsonb_typeof", output_field=CharField())
    return CheckConstraint(condition=Exact(kind, "object"), name=name)


def _like(field: str, pattern: str, name: str, or_blank: bool) -> CheckConstraint:
    condition = Q(**{f"{field}__regex": pattern})
    return CheckConstraint(condition=condition | Q(**{field: ""}) if or_blank else condition, name=name)
