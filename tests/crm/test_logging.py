"""Log lines: one an event, JSON or text, with the context and without personal data."""

import json
import logging
from io import StringIO

import psycopg
import pytest
import structlog
from django.db import IntegrityError, connection
from structlog.contextvars import bound_contextvars

from crm.observability import configure_logging
from crm.tenancy.scope import tenant_scope


@pytest.fixture
def lines(monkeypatch, settings):
    """What is logged as JSON from now on, parsed."""
    return captured("json", monkeypatch, settings)


def captured(form, monkeypatch, settings):
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    structlog.reset_defaults()
    configure_logging({"level": "DEBUG", "format": form})

    def read() -> list:
        found = out.getvalue().splitlines()
        return [json.loads(line) for line in found] if form == "json" else found

    return read


@pytest.fixture(autouse=True)
def back_to_normal(settings):
    yield
    structlog.reset_defaults()
    configure_logging(settings.LOGGING)


def log():
    return structlog.get_logger("fairway.test")


def test_a_line_says_when_what_and_who(lines, tenant):
    with tenant_scope(tenant), bound_contextvars(request_id="r-1"):
        log().info("stream.received", count=3)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "stream.received", "count": 3, "level": "info", "logger": "fairway.test",
        "tenant": "fynbos-group", "request_id": "r-1",
    }  # fmt: skip


def test_lines_of_libraries_look_the_same(lines):
    with bound_contextvars(request_id="r-1"):
        logging.getLogger("some.library").warning("%s of %d", "two", 3)
    (line,) = lines()
    assert (line["event"], line["logger"], line["request_id"]) == ("two of 3", "some.library", "r-1")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "hostile",
    ["a\nb", "a\r\nb", "a\x0bb", "a\x1b[31mb", "a\x85b", "a\u2028b", "a\u2029b", "a\0b",
     'x"}\n{"level": "info", "event": "forged"}', "a\n2026-11-21 info forged"],
)  # fmt: skip
def test_a_value_can_neither_end_its_line_nor_move_the_cursor(form, hostile, monkeypatch, settings):
    read = captured(form, monkeypatch, settings)
    log().info(hostile, value=hostile)
    logging.getLogger("lib").warning("said %s", hostile)
    try:
        raise TypeError(hostile)
    except TypeError:
        log().exception("failed")
    found = read()
    assert len([line for line in found if form == "json" or not line.startswith("    ")]) == 3
    assert not any("\x1b" in str(line) for line in found if form == "text")


def test_an_exception_is_told_with_its_frames_and_its_cause(lines):
    def inner():
        raise OSError("disk full")

    try:
        try:
            inner()
        except OSError as error:
            raise RuntimeError("Thandi’s import failed") from error
    except RuntimeError:
        log().exception("failed")
    (line,) = lines()
    told = line["exception"]
    assert told["type"] == "builtins.RuntimeError"
    assert "Thandi" not in json.dumps(line)
    assert told["frames"][-1].startswith("tests/crm/test_logging.py:")
    assert told["cause"]["message"] == "disk full"
    assert told["cause"]["frames"][-1].endswith("inner")


def test_a_refused_row_is_told_by_its_constraint_and_never_quoted(lines, tenant):
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        try:
            cursor.execute("INSERT INTO tenancy_tenant (id, slug) VALUES (gen_random_uuid(), 'Thandi Nkosi')")
        except IntegrityError:
            log().exception("failed")
            raise
    (line,) = lines()
    assert "Thandi" not in json.dumps(line)
    cause = line["exception"]["cause"]
    assert (cause["sqlstate"], cause["table"]) == ("23502", "tenancy_tenant")
    assert isinstance(psycopg.errors.lookup("23502")(), psycopg.Error)


def test_sql_with_its_values_is_not_logged_even_when_asked_for_details(lines, tenant, settings):
    settings.DEBUG = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["Thandi Nkosi"])
    assert "Thandi" not in json.dumps(lines())


MARKERS = [f"marker{number}.person@example.com" for number in range(5)]
MARKERS += [f"+2782000{number:04}" for number in range(5)]
MARKERS += [f"fw_{number:012x}_{'S3cret' * 5}" for number in range(5)]
MARKERS += [f"Planted Person {number}" for number in range(5)]


def test_twenty_planted_markers_are_in_no_line_whatever_goes_wrong_with_them(lines, tenant):
    """Names can't be told from words: they are caught by key, and kept out of what exceptions say."""
    for marker in MARKERS:
        log().info("customer", email=marker, name=marker, payload={"x": marker}, identity=[marker])
        if not marker.startswith("Planted"):
            log().info(f"said {marker}", said=marker, deeper={"a": [marker]})
            logging.getLogger("lib").error("said %s at https://x.example/?q=%s", marker, marker)
        for kind in (ValueError, KeyError, RuntimeError, IntegrityError):
            try:
                raise kind(marker)
            except kind:
                log().exception("failed")
                logging.getLogger("lib").exception("failed")
    text = json.dumps(lines(), ensure_ascii=False)
    assert [marker for marker in MARKERS if marker in text] == []
    assert len(lines()) > 200
