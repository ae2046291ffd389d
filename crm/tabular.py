"""Rows out as CSV or NDJSON, streaming: memory does not grow with their number."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

CHUNK = 64 * 1024  # characters gathered before they are sent
BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know UTF-8
# What a spreadsheet would take for a formula, or strip off before it looks; and our own mark before such a text.
_RISKY = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_MARKED = re.compile(r"''*[=+\-@\t\r\n＝＋－＠]")
_PHONE = re.compile(r"\+[0-9]{4,15}")  # computes to nothing but itself

Row = Mapping[str, Any]


class Format(NamedTuple):
    """write: the columns and rows (dicts by column) as pieces of text."""

    content_type: str
    extension: str
    write: Callable[[Sequence[str], Iterable[Row]], Iterator[str]]


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """RFC 4180, with a header. Lists and maps are JSON, nothing is empty; text is made safe, see cell()."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow([cell(name) for name in columns])
    for row in rows:
        writer.writerow([cell(row.get(name)) for name in columns])
        if buffer.tell() >= CHUNK:
            yield _taken(buffer)
    yield _taken(buffer)


def ndjson_text(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """A JSON object a line."""
    buffer = StringIO()
    for row in rows:
        buffer.write(json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False) + "\n")
        if buffer.tell() >= CHUNK:
            yield _taken(buffer)
    yield _taken(buffer)


FORMATS = {
    "CSV": Format("text/csv; charset=utf-8", "csv", csv_text),
    "NDJSON": Format("application/x-ndjson", "ndjson", ndjson_text),
}


def encoded(pieces: Iterable[str], *, for_spreadsheets: bool = False) -> Iterator[bytes]:
    """The pieces in UTF-8, for spreadsheets behind a byte order mark; empty ones are left out."""
    if for_spreadsheets:
        yield BYTE_ORDER_MARK.encode()
    for piece in pieces:
        if piece:
            yield piece.encode()


def cell(value: Any) -> str:
    """A JSON value as a cell. A text that a spreadsheet would compute gets ' before it; text_of() takes it off."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and _RISKY.match(value) and not _PHONE.fullmatch(value):
        return f"'{value}"
    return str(value)


def text_of(cell: str) -> str:
    """The text that cell() made safe."""
    return cell[1:] if _MARKED.match(cell) else cell


def _taken(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
