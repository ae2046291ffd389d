"""What the tests of messages' words share."""

from typing import Any

from campaigns.compiling import compile_email
from campaigns.personalisation import examples
from campaigns.rendering import PlainLinks, Rendered, Words, render

LETTER = """<mjml><mj-head><mj-title>News</mj-title></mj-head>
<mj-body background-color="#eeeeee">
<mj-section><mj-column>
<mj-text>Hello {{ firstName }}, <a href="https://club.example/tee?m={{ membershipTier }}">book</a>
or <a href="mailto:{{ club.email }}">write</a>.</mj-text>
<mj-button href="https://club.example/book" background-color="{{ club.color }}">Book</mj-button>
</mj-column></mj-section>
{% if isVip %}<mj-section><mj-column><mj-text>You are a VIP.</mj-text></mj-column></mj-section>{% endif %}
{{ footer }}
</mj-body></mjml>"""


def letter(body: str = LETTER, **more: Any) -> Words:
    found = compile_email(body, **more)
    return Words(
        channel="EMAIL",
        language=more.get("language", "en"),
        html=found.html,
        text=found.text,
        links=found.links,
    )


def sent(words: Words, **values: Any) -> Rendered:
    return render(words, {**examples(), "_zone": "Africa/Johannesburg", **values}, PlainLinks())


def text_of(source: str, language: str = "en", **values: Any) -> str:
    return sent(Words(channel="SMS", language=language, text=source), **values).text
