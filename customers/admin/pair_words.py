"""What the finder says of a pair, in words: its reasons, and what stands against a merge."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.admin.kinds import reason_words
from customers.models import DuplicateCandidate

ATTRIBUTES = {
    "given": _("first name"),
    "surname": _("last name"),
    "born": _("birth date"),
    "email": _("e-mail"),
    "phone": _("phone"),
    "home": _("home"),
    "place": _("town"),
    "postcode": _("postcode"),
    "gender": _("gender"),
}
LEVELS = {
    "SAME": _("same %s"),
    "FORM": _("a form of the same %s"),
    "ALIKE": _("almost the same %s"),
    "SIMILAR": _("similar %s"),
    "SWAPPED": _("%s swapped with the other name"),
    "OTHER": _("another %s"),
}
VETOES = {
    "given": _("the first names differ"),
    "surname": _("the last names differ"),
    "born": _("the birth dates differ"),
    "gender": _("the genders differ"),
    "suffix": _("one is called junior or senior"),
    "id": _("each has an id of which nobody has two"),
    "conflict": _("something else says that they are two"),
}
WIDEST = 20.0  # bits that fill a bar


@dataclass(frozen=True, slots=True)
class Why:
    """A reason as a line: `share` of 100 is the length of its bar."""

    words: str
    weight: float
    share: int

    @property
    def speaks_for(self) -> bool:
        return self.weight > 0


def whys(pair: DuplicateCandidate) -> list[Why]:
    """The reasons with a weight worth a word, the greatest first."""
    return [
        Why(_words(name, level), weight, max(2, round(100 * min(1.0, abs(weight) / WIDEST))))
        for name, level, weight in _reasons(pair)
        if abs(weight) >= 0.5
    ]


def in_short(pair: DuplicateCandidate) -> str:
    """Why, within a sentence: what a source told, or the strongest reasons for and the strongest against."""
    if pair.source != DuplicateCandidate.FINDER:
        return reason_words(pair.reason)
    reasons = whys(pair)
    speak_for = [one.words for one in reasons if one.speaks_for][:3]
    return ", ".join(speak_for + [one.words for one in reasons if not one.speaks_for][:1])


def against(pair: DuplicateCandidate) -> list[str]:
    return [str(VETOES[veto]) for veto in pair.vetoes if veto in VETOES]


def score_words(pair: DuplicateCandidate) -> str:
    """The score, never rounded to a certainty that it is not."""
    if pair.score is None:
        return "–"
    return (
        "> 99.9 %"
        if pair.score > 99.9
        else f"{pair.score:.1f} %"
        if pair.score > 99
        else f"{pair.score:.0f} %"
    )


def _reasons(pair: DuplicateCandidate) -> Iterable[tuple[str, str, float]]:
    """Those of the known shape: the column is JSON, whoever wrote it."""
    rows: Any = pair.reasons if isinstance(pair.reasons, list) else []
    for row in rows:
        if isinstance(row, list) and len(row) == 3 and row[0] in ATTRIBUTES and row[1] in LEVELS:
            yield row[0], row[1], float(row[2])


def _words(name: str, level: str) -> str:
    return str(LEVELS[level]) % ATTRIBUTES[name]
