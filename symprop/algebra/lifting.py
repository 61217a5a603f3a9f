"""From scalars to arrays: a SymPy expression becomes a formula in which every operation is elementwise."""

from __future__ import annotations

import sympy
from sympy import Basic, Expr, Rational

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.algebra.nodes import Node
from symprop.errors import FormulaError, shown

_PRIMITIVES: dict[type, ElementwiseFunction] = {
    type(function.body): function
    for function in FUNCTIONS.values()
    if function.is_primitive and len(function.parameters) == 1
}


def lift(expression: Expr, arrays: dict[Expr, Node]) -> Node:
    """Return a scalar expression as a formula over arrays: each symbol becomes its node, each operation elementwise.

    >>> from symprop.algebra import variable
    >>> t = sympy.Symbol("t")
    >>> lift(t**2 + sympy.exp(t), {t: variable("x", (3,))}).shape
    (3,)

    Raises:
        FormulaError: a symbol without an array, or a function that NumPy notation does not know.
    """
    if expression in arrays:
        return arrays[expression]
    if not (expression.free_symbols & {symbol for key in arrays for symbol in key.free_symbols}):
        return n.Scalar(expression)
    arguments = expression.args
    if isinstance(expression, sympy.Add):
        terms = sorted(expression.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
        return n.Add(*(lift(term, arrays) for term in terms))
    if isinstance(expression, sympy.Mul):
        return n.Multiply(*(lift(factor, arrays) for factor in expression.as_ordered_factors()))
    if isinstance(expression, sympy.Pow):
        if not expression.exp.free_symbols & {symbol for key in arrays for symbol in key.free_symbols}:
            return n.Power(lift(expression.base, arrays), expression.exp)
        return FUNCTIONS["power"](lift(expression.base, arrays), lift(expression.exp, arrays))
    if isinstance(expression, sympy.Piecewise):
        return _lift_piecewise(expression, arrays)
    if isinstance(expression, sympy.Heaviside):  # 1/2 at 0: a tie is shared
        return n.Multiply(n.Scalar(Rational(1, 2)), n.Add(n.Scalar(1), lift(sympy.sign(arguments[0]), arrays)))
    if isinstance(expression, sympy.polygamma):
        order, inside = (lift(argument, arrays) for argument in arguments)
        return FUNCTIONS["digamma"](inside) if order.number == 0 else FUNCTIONS["polygamma"](order, inside)
    if type(expression) in _PRIMITIVES:
        return _PRIMITIVES[type(expression)](lift(arguments[0], arrays))
    if isinstance(expression, (sympy.Max, sympy.Min)):
        name = "maximum" if isinstance(expression, sympy.Max) else "minimum"
        result = lift(arguments[0], arrays)
        for argument in arguments[1:]:
            result = FUNCTIONS[name](result, lift(argument, arrays))
        return result
    raise FormulaError(f"no elementwise meaning for {shown(expression)}")


def _lift_piecewise(expression: sympy.Piecewise, arrays: dict[Expr, Node]) -> Node:
    (last, always), *before = reversed(expression.args)
    if always != sympy.true:
        raise FormulaError(f"{shown(expression)} has no value where none of its conditions holds")
    result = lift(last, arrays)
    for value, condition in before:
        result = n.Where(_lift_condition(condition, arrays), lift(value, arrays), result)
    return result


def _lift_condition(condition: Basic, arrays: dict[Expr, Node]) -> Node:
    """Return a condition as an array that is 1 where it holds and else 0."""
    if isinstance(condition, sympy.core.relational.Relational):
        return n.Compare(condition.rel_op, lift(condition.lhs, arrays), lift(condition.rhs, arrays))
    parts = [_lift_condition(part, arrays) for part in condition.args]
    if isinstance(condition, sympy.And):  # 1 only where all are 1
        return n.Multiply(*parts)
    if isinstance(condition, sympy.Or):  # 0 only where all are 0
        return _not(n.Multiply(*map(_not, parts)))
    if isinstance(condition, sympy.Not):
        return _not(parts[0])
    raise FormulaError(f"condition {shown(condition)} is not a comparison")


def _not(indicator: Node) -> Node:
    return n.Add(n.Scalar(1), n.negative(indicator))
