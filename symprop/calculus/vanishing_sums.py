"""Sums that come to nothing because what they reach does: a sum enters products and moves, down to a centred factor.

So the rows of `dS = P * (dP - delta)`, the derivative by what a softmax reads, sum to 0, hence so do the columns of
`dK' = Q' dS`, and the bias of the keys, to which they all flow, moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import same
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import factors_of, replace, zeros
from symprop.calculus.coefficients import same_shape
from symprop.calculus.context import WORKED_OUT_ON_DEMAND, Applied, Context, Rule, rule
from symprop.calculus.sum_rules import centred, why_centred
from symprop.calculus.tidy import tidy

VANISHING: list[Rule] = []

Axes = tuple[int, ...]
Part = tuple[Node, Axes]

REACHED = Table("what a sum reaches")
"""A part of a node and axes of it, such that the node's sum over the given axes is 0 where the part's sum is."""


@REACHED.row(n.Transpose)
def _(node: n.Transpose, axes: Axes) -> Part:
    return node.operands[0], tuple(sorted(node.axes[axis] for axis in axes))


@REACHED.row(n.Reshape)
def _(node: n.Reshape, axes: Axes) -> Part:
    """Axes that stay what they are, or that are several axes in one."""
    inner = node.operands[0]
    found: list[int] = []
    for axis in axes:
        before = _count(node.shape[:axis])
        first = next((k for k in range(inner.rank) if same(_count(inner.shape[:k]), before)), inner.rank)
        ends = (k for k in range(first + 1, inner.rank + 1) if same(_count(inner.shape[first:k]), node.shape[axis]))
        found.extend(range(first, next(ends, first)))
    return inner, tuple(found)


def _count(sizes: Iterable[Expr]) -> Expr:
    return sympy.prod(sizes, start=Integer(1))


@REACHED.row(n.Sum)
def _(node: n.Sum, axes: Axes) -> Part:
    rank = node.operands[0].rank
    places = range(rank) if node.keepdims else [axis for axis in range(rank) if axis not in node.axes]
    return node.operands[0], tuple(places[axis] for axis in axes if places[axis] not in node.axes)


@REACHED.row(n.MatMul)
def _(node: n.MatMul, axes: Axes) -> Part:
    """`sum(A @ B, axis=-1) = A @ sum(B, axis=-1)`, and `sum(A @ B, axis=-2) = sum(A, axis=-2) @ B`."""
    left, right = node.operands
    if left.rank < 2 or right.rank < 2:
        return node, ()
    if node.rank - 1 in axes:
        return right, (right.rank - 1,)
    return left, (left.rank - 2,) if node.rank - 2 in axes else ()


@REACHED.row(n.Multiply)
def _(node: n.Multiply, axes: Axes) -> Part:
    """`sum(c * x) = c * sum(x)`, where `c` is the same along the axes."""
    varying = [factor for factor in factors_of(node) if _varies(factor, node, axes)]
    alone = len(varying) == 1 and same_shape(varying[0], node)
    return (varying[0], axes) if alone else (node, ())


def _varies(factor: Node, node: Node, axes: Iterable[int]) -> bool:
    places = (axis - node.rank for axis in axes)
    return any(-place <= factor.rank and factor.shape[place] != 1 for place in places)


def reached(node: Node, axes: Axes) -> Part | None:
    """Return the variable that a sum over axes reaches, and its axes, where it reaches one."""
    while not isinstance(node, Variable):
        found = REACHED.given(node, axes)
        if found is None or not found[1]:
            return None
        node, axes = found
    return node, axes


@rule(VANISHING, "sum of a product", "sum(A @ B, axis=1) = A @ sum(B, axis=1) = 0 where the rows of B sum to 0")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    part = reached(node.operands[0], node.axes)
    gone = centred(n.Sum(*part), context) if part else None
    return Applied(zeros(*node.shape), gone.facts) if gone else None


@rule(VANISHING, "known sum", "sum(x) = sum(A @ B) where x = A @ B is known, and this is 0")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    part = reached(node.operands[0], node.axes)
    equation = context.equation(part[0]) if part else None
    if part is None or equation is None:
        return None
    vanishes(*part, context.watches or context)
    if not context.vanishing[part]:
        return None
    return Applied(tidy(replace(node, {part[0]: equation.expression})), (equation,))


def vanishes(variable: Node, axes: Axes, context: Context) -> bool:
    """Whether a sum leads, equation after equation, to a variable that is centred; one answer for all of them."""
    way: list[Part] = []
    found: bool | None = None
    at: Part | None = (variable, axes)
    while found is None:
        equation = context.equation(at[0]) if at else None
        if at is None or equation is None or at in way:  # a loop may lead back to where it began
            found = False
        elif at in context.vanishing:
            found = context.vanishing[at]
        else:
            way.append(at)
            found = True if why_centred(equation, tuple(sorted(at[1])), context) else None
            at = reached(equation.expression, at[1])
    context.vanishing.update(dict.fromkeys(way, found))
    return found


WORKED_OUT_ON_DEMAND["vanishing"] = vanishes

__all__ = ["REACHED", "VANISHING", "reached", "vanishes"]
