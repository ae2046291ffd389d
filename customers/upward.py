"""What apps above add to the customers' API: filters of the list, and parts of what is told of one customer.

They register here when they are loaded, as they register movers for merging; this app knows none of them by name.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from customers.models import CustomerProfile

Field = Callable[[], Any]


class Filter(NamedTuple):
    """field: makes the query parameter's serializer field. narrow: those of the people whom a value of it means."""

    field: Field
    narrow: Callable[[Any, Any], Any]


class Part(NamedTuple):
    """field: makes the reply's serializer field. told: what it says of a customer, as JSON."""

    field: Field
    told: Callable[[CustomerProfile], Any]


_filters: dict[str, Filter] = {}
_parts: dict[str, Part] = {}


def filters_customers(name: str, found: Filter) -> None:
    """Register a filter of the list, by its name on the wire."""
    _filters[name] = found


def tells_of_customers(name: str, part: Part) -> None:
    """Register a part of what is told of one customer, by its name on the wire."""
    _parts[name] = part


def filters() -> Mapping[str, Filter]:
    return _filters


def parts() -> Mapping[str, Part]:
    return _parts


def told(profile: CustomerProfile, chosen: Collection[str] | None) -> dict[str, Any]:
    """The parts that were chosen, of all where nothing was."""
    return {name: part.told(profile) for name, part in _parts.items() if chosen is None or name in chosen}
