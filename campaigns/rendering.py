"""One message of words and values: what a person gets. Pure, and fast: what can be is done once a wording."""

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol

from liquid.exceptions import LiquidError

from campaigns import liquid, sms
from campaigns.checking import Facts, InvalidTemplate
from campaigns.compiling import Compiled, compile_email, compile_text
from campaigns.filling import Filling
from campaigns.formats import Reader
from campaigns.liquid import READER, RenderFailed
from campaigns.personalisation import MESSAGE_LINKS, Kind, Registry, Values
from campaigns.stencil import cover

OUTPUT = re.compile(r"\s*([A-Za-z]\w*(?:\.[\w-]+)*)\s*(\|.*)?\Z", re.DOTALL)
FORMATS = {Kind.DATE: "date", Kind.MONEY: "money", Kind.NUMBER: "number"}
FORMATTED = re.compile(r"\A\|\s*(?:date|time|money|number)\b")
CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
BLANKS = re.compile(r"\n[ \t]*\n\s*\n")
LONGEST_SUBJECT = 300
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}\Z")


class LinkMaker(Protocol):
    """The addresses of one message."""

    def link(self, position: int, address: str) -> str:
        """The address that stands in the message for the one at a place; `address` is where it leads."""
        ...

    def own(self, name: str) -> str:
        """unsubscribeUrl, preferencesUrl or viewUrl."""
        ...

    def pixel(self) -> str:
        """The picture that tells of an opening; blank for none."""
        ...


class PlainLinks:
    """Links that lead straight to where they go, as in a preview."""

    def __init__(self, base: str = "https://example.com") -> None:
        self.base = base

    def link(self, position: int, address: str) -> str:
        return address

    def own(self, name: str) -> str:
        return f"{self.base}/#{name.removesuffix('Url')}"

    def pixel(self) -> str:
        return ""


class Rendered(NamedTuple):
    """What one person gets. text: of e-mail its plain part, else the message. parts: how many SMS it takes."""

    subject: str
    html: str
    text: str
    parts: int = 1
    extra: Mapping[str, Any] = {}


NOTHING: Mapping[str, Any] = {}


class Words:
    """The words of one language, ready to be filled in for any number of people. Keep it: making one is the work."""

    def __init__(
        self, *, channel: str, language: str, subject: str = "", html: str = "", text: str = "",
        links: tuple[str, ...] = (), extra: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.channel, self.language, self.links = channel, language, links
        self.sources = {"subject": subject, "html": html, "text": text}
        self.extra = extra or {}
        self.addresses = [_Address(one) for one in links]
        self._shared: tuple[Mapping[str, Any], Reader, Fillings] | None = None

    @cached_property
    def own_links(self) -> tuple[str, ...]:
        """Those of the addresses of the message itself that stand in it."""
        return tuple(name for name in MESSAGE_LINKS if name in self.facts.variables)

    def bound_to(self, shared: Mapping[str, Any]) -> "Fillings":
        """The words with what is the same for a whole batch filled in; kept while the batch lasts."""
        if self._shared is None or self._shared[0] is not shared:
            reader = reader_in(shared)._replace(language=self.language)
            values = {**shared, READER: reader}
            self._shared = (shared, reader, self._fillings.bound(values))
        return self._shared[2]

    @cached_property
    def _fillings(self) -> "Fillings":
        html = self._ready("html", is_html=True) if self.channel == "EMAIL" else None
        extra = {
            name: Filling.of(liquid.parsed(complete(text, self.language), is_html=False))
            for name, text in texts_of(self.extra)
        }
        return Fillings(self._ready("subject"), html, self._ready("text"), extra)

    @cached_property
    def facts(self) -> Facts:
        return Facts(*self.sources.values(), *(text for _name, text in texts_of(self.extra)))

    def _ready(self, part: str, *, is_html: bool = False) -> Filling:
        return Filling.of(liquid.parsed(complete(self.sources[part], self.language), is_html=is_html))


class Fillings(NamedTuple):
    subject: Filling
    html: Filling | None
    text: Filling
    extra: Mapping[str, Filling]

    def bound(self, values: Mapping[str, Any]) -> "Fillings":
        html = self.html.bound(values) if self.html else None
        extra = {name: one.bound(values) for name, one in self.extra.items()}
        return Fillings(self.subject.bound(values), html, self.text.bound(values), extra)


def render(content: Words, variables: Mapping[str, Any], links: LinkMaker) -> Rendered:
    """Fill in the words for one person. Raises RenderFailed."""
    shared = variables.shared if isinstance(variables, Values) else NOTHING
    fillings = content.bound_to(shared)
    reader = reader_in(variables)._replace(language=content.language)
    values = {
        **variables,
        READER: reader,
        "_link": _LinksOf(content, variables, links),
        "_pixel": links.pixel(),
    }
    values.update((name, links.own(name)) for name in content.own_links)
    subject = one_line(fillings.subject.fill(values))
    text = BLANKS.sub("\n\n", fillings.text.fill(values)).strip()
    if fillings.html:
        return Rendered(subject, fillings.html.fill(values), text)
    if content.channel == "SMS":
        return Rendered("", "", text, max(sms.count(text).parts, 1))
    extra = {name: filling.fill(values) for name, filling in fillings.extra.items()}
    return Rendered(subject, "", text, 1, gathered(content.extra, extra))


def reader_in(variables: Mapping[str, Any]) -> Reader:
    """For whom values are, as they were loaded with them."""
    return Reader(
        zone=str(variables.get("_zone") or "UTC"), date_format=str(variables.get("_dateFormat") or "j M Y"),
        currency=str(variables.get("currency") or "ZAR"),
    )  # fmt: skip


def address_for(url: str, variables: Mapping[str, Any]) -> str:
    """Where a link leads for one person. Raises RenderFailed."""
    return _address(url).to(variables)


@lru_cache(maxsize=2000)
def _address(url: str) -> "_Address":
    return _Address(url)


class _Address:
    """Where a link leads: the same for all, or with something of theirs in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.template: Filling | None = None
        covered = cover(url)
        if covered.pieces:
            is_whole = len(covered.text) == 1
            parts = covered.uncover(
                covered.text, lambda piece: piece.text if is_whole else encoded(piece.inner)
            )
            self.template = Filling.of(liquid.parsed(parts, is_html=False))

    def to(self, variables: Mapping[str, Any]) -> str:
        if self.template is None:
            return self.url
        found = CONTROLS.sub("", self.template.fill(variables)).strip()
        return found if found.lower().startswith(("https://", "http://")) else ""


def encoded(inner: str) -> str:
    return f"{{{{ {inner} | in_address }}}}" if not inner.endswith("url_encode") else f"{{{{ {inner} }}}}"


class _LinksOf(dict[int, str]):
    """The links of one message, each made when it is first printed."""

    def __init__(self, content: Words, variables: Mapping[str, Any], maker: LinkMaker) -> None:
        super().__init__()
        self.content, self.variables, self.maker = content, variables, maker

    def __missing__(self, position: int) -> str:
        found = self[position] = self.maker.link(
            position, self.content.addresses[position].to(self.variables)
        )
        return found


# --- what a template need not say
def complete(source: str, language: str) -> str:
    """Liquid with what is meant where nothing is said: dates and money written out, the default of a variable."""
    covered = cover(source)
    return covered.uncover(covered.text, lambda piece: _completed(piece.text, language))


@lru_cache(maxsize=10_000)
def _completed(piece: str, language: str) -> str:
    if not piece.startswith("{{"):
        return piece
    before, after = ("{{-" if piece.startswith("{{-") else "{{"), ("-}}" if piece.endswith("-}}") else "}}")
    found = OUTPUT.match(piece[len(before) : -len(after)])
    variable = _REGISTRY.find(tuple(found[1].split("."))) if found else None
    if not found or variable is None or found[1].startswith("_"):
        return piece
    name, filters = found[1], (found[2] or "").strip()
    filter_ = FORMATS.get(variable.kind)
    if variable.kind is Kind.TIME and not FORMATTED.match(filters):
        words = f"{{% if {name} %}}{{{{ {name} | date }}}}, {{{{ {name} | time }}}}{{% endif %}}"
        return words if not filters else f"{before} {name} {filters} {after}"
    if filter_ and not FORMATTED.match(filters) and name.count(".") == variable.name.count("."):
        filters = f"| {filter_} {filters}"
    default = variable.default_in(language)
    if default and "default" not in filters:
        filters = f'| default: "{default}" {filters}'
    return f"{before} {name} {filters} {after}"


_REGISTRY = Registry()


def one_line(text: str) -> str:
    """A subject: one line, so that nothing in it begins a header of its own."""
    return " ".join(CONTROLS.sub(" ", text).split())[:LONGEST_SUBJECT]


def texts_of(extra: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The texts in what only a channel has, by their path."""
    found = [(name, value) for name, value in extra.items() if isinstance(value, str)]
    lists = [(f"{name}.{number}", one) for name, value in extra.items() if isinstance(value, list)
             for number, one in enumerate(value) if isinstance(one, str)]  # fmt: skip
    return [*found, *lists]


def gathered(extra: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """What only a channel has, with its texts filled in."""
    return {
        name: [texts.get(f"{name}.{number}", one) for number, one in enumerate(value)] if isinstance(value, list)
        else texts.get(name, value)
        for name, value in extra.items()
    }  # fmt: skip


__all__ = [
    "Compiled", "Facts", "InvalidTemplate", "LiquidError", "LinkMaker", "PlainLinks", "RenderFailed", "Rendered",
    "Words", "address_for", "compile_email", "compile_text", "render",
]  # fmt: skip
