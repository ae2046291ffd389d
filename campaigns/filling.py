"""A parsed template made quick to fill in many times: what is the same for everybody is filled in once. Pure.

It gives what Liquid's own renderer gives. What it does not know it leaves to that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from typing import Any, NamedTuple

from liquid import BoundTemplate, RenderContext
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.logical import BooleanExpression
from liquid.builtin.expressions.primitive import (
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    StringLiteral,
    TrueLiteral,
)
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.static_analysis import analyze
from liquid.stringify import to_liquid_string
from liquid.undefined import is_undefined

from campaigns.liquid import RenderFailed

Evaluate = Callable[[RenderContext], Any]
LITERALS = (StringLiteral, IntegerLiteral, FloatLiteral, TrueLiteral, FalseLiteral)
SPECIAL = frozenset({"size", "first", "last"})
MISSING = object()


class Step(NamedTuple):
    """A piece that has to be worked out, and the variables that it takes; None where that can't be said."""

    work_out: Evaluate
    names: frozenset[str] | None


class Filling:
    """Texts, and steps between them."""

    def __init__(self, template: BoundTemplate, steps: Iterable[str | Step]) -> None:
        self.template, self.steps = template, _joined(steps)

    @classmethod
    def of(cls, template: BoundTemplate) -> "Filling":
        return cls(template, _Maker(template).steps(template.nodes))

    def bound(self, shared: Mapping[str, Any]) -> "Filling":
        """The same with those values filled in for good. Raises RenderFailed."""
        return Filling(self.template, self._bind(shared))

    def _bind(self, shared: Mapping[str, Any]) -> Iterator[str | Step]:
        known = frozenset(shared)
        for step in self.steps:
            if isinstance(step, str) or step.names is None or not step.names <= known:
                yield step
            else:
                yield self._run([step], shared)

    def fill(self, values: Mapping[str, Any]) -> str:
        """Raises RenderFailed."""
        return self._run(self.steps, values)

    def _run(self, steps: Iterable[str | Step], values: Mapping[str, Any]) -> str:
        context = RenderContext(self.template, globals=values)
        try:
            return "".join([one if isinstance(one, str) else one.work_out(context) for one in steps])
        except (LiquidError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise RenderFailed(str(getattr(error, "message", None) or error)) from error


def _joined(steps: Iterable[str | Step]) -> list[str | Step]:
    found: list[str | Step] = []
    for step in steps:
        if isinstance(step, str) and found and isinstance(found[-1], str):
            found[-1] += step
        else:
            found.append(step)
    return found


class _Maker:
    def __init__(self, template: BoundTemplate) -> None:
        self.template, self.env = template, template.env
        self.static = RenderContext(template)
        self.locals = frozenset(analyze(template, include_partials=False).locals)

    def steps(self, nodes: Iterable[Node]) -> list[str | Step]:
        return [self.step(node) for node in nodes]

    def step(self, node: Node) -> str | Step:
        if isinstance(node, ContentNode):
            return str(node.text)
        if isinstance(node, OutputNode):
            return Step(self._output(node.expression), self._names(node.expression))
        if isinstance(node, IfNode | UnlessNode) and not node.blank:
            return self._condition(node)
        return Step(_left_to_liquid(node), None)

    def _output(self, expression: Expression) -> Evaluate:
        value, autoescape = self._value(expression), self.env.autoescape
        return lambda context: to_liquid_string(value(context), autoescape)

    def _condition(self, node: IfNode | UnlessNode) -> Step:
        is_unless = isinstance(node, UnlessNode)
        branches = [
            (self._test(node.condition), is_unless, self._block(node.consequence)),
            *((self._test(one.expression), False, self._block(one.block)) for one in node.alternatives),
        ]
        default = self._block(node.default) if node.default else []
        steps = [*(step for _condition, _not, block in branches for step in block), *default]
        conditions = [node.condition, *(one.expression for one in node.alternatives)]
        names: list[frozenset[str] | None] = [self._names(condition) for condition in conditions]
        names += [step.names for step in steps if isinstance(step, Step)]
        known = [one for one in names if one is not None]
        is_known = len(known) == len(names)

        def work_out(context: RenderContext) -> str:
            for test, negated, block in branches:
                if test(context) is not negated:
                    return _run(block, context)
            return _run(default, context)

        return Step(work_out, frozenset().union(*known) if is_known else None)

    def _test(self, condition: Expression) -> Callable[[RenderContext], bool]:
        inner = condition.expression if isinstance(condition, BooleanExpression) else condition
        if not isinstance(inner, Path):
            return lambda context: bool(condition.evaluate(context))
        value = _path(inner)

        def holds(context: RenderContext) -> bool:
            found = value(context)
            return found is not None and found is not False and not is_undefined(found)

        return holds

    def _block(self, block: BlockNode) -> list[str | Step]:
        if block.blank:
            return [Step(_left_to_liquid(block), None)]
        return _joined(self.steps(block.nodes))

    def _names(self, expression: Expression) -> frozenset[str] | None:
        """The roots of the variables in an expression; None where one is the template's own."""
        found: set[str] = set()
        stack = [expression]
        while stack:
            one = stack.pop()
            if isinstance(one, Path):
                found.add(str(one.path[0]))
            stack.extend(one.children())
        return None if found & self.locals else frozenset(found)

    def _value(self, expression: Expression) -> Evaluate:
        if isinstance(expression, Path):
            return _path(expression)
        if not isinstance(expression, FilteredExpression):
            return expression.evaluate
        left = self._value(expression.left)
        filters = [self._filter(one) for one in expression.filters or ()]
        if not filters:
            return left

        def value(context: RenderContext) -> Any:
            found = left(context)
            for filter_ in filters:
                found = filter_(found, context)
            return found

        return value

    def _filter(self, filter_: Any) -> Callable[[Any, RenderContext], Any]:
        function = self.env.filters.get(filter_.name)
        values = [getattr(one, "value", None) for one in filter_.args]
        is_plain = all(type(arg).__name__ == "PositionalArgument" for arg in filter_.args)
        literals = [one for one in values if isinstance(one, LITERALS)]
        if function is None or not is_plain or len(literals) < len(values):
            return filter_.evaluate  # type: ignore[no-any-return]
        given = [one.evaluate(self.static) for one in literals]
        more = {"environment": self.env} if getattr(function, "with_environment", False) else {}
        if getattr(function, "with_context", False):
            return lambda value, context: function(value, *given, context=context, **more)
        return lambda value, _context: function(value, *given, **more)


def _run(steps: list[str | Step], context: RenderContext) -> str:
    return "".join([one if isinstance(one, str) else one.work_out(context) for one in steps])


def _left_to_liquid(node: Node) -> Evaluate:
    def work_out(context: RenderContext) -> str:
        buffer: StringIO = context.get_buffer()
        node.render(context, buffer)
        return buffer.getvalue()

    return work_out


def _path(expression: Path) -> Evaluate:
    """A look-up that walks dicts by itself, and asks Liquid about all else."""
    path = tuple(expression.path)
    root, inner = path[0], path[1:]
    if not isinstance(root, str) or any(not isinstance(one, str | int) or one in SPECIAL for one in inner):
        return expression.evaluate

    def value(context: RenderContext) -> Any:
        found = context.locals.get(root, MISSING) if context.locals else MISSING
        if found is MISSING:
            found = context.globals.get(root, MISSING)
        try:
            for part in inner:
                if not isinstance(found, dict):
                    return expression.evaluate(context)
                found = found[part]
        except KeyError:
            return expression.evaluate(context)
        return expression.evaluate(context) if found is MISSING else found

    return value
