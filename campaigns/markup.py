"""What may stand in the body of an e-mail: a walk through MJML or HTML that finds what is unsafe or misplaced. Pure."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from campaigns.liquid import Problem, place
from campaigns.personalisation import Kind, Registry, Variable
from campaigns.stencil import COVER, Piece, Stencil

FORBIDDEN = frozenset({
    "script", "iframe", "frame", "object", "embed", "applet", "form", "input", "textarea", "select", "base", "link",
    "svg", "math", "video", "audio", "mj-include", "noscript", "template", "portal",
})  # fmt: skip
VOID = frozenset(
    {"area", "br", "col", "hr", "img", "input", "meta", "source", "wbr", "base", "link", "embed"}
)
ADDRESSES = frozenset({"href", "src", "background", "background-url", "srcset", "action", "formaction", "xlink:href",
                       "poster", "data", "cite"})  # fmt: skip
WORDS = frozenset({"alt", "title", "name", "aria-label", "summary", "id"})
STRUCTURE = frozenset({
    "mjml", "mj-head", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-social", "mj-navbar",
    "mj-accordion", "mj-accordion-element", "mj-carousel", "mj-attributes", "mj-spacer", "mj-divider", "mj-image",
})  # fmt: skip
KNOWN = STRUCTURE | {
    "mj-body", "mj-text", "mj-button", "mj-table", "mj-raw", "mj-navbar-link", "mj-accordion-title",
    "mj-accordion-text", "mj-social-element", "mj-carousel-image", "mj-title", "mj-preview", "mj-style", "mj-font",
    "mj-breakpoint", "mj-all", "mj-class", "mj-html-attributes", "mj-selector", "mj-html-attribute", "mj-include",
}  # fmt: skip
STYLES = frozenset({"style", "mj-style"})
SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
MJML = re.compile(r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<mjml[\s>]", re.DOTALL | re.IGNORECASE)
HOST = re.compile(r"[^\s/?#@:\\]+\.[^\s/?#@:\\.]+(?::\d{1,5})?\Z|localhost(?::\d{1,5})?\Z")
SPACES = re.compile(r"[\s\x00-\x1f]+")
NAME = re.compile(r"[A-Za-z][\w]*(?:\.[\w-]+)*\Z")


def is_mjml(source: str) -> bool:
    return MJML.match(source) is not None


def look_through(stencil: Stencil, source: str, registry: Registry) -> list[Problem]:
    """What is wrong with a body, by place in its source."""
    walk = _Walk(stencil, source, registry, as_mjml=is_mjml(source))
    walk.feed(stencil.text)
    walk.close()
    walk.finish()
    return walk.problems


def variable_of(piece: Piece, registry: Registry) -> Variable | None:
    """The variable that a piece prints with nothing done to it; None of everything else."""
    name = piece.inner if piece.is_output else ""
    return registry.find(tuple(name.split("."))) if NAME.match(name) else None


def wrong_with_address(address: str, piece_of: Callable[[str], Piece], registry: Registry) -> str:
    """What is wrong with an address, in words; blank where nothing is. Liquid in it is covered."""
    text = SPACES.sub("", address)
    covers = [piece_of(one) for one in COVER.findall(text)]
    if not text or text.startswith("#"):
        return "" if not covers else "a place on the page can't be a variable"
    if any(not piece.is_output for piece in covers):
        return "only {{ … }} can stand in an address; put {% … %} around the whole link"
    if COVER.match(text):
        found = variable_of(covers[0], registry)
        is_whole = len(text) == 1 and found is not None and found.kind is Kind.ADDRESS
        return (
            ""
            if is_whole
            else "it must begin with https:// and its host, or be one address such as {{ club.website }}"
        )
    scheme = text.partition(":")[0].lower()
    if scheme not in SCHEMES or ":" not in text:
        return "it must begin with https://, http://, mailto: or tel:"
    if scheme in ("http", "https"):
        try:
            host = urlsplit(text).netloc
        except ValueError:
            host = ""
        if COVER.search(host):
            return "its host must be written out: nobody may choose where it leads"
        if not HOST.match(host) or re.search(r"\s", address.strip()):
            return "it leads nowhere"
    return ""


class _Walk(HTMLParser):
    def __init__(self, stencil: Stencil, source: str, registry: Registry, *, as_mjml: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.stencil, self.source, self.registry, self.as_mjml = stencil, source, registry, as_mjml
        self.problems: list[Problem] = []
        self.open: list[tuple[str, int]] = []
        self.lines = [0, *(found.end() for found in re.finditer("\n", stencil.text))]

    def here(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def say(self, code: str, message: str, index: int | None = None) -> None:
        at = self.stencil.source_index(self.here() if index is None else index)
        self.problems.append(Problem("body", *place(self.source, at), code, message))

    def within(self, *tags: str) -> bool:
        return any(tag in tags for tag, _at in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append((tag, self.here()))
        self._look_at(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self.as_mjml:
            if self.open and self.open[-1][0] == tag:
                self.open.pop()
                return
            self.say("MISPLACED_TAG", f"</{tag}> closes what is not open here{self._open_one()}")
        if any(name == tag for name, _at in self.open):
            while self.open.pop()[0] != tag:
                pass

    def _open_one(self) -> str:
        return f": <{self.open[-1][0]}> must be closed first" if self.open else ""

    def finish(self) -> None:
        if self.as_mjml and self.open and not self.problems:
            tag, at = self.open[-1]
            self.say("MISPLACED_TAG", f"<{tag}> is not closed", at)

    def _look_at(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN or COVER.search(tag):
            self.say("UNSAFE_MARKUP", f"<{'…' if COVER.search(tag) else tag}> can't stand in a message")
        if tag.startswith("mj") and self.as_mjml and tag not in KNOWN and tag != "mjml":
            self.say("UNKNOWN_TAG", f"there is no <{tag}>")
        if tag == "meta" and any(
            name == "http-equiv" and "refresh" in (value or "").lower() for name, value in attrs
        ):
            self.say("UNSAFE_MARKUP", "a message can't lead elsewhere by itself")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if COVER.search(name):
            self.say("MISPLACED_LIQUID", "Liquid can stand in the value of an attribute, not in place of one")
        elif name.startswith("on") and not tag.startswith("mj"):
            self.say("UNSAFE_MARKUP", f"“{name}” can't stand in a message")
        elif name in ADDRESSES:
            if name == "background-url" and COVER.search(value):
                self.say("MISPLACED_LIQUID", "the address of a background must be written out")
            if wrong := wrong_with_address(value, self.stencil.piece, self.registry):
                self.say("BROKEN_LINK", f"“{self.stencil.uncover(value)[:100]}”: {wrong}")
        elif name == "style" or (tag.startswith("mj") and name not in WORDS):
            self._style(value)

    def _style(self, text: str) -> None:
        """Only colours of ours may be filled in where a browser reads more than text."""
        if re.search(r"expression\s*\(|javascript:|@import|-moz-binding", text, re.IGNORECASE):
            self.say("UNSAFE_MARKUP", "this can't stand in a style")
        for one in COVER.findall(text):
            found = variable_of(self.stencil.piece(one), self.registry)
            if found is None or found.kind is not Kind.COLOR:
                self.say("MISPLACED_LIQUID", "only {{ club.color }} can stand in a style")

    def handle_data(self, data: str) -> None:
        parent = self.open[-1][0] if self.open else ""
        if parent in STYLES:
            self._style(data)
            return
        for found in COVER.finditer(data):
            self._liquid(parent, self.stencil.piece(found[0]))

    def _liquid(self, parent: str, piece: Piece) -> None:
        at = self.stencil.starts[self.stencil.pieces.index(piece)]
        found = variable_of(piece, self.registry)
        if found is not None and found.name == "footer":
            if self.as_mjml and parent != "mj-body":
                self.say("MISPLACED_LIQUID", "{{ footer }} stands between sections, in <mj-body>", at)
            return
        is_inside = self.within("mj-column", "mj-hero") and parent == "mj-raw"
        if self.as_mjml and (parent in STRUCTURE or is_inside or (parent == "mj-body" and piece.is_output)):
            words = "put it inside of a text, or {% … %} around whole sections"
            self.say("MISPLACED_LIQUID", f"Liquid can't stand directly in <{parent}>: {words}", at)


def chosen(problems: Iterator[Problem] | list[Problem], most: int = 20) -> list[Problem]:
    """The first problems, in order, each place once."""
    seen: dict[tuple[str, int, int, str], Problem] = {}
    for one in problems:
        seen.setdefault((one.part, one.line, one.column, one.message), one)
    return sorted(seen.values(), key=lambda one: (one.part, one.line, one.column))[:most]
