"""Arguments that the operators' commands have in common."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from crm.errors import NotFound
from crm.tenancy.models import Tenant
from crm.tenancy.setup import find_tenant

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
MOMENT = "2026-11-21T06:00Z, 2026-11-21, or how long ago: 90m, 6h, 2d"


def moment(text: str) -> datetime:
    """A moment or a day (UTC unless it says otherwise), or how long ago."""
    if ago := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    except ValueError:  # well-formed, but no such day or hour
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is neither a moment nor a time ago: use {MOMENT}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def tenant_called(slug: str) -> Tenant:
    """The tenant that a command was given. Raises CommandError, naming those there are."""
    try:
        return find_tenant(slug)
    except NotFound as error:
        raise CommandError(error.message) from None
