"""What the forms of the staff pages have in common."""

from typing import Any
from zoneinfo import available_timezones

from django.conf.locale import LANG_INFO
from phonenumbers import SUPPORTED_REGIONS

from crm.tenancy.markup import country_name, language_name


class PlainLabels:
    """A form whose labels end without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


def region_choices() -> list[tuple[str, str]]:
    names = ((country_name(code), code) for code in SUPPORTED_REGIONS)
    return [(code, f"{name} ({code})") for name, code in sorted(names)]


def language_choices(current: str = "") -> list[tuple[str, str]]:
    """The languages that Django knows by name, and the one that is chosen now."""
    codes = {code for code, info in LANG_INFO.items() if "name" in info} | ({current} - {""})
    return sorted(((code, language_name(code)) for code in codes), key=lambda choice: choice[1])


def zone_choices() -> list[tuple[str, Any]]:
    """The zones of the IANA list that people live in, by continent."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        continent, _sep, city = zone.partition("/")
        if city and continent not in {"Etc", "SystemV", "US", "posix", "right"}:
            groups.setdefault(continent, []).append((zone, city.replace("_", " ").replace("/", ", ")))
    return list(groups.items())
