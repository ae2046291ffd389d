"""Issues an API key and prints it, once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.errors import CRMError
from crm.tenancy.permissions import Scope
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import find_tenant, issue_key

LONGEST = 36_500  # days


class Command(BaseCommand):
    help = "Issue an API key. It is the only line on standard output and is never shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="who uses it, such as “TeeTime production”")
        parser.add_argument("--scopes", required=True, help=f"comma-separated: {','.join(Scope)}")
        parser.add_argument(
            "--sources", default="", help="event sources it may send, comma-separated; none = all"
        )
        parser.add_argument("--expires-days", type=int, help="never, unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes, sources = (
            [word.strip() for word in options[name].split(",") if word.strip()]
            for name in ("scopes", "sources")
        )
        days = options["expires_days"]
        if days is not None and not 1 <= days <= LONGEST:
            raise CommandError(
                f"--expires-days must be from 1 to {LONGEST}; leave it out for a key that never expires."
            )
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            with tenant_scope(find_tenant(options["tenant"])):
                key, secret = issue_key(
                    options["name"], scopes, by="job:create_api_key", sources=sources, expires_at=expires_at
                )
        except CRMError as error:
            raise CommandError(error.message) from None
        self.stderr.write(f"Key “{key.name}” of {options['tenant']}; keep it now, it is not shown again:")
        self.stdout.write(secret)
