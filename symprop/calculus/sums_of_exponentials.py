"""Sums of exponentials and their logarithms in any spelling: log-sum-exp, softmax, and what stands beside one.

`log(exp(a) + sum(exp(z)))` has two exponents, `a` and `logsumexp(z)`, so it is a softplus of their difference. None of
the forms overflows: Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions* (2021).
"""

from __future__ import annotations

from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied, softmax
from symprop.calculus.coefficients import base_and_exponent, same_shape, scaled, unexpanded
from symprop.calculus.exponentials import argument, as_hyperbolic, exponent, is_map, log_of_positive, sum_in
from symprop.calculus.tidy import tidy


@for_kinds(n.Multiply)
def as_softmax(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(x) / sum(exp(x))` with a softmax in its place, else None."""
    for factor in node.operands:
        total: Any
        total, power = base_and_exponent(factor)
        if power != -1 or not isinstance(total, n.Sum):
            continue
        x, rest = exponent(total.operands[0]), _without(node.operands, total.operands[0])
        if x is None or rest is None:
            continue
        rest.remove(factor)
        if len(total.axes) == 1 and _broadcasts_back(total):
            return multiplied([*rest, softmax(x, int(total.axes[0]))])
        if len(total.axes) == total.operands[0].rank:
            return multiplied([*rest, softmax_of_all(x)])
    return None


def softmax_of_all(x: Node) -> Node:
    """Return `exp(x - logsumexp(x))`: the softmax of an array, over all of its elements."""
    total = x
    for axis in reversed(range(x.rank)):
        total = n.LogSumExp(total, axis)
    return FUNCTIONS["exp"](tidy(n.Add(x, n.negative(total))))


@for_kinds(n.Multiply)
def as_softmax_of_all(node: n.Multiply) -> Node | None:
    """Return `softmax(logsumexp(x, axis=1))[:, None] * softmax(x, axis=1)` as `exp(x - logsumexp(x))`, else None."""
    for inner in node.operands:
        if not isinstance(inner, n.Softmax) or inner.operands[0].rank != 2 or 1 in inner.shape:
            continue
        x, axis = inner.operands[0], inner.axis
        outer = n.Softmax(n.LogSumExp(x, axis))
        spread = next((each for each in node.operands if unexpanded(each)[0] == outer), None)
        if spread is not None and unexpanded(spread)[1] in ((axis,), () if axis == 0 else (axis,)):
            return multiplied([*(each for each in node.operands if each not in (inner, spread)), softmax_of_all(x)])
    return None


@for_kinds(n.Map)
def as_logsumexp(node: Node) -> Node | None:
    """Return `log(exp(t) / sum(exp(x)))` as `t` and a log-sum-exp, over one axis or one after the other, else None."""
    total = argument(node, "log")
    powers = [base_and_exponent(factor) for factor in factors_of(total)] if total is not None else []
    if not any(sum_in(base) and exponent(base) is not None for base, _ in powers):
        return None
    logs = [exponent(base) or log_of_positive(base) for base, _ in powers]
    terms = [scaled(power, each) for (_, power), each in zip(powers, logs, strict=True) if each is not None]
    return tidy(n.Add(*terms)) if len(terms) == len(logs) else None


@for_kinds(n.Map)
def as_log_difference(node: Node) -> Node | None:
    """Return `log(exp(s) + exp(t))` as `softplus(s - t) + t`, else None."""
    pair = _two_exponents(argument(node, "log"))
    if pair is None:
        return None
    (first, s), (second, t) = pair
    if sum_in(second) or (exponent(first) is None and not sum_in(first)):  # what is short stands alone
        s, t = t, s
    return tidy(n.Add(FUNCTIONS["softplus"](tidy(s - t)), t))


@for_kinds(n.Multiply)
def as_sigmoid_of_difference(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(s) / (exp(s) + exp(t))` with `sigmoid(s - t)` in its place, else None.

    Where the first is a sum, `exp(z) / (sum(exp(z)) + exp(t))` is `softmax(z) * sigmoid(logsumexp(z) - t)`.
    """
    for factor in node.operands:
        base, power = base_and_exponent(factor)
        pair = _two_exponents(base) if power.is_Integer and power.is_negative else None
        for (first, s), (_, t) in (pair, pair[::-1]) if pair else ():
            part = FUNCTIONS["sigmoid"](tidy(s - t))
            rest = _without(node.operands, first)
            if rest is None and isinstance(first, n.Sum) and len(first.axes) == 1 and _broadcasts_back(first):
                rest = _without(node.operands, first.operands[0])
                x = exponent(first.operands[0])
                part = n.Multiply(softmax(x, int(first.axes[0])), part) if x is not None else part
            if rest is not None:
                rest[rest.index(factor)] = n.Power(base, power + 1)
                return tidy(multiplied([*rest, part]))
    return None


def _without(factors: tuple[Node, ...], product: Node) -> list[Node] | None:
    """Return the factors of one product without those of another, all of which must be among them, else None."""
    rest = list(factors)
    for factor in factors_of(product):
        if factor not in rest:
            return None
        rest.remove(factor)
    return rest


Term = tuple[Node, Node]
"""A term of a sum, and its logarithm."""


@for_kinds(n.Add)
def _two_exponents(node: n.Add) -> tuple[Term, Term] | None:
    """Return both terms of `exp(s) + exp(t)`, which is no hyperbolic function, with `s` and `t`, else None.

    One of the two may be what is declared positive, `r + exp(t)`.
    """
    if len(node.operands) != 2 or as_hyperbolic(node) is not None:
        return None
    s, t = map(exponent, node.operands)
    if s is None and t is None:
        return None
    s, t = (log_of_positive(term) if each is None else each for term, each in zip(node.operands, (s, t), strict=True))
    return None if s is None or t is None else ((node.operands[0], s), (node.operands[1], t))


def _broadcasts_back(total: n.Sum) -> bool:
    """Whether a sum over one axis lines up again with what was summed, when the two are multiplied."""
    return total.keepdims or total.operands[0].rank == 1 or total.axes == (0,)


@for_kinds(n.Multiply)
def as_opposite_softmax(node: n.Multiply) -> Node | None:
    """Return a product that holds `exp(z) * sigmoid(-logsumexp(z))` as `softmax(z) * sigmoid(logsumexp(z))`."""
    for other in node.operands:
        base, power = base_and_exponent(other)
        totals = base.operands[0].atoms(n.LogSumExp) if is_map(base, "sigmoid") and power.is_positive else ()
        for total in sorted(totals, key=str):
            above = FUNCTIONS["exp"](total.operands[0])
            shift = tidy(n.Add(total, *base.operands)).constant if same_shape(total, base) else None
            if above in node.operands and shift is not None:
                rest = [each for each in node.operands if each is not other and each != above]
                opposite = FUNCTIONS["sigmoid"](tidy(n.negative(base.operands[0])))
                shares = softmax(total.operands[0], total.axis)
                number = FUNCTIONS["exp"](n.Scalar(shift)) if shift != 0 else n.Scalar(1)
                return tidy(multiplied([*rest, n.Power(base, power - 1), number, shares, opposite]))
    return None


__all__ = [
    "as_log_difference",
    "as_logsumexp",
    "as_opposite_softmax",
    "as_sigmoid_of_difference",
    "as_softmax",
    "as_softmax_of_all",
    "softmax_of_all",
]
