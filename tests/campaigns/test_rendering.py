"""What one person gets."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns import liquid
from campaigns.checking import check
from campaigns.filling import Filling
from campaigns.formats import Reader
from campaigns.personalisation import Registry, Values, examples
from campaigns.rendering import PlainLinks, RenderFailed, Words, address_for, render
from tests.campaigns.words import LETTER, letter, sent, text_of

WORDS = letter(LETTER)


class Tracked(PlainLinks):
    def link(self, position: int, address: str) -> str:
        return f"https://t.example/{position}?a=1&b=2"

    def pixel(self) -> str:
        return "https://t.example/o"


def test_values_are_filled_in() -> None:
    got = sent(letter(LETTER, preheader="For {{ firstName }}"), firstName="Zoë & Co")
    assert "Hello Zoë &amp; Co" in got.html
    assert "For Zoë &amp; Co" in got.html
    assert "Hello Zoë & Co" in got.text
    assert "background:#14532d" in got.html


@pytest.mark.parametrize(
    ("source", "language", "said"),
    [
        ("{{ lastBookingDate }}", "en", "21 Nov 2026"),
        ("{{ lastBookingDate | date: 'full' }}", "af", "Saterdag 21 November 2026"),
        ("{{ lastBookingDate | date: '%-d %B' }}", "de", "21 November"),
        ("{{ nextBooking }}", "en", "5 Dec 2026, 08:40"),
        ("{{ nextBooking | time }}", "en", "08:40"),
        ("{{ lifetimeValue }}", "en", "R18,450"),
        ("{{ event.cents | money: 'GBP' }}", "en", "£12.50"),
        ("{{ handicap }}", "de", "14,2"),
        ("{{ lastBookingDate | default: 'not yet' }}", "en", "21 Nov 2026"),
        ("{{ tags | join: ', ' }}", "en", "Seniors, Corporate"),
    ],
)  # fmt: skip
def test_values_are_written_for_the_reader(source: str, language: str, said: str) -> None:
    assert text_of(source, language, event={"cents": 1250}) == said


@pytest.mark.parametrize(
    ("source", "language", "said"),
    [
        ("Hi {{ firstName }}", "en", "Hi golfer"),
        ("Hi {{ firstName }}", "af-ZA", "Hi gholfspeler"),
        ("Hi {{ firstName | default: 'friend' }}", "en", "Hi friend"),
        ("{{ lastBookingDate | default: 'not yet' }}", "en", "not yet"),
        ("{{ nextBooking }}.", "en", "."),
        ("{% if firstName %}yes{% else %}no{% endif %}", "en", "no"),
    ],
)
def test_defaults_stand_where_nothing_is_known(source: str, language: str, said: str) -> None:
    assert text_of(source, language, firstName=None, lastBookingDate=None, nextBooking=None) == said


def test_the_time_is_that_of_the_club() -> None:
    assert text_of("{{ nextBooking | time }}", nextBooking="2026-12-05T06:40:00Z") == "08:40"


def test_links_and_the_picture_are_the_makers() -> None:
    got = render(WORDS, examples(), Tracked())
    assert got.html.count("https://t.example/0?a=1&amp;b=2") == 1
    assert 'src="https://t.example/o"' in got.html
    assert "book: https://t.example/0?a=1&b=2" in got.text


def test_an_address_is_that_of_the_person() -> None:
    url = "https://club.example/tee?m={{ membershipTier }}"
    assert (
        address_for(url, {"membershipTier": "Gold & Co/?#"})
        == "https://club.example/tee?m=Gold%20%26%20Co%2F%3F%23"
    )
    assert (
        address_for("{{ club.website }}", {"club": {"website": "https://a.example"}}) == "https://a.example"
    )
    assert address_for("{{ club.website }}", {"club": {"website": "javascript:alert(1)"}}) == ""


def test_a_subject_is_one_line() -> None:
    words = Words(channel="EMAIL", language="en", subject="Hi {{ firstName }}", html="", text="")
    assert sent(words, firstName="A\r\nBcc: all@example.com\u2028x").subject == "Hi A Bcc: all@example.com x"


def test_a_push_has_a_link_and_whatsapp_its_parameters() -> None:
    extra = {"link": "https://a.example/{{ membershipTier }}", "parameters": ["{{ firstName }}", "at 8"]}
    got = sent(Words(channel="WHATSAPP", language="en", text="", extra=extra))
    assert got.extra == {"link": "https://a.example/Gold", "parameters": ["Thandi", "at 8"]}


def test_an_sms_tells_how_many_it_takes() -> None:
    assert sent(Words(channel="SMS", language="en", text="{{ firstName }}" * 30)).parts == 2


# --- nothing that is stored runs
NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "{{7*7}}",
            "{{ club.address }}",
            "{% if true %}x{% endif %}",
            "{%raw%}",
            "<script>alert(1)</script>",
            '"><img src=x>',
            "' onmouseover='x",
            "</div></body>",
            "<!--",
            "-->",
            "]]>",
            "&lt;b&gt;",
            "&#123;&#123;",
            "javascript:alert(1)",
            "\x00",
            "\u2028",
            "{{ unsubscribeUrl }}",
            "${7*7}",
            "#{x}",
            "{# x #}",
            "\U00017000",
            "\U000f0000",
        ]
    ),
)


@settings(max_examples=150, deadline=None)
@given(NASTY, NASTY, NASTY)
def test_values_change_nothing_but_text(first: str, tier: str, club: str) -> None:
    """Whatever is known of somebody, the message has the tags that it has for everybody."""
    values = {
        "firstName": first,
        "membershipTier": tier,
        "club": {**examples()["club"], "name": club, "address": club},
    }
    got = sent(WORDS, **values)
    assert shape(got.html) == shape(sent(WORDS).html)
    assert (
        "49" not in got.html.replace(first, "").replace(tier, "").replace(club, "")
        or "49" in sent(WORDS).html
    )
    if first.strip():
        assert f"Hello {first}," in got.text


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []

    class Shape(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _value in attrs)))

        def handle_endtag(self, tag: str) -> None:
            found.append((f"/{tag}", ()))

        def handle_comment(self, data: str) -> None:
            found.append(("comment", ()))

    Shape().feed(html)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "{{ firstName.__class__.__mro__ }}",
        "{{ firstName['__class__'] }}",
        "{{ tags.__init__.__globals__ }}",
        "{{ club.items }}",
        "{{ club.__len__ }}",
        "{{ _reader.zone }}",
        "{{ _link.maker }}",
        "{{ self }}",
        "{{ loop }}",
        "{{ tags | map: '__class__' }}",
        "{{ 'x' | safe }}",
        "{% liquid echo 'x' %}",
        "{% render 'x' %}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro x %}{% endmacro %}",
        "{% capture x %}{% endcapture %}",
        "{% increment x %}",
        "{% tablerow i in (1..2) %}{% endtablerow %}",
        "{% import os %}",
        "{% load x %}",
        "{{ 'a' | base64_decode }}",
        "{{ 'a' | where: 'x' }}",
        "{{ 'a' | in_address }}",
        "{{ config }}",
        "{{ request }}",
        "{{ settings.SECRET_KEY }}",
        "{{ ''.__class__ }}",
        "{{ firstName | attr: 'x' }}",
        "{% for x in settings %}{% endfor %}",
    ],
)
def test_only_documented_things_can_be_used(source: str) -> None:
    assert check("body", source, Registry({}))


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..200) %}{% for j in (1..200) %}x{% endfor %}{% endfor %}",
        "{{ (1..100000000) | join: ',' }}",
        "{% assign a = 'aaaaaaaaaaaaaaaaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaa' " + "| replace: 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' " * 8 + "}}",
        "{% assign n = 999999999 %}" + "{% assign n = n | times: n %}" * 30 + "{{ n }}",
        "{{ 1 | divided_by: 0 }}",
        "{{ lastBookingDate | date: '%q' }}",
    ],
)
def test_what_would_never_end_fails_at_once(source: str) -> None:
    with pytest.raises(RenderFailed):
        text_of(source)


# --- quick and right
PIECES = st.sampled_from(
    [
        "text <b> ",
        "{{ firstName }}",
        "{{ club.name }}",
        "{{ club.name | upcase }}",
        "{{ nope.deep }}",
        "{{ tags.size }}",
        "{{ tags[0] }}",
        "{{ firstName | default: 'x' | upcase }}",
        "{{ handicap | plus: 1 }}",
        "{{ lastName | append: firstName }}",
        "{% if isVip %}a{{ firstName }}{% elsif club.phone %}b{% else %}c{% endif %}",
        "{% unless isVip %}u{% endunless %}",
        "{% if handicap > 10 and club.name contains 'Golf' %}h{% endif %}",
        "{% assign x = firstName | upcase %}",
        "{{ x }}",
        "{% for t in tags %}{{ t }}{{ forloop.index }}{% endfor %}",
        "{% case membershipTier %}{% when 'Gold' %}g{% else %}o{% endcase %}",
        "{% if x %}{{ x }}{% endif %}",
        "{{ lastBookingDate | date }}",
        "{{ lifetimeValue | money }}",
        "{{ firstName | newline_to_br }}",
        "{% if isVip %}{% assign y = 1 %}{% endif %}{{ y }}",
        "{% raw %}{{ x }}{% endraw %}",
        "{{ '<i>' | append: firstName }}",
    ]
)
KNOWN = st.fixed_dictionaries({
    "firstName": st.sampled_from([None, "",
    "<Ann>",
    "Bo\nb"]), "isVip": st.sampled_from([None, True, False, 0]),
    "handicap": st.sampled_from([None, 5, 14.5]), "tags": st.sampled_from([[], ["a",
    "<b>"]]),
    "lastName": st.sampled_from([None, "Z"]), "membershipTier": st.sampled_from([None, "Gold"]),
    "lastBookingDate": st.sampled_from([None, "2026-11-21"]), "lifetimeValue": st.sampled_from([0, 12345]),
})  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=8), KNOWN, st.booleans(), st.sampled_from([None, "021 555"]))
def test_quick_filling_gives_what_liquid_gives(
    pieces: list[str], own: dict[str, object], is_html: bool, phone: str | None
) -> None:
    template = liquid.parsed("".join(pieces), is_html=is_html)
    shared = {"club": {"name": "Golf & Co", "phone": phone}, liquid.READER: Reader()}
    values = Values(own, shared)
    try:
        expected: str | None = liquid.rendered(template, values)
    except RenderFailed:
        expected = None
    try:
        found: str | None = Filling.of(template).bound(shared).fill(values)
    except RenderFailed:
        found = None
    assert found == expected


def test_a_batch_is_filled_in_with_its_own_club() -> None:
    words = Words(channel="SMS", language="en", text="{{ firstName }} of {{ club.name }}")
    one, other = {"club": {"name": "Fynbos"}}, {"club": {"name": "Heath"}}
    said = [render(words, Values({"firstName": "A"}, club), PlainLinks()).text for club in (one, other, one)]
    assert said == ["A of Fynbos", "A of Heath", "A of Fynbos"]
