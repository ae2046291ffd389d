"""Which personal data a role sees whole, in part or not at all.

A club group decides it for the roles that edit nobody: who writes a field must see what stands in it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from crm.tenancy.permissions import Right, Role


class Personal(StrEnum):
    """A kind of personal data that can be kept from a role."""

    EMAIL = "email"
    PHONE = "phone"
    BIRTH_DATE = "birthDate"
    IDENTIFIERS = "identifiers"
    INTERNAL_NOTES = "internalNotes"
    CUSTOM_FIELDS = "customFields"
    SCORES = "scores"


class Level(StrEnum):
    SHOWN = "SHOWN"
    MASKED = "MASKED"
    HIDDEN = "HIDDEN"


Masks = Mapping[Personal, Level]  # what is not in it is shown
Rules = Mapping[str, Mapping[str, str]]  # role -> personal data -> level, as a tenant keeps them

IN_PART = {Personal.EMAIL, Personal.PHONE, Personal.BIRTH_DATE, Personal.IDENTIFIERS}
ROLES = tuple(role for role in Role if Right.EDIT not in role.rights)
DEFAULTS: dict[Role, dict[Personal, Level]] = {
    Role.STAFF: {Personal.INTERNAL_NOTES: Level.HIDDEN, Personal.SCORES: Level.HIDDEN},
    Role.VIEWER: {
        kind: Level.MASKED if kind in IN_PART else Level.HIDDEN for kind in Personal
    },
}  # fmt: skip


def levels_of(kind: Personal) -> tuple[Level, ...]:
    """The levels that a kind of data can have; of text and numbers there is no part that says nothing."""
    return tuple(Level) if kind in IN_PART else (Level.SHOWN, Level.HIDDEN)


def masks_of(role: str | None, rules: Rules) -> Masks:
    """What is kept from a role by a tenant's rules, its defaults where they say nothing. None = an integrator."""
    if role not in ROLES:
        return {}
    levels = {**DEFAULTS[Role(role)], **{Personal(k): Level(v) for k, v in rules.get(role, {}).items()}}
    return {kind: level for kind, level in levels.items() if level is not Level.SHOWN}


def problems(rules: Any) -> list[str]:
    """What is wrong with rules that somebody sends, each naming what and where."""
    if not isinstance(rules, dict):
        return ["Masks are a map of roles."]
    found = []
    for role, levels in rules.items():
        if role not in ROLES:
            found.append(f"{role}: only {' and '.join(ROLES)} can be kept from seeing something.")
        elif not isinstance(levels, dict):
            found.append(f"{role}: must be a map of personal data to a level.")
        else:
            found += [
                f"{role}.{name}: {words}"
                for name, level in levels.items()
                if (words := _problem(name, level))
            ]
    return found


def _problem(name: str, level: Any) -> str:
    if name not in set(Personal):
        return f"there is no such personal data; there are {', '.join(Personal)}."
    allowed = levels_of(Personal(name))
    return "" if level in set(allowed) else f"must be one of {', '.join(allowed)}."
