"""How large a free-form map may be, of which nobody can say beforehand what it holds. Pure."""

import json
from collections.abc import Mapping
from typing import Any

LARGEST_MAP = 64 * 1024  # bytes
MAP_WORDS = f"must have at most {LARGEST_MAP:,} bytes as JSON"


def fits(value: Mapping[str, Any]) -> bool:
    """Whether a map of JSON values, written as UTF-8, is as small as one may be."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")) <= LARGEST_MAP
