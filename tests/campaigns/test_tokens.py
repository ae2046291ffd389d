import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import tokens
from campaigns.models import Message, MessageClass, Sender
from campaigns.tokens import CLICK, OPEN, UNSUBSCRIBE, MessageLinks, Token, headers, make, read

ids, places = st.integers(0, 2**63 - 1), st.integers(0, tokens.TRAP)


@given(ids, places)
def test_what_was_made_is_read_again_and_is_short(message: int, position: int) -> None:
    token = make(CLICK, message, position)
    assert read(CLICK, token) == Token(message, position)
    assert len(token) <= 40 and re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(ids, st.integers(0, 200), st.integers(1, 255))
def test_what_was_changed_is_none_of_ours(message: int, place: int, by: int) -> None:
    raw = bytearray(tokens.urlsafe_b64decode(make(OPEN, message) + "=="))
    raw[place % len(raw)] ^= by
    assert read(OPEN, tokens._text(bytes(raw))) is None


def test_a_token_is_for_one_thing_alone() -> None:
    assert read(OPEN, make(UNSUBSCRIBE, 7)) is None
    assert read(CLICK, make(CLICK, 7, 1), "https://elsewhere.example") is None
    assert read(CLICK, make(CLICK, 7, 1, "https://a.example/x"), "https://a.example/x") == Token(7, 1)


@pytest.mark.parametrize(
    "token", ["", "a", "é", "=" * 30, "A" * 61, "....", make(OPEN, 1) + "=", make(OPEN, 1)[:-1]]
)
def test_nonsense_is_none_of_ours(token: str) -> None:
    assert read(OPEN, token) is None


def test_a_token_outlives_a_change_of_keys(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    token = make(UNSUBSCRIBE, 7)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", "old"]
    assert read(UNSUBSCRIBE, token) == Token(7)
    settings.SECRET_KEY_FALLBACKS = []
    assert read(UNSUBSCRIBE, token) is None


def test_marketing_can_be_left_by_one_click_and_by_mail() -> None:
    message = Message(pk=7, channel="EMAIL", message_class=MessageClass.MARKETING)
    sender = Sender(reply_to="pro@fynbos.example", tracking_domain="mail.fynbos.example")
    found = headers(message, sender)
    assert found == {
        "List-Unsubscribe": f"<mailto:pro@fynbos.example?subject=unsubscribe%20{make(UNSUBSCRIBE, 7)}>, "
        f"<https://mail.fynbos.example/t/u/{make(UNSUBSCRIBE, 7)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    message.message_class = MessageClass.TRANSACTIONAL
    assert headers(message, sender) == {}


def test_links_lead_past_us_unless_they_are_no_web_addresses(settings: Any) -> None:
    settings.PUBLIC_URL = "https://crm.example"
    links = MessageLinks(7, Sender(), ["https://fynbos.example/book"])
    assert links.link(0, "https://fynbos.example/book") == f"https://crm.example/t/c/{make(CLICK, 7, 0)}"
    own = "https://fynbos.example/book?m=12&x=ü"
    assert links.link(0, own).startswith(f"https://crm.example/t/c/{make(CLICK, 7, 0, own)}?to=https%3A")
    assert links.link(1, "tel:+27215551234") == "tel:+27215551234"
    assert links.pixel() == f"https://crm.example/t/o/{make(OPEN, 7)}.gif"
    assert links.own("unsubscribeUrl") == f"https://crm.example/t/u/{make(UNSUBSCRIBE, 7)}"
