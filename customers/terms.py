"""What somebody types to find a person, taken apart, and how close a name comes to it. Pure.

A term is read as words, each of which has to be found: as the start of a word of a name, of an e-mail, of an id or
member number, or inside a phone number. What PostgreSQL compares it with is written by migration 0007; `fold` and
`words` here and `customers_fold` and `customers_words` there are the same.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_TOKENS = 10
SHORTEST_FRAGMENT = 4  # digits of a phone number: fewer are in too many
SHORTEST_START = 3  # characters of an id or e-mail: fewer start too many
SHORTEST_MISSPELT = 4
LONG = 8  # letters from which a word may have two slips

_APOSTROPHES = re.compile("['’‘ʼ`´]")
_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ς": "σ",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)
_BETWEEN = re.compile("[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+")
_NUMBER = re.compile(r"[+(]?\d[\d\s().+/-]*", re.ASCII)


def fold(text: str) -> str:
    """As people compare spellings: no case, no accents, one letter for each sound."""
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return bare.lower().translate(_LETTERS)


def words(folded: str) -> tuple[str, ...]:
    return tuple(filter(None, _BETWEEN.split(folded)))


class Token(NamedTuple):
    """One thing that was typed, folded: as a whole, and its words. Digits alone may be a part of a phone number."""

    whole: str
    words: tuple[str, ...]
    is_number: bool = False

    @property
    def squashed(self) -> str:
        return "".join(self.words)

    @property
    def is_plain(self) -> bool:
        """Letters and nothing else."""
        return self.words == (self.whole,) and not re.search("[0-9]", self.whole)

    @property
    def names(self) -> tuple[str, ...]:
        """The words that may belong to a name: of an e-mail, those before the @."""
        local, at, _ = self.whole.partition("@")
        return words(re.sub("[0-9]+", " ", local)) if at else self.words

    @property
    def fragment(self) -> str:
        """The digits to look for inside phone numbers in international form; blank where there are too few."""
        digits = self.whole.lstrip("0") if self.is_number else ""
        return digits if len(digits) >= SHORTEST_FRAGMENT else ""


class Sight(NamedTuple):
    """What may be searched for, beside names and member numbers: whoever may not see it could find it out by trying."""

    emails: bool = True
    phones: bool = True
    ids: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    tokens: tuple[Token, ...]

    @property
    def names_somebody(self) -> bool:
        """Could it be an identifier in full? Those have a digit or an @."""
        return any(token.is_number or re.search("[0-9@]", token.whole) for token in self.tokens)

    @property
    def is_short(self) -> bool:
        """So little that very many people may have it."""
        return len(self.tokens) == 1 and self.tokens[0].is_plain and len(self.tokens[0].whole) <= 3

    @property
    def names(self) -> tuple[str, ...]:
        """The words that may belong to a name."""
        return tuple(word for token in self.tokens for word in token.names)


def parse(text: str) -> Term:
    """Take a term apart. One of digits and what stands between them is one number, as phone numbers are written."""
    bare = _APOSTROPHES.sub("", text.replace("\x00", "")).strip()
    parts = [bare] if _NUMBER.fullmatch(bare) else fold(bare).split()
    tokens = (_token(part) for part in parts)
    return Term(tuple(token for token in tokens if token.words)[:MOST_TOKENS])


def _token(part: str) -> Token:
    if not _NUMBER.fullmatch(part):
        return Token(part, words(part))
    digits = re.sub("[^0-9]", "", part.replace("(0)", ""))
    return Token(digits, (digits,), is_number=True)


# --- queries, in the language of PostgreSQL's tsquery
def full_name(term: Term) -> str:
    """Whose name has exactly these words, in whatever order. Blank where they can't be a name."""
    spelt = [word for token in term.tokens for word in token.words]
    return "" if _odd(term) else _lexeme("=" + " ".join(sorted(spelt)))


def exact_words(term: Term) -> str:
    """Whose names have each of these words. Blank where they can't be a name's."""
    return "" if _odd(term) else _all(_lexeme(word) for token in term.tokens for word in token.words)


def starts(token: Token, sight: Sight, similar: Mapping[str, Sequence[str]] | None = None) -> str:
    """Who has something that starts with the token. Blank where that can't be searched for.

    similar: words that were perhaps meant, by the word that was typed; each counts in full only.
    """
    if "@" in token.whole:
        email = _lexeme("@" + token.whole, starts=True)  # of @example.com it is the domain
        meant = _spelt(token.names, similar) if similar and token.names else ""
        return _any([email, meant]) if sight.emails else ""
    ways = [_spelt(token.words, similar or {})]
    is_long = len(token.squashed) >= SHORTEST_START
    if not token.is_plain:
        ways.append(_lexeme("#" + token.squashed, starts=is_long))
    if sight.ids:
        ways.append(_lexeme("!" + token.squashed, starts=is_long and not token.is_plain))
    if sight.emails and not token.is_number:
        ways.append(_all(_lexeme("~" + word, starts=True) for word in token.words))
        if is_long and not token.is_plain:
            ways.append(_lexeme("@" + token.whole, starts=True))
            ways += [_lexeme("@@" + token.whole, starts=True)] * ("." in token.whole)
    return _any(ways)


def spaced_id(term: Term, sight: Sight) -> str:
    """Who has an id that is written with blanks, such as a card number. Blank where it can't be one."""
    is_one = len(term.tokens) > 1 and term.names_somebody and sight.ids
    return _lexeme("!" + "".join(token.squashed for token in term.tokens), starts=True) if is_one else ""


def _odd(term: Term) -> bool:
    return not term.tokens or any("@" in token.whole or token.is_number for token in term.tokens)


def _spelt(found: Sequence[str], similar: Mapping[str, Sequence[str]]) -> str:
    return _all(_any([_lexeme(word, starts=True), *map(_lexeme, similar.get(word, ()))]) for word in found)


def _lexeme(text: str, *, starts: bool = False) -> str:
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'{':*' if starts else ''}"


def _all(parts: Iterator[str] | Sequence[str]) -> str:
    return " & ".join(parts)


def _any(parts: Sequence[str]) -> str:
    return f"({' | '.join(f'({part})' for part in parts if part)})"


# --- what was perhaps meant
def is_slip(typed: str, meant: str) -> bool:
    """Are they a slip of the keys apart (two in long words)? The first letter is right, or changed places."""
    starts_right = typed[0] == meant[0] or typed[:2] == meant[1::-1]
    return starts_right and typed != meant and distance(typed, meant) <= (2 if len(typed) >= LONG else 1)


def distance(one: str, other: str) -> int:
    """How many letters were left out, put in, changed, or changed places with their neighbour."""
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != counterpart))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == counterpart:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


# --- what of a person was found
def touches(token: Token, kind: str, value: str) -> bool:
    """Is the token found in this value, a name or an identifier of a kind (email, phoneNumber, …)?"""
    folded = fold(_APOSTROPHES.sub("", value))
    if kind == "name":
        found = {*words(folded), *words(fold(value))}
        return all(any(word.startswith(part) for word in found) for part in token.words)
    if kind == "email":
        local, _, domain = folded.partition("@")
        parts = words(re.sub("[0-9]+", " ", local))
        return (
            folded.startswith(token.whole)
            or ("@" + domain).startswith(token.whole)
            or ("." in token.whole and domain.startswith(token.whole))
            or all(any(part.startswith(word) for part in parts) for word in token.words)
        )
    if kind == "phoneNumber":
        return bool(token.fragment) and token.fragment in re.sub(r"\D", "", value)
    squashed = "".join(words(folded))
    return squashed == token.squashed or (
        len(token.squashed) >= SHORTEST_START and not token.is_plain and squashed.startswith(token.squashed)
    )


class Piece(NamedTuple):
    text: str
    is_hit: bool


def highlight(text: str, term: Term) -> list[Piece]:
    """The text in pieces, those that the term found among them."""
    hits = [False] * len(text)
    for token in term.tokens:
        for start, end in (*_word_hits(text, token), *_number_hits(text, token)):
            hits[start:end] = [True] * (end - start)
    pieces: list[Piece] = []
    for letter, is_hit in zip(text, hits, strict=True):
        if pieces and pieces[-1].is_hit == is_hit:
            pieces[-1] = Piece(pieces[-1].text + letter, is_hit)
        else:
            pieces.append(Piece(letter, is_hit))
    return pieces


def _word_hits(text: str, token: Token) -> Iterator[tuple[int, int]]:
    """Where words of the text start like the token, or like a word of it. Letter by letter, for accents."""
    folded = [fold(_APOSTROPHES.sub("", letter)) for letter in text]
    for start in range(len(text)):
        if start and folded[start - 1] and words(folded[start - 1]):
            continue  # in the middle of a word
        for wanted in {token.whole, *token.words} - {""}:
            end, rest = start, wanted
            while rest and end < len(text) and rest.startswith(folded[end]):
                rest = rest[len(folded[end]) :]
                end += 1
            if not rest:
                yield start, end


def _number_hits(text: str, token: Token) -> Iterator[tuple[int, int]]:
    places = [place for place, letter in enumerate(text) if letter.isascii() and letter.isdigit()]
    at = "".join(text[place] for place in places).find(token.fragment) if token.fragment else -1
    if at >= 0:
        yield places[at], places[at + len(token.fragment) - 1] + 1
