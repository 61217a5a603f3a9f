"""Known forms of exponentials and their logarithms: softplus, sigmoid, hyperbolic functions.

How each is computed without overflow: Maechler, *Accurately computing log(1 - exp(-|a|))* (2012).
"""

from __future__ import annotations

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, multiplied
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest, scaled
from symprop.calculus.tidy import tidy


def is_map(node: Node, name: str) -> bool:
    """Whether `node` is the known elementwise function `name`.

    >>> from symprop.algebra import variable
    >>> is_map(FUNCTIONS["exp"](variable("x", (3,))), "exp")
    True
    """
    return isinstance(node, n.Map) and node.function == FUNCTIONS[name]


def argument(node: Node | None, name: str) -> Node | None:
    """Return `t` where `node` is `f(t)`, for the known function called `name`, else None."""
    return node.operands[0] if node is not None and is_map(node, name) else None


def has_value_everywhere(operation: Node) -> bool:
    """Whether an operation has a value wherever its operands do: it is no quotient, root or logarithm."""
    exponent = base_and_exponent(operation)[1]
    return bool(exponent.is_Integer and exponent.is_positive) and not any(
        is_map(operation, name) for name in ("log", "log1p")
    )


@for_kinds(n.Add)
def minus_one(node: n.Add) -> Node | None:
    """Return `t` where `node` is written `1 + t`, else None."""
    if n.Scalar(1) not in node.operands:
        return None
    rest = list(node.operands)
    rest.remove(n.Scalar(1))
    return n.Add(*rest) if len(rest) > 1 else rest[0]


def complement(node: Node) -> Node | None:
    """Return `p` where `node` is written `1 - p`, else None."""
    rest = minus_one(node)
    coefficient, p = coefficient_and_rest(rest) if rest is not None else (0, None)
    return p if coefficient == -1 else None


def exponent(node: Node) -> Node | None:
    """Return `t` where `node` is `exp(t)`: an exponential, a sum of such, one times what is above 0; else None.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("r * sum(exp(z))", r="positive", z="n").node
    >>> exponent(f).text()
    'log(r) + logsumexp(z)'
    """
    if isinstance(node, n.Sum):
        return _log_of_sum(node.operands[0], node.axes, node.keepdims)
    if isinstance(node, n.MatMul) and node.operands[0].rank == node.operands[1].rank == 1:
        return _log_of_sum(n.Multiply(*node.operands), (0,), False)
    t = argument(node, "exp")
    if t is not None or not isinstance(node, n.Multiply):
        return t
    logs = [exponent(factor) or log_of_positive(factor) for factor in node.operands]
    known = [each for each in logs if each is not None]
    some = any(exponent(factor) is not None for factor in node.operands)
    return tidy(n.Add(*known)) if some and len(known) == len(logs) else None


def _log_of_sum(summed: Node, axes: tuple[int, ...], keepdims: bool) -> Node | None:
    t = exponent(summed)
    if t is None:
        return None
    for axis in reversed(axes):
        t = n.LogSumExp(t, axis, keepdims)
    return t


def log_of_positive(node: Node) -> Node | None:
    """Return the logarithm of a number or a variable that is above 0, else None."""
    if node.number is not None:
        return n.Scalar(sympy.log(node.number)) if node.number.is_positive else None
    declared = isinstance(node, Variable) and "positive" in node.facts_by_kind
    return FUNCTIONS["log"](node) if declared else None


def sum_in(node: Node) -> bool:
    """Whether a product has a sum among its factors, or is one."""
    return any(isinstance(factor, (n.Sum, n.MatMul)) for factor in factors_of(node))


@for_kinds(n.Map)
def as_softplus(node: Node) -> Node | None:
    """Return `log(c + d exp(t))` as `log(c) + softplus(t + log(d / c))`, for c and d above 0, else None."""
    more = argument(node, "log1p")
    found = _number_and_exp(argument(node, "log") if more is None else n.Add(n.Scalar(1), more))
    if found is None:
        return None
    number, t = found
    return tidy(n.Add(FUNCTIONS["softplus"](t), n.Scalar(sympy.log(number))))


@for_kinds(n.Add)
def _number_and_exp(node: n.Add) -> tuple[Expr, Node] | None:
    """Return `c` and `t + log(d / c)` where `node` is `c + d exp(t)`, for numbers c and d above 0, else None."""
    if len(node.operands) != 2:
        return None
    for number, other in (node.operands, node.operands[::-1]):
        (c, none), (d, rest) = coefficient_and_rest(number), coefficient_and_rest(other)
        t = None if rest is None else exponent(rest)
        if none is None and t is not None:
            above = c.is_positive and d.is_positive
            return (c, tidy(n.Add(t, n.Scalar(sympy.log(d / c))))) if above else None
    return None


@for_kinds(n.Map)
def as_log_sigmoid(node: Node) -> Node | None:
    """Return `log(sigmoid(t))` as `-softplus(-t)`, and `log(1 - sigmoid(t))` as `-softplus(t)`, else None."""
    inside = argument(node, "log")
    above, rest = argument(inside, "sigmoid"), minus_one(inside)
    below = None if rest is None else argument(tidy(n.negative(rest)), "sigmoid")
    t = below if above is None else tidy(n.negative(above))
    return None if t is None else n.negative(FUNCTIONS["softplus"](t))


@for_kinds(n.Multiply, n.Power)
def as_sigmoid(node: Node) -> Node | None:
    """Return `1 / (c + d exp(-t))` and its powers, alone or in a product, as a sigmoid, else None."""
    factors = list(factors_of(node))
    for place, factor in enumerate(factors):
        base, exponent = base_and_exponent(factor)
        found = _number_and_exp(base) if exponent.is_Integer and exponent.is_negative else None
        if found is not None:  # (c (1 + exp(t)))**-k = c**-k sigmoid(-t)**k
            number, t = found
            below = FUNCTIONS["sigmoid"](tidy(n.negative(t)))
            factors[place] = n.Scalar(number**exponent) * n.Power(below, -exponent)
            product = tidy(multiplied(factors))
            return as_opposite_sigmoid(product) or product
    return None


@for_kinds(n.Multiply)
def as_opposite_sigmoid(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(t) * sigmoid(s - t)` with `exp(s) * sigmoid(t - s)` in its place, else None."""
    factors = list(node.operands)
    for first, factor in enumerate(factors):
        for second, other in enumerate(factors if is_map(factor, "exp") else []):
            base, exponent = base_and_exponent(other)
            if is_map(base, "sigmoid") and exponent.is_positive:
                s = tidy(n.Add(factor.operands[0], base.operands[0]))
                if s.constant is not None:
                    opposite = FUNCTIONS["sigmoid"](tidy(n.negative(base.operands[0])))
                    factors[first] = n.Scalar(sympy.exp(s.constant)) * opposite
                    factors[second] = n.Power(base, exponent - 1)
                    return tidy(multiplied(factors))
    return None


@for_kinds(n.Multiply)
def as_tanh(node: n.Multiply) -> Node | None:
    """Return a product that holds `sinh(t) / cosh(t)` with `tanh(t)` in its place, else None."""
    factors = list(node.operands)
    for first, factor in enumerate(factors):
        above, times = base_and_exponent(factor)
        for second, other in enumerate(factors if is_map(above, "sinh") and times.is_positive else []):
            below, exponent = base_and_exponent(other)
            if is_map(below, "cosh") and exponent.is_negative and below.operands == above.operands:
                factors[first] = FUNCTIONS["tanh"](*above.operands) * n.Power(above, times - 1)
                factors[second] = n.Power(below, exponent + 1)
                return tidy(multiplied(factors))
    return None


@for_kinds(n.Multiply)
def as_tanh_of_half(node: n.Multiply) -> Node | None:
    """Return a product that holds `(1 - exp(-t)) * sigmoid(t)` with `tanh(t / 2)` in its place, else None."""
    factors = list(node.operands)
    for place, factor in enumerate(factors):
        rest = minus_one(factor)
        exponential = None if rest is None else tidy(n.negative(rest))
        negative = argument(exponential, "exp")
        if negative is not None:
            t = tidy(n.negative(negative))
            if FUNCTIONS["sigmoid"](t) in factors:
                factors[place] = FUNCTIONS["tanh"](tidy(n.Scalar(sympy.Rational(1, 2)) * t))
                factors.remove(FUNCTIONS["sigmoid"](t))
                return tidy(multiplied(factors))
    return None


@for_kinds(n.Add)
def as_exponential(node: n.Add) -> Node | None:
    """Return a sum that holds `c expm1(t) + c` with `c exp(t)` in its place, which keeps its digits, else None."""
    terms = list(node.operands)
    for place, term in enumerate(terms):
        c, rest = coefficient_and_rest(term)
        t = None if rest is None else argument(rest, "expm1")
        if t is not None and n.Scalar(c) in terms:
            terms[place] = scaled(c, FUNCTIONS["exp"](t))
            terms.remove(n.Scalar(c))
            return added(terms)
    return None


@for_kinds(n.Add)
def as_hyperbolic(node: n.Add) -> Node | None:
    """Return `exp(t) + exp(-t)` as `2 cosh(t)`, and `exp(t) - exp(-t)` as `2 sinh(t)`, else None."""
    if len(node.operands) != 2:
        return None
    (c, first), (d, second) = map(coefficient_and_rest, node.operands)
    t, opposite = argument(first, "exp"), argument(second, "exp")
    if t is None or opposite is None or t != tidy(n.negative(opposite)) or d not in (c, -c):
        return None
    if coefficient_and_rest(t)[0].could_extract_minus_sign():
        t, c, d = opposite, d, c
    return tidy(n.Scalar(2 * c) * FUNCTIONS["cosh" if c == d else "sinh"](t))


@for_kinds(n.Add)
def as_logit(node: n.Add) -> Node | None:
    """Return a sum that holds `softplus(t) - softplus(-t)` with `t` in its place, else None."""
    terms = [coefficient_and_rest(term) for term in node.operands]
    for place, (number, rest) in enumerate(terms):
        t = argument(rest, "softplus")
        other = (-number, FUNCTIONS["softplus"](tidy(n.negative(t)))) if t is not None else None
        if t is not None and other in terms and not coefficient_and_rest(t)[0].could_extract_minus_sign():
            gone = {place, terms.index(other)}
            others = [term for k, term in enumerate(node.operands) if k not in gone]
            return added([*others, scaled(number, t)])
    return None
