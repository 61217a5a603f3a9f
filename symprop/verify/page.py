"""Runs a printed page: what `derivation.text()` says, taken as the NumPy that it reads as.

The page is walked statement by statement (assignments, loops over blocks, `if l < L`, functions of one line); nothing
is handed to Python's own interpreter. Names with an index (`W[l + 1]`) are tables of arrays.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Value = Any
Names = dict[str, Value]


def run_page(page: str, given: Mapping[str, Value]) -> Names:
    """Return the values of all names after a page has run; `given` are inputs, sizes, and tables of parameters.

    >>> run_page("for l in range(1, L + 1):\\n    a[l] = a[l - 1] * 2", {"a": {0: 1.0}, "L": 2})["a"]
    {0: 1.0, 1: 2.0, 2: 4.0}

    Raises:
        LookupError: a name or an index that has no value, or a form that no page has.
    """
    names: Names = {**FUNCTIONS, **given}
    _run(ast.parse(page).body, names)
    return names


class _Returned(Exception):
    """A function of the page has its value."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


def _run(statements: list[ast.stmt], names: Names) -> None:
    for statement in statements:
        if isinstance(statement, ast.Assign):
            _assign(statement.targets[0], _value(statement.value, names), names)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
            total = _value(statement.target, names) + _value(statement.value, names)
            _assign(statement.target, total, names)
        elif isinstance(statement, ast.For):
            for number in _value(statement.iter, names):
                _assign(statement.target, number, names)
                _run(statement.body, names)
            if isinstance(statement.target, ast.Name):
                names.pop(statement.target.id, None)  # a page that reads the index behind its loop is wrong
        elif isinstance(statement, ast.If):
            _run(statement.body if _value(statement.test, names) else statement.orelse, names)
        elif isinstance(statement, ast.FunctionDef):
            names[statement.name] = _function(statement, names)
        elif isinstance(statement, ast.Return) and statement.value is not None:
            raise _Returned(_value(statement.value, names))
        elif isinstance(statement, ast.Import) and [part.name for part in statement.names] == ["math"]:
            names["math"] = math
        elif isinstance(statement, ast.ImportFrom) and statement.names[0].name in IMPORTED:
            names[statement.names[0].name] = IMPORTED[statement.names[0].name]
        elif isinstance(statement, ast.Expr):
            _value(statement.value, names)
        else:
            raise LookupError(f"no page has {ast.unparse(statement)}")


def _assign(target: ast.expr, value: Value, names: Names) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        names[target.value.id][_value(target.slice, names)] = value
    elif isinstance(target, ast.Tuple):
        for part, item in zip(target.elts, value, strict=True):
            _assign(part, item, names)
    else:
        raise LookupError(f"no page assigns to {ast.unparse(target)}")


def _function(definition: ast.FunctionDef, names: Names) -> Callable[..., Value]:
    parameters = [argument.arg for argument in definition.args.args]
    defaults = [_value(default, names) for default in definition.args.defaults]
    known = dict(zip(parameters[len(parameters) - len(defaults) :], defaults, strict=True))

    def apply(*arguments: Value, **named: Value) -> Value:
        given = dict(zip(parameters, arguments, strict=False))
        try:
            _run(definition.body, {**names, **known, **given, **named})
        except _Returned as result:
            return result.value
        raise LookupError(f"{definition.name} returns nothing")

    return apply


def _value(node: ast.expr, names: Names) -> Value:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise LookupError(f"the page reads {node.id}, which has no value")
        return names[node.id]
    if isinstance(node, (ast.Tuple, ast.List)):
        items = _values(node.elts, names)
        return tuple(items) if isinstance(node, ast.Tuple) else items
    if isinstance(node, ast.UnaryOp):
        return OPERATORS[type(node.op)](_value(node.operand, names))
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return OPERATORS[type(node.ops[0])](_value(node.left, names), _value(node.comparators[0], names))
    if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        return ATTRIBUTES[node.attr](_value(node.value, names))
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, names) else node.orelse, names)
    if isinstance(node, ast.Dict) and not node.keys:
        return {}
    if isinstance(node, ast.Slice):
        return slice(*(None if part is None else _value(part, names) for part in (node.lower, node.upper, node.step)))
    if isinstance(node, ast.Subscript):
        return _value(node.value, names)[_value(node.slice, names)]
    if isinstance(node, ast.Call):
        named = {keyword.arg: _value(keyword.value, names) for keyword in node.keywords if keyword.arg}
        return _value(node.func, names)(*_values(node.args, names), **named)
    if isinstance(node, ast.ListComp) and isinstance(node.generators[0].target, ast.Name):
        generator, name = node.generators[0], node.generators[0].target.id
        return [_value(node.elt, {**names, name: number}) for number in _value(generator.iter, names)]
    raise LookupError(f"no page has {ast.unparse(node)}")


def _values(nodes: list[ast.expr], names: Names) -> list[Value]:
    """The values of what stands between commas, some of it with a star."""
    items: list[Value] = []
    for item in nodes:
        items.extend(_value(item.value, names) if isinstance(item, ast.Starred) else [_value(item, names)])
    return items


OPERATORS: dict[type, Callable[..., Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
}


ATTRIBUTES: dict[str, Callable[..., Value]] = {
    "T": np.transpose,
    "shape": np.shape,
    "ndim": np.ndim,
    **{name: operator.attrgetter(name) for name in ("squeeze", "reshape", "astype", "argmax", "argmin", "get")},
    "at": lambda function: function.at,
    "erf": lambda module: module.erf,
}


NUMPY_NAMES = (
    *("exp", "log", "log1p", "expm1", "sqrt", "abs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
    *(
        "sinh",
        "cosh",
        "tanh",
        "maximum",
        "minimum",
        "sum",
        "amax",
        "max",
        "min",
        "where",
        "outer",
        "reshape",
        "diag",
        "diagonal",
    ),
    *(
        "tril",
        "triu",
        "transpose",
        "eye",
        "zeros",
        "ones",
        "full",
        "expand_dims",
        "stack",
        "take",
        "pi",
        "e",
        "ndim",
        "concatenate",
    ),
    *("prod", "kron", "trace", "flip", "pad", "array", "atleast_1d", "arange", "ndindex", "ix_", "moveaxis", "inf"),
)

FUNCTIONS: Mapping[str, Value] = {
    **{name: vars(np)[name] for name in NUMPY_NAMES},
    "add": np.add,
    "vectorize": np.vectorize,
    **{each.__name__: each for each in (float, int, range, list, dict, zip, len)},
}
"""What pages call, as NumPy has it."""

IMPORTED: Mapping[str, Value] = {
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
    **{name: vars(np.linalg)[name] for name in ("inv", "det", "norm", "matrix_power")},
}
"""What pages import by name."""
