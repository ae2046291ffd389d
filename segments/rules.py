"""Rules as trees: JSON in, with all that is wrong with it at once, and JSON out again. Pure.

    {"combinator": "AND", "not": false, "rules": [rule | group, …]}

The kinds of rules are the classes below; docs/segments.md is their reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm.errors import BusinessRule, Detail
from segments import operators, values
from segments.operators import Operator, Shape
from segments.periods import Length
from segments.values import Share, Unusable
from segments.vocabulary import Field, Kind, Vocabulary, Words, nearest

DEEPEST, MOST_LEAVES, MOST_DETAILS = 5, 100, 25
AND, OR = "AND", "OR"


class InvalidRules(BusinessRule):
    """The rules of the segment can't be used."""

    code = "INVALID_SEGMENT_RULE"


# --- the tree
@dataclass(frozen=True, slots=True)
class Test:
    """What a field is: of a person, or inside a relation, of a row.

    held: for how long it has been so without a break, if that is asked.
    """

    field: Field
    operator: Operator
    value: Any = None
    held: Length | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """All of some rules (AND), or any of them (OR); negated, the opposite of that."""

    combinator: str
    rules: "tuple[Node, ...]"
    negated: bool = False


Node = Group | Test


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Test]]:
    """The leaves of a tree with their paths: rules[2].rules[0]."""
    if isinstance(node, Group):
        for number, rule in enumerate(node.rules):
            yield from leaves(rule, f"{path}{'.' if path else ''}rules[{number}]")
    else:
        yield path, node


# --- JSON out
def dump(tree: Group) -> dict[str, Any]:
    """A tree as JSON in its one spelling; `parse` gives an equal tree again."""
    return _group_written(tree)


def _written(node: Node) -> dict[str, Any]:
    return _group_written(node) if isinstance(node, Group) else _test_written(node)


def _group_written(group: Group) -> dict[str, Any]:
    written: dict[str, Any] = {"combinator": group.combinator}
    if group.negated:
        written["not"] = True
    return written | {"rules": [_written(rule) for rule in group.rules]}


def _test_written(test: Test) -> dict[str, Any]:
    written: dict[str, Any] = {"field": test.field.name, "operator": test.operator.name}
    if isinstance(test.value, Share):
        written["value"] = values.written(test.value.percent)
        return written | ({"seed": test.value.seed} if test.value.seed else {})
    if test.operator.shape is not Shape.NONE:
        written["value"] = values.written(test.value)
    return written | ({"for": values.written(test.held)} if test.held else {})


# --- JSON in
def parse(criteria: Any, vocabulary: Vocabulary) -> Group:
    """The tree that some JSON means: a group, a list of rules, or a rule alone.

    Raises InvalidRules with every problem, each with its path, its code, and what was perhaps meant.
    """
    reader = _Reader(vocabulary)
    group = reader.root(criteria)
    if reader.problems or group is None:
        raise InvalidRules(details=reader.problems[:MOST_DETAILS])
    return group


class _Wrong(Exception):  # noqa: N818
    """A part that can't be read, and why."""

    def __init__(self, path: str, code: str, message: str) -> None:
        self.detail = Detail(path or "criteria", code, message)


class _TooMuch(Exception):  # noqa: N818
    """There is no point in reading on."""


class _Reader:
    """Reads one tree. What is wrong with one rule is noted, and the next one read."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.problems: list[Detail] = []
        self.leaf_count = 0

    def root(self, criteria: Any) -> Group | None:
        if isinstance(criteria, Mapping) and "rules" not in criteria and criteria:
            criteria = [criteria]
        try:
            return self.group(criteria, self.vocabulary.words, "", 1)
        except _Wrong as wrong:
            self.problems.append(wrong.detail)
        except _TooMuch:
            pass
        return None

    def note(self, detail: Detail) -> None:
        self.problems.append(detail)
        if len(self.problems) >= MOST_DETAILS:
            raise _TooMuch

    # a group
    def group(self, raw: Any, words: Words, path: str, depth: int) -> Group:
        if depth > DEEPEST:
            raise _Wrong(path, "TOO_DEEP", f"groups can be nested {DEEPEST} deep")
        raw = {"rules": raw} if isinstance(raw, list) else raw
        if not isinstance(raw, Mapping):
            raise _Wrong(path, "INVALID_FORMAT", "must be a group of rules, or a list of them")
        self._keys(raw, ("combinator", "rules", "not"), path)
        combinator = raw.get("combinator", AND)
        combinator = combinator.upper() if isinstance(combinator, str) else combinator
        if combinator not in (AND, OR):
            raise _Wrong(_in(path, "combinator"), "INVALID_FIELD", "must be AND or OR")
        negated = raw.get("not", False)
        if not isinstance(negated, bool):
            raise _Wrong(_in(path, "not"), "INVALID_FIELD", "must be true or false")
        rules = raw.get("rules")
        if not isinstance(rules, list) or not rules:
            raise _Wrong(_in(path, "rules"), "MISSING_FIELD", "must be a list with at least one rule")
        read = (
            self.node(rule, words, f"{_in(path, 'rules')}[{number}]", depth)
            for number, rule in enumerate(rules)
        )
        return Group(combinator, tuple(node for node in read if node is not None), negated)

    def node(self, raw: Any, words: Words, path: str, depth: int) -> Node | None:
        try:
            if isinstance(raw, list) or (isinstance(raw, Mapping) and "rules" in raw):
                return self.group(raw, words, path, depth + 1)
            return self.leaf(raw, words, path)
        except _Wrong as wrong:
            self.note(wrong.detail)
            return None

    def leaf(self, raw: Any, words: Words, path: str) -> Test:
        self.leaf_count += 1
        if self.leaf_count > MOST_LEAVES:
            self.note(Detail(path, "TOO_MANY_RULES", f"there can be {MOST_LEAVES} rules in all"))
            raise _TooMuch
        if not isinstance(raw, Mapping):
            raise _Wrong(path, "INVALID_FORMAT", "must be a rule or a group of rules")
        return self.test(raw, words, path)

    # a field
    def test(self, raw: Mapping[str, Any], words: Words, path: str) -> Test:
        self._keys(raw, ("field", "operator", "value", "for", "seed"), path)
        field = self.field(raw.get("field"), words, _in(path, "field"))
        operator = self.operator(raw.get("operator"), field, _in(path, "operator"))
        value = self.value(operator, field, raw.get("value"), _in(path, "value"))
        if isinstance(value, Share):
            value = value._replace(seed=self._seed(raw, path))
        elif "seed" in raw:
            raise _Wrong(_in(path, "seed"), "UNKNOWN_FIELD", "only a sample is drawn by a seed")
        held = self._held(raw["for"], field, _in(path, "for")) if raw.get("for") is not None else None
        return Test(field, operator, value, held)

    def field(self, name: Any, words: Words, path: str) -> Field:
        if not isinstance(name, str) or not name:
            raise _Wrong(path, "MISSING_FIELD", "must be the name of a field")
        field = words.find(name)
        if field is None:
            near = _meant(words.nearest(name))
            raise _Wrong(path, "UNKNOWN_FIELD", f"there is no field “{name[:80]}”{near}")
        return field

    def operator(self, name: Any, field: Field, path: str) -> Operator:
        if not isinstance(name, str) or not name:
            raise _Wrong(path, "MISSING_FIELD", "must be the name of an operator")
        operator = operators.find(name)
        if operator is None:
            near = _meant(nearest(name, operators.spellings()))
            raise _Wrong(path, "INVALID_OPERATOR", f"there is no operator “{name[:80]}”{near}")
        if field.kind not in operator.kinds:
            usable = ", ".join(one.name for one in operators.of_kind(field.kind))
            message = f"“{operator.name}” does not apply to a {field.kind.value}; these do: {usable}"
            raise _Wrong(path, "INVALID_OPERATOR", message)
        return operator

    def value(self, operator: Operator, field: Field, raw: Any, path: str) -> Any:
        if raw is None and operator.shape is not Shape.NONE:
            raise _Wrong(path, "MISSING_FIELD", f"must be {operator.shape.value}")
        try:
            return values.read(operator, field, raw)
        except Unusable as error:
            raise _Wrong(path + error.at, "INVALID_VALUE", str(error)) from None

    def _held(self, raw: Any, field: Field, path: str) -> Length:
        if not field.history:
            raise _Wrong(path, "INVALID_FIELD", f"it is not known since when “{field.name}” is what it is")
        return self._length(raw, path)

    def _length(self, raw: Any, path: str) -> Length:
        try:
            return values.length(raw)
        except Unusable as error:
            raise _Wrong(path + error.at, "INVALID_VALUE", str(error)) from None

    def _seed(self, raw: Mapping[str, Any], path: str) -> str:
        seed = raw.get("seed", "")
        try:
            return values.text(seed, 100) if seed != "" else ""
        except Unusable as error:
            raise _Wrong(_in(path, "seed"), "INVALID_VALUE", str(error)) from None

    def _keys(self, raw: Mapping[str, Any], known: Sequence[str], path: str) -> None:
        for key in raw:
            if key not in known:
                near = _meant(nearest(str(key), list(known)))
                self.note(Detail(_in(path, str(key)[:80]), "UNKNOWN_FIELD", f"is not known here{near}"))


def _in(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _meant(name: str) -> str:
    return f". Did you mean “{name}”?" if name else ""


def segments_in(tree: Group) -> set[Any]:
    """The ids of the segments that a tree asks about."""
    return {pk for _path, leaf in leaves(tree) if leaf.field.kind is Kind.SEGMENTS for pk in leaf.value}
