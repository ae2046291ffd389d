"""Patterns that a rule may match text with: a small part of regular expressions that costs little. Pure.

Literals, classes, ".", "^", "$", groups, "|" and * + ? {m,n}, but no quantifier inside of another, no look-around and
no back-reference. They are parsed here, written anew for PostgreSQL, and in memory matched in a time that grows with
the length of the text alone; so both mean the same by them, and neither can be made to run for long.
"""

from dataclasses import dataclass
from functools import lru_cache

from customers.terms import fold

LONGEST = 100
MOST_STEPS = 1000  # characters and repetitions, written out
_HIGHEST = 0x10FFFF
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_SHORT = {"d": "09", "w": "azAZ09__", "s": "\t\r  "}
_NAMED = {"n": "\n", "t": "\t"}


class Unreadable(ValueError):
    """The pattern is none, or has what is not allowed here."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of some ranges, or none of them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def takes(self, letter: str) -> bool:
        return any(low <= ord(letter) <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Edge:
    """The start of the text, or its end."""

    is_start: bool


@dataclass(frozen=True, slots=True)
class Several:
    """Parts one after the other."""

    parts: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    parts: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    part: "Part"
    least: int
    most: int | None


Part = Chars | Edge | Several | Either | Repeat


def problem(pattern: str) -> str:
    """What is wrong with a pattern, in words; "" when it can be used."""
    try:
        part = parsed(pattern, is_folded=True)
        parsed(pattern, is_folded=False)
    except Unreadable as error:
        return str(error)
    return "" if _steps(part) <= MOST_STEPS else "repeats too much: use smaller numbers in {}"


@lru_cache(maxsize=500)
def parsed(pattern: str, *, is_folded: bool) -> Part:
    """is_folded: its letters are compared with folded text. Raises Unreadable."""
    return _Parser(pattern, is_folded).whole()


def in_postgres(pattern: str, *, is_folded: bool) -> str:
    """The pattern as an advanced regular expression of PostgreSQL."""
    return _written(parsed(pattern, is_folded=is_folded))


def found_in(pattern: str, text: str, *, is_folded: bool) -> bool:
    """Whether the pattern matches anywhere in the text."""
    machine = _machine(pattern, is_folded)
    states: set[int] = set()
    for position, letter in enumerate([*text, ""]):
        states = machine.reach(states | {0}, at_start=position == 0, at_end=letter == "")
        if machine.final in states:
            return True
        states = {
            then for state in states for chars, then in machine.steps[state] if letter and chars.takes(letter)
        }
    return False


class _Parser:
    """Recursive descent; no deeper than a pattern is long."""

    def __init__(self, pattern: str, is_folded: bool) -> None:
        self.text, self.at, self.is_folded = pattern, 0, is_folded

    def whole(self) -> Part:
        part = self._either()
        if self.at < len(self.text):
            raise Unreadable("has a ) without its (")
        return part

    @property
    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        letter = self._next
        if not letter:
            raise Unreadable("ends too early")
        self.at += 1
        return letter

    def _either(self) -> Part:
        parts = [self._several()]
        while self._next == "|":
            self.at += 1
            parts.append(self._several())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _several(self) -> Part:
        parts: list[Part] = []
        while self._next not in ("", "|", ")"):
            parts.append(self._repeated(self._one()))
        if not parts:
            raise Unreadable("has an empty part: write something on both sides of | and between ( and )")
        return parts[0] if len(parts) == 1 else Several(tuple(parts))

    def _repeated(self, part: Part) -> Part:
        if self._next in _QUANTIFIERS and self._next:
            least, most = _QUANTIFIERS[self._take()]
        elif self._next == "{":
            least, most = self._bounds()
        else:
            return part
        if isinstance(part, Edge) or (self._next and self._next in "*+?{"):
            raise Unreadable(
                "has a quantifier with nothing to repeat: write \\ before * + ? { to mean the sign"
            )
        if _repeats(part):
            raise Unreadable("has a quantifier inside of another, which could take very long")
        return Repeat(part, least, most)

    def _bounds(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        numbers = [number for number in (low, high) if number]
        if not low or any(not (number.isascii() and number.isdigit()) for number in numbers):
            raise Unreadable("has a { that is none of {2}, {2,} or {2,5}: write \\{ to mean the sign")
        self.at = end + 1
        least = int(low)
        most = int(high) if high else None if comma else least
        if least > LONGEST or (most is not None and not least <= most <= LONGEST):
            raise Unreadable(f"has numbers in {{}} that are not in order, or above {LONGEST}")
        return least, most

    def _one(self) -> Part:
        letter = self._take()
        if letter == "(":
            if self._next == "?":
                raise Unreadable("has (?…): look-around, flags and named groups are not allowed here")
            part = self._either()
            if self._next != ")":
                raise Unreadable("has a ( without its )")
            self.at += 1
            return part
        if letter == "[":
            return self._class()
        if letter == ".":
            return Chars(((0, _HIGHEST),))
        if letter in "^$":
            return Edge(letter == "^")
        if letter in "*+?{":
            raise Unreadable(
                "has a quantifier with nothing to repeat: write \\ before * + ? { to mean the sign"
            )
        return self._escape() if letter == "\\" else self._literal(letter)

    def _literal(self, letter: str) -> Part:
        """A letter; folded, it may be several ("ß") or nothing at all."""
        letters = fold(letter) if self.is_folded else letter
        parts = tuple(Chars(((ord(one), ord(one)),)) for one in letters)
        if not parts:
            raise Unreadable(f"has “{letter}”, which is not compared")
        return parts[0] if len(parts) == 1 else Several(parts)

    def _escape(self) -> Part:
        letter = self._take()
        if letter.lower() in _SHORT and letter.isascii():
            return Chars(_pairs(_SHORT[letter.lower()]), negated=letter.isupper())
        return self._literal(self._meant(letter))

    def _meant(self, letter: str) -> str:
        if letter in _NAMED:
            return _NAMED[letter]
        if letter.isalnum():
            raise Unreadable(f"has \\{letter}, which is not allowed here")
        return letter

    def _class(self) -> Part:
        negated = self._next == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self._next != "]" or not ranges:
            if self._next == "\\" and self.text[self.at + 1 : self.at + 2] in _SHORT:
                ranges += _pairs(_SHORT[self.text[self.at + 1]])
                self.at += 2
                continue
            low = high = self._member()
            if self._next == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._member()
            if low > high:
                raise Unreadable("has a range in [] whose end comes before its start")
            ranges.append((low, high))
        self.at += 1
        return Chars(tuple(ranges), negated)

    def _member(self) -> int:
        letter = self._take()
        if letter == "[":
            raise Unreadable("has a [ inside of []: write \\[ to mean the sign")
        letter = self._meant(self._take()) if letter == "\\" else letter
        found = fold(letter) if self.is_folded else letter
        if len(found) != 1:
            raise Unreadable(f"has “{letter}” in [], where only single letters can stand")
        return ord(found)


def _pairs(ends: str) -> tuple[tuple[int, int], ...]:
    return tuple((ord(low), ord(high)) for low, high in zip(ends[::2], ends[1::2], strict=True))


def _repeats(part: Part) -> bool:
    match part:
        case Repeat():
            return True
        case Several(parts) | Either(parts):
            return any(map(_repeats, parts))
    return False


def _steps(part: Part) -> int:
    match part:
        case Repeat(inner, least, most):
            return _steps(inner) * max(least, most or 1, 1)
        case Several(parts) | Either(parts):
            return sum(map(_steps, parts))
    return 1


# --- for PostgreSQL
def _written(part: Part) -> str:
    match part:
        case Chars(((0, high),), False) if high == _HIGHEST:
            return "."
        case Chars(((low, high),), False) if low == high:
            return _character(low)
        case Chars(ranges, negated):
            inner = "".join(f"{_character(low)}-{_character(high)}" for low, high in ranges)
            return f"[{'^' if negated else ''}{inner}]"
        case Edge(is_start):
            return "^" if is_start else "$"
        case Several(parts):
            return "".join(
                f"(?:{_written(one)})" if isinstance(one, Either) else _written(one) for one in parts
            )
        case Either(parts):
            return "|".join(map(_written, parts))
        case Repeat(inner, least, most):
            return f"(?:{_written(inner)}){{{least},{'' if most is None else most}}}"


def _character(code: int) -> str:
    letter = chr(code)
    return letter if letter.isascii() and letter.isalnum() else f"\\U{code:08x}"


# --- in memory: a machine whose states are all followed at once
class _Machine:
    def __init__(self) -> None:
        self.steps: list[list[tuple[Chars, int]]] = []
        self.free: list[list[tuple[Edge | None, int]]] = []
        self.final = -1

    def state(self) -> int:
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def reach(self, states: set[int], *, at_start: bool, at_end: bool) -> set[int]:
        """The states, and those that are reached from them without a further letter."""
        found, waiting = set(states), list(states)
        while waiting:
            for edge, then in self.free[waiting.pop()]:
                holds = edge is None or (at_start if edge.is_start else at_end)
                if holds and then not in found:
                    found.add(then)
                    waiting.append(then)
        return found

    def build(self, part: Part, start: int) -> int:
        """Add a part that begins in a state; the state in which it ends."""
        match part:
            case Chars():
                end = self.state()
                self.steps[start].append((part, end))
                return end
            case Edge():
                end = self.state()
                self.free[start].append((part, end))
                return end
            case Several(parts):
                for one in parts:
                    start = self.build(one, start)
                return start
            case Either(parts):
                ends = [self.build(one, self._after(start)) for one in parts]
                return self._joined(ends)
            case Repeat(inner, least, most):
                return self._repeat(inner, least, most, start)

    def _repeat(self, part: Part, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            start = self.build(part, start)
        if most is None:
            loop = self._after(start)
            self.free[self.build(part, loop)].append((None, loop))
            return self._after(loop)
        ends = [start]
        for _ in range(most - least):
            ends.append(self.build(part, self._after(ends[-1])))
        return self._joined(ends)

    def _after(self, state: int) -> int:
        then = self.state()
        self.free[state].append((None, then))
        return then

    def _joined(self, ends: list[int]) -> int:
        end = self.state()
        for one in ends:
            self.free[one].append((None, end))
        return end


@lru_cache(maxsize=100)
def _machine(pattern: str, is_folded: bool) -> _Machine:
    machine = _Machine()
    machine.final = machine.build(parsed(pattern, is_folded=is_folded), machine.state())
    return machine
