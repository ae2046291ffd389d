"""Whom the lines of a file name: an identifier a line, or columns with a heading. In bounded batches."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from crm.errors import ValidationFailed
from crm.tabular import text_of
from crm.tenancy.scope import current_tenant
from customers import normalise
from customers.models import AliasHolder
from customers.resolution import roots_of

BATCH, MOST_LINES, WIDEST = 1000, 500_000, 2000
PHONE_DIGITS = 9  # from so many on, digits alone are a phone number, below a member number
COLUMNS = {
    "id": "id", "customerid": "id", "email": "email", "phone": "phoneNumber", "phonenumber": "phoneNumber",
    "sclmemberid": "sclMemberId", "memberid": "sclMemberId", "membernumber": "sclMemberId",
    "teetimeplayerid": "teetimePlayerId", "messagingcontactid": "messagingContactId", "authuserid": "authUserId",
}  # fmt: skip


class Named(NamedTuple):
    """A line, and whom it names; else what is wrong with it."""

    line: int
    customer: UUID | None
    problem: str = ""


class _Line(NamedTuple):
    number: int
    kind: str
    value: str
    problem: str = ""


def named_in(file: IO[bytes], people: Any) -> Iterator[list[Named]]:
    """Whom a CSV file in UTF-8 names, of some people, in batches of at most 1,000 lines. Three statements a batch.

    Raises ValidationFailed for what is no such file.
    """
    lines = _lines(_rows(file))
    while batch := list(islice(lines, BATCH)):
        yield _resolved(batch, people)


def _rows(file: IO[bytes]) -> Iterator[list[str]]:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        sample = text.read(4096)
        text.seek(0)
        delimiter = (
            ";" if sample.partition("\n")[0].count(";") > sample.partition("\n")[0].count(",") else ","
        )
        for number, row in enumerate(csv.reader(text, delimiter=delimiter), start=1):
            if number > MOST_LINES:
                raise ValidationFailed(_("The file has more than %s lines.") % f"{MOST_LINES:,}")
            yield [text_of(cell.strip()[:WIDEST]) for cell in row]
    except (UnicodeDecodeError, csv.Error):
        raise ValidationFailed(_("This is not a CSV file in UTF-8.")) from None


def _lines(rows: Iterable[list[str]]) -> Iterator[_Line]:
    """Every line that says something, with its first identifier that can be one."""
    columns: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number == 1 and (columns := _columns(row)):
            continue
        if any(row):
            cells = zip(columns, row, strict=False) if columns else [(_kind_of(row[0]), row[0])]
            yield _line(number, [(kind, value) for kind, value in cells if kind and value])


def _columns(row: Sequence[str]) -> list[str]:
    """The kinds that a heading names, if the row is one."""
    kinds = [_column(cell) for cell in row]
    return kinds if any(kinds) else []


def _column(heading: str) -> str:
    if heading.startswith("externalIds."):
        return heading
    return COLUMNS.get(heading.lower().replace("_", "").replace("-", "").replace(" ", ""), "")


def _line(number: int, given: Sequence[tuple[str, str]]) -> _Line:
    for kind, value in given:
        if kind == "id":
            return _Line(number, kind, value)
        if normal := normalise.identifier(kind, value, current_tenant().region):
            return _Line(number, kind, normal)
    said = next((value for _kind, value in given), "")
    return _Line(
        number, "", "", _("“%s” is no identifier.") % said[:60] if said else _("There is no identifier.")
    )


def _kind_of(value: str) -> str:
    """What an identifier without a heading is."""
    if "@" in value:
        return "email"
    digits = value.removeprefix("+").translate(str.maketrans("", "", " ()-./"))
    if digits.isdigit():
        return "phoneNumber" if value.startswith("+") or len(digits) >= PHONE_DIGITS else "sclMemberId"
    return "id"


def _resolved(lines: Sequence[_Line], people: Any) -> list[Named]:
    ids = {line.number: pk for line in lines if line.kind == "id" and (pk := _uuid(line.value))}
    wanted = [line for line in lines if line.kind not in ("", "id")]
    holders = AliasHolder.objects.filter(
        is_owner=True,
        alias__value__in={line.value for line in wanted},
        alias__kind__in={line.kind for line in wanted},
    )
    owners = {
        (kind, value): pk
        for kind, value, pk in holders.values_list("alias__kind", "alias__value", "customer")
    }
    found = ids | {line.number: pk for line in wanted if (pk := owners.get((line.kind, line.value)))}
    roots = roots_of(set(found.values()))
    found = {number: roots.get(pk, pk) for number, pk in found.items()}
    known = set(people.filter(pk__in=set(found.values())).values_list("pk", flat=True))
    nobody = _("Nobody has this identifier.")
    return [
        Named(line.number, pk) if (pk := found.get(line.number)) in known
        else Named(line.number, None, line.problem or nobody)
        for line in lines
    ]  # fmt: skip


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
