"""Locks every secret in the database with the newest key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.encryption import rotate


class Command(BaseCommand):
    help = "Encrypt every secret with the first of FERNET_KEYS, so that the others can be dropped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what the keys open")

    def handle(self, *args: Any, **options: Any) -> None:
        unopened = 0
        for column, locked, lost in rotate(dry_run=options["dry_run"]):
            unopened += lost
            self.stdout.write(f"{column}: {locked} locked" + (f", {lost} that no key opens" if lost else ""))
        if unopened:
            raise CommandError(
                f"{unopened} secrets were left as they are: add the key they were locked with."
            )
