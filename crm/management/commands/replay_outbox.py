"""Refill the outbound stream."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from crm.outbox.relay import replay
from crm.tenancy.models import Tenant

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = "Publish to crm-outbound again what was published since a moment; receivers know each by its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", required=True, type=moment, help="2026-11-21T06:00Z, 2026-11-21, or 90m, 6h, 2d"
        )
        parser.add_argument("--tenant", help="slug; every tenant unless given")
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *, since: datetime, tenant: str | None, dry_run: bool, **_: Any) -> str:
        named = Tenant.objects.filter(slug=tenant).first() if tenant else None
        if tenant and named is None:
            raise CommandError(f"There is no tenant {tenant!r}.")
        if since < timezone.now() - timedelta(days=settings.OUTBOX_DAYS):
            self.stderr.write(f"The outbox keeps {settings.OUTBOX_DAYS} days: older messages are gone.")
        count = replay(since, tenant=named, dry_run=dry_run)
        return f"{count} messages {'would be' if dry_run else 'were'} published since {since.isoformat()}."


def moment(text: str) -> datetime:
    """A moment or a day (UTC unless it says otherwise), or how long ago."""
    if ago := re.fullmatch(r"(\d+)([mhd])", text):
        return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        day = parse_date(text)
        found = parse_datetime(text) or (datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(
            f"{text!r} is neither a moment such as 2026-11-21T06:00Z nor a time ago such as 6h"
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
