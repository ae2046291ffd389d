"""Reading what others say: every field of it is input from outside, whatever their documents promise."""

import re
from collections.abc import Mapping
from typing import Any

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def words(value: Any, most: int = 300) -> str:
    """A text or whole number as one short line; blank for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return CONTROL.sub(" ", str(value)[: most * 2]).strip()[:most]


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
