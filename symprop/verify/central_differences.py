"""The value of unfinished derivatives: central differences in so many digits that more than fifty are right.

No rule for derivatives is used: a formula is evaluated with each coordinate moved up and down. Decisions (which is the
largest, `x > 0`) do not see the step, as those of the complex step do not. Away from a switch that changes nothing. On
a switch there is no derivative, and what comes out is the slope of the branch that is taken there: the convention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
from mpmath.libmp import to_fixed
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace
from symprop.verify.arithmetic import Array, Precise
from symprop.verify.evaluate import EVALUATE, Evaluator, padded, unstacked
from symprop.verify.moved import Moving

STEP = mpmath.ldexp(mpmath.mpf(1), -133)
"""Central differences with step `h` are off by `h**2` and lose 40 of 120 digits: about 80 are right.

A power of two: to divide by it rounds nothing, and a float that is moved by it has few digits.
"""
TOGETHER = 512
"""So many coordinates are moved in one stack of evaluations."""
REMEMBERED = 16
"""So many Jacobians are kept for formulas that come back with another cotangent."""
GRID = 100
"""Decisions look at multiples of `2**-100`: ten orders above the step, and ten below what random numbers are apart."""
OFF = mpmath.ldexp(mpmath.mpf(1) / 3, -GRID)
"""Sums of products of floats often end in the middle between two multiples, so the border stands elsewhere."""


class Stepping(Precise):
    """Numbers of mpmath of which decisions do not see the step of a difference."""

    def decisive(self, values: Array) -> Array:
        return np.asarray(np.frompyfunc(_on_grid, 1, 1)(values), dtype=object)


def _on_grid(value: Any) -> Any:
    """Return a multiple of `2**-GRID` that is near."""
    number = value + OFF
    return mpmath.ldexp(to_fixed(number._mpf_, GRID), -GRID) if mpmath.isfinite(number) else number


@EVALUATE.row(n.Pullback)
def _(node: n.Pullback, operands: list[Array], of: Evaluator) -> Array:
    if node not in of.answers:
        of.answers[node] = _differences(node, of)
    return of.answers[node]


def _differences(node: n.Pullback, of: Evaluator) -> Array:
    """Return `sum_i g_i * d f_i / d x_j` by central differences of `f` in every coordinate of `x`."""
    cotangent, expression, by = node.operands
    g, at = unstacked(of(cotangent)), unstacked(of(by))
    key = expression, by, g.shape
    if key not in of.slopes:  # the steps of a derivation rewrite the cotangent again and again
        of.slopes[key] = list(_slopes(expression, by, at, g.shape, of))
        if len(of.slopes) > REMEMBERED:
            of.slopes.pop(next(iter(of.slopes)))
    result = np.full(at.size, mpmath.mpf(0), dtype=object)
    for start, where, moves in of.slopes[key]:
        if len(moves):
            factors = np.broadcast_to(padded(g[None], where.ndim - 1), where.shape)[where]
            coordinates, starts = np.unique(np.nonzero(where)[0], return_index=True)
            result[start + coordinates] = np.add.reduceat(moves * factors, starts)
    return np.asarray(result / (2 * STEP)).reshape(1, *at.shape)


def _slopes(
    expression: Node, by: Node, at: Array, shape: tuple[int, ...], of: Evaluator
) -> Iterator[tuple[int, Array, Array]]:
    """Yield for some coordinates of `x` at a time: their first, where `f` moves with each, and how far, up from down.

    What is the same number up and down has not moved. `f` is spread to the shape of its cotangent.
    """
    if not isinstance(by, Variable):
        place = Variable("(by)", (), by.shape)
        expression, by = replace(expression, {by: place}), place
    stepping = Evaluator(Stepping(), {**of.values, by.name: at[None]}, of.sizes)
    for start in range(0, at.size, TOGETHER):
        chosen = slice(start, start + TOGETHER)
        where, f = _moved(expression, by, chosen, shape, stepping)
        if _infinite(f).any():
            f = np.where(_infinite(f), _moved(expression, by, chosen, shape, _without_masks(stepping))[1], f)
        yield start, where, _apart(*f)


def _moved(expression: Node, by: Variable, chosen: slice, shape: tuple[int, ...], of: Evaluator) -> tuple[Array, Array]:
    """Return where an expression has moved with the `chosen` coordinates, and what it is there, up and down."""
    at = unstacked(of(by))
    numbers = at.ravel()[chosen]
    stack = Moving(of, by, at, chosen.start, np.stack([numbers + STEP, numbers - STEP], axis=1))
    f = stack(expression)
    rank = max(len(shape), f.ndim - 1)
    spread = np.empty((1,) * (rank + 1 - len(shape)) + shape)
    up, down, _ = np.broadcast_arrays(padded(f[1::2], rank), padded(f[2::2], rank), spread)
    where = up != down  # elsewhere the slope is 0
    return where, np.stack([stack.numbers(up[where]), stack.numbers(down[where])])


class _WithoutMasks(Stepping):
    """Numbers in which 0 stands for the infinite ones that formulas give."""

    def number(self, value: Expr) -> Any:
        return super().number(Integer(0) if value.is_infinite else value)


def _without_masks(of: Evaluator) -> Evaluator:
    """Return an evaluator for which 0 stands where formulas or values are infinite."""
    values = {
        name: np.where(_infinite(value), mpmath.mpf(0), value)
        for name, value in of.values.items()
        if _infinite(value).any()
    }
    return Evaluator(_WithoutMasks(), {**of.values, **values}, of.sizes)


def _infinite(values: Array) -> Array:
    """Return where numbers are infinite."""
    return np.asarray(np.frompyfunc(mpmath.isinf, 1, 1)(values), dtype=bool)


@EVALUATE.row(n.Pushforward)
def _(node: n.Pushforward, operands: list[Array], of: Evaluator) -> Array:
    expression, by, tangent = node.operands  # sum_j d f_i / d x_j u_j, by the central difference of f along u
    if not isinstance(by, Variable):
        raise LookupError("a pushforward starts at a variable")
    at, along = unstacked(of(by)), unstacked(of(tangent))
    stepping = Evaluator(Stepping(), {**of.values, by.name: np.stack([at + STEP * along, at - STEP * along])}, of.sizes)
    f = stepping(expression)
    f = np.where(_infinite(f), _without_masks(stepping)(expression), f) if _infinite(f).any() else f
    f = np.broadcast_to(f, (2, *f.shape[1:]))
    return np.asarray(_apart(f[:1], f[1:]) / (2 * STEP))


def _apart(left: Array, right: Array) -> Array:
    """Return `left - right`; what stays infinite has not moved."""
    stays = _infinite(left)
    if stays.any():
        stays &= np.asarray(left == right, dtype=bool)
        return np.where(stays, mpmath.mpf(0), left - np.where(stays, 0, right))
    return np.asarray(left - right)
