"""The house, checked from the source: who imports whom, and what no module may do.

Data flows one way. A room imports only from rooms to its left; what stands beside the rooms (errors, files,
templates, data) has its place in the same row.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "symprop"

ORDER = (
    "errors",
    "templating",
    "files",
    "algebra",
    "data",
    "training",
    "networks",
    "columns",
    "calculus",
    "analysis",
    "notation",
    "codegen",
    "verify",
    "formulas",
    "saved",
    "differences",
    "reports",
    "server",
    "commands",
    "cli",
    "__main__",
    "__init__",
)
"""From left to right: the rooms and the modules beside them."""

EVALUATORS = frozenset({"eval", "exec", "compile", "lambdify", "parse_expr", "literal_eval", "__import__"})
"""What could run text; `sympify` may stand with `strict=True` alone, which refuses text."""

ALLOWED_EVALUATORS = {("codegen/loading.py", "exec"), ("codegen/loading.py", "compile")}
"""A generated module is loaded: our own output, made of validated names and numbers."""

REFLECTION = {
    ("networks/layers.py", "getattr"),  # the fields of a dataclass, by their names
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and room of every import of symprop, those inside functions and for type checking too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found = [f"symprop.{alias.name}" for alias in node.names] if base == "symprop" else [base]
            if node.level:
                found = [f"symprop.({'.' * node.level}{base})"]  # a relative import hides the room
        else:
            continue
        yield from ((node.lineno, name.split(".")[1]) for name in found if name.startswith("symprop."))


def called(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call with the last name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            yield node, node.func.id if isinstance(node.func, ast.Name) else node.func.attr


def wrong_imports(source: str, room: str) -> list[str]:
    place = ORDER.index(room)
    return [
        f"line {line}: {room} imports {other}"
        for line, other in imports(ast.parse(source))
        if other != room and (other not in ORDER or ORDER.index(other) >= place)
    ]


def forbidden(source: str, name: str) -> list[str]:
    tree, found = ast.parse(source), []
    for call, function in called(tree):
        method = isinstance(call.func, ast.Attribute)
        if (
            function in EVALUATORS
            and not (method and function == "compile")
            and (name, function) not in ALLOWED_EVALUATORS
        ):
            found.append(f"line {call.lineno}: {function}")
        strict = any(keyword.arg == "strict" and ast.unparse(keyword.value) == "True" for keyword in call.keywords)
        if function in {"sympify", "S"} and not strict:
            found.append(f"line {call.lineno}: {function} without strict=True reads text as code")
        if function in {"hasattr", "getattr", "setattr"} and (name, function) not in REFLECTION:
            found.append(f"line {call.lineno}: {function}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"line {node.lineno}: an assert, which `python -O` leaves out")
        elif isinstance(node, ast.Global):
            found.append(f"line {node.lineno}: global")
        elif isinstance(node, ast.ExceptHandler):
            kinds = (
                {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else {"nothing"}
            )
            raises = any(isinstance(part, ast.Raise) and part.exc is None for part in node.body)
            if kinds & {"nothing", "Exception"} or ("BaseException" in kinds and not raises):
                found.append(f"line {node.lineno}: except {', '.join(sorted(kinds))}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_to_its_left(path: Path) -> None:
    assert wrong_imports(path.read_text(encoding="utf-8"), room_of(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_typed_is_evaluated_and_no_mistake_is_hidden(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix()) == []


def test_every_room_has_its_place() -> None:
    assert {room_of(path) for path in MODULES} == set(ORDER)


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("from symprop.networks.layers import Dense", "algebra"),
        ("from symprop import notation", "calculus"),
        ("import symprop.cli", "verify"),
        ("def f():\n    from symprop.analysis.derivation import derive", "networks"),
        ("from ..notation import text", "calculus"),
        ("from symprop.new_room import thing", "cli"),
    ],
)
def test_a_wrong_import_is_seen(source: str, room: str) -> None:
    assert len(wrong_imports(source, room)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "sympy.sympify(text)",
        "sympify(text, strict=False)",
        "parse_expr(text)",
        "sympy.lambdify(x, y)",
        "eval(text)",
        "exec(text)",
        "compile(text, 'f', 'exec')",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    raise",
        "try:\n    f()\nexcept (ValueError, Exception) as error:\n    pass",
        "try:\n    f()\nexcept BaseException:\n    pass",
        "assert x > 0",
        "hasattr(x, 'text')",
        "getattr(x, 'text', None)",
        "def f():\n    global x\n    x = 1",
    ],
)
def test_what_is_forbidden_is_seen(source: str) -> None:
    assert len(forbidden(source, "algebra/reader.py")) == 1


def test_what_is_allowed_is_not_seen() -> None:
    allowed = "re.compile(x)\nsympify(x, strict=True)\ntry:\n    f()\nexcept BaseException:\n    g()\n    raise"
    assert forbidden(allowed, "algebra/reader.py") == []
