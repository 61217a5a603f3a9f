"""Known forms: functions that have a node or a name of their own, recognised where they are written out.

A softmax written `exp(x) / sum(exp(x))` has a derivative of several terms that overflow; the softmax itself a short one
that is finite. So the written-out form is replaced before it is differentiated, and again in what comes out. The
stable evaluation of each is Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax
functions* (2021), and Maechler, *Accurately computing log(1 - exp(-|a|))* (2012).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of
from symprop.calculus.coefficients import coefficient_and_rest, same_shape
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class KnownForm:
    """A written-out form and what it is. `apply` takes a tidy node and returns the known form of it, or None."""

    name: str
    identity: str
    apply: Callable[[Node], Node | None]


def with_known_forms(node: Node) -> tuple[Node, tuple[str, ...]]:
    """Return a formula with every written-out form as what it is, from the leaves up, and the names of the forms.

    >>> from symprop.algebra.formula import formula
    >>> found, names = with_known_forms(formula("outer(exp(x) / sum(exp(x)), y)", x="n", y="m").node)
    >>> found.text(), names
    ('outer(softmax(x), y)', ('softmax',))
    """
    names: dict[str, None] = {}

    def visit(part: Node) -> Node:
        operands = tuple(visit(operand) for operand in part.operands)
        part = part if operands == part.operands else part.with_operands(operands)
        plain = tidy(part)
        for form in KNOWN_FORMS:
            known = form.apply(plain)
            if known is not None:
                names[form.name] = None
                return visit(known) if known != part else part
        return part

    return visit(node), tuple(names)


def is_map(node: Node, name: str) -> bool:
    """Whether `node` is the known elementwise function `name`.

    >>> from symprop.algebra import variable
    >>> is_map(FUNCTIONS["exp"](variable("x", (3,))), "exp")
    True
    """
    return isinstance(node, n.Map) and node.function == FUNCTIONS[name]


@for_kinds(n.Add)
def minus_one(node: n.Add) -> Node | None:
    """Return `t` where `node` is written `1 + t`, else None."""
    if n.Scalar(1) not in node.operands:
        return None
    rest = list(node.operands)
    rest.remove(n.Scalar(1))
    return n.Add(*rest) if len(rest) > 1 else rest[0]


@for_kinds(n.Multiply)
def as_softmax(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(x) / sum(exp(x))` with a softmax in its place, else None."""
    for factor in node.operands:
        total = factor.operands[0] if isinstance(factor, n.Power) and factor.exponent == -1 else None
        if isinstance(total, n.Sum) and total.operands[0] in node.operands and _broadcasts_back(total):
            exponent = _summed_exponent(total)
            if exponent is not None:
                rest = [other for other in node.operands if other not in (factor, total.operands[0])]
                return _product(*rest, n.Softmax(exponent, total.axes[0]))
    return None


def as_logsumexp(node: Node) -> Node | None:
    """Return `log(sum(exp(x)))` as a log-sum-exp, else None."""
    total = node.operands[0] if is_map(node, "log") else None
    exponent = _summed_exponent(total) if isinstance(total, n.Sum) else None
    return n.LogSumExp(exponent, total.axes[0], total.keepdims) if isinstance(total, n.Sum) and exponent else None


def _summed_exponent(total: n.Sum) -> Node | None:
    """Return `x` where `total` is `sum(exp(x))` over one axis."""
    inside = total.operands[0]
    return inside.operands[0] if len(total.axes) == 1 and is_map(inside, "exp") else None


def _broadcasts_back(total: n.Sum) -> bool:
    """Whether a sum over one axis lines up again with what was summed, when the two are multiplied."""
    return total.keepdims or total.operands[0].rank == 1 or total.axes == (0,)


def as_log_softmax(node: Node) -> Node | None:
    """Return `log(softmax(x))` as `x - logsumexp(x)`, else None."""
    inside = node.operands[0] if is_map(node, "log") else None
    if isinstance(inside, (n.Take, n.Slice)) or (isinstance(inside, n.Sum) and isinstance(inside.operands[0], n.Slice)):
        chosen = as_log_softmax(FUNCTIONS["log"](inside.operands[0]))  # the log of what is selected
        place = isinstance(inside, n.Sum) and inside.operands[0].shape[inside.axes[0]] != 1
        return None if chosen is None or place else tidy(inside.with_operands([chosen, *inside.operands[1:]]))
    if not isinstance(inside, n.Softmax):
        return None
    x = inside.operands[0]
    return tidy(x - n.LogSumExp(x, inside.axis, True))


def as_log_determinant(node: Node) -> Node | None:
    """Return `log(det(A)**k)` as `k logdet(A)`: where the logarithm has a value, it is that of the absolute value."""
    inside = node.operands[0] if is_map(node, "log") else None
    inside = inside.operands[0] if inside is not None and is_map(inside, "abs") else inside
    base, exponent = (None, Integer(1)) if inside is None else _power(inside)
    return tidy(n.Scalar(exponent) * n.LogDeterminant(*base.operands)) if isinstance(base, n.Determinant) else None


@for_kinds(n.Multiply)
def as_power(node: n.Multiply) -> Node | None:
    """Return a product that holds `a**b / a` with `a**(b - 1)` in its place, else None."""
    factors = list(node.operands)
    for place, factor in enumerate(factors):
        if is_map(factor, "power") and n.Power(factor.operands[0], -1) in factors:
            base, exponent = factor.operands
            factors[place] = FUNCTIONS["power"](base, tidy(exponent - 1))
            factors.remove(n.Power(base, -1))
            return tidy(_product(*factors))
    return None


@for_kinds(n.Softmax)
def as_shifted_softmax(node: n.Softmax) -> Node | None:
    """Return `softmax(x + c)` as `softmax(x)`, where `c` is the same along the axis, else None."""
    if not isinstance(node.operands[0], n.Add):
        return None
    kept, constant = _along(node.operands[0], node.axis)
    if not constant or not kept:
        return None
    x = _sum(kept)
    return n.Softmax(x, node.axis) if same_shape(x, node) else None


@for_kinds(n.LogSumExp)
def as_shifted_logsumexp(node: n.LogSumExp) -> Node | None:
    """Return `logsumexp(x + c)` as `logsumexp(x) + c`, where `c` is the same along the axis, else None."""
    if not isinstance(node.operands[0], n.Add):
        return None
    kept, constant = _along(node.operands[0], node.axis)
    if not constant or not kept or not same_shape(_sum(kept), node.operands[0]):
        return None
    if not node.keepdims and any(part.rank for part in constant):
        return None
    return tidy(n.Add(n.LogSumExp(_sum(kept), node.axis, node.keepdims), *constant))


def _along(node: n.Add, axis: int) -> tuple[list[Node], list[Node]]:
    """Return the terms that vary along an axis of a sum, and those that do not."""
    place = axis - node.rank
    constant = [part for part in node.operands if part.rank < -place or part.shape[place] == 1]
    return [part for part in node.operands if part not in constant], constant


def _sum(terms: list[Node]) -> Node:
    return terms[0] if len(terms) == 1 else n.Add(*terms)


def as_softplus(node: Node) -> Node | None:
    """Return `log(c + d exp(t))` as `log(c) + softplus(t + log(d / c))`, for c and d above 0, else None."""
    inside = node.operands[0] if is_map(node, "log") else None
    if is_map(node, "log1p"):
        inside = n.Add(n.Scalar(1), node.operands[0])
    found = None if inside is None else _number_and_exp(inside)
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
        d, rest = coefficient_and_rest(other)
        if isinstance(number, n.Scalar) and rest is not None and is_map(rest, "exp"):
            c = number.value
            above = c.is_positive and d.is_positive
            return (c, tidy(n.Add(rest.operands[0], n.Scalar(sympy.log(d / c))))) if above else None
    return None


def as_log_difference(node: Node) -> Node | None:
    """Return `log(exp(s) + exp(t))` as `softplus(s - t) + t`, else None."""
    pair = _two_exponents(node.operands[0]) if is_map(node, "log") else None
    return None if pair is None else tidy(n.Add(FUNCTIONS["softplus"](tidy(pair[0] - pair[1])), pair[1]))


@for_kinds(n.Multiply)
def as_sigmoid_of_difference(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(s) / (exp(s) + exp(t))` with `sigmoid(s - t)` in its place, else None."""
    factors = list(node.operands)
    for place, factor in enumerate(factors):
        pair = _two_exponents(factor.operands[0]) if isinstance(factor, n.Power) and factor.exponent == -1 else None
        for s, t in (pair, pair[::-1]) if pair else ():
            if FUNCTIONS["exp"](s) in factors:
                factors[place] = FUNCTIONS["sigmoid"](tidy(s - t))
                factors.remove(FUNCTIONS["exp"](s))
                return tidy(_product(*factors))
    return None


@for_kinds(n.Add)
def _two_exponents(node: n.Add) -> tuple[Node, Node] | None:
    """Return `s` and `t` where `node` is `exp(s) + exp(t)`, and no hyperbolic function, else None."""
    if len(node.operands) != 2 or as_hyperbolic(node) is not None:
        return None
    first, second = node.operands
    return (first.operands[0], second.operands[0]) if is_map(first, "exp") and is_map(second, "exp") else None


def as_log_sigmoid(node: Node) -> Node | None:
    """Return `log(sigmoid(t))` as `-softplus(-t)`, and `log(1 - sigmoid(t))` as `-softplus(t)`, else None."""
    if not is_map(node, "log"):
        return None
    inside = node.operands[0]
    if is_map(inside, "sigmoid"):
        return n.negative(FUNCTIONS["softplus"](tidy(n.negative(inside.operands[0]))))
    rest = minus_one(inside)
    opposite = None if rest is None else tidy(n.negative(rest))
    if opposite is not None and is_map(opposite, "sigmoid"):
        return n.negative(FUNCTIONS["softplus"](opposite.operands[0]))
    return None


def as_sigmoid(node: Node) -> Node | None:
    """Return `1 / (c + d exp(-t))` and its powers, alone or in a product, as a sigmoid, else None."""
    factors = list(factors_of(node))
    for place, factor in enumerate(factors):
        base, exponent = _power(factor)
        found = _number_and_exp(base) if exponent.is_Integer and exponent.is_negative else None
        if found is not None:  # (c (1 + exp(t)))**-k = c**-k sigmoid(-t)**k
            number, t = found
            below = FUNCTIONS["sigmoid"](tidy(n.negative(t)))
            factors[place] = n.Scalar(number**exponent) * n.Power(below, -exponent)
            product = tidy(_product(*factors))
            return as_opposite_sigmoid(product) or product
    return None


@for_kinds(n.Multiply)
def as_opposite_sigmoid(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(t) * sigmoid(s - t)` with `exp(s) * sigmoid(t - s)` in its place, else None."""
    factors = list(node.operands)
    for first, factor in enumerate(factors):
        for second, other in enumerate(factors if is_map(factor, "exp") else []):
            base, exponent = _power(other)
            if is_map(base, "sigmoid") and exponent.is_positive:
                s = tidy(n.Add(factor.operands[0], base.operands[0]))
                if isinstance(s, (n.Scalar, n.Fill)):
                    opposite = FUNCTIONS["sigmoid"](tidy(n.negative(base.operands[0])))
                    factors[first] = n.Scalar(sympy.exp(s.value)) * opposite
                    factors[second] = n.Power(base, exponent - 1)
                    return tidy(_product(*factors))
    return None


@for_kinds(n.Multiply)
def as_tanh(node: n.Multiply) -> Node | None:
    """Return a product that holds `sinh(t) / cosh(t)` with `tanh(t)` in its place, else None."""
    factors = list(node.operands)
    for first, factor in enumerate(factors):
        above, times = _power(factor)
        for second, other in enumerate(factors if is_map(above, "sinh") and times.is_positive else []):
            below, exponent = _power(other)
            if is_map(below, "cosh") and exponent.is_negative and below.operands == above.operands:
                factors[first] = FUNCTIONS["tanh"](*above.operands) * n.Power(above, times - 1)
                factors[second] = n.Power(below, exponent + 1)
                return tidy(_product(*factors))
    return None


@for_kinds(n.Multiply)
def as_tanh_of_half(node: n.Multiply) -> Node | None:
    """Return a product that holds `(1 - exp(-t)) * sigmoid(t)` with `tanh(t / 2)` in its place, else None."""
    factors = list(node.operands)
    for place, factor in enumerate(factors):
        rest = minus_one(factor)
        exponential = None if rest is None else tidy(n.negative(rest))
        if exponential is not None and is_map(exponential, "exp"):
            t = tidy(n.negative(exponential.operands[0]))
            if FUNCTIONS["sigmoid"](t) in factors:
                factors[place] = FUNCTIONS["tanh"](tidy(n.Scalar(sympy.Rational(1, 2)) * t))
                factors.remove(FUNCTIONS["sigmoid"](t))
                return tidy(_product(*factors))
    return None


@for_kinds(n.Add)
def as_hyperbolic(node: n.Add) -> Node | None:
    """Return `exp(t) + exp(-t)` as `2 cosh(t)`, and `exp(t) - exp(-t)` as `2 sinh(t)`, else None."""
    if len(node.operands) != 2:
        return None
    (c, first), (d, second) = map(coefficient_and_rest, node.operands)
    if first is None or second is None or not (is_map(first, "exp") and is_map(second, "exp")):
        return None
    t, opposite = first.operands[0], second.operands[0]
    if t != tidy(n.negative(opposite)) or d not in (c, -c):
        return None
    if coefficient_and_rest(t)[0].could_extract_minus_sign():
        t, c, d = opposite, d, c
    return tidy(n.Scalar(2 * c) * FUNCTIONS["cosh" if c == d else "sinh"](t))


def _power(factor: Node) -> tuple[Node, Expr]:
    return (factor.operands[0], factor.exponent) if isinstance(factor, n.Power) else (factor, Integer(1))


def _product(*factors: Node) -> Node:
    return factors[0] if len(factors) == 1 else n.Multiply(*factors)


KNOWN_FORMS: tuple[KnownForm, ...] = (
    KnownForm("softmax", "exp(x) / sum(exp(x)) = softmax(x)", as_softmax),
    KnownForm("log-sum-exp", "log(sum(exp(x))) = logsumexp(x)", as_logsumexp),
    KnownForm("shift of a softmax", "softmax(x + c) = softmax(x)", as_shifted_softmax),
    KnownForm("shift of a log-sum-exp", "logsumexp(x + c) = logsumexp(x) + c", as_shifted_logsumexp),
    KnownForm("log-determinant", "log(det(A)) = log(abs(det(A))) = logdet(A)", as_log_determinant),
    KnownForm("power", "a**b / a = a**(b - 1)", as_power),
    KnownForm("log-softmax", "log(softmax(x)) = x - logsumexp(x), and so for selected elements", as_log_softmax),
    KnownForm("softplus", "log(1 + exp(t)) = softplus(t)", as_softplus),
    KnownForm("softplus", "log(sigmoid(t)) = -softplus(-t), log(1 - sigmoid(t)) = -softplus(t)", as_log_sigmoid),
    KnownForm("sigmoid", "1 / (1 + exp(-t)) = sigmoid(t)", as_sigmoid),
    KnownForm("sigmoid", "exp(t) * sigmoid(-t) = sigmoid(t)", as_opposite_sigmoid),
    KnownForm("hyperbolic", "exp(t) + exp(-t) = 2 cosh(t), exp(t) - exp(-t) = 2 sinh(t)", as_hyperbolic),
    KnownForm("softplus", "log(exp(s) + exp(t)) = softplus(s - t) + t", as_log_difference),
    KnownForm("sigmoid", "exp(s) / (exp(s) + exp(t)) = sigmoid(s - t)", as_sigmoid_of_difference),
    KnownForm("tanh", "(1 - exp(-t)) * sigmoid(t) = tanh(t / 2)", as_tanh_of_half),
    KnownForm("tanh", "sinh(t) / cosh(t) = tanh(t)", as_tanh),
)
