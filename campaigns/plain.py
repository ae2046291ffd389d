"""The plain part of an e-mail, made from its HTML: what a reader without pictures and colours sees. Pure."""

import re
from html.parser import HTMLParser

SILENT = frozenset({"head", "style", "script", "title"})
BLOCKS = frozenset({
    "p", "div", "table", "tr", "ul", "ol", "blockquote", "section", "header", "footer", "article", "center", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6", "li", "dl", "dt", "dd", "pre", "body",
})  # fmt: skip
APART = frozenset({"p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "table", "hr"})
HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "meta", "source", "wbr", "link"})


def text_of(html: str) -> str:
    """Headings, paragraphs, lists, and links as “label: address”."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [
        re.sub(r"[ \t\u00a0\u200c\u200b]+", " ", line).strip() for line in "".join(reader.said).split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.silent: list[str] = []  # tags open in what is not shown
        self.links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if self.silent or tag in SILENT or HIDDEN.search(found.get("style", "")):
            if tag not in VOID:
                self.silent.append(tag)
            return
        if tag == "br":
            self.said.append("\n")
        elif tag == "hr":
            self.said.append("\n\n---\n")
        elif tag == "img":
            self.said.append(found.get("alt", ""))
        elif tag == "a":
            self.links.append((found.get("href", ""), len(self.said)))
        elif tag in BLOCKS:
            self.said.append("\n\n" if tag in APART else "\n")
            self.said.append("- " if tag == "li" else "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.silent:
            if tag in self.silent:
                while self.silent.pop() != tag:
                    pass
        elif tag == "a" and self.links:
            self._close_link()
        elif tag in ("td", "th"):
            self.said.append(" ")
        elif tag in BLOCKS:
            self.said.append("\n\n" if tag in APART else "\n")

    def _close_link(self) -> None:
        address, start = self.links.pop()
        label = "".join(self.said[start:]).strip()
        bare = address.removeprefix("mailto:").removeprefix("tel:")
        if bare and not address.startswith("#") and label != bare:
            self.said.append(f": {bare}" if label else bare)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(re.sub(r"\s+", " ", data))
