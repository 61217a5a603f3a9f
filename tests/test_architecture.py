"""The house, checked from the source: who imports whom, how long things are, and what no module may do.

Data flows one way. A room imports only from rooms to its left; what stands beside the rooms (errors, files,
templates, data) has its place in the same row.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "symprop"

ORDER = (
    "version",
    "errors",
    "limits",
    "terminal",
    "hints",
    "templating",
    "collection",
    "files",
    "own_files",
    "weights",
    "declared_types",
    "keywords",
    "algebra",
    "data",
    "evaluation",
    "eigenvalues",
    "runs",
    "checkpoints",
    "training",
    "whole_batch",
    "networks",
    "importing",
    "history",
    "columns",
    "calculus",
    "finishing",
    "analysis",
    "notation",
    "codegen",
    "natural_gradient",
    "verify",
    "formulas",
    "diagnosis",
    "saved",
    "prepared",
    "spectrum",
    "differences",
    "certify",
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

ALLOWED_EVALUATORS = {("codegen/loading.py", "exec"), ("codegen/loading.py", "compile"), ("__main__.py", "exec")}
"""A generated module is loaded: our own output, made of validated names and numbers; and an empty text is run."""

REFLECTION = {
    ("networks/layers.py", "getattr"),  # the fields of a dataclass, by their names
    ("keywords.py", "setattr"),  # methods that look at their arguments first
}

MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())

LONGEST_FUNCTION = 60
LONGEST_FILE = 320


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


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


def imported_modules(tree: ast.AST, modules: Mapping[str, object]) -> Iterator[str]:
    """Yield those of `modules` that are imported, inside functions and for type checking too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield from [name for name in (f"{node.module}.{alias.name}", node.module) if name in modules][:1]


def circle(sources: Mapping[str, str]) -> list[str]:
    """Return modules that import each other in a circle, by name; none where there is no circle."""
    graph = {name: sorted({*imported_modules(ast.parse(source), sources)}) for name, source in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def sources_of(room: str) -> dict[str, str]:
    found = sorted((PACKAGE / room).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in found)
    return {name: path.read_text(encoding="utf-8") for name, path in zip(names, found, strict=True)}


def long_functions(source: str) -> list[str]:
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    lengths = ((node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [f"{name}: {length} lines" for name, length in lengths if length > LONGEST_FUNCTION]


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


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_to_its_left(path: Path) -> None:
    assert wrong_imports(path.read_text(encoding="utf-8"), room_of(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_typed_is_evaluated_and_no_mistake_is_hidden(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8"), name_of(path)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_circle_of_imports_inside_a_room(room: str) -> None:
    assert circle(sources_of(room)) == []


@pytest.mark.parametrize(
    "line",
    [
        "from symprop.room.b import f",
        "def f():\n    from symprop.room import b",
        "if TYPE_CHECKING:\n    import symprop.room.b",
    ],
)
def test_a_circle_is_seen(line: str) -> None:
    sources = {"symprop.room": "", "symprop.room.a": line, "symprop.room.b": "from symprop.room.a import g"}
    assert {"symprop.room.a", "symprop.room.b"} <= set(circle(sources))
    assert circle(sources | {"symprop.room.a": "from symprop.room.c import f"}) == []


def test_functions_are_read_on_one_screen() -> None:
    found = {name_of(path): long_functions(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_a_long_function_is_seen() -> None:
    body = "    x = 1\n" * LONGEST_FUNCTION
    assert long_functions(f"class A:\n    def f():\n    {body.replace(chr(10), chr(10) + '    ')}") == ["f: 61 lines"]
    assert long_functions(f"def f():\n{body[:-10]}") == []


def test_files_are_read_in_one_sitting() -> None:
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES
    }
    assert not [name for name, length in lengths.items() if length > LONGEST_FILE]


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
