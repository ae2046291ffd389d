"""What is wrong with the Liquid of a message, and what must be known of its words before they are sent. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from liquid import BoundTemplate
from liquid.exceptions import LiquidError
from liquid.static_analysis import analyze

from campaigns import liquid, markup
from campaigns.liquid import MOST_IN_LOOPS, MOST_NODES, Problem, place
from campaigns.personalisation import EVENT, Kind, Registry
from campaigns.stencil import Piece, cover
from crm.errors import BusinessRule, Detail

LONGEST_BODY = 300_000
OUTPUT = re.compile(r"\{\{-?\s*([A-Za-z][\w]*(?:\.[\w-]+)*)\s*((?:\|(?:[^}]|\}(?!\}))*)?)-?\}\}")
BLOCKS = frozenset({"if", "unless", "case", "for"})
GUARD = re.compile(r"\{%-?\s*(?:if|elsif|unless|case|when|for|assign)\b(.*?)-?%\}", re.DOTALL)


class InvalidTemplate(BusinessRule):
    """The words can't be used as they are."""

    code = "INVALID_TEMPLATE"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = markup.chosen(list(problems))
        details = [Detail(one.part, one.code, one.sentence) for one in self.problems]
        super().__init__(" ".join(one.message for one in details[:3]), details=details)


class Facts:
    """What must be known of words before they are sent. Worked out when asked."""

    def __init__(self, *parts: str) -> None:
        self.parts = [part for part in parts if part]

    @cached_property
    def variables(self) -> frozenset[str]:
        """Every variable that is used, by its name."""
        return frozenset(
            use.name for part in self.parts for use in liquid.uses(liquid.parsed(part, is_html=False))
        )

    @cached_property
    def required(self) -> frozenset[str]:
        """Those of people and events that are printed with nothing in their place where they are not known."""
        found = {name for part in self.parts for name in _bare(part)}
        return frozenset(found)

    @property
    def has_unsubscribe(self) -> bool:
        return "unsubscribeUrl" in self.variables

    @property
    def has_preferences(self) -> bool:
        return "preferencesUrl" in self.variables

    @property
    def has_postal_address(self) -> bool:
        return "club.address" in self.variables

    @property
    def has_reason(self) -> bool:
        return "isService" in self.variables

    @property
    def needs_event(self) -> bool:
        """Whether it says something about the event that set it off, which only triggered messages have."""
        return any(name.startswith(EVENT) for name in self.variables)


def check(part: str, source: str, registry: Registry) -> list[Problem]:
    """What is wrong with the Liquid of a part."""
    if len(source) > LONGEST_BODY:
        return [Problem(part, 0, 0, "TOO_LONG", f"it is longer than {LONGEST_BODY:,} characters")]
    try:
        template = liquid.parsed(source, is_html=False)
        found = analyze(template, include_partials=False)
    except (LiquidError, RecursionError) as error:
        token = getattr(error, "token", None)
        at = place(source, token.start_index if token and token.start_index > 0 else _unclosed(source))
        return [Problem(part, *at, "INVALID_LIQUID", str(getattr(error, "message", error)))]
    problems = [
        Problem(part, *place(source, span.index), "UNKNOWN_FILTER", f"there is no filter “{name}”")
        for name, spans in found.filters.items()
        if name not in liquid.TEXT.filters or name.startswith("in_")
        for span in spans
    ]
    for use in liquid.uses(template):
        if not registry.find(use.path):
            near = registry.suggest(use.path)
            more = f"; did you mean “{near}”?" if near else ""
            words = f"there is no variable “{use.name}”{more}"
            problems.append(Problem(part, *place(source, use.start), "UNKNOWN_VARIABLE", words))
    return problems + _too_much(part, template)


def _unclosed(source: str) -> int:
    """Where the block begins that is not closed."""
    still: list[Piece] = []
    for piece in cover(source).pieces:
        word = (piece.inner.split() or [""])[0]
        if word in BLOCKS and not piece.is_output:
            still.append(piece)
        elif still and word == f"end{still[-1].inner.split()[0]}":
            still.pop()
    return still[-1].start if still else 0


def _too_much(part: str, template: BoundTemplate) -> list[Problem]:
    total, inside = liquid.work(template)
    if total > MOST_NODES:
        return [Problem(part, 0, 0, "TOO_LONG", "it has too much Liquid in it")]
    if inside > MOST_IN_LOOPS:
        return [Problem(part, 0, 0, "TOO_LONG", f"a loop may hold {MOST_IN_LOOPS} pieces of Liquid at most")]
    return []


def check_words(parts: Mapping[str, str], registry: Registry) -> list[Problem]:
    """What is wrong with parts that are plain text, by their names; only the platform writes blocks in them."""
    return [problem for name, source in parts.items() for problem in check(name, source, registry)]


def _bare(part: str) -> Iterable[str]:
    """Variables that are printed without a default, and that no condition asks for."""
    asked = " ".join(GUARD.findall(part))
    registry = Registry()
    for name, filters in OUTPUT.findall(part):
        found = registry.find(tuple(name.split(".")))
        if found is None or found.always or found.kind is Kind.BLOCK or name.startswith("_"):
            continue
        if (
            "default" in filters
            or found.default
            or re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", asked)
        ):
            continue
        yield name
