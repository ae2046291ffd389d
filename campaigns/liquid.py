"""Liquid as messages have it: a few tags and filters, no files, no objects, bounded work. Pure.

What a variable or a filter gives is text, never markup: in HTML it is escaped when it is printed, whatever was done
with it before. Values are maps, lists, text, numbers and nothing, so there is nothing to be called.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, NamedTuple
from urllib.parse import quote

from liquid import BoundTemplate, Environment, Markup
from liquid.ast import Node
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import LiquidError
from liquid.filter import with_context
from liquid.static_analysis import analyze

from campaigns import formats
from campaigns.formats import Reader

TAGS = frozenset({
    "if", "unless", "case", "for", "break", "continue", "assign", "comment", "raw", "cycle", "#", "content", "output",
    "illegal",
})  # fmt: skip
KEPT_FILTERS = frozenset({
    "abs", "append", "at_least", "at_most", "capitalize", "ceil", "compact", "concat", "default", "divided_by",
    "downcase", "first", "floor", "join", "last", "lstrip", "minus", "modulo", "plus", "prepend", "remove",
    "remove_first", "replace", "replace_first", "reverse", "round", "rstrip", "size", "slice", "sort", "split",
    "squish", "strip", "times", "truncate", "truncatewords", "uniq", "upcase", "url_encode",
})  # fmt: skip
READER = "_reader"  # whom it is for, in what a template is rendered with
LONGEST = 20_000  # characters of a value, items of a list
LARGEST = 10**15
MOST_TURNS = 200
MOST_NODES, MOST_IN_LOOPS = 3_000, 200
MOST_OUTPUT = 1_000_000


class Refused(ValueError):
    """A value that is too long or too large to go on with."""


def plain(value: Any) -> Any:
    """A value without the mark that it is markup. Raises Refused."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise Refused("a text is too long")
        return str.__str__(value) if isinstance(value, Markup) else value
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Refused("a number is too large")
    if isinstance(value, list | tuple | range) and len(value) > LONGEST:
        raise Refused("a list is too long")
    return value


def guarded(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that works on plain values of a bearable size."""

    @wraps(filter_)
    def inner(value: Any, *args: Any, **kwargs: Any) -> Any:
        value, args = plain(value), tuple(plain(arg) for arg in args)
        if name == "replace" and args:
            times = str(value).count(str(args[0])) if str(args[0]) else len(str(value)) + 1
            if times * len(str(args[1]) if len(args) > 1 else "") > LONGEST:
                raise Refused("a text is too long")
        if name == "join" and isinstance(value, list) and args and len(value) * len(str(args[0])) > LONGEST:
            raise Refused("a text is too long")
        return plain(filter_(value, *args, **kwargs))

    return inner


# --- filters of our own
def reader_of(context: Any) -> Reader:
    found = context.globals.get(READER)
    return found if isinstance(found, Reader) else Reader()


@with_context
def date(value: Any, how: Any = "", *, context: Any) -> Any:
    """A date in the reader's words; anything else stays as it is."""
    told = str(value) if value else ""
    said = formats.written_date(told, str(how), reader_of(context))
    return value if said is None else said


@with_context
def time(value: Any, *, context: Any) -> Any:
    return formats.written_time(str(value) if value else "", reader_of(context)) or ""


@with_context
def money(value: Any, currency: Any = "", *, context: Any) -> Any:
    """Cents as an amount; anything else stays as it is."""
    try:
        cents = int(value)
    except (TypeError, ValueError):
        return value
    reader = reader_of(context)
    code = str(currency).upper() if re.fullmatch(r"[A-Za-z]{3}", str(currency)) else reader.currency
    return formats.written_money(cents, code, reader.language)


@with_context
def number(value: Any, *, context: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return formats.written_number(value, reader_of(context).language)


def escape(value: Any) -> Any:
    """Nothing: HTML is escaped anyway, and text must not be. Kept since it is written out of habit."""
    return value


def newline_to_br(value: Any) -> Any:
    """Lines with breaks between them, as markup; it must come last."""
    lines = (Markup.escape(line) for line in str(value or "").splitlines())
    return Markup("<br>").join(lines)


def in_address(value: Any) -> str:
    """A value as a part of an address."""
    return quote(str("" if value is None else value), safe="@")


def in_phone(value: Any) -> str:
    return re.sub(r"[^\d+]", "", str(value or ""))


OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "date": date, "time": time, "money": money, "number": number, "escape": escape, "in_address": in_address,
    "in_phone": in_phone,
}  # fmt: skip


class Messages(Environment):
    """The environment of all messages; autoescape for what becomes HTML."""

    loop_iteration_limit = MOST_TURNS
    local_namespace_limit = 200_000
    output_stream_limit = MOST_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        kept = {name: guarded(name, self.filters[name]) for name in KEPT_FILTERS}
        self.filters = kept | OWN_FILTERS | {"newline_to_br": newline_to_br}


HTML = Messages(autoescape=True)
TEXT = Messages(autoescape=False)


class Problem(NamedTuple):
    """What is wrong, and where: the line and column, from 1, of a part of the message."""

    part: str
    line: int
    column: int
    code: str
    message: str

    @property
    def sentence(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.message}" if self.line else self.message


def place(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1."""
    before = text[: max(index, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def parsed(text: str, *, is_html: bool) -> BoundTemplate:
    """Raises LiquidError."""
    return (HTML if is_html else TEXT).from_string(text)


def rendered(template: BoundTemplate, values: Mapping[str, Any]) -> str:
    """Raises RenderFailed."""
    try:
        return template.render(values)
    except (LiquidError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        said = getattr(error, "message", None) or str(error)
        raise RenderFailed(str(said)) from error


class RenderFailed(Exception):
    """A template could not be filled in with these values."""


class Use(NamedTuple):
    """Where a variable stands."""

    path: tuple[Any, ...]
    start: int

    @property
    def name(self) -> str:
        return ".".join(str(part) for part in self.path)


def uses(template: BoundTemplate) -> list[Use]:
    """The variables that a template takes from outside, in order."""
    found = analyze(template, include_partials=False).globals
    return sorted(
        (Use(_path(one.segments), one.span.index) for group in found.values() for one in group),
        key=lambda use: use.start,
    )


def _path(segments: list[Any]) -> tuple[Any, ...]:
    return tuple("…" if isinstance(one, list) else one for one in segments)


def work(template: BoundTemplate) -> tuple[int, int]:
    """How many nodes there are, and how many of them are in loops: what bounds the time that it takes."""
    total = inside = 0
    for node, in_loop in _walk(template, template.nodes, in_loop=False):
        filters = len(getattr(getattr(node, "expression", None), "filters", None) or ())
        total += 1 + filters
        inside += (1 + filters) * in_loop
    return total, inside


def _walk(template: BoundTemplate, nodes: Any, *, in_loop: bool) -> Iterator[tuple[Node, bool]]:
    context = template.context_class(template)
    stack = [(node, in_loop) for node in nodes]
    while stack:
        node, looped = stack.pop()
        yield node, looped
        within = looped or isinstance(node, ForNode)
        stack.extend((child, within) for child in node.children(context, include_partials=False))
