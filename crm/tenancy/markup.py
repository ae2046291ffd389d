"""Small pieces of HTML that lists and templates share: icons, badges, avatars, times, money, names."""

import zlib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from runpy import run_path
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf.locale import LANG_INFO
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_scopes import get_scope

from crm.tenancy.models import Tenant

TONES = ("good", "info", "violet", "warn", "grey")
SYMBOLS = {"ZAR": "R ", "GBP": "£", "USD": "$", "EUR": "€"}
SOURCES = {
    "scl": "SCL",
    "teetime": "TeeTime",
    "messaging": "Messaging",
    "feedback": "Feedback",
    "ecommerce": "Shop",
    "shopify": "Shopify",
    "klaviyo": "Klaviyo",
    "web": "Web site",
    "club": "Club",
    "sales": "Sales",
    "support": "Support",
    "staff": "staff",
    "api": "API",
    "crm": "Fairway",
}


def icon(name: str, css: str = "") -> SafeString:
    """An icon of the vendored set; decoration only, so the words beside it must say the same."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("crm/icons.svg"),
        name,
    )


def badge(text: object, tone: str = "grey", symbol: str = "") -> SafeString:
    if text in ("", None):
        return SafeString("")
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(symbol) if symbol else "", text)


def avatar(initials: str, key: object, css: str = "") -> SafeString:
    """Initials on a ground that depends on `key`, so that a person looks the same on every page."""
    tone = TONES[zlib.crc32(str(key).encode()) % len(TONES)]
    return format_html('<span class="avatar {} {}" aria-hidden="true">{}</span>', tone, css, initials)


def ago(value: datetime | date | None, empty: str = "–") -> SafeString:
    """How long since or until, in a word or two, with the full time on hover."""
    if value is None:
        return format_html('<span class="faint">{}</span>', empty)
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), day(value))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), moment(value), _distance(value)
    )


def moment(value: datetime) -> str:
    return date_format(timezone.localtime(value), f"D {_day_format()}, H:i")


def day(value: date) -> str:
    """A date as the club group writes dates."""
    return date_format(value, _day_format())


def _day_format() -> str:
    tenant = get_scope().get("tenant")
    return tenant.date_format if tenant else Tenant.DateFormat.WORDS


def clock(value: datetime, zone: str = "") -> datetime:
    """A time by the clock of a place: a club's zone, or the one that is current."""
    return timezone.localtime(value, ZoneInfo(zone) if zone else None)


def duration(seconds: float | None) -> str:
    """Seconds in one unit: 0.4 s, 12 s, 3 min, 5 h, 2 days."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    for size, unit in ((86_400, _("days")), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _distance(value: datetime) -> str:
    delta = timezone.now() - value
    seconds = abs(delta.total_seconds())
    if seconds < 45:
        return _("just now") if delta >= timedelta(0) else _("in a moment")
    if seconds > 30 * 86_400:
        local = timezone.localtime(value)
        return date_format(local, "j M") if local.year == timezone.localtime().year else day(local)
    for size, one, many in (
        (86_400, "%(n)d day", "%(n)d days"), (3600, "%(n)d h", "%(n)d h"), (60, "%(n)d min", "%(n)d min")
    ):  # fmt: skip
        if seconds >= size or size == 60:
            count = max(round(seconds / size), 1)
            words = ngettext(one, many, count) % {"n": count}
            break
    return _("%s ago") % words if delta >= timedelta(0) else _("in %s") % words


def money(cents: int | None, currency: str = "") -> str:
    """Integer cents as people write them: R 1,234.50."""
    if cents is None:
        return ""
    sign, amount = ("−", -cents) if cents < 0 else ("", cents)
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return f"{sign}{symbol}{amount // 100:,}.{amount % 100:02d}"


@cache
def _countries() -> dict[str, dict[str, str]]:
    """Country names from phonenumbers' own file; importing its package would load 190 MB of area codes too."""
    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    names: dict[str, dict[str, str]] = run_path(str(path), run_name="phonenumbers.geodata.locale")[
        "LOCALE_DATA"
    ]
    return names


def country_name(code: str) -> str:
    """A country in words; the library's “*aa” says that the name is the same as in language aa."""
    names = _countries().get(code, {})
    name = str(names.get("en", code))
    return str(names.get(name[1:], code)) if name.startswith("*") else name


def language_name(tag: str) -> str:
    """A BCP 47 tag in words: en-ZA as English (South Africa)."""
    language, _sep, region = tag.partition("-")
    name = LANG_INFO.get(language.lower(), {}).get("name", language)
    return f"{name} ({country_name(region.upper())})" if region else str(name)


def browser_words(user_agent: str) -> str:
    """A browser as people know it: Firefox, Windows."""
    browsers = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    systems = ("iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux")
    names = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}
    found = [next((name for name in kind if name in user_agent), "") for kind in (browsers, systems)]
    return ", ".join(names.get(name, name) for name in found if name) or _("Unknown browser")


def source_name(source: str) -> str:
    return SOURCES.get(source, source)


def initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2]).upper()
