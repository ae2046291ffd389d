"""From MJML and HTML to what is kept for sending."""

import re

import pytest

from campaigns.checking import InvalidTemplate
from campaigns.compiling import compile_email
from campaigns.personalisation import Kind, Registry
from tests.campaigns.words import LETTER


def problems(body: str, **more: object) -> list[tuple[int, int, str]]:
    with pytest.raises(InvalidTemplate) as raised:
        compile_email(body, **more)  # type: ignore[arg-type]
    return [(one.line, one.column, one.code) for one in raised.value.problems]


def test_mjml_becomes_html_with_its_liquid() -> None:
    found = compile_email(LETTER, preheader="Dear {{ firstName }} & all")
    assert "<mj-" not in found.html
    assert "Hello {{ firstName }}" in found.html
    assert "Dear {{ firstName }} &amp; all</div>" in found.html
    assert 'lang="en"' in found.html
    assert "fonts.googleapis" not in found.html


def test_links_are_numbered_by_their_place_and_told() -> None:
    found = compile_email(LETTER)
    assert found.links == (
        "https://club.example/tee?m={{ membershipTier }}",
        "https://club.example/book",
    )
    assert 'href="{{ _link[0] }}"' in found.html
    assert 'href="mailto:{{ club.email | in_address }}"' in found.html
    assert 'href="{{ unsubscribeUrl }}"' in found.html


def test_the_same_address_has_one_place_in_html_and_text() -> None:
    found = compile_email(
        '<a href="https://a.example/x">a</a>', text="Go to https://a.example/x. Or https://b.example/"
    )
    assert found.links == ("https://a.example/x", "https://b.example/")
    assert found.text == "Go to {{ _link[0] }}. Or {{ _link[1] }}"


def test_a_text_part_is_made() -> None:
    text = compile_email(LETTER).text
    assert text.startswith(
        "Hello {{ firstName }}, book: {{ _link[0] }} or write: {{ club.email | in_address }}."
    )
    assert "Book: {{ _link[1] }}" in text
    assert "{% if isVip %}" in text
    assert "<" not in text


def test_a_written_text_part_is_kept() -> None:
    assert compile_email(LETTER, text="Hi {{ firstName }}\n{{ footer }}").text.startswith(
        "Hi {{ firstName }}\n--\n"
    )


def test_what_must_be_in_a_marketing_mail_is_told() -> None:
    whole, bare = compile_email(LETTER).facts, compile_email("<p>Hi</p>").facts
    assert whole.has_unsubscribe and whole.has_preferences and whole.has_postal_address and whole.has_reason
    assert not (bare.has_unsubscribe or bare.has_preferences or bare.has_postal_address or bare.has_reason)


def test_it_tells_what_is_printed_bare() -> None:
    body = (
        "<p>{{ firstName }} {{ lastName }} {{ membershipTier | default: 'no' }} {{ handicap }}"
        "{% if lastBookingDate %}{{ lastBookingDate }}{% endif %}{{ customFields.shoe }}{{ event.course }}</p>"
    )
    facts = compile_email(body).facts
    assert facts.required == {"lastName", "handicap", "customFields.shoe", "event.course"}
    assert facts.needs_event


def test_styles_are_inlined_and_rules_for_dark_screens_kept() -> None:
    body = "<style>p{color:red} @media (prefers-color-scheme: dark){p{color:#fff}}</style><p>Hi</p>"
    html = compile_email(body).html
    assert re.search(r'<p style="color: ?red;?">', html)
    assert "prefers-color-scheme: dark" in html


def test_html_entities_hide_no_liquid() -> None:
    html = compile_email("<p>&#123;&#123; club.name }} &#123;% if x %}</p>").html
    assert "{{ club.name" not in html
    assert "{%" not in html.replace("{% if _pixel %}", "").replace("{% endif %}", "")


def test_quotes_and_backslashes_stay_as_they_are() -> None:
    body = LETTER.replace(
        "<mj-button", "<mj-image src='https://a.example/a.png' alt='a \"b\" \\ é ⛳' /><mj-button"
    )
    html = compile_email(body).html
    assert 'alt="a &quot;b&quot; &#92; é ⛳"' in html


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("{{ firstName }}", "{{ first_name }}", (4, 19, "UNKNOWN_VARIABLE")),
        ("{{ firstName }}", "{{ firstName | shout }}", (4, 31, "UNKNOWN_FILTER")),
        ("{{ firstName }}", "{{ firstName", (4, 38, "INVALID_LIQUID")),
        ("{{ firstName }}", "{% include 'x' %}", (4, 19, "INVALID_LIQUID")),
        ("{% endif %}", "", (8, 1, "INVALID_LIQUID")),
        ("https://club.example/book", "javascript:alert(1)", (6, 1, "BROKEN_LINK")),
        ("https://club.example/book", "java&#115;cript:alert(1)", (6, 1, "BROKEN_LINK")),
        ("https://club.example/book", "https://{{ firstName }}.example/", (6, 1, "BROKEN_LINK")),
        ("https://club.example/book", "https://club", (6, 1, "BROKEN_LINK")),
        ("https://club.example/book", "{{ firstName }}", (6, 1, "BROKEN_LINK")),
        ("https://club.example/book", "/book", (6, 1, "BROKEN_LINK")),
        ('"#eeeeee"', '"{{ firstName }}"', (2, 1, "MISPLACED_LIQUID")),
        ("<mj-button", "{% if isVip %}{% endif %}<mj-button", (6, 1, "MISPLACED_LIQUID")),
        ("You are a VIP.", "<b>You are", (8, 57, "MISPLACED_TAG")),
        ("You are a VIP.", "<script>1</script>", (8, 47, "UNSAFE_MARKUP")),
        ("You are a VIP.", '<p onclick="x">a</p>', (8, 47, "UNSAFE_MARKUP")),
        ("You are a VIP.", "{{ footer }}", (8, 47, "MISPLACED_LIQUID")),
        ("<mj-button", "<mj-buton", (6, 1, "UNKNOWN_TAG")),
        ("<mj-head>", '<mj-head><mj-include path="/etc/passwd"/>', (1, 16, "UNSAFE_MARKUP")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, where: tuple[int, int, str]) -> None:
    assert old in LETTER
    assert where in problems(LETTER.replace(old, new, 1))


def test_a_name_that_was_meant_is_suggested() -> None:
    with pytest.raises(InvalidTemplate, match="did you mean “membershipTier”"):
        compile_email("<p>{{ membership_tier }}</p>")


def test_custom_fields_are_those_of_the_tenant() -> None:
    registry = Registry({"shoeSize": Kind.TEXT})
    compile_email("<p>{{ customFields.shoeSize }}</p>", registry=registry)
    assert problems("<p>{{ customFields.shoeSise }}</p>", registry=registry) == [(1, 7, "UNKNOWN_VARIABLE")]


@pytest.mark.parametrize(
    "body",
    [
        "{% for i in (1..100) %}" + "{{ i }}" * 300 + "{% endfor %}",
        "{{ firstName }}" * 4000,
        "x" * 400_000,
    ],
)
def test_work_without_end_is_refused(body: str) -> None:
    assert problems(body)[0][2] == "TOO_LONG"
