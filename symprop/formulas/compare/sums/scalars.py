"""Comparisons and scalar functions of sums of products, read from their definitions in SymPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Basic, Expr, Integer

from symprop.errors import LimitError
from symprop.formulas.compare.sums.choices import indicator, sign, size
from symprop.formulas.compare.sums.functions import exponential, logarithm, power
from symprop.formulas.compare.sums.monomials import Atom, key
from symprop.formulas.compare.sums.products import Sum, added, function, multiplied, number, scaled, single


def opposite(of: Sum) -> Sum:
    return scaled(Integer(-1), of)


def _not(of: Sum) -> Sum:
    return added([number(Integer(1)), opposite(of)])


RELATIONS: dict[str, Callable[[Sum], Sum]] = {
    ">": indicator,
    "<": lambda of: indicator(opposite(of)),
    ">=": lambda of: _not(indicator(opposite(of))),
    "<=": lambda of: _not(indicator(of)),
    "!=": lambda of: added([indicator(of), indicator(opposite(of))]),
    "==": lambda of: _not(added([indicator(of), indicator(opposite(of))])),
}
"""Each comparison with 0 in terms of what is above 0."""


def scalar(body: Basic, given: dict[Basic, Sum]) -> Sum:
    """Return a scalar expression of SymPy, at sums of products."""
    if body in given:
        return given[body]
    if isinstance(body, Expr) and not body.free_symbols and not body.has(sympy.Piecewise):
        return number(body)
    parts = body.args
    match body:
        case sympy.Add():
            return added(scalar(each, given) for each in parts)
        case sympy.Mul():
            found = number(Integer(1))
            for each in parts:
                found = multiplied(found, scalar(each, given))
            return found
        case sympy.exp():
            return exponential(scalar(parts[0], given))
        case sympy.log():
            return logarithm(scalar(parts[0], given))
        case sympy.Pow() if body.exp.is_Rational:
            return power(scalar(body.base, given), Fraction(int(body.exp.p), int(body.exp.q)))
        case sympy.tanh() | sympy.sinh() | sympy.cosh():
            return scalar(body.rewrite(sympy.exp), given)
        case sympy.tan():
            return scalar(sympy.sin(parts[0]) / sympy.cos(parts[0]), given)
        case sympy.Abs():
            return size(scalar(parts[0], given))
        case sympy.sign():
            return sign(scalar(parts[0], given))
        case sympy.Max() | sympy.Min() if len(parts) == 2:
            one, other = (scalar(each, given) for each in parts)
            apart = added([one, opposite(other)])
            holds = indicator(apart if isinstance(body, sympy.Max) else opposite(apart))
            return added([other, multiplied(holds, apart)])
        case sympy.Piecewise():
            return _chosen(parts, given)
    inner = [scalar(each, given) for each in parts]
    if len(inner) == 1:
        return function(type(body).__name__, inner[0])
    return single(Atom(type(body).__name__, (), tuple(key(each.items()) for each in inner)))


def _chosen(parts: Sequence[Any], given: dict[Basic, Sum]) -> Sum:
    """Return a choice: the first whose condition holds."""
    found: Sum = {}
    for value, condition in reversed([part.args for part in parts]):
        here = scalar(value, given)
        if condition == sympy.true:
            found = here
            continue
        if not isinstance(condition, sympy.core.relational.Relational):
            raise LimitError("a condition of several comparisons")
        apart = added([scalar(condition.lhs, given), opposite(scalar(condition.rhs, given))])
        found = added([found, multiplied(RELATIONS[condition.rel_op](apart), added([here, opposite(found)]))])
    return found
