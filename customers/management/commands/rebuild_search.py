"""Makes anew what people are found by."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from crm.tenancy.arguments import tenant_called
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.search_upkeep import rebuild, tidy_words

LINE_EVERY = 20_000  # people


class Command(BaseCommand):
    help = "Make anew what people are found by. Safe to repeat and beside everything else; a stopped one can go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument(
            "--after", metavar="ID", type=UUID, help="go on behind this customer, as a stopped run said"
        )

    def handle(self, *, tenant: str | None, after: UUID | None, **_: Any) -> None:
        if after and not tenant:
            raise CommandError("--after needs --tenant.")
        for one in [tenant_called(tenant)] if tenant else list(Tenant.objects.all()):
            with tenant_scope(one):
                self.rebuild(one, after)

    def rebuild(self, tenant: Tenant, after: UUID | None) -> None:
        done, last = 0, after
        try:
            for step in rebuild(after):
                done, last = done + step.people, step.last
                self.say(f"{tenant.slug}: {done:,} people", is_line=done % LINE_EVERY < step.people)
        except KeyboardInterrupt:
            on = f" --after {last}" if last else ""
            raise CommandError(f"Stopped. Go on with --tenant {tenant.slug}{on}", returncode=130) from None
        self.stdout.write(f"{tenant.slug}: {done:,} people, {tidy_words():,} words forgotten.")

    def say(self, words: str, *, is_line: bool) -> None:
        """On a terminal one line that counts on, else a line now and then."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{words}", ending="\r")
        elif is_line:
            self.stdout.write(words)
