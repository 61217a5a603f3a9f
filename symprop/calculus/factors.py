"""Common factors of the terms of a sum, elementwise."""

from __future__ import annotations

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, multiplied
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.tidy import tidy


def factored(node: n.Add) -> tuple[list[Node], Node] | None:
    """Return the factors, or powers of some, that every term of a sum has, and the sum of what is left.

    >>> from symprop.algebra import variable
    >>> x, y, z = (variable(name, (3,)) for name in "xyz")
    >>> factored(x * y - x * z)
    ([x], y - z)
    """
    terms = [_powers(term) for term in node.operands]
    shared: dict[Node, Expr] = {}
    for base in terms[0][1]:
        exponents = [powers.get(base) for _, powers in terms]
        if None in exponents or (not base.operands and not isinstance(base, Variable)):
            continue
        signs = {bool(e.could_extract_minus_sign()) for e in exponents if e is not None}
        if len(signs) == 1 and all(e.is_number for e in exponents if e is not None):
            smallest = max(exponents) if signs == {True} else min(exponents)  # type: ignore[type-var]
            shared[base] = smallest
    if not shared:
        return None
    outside = [base if exponent == 1 else n.Power(base, exponent) for base, exponent in shared.items()]
    inside = []
    for coefficient, powers in terms:
        rest = [
            n.Power(base, exponent - shared.get(base, 0))
            for base, exponent in powers.items()
            if exponent != shared.get(base, 0)
        ]
        inside.append(scaled(coefficient, tidy(multiplied(rest or [n.Scalar(1)]))))
    return outside, tidy(added(inside))


def _powers(term: Node) -> tuple[Expr, dict[Node, Expr]]:
    """Return a term as a number and powers of its factors."""
    coefficient, rest = coefficient_and_rest(term)
    powers: dict[Node, Expr] = {}
    for factor in rest.operands if isinstance(rest, n.Multiply) else () if rest is None else (rest,):
        base, exponent = (
            (factor.operands[0], factor.exponent) if isinstance(factor, n.Power) else (factor, sympy.Integer(1))
        )
        powers[base] = powers.get(base, sympy.Integer(0)) + exponent
    return coefficient, powers
