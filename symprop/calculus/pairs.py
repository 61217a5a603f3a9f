"""Identities of one operation on another, `inv(inv(A)) = A`: for each pair of kinds one row.

A row sees a node, its operand, both tidy below, and `tidy`; it returns an equal node in tidy form, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import PairTable
from symprop.algebra.trees import is_zero, multiplied, ones
from symprop.calculus.coefficients import same_shape, scaled

Tidy = Callable[[Node], Node]

PAIRS = PairTable("tidy")
"""Rows for a kind, or a trait of kinds, and the kinds that its first operand may be."""

pair = PAIRS.row


def paired(node: Node, tidy: Tidy) -> Node | None:
    """Return what the identity of a node's kind and its operand's makes of it, if there is one."""
    found: Node | None = PAIRS(node, node.operands[0], tidy)
    return found


# ---------------------------------------------------------------- powers and choices


@pair(n.Power, n.Scalar)
def _(node: n.Power, inner: n.Scalar, tidy: Tidy) -> Node:
    return n.Scalar(inner.value**node.exponent)


@pair(n.Power, n.Fill)
def _(node: n.Power, inner: n.Fill, tidy: Tidy) -> Node | None:
    return n.Fill(inner.value**node.exponent, inner.shape) if node.exponent.is_Integer else None


@pair(n.Power, n.Identity)
def _(node: n.Power, inner: n.Identity, tidy: Tidy) -> Node | None:
    return inner if node.exponent.is_positive else None


@pair(n.Power, n.Power)
def _(node: n.Power, inner: n.Power, tidy: Tidy) -> Node | None:
    if not node.exponent.is_Integer and inner.exponent.is_Integer:
        return None  # a root has a base of at least 0
    return tidy(n.Power(inner.operands[0], inner.exponent * node.exponent))


@pair(n.Power, n.Multiply)
def _(node: n.Power, inner: n.Multiply, tidy: Tidy) -> Node | None:
    """(a b)**2 = a**2 b**2, and sqrt(r (x @ x)) = sqrt(r) sqrt(x @ x); (a b)**(3/2) = a b sqrt(a b)."""
    exponent, factors = node.exponent, inner.operands
    squares = [factor for factor in factors if _is_sum_of_squares(factor)]
    if not exponent.is_Integer and (not exponent.is_Rational or sum(each.number is None for each in factors) < 2):
        return None
    if exponent.is_Integer:
        parts = [n.Power(factor, exponent) for factor in factors]
    elif squares:
        rest = [factor for factor in factors if factor not in squares]
        parts = [n.Power(each, exponent) for each in (*squares, *([multiplied(rest)] if rest else []))]
    else:
        count = int(exponent)  # the part of it that is whole
        parts = [*(n.Power(factor, count) for factor in factors), n.Power(inner, exponent - count)] if count else []
    return tidy(n.Multiply(*parts)) if parts else None


def _is_sum_of_squares(node: Node) -> bool:
    match node:
        case n.Sum(operands=(n.Power() as squares,)):
            return squares.exponent == 2
        case n.MatMul(operands=(left, right)):
            return node.rank == 0 and left == right
    return node.number is not None and bool(node.number.is_positive)


@pair(n.Power, n.Compare)
def _(node: n.Power, inner: n.Compare, tidy: Tidy) -> Node | None:
    return inner if node.exponent.is_positive else None  # 0 and 1 are their own squares


@pair(n.Where, n.Compare)
def _(node: n.Where, inner: n.Compare, tidy: Tidy) -> Node | None:
    _, yes, no = node.operands
    if not same_shape(inner, node) or {yes.constant, no.constant} != {0, 1}:
        return None
    return inner if is_zero(no) else inner.opposite


# ---------------------------------------------------------------- elements in other places


@pair(n.Structural, n.Scalar, n.Fill)
def _(node: n.Structural, inner: Any, tidy: Tidy) -> Node | None:
    return n.Fill(inner.value, node.shape) if node.index_map.outside in (None, inner.value) else None


@pair(n.Reshape, n.Scalar, n.Fill)
def _(node: n.Reshape, inner: Any, tidy: Tidy) -> Node:
    return n.Fill(inner.value, node.shape)


@pair(n.Reshape, n.Reshape, n.Expand)
def _(node: n.Reshape, inner: Node, tidy: Tidy) -> Node:
    return tidy(n.Reshape(inner.operands[0], node.shape))  # the order of the elements is the same


@pair(n.Flip, n.Flip)
def _(node: n.Flip, inner: n.Flip, tidy: Tidy) -> Node | None:
    return inner.operands[0] if inner.axes == node.axes else None


@pair(n.Slice, n.Slice)
def _(node: n.Slice, inner: n.Slice, tidy: Tidy) -> Node | None:
    if inner.axis == node.axis:
        return tidy(n.Slice(inner.operands[0], node.axis, node.start + inner.start, node.stop + inner.start))
    first = n.Slice(inner.operands[0], node.axis, node.start, node.stop)
    found = tidy(first)  # concatenate((X, Y), axis=0)[:, :1][:m] = X[:, :1]
    return None if found == first else tidy(n.Slice(found, inner.axis, inner.start, inner.stop))


@pair(n.Slice, n.Pad)
def _(node: n.Slice, inner: n.Pad, tidy: Tidy) -> Node | None:
    """Both maps in one: a slice of what is padded, less around it, or what stands outside; where the sizes show it."""
    (array,), axis, size = inner.operands, node.axis, inner.operands[0].shape[node.axis]
    before = inner.widths[axis][0]
    widths = (before - node.start, node.stop - before - size)  # what stands around; below 0, so much is cut off
    if any((width + size).is_nonpositive for width in widths):
        return n.Fill(inner.value, node.shape)
    if all(width.is_nonnegative for width in widths):
        around, ends = widths, (Integer(0), size)
    elif all(width.is_nonpositive for width in widths):
        around, ends = (Integer(0), Integer(0)), (-widths[0], size + widths[1])
    else:
        return None
    kept = {k: around if k == axis else pair for k, pair in enumerate(inner.widths)}
    kept = {k: pair for k, pair in kept.items() if any(pair)}
    part = n.Slice(array, axis, *ends)
    return tidy(n.Pad(part, list(kept), list(kept.values()), inner.value) if kept else part)


@pair(n.Slice, n.Concatenate)
def _(node: n.Slice, inner: n.Concatenate, tidy: Tidy) -> Node | None:
    """The slice of the one part that it lies in, where the sizes show that."""
    before: sympy.Expr = Integer(0)
    for part in inner.operands if inner.axis == node.axis else ():
        size = part.shape[node.axis]
        start, stop = node.start - before, node.stop - before
        if start.is_nonnegative and (size - stop).is_nonnegative:
            return tidy(n.Slice(part, node.axis, start, stop))
        before += size
    return None


@pair(n.Slice, n.Add, n.Multiply, n.Power)
def _(node: n.Slice, inner: Node, tidy: Tidy) -> Node:
    def sliced(part: Node) -> Node:
        axis = node.axis - inner.rank + part.rank
        spread = axis < 0 or part.shape[axis] == 1  # what is spread along the axis stays
        return part if spread else n.Slice(part, axis, node.start, node.stop)

    return tidy(inner.with_operands(map(sliced, inner.operands)))


@pair(n.Take, n.Add)
def _(node: n.Take, inner: n.Add, tidy: Tidy) -> Node:
    ids = node.operands[1]

    def selected(term: Node) -> Node:
        if term.rank < inner.rank:
            return term  # the same in all rows
        return n.Take(term, ids) if term.shape[0] != 1 or inner.shape[0] == 1 else n.Sum(term, 0)

    return tidy(n.Add(*map(selected, inner.operands)))


@pair(n.ScatterAdd, n.Scalar, n.Fill)
def _(node: n.ScatterAdd, inner: Any, tidy: Tidy) -> Node | None:
    ids = node.operands[1]
    if node.rank == 1 and not ids.rank:
        return scaled(inner.value, n.OneHot(ids, node.size))
    return scaled(inner.value, n.ScatterAdd(ones(*inner.shape), ids, node.size)) if inner.value != 1 else None


# ---------------------------------------------------------------- transposes and diagonals


@pair(n.Transpose, n.Transpose)
def _(node: n.Transpose, inner: n.Transpose, tidy: Tidy) -> Node:
    return tidy(n.Transpose(inner.operands[0], [inner.axes[axis] for axis in node.axes]))


@pair(n.Transpose, n.Identity, n.Diag)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node:
    return inner


@pair(n.Transpose, n.Inverse, n.MatrixPower, n.Kron, n.PseudoInverse, n.MatrixFunction)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node:
    return tidy(inner.with_operands(n.Transpose(part) for part in inner.operands))  # inv(A)' = inv(A')


@pair(n.Sum, n.OneHot)
def _(node: n.Sum, inner: n.OneHot, tidy: Tidy) -> Node | None:
    return ones(*node.shape) if node.axes == (inner.rank - 1,) else None  # one of each row


@pair(n.Transpose, n.Commutation)
def _(node: n.Transpose, inner: n.Commutation, tidy: Tidy) -> Node:
    return n.Commutation(*reversed(inner.args))


@pair(n.Transpose, n.Outer)
def _(node: n.Transpose, inner: n.Outer, tidy: Tidy) -> Node:
    return n.Outer(inner.operands[1], inner.operands[0])


@pair(n.Transpose, n.MatMul)
def _(node: n.Transpose, inner: n.MatMul, tidy: Tidy) -> Node | None:
    left, right = inner.operands
    if inner.rank != 2 or left.rank != 2 or right.rank != 2:
        return None
    return tidy(n.MatMul(n.Transpose(right), n.Transpose(left)))  # (A B)' = B' A'


@pair(n.Transpose, n.Add, n.Multiply)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node | None:
    if any(part.rank not in (0, inner.rank) for part in inner.operands):
        return None
    return tidy(inner.func(*(n.Transpose(part, node.axes) if part.rank else part for part in inner.operands)))


@pair(n.Diagonal, n.Diag)
def _(node: n.Diagonal, inner: n.Diag, tidy: Tidy) -> Node:
    return inner.operands[0]


@pair(n.Diagonal, n.Identity)
def _(node: n.Diagonal, inner: n.Identity, tidy: Tidy) -> Node:
    return n.Fill(1, node.shape)


@pair(n.Diagonal, n.Transpose)
def _(node: n.Diagonal, inner: n.Transpose, tidy: Tidy) -> Node:
    return tidy(n.Diagonal(inner.operands[0]))


@pair(n.Diagonal, n.Multiply)
def _(node: n.Diagonal, inner: n.Multiply, tidy: Tidy) -> Node | None:
    """diagonal(A * I) = diagonal(A), and diagonal(x[:, None] * diag(y)) = x * y."""
    if not any(isinstance(part, (n.Identity, n.Diag)) for part in inner.operands):
        return None
    rest = [part for part in inner.operands if not isinstance(part, n.Identity)]
    return tidy(multiplied([*map(_on_the_diagonal, rest), ones(*node.shape)]))


def _on_the_diagonal(part: Node) -> Node:
    """Return what a factor, which may be spread over a square matrix, is in the places of the diagonal."""
    spread = [axis for axis, size in enumerate(part.shape) if size == 1]
    return n.Diagonal(part) if part.rank == 2 and not spread else n.Sum(part, spread)


@pair(n.Diagonal, n.Outer)
def _(node: n.Diagonal, inner: n.Outer, tidy: Tidy) -> Node:
    return tidy(n.Multiply(*inner.operands))


@pair(n.Expand, n.Power)
def _(node: n.Expand, inner: n.Power, tidy: Tidy) -> Node:
    return n.Power(tidy(n.Expand(inner.operands[0], node.axis)), inner.exponent)


@pair(n.Expand, n.Reduction)
def _(node: n.Expand, inner: n.Reduction, tidy: Tidy) -> Node | None:
    if inner.keepdims or inner.axes != (node.axis,):
        return None
    array, axes, _, *rest = inner.args  # sum(x, axis=1)[:, None] = sum(x, axis=1, keepdims=True)
    return inner.func(array, axes, True, *rest)


@pair(n.Diag, n.Fill)
def _(node: n.Diag, inner: n.Fill, tidy: Tidy) -> Node:
    return scaled(inner.value, n.Identity(inner.shape[0]))


@pair(n.Outer, n.Fill)
def _(node: n.Outer, inner: n.Fill, tidy: Tidy) -> Node | None:
    other = node.operands[1].constant
    return None if other is None else n.Fill(inner.value * other, node.shape)


__all__ = ["PAIRS", "pair", "paired"]
