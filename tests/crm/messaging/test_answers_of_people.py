"""STOP, START and HELP in the languages of golf clubs, as people write them."""

import pytest

from crm.messaging.keywords import HELP, OPT_IN, OPT_OUT, Meaning, meaning, plain

EVERY = [
    (said, word, language)
    for said, table in ((Meaning.OPT_OUT, OPT_OUT), (Meaning.OPT_IN, OPT_IN), (Meaning.HELP, HELP))
    for language, row in table.items()
    for word in row.split(", ")
]


@pytest.mark.parametrize("language", sorted({language for _, _, language in EVERY}))
def test_every_word_of_every_language_means_one_thing(language: str) -> None:
    for said, word, of in EVERY:
        if of == language:
            assert plain(word) == word
            assert {meaning(word), meaning(word.upper()), meaning(f" {word}. ")} == {said}, word


def test_no_word_means_two_things() -> None:
    assert len({word for _, word, _ in EVERY}) == len({(said, word) for said, word, _ in EVERY})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", Meaning.OPT_OUT), ("Stop!", Meaning.OPT_OUT), ("stop please", Meaning.OPT_OUT),
        ("Please STOP texting me", Meaning.OPT_OUT), ("STOP 🙏", Meaning.OPT_OUT), ("“Stop”", Meaning.OPT_OUT),
        ("Arrêt", Meaning.OPT_OUT), ("Désabonner SVP", Meaning.OPT_OUT), ("Darse de baja, por favor", Meaning.OPT_OUT),
        ("Teken uit asseblief", Meaning.OPT_OUT), ("ＳＴＯＰ", Meaning.OPT_OUT), ("Bitte abmelden", Meaning.OPT_OUT),
        ("START", Meaning.OPT_IN), ("S’abonner", Meaning.OPT_IN), ("Começar", Meaning.OPT_IN),
        ("Help", Meaning.HELP), ("INFO", Meaning.HELP), ("Hjælp", Meaning.HELP),
        ("Can we stop by the club tomorrow?", None), ("Stop by any time", None), ("yes", None), ("", None),
        ("👍", None), ("Please", None), ("I will start at 9", None), ("When is the end of the competition", None),
        ("9:10", None),        ("stop" * 10_000, None), ("\x00\ud800", None),
    ],
)  # fmt: skip
def test_only_a_whole_answer_counts(text: str, expected: Meaning | None) -> None:
    assert meaning(text) == expected
