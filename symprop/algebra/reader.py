"""NumPy notation in: a formula read into nodes by a whitelist over `ast`; nothing that is typed is ever evaluated.

The text first passes the token scan (`tokens.py`), which bounds what Python's parser gets to see. Then each kind of
syntax that a formula may hold has its case (`CASES`); anything else is refused with a caret under the place. Numbers
are exact: `0.1` is 1/10. The texts of networks (`Input(4) >> Dense(3)`) have their own small grammar in `calls.py`.

    >>> f = read_formula("sum((a - y)**2) / 2", {"a": (3,), "y": (3,)})
    >>> type(f).__name__, f.shape
    ('Multiply', ())
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr

from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.algebra.names import size_expression, size_symbol, variable
from symprop.algebra.nodes import Node
from symprop.algebra.reading.arithmetic import RELATIONS, attribute, binary, compare, constant, named, unary
from symprop.algebra.reading.functions import call
from symprop.algebra.reading.mentions import CONSTANTS, LIMITS, least_size, names_in, sizes_in
from symprop.algebra.reading.spelling import spelled
from symprop.algebra.reading.state import Cases, Reading
from symprop.algebra.reading.subscripts import subscript
from symprop.algebra.reading.words import check_syntax
from symprop.algebra.tokens import scan, syntax_tree

CASES: Cases = {
    ast.BinOp: binary,
    ast.UnaryOp: unary,
    ast.Constant: constant,
    ast.Name: named,
    ast.Call: call,
    ast.Compare: compare,
    ast.Attribute: attribute,
    ast.Subscript: subscript,
}
"""The syntax of formulas; everything else is refused."""


def read_formula(
    text: str,
    shapes: Mapping[str, Any],
    sizes: Mapping[str, Any] | Iterable[str] = (),
    functions: Mapping[str, ElementwiseFunction] | None = None,
    numbers: Mapping[str, Expr] | None = None,
) -> Node:
    """Read a formula in NumPy notation.

    Args:
        text: the formula, such as `W1 @ x + b1`.
        shapes: the arrays that it may name, each with its shape or as a ready `Variable`.
        sizes: the sizes that it may use as numbers, by name; with a mapping, the value of each.
        functions: elementwise functions known by name besides `FUNCTIONS`.
        numbers: other numbers that it may use, by name.

    >>> read_formula("W @ x", {"W": ("n1", "n0"), "x": ("n0",)}).shape
    (n1,)
    >>> read_formula("1/3 + 0.1", {}).value
    13/30

    Raises:
        FormulaError: a syntax error, or something outside the grammar, or an unknown name.
        ShapeError: operands that do not fit.
        LimitError: too long, too deep, or a number too large.
    """
    arrays = {
        name: given if isinstance(given, Node) else variable(name, tuple(given)) for name, given in shapes.items()
    }
    listed = sizes.items() if isinstance(sizes, Mapping) else ((name, size_symbol(name)) for name in sizes)
    known = {name: size_expression(size) for name, size in listed} | dict(numbers or {})
    scanned = scan(text, LIMITS)
    called = {**FUNCTIONS, **(functions or {})}
    tree = spelled(syntax_tree(scanned), called)
    check_syntax(tree, scanned)
    return Reading(scanned, {**CONSTANTS, **known}, arrays, called, CASES).node(tree)


__all__ = ["RELATIONS", "least_size", "names_in", "read_formula", "sizes_in"]
