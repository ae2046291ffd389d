"""The Markdown of notes: what staff see of it, and what never gets through (TL-4)."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.markdown import ATTRIBUTES, SCHEMES, TAGS, mentioned, replace_mentions, to_html, to_text

WHO = "0190d1c0-0000-7000-8000-000000000000"
NAMES = {WHO: "Pieter <b>Fourie</b>"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>body{display:none}</style>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<form action='//evil.example'><input name=q></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href='//evil.example/'>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<details open ontoggle=alert(1)>",
    "<p onclick=alert(1)>x</p>",
    "<!--><script>alert(1)</script-->",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](<javascript:alert(1)>)",
    "<javascript:alert(1)>",
    '[x](https://a.example "onmouseover=alert(1)")',
    '[x](https://a.example" onmouseover="alert(1))',
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x]: javascript:alert(1)\n\n[x]",
    "[![x](https://evil.example/p.png)](javascript:alert(1))",
    "`<script>alert(1)</script>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "> <img src=x onerror=alert(1)>",
    "# <script>alert(1)</script>",
    "@[<script>alert(1)</script>]",
    f"@[{WHO}](javascript:alert(1))",
    "**<b onmouseover=alert(1)>x**",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[x](//evil.example)",
    "[x](/admin/logout/)",
]


class Reading(HTMLParser):
    """Every tag and attribute of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def is_safe(html: str) -> bool:
    reading = Reading()
    reading.feed(html)
    for tag, attributes in reading.tags:
        allowed = ATTRIBUTES.get(tag, set()) | (
            {"rel"} if tag == "a" else {"class"} if tag == "span" else set()
        )
        assert tag in TAGS, html
        assert set(attributes) <= allowed, html
        href = attributes.get("href")
        assert href is None or re.match(rf"(?:{'|'.join(SCHEMES)}):", href), html
        assert attributes.get("class") in (None, "mention"), html
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
    return True


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_runs_loads_or_submits_gets_through(text: str) -> None:
    html = to_html(text, NAMES)
    assert is_safe(html)
    assert "<script" not in html.lower()
    assert "<img" not in html


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from([*HOSTILE, "\n", "*", "`", "- ", "> ", "[", "](", ")", "<", ">", "\\", '"']),
        max_size=8,
    )
)
def test_nor_does_any_mixture_of_them(parts: list[str]) -> None:
    assert is_safe(to_html("".join(parts), NAMES))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**loud** and *soft*", "<p><strong>loud</strong> and <em>soft</em></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("# Big", "<h4>Big</h4>"),
        ("~~no~~ `code`", "<p><s>no</s> <code>code</code></p>"),
        (
            "[us](https://club.example)",
            '<p><a href="https://club.example" rel="noopener noreferrer nofollow">us</a></p>',
        ),
        (f"Ask @[{WHO}].", '<p>Ask <span class="mention">@Pieter &lt;b&gt;Fourie&lt;/b&gt;</span>.</p>'),
        (f"`@[{WHO}]`", "<p><code>@Pieter &lt;b&gt;Fourie&lt;/b&gt;</code></p>"),
    ],
)  # fmt: skip
def test_what_people_write_looks_as_they_meant_it(text: str, html: str) -> None:
    assert to_html(text, NAMES).strip() == html


def test_plain_words_for_lists_are_one_line_and_cut_at_a_length() -> None:
    text = f"# Hello\n\n**Ask** @[{WHO}]\nabout `x`.\n\n- one\n- two"
    assert to_text(text, {WHO: "Pieter"}) == "Hello Ask @Pieter about x. one two"
    assert to_text("word " * 50, {}, length=20) == "word word word word…"


def test_mentions_are_found_each_once_and_links_are_none() -> None:
    text = "@[Ann Lee] and @[ ann@club.example ] and @[Ann Lee], not @Ann nor @[link](https://a.example)"
    assert mentioned(text) == ["Ann Lee", "ann@club.example"]
    assert replace_mentions("@[a] @[b](https://x)", str.upper) == "@[A] @[b](https://x)"


@pytest.mark.parametrize("text", ["[" * 20_000, "@[" * 10_000, "_a*" * 6_600, "[a](b" * 4_000, "> " * 10_000])
def test_nobody_can_make_the_page_hang(text: str) -> None:
    assert is_safe(to_html(text[:20_000], {}))
