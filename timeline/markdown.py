"""The Markdown of notes: to safe HTML, to plain text, and the people it mentions. Pure.

Two walls: the parser knows no HTML and no images, and what it makes passes an allow-list of tags, attributes
and link schemes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

MENTION = re.compile(r"@\[([^\[\]\n]{1,254})\](?!\()")
TAGS = {
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h4", "span",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
CLASSES = {"span": {"mention"}}
SCHEMES = {"http", "https", "mailto", "tel"}
REL = "noopener noreferrer nofollow"
BREAKS = {"softbreak", "hardbreak"}

Names = Mapping[str, str]


def _mention(state: Any, silent: bool) -> bool:
    """markdown-it rule: @[who] is a token of its own."""
    found = MENTION.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("mention", "", 0).content = found[1]
    state.pos = found.end()
    return True


_reader = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
_reader.disable(["image", "html_block", "html_inline", "reference"])
_reader.inline.ruler.before("link", "mention", _mention)


def mentioned(text: str) -> list[str]:
    """Whom a text names as @[who], in order, each once."""
    return list(dict.fromkeys(found[1].strip() for found in MENTION.finditer(text)))


def replace_mentions(text: str, name_of: Callable[[str], str]) -> str:
    """The text with every @[who] as @[name_of(who)]."""
    return MENTION.sub(lambda found: f"@[{name_of(found[1].strip())}]", text)


def to_html(text: str, names: Names) -> str:
    """Safe HTML; @[id] becomes the name, or a word for somebody who is no longer there."""
    tokens = _reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"  # the page's own headings stand above
        _name(token, names)
    return nh3.clean(
        _reader.renderer.render(tokens, _reader.options, {}), tags=TAGS, attributes=ATTRIBUTES,
        allowed_classes=CLASSES, url_schemes=SCHEMES, link_rel=REL, url_relative="deny",
    )  # fmt: skip


def to_text(text: str, names: Names, *, length: int = 0) -> str:
    """One line of plain words, cut to `length` if that is given."""
    words = " ".join("".join(_words(_reader.parse(text), names)).split())
    return words if not length or len(words) <= length else words[: length - 1].rstrip() + "…"


def _name(token: Token, names: Names) -> None:
    for child in token.children or []:
        if child.type == "mention":
            child.content = spoken(child.content, names)
        elif child.type == "code_inline":
            child.content = named(child.content, names)
    if token.type in ("fence", "code_block"):
        token.content = named(token.content, names)


def _words(tokens: list[Token], names: Names) -> Iterator[str]:
    for token in tokens:
        if token.children:
            yield from _words(token.children, names)
            yield " "
        elif token.type == "mention":
            yield f"@{spoken(token.content, names)}"
        elif token.type in BREAKS:
            yield " "
        else:
            yield named(token.content, names)


def named(text: str, names: Names) -> str:
    """The text itself with names for ids."""
    return MENTION.sub(lambda found: f"@{spoken(found[1], names)}", text)


def spoken(who: str, names: Names) -> str:
    return names.get(who.strip(), "?")


def _render_mention(renderer: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    return f'<span class="mention">@{escapeHtml(tokens[index].content)}</span>'


_reader.add_render_rule("mention", _render_mention)
