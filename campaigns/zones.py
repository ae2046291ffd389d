"""Which time zone somebody lives in, as far as their country tells it. Pure."""

from collections import defaultdict
from functools import cache
from importlib.resources import files


@cache
def zones_of_countries() -> dict[str, str]:
    """Country -> its zone, of those that have one only, by the IANA list."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _place, zone = line.split("\t")[:3]
            found[country].append(zone)
    return {country: zones[0] for country, zones in found.items() if len(zones) == 1}
