"""An elementwise formula as a SymPy expression over scalars: the way from NumPy notation to a scalar body."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.elements import RELATIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
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
        raise FormulaError(f"{type(node).__name__} is not elementwise\n{allowed}")
    parts = [operand if isinstance(operand, n.Compare) else scalar_body(operand) for operand in node.operands]
    body: Expr = SCALAR(node, *parts)
    if not body.free_symbols and (body is sympy.nan or body.is_finite is False or body.is_real is False):
        raise FormulaError(f"a constant of the formula is not a real number: {shown(body)}")
    return body


def _condition(part: Any) -> Any:
    """The truth value of a condition: a comparison, or a number that is not 0."""
    if isinstance(part, n.Compare):
        return RELATIONS[part.relation](*map(scalar_body, part.operands))
    return sympy.Ne(part, 0)


def _value(part: Any) -> Expr:
    """The value of an operand; a comparison counts as 1 or 0."""
    return sympy.Piecewise((1, _condition(part)), (0, True)) if isinstance(part, n.Compare) else part


@SCALAR.row(n.Variable)
def _(node: n.Variable) -> Expr:
    return sympy.Symbol(node.name, real=True)


@SCALAR.row(n.Scalar)
def _(node: n.Scalar) -> Expr:
    return node.value


@SCALAR.row(n.Add)
def _(node: n.Add, *parts: Any) -> Expr:
    return sympy.Add(*map(_value, parts))


@SCALAR.row(n.Multiply)
def _(node: n.Multiply, *parts: Any) -> Expr:
    return sympy.Mul(*map(_value, parts))


@SCALAR.row(n.Power)
def _(node: n.Power, base: Any) -> Expr:
    return sympy.Pow(_value(base), node.exponent)


@SCALAR.row(n.Map)
def _(node: n.Map, *parts: Any) -> Expr:
    body: Expr = node.function.of(*map(_value, parts))
    return body


@SCALAR.row(n.Compare)
def _(node: n.Compare, *parts: Any) -> Expr:
    return _value(node)


@SCALAR.row(n.Where)
def _(node: n.Where, condition: Any, yes: Any, no: Any) -> Expr:
    return sympy.Piecewise((_value(yes), _condition(condition)), (_value(no), True))
