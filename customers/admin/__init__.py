"""Staff pages about people: the list, a person's page, duplicates, and what sources told about them."""

from customers.admin import (
    blocks,
    consents,
    custom,
    duplicates,
    facts,
    history,
    household,
    identity,
    people,
    privacy,
    tagging,
)
from customers.admin.tabs import Panel, tab

__all__ = [
    "Panel",
    "blocks",
    "consents",
    "custom",
    "duplicates",
    "facts",
    "history",
    "household",
    "identity",
    "people",
    "privacy",
    "tab",
    "tagging",
]
