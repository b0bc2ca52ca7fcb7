"""The statements at the top of a module that make a value: what is known of a dict or an object, whose contents change.

Code that only looks different, in its layout, comments or docstrings, has equal text.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from textwrap import dedent
from types import CodeType, ModuleType
from typing import Any

from funcnet.values.sameness import bare

_BLOCKS = ("body", "orelse", "handlers", "finalbody")


def plain_text(source: str) -> str:
    r"""The source without its layout, comments and docstrings; as it is, but for comments, where it does not parse.

    >>> plain_text("def f( x ): return (x*2)  # twice")
    'def f(x):\n    return x * 2'
    """
    try:
        tree = ast.parse(dedent(source))
    except (SyntaxError, ValueError, RecursionError):
        lines = [line.rstrip() for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]
        return dedent("\n".join(lines))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.unparse(tree)


def is_current(code: CodeType) -> bool:
    """Whether a function's source, which may have been edited since it was imported, still makes this code."""
    module = inspect.getmodule(code)
    made = _codes(_source(module), code.co_filename) if module else ()
    return not made or any(each.co_qualname == code.co_qualname and bare(each) == bare(code) for each in made)


@lru_cache(maxsize=32)
def _codes(source: str, file: str) -> tuple[CodeType, ...]:
    """All code objects that the source of a module makes."""
    try:
        return tuple(_inside(compile(source, file, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return ()


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _inside(each)


def changes(module: ModuleType | None, name: str) -> bool:
    """Whether a function of the module assigns the global variable `name`."""
    trees = _trees(module)
    return any(isinstance(node, ast.Global) and name in node.names for tree in trees for node in ast.walk(tree))


def statements(module: ModuleType | None, name: str) -> tuple[str, list[str]]:
    """The statements from the last one on that assigns `name` in the module, as text, and the names that they read."""
    found: list[ast.stmt] = []
    for statement in (each for tree in _trees(module) for each in _simple(tree)):
        if _assigns(statement, name):
            found = [statement]
        elif _is_about(statement, name):
            found.append(statement)
    nodes = [node for statement in found for node in ast.walk(statement)]
    read = [node.id for node in nodes if isinstance(node, ast.Name) and node.id != name]
    return "\n".join(map(ast.unparse, found)), list(dict.fromkeys(read))


def origin(module: ModuleType | None, name: str) -> tuple[ModuleType | None, str]:
    """The module that `name` was imported from, and its name there; the module itself if it was not imported."""
    for statement in (each for tree in _trees(module) for each in _simple(tree)):
        if isinstance(statement, ast.ImportFrom):
            for each in statement.names:
                if name == (each.asname or each.name):
                    return sys.modules.get(_absolute(module, statement)), each.name
    return module, name


def _absolute(module: ModuleType | None, statement: ast.ImportFrom) -> str:
    package = str(getattr(module, "__package__", None) or "").split(".")
    base = package[: len(package) - statement.level + 1] if statement.level else []
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _simple(tree: Any) -> Iterator[ast.stmt]:
    """The statements outside functions and classes, also inside `if`, `try` and the like."""
    for part in (part for block in _BLOCKS for part in getattr(tree, block, ())):
        if not isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if hasattr(part, "body"):
                yield from _simple(part)
            else:
                yield part


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return [each for target in statement.targets for each in getattr(target, "elts", [target])]
    return [statement.target] if isinstance(statement, ast.AnnAssign | ast.AugAssign) else []


def _assigns(statement: ast.stmt, name: str) -> bool:
    is_new = not isinstance(statement, ast.AugAssign)
    return is_new and any(isinstance(each, ast.Name) and each.id == name for each in _targets(statement))


def _is_about(statement: ast.stmt, name: str) -> bool:
    """Whether a statement changes `name`: an entry, an attribute, or by one of its methods."""
    is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    places = [statement.value.func] if is_call else _targets(statement)  # type: ignore[attr-defined]
    return any(_first_name(each) == name for each in places)


def _first_name(place: Any) -> str:
    while isinstance(place, ast.Attribute | ast.Subscript):
        place = place.value
    return place.id if isinstance(place, ast.Name) else ""


def _trees(module: ModuleType | None) -> list[ast.Module]:
    """The syntax trees of a module, or of the cells of a notebook."""
    if module is None:
        return []
    cells = vars(module).get("In") if "get_ipython" in vars(module) else [_source(module)]
    return [tree for tree in map(_parsed, map(str, cells or ())) if tree is not None]


def _source(module: ModuleType) -> str:
    try:
        return inspect.getsource(module)
    except (OSError, TypeError, IndexError, SyntaxError):
        return ""


@lru_cache(maxsize=256)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
