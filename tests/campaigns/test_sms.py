"""How many SMS a text takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.sms import BASIC, EXTENDED, SIZES, Encoding, count, plainer

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", GSM, 0, 0, 160),
        ("a" * 160, GSM, 160, 1, 0),
        ("a" * 161, GSM, 161, 2, 145),
        ("a" * 306, GSM, 306, 2, 0),
        ("a" * 307, GSM, 307, 3, 152),
        ("€" * 80, GSM, 160, 1, 0),
        ("€" * 81, GSM, 162, 2, 143),  # 76 to a part: the escape is not torn from its sign
        ("a" * 152 + "€" + "a" * 152, GSM, 306, 3, 152),
        ("[tee] {time} ~ |x|\\^", GSM, 29, 1, 131),
        ("Ünïcode", UCS, 7, 1, 63),
        ("ç" * 70, UCS, 70, 1, 0),
        ("ç" * 71, UCS, 71, 2, 63),
        ("⛳" * 134, UCS, 134, 2, 0),
        ("😀" * 35, UCS, 70, 1, 0),
        ("😀" * 36, UCS, 72, 2, 61),  # 33 to a part: a pair is not torn
        ("Ça va\nΔΦΓ", GSM, 9, 1, 151),
    ],
)
def test_known_texts_are_counted(text: str, encoding: Encoding, units: int, parts: int, left: int) -> None:
    assert count(text)[:4] == (encoding, units, parts, left)


def test_the_alphabet_is_that_of_gsm_03_38() -> None:
    assert len(BASIC) == 127  # 128 places, one of which is the escape
    assert len(set(BASIC) | set(EXTENDED)) == 137


def test_it_names_what_made_it_long() -> None:
    assert count("Tee time – at 8 ⛳ –").odd == ("–", "⛳")


def test_typographic_signs_become_plain_ones() -> None:
    assert count(plainer("It’s on – “today” …\u00a0ok")).encoding is GSM


@given(st.text(max_size=900))
def test_parts_hold_the_text_and_no_fewer_would(text: str) -> None:
    found = count(text)
    sizes = SIZES[found.encoding]
    if found.parts > 1:
        assert found.units <= found.parts * sizes.joined - found.left
        assert found.units > (found.parts - 1) * (sizes.joined - 1)
    else:
        assert found.units == (sizes.single - found.left if text else 0)
