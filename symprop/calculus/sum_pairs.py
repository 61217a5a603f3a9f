"""Identities of sums of elements: rows of `pairs.py`."""

from __future__ import annotations

from typing import Any

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.batching import expanded
from symprop.algebra.nodes import Node
from symprop.algebra.trees import ones
from symprop.calculus.coefficients import cancelled
from symprop.calculus.pairs import Tidy, pair, paired


@pair(n.Sum, n.Scalar, n.Fill)
def _(node: n.Sum, inner: Any, tidy: Tidy) -> Node:
    count = sympy.prod([inner.shape[axis] for axis in node.axes])
    value = cancelled(inner.value * count)
    return n.Fill(value, node.shape) if node.shape else n.Scalar(value)


@pair(n.Sum, n.Sum)
def _(node: n.Sum, inner: n.Sum, tidy: Tidy) -> Node | None:
    if not inner.keepdims:
        left = [axis for axis in range(inner.operands[0].rank) if axis not in inner.axes]
        total = n.Sum(inner.operands[0], sorted([*inner.axes, *(left[axis] for axis in node.axes)]))
        return tidy(expanded(total, *node.axes) if node.keepdims else total)
    if inner.keepdims and set(inner.axes) <= set(node.axes):
        return tidy(n.Sum(inner.operands[0], node.axes, node.keepdims))
    return None


@pair(n.Sum, n.Expand)
def _(node: n.Sum, inner: n.Expand, tidy: Tidy) -> Node | None:
    """sum(x[:, None], axis=1) = x, sum(A[None, :, :], axis=(0, 2)) = sum(A, axis=1), and axes of length 1 go."""
    if node.keepdims or any(inner.shape[axis] != 1 for axis in node.axes if inner.axis not in node.axes):
        return None
    total = n.Sum(inner.operands[0], [axis - (axis > inner.axis) for axis in node.axes if axis != inner.axis])
    if inner.axis not in node.axes:
        total = n.Expand(total, inner.axis - sum(axis < inner.axis for axis in node.axes))
    return tidy(total)


@pair(n.Sum, n.Elementwise)
def _(node: n.Sum, inner: n.Elementwise, tidy: Tidy) -> Node | None:
    if node.keepdims or any(inner.shape[axis] != 1 for axis in node.axes):
        return None
    parts = []
    for part in inner.operands:  # each without those of the axes, of length 1, that it has
        places = [axis - inner.rank + part.rank for axis in node.axes]
        parts.append(n.Sum(part, [place for place in places if place >= 0]))
    without = tidy(inner.with_operands(parts))
    return without if without.weight < node.weight else None  # where new axes and kept ones go, not where sums multiply


@pair(n.Sum, n.Diag)
def _(node: n.Sum, inner: n.Diag, tidy: Tidy) -> Node | None:
    if len(node.axes) > 1:
        return None if node.keepdims else tidy(n.Sum(inner.operands[0]))
    return expanded(inner.operands[0], *node.axes) if node.keepdims else inner.operands[0]


@pair(n.Sum, n.Identity)
def _(node: n.Sum, inner: n.Identity, tidy: Tidy) -> Node | None:
    if len(node.axes) > 1:
        return None if node.keepdims else n.Scalar(inner.shape[0])  # the trace of I
    return ones(*node.shape)  # I 1 = 1


__all__ = ["Tidy", "pair", "paired"]
