"""Rules as trees: JSON in, with all that is wrong with it at once, and JSON out again. Pure.

    {"combinator": "AND", "not": false, "rules": [rule | group, …]}

The kinds of rules are the classes below; docs/segments.md is their reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crm.errors import BusinessRule, Detail
from segments import operators, values
from segments.operators import Operator, Shape
from segments.periods import Length, Unit
from segments.trees import (
    AND,
    COUNTED,
    OR,
    SUMMED,
    FieldRule,
    Function,
    Group,
    Leaf,
    Node,
    RowsRule,
    SequenceRule,
    Step,
)
from segments.values import Share, Unusable
from segments.vocabulary import Field, Kind, Relation, Vocabulary, Words, nearest, of_json

DEEPEST, MOST_LEAVES, MOST_DETAILS, MOST_STEPS = 5, 100, 25, 5


class InvalidRules(BusinessRule):
    """The rules of the segment can't be used."""

    code = "INVALID_SEGMENT_RULE"


# --- JSON out
def dump(tree: Group) -> dict[str, Any]:
    """A tree as JSON in its one spelling; `parse` gives an equal tree again."""
    return _group_written(tree)


def _written(node: Node) -> dict[str, Any]:
    match node:
        case Group():
            return _group_written(node)
        case FieldRule():
            return _test_written(node)
        case RowsRule():
            return _rows_written(node)
        case SequenceRule(steps, same):
            written: dict[str, Any] = {"sequence": [_step_written(step) for step in steps]}
            return written | ({"same": list(same)} if same else {})


def _group_written(group: Group) -> dict[str, Any]:
    written: dict[str, Any] = {"combinator": group.combinator}
    if group.negated:
        written["not"] = True
    return written | {"rules": [_written(rule) for rule in group.rules]}


def _test_written(test: FieldRule) -> dict[str, Any]:
    written: dict[str, Any] = {"field": test.field.name, "operator": test.operator.name}
    if isinstance(test.value, Share):
        written["value"] = values.written(test.value.percent)
        return written | ({"seed": test.value.seed} if test.value.seed else {})
    if test.operator.shape is not Shape.NONE:
        written["value"] = values.written(test.value)
    return written | ({"for": values.written(test.held)} if test.held else {})


def _rows_written(rule: RowsRule) -> dict[str, Any]:
    written = _filters_written(rule.relation, rule.where, rule.within)
    if rule.function is not Function.COUNT:
        written["measure"] = {"function": rule.function.value, "of": rule.of.name}
    written["operator"] = rule.operator.name
    return written | ({} if rule.operator.shape is Shape.NONE else {"value": values.written(rule.value)})


def _step_written(step: Step) -> dict[str, Any]:
    written = _filters_written(step.relation, step.where, step.within)
    if step.after:
        written["within"] = values.written(step.after)
    return written | ({"not": True} if step.negated else {})


def _filters_written(relation: Relation, where: Group | None, within: FieldRule | None) -> dict[str, Any]:
    written: dict[str, Any] = {"relation": relation.name}
    if where:
        written["where"] = _group_written(where)
    return written | ({"within": values.written(within.value)} if within else {})


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
            return self.leaf(raw, words, path, depth)
        except _Wrong as wrong:
            self.note(wrong.detail)
            return None

    def leaf(self, raw: Any, words: Words, path: str, depth: int) -> Leaf:
        self.leaf_count += 1
        if self.leaf_count > MOST_LEAVES:
            self.note(Detail(path, "TOO_MANY_RULES", f"there can be {MOST_LEAVES} rules in all"))
            raise _TooMuch
        if not isinstance(raw, Mapping):
            raise _Wrong(path, "INVALID_FORMAT", "must be a rule or a group of rules")
        is_of_person = words is self.vocabulary.words
        if is_of_person and "relation" in raw:
            return self.rows(raw, path, depth)
        if is_of_person and "sequence" in raw:
            return self.sequence(raw, path, depth)
        return self.test(raw, words, path)

    # rows of a relation
    def rows(self, raw: Mapping[str, Any], path: str, depth: int) -> RowsRule:
        self._keys(raw, ("relation", "where", "within", "measure", "operator", "value"), path)
        relation = self.relation(raw.get("relation"), _in(path, "relation"))
        where = self._where(raw.get("where"), relation, _in(path, "where"), depth)
        within = self._within(raw.get("within"), relation, _in(path, "within"))
        function, of = self._measure(raw, relation, path)
        name, value = raw.get("operator"), raw.get("value")
        if name is None and value is None and of is COUNTED:  # there are such rows at all
            name, value = "gte", 1
        operator = self.operator(name, of, value, _in(path, "operator"))
        of = _typed(of, operator, value)
        value = self.value(operator, of, value, _in(path, "value"))
        return RowsRule(relation, where, within, function, of, operator, value)

    def relation(self, name: Any, path: str) -> Relation:
        if not isinstance(name, str) or not name:
            raise _Wrong(path, "MISSING_FIELD", "must be the name of a relation")
        relation = self.vocabulary.relations.get(name)
        if relation is None:
            near = _meant(nearest(name, list(self.vocabulary.relations)))
            raise _Wrong(path, "UNKNOWN_FIELD", f"there is no relation “{name[:80]}”{near}")
        return relation

    def _where(self, raw: Any, relation: Relation, path: str, depth: int) -> Group | None:
        if raw is None or raw == []:
            return None
        if isinstance(raw, Mapping) and "rules" not in raw:
            raw = [raw]
        return self.group(raw, relation.words, path, depth + 1)

    def _within(self, raw: Any, relation: Relation, path: str) -> FieldRule | None:
        """So much time until now, or a period of the calendar."""
        if raw is None:
            return None
        operator = operators.OPERATORS["during" if isinstance(raw, str) else "inLast"]
        return FieldRule(relation.time_field, operator, self.value(operator, relation.time_field, raw, path))

    def _measure(self, raw: Mapping[str, Any], relation: Relation, path: str) -> tuple[Function, Field]:
        measure = raw.get("measure")
        if measure is None:
            return Function.COUNT, COUNTED
        path = _in(path, "measure")
        if not isinstance(measure, Mapping):
            raise _Wrong(path, "INVALID_FORMAT", "must be an object with function and of")
        self._keys(measure, ("function", "of"), path)
        names = [function.value for function in Function]
        if measure.get("function") not in names:
            raise _Wrong(_in(path, "function"), "INVALID_FIELD", f"must be one of: {', '.join(names)}")
        function = Function(measure["function"])
        if function is Function.COUNT:
            return function, COUNTED
        of = self.field(measure.get("of"), relation.words, _in(path, "of"))
        if function in SUMMED or (of.kind is Kind.ANY and function in (Function.MIN, Function.MAX)):
            of = of_json(of, Kind.NUMBER) if of.kind is Kind.ANY else of
        if function in SUMMED and of.kind is not Kind.NUMBER:
            raise _Wrong(_in(path, "of"), "INVALID_FIELD", f"only numbers have a {function.value}")
        if function in (Function.MIN, Function.MAX) and of.kind not in operators.ORDERED:
            raise _Wrong(_in(path, "of"), "INVALID_FIELD", f"only numbers and times have a {function.value}")
        return function, of

    # a sequence
    def sequence(self, raw: Mapping[str, Any], path: str, depth: int) -> SequenceRule:
        self._keys(raw, ("sequence", "same"), path)
        steps = raw.get("sequence")
        path_of_steps = _in(path, "sequence")
        if not isinstance(steps, list) or not 2 <= len(steps) <= MOST_STEPS:
            raise _Wrong(path_of_steps, "INVALID_FORMAT", f"must be a list of 2 to {MOST_STEPS} steps")
        read = tuple(
            self.step(step, f"{path_of_steps}[{number}]", depth, is_first=number == 0)
            for number, step in enumerate(steps)
        )
        for number, step in enumerate(read[:-1]):
            if step.negated:
                raise _Wrong(
                    f"{path_of_steps}[{number}].not", "INVALID_FIELD", "nothing can follow what does not come"
                )
        return SequenceRule(read, self._same(raw.get("same"), read, _in(path, "same")))

    def step(self, raw: Any, path: str, depth: int, *, is_first: bool) -> Step:
        if not isinstance(raw, Mapping):
            raise _Wrong(path, "INVALID_FORMAT", "must be an object with a relation")
        self._keys(raw, ("relation", "where", "within", "not"), path)
        relation = self.relation(raw.get("relation"), _in(path, "relation"))
        if relation.time_field.kind is not Kind.MOMENT:
            raise _Wrong(_in(path, "relation"), "INVALID_FIELD", f"of {relation.label} only the day is known")
        where = self._where(raw.get("where"), relation, _in(path, "where"), depth)
        negated = raw.get("not", False)
        if not isinstance(negated, bool) or (negated and is_first):
            raise _Wrong(
                _in(path, "not"), "INVALID_FIELD", "must be true or false, and is not for the first step"
            )
        if is_first:
            return Step(relation, where, self._within(raw.get("within"), relation, _in(path, "within")))
        after = self._after(raw["within"], _in(path, "within")) if raw.get("within") is not None else None
        return Step(relation, where, None, after, negated)

    def _after(self, raw: Any, path: str) -> Length:
        try:
            return values.length(raw, units=(Unit.MINUTES, Unit.HOURS, Unit.DAYS, Unit.WEEKS))
        except Unusable as error:
            raise _Wrong(path + error.at, "INVALID_VALUE", str(error)) from None

    def _same(self, raw: Any, steps: Sequence[Step], path: str) -> tuple[str, ...]:
        if raw is None:
            return ()
        if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_STEPS:
            raise _Wrong(path, "INVALID_FORMAT", "must be a list of names of fields")
        names = []
        for number, name in enumerate(raw):
            found = [self.field(name, step.relation.words, f"{path}[{number}]") for step in steps]
            names.append(found[0].name)
            kinds = {field.kind for field in found}
            if len(kinds) > 1:
                raise _Wrong(
                    f"{path}[{number}]", "INVALID_FIELD", f"“{name}” is not of one kind in all of the steps"
                )
        return tuple(dict.fromkeys(names))

    # a field
    def test(self, raw: Mapping[str, Any], words: Words, path: str) -> FieldRule:
        self._keys(raw, ("field", "operator", "value", "for", "seed"), path)
        field = self.field(raw.get("field"), words, _in(path, "field"))
        operator = self.operator(raw.get("operator"), field, raw.get("value"), _in(path, "operator"))
        field = _typed(field, operator, raw.get("value"))
        value = self.value(operator, field, raw.get("value"), _in(path, "value"))
        if isinstance(value, Share):
            value = value._replace(seed=self._seed(raw, path))
        elif "seed" in raw:
            raise _Wrong(_in(path, "seed"), "UNKNOWN_FIELD", "only a sample is drawn by a seed")
        held = self._held(raw["for"], field, _in(path, "for")) if raw.get("for") is not None else None
        return FieldRule(field, operator, value, held)

    def field(self, name: Any, words: Words, path: str) -> Field:
        if not isinstance(name, str) or not name:
            raise _Wrong(path, "MISSING_FIELD", "must be the name of a field")
        field = words.find(name)
        if field is None:
            near = _meant(words.nearest(name))
            raise _Wrong(path, "UNKNOWN_FIELD", f"there is no field “{name[:80]}”{near}")
        return field

    def operator(self, name: Any, field: Field, value: Any, path: str) -> Operator:
        if not isinstance(name, str) or not name:
            raise _Wrong(path, "MISSING_FIELD", "must be the name of an operator")
        operator = operators.find(name)
        if operator is None:
            near = _meant(nearest(name, operators.spellings()))
            raise _Wrong(path, "INVALID_OPERATOR", f"there is no operator “{name[:80]}”{near}")
        kind = _typed(field, operator, value).kind
        if kind not in operator.kinds:
            usable = ", ".join(one.name for one in operators.of_kind(kind))
            message = f"“{operator.name}” does not apply to a {kind.value}; these do: {usable}"
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


def _typed(field: Field, operator: Operator, value: Any) -> Field:
    """A field of JSON as what the rule takes it for."""
    if field.kind is not Kind.ANY or operator.shape is Shape.NONE:
        return field
    sample = value[0] if isinstance(value, list) and value else value
    if Kind.TEXT not in operator.kinds:
        return of_json(field, Kind.NUMBER)
    if isinstance(sample, bool):
        return of_json(field, Kind.BOOL)
    is_number = isinstance(sample, int | float) and Kind.NUMBER in operator.kinds
    return of_json(field, Kind.NUMBER if is_number else Kind.TEXT)
