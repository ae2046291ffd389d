"""Try dead letters again."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from crm.tenancy.arguments import MOMENT, moment, tenant_called
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from timeline.models import InboundEvent
from timeline.replay import preview, replay
from timeline.sources import canonical

BY = "job:replay_dead_letters"


class Command(BaseCommand):
    help = "Put events that failed for good back to the start of the queue, or say what that would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument("--source", help="such as teetime")
        parser.add_argument("--type", help="such as scl.payment.received")
        parser.add_argument("--error", metavar="CODE", help="as --dry-run shows it")
        parser.add_argument("--since", type=moment, help=f"dead since: {MOMENT}")
        parser.add_argument("--dry-run", action="store_true", help="count them, try a sample, change nothing")

    def handle(self, *, tenant: str | None, dry_run: bool, **options: Any) -> None:
        tenants = [tenant_called(tenant)] if tenant else list(Tenant.objects.all())
        for one in tenants:
            with tenant_scope(one):
                events = dead_letters(**options)
                if dry_run:
                    self.show(one, preview(events))
                else:
                    self.stdout.write(f"{one.slug}: {replay(events, by=BY)} events are tried again.")

    def show(self, tenant: Tenant, found: dict[str, Any]) -> None:
        self.stdout.write(f"{tenant.slug}: {found['count']} dead letters.")
        for group in found["groups"]:
            seen = f"{group['first_seen']:%Y-%m-%d %H:%M} to {group['last_seen']:%Y-%m-%d %H:%M} UTC"
            kind = f"{group['source']} {group['type']}: {group['error_code']}"
            self.stdout.write(f"  {group['count']:>7}  {kind}, received {seen}")
        sample = found["sample"]
        if sample["tried"]:
            outcome = (
                f"{sample['applied']} would apply, {sample['skipped']} be skipped, {sample['failed']} fail"
            )
            self.stdout.write(
                f"  Of the oldest {sample['tried']}, {outcome} again. {sample['errors'] or ''}".rstrip()
            )


def dead_letters(
    source: str | None, type: str | None, error: str | None, since: datetime | None, **_: Any
) -> Any:
    """The open tenant's dead letters that fit."""
    wanted = {
        "source": source, "type": canonical(type) if type else None, "error_code": error, "dead_at__gte": since
    }  # fmt: skip
    return InboundEvent.objects.dead().filter(**{field: value for field, value in wanted.items() if value})
