"""Proves that the consent flags of people are what follows from the ledger, or makes them so."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from crm.tenancy import audit
from crm.tenancy.arguments import tenant_called
from crm.tenancy.models import Tenant
from crm.tenancy.rows import run
from crm.tenancy.scope import tenant_scope
from customers import ledger


class Command(BaseCommand):
    help = "Bring the consent flags of people in step with the ledger. With --dry-run exit code 1 says they are not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument("--dry-run", action="store_true", help="only say where they differ")

    def handle(self, *, tenant: str | None, dry_run: bool, **_: Any) -> None:
        run("SET statement_timeout = 0", [])  # it looks at everybody
        found = 0
        for one in [tenant_called(tenant)] if tenant else list(Tenant.objects.all()):
            with tenant_scope(one):
                found += self.compare(one) if dry_run else self.rebuild(one)
        if dry_run and found:
            raise SystemExit(1)

    def compare(self, tenant: Tenant) -> int:
        count = 0
        for channel, people in ledger.differences():
            count += len(people)
            for pk in people[:20]:
                self.stdout.write(f"{tenant.slug}: {channel} of {pk} is not what the ledger says")
        self.stdout.write(f"{tenant.slug}: {count:,} flags differ.")
        return count

    def rebuild(self, tenant: Tenant) -> int:
        with transaction.atomic():
            count = ledger.rebuild(by="job:rebuild_consent")
            if count:
                after = {"count": count}
                audit.record("consent.rebuilt", by="job:rebuild_consent", object_type="customer", after=after)
        self.stdout.write(f"{tenant.slug}: {count:,} flags put right.")
        return count
