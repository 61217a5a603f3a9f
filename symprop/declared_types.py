"""Types of the arguments of public calls, read once off their annotations; each says itself in words.

What an annotation leaves open (`Any`, an alias such as that of sizes of layers, a protocol) is looked at by what takes
it.

>>> def draw(width: int, labels: Mapping[str, float] | None = None, *, own: Any = 0) -> None: ...
>>> for name, kind in types_of(draw).items():
...     print(name, kind.words)
width a whole number
labels a mapping from texts to numbers or None
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from numbers import Integral, Real
from typing import Any

from symprop.errors import harmless, shown

LARGEST = 10**18
"""A larger number is not shown."""
FEW = 3
"""So many items of a list are shown."""


@dataclass(frozen=True)
class Type:
    """What an argument may be: one of it and several of it in words, and whether a value is one."""

    words: str
    several: str
    holds: Callable[[Any], bool]


def types_of(function: Callable[..., Any]) -> dict[str, Type]:
    """Return the types of those arguments whose annotations say one."""
    found = {}
    for name, argument in inspect.signature(function).parameters.items():
        kind = _read(argument.annotation, inspect.unwrap(function).__globals__)
        if kind is not None and argument.kind == argument.VAR_POSITIONAL:
            kind = _each(kind)
        if kind is not None:
            found[name] = kind
    return found


def shown_value(value: object) -> str:
    """Return a value as an error shows it: what is short as it is typed, anything else by its type.

    >>> print(shown_value("zz"), shown_value(3.5), shown_value({"n": print}), shown_value([1, 2, 3, 4]))
    'zz' 3.5 {'n': a builtin_function_or_method} [1, 2, 3, ...]
    """
    if isinstance(value, dict):
        return f"{{{_shown_few(f'{_shown_one(key)}: {_shown_one(each)}' for key, each in value.items())}}}"
    if isinstance(value, (list, tuple)):
        shown_items = _shown_few(map(_shown_one, value))
        return f"[{shown_items}]" if isinstance(value, list) else f"({shown_items})"
    return _shown_one(value)


def _shown_few(items: Iterable[str]) -> str:
    first = list(islice(items, FEW + 1))
    return ", ".join([*first[:FEW], "..."] if len(first) > FEW else first)


def _shown_one(value: object) -> str:
    if isinstance(value, str):
        return shown(value)
    if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < LARGEST):
        return repr(value)
    return _one(type(value).__name__)


def _is_truth(value: object) -> bool:
    return type(value).__name__ in {"bool", "bool_"}  # the second is NumPy's


PLAIN: dict[str, Type] = {
    "None": Type("None", "None", lambda value: value is None),
    "bool": Type("True or False", "truth values", _is_truth),
    "int": Type("a whole number", "whole numbers", lambda value: isinstance(value, Integral) and not _is_truth(value)),
    "float": Type("a number", "numbers", lambda value: isinstance(value, Real) and not _is_truth(value)),
    "str": Type("a text", "texts", lambda value: isinstance(value, str)),
    "PathLike": Type("a path", "paths", lambda value: isinstance(value, os.PathLike)),
    "Callable": Type("a function", "functions", callable),
}


def _mapping(key: Type | None, value: Type | None) -> Type:
    if key is None or value is None:
        return Type("a mapping", "mappings", lambda found: isinstance(found, Mapping))
    words = f"from {key.several} to {value.several}"
    return Type(
        f"a mapping {words}",
        f"mappings {words}",
        lambda found: isinstance(found, Mapping) and all(key.holds(k) and value.holds(v) for k, v in found.items()),
    )


def _list(item: Type | None) -> Type:
    if item is None:
        return Type("a list", "lists", _is_list)
    return Type(f"a list of {item.several}", f"lists of {item.several}", lambda found: _is_list(found, item.holds))


def _each(item: Type) -> Type:
    return Type(item.several, item.several, lambda found: all(map(item.holds, found)))


def _is_list(found: object, holds: Callable[[Any], bool] = lambda item: True) -> bool:
    """Whether something is several of a kind; what can be gone through once only is not gone through here."""
    if isinstance(found, (str, bytes, bytearray, Mapping)) or not isinstance(found, Iterable):
        return False
    return isinstance(found, Iterator) or all(map(holds, found))


def _is_of(value: object, name: str) -> bool:
    return any(each.__name__ == name for each in type(value).__mro__)


def _class(name: str, around: Mapping[str, Any]) -> Type | None:
    """Return objects of a class, known by its name: of what is imported for checkers alone there may be some too."""
    found = around.get(name)
    is_class = isinstance(found, type) and found.__module__ not in {"typing", "collections.abc"}
    if isinstance(found, type) and {"Protocol", "Generic"} & {each.__name__ for each in found.__mro__}:
        is_class = False
    if not is_class and name not in sys.modules["symprop"].__all__:
        return None
    return Type(_one(name), f"objects {name}", lambda value: _is_of(value, name) or _is_part(value, name))


def _is_part(value: object, name: str) -> bool:
    """Whether something is a layer where a network is taken, whose reader says more: that an `Input` lacks a loss."""
    return name == "Network" and _is_of(value, "Joinable")


def _one(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {harmless(name)}"


def _either(first: Type, second: Type) -> Type:
    words, several = f"{first.words} or {second.words}", f"{first.several} or {second.several}"
    return Type(words, several, lambda value: first.holds(value) or second.holds(value))


def _read(annotation: object, around: Mapping[str, Any]) -> Type | None:
    """Return what an annotation says, none where it leaves a value open."""
    if isinstance(annotation, type):
        return _class(annotation.__name__, around)
    return _type(ast.parse(annotation, mode="eval").body, around) if isinstance(annotation, str) else None


def _type(text: ast.expr, around: Mapping[str, Any]) -> Type | None:
    match text:
        case ast.BinOp(left=left, right=right):
            first, second = _type(left, around), _type(right, around)
            return None if first is None or second is None else _either(first, second)
        case ast.Constant(value=None):
            return PLAIN["None"]
        case ast.Subscript(value=ast.Name(id="Mapping" | "dict"), slice=ast.Tuple(elts=[key, value])):
            return _mapping(_type(key, around), _type(value, around))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant()])):
            return _list(_type(item, around))
        case ast.Subscript(value=ast.Name(id="Iterable" | "Sequence" | "list"), slice=item):
            return _list(_type(item, around))
        case ast.Subscript(value=kind):  # what else has parts is known by what it is
            return _type(kind, around)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return PLAIN.get(name) or _class(name, around)
    return None
