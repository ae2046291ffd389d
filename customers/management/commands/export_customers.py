"""Writes customers to a file."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from crm.errors import CRMError
from crm.rest.errors import understood
from crm.rest.parameters import read_parameters
from crm.tabular import FORMATS, encoded
from crm.tenancy.arguments import tenant_called
from crm.tenancy.scope import tenant_scope
from customers import export
from customers.listing import listed
from customers.models import CustomerProfile
from customers.queries import CustomerFilters

EVERY = 10_000  # people between two words on how far it is


class Command(BaseCommand):
    help = "Export customers as CSV or NDJSON, any number of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--output", default="-", metavar="FILE", help="standard output, unless given")
        parser.add_argument("--format", default="CSV", type=str.upper, choices=list(FORMATS))
        parser.add_argument(
            "--fields", default="", help="as in the API, comma-separated; the usual ones, unless given"
        )
        parser.add_argument(
            "--filter", default="", metavar="QUERY",
            help="as GET /customers takes them: 'lifecycleStage=MEMBER&customFields.size=L'",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        fields = [word.strip() for word in options["fields"].split(",") if word.strip()]
        with tenant_scope(tenant_called(options["tenant"])):
            try:
                self.export(fields or None, options["format"], options["filter"], options["output"])
            except (CRMError, ValidationError) as error:
                raise CommandError(_words(error)) from None

    def export(self, fields: list[str] | None, format: str, query: str, output: str) -> None:
        params = QueryDict(query)
        people = listed(CustomerProfile.objects.all(), read_parameters(params, CustomerFilters))
        columns = export.columns_of(fields)
        count = export.note_export(
            people, columns, by="job:export_customers", format=format, filters=dict(params.lists())
        )
        rows = self.counted(export.rows_of(people, columns), count)
        pieces = encoded(FORMATS[format].write([one.name for one in columns], rows))
        if output == "-":
            _write(sys.stdout.buffer, pieces)
            return
        try:
            with Path(output).open("wb") as file:
                _write(file, pieces)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}.") from None

    def counted(self, rows: Iterator[Any], count: int) -> Iterator[Any]:
        number = 0
        for number, row in enumerate(rows, 1):
            if number % EVERY == 0:
                self.stderr.write(f"{number:,} of {count:,}")
            yield row
        self.stderr.write(f"{number:,} people exported.")


def _write(file: BinaryIO, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        file.write(piece)
    file.flush()


def _words(error: Exception) -> str:
    found = understood(error)
    assert found is not None  # noqa: S101 - only such are caught
    details = "; ".join(f"{one.field}: {one.message}" for one in found.details)
    return f"{found.message} {details}".strip()
