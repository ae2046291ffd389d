"""What is typed, taken apart and compared: alone, and against the database's own reading of it."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from customers import terms

NAMES = ("José", "Åse Øvergård", "Straße", "Łukasz", "ǅemal", "Þór", "Ægir", "ＷＩＤＥ", "O’Brien-Smith", "İlkay",
         "Στέλιος", "Иван", "محمد", "Nguyễn Thị", "van\u00a0der\u2003Merwe", "a\u3000b", "ﬁnn", "x²", "")  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("José", "jose"),
        ("Straße", "strasse"),
        ("Åse Øvergård", "ase overgard"),
        ("ＷＩＤＥ", "wide"),
        ("Þór", "thor"),
    ],
)
def test_spellings_that_nobody_tells_apart_are_one(raw: str, folded: str) -> None:
    assert terms.fold(raw) == folded


def in_database(raw: str) -> tuple[str, tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT customers_fold(%s), customers_words(customers_fold(%s))", [raw, raw])
        folded, words = cursor.fetchone()
        return folded, tuple(words)


@pytest.mark.django_db
def test_the_database_folds_and_splits_as_we_do() -> None:
    for raw in (
        *NAMES,
        *(chr(code) for code in range(1, 0x250)),
        *(chr(code) for code in range(0x1E00, 0x2070)),
    ):
        folded = terms.fold(raw)
        assert in_database(raw) == (folded, terms.words(folded)), ascii(raw)


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        ("Thandi Nkosi", ["thandi", "nkosi"]),
        ("  O'Brien ", ["obrien"]),
        ("082 123 4567", ["0821234567"]),
        ("+44 (0)7700 900-123", ["447700900123"]),
        ("thandi 4567", ["thandi", "4567"]),
        ("+27821234567 nkosi", ["27821234567", "nkosi"]),
        ("Thandi@Example.com", ["thandi@example.com"]),
        ("%%% _ ' \\ \x00", []),
        ("a " * 50, ["a"] * terms.MOST_TOKENS),
    ],
)
def test_a_term_is_words_or_one_number(typed: str, tokens: list[str]) -> None:
    assert [token.whole for token in terms.parse(typed).tokens] == tokens


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("", "", 0), ("thnadi", "thandi", 1), ("nkosy", "nkosi", 1), ("botha", "bothma", 1), ("smith", "smyth", 1),
     ("abcd", "badc", 2), ("kitten", "sitting", 3), ("abc", "", 3)],
)  # fmt: skip
def test_distance_counts_the_slips(one: str, other: str, letters: int) -> None:
    assert terms.distance(one, other) == terms.distance(other, one) == letters


@pytest.mark.parametrize(
    ("typed", "meant", "is_slip"),
    [("thnadi", "thandi", True), ("htandi", "thandi", True), ("otha", "botha", False), ("kosi", "nkosi", False),
     ("nkosi", "nkosi", False), ("khumlao", "khumalo", True), ("hernadnes", "hernandez", True),
     ("smit", "smythe", False)],
)  # fmt: skip
def test_a_slip_is_one_letter_or_two_in_a_long_word(typed: str, meant: str, is_slip: bool) -> None:
    assert terms.is_slip(typed, meant) is is_slip


@given(st.text(alphabet="abc", min_size=4, max_size=7), st.text(alphabet="abc", min_size=4, max_size=7))
@settings(max_examples=300, deadline=None)
def test_words_one_slip_apart_share_a_stem(one: str, other: str) -> None:
    if terms.distance(one, other) <= 1:
        assert stems(one) & stems(other)


def stems(word: str) -> set[str]:
    """As customers_word_stems does it for words of up to seven letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "count"), [("nkosi", 6), ("aaaa", 2), ("abcdefgh", 1 + 8 + 28)])
def test_stems_leave_out_one_letter_or_two_of_a_long_word(word: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT customers_word_stems(%s)", [word])
        found = set(cursor.fetchone()[0])
    assert stems(word) <= found
    assert len(found) == count


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_highlighting_changes_no_letter(text: str) -> None:
    for term in (terms.parse(text), terms.parse("jose 1234 o'b")):
        assert "".join(piece.text for piece in terms.highlight(text, term)) == text


@pytest.mark.parametrize(
    ("text", "typed", "hits"),
    [
        ("José Nkosi", "jos nko", ["Jos", "Nko"]),
        ("thandi.nkosi@example.com", "nkosi", ["nkosi"]),
        ("thandi.nkosi@example.com", "thandi.nk", ["thandi.nk"]),
        ("+27 82 123 4567", "0821234", ["82 123 4"]),
        ("Sean O'Brien", "obri", ["O'Bri"]),
        ("Annann", "ann", ["Ann"]),
        ("Ann", "%", []),
    ],
)
def test_what_was_found_is_marked(text: str, typed: str, hits: list[str]) -> None:
    assert [piece.text for piece in terms.highlight(text, terms.parse(typed)) if piece.is_hit] == hits
