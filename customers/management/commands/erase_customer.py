"""Erases a person for good."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from crm.errors import CRMError
from crm.tenancy.arguments import tenant_called
from crm.tenancy.scope import tenant_scope
from customers.erasure import erase_customer


class Command(BaseCommand):
    help = "Erase a customer for good, or with --dry-run say what would go. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--id", required=True, type=UUID, help="the customer's id; a merged one's too")
        parser.add_argument("--reason", default="", help="for the audit log; no personal data")
        parser.add_argument("--dry-run", action="store_true", help="do it and take it back")

    def handle(self, *, tenant: str, id: UUID, reason: str, dry_run: bool, **_: Any) -> None:
        with tenant_scope(tenant_called(tenant)):
            try:
                done = erase_customer(id, by="job:erase_customer", reason=reason, dry_run=dry_run)
            except CRMError as error:
                raise CommandError(error.message) from None
        for table, rows in sorted(done.items()):
            self.stdout.write(f"{rows:>8,}  {table}")
        if not done:
            self.stdout.write("Nothing to do: they were erased before.")
        elif dry_run:
            self.stdout.write("A trial: nothing was changed.")
