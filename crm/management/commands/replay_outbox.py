"""Refill the outbound stream."""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from crm.outbox.relay import replay
from crm.tenancy.arguments import MOMENT, moment, tenant_called


class Command(BaseCommand):
    help = "Publish to crm-outbound again what was published since a moment; receivers know each by its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", required=True, type=moment, help=MOMENT)
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *, since: datetime, tenant: str | None, dry_run: bool, **_: Any) -> str:
        if since < timezone.now() - timedelta(days=settings.OUTBOX_DAYS):
            self.stderr.write(f"The outbox keeps {settings.OUTBOX_DAYS} days: older messages are gone.")
        count = replay(since, tenant=tenant_called(tenant) if tenant else None, dry_run=dry_run)
        return f"{count} messages {'would be' if dry_run else 'were'} published since {since.isoformat()}."
