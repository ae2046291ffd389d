"""Looks for people who stand twice."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.tenancy.arguments import tenant_called
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.certain import merge_certain
from customers.deduplication import Found, find_all

BAR = 30
LINE_EVERY = 10.0  # seconds, where nobody sees a bar
WORDS = {"people": "who is compared with whom", "pairs": "comparing", "contacts": "gathering households"}


class Command(BaseCommand):
    help = (
        "Look for people who stand twice, among everybody, and gather households of those who share a contact. "
        "Safe to repeat and beside everything else: what staff decided stays decided. Changes are looked at by "
        "themselves; this is for the first time, and for new weights."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument(
            "--learn", action="store_true", help="work out first what likeness weighs among these people"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and put nothing forward")

    def handle(self, *, tenant: str | None, learn: bool, dry_run: bool, **_: Any) -> None:
        for one in [tenant_called(tenant)] if tenant else list(Tenant.objects.filter(is_active=True)):
            self.began = self.said = time.monotonic()
            try:
                with tenant_scope(one):
                    found = find_all(learn=learn, dry_run=dry_run, report=self.report)
                    merged = 0 if dry_run else merge_certain()
            except KeyboardInterrupt:
                raise CommandError("Stopped. What was found is kept; run it again.", returncode=130) from None
            self.done(one, found, merged, dry_run)

    def report(self, what: str, done: int, of: int) -> None:
        share = min(1.0, done / of) if of else 1.0
        if self.stdout.isatty():
            bar = "█" * round(BAR * share)
            self.stdout.write(f"\r{bar:░<{BAR}} {WORDS[what]}: {done:>11,} {what} ", ending="")
            self.stdout.flush()
        elif time.monotonic() - self.said >= LINE_EVERY:
            self.said = time.monotonic()
            self.stdout.write(f"{WORDS[what]}: {done:,} of {of:,} {what}")

    def done(self, tenant: Tenant, found: Found, merged: int, dry_run: bool) -> None:
        if self.stdout.isatty():
            self.stdout.write("")
        words = f"{found.certain:,} certain, {found.to_review:,} to review, {found.withdrawn:,} withdrawn"
        words += f", {merged:,} merged" if merged else ""
        self.stdout.write(
            f"{tenant.slug}: {found.people:,} people, {found.blocks.pairs:,} pairs compared: {words}"
            f"{'; nothing was written' if dry_run else ''} ({time.monotonic() - self.began:.1f} s)."
        )
        if found.blocks.passed_over:
            self.stdout.write(
                f"{found.blocks.passed_over:,} keys were passed over, because more than {found.blocks.largest} people "
                "share each; finer ones stand in for them."
            )
