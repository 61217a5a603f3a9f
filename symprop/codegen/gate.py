"""The gate that generated source passes before it is run or stands in a file: arithmetic, and nothing else.

What a user typed has been checked long before; this asks of the bytes themselves, whoever wrote them. A module that
does not pass is a fault in symprop, so nothing here is for users to read.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from symprop.codegen.program import ProgramError
from symprop.errors import is_harmless, shown

IMPORTS = frozenset(
    (
        *("math", "itertools", "numpy", "numba", "jax", "jax.numpy", "jax.sharding"),
        *("torch", "torch.nn.functional", "scipy.linalg", "scipy.special"),
    )
)
"""What a module may import; all of these compute."""
NAMES = frozenset(
    {
        *(("concurrent.futures", "ThreadPoolExecutor"), ("contextvars", "copy_context")),  # two threads share a step
        ("torch.nn", "functional"),
    }
)
"""What a module may import of others, by name."""
BUILTINS = frozenset(
    (
        *("abs", "all", "any", "bool", "dict", "divmod", "enumerate", "float", "getattr", "int", "isinstance", "len"),
        *("list", "map", "max", "min", "next", "range", "reversed", "set", "slice", "staticmethod", "str", "sum"),
        *("super", "tuple", "type", "zip", "RuntimeError", "StopIteration", "TypeError", "ValueError"),
    )
)
"""What a module may use of Python's own functions; none of these reaches files, processes or other modules."""
DUNDERS = frozenset({"__init__", "__name__"})


def admitted(data: bytes | str, packages: Iterable[str] = ()) -> None:
    r"""Raise where source is more than the arithmetic that the generator writes.

    `packages` may be imported too, such as those that a target of one's own needs.

    >>> admitted("import numpy as np\n\n\ndef twice(x):\n    return np.exp(x)\n")
    >>> admitted("import os\n")
    Traceback (most recent call last):
    symprop.codegen.program.ProgramError: generated source imports os

    Raises:
        ProgramError: what is wrong with it.
    """
    try:
        source = data.decode("utf-8") if isinstance(data, bytes) else data
        tree = ast.parse(source)
    except (UnicodeDecodeError, SyntaxError, ValueError) as problem:
        raise ProgramError(f"generated source cannot be read: {shown(problem)}") from None
    odd = next((sign for sign in source if sign != "\n" and not is_harmless(sign)), None)
    wrong = f"holds {shown(odd)}" if odd is not None else next(_wrong(tree, IMPORTS.union(packages)), None)
    if wrong is not None:
        raise ProgramError(f"generated source {wrong}")


def _wrong(tree: ast.Module, imports: frozenset[str]) -> Iterator[str]:
    """Yield what is not arithmetic: imports, names that nothing binds, names that reach inside objects."""
    bound, read = set[str](), dict[str, int]()
    for part in ast.walk(tree):
        named: tuple[str | None, ...] = ()
        match part:
            case ast.Import(names=aliases):
                named = tuple(each.asname or each.name.partition(".")[0] for each in aliases)
                yield from (f"imports {each.name}" for each in aliases if each.name not in imports)
            case ast.ImportFrom(module=module, names=aliases):
                named = tuple(each.asname or each.name for each in aliases)
                yield from (
                    f"imports {module}"
                    for each in aliases
                    if module not in imports and (module, each.name) not in NAMES
                )
            case ast.Name(id=name, ctx=ast.Load()):
                read.setdefault(name, part.lineno)
                named = (name,) if name in DUNDERS else ()
            case ast.Name(id=name) | ast.arg(arg=name):
                named = (name,)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                named = (name,)
            case ast.ExceptHandler(name=name):
                named = (name,)
            case ast.Attribute(attr=name):
                if _reaches_inside(name):
                    yield f"reads .{name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, asked, *_]):
                if not isinstance(asked, ast.Constant) or _reaches_inside(str(asked.value)):
                    yield "asks getattr for a name that is not plain"
            case ast.AsyncFunctionDef() | ast.Global() | ast.Nonlocal() | ast.Await():
                yield f"holds {type(part).__name__}"
        yield from (f"binds {name}" for name in named if name is not None and _reaches_inside(name))
        bound.update(name for name in named if name is not None)
    for name, line in read.items():
        if name not in bound and name not in BUILTINS:
            what = "Python's" if name in vars(builtins) else "an unbound"
            yield f"uses {what} {name} in line {line}"


def _reaches_inside(name: str) -> bool:
    return name.startswith("__") and name not in DUNDERS
