"""The rules by which identifiers recognise people: who counts first, how many, and which values never count. Pure.

After Segment's identity resolution: a priority, a limit and a window for each kind, and blocked values that may stand
in an event but tie nobody to anybody.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from customers.normalise import EXTERNAL_PREFIX, GUEST_KIND, WEAK_KINDS

ANY = ""  # of a blocked value: whatever the kind
EXACT, REGEX = "EXACT", "REGEX"
OTHER_EXTERNAL = "externalIds.*"
LONGEST_PATTERN = 200
LONGEST_VALUE = 254
MOST_WAYS = 4 * LONGEST_VALUE * LONGEST_VALUE


class Rule(NamedTuple):
    """How identifiers of one kind count.

    priority:    the smallest counts first; where two identifiers mean two people, the larger one yields.
    most:        how many values of the kind one person has at most, None for any number.
    window_days: the days within which `most` were learnt, None for ever.
    is_active:   whether the kind recognises anybody at all.
    """

    kind: str
    priority: int
    most: int | None = None
    window_days: int | None = None
    is_active: bool = True

    @property
    def is_ever_one(self) -> bool:
        """Two people who have different values of the kind are two people for sure."""
        return self.most == 1 and self.window_days is None


class Block(NamedTuple):
    """Values that recognise nobody: `how` is EXACT or REGEX, `kind` ANY for all kinds."""

    kind: str
    how: str
    pattern: str
    reason: str
    is_active: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.how, self.pattern


RULES = (
    Rule("authUserId", 10, 1),
    Rule("sclMemberId", 20, 1),
    Rule("teetimePlayerId", 30, 1),
    Rule("messagingContactId", 40, 1),
    Rule(OTHER_EXTERNAL, 50, 1),
    Rule("email", 100, 10),
    Rule("phoneNumber", 110, 10),
    Rule(GUEST_KIND, 120),
)
BLOCKS = (
    Block(ANY, REGEX, r"^[0\-]*$", "Nothing but zeroes and dashes"),
    Block(ANY, EXACT, "-1", "What programs write for “none”"),
    Block(ANY, EXACT, "null", "What programs write for “none”"),
    Block(ANY, EXACT, "anonymous", "Nobody in particular"),
    Block("email", REGEX, r"^(no|do-?not)[-_.]?reply@", "A sender that nobody reads"),
)


@dataclass(frozen=True)
class Rules:
    """All rules of one tenant."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: {rule.kind: rule for rule in RULES})
    blocks: tuple[Block, ...] = BLOCKS

    def of(self, kind: str) -> Rule:
        """The rule of a kind; an external id that has none of its own counts as the others do."""
        return self.rules.get(kind) or self.rules[OTHER_EXTERNAL]

    def order(self, kind: str) -> tuple[int, str]:
        """Sorts kinds, the one that counts first at the front."""
        return self.of(kind).priority, kind

    def blocked_by(self, kind: str, value: str) -> Block | None:
        """The first blocked value that a normalised value is, if any; letter case makes no difference."""
        return next(
            (
                block
                for block, matcher in self._matchers
                if block.kind in (ANY, kind) and matcher.search(value)
            ),
            None,
        )

    def usable(self, hints: Mapping[str, str]) -> dict[str, str]:
        """Those of the normalised hints that may recognise somebody."""
        return {kind: value for kind, value in hints.items() if self.counts(kind, value)}

    def counts(self, kind: str, value: str) -> bool:
        if not self.of(kind).is_active:
            return False
        text = value.lower()
        if text in self._exact.get(kind, ()) or text in self._exact.get(ANY, ()):
            return False
        return not any(
            found and found.search(value) for found in (self._patterns.get(kind), self._patterns.get(ANY))
        )

    @cached_property
    def _matchers(self) -> list[tuple[Block, re.Pattern[str]]]:
        return [
            (
                block,
                re.compile(
                    block.pattern if block.how == REGEX else rf"\A{re.escape(block.pattern)}\Z",
                    re.IGNORECASE,
                ),
            )
            for block in self.blocks
            if block.is_active
        ]

    @cached_property
    def _exact(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for block in self.blocks:
            if block.is_active and block.how == EXACT:
                found.setdefault(block.kind, set()).add(block.pattern.lower())
        return found

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        """One expression a kind, so that an event's identifiers cost one search each."""
        parts: dict[str, list[str]] = {}
        for block in self.blocks:
            if block.is_active and block.how == REGEX:
                parts.setdefault(block.kind, []).append(f"(?:{block.pattern})")
        return {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in parts.items()}


DEFAULT = Rules()


def merged(rules: Iterable[Rule], blocks: Iterable[Block]) -> Rules:
    """The usual rules with what a tenant said otherwise."""
    kinds = {rule.kind: rule for rule in (*RULES, *rules)}
    values = {block.key: block for block in (*BLOCKS, *blocks)}
    return Rules(kinds, tuple(values.values()))


def rule_problem(rule: Rule) -> str:
    """What is wrong with a rule, in words for staff; "" when nothing is."""
    if rule.kind in WEAK_KINDS and rule.is_ever_one:
        return "An e-mail or phone can be changed and shared: allow more than one, or set a window."
    if rule.window_days is not None and rule.most is None:
        return "A window needs a limit."
    return ""


def is_kind(kind: str) -> bool:
    """Whether a rule can be about `kind`: a known one, or an external id by its name."""
    known = {rule.kind for rule in RULES}
    return kind in known or (kind.startswith(EXTERNAL_PREFIX) and len(kind) > len(EXTERNAL_PREFIX))


# --- what a pattern may cost
def pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression, in words for staff; "" when it can be used.

    Refused is what could take long on any value: the ways in which it can match are counted, and there may be no more
    than a quarter of a million. Python's own engine tries each of them at worst.
    """
    if not pattern or len(pattern) > LONGEST_PATTERN:
        return f"Give an expression of up to {LONGEST_PATTERN} characters."
    try:
        parsed = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"This is not a regular expression: {error}."
    if parsed.state.flags & ~re.UNICODE:
        return "Leave out flags such as (?i): letter case makes no difference here anyway."
    if parsed.state.groupdict:
        return "Leave out names of groups such as (?P<name>…): all expressions are read as one."
    try:
        starts = 1 if _is_anchored(parsed) else LONGEST_VALUE
        if starts * _ways(parsed) > MOST_WAYS:
            return "This could take too long: use fewer * and +, none inside another, or begin with ^."
    except _Refused as refused:
        return str(refused)
    if re.compile(pattern).search(""):
        return "This matches everything." if _matches_all(pattern) else ""
    return ""


class _Refused(Exception):  # noqa: N818
    """A part of an expression that is not allowed here."""


_parser = re._parser  # type: ignore[attr-defined]
_PLAIN = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "RANGE", "CATEGORY"})


def _matches_all(pattern: str) -> bool:
    found = re.compile(pattern)
    return all(found.search(sample) for sample in ("a@b.example", "+27821234567", "42", "x-1"))


def _is_anchored(parsed: Any) -> bool:
    return len(parsed) > 0 and str(parsed[0][0]) == "AT" and str(parsed[0][1]).startswith("AT_BEGINNING")


def _ways(parsed: Any) -> int:
    """In how many ways a sequence can match one text, at most."""
    ways = 1
    for operator, argument in parsed:
        ways = min(ways * _ways_of(str(operator), argument), MOST_WAYS + 1)
    return ways


def _ways_of(operator: str, argument: Any) -> int:
    if operator in _PLAIN:
        return 1
    if operator == "SUBPATTERN":
        return _ways(argument[-1])
    if operator == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = argument
        return _ways_of_repeat(least, min(int(most), LONGEST_VALUE), _ways(body))
    raise _Refused("Look-arounds and back-references are not allowed here.")


def _ways_of_repeat(least: int, most: int, inner: int) -> int:
    lengths = max(most - least, 0) + 1
    return lengths if inner == 1 else min(lengths * inner ** min(most, 64), MOST_WAYS + 1)
