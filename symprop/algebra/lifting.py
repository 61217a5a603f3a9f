"""From scalars to arrays: a SymPy expression becomes a formula in which every operation is elementwise."""

from __future__ import annotations

import sympy
from sympy import Basic, Expr, Rational
from sympy.logic.boolalg import BooleanFunction

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
    if isinstance(expression, sympy.Heaviside):
        if arguments[1] != Rational(1, 2):
            return lift(expression.rewrite(sympy.Piecewise), arrays)
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
    raise FormulaError(f"no elementwise meaning for {_by_names(expression, arrays)}")


def _by_names(expression: Basic, arrays: dict[Expr, Node]) -> str:
    """Return what is refused, with the arrays in their places."""
    return shown(expression.xreplace({symbol: sympy.Symbol(node.text()) for symbol, node in arrays.items()}))


def _lift_piecewise(expression: sympy.Piecewise, arrays: dict[Expr, Node]) -> Node:
    (last, always), *before = reversed(expression.args)
    if always != sympy.true:
        raise FormulaError(f"{_by_names(expression, arrays)} has no value where none of its conditions holds")
    result = lift(last, arrays)
    for value, condition in before:
        result = _chosen(condition, lift(value, arrays), result, arrays)
    return result


def _chosen(condition: Basic, yes: Node, no: Node, arrays: dict[Expr, Node]) -> Node:
    """Return `yes` where a condition holds and else `no`: a choice by comparisons alone, one inside another."""
    if condition in (sympy.true, sympy.false):
        return yes if condition == sympy.true else no
    parts = condition.args
    if isinstance(condition, sympy.Not):
        return _chosen(parts[0], no, yes, arrays)
    if isinstance(condition, sympy.ITE):
        holds, fails = (_chosen(part, yes, no, arrays) for part in parts[1:])
        return _chosen(parts[0], holds, fails, arrays)
    if isinstance(condition, sympy.Or):
        for part in reversed(parts):
            no = _chosen(part, yes, no, arrays)
        return no
    compared = parts if isinstance(condition, sympy.And) else (condition,)
    if all(isinstance(part, sympy.core.relational.Relational) for part in compared):  # 1 only where all are 1
        return n.Where(_product([_lift_comparison(part, arrays) for part in compared]), yes, no)
    if isinstance(condition, sympy.And):
        for part in reversed(parts):
            yes = _chosen(part, yes, no, arrays)
        return yes
    if isinstance(condition, BooleanFunction):  # such as "either, or", by "and", "or" and "not"
        return _chosen(condition.to_nnf(), yes, no, arrays)
    raise FormulaError(f"condition {_by_names(condition, arrays)} is not a comparison")


def _product(indicators: list[Node]) -> Node:
    return n.Multiply(*indicators) if len(indicators) > 1 else indicators[0]


def _lift_comparison(condition: Basic, arrays: dict[Expr, Node]) -> Node:
    return n.Compare(condition.rel_op, lift(condition.lhs, arrays), lift(condition.rhs, arrays))
