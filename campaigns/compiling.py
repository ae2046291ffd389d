"""From what staff write to what is kept for sending: MJML to HTML, styles inlined, links numbered, a text part. Pure.

Liquid stays in it. Per message only that is filled in, and the addresses of links.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from typing import Any, NamedTuple

from css_inline import CSSInliner, InlineError
from mrml import RenderOptions, to_html

from campaigns import footers, markup, plain
from campaigns.checking import Facts, InvalidTemplate, check, check_words
from campaigns.liquid import Problem, place
from campaigns.personalisation import MESSAGE_LINKS, Registry
from campaigns.stencil import COVER, FIRST, Piece, Stamps, Stencil, cover, without_covers

MOST_LINKS = 500
LONGEST_LINK = 2000
INLINER = CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_link_tags=True)
LINK = re.compile(r'(<a\b(?:[^>"]|"[^"]*")*?\shref=")([^"]*)(")', re.IGNORECASE)
PICTURE = re.compile(r'(\s(?:src|background)=")([^"]*)(")', re.IGNORECASE)
TEXT_LINK = re.compile(r"https?://[^\s<>\"']+")
URL_ENCODED = re.compile(r"\|\s*url_encode\s*$")
MJ_TAG = re.compile(r"<mj[a-z-]*(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<(?:a|img)\b[^<>]*>")
ATTRIBUTE = re.compile(r"=\s*'([^']*)'")
BLOCK = re.compile(r"\{\{-?\s*(footer|reason)\s*-?\}\}")
PIXEL = '{% if _pixel %}<img src="{{ _pixel }}" width="1" height="1" alt="" style="display:block">{% endif %}'
SHELL = (
    '<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"></head>'
    '<body style="margin:0"><div style="max-width:600px;margin:0 auto;padding:24px 16px;font-family:Helvetica,Arial,'
    'sans-serif;font-size:16px;line-height:24px">{body}</div></body></html>'
)
HIDDEN = (
    '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden">'
    "{words}</div>"
)


class Compiled(NamedTuple):
    """What is kept of the words of one language. links: addresses by their place, Liquid left in them."""

    html: str
    text: str
    links: tuple[str, ...]
    facts: Facts


def compile_email(
    body: str, *, text: str = "", preheader: str = "", language: str = "en", registry: Registry | None = None
) -> Compiled:
    """Make the HTML and text of an e-mail from MJML or HTML. Raises InvalidTemplate with every place."""
    registry = registry or Registry()
    body, text, preheader = without_covers(body), without_covers(text), without_covers(preheader)
    problems = check_words({"body": body, "text": text, "preheader": preheader}, registry)
    if not body.strip():
        problems.append(Problem("body", 0, 0, "MISSING_FIELD", "it is empty"))
    if not problems:
        problems = markup.look_through(cover(body), body, registry)
    if problems:
        raise InvalidTemplate(problems)
    covered, links = _laid_out(body, preheader, language), Links()
    html = links.number_html(covered)
    words = _number_words(text, language, links) if text.strip() else _readable(html, covered, links)
    html = links.stamps.write(covered.uncover(html))
    html = html.replace("</body>", PIXEL + "</body>", 1) if "</body>" in html else html + PIXEL
    return Compiled(html, words, tuple(links.found), Facts(html, words))


def _number_words(text: str, language: str, links: "Links") -> str:
    covered = cover(_blocks_in(text, language, footers.as_text))
    return links.stamps.write(covered.uncover(links.number_text(covered)))


def _readable(html: str, covered: Stencil, links: "Links") -> str:
    """The text part of a layout whose links are numbered."""
    return links.stamps.write(covered.uncover(inert(plain.text_of(html))))


def _laid_out(body: str, preheader: str, language: str) -> Stencil:
    """HTML with its Liquid covered. Raises InvalidTemplate."""
    as_mjml = markup.is_mjml(body)
    block = footers.as_mjml if as_mjml else footers.as_html
    source = _blocks_in(body, language, block)
    source = (_in_mjml if as_mjml else _in_html)(source, preheader, language)
    covered = cover(source)
    try:
        html = _mjml(covered.text, language) if as_mjml else INLINER.inline(covered.text)
    except OSError as error:
        raise InvalidTemplate([_misread(error, body)]) from None
    except InlineError as error:
        raise InvalidTemplate([Problem("body", 0, 0, "INVALID_HTML", str(error))]) from None
    _same_order(covered, html, body)
    return covered._replace(text=html)


def _mjml(text: str, language: str) -> str:
    text = MJ_TAG.sub(_legible, text)
    text = re.sub(r"<mjml(?=[\s>])(?![^>]*\slang=)", f'<mjml lang="{escape(language)}"', text, count=1)
    return str(to_html(text, None, RenderOptions(fonts={})).content)


def _legible(found: re.Match[str]) -> str:
    """A tag whose attributes MRML hands on as they are: it spells out backslashes, quotes and ends of lines."""
    tag = ATTRIBUTE.sub(lambda one: '="' + one[1].replace('"', "&quot;") + '"', found[0])
    return tag.replace("\\", "&#92;").replace("\n", " ").replace("\r", " ").replace("\t", " ")


def _in_mjml(source: str, preheader: str, language: str) -> str:
    head = '<mj-raw><meta name="color-scheme" content="light dark"></mj-raw>'
    if preheader and "<mj-preview" not in source:
        head += f"<mj-preview>{_escaped(preheader)}</mj-preview>"
    if re.search(r"<mj-head[\s>]", source):
        return re.sub(r"(<mj-head[^>]*>)", lambda found: found[1] + head, source, count=1)
    return re.sub(r"(<mjml[^>]*>)", lambda found: f"{found[1]}<mj-head>{head}</mj-head>", source, count=1)


def _in_html(source: str, preheader: str, language: str) -> str:
    if not re.search(r"<body[\s>]", source, re.IGNORECASE):
        source = SHELL.replace("{language}", escape(language)).replace("{body}", source)
    hidden = HIDDEN.replace("{words}", _escaped(preheader)) if preheader else ""
    return re.sub(r"(<body[^>]*>)", lambda found: found[1] + hidden, source, count=1, flags=re.IGNORECASE)


def _escaped(words: str) -> str:
    """Plain words as HTML, with their Liquid as it is."""
    covered = cover(words)
    return covered.uncover(escape(covered.text))


def _blocks_in(source: str, language: str, footer: Any) -> str:
    made = {"footer": footer(language), "reason": footers.reason(language)}
    return BLOCK.sub(lambda found: made[found[1]], source)


def _misread(error: OSError, body: str) -> Problem:
    return Problem("body", 0, 0, "INVALID_MJML", f"this MJML can't be read: {error}")


def _same_order(covered: Stencil, html: str, body: str) -> None:
    """Refuse a layout that lost a piece of Liquid, or moved a tag past what it is about."""
    there = COVER.findall(html)
    lost = [piece for piece, one in _numbered(covered) if one not in set(there)]
    tags = [one for one in there if not covered.piece(one).is_output]
    moved = [covered.piece(one) for one in tags] if tags != sorted(tags) else []
    if wrong := [*lost, *moved][:1]:
        at = place(body, body.find(wrong[0].text))
        words = "the layout has no place for Liquid here: put it inside of a text, or around whole sections"
        raise InvalidTemplate([Problem("body", *at, "MISPLACED_LIQUID", words)])


def _numbered(covered: Stencil) -> Iterable[tuple[Piece, str]]:
    return [(piece, chr(FIRST + number)) for number, piece in enumerate(covered.pieces)]


def inert(text: str) -> str:
    """What entities hid in a text becomes no Liquid."""
    return text.replace("{{", "{ {").replace("{%", "{ %")


class Links:
    """The addresses of a message by their place; the same address in HTML and text has one place."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.stamps = Stamps()

    def number_html(self, covered: Stencil) -> str:
        """HTML with a number for every address that is followed in it."""
        html = PICTURE.sub(
            lambda found: found[1] + self._parts(unescape(found[2]), covered) + found[3], inert(covered.text)
        )
        return LINK.sub(
            lambda found: found[1] + self._link(unescape(found[2]).strip(), covered) + found[3], html
        )

    def number_text(self, covered: Stencil) -> str:
        return TEXT_LINK.sub(lambda found: self._worded(found[0], covered), inert(covered.text))

    def _link(self, address: str, covered: Stencil) -> str:
        if address.lower().startswith(("http://", "https://")) or _is_site(address, covered):
            return self._numbered(covered.uncover(address))
        return self._parts(address, covered)

    def _worded(self, address: str, covered: Stencil) -> str:
        bare = address.rstrip(".,;:!?)")
        return self._numbered(covered.uncover(bare)) + address[len(bare) :]

    def _numbered(self, address: str) -> str:
        if address not in self.found:
            if len(self.found) == MOST_LINKS or len(address) > LONGEST_LINK:
                raise InvalidTemplate(
                    [Problem("body", 0, 0, "TOO_LONG", "it has too many links, or too long ones")]
                )
            self.found.append(address)
        return self.stamps.put(f"{{{{ _link[{self.found.index(address)}] }}}}")

    def _parts(self, address: str, covered: Stencil) -> str:
        """An address that nobody follows, with what is filled in encoded as a part of it."""
        if COVER.fullmatch(address):
            return address
        return COVER.sub(
            lambda found: self.stamps.put(in_part(covered.piece(found[0]), address)), escape(address)
        )


def in_part(piece: Piece, address: str) -> str:
    """Liquid that prints something as a part of an address."""
    filter_ = "in_phone" if address.lower().startswith(("tel:", "sms:")) else "in_address"
    return f"{{{{ {re.sub(URL_ENCODED, '', piece.inner)} | {filter_} }}}}"


def _is_site(address: str, covered: Stencil) -> bool:
    """Whether an address is one variable, such as the club's website, and none of the message's own."""
    return bool(COVER.fullmatch(address)) and covered.piece(address).inner not in MESSAGE_LINKS


# --- other channels
def compile_text(body: str, *, registry: Registry | None = None, part: str = "body") -> Compiled:
    """The text of an SMS, a push or a WhatsApp message, with its links numbered. Raises InvalidTemplate."""
    registry = registry or Registry()
    body = without_covers(body)
    if problems := check(part, body, registry):
        raise InvalidTemplate(problems)
    links = Links()
    words = _number_words(body, "en", links)
    return Compiled("", words, tuple(links.found), Facts(words))
