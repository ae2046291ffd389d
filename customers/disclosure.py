"""What a person is told when they ask for their data: everything that hangs on them, as JSON and as a page to read."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone, translation

from crm.tenancy import audit
from crm.tenancy.models import Club
from crm.tenancy.scope import NOBODY, current_tenant, seen_by
from customers.payloads import wire_value
from customers.privacy import family, holdings

FORMATS = ("JSON", "HTML", "ZIP")
CONTENT_TYPES = {"JSON": "application/json", "HTML": "text/html; charset=utf-8", "ZIP": "application/zip"}


def disclose(pk: UUID, *, by: str, format: str = "JSON", ip: str | None = None) -> bytes:
    """The data of a person, of all who were merged into them too, as a file; noted in the audit log.

    Nothing of anybody else is in it: staff who wrote, fellow players and lists of guests are left out. Raises
    CustomerNotFound. Two statements a table.
    """
    with seen_by(NOBODY):  # the person gets all of it, whatever the role of who hands it out may see
        document = document_of(pk)
    audit.record(
        "customer.data_exported", by=by, object_type="customer", object_id=pk, ip=ip,
        after={"format": format, "sections": {name: len(rows) for name, rows in document["sections"].items()}},
    )  # fmt: skip
    return WRITERS[format](document)


def document_of(pk: UUID) -> dict[str, Any]:
    people = family(pk)
    sections = {
        holding.title: [dict(row) for row in holding.told(people)]
        for holding in sorted(holdings(), key=lambda one: one.title != "profile")
        if holding.title and holding.told
    }
    return {
        "tenant": current_tenant().name,
        "customerId": str(pk),
        "generatedAt": wire_value(timezone.now()),
        "sections": {name: rows for name, rows in sections.items() if rows},
    }


def language_of(document: Mapping[str, Any]) -> str:
    """The person's language, else their club's, else the tenant's."""
    profile: dict[str, Any] = next(iter(document["sections"].get("profile", [])), {})
    ref = profile.get("homeClubId") or ""
    club = Club.objects.filter(refs__contains=[ref]).exclude(language="").first() if ref else None
    return profile.get("language") or (club.language if club else "") or current_tenant().language


def as_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2, default=wire_value).encode()


def as_page(document: Mapping[str, Any]) -> bytes:
    """A page that stands alone: no script, no style or picture from elsewhere."""
    language = language_of(document)
    with translation.override(language):
        sections = [_section(name, rows) for name, rows in document["sections"].items()]
        context = {**document, "sections": sections, "language": language}
        return render_to_string("customers/disclosure.html", context).encode()


def _section(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A table of many rows, or the lines of one."""
    columns = columns_of(rows)
    return {
        "name": words(name),
        "headings": [words(column) for column in columns],
        "cells": [[shown(row.get(column)) for column in columns] for row in rows] if len(rows) > 1 else [],
        "lines": [(words(column), shown(rows[0].get(column))) for column in columns]
        if len(rows) == 1
        else [],
    }


def as_zip(document: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", as_json(document))
        archive.writestr("data.html", as_page(document))
    return file.getvalue()


WRITERS = {"JSON": as_json, "HTML": as_page, "ZIP": as_zip}


def columns_of(rows: list[dict[str, Any]]) -> list[str]:
    """The names that some row has a value for, in their order."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if any(row.get(name) not in (None, "", [], {}) for row in rows)]


def words(name: str) -> str:
    """A wire name in words: homeClubName as Home club name."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return spaced[:1].upper() + spaced[1:]


def shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return translation.gettext("yes") if value else translation.gettext("no")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=wire_value)


def file_name(pk: UUID, format: str) -> str:
    return f"data-{str(pk)[-12:]}-{timezone.localdate().isoformat()}.{format.lower()}"
