"""The product's own sources as syntax trees: what may never be written, whoever writes it next, is looked for here."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Source(NamedTuple):
    """One file. `lines` are its text, for what syntax trees leave out: comments."""

    path: str
    tree: ast.Module
    lines: list[str]


@cache
def sources() -> list[Source]:
    """Every Python file of the apps; migrations too, tests not."""
    apps = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    files = sorted(file for app in apps for file in app.rglob("*.py"))
    assert len(files) > 100
    return [read(str(file.relative_to(ROOT)), file.read_text()) for file in files]


def read(path: str, text: str) -> Source:
    return Source(path, ast.parse(text), text.splitlines())


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted name of what is called, as it is written there."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def place(source: Source, node: ast.AST) -> str:
    return f"{source.path}:{node.lineno}"  # type: ignore[attr-defined]


def keywords(call: ast.Call) -> set[str]:
    """The names of a call's keyword arguments; `**` may hold any, so it is taken to hold what is looked for."""
    return {keyword.arg or "**" for keyword in call.keywords}


def is_constant(node: ast.AST) -> bool:
    """Text that stands in the source, joined from pieces at most."""
    if isinstance(node, ast.JoinedStr):
        return not any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return is_constant(node.left) and is_constant(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
