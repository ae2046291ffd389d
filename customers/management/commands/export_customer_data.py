"""Writes everything that is kept about a person to a file, for that person."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from crm.errors import CRMError
from crm.tenancy.arguments import tenant_called
from crm.tenancy.scope import tenant_scope
from customers.disclosure import FORMATS, disclose


class Command(BaseCommand):
    help = "Export everything that is kept about a customer, to be handed to that customer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--id", required=True, type=UUID, help="the customer's id")
        parser.add_argument("--format", default="ZIP", type=str.upper, choices=FORMATS)
        parser.add_argument("--output", default="-", metavar="FILE", help="standard output, unless given")

    def handle(self, *, tenant: str, id: UUID, format: str, output: str, **_: Any) -> None:
        with tenant_scope(tenant_called(tenant)):
            try:
                data = disclose(id, by="job:export_customer_data", format=format)
            except CRMError as error:
                raise CommandError(error.message) from None
        if output == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        try:
            Path(output).write_bytes(data)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}.") from None
