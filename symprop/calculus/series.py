"""The tidy form of a series: what every term has stands in front, and terms that are nothing are not written.

A power of a matrix is differentiated to a series, `d X**t = sum_i X**(i - 1) dX X**(t - i)`, which is empty where the
power is 0. Inside a series over `t` such a term is left out: the range starts, or ends, where there is something to
add, and runs so that an inner count rises with the outer index. So a printed range has a term for each index.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import sympy
from sympy import Expr, Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, unused_index
from symprop.algebra.trees import added, factors_of, is_zero, multiplied, terms_of, zeros
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scaled

Tidy = Callable[[Node], Node]

LINEAR = (
    *(n.Multiply, n.MatMul, n.Outer, n.Kron, n.Transpose, n.Sum, n.Expand, n.Reshape, n.Diag, n.Diagonal, n.Slice),
    n.BlockSum,
)
"""Kinds that are 0 where an operand is 0."""

FLOWS: dict[type[Node], int] = {n.Pullback: 0, n.Pushforward: 2}
"""What is yet to be differentiated, and where in it the cotangent or the tangent stands: it is 0 where that is."""


def tidy_series(node: n.BlockSum, tidy: Tidy) -> Node:
    """Return the tidy form of a series whose term is tidy.

    >>> from symprop.algebra import variable
    >>> from symprop.calculus.tidy import tidy
    >>> s, t = variable("s"), Symbol("t", integer=True, positive=True)
    >>> print(tidy(n.BlockSum(n.Multiply(n.Scalar(6 * (t - 1)), s, n.Power(s, t - 2)), t, 9)).text())
    6 * sum([t * s**t for t in range(1, 9)])
    """
    term, index, count = node.operands[0], node.index, node.count
    if is_zero(term) or count == 0:
        return zeros(*node.shape)
    if index not in term.free_symbols:
        return tidy(n.Multiply(n.Scalar(count), term))  # the same again and again
    if count == 1:
        return tidy(node.at(Integer(1)))
    if any(series.index == index for series in term.atoms(n.BlockSum)):
        index = unused_index(node)  # an index that stands for two things cannot be read
        return tidy(n.BlockSum(node.at(index), index, count))
    better = _in_front(node) or _around(node) or _apart(node) or _shorter(node) or _turned(node)
    return node if better is None else tidy(better)


def _in_front(node: n.BlockSum) -> Node | None:
    """sum_i c f(i) = c sum_i f(i): the factors that every term has."""
    coefficient, rest = coefficient_and_rest(node.operands[0])
    number, varying = coefficient.as_independent(node.index, as_Add=False)
    factors = () if rest is None else factors_of(rest)
    outside = [factor for factor in factors if node.index not in factor.free_symbols]
    inside = [factor for factor in factors if factor not in outside]
    if number == 1 and not outside:
        return None
    term = scaled(varying, multiplied(inside)) if inside else n.Scalar(varying)
    return n.Multiply(n.Scalar(number), *outside, n.BlockSum(term, node.index, node.count))


def _around(node: n.BlockSum) -> Node | None:
    """sum_i A f(i) B = A (sum_i f(i)) B, and sum_i A f(i) x = A sum_i f(i) x for a vector."""
    parts = links(node.operands[0])
    fixed = [node.index not in part.free_symbols for part in parts]
    first = fixed.index(False) if False in fixed else 0
    last = len(parts) - fixed[::-1].index(False) if False in fixed and node.rank == 2 else len(parts)
    if first == 0 and last == len(parts):
        return None
    middle = n.BlockSum(reduce(n.MatMul, parts[first:last]), node.index, node.count)
    return reduce(n.MatMul, [*parts[:first], middle, *parts[last:]])


def _apart(node: n.BlockSum) -> Node | None:
    """sum_i f(i) + g(i) = sum_i f(i) + sum_i g(i), where one of them can be written better alone."""
    term, index = node.operands[0], node.index

    def form(part: Node) -> tuple[bool, ...]:
        return *(_is_nothing(part, index, end) for end in (Integer(1), node.count)), _falls(part, index)

    forms = {part: form(part) for part in terms_of(term)}
    groups = [[part for part, own in forms.items() if own == each] for each in dict.fromkeys(forms.values())]
    return added([n.BlockSum(added(group), index, node.count) for group in groups]) if len(groups) > 1 else None


def _shorter(node: n.BlockSum) -> Node | None:
    """sum_{i=1..c} f(i) = sum_{i=1..c-1} f(i + 1) where f(1) = 0, and sum_{i=1..c-1} f(i) where f(c) = 0."""
    term, index, count = node.operands[0], node.index, node.count
    if _is_nothing(term, index, Integer(1)):
        return n.BlockSum(node.at(index + 1), index, count - 1)
    return n.BlockSum(term, index, count - 1) if _is_nothing(term, index, count) else None


def _turned(node: n.BlockSum) -> Node | None:
    """sum_{i=1..c} f(i) = sum_{i=1..c} f(c + 1 - i), where a count inside falls with the index."""
    turned = node.count + 1 - node.index
    return n.BlockSum(node.at(turned), node.index, node.count) if _falls(node.operands[0], node.index) else None


def _falls(term: Node, index: Symbol) -> bool:
    """Whether series in a term have fewer terms, and none has more, the higher the index."""
    slopes = {sympy.diff(series.count, index) for series in term.atoms(n.BlockSum)}
    return Integer(-1) in slopes and Integer(1) not in slopes


def _is_nothing(term: Node, index: Symbol, place: Expr) -> bool:
    """Whether a term is 0 at a place: a number in it is, or a series in it is empty."""
    if term.number is not None:
        return _vanishes(term.number, index, place)
    if isinstance(term, n.BlockSum) and _vanishes(term.count, index, place):
        return True
    if len(terms_of(term)) > 1:
        return all(_is_nothing(part, index, place) for part in terms_of(term))
    if type(term) in FLOWS:
        return _is_nothing(term.operands[FLOWS[type(term)]], index, place)
    return isinstance(term, LINEAR) and any(_is_nothing(part, index, place) for part in term.operands)


def _vanishes(value: Expr, index: Symbol, place: Expr) -> bool:
    return value.has(index) and bool(sympy.expand(value.subs(index, place)) == 0)


__all__ = ["tidy_series"]
