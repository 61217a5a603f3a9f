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
from symprop.algebra.shapes import same
from symprop.algebra.table import Row, Table

Tidy = Callable[[Node], Node]

PAIRS: dict[type[Node], Table] = {}
"""For a kind, the table of the kinds that its operand may be."""


def pair(outer: type[Node], *inner: type[Node]) -> Callable[[Row], Row]:
    """Enter the decorated function as the row of `outer` over each kind of operand."""
    return PAIRS.setdefault(outer, Table(f"tidy {outer.__name__} of")).row(*inner)


def paired(node: Node, tidy: Tidy) -> Node | None:
    """Return what the identity of a node's kind and its operand's makes of it, if there is one."""
    operand = node.operands[0]
    row = PAIRS[type(node)].find(type(operand))
    found: Node | None = row(node, operand, tidy) if row else None
    return found


# ---------------------------------------------------------------- transposes and diagonals


@pair(n.Transpose, n.Transpose)
def _(node: n.Transpose, inner: n.Transpose, tidy: Tidy) -> Node:
    return tidy(n.Transpose(inner.operands[0], [inner.axes[axis] for axis in node.axes]))


@pair(n.Transpose, n.Identity, n.Diag)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node:
    return inner


@pair(n.Transpose, n.Inverse, n.MatrixPower, n.Kron)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node:
    return tidy(inner.with_operands(n.Transpose(part) for part in inner.operands))  # inv(A)' = inv(A')


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


# ---------------------------------------------------------------- sums


@pair(n.Sum, n.Scalar, n.Fill)
def _(node: n.Sum, inner: Any, tidy: Tidy) -> Node:
    count = sympy.prod([inner.shape[axis] for axis in node.axes])
    value = sympy.cancel(inner.value * count)
    return n.Fill(value, node.shape) if node.shape else n.Scalar(value)


@pair(n.Sum, n.Sum)
def _(node: n.Sum, inner: n.Sum, tidy: Tidy) -> Node | None:
    if not inner.keepdims and len(node.axes) == inner.rank and not node.keepdims:
        return tidy(n.Sum(inner.operands[0]))
    if inner.keepdims and set(inner.axes) <= set(node.axes):
        return tidy(n.Sum(inner.operands[0], node.axes, node.keepdims))
    return None


@pair(n.Sum, n.Expand)
def _(node: n.Sum, inner: n.Expand, tidy: Tidy) -> Node | None:
    return inner.operands[0] if node.axes == (inner.axis,) and not node.keepdims else None


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
    return inner.operands[0] if len(node.axes) == 1 and not node.keepdims else None


@pair(n.Sum, n.Diagonal)
def _(node: n.Sum, inner: n.Diagonal, tidy: Tidy) -> Node | None:
    matrix = inner.operands[0]
    if isinstance(matrix, n.Outer):
        return tidy(n.MatMul(*matrix.operands))  # tr(u v') = u' v
    if isinstance(matrix, n.Kron) and same(*matrix.operands[0].shape) and not node.rank:
        return tidy(n.Multiply(*(n.Sum(n.Diagonal(part)) for part in matrix.operands)))  # tr kron(A, B) = tr A tr B
    return None


@pair(n.Sum, n.Kron)
def _(node: n.Sum, inner: n.Kron, tidy: Tidy) -> Node | None:
    if len(node.axes) < 2 or node.keepdims:
        return None
    return tidy(n.Multiply(*map(n.Sum, inner.operands)))  # the sum of all products is the product of the sums


# ---------------------------------------------------------------- square matrices


@pair(n.Inverse, n.Inverse)
def _(node: n.Inverse, inner: n.Inverse, tidy: Tidy) -> Node:
    return inner.operands[0]


@pair(n.Inverse, n.Identity)
def _(node: n.Inverse, inner: n.Identity, tidy: Tidy) -> Node:
    return inner


@pair(n.Inverse, n.MatrixPower)
def _(node: n.Inverse, inner: n.MatrixPower, tidy: Tidy) -> Node:
    return tidy(inner.with_operands([n.Inverse(*inner.operands)]))


@pair(n.Inverse, n.Diag)
def _(node: n.Inverse, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Diag(n.Power(inner.operands[0], -1)))


@pair(n.Inverse, n.Kron)
def _(node: n.Inverse, inner: n.Kron, tidy: Tidy) -> Node | None:
    return tidy(n.Kron(*map(n.Inverse, inner.operands))) if all(same(*part.shape) for part in inner.operands) else None


@pair(n.Inverse, n.MatMul)
def _(node: n.Inverse, inner: n.MatMul, tidy: Tidy) -> Node | None:
    left, right = inner.operands  # inv(A B) = inv(B) inv(A), both square
    return tidy(n.MatMul(n.Inverse(right), n.Inverse(left))) if same(*left.shape) else None


@pair(n.Determinant, n.Identity)
def _(node: n.Determinant, inner: n.Identity, tidy: Tidy) -> Node:
    return n.Scalar(1)


@pair(n.LogDeterminant, n.Identity)
def _(node: n.LogDeterminant, inner: n.Identity, tidy: Tidy) -> Node:
    return n.Scalar(0)


@pair(n.Determinant, n.Transpose)
@pair(n.LogDeterminant, n.Transpose)
def _(node: Node, inner: n.Transpose, tidy: Tidy) -> Node:
    return tidy(node.func(inner.operands[0]))


@pair(n.Determinant, n.Inverse, n.MatrixPower)
def _(node: n.Determinant, inner: Node, tidy: Tidy) -> Node:
    return tidy(n.Power(tidy(n.Determinant(inner.operands[0])), _exponent(inner)))


@pair(n.LogDeterminant, n.Inverse, n.MatrixPower)
def _(node: n.LogDeterminant, inner: Node, tidy: Tidy) -> Node:
    return tidy(n.Multiply(n.Scalar(_exponent(inner)), tidy(n.LogDeterminant(inner.operands[0]))))


def _exponent(power: Node) -> sympy.Expr:
    return power.exponent if isinstance(power, n.MatrixPower) else Integer(-1)


@pair(n.MatrixPower, n.Identity)
def _(node: n.MatrixPower, inner: n.Identity, tidy: Tidy) -> Node:
    return inner


@pair(n.MatrixPower, n.Inverse)
def _(node: n.MatrixPower, inner: n.Inverse, tidy: Tidy) -> Node | None:
    exponent = node.exponent
    if not (exponent.is_nonnegative or exponent.is_nonpositive):
        return None  # an exponent that is not known to be below 0 is taken to be above it
    return tidy(n.MatrixPower(inner.operands[0], -exponent))


@pair(n.MatrixPower, n.MatrixPower)
def _(node: n.MatrixPower, inner: n.MatrixPower, tidy: Tidy) -> Node:
    exponent = node.exponent
    if exponent.is_nonpositive:
        return tidy(n.MatrixPower(n.Inverse(inner), -exponent))
    base = n.Inverse(inner.operands[0]) if inner.exponent.is_nonpositive else inner.operands[0]
    return tidy(n.MatrixPower(base, abs(inner.exponent) * exponent))


@pair(n.MatrixPower, n.Diag)
def _(node: n.MatrixPower, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Diag(n.Power(inner.operands[0], node.exponent)))


__all__ = ["PAIRS", "paired"]
