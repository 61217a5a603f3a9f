"""An elementwise formula as a SymPy expression over scalars: the way from NumPy notation to a scalar body."""

from __future__ import annotations

from functools import lru_cache

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.called import called
from symprop.algebra.elements import RELATIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import comparison, walk
from symprop.errors import FormulaError, shown

SCALAR = Table("scalar body")


def scalar_body(node: Node) -> Expr:
    """Return an elementwise formula as a SymPy expression; each variable becomes a real symbol of the same name.

    >>> from symprop.algebra.reader import read_formula
    >>> scalar_body(read_formula("where(x > 0, x, x * sigmoid(x))", {"x": ()}))
    Piecewise((x, x > 0), (x*sigmoid(x), True))

    Raises:
        FormulaError: an operation that is not elementwise (a sum, a matrix product), or a constant such as log(-1).
    """
    if type(node) not in SCALAR:
        allowed = "allowed: + - * / **, where, comparisons and functions such as exp and tanh"
        raise FormulaError(f"{called(node)} is not elementwise\n{allowed}")
    return _checked(SCALAR(node, *map(scalar_body, node.operands)))


def _checked(body: Expr) -> Expr:
    if not body.free_symbols and (body is sympy.nan or body.is_finite is False or body.is_real is False):
        raise FormulaError(f"a constant of the formula is not a real number: {shown(body)}")
    return body


@lru_cache(maxsize=10_000)
def numerical(node: Node) -> Expr | None:
    """Return the number that an elementwise formula of numbers alone is, such as `cos(0) - 1`; None of any other.

    Raises:
        FormulaError: a constant such as log(-1).
    """
    if node.reads or type(node) not in SCALAR:
        return None
    parts: list[Expr] = []
    for operand in node.operands:
        part = numerical(operand)
        if part is None:
            return None
        parts.append(part)
    value = _checked(SCALAR(node, *parts))
    return None if value.free_symbols else value


def is_elementwise(node: Node) -> bool:
    """Whether every operation of a formula is elementwise, so that it has a scalar body."""
    return all(type(part) in SCALAR for part in walk(node))


@SCALAR.row(n.Variable)
def _(node: n.Variable) -> Expr:
    return sympy.Symbol(node.name, real=True)


@SCALAR.row(n.Scalar)
def _(node: n.Scalar) -> Expr:
    return node.value


@SCALAR.row(n.Add)
def _(node: n.Add, *parts: Expr) -> Expr:
    return sympy.Add(*parts)


@SCALAR.row(n.Multiply)
def _(node: n.Multiply, *parts: Expr) -> Expr:
    return sympy.Mul(*parts)


@SCALAR.row(n.Power)
def _(node: n.Power, base: Expr) -> Expr:
    return sympy.Pow(base, node.exponent)


@SCALAR.row(n.Map)
def _(node: n.Map, *parts: Expr) -> Expr:
    body: Expr = node.function.of(*parts)
    return body


@SCALAR.row(n.Compare)
def _(node: n.Compare, left: Expr, right: Expr) -> Expr:
    return sympy.Piecewise((1, RELATIONS[node.relation](left, right)), (0, True))


@SCALAR.row(n.Where)
def _(node: n.Where, condition: Expr, yes: Expr, no: Expr) -> Expr:
    holds = comparison(node.operands[0])
    return sympy.Piecewise((yes, RELATIONS[holds.relation](*map(scalar_body, holds.operands))), (no, True))
