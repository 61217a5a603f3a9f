"""Identities of inverses, determinants, powers, Kronecker products and sums of matrices: rows of `pairs.py`."""

from __future__ import annotations

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.known import triangle
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.trees import transposes
from symprop.calculus.sum_pairs import Tidy, pair, paired


@pair(n.Transpose, n.Map, n.Power)
def _(node: n.Transpose, inner: Node, tidy: Tidy) -> Node | None:
    """f(A.T).T = f(A): functions and powers let a transpose through where that leaves fewer of them."""
    parts = _turned(inner, tidy)
    return inner.with_operands(parts) if parts else None


@pair(n.Transpose, n.Sum)
def _(node: n.Transpose, inner: n.Sum, tidy: Tidy) -> Node | None:
    """sum(A.T, axis=0, keepdims=True).T = sum(A, axis=1, keepdims=True), where that leaves fewer transposes."""
    parts = _turned(inner, tidy)
    return n.Sum(parts[0], [1 - axis for axis in inner.axes], True) if parts else None


def _turned(node: Node, tidy: Tidy) -> list[Node]:
    """Return the transposes of the matrices among the operands, where these have fewer transposes; else nothing."""
    if any(part.rank not in (0, 2) for part in (node, *node.operands)):
        return []
    parts = [tidy(n.Transpose(part)) if part.rank else part for part in node.operands]
    return parts if transposes(*parts) < transposes(*node.operands) else []


@pair(n.Inverse, n.Inverse)
def _(node: n.Inverse, inner: n.Inverse, tidy: Tidy) -> Node:
    return inner.operands[0]


@pair(n.Inverse, n.Identity)
def _(node: n.Inverse, inner: n.Identity, tidy: Tidy) -> Node:
    return inner


@pair(n.Inverse, n.MatrixPower)
def _(node: n.Inverse, inner: n.MatrixPower, tidy: Tidy) -> Node:
    return tidy(inner.with_operands([n.Inverse(*inner.operands)]))


def _are_square(*parts: Node) -> bool:
    """Whether all are square matrices: a product of an array of three axes and a vector may be one without them."""
    return all(part.rank == 2 and same(*part.shape) for part in parts)


@pair(n.Inverse, n.Diag)
def _(node: n.Inverse, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Diag(n.Power(inner.operands[0], -1)))


@pair(n.Inverse, n.Kron)
def _(node: n.Inverse, inner: n.Kron, tidy: Tidy) -> Node | None:
    return tidy(n.Kron(*map(n.Inverse, inner.operands))) if _are_square(*inner.operands) else None


@pair(n.Inverse, n.MatMul)
def _(node: n.Inverse, inner: n.MatMul, tidy: Tidy) -> Node | None:
    left, right = inner.operands  # inv(A B) = inv(B) inv(A), both square
    return tidy(n.MatMul(n.Inverse(right), n.Inverse(left))) if _are_square(left, right) else None


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
def _(node: n.Determinant, inner: n.Inverse | n.MatrixPower, tidy: Tidy) -> Node:
    return tidy(n.Power(tidy(n.Determinant(inner.operands[0])), inner.exponent))


@pair(n.LogDeterminant, n.Inverse, n.MatrixPower)
def _(node: n.LogDeterminant, inner: n.Inverse | n.MatrixPower, tidy: Tidy) -> Node:
    return tidy(n.Multiply(n.Scalar(inner.exponent), tidy(n.LogDeterminant(inner.operands[0]))))


@pair(n.Determinant, n.Diag)
def _(node: n.Determinant, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Product(inner.operands[0]))


@pair(n.LogDeterminant, n.Diag)
def _(node: n.LogDeterminant, inner: n.Diag, tidy: Tidy) -> Node:
    return tidy(n.Sum(FUNCTIONS["log"](FUNCTIONS["abs"](inner.operands[0]))))


@pair(n.Determinant, n.Kron)
def _(node: n.Determinant, inner: n.Kron, tidy: Tidy) -> Node | None:
    first, second = inner.operands
    if not same(*first.shape):
        return None
    powers = ((first, second.shape[0]), (second, first.shape[0]))
    return tidy(n.Multiply(*(n.Power(n.Determinant(part), size) for part, size in powers)))


@pair(n.LogDeterminant, n.Kron)
def _(node: n.LogDeterminant, inner: n.Kron, tidy: Tidy) -> Node | None:
    first, second = inner.operands
    if not same(*first.shape):
        return None
    parts = ((first, second.shape[0]), (second, first.shape[0]))
    return tidy(n.Add(*(n.Scalar(size) * n.LogDeterminant(part) for part, size in parts)))


@pair(n.Determinant, n.MatMul)
@pair(n.LogDeterminant, n.MatMul)
def _(node: Node, inner: n.MatMul, tidy: Tidy) -> Node | None:
    if not _are_square(*inner.operands):
        return None
    parts = [node.func(part) for part in inner.operands]
    return tidy(n.Multiply(*parts) if isinstance(node, n.Determinant) else n.Add(*parts))


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


@pair(n.Kron, n.Identity)
def _(node: n.Kron, inner: n.Identity, tidy: Tidy) -> Node | None:
    """kron(I, I) = I, and kron(I, kron(I, A)) = kron(I, A)."""
    match node.operands[1]:
        case n.Identity():
            return n.Identity(node.shape[0])
        case n.Kron(operands=(n.Identity() as identity, last)):
            return n.Kron(n.Identity(inner.shape[0] * identity.shape[0]), last)
    return None


@pair(n.Kron, n.Kron)
def _(node: n.Kron, inner: n.Kron, tidy: Tidy) -> Node | None:
    """kron(kron(A, I), I) = kron(A, I)."""
    match inner.operands[1], node.operands[1]:
        case n.Identity() as one, n.Identity() as other:
            return n.Kron(inner.operands[0], n.Identity(one.shape[0] * other.shape[0]))
    return None


@pair(n.Sum, n.Diagonal)
def _(node: n.Sum, inner: n.Diagonal, tidy: Tidy) -> Node | None:
    matrix = inner.operands[0]
    if isinstance(matrix, n.Kron) and same(*matrix.operands[0].shape) and not node.rank:
        return tidy(n.Multiply(*(n.Sum(n.Diagonal(part)) for part in matrix.operands)))  # tr kron(A, B) = tr A tr B
    return None


@pair(n.Diagonal, n.MatMul)
def _(node: n.Diagonal, inner: n.MatMul, tidy: Tidy) -> Node | None:
    left, right = inner.operands  # diagonal(A 1 1') = A 1
    if isinstance(right, n.Fill):
        return tidy(n.Multiply(n.Scalar(right.value), n.Sum(left, 1)))
    return tidy(n.Multiply(n.Scalar(left.value), n.Sum(right, 0))) if isinstance(left, n.Fill) else None


@pair(n.Sum, n.Kron)
def _(node: n.Sum, inner: n.Kron, tidy: Tidy) -> Node | None:
    if len(node.axes) < 2 or node.keepdims:
        return None
    return tidy(n.Multiply(*map(n.Sum, inner.operands)))  # the sum of all products is the product of the sums


@pair(n.Sum, n.MatMul)
def _(node: n.Sum, inner: n.MatMul, tidy: Tidy) -> Node | None:
    """A sum of products of matrices, `sum_k A_k' B_k`, as one product of the stacked rows, `A' B`."""
    left, right = inner.operands
    if node.axes != tuple(range(inner.rank - 2)) or node.keepdims or not isinstance(left, n.Transpose):
        return None
    rows, order = left.operands[0], range(left.rank)
    swapped = left.axes == (*order[:-2], order[-1], order[-2])
    if left.rank != right.rank or not swapped or not all(map(same, rows.shape[:-1], right.shape[:-1])):
        return None
    count = sympy.prod(right.shape[:-1])
    stacked = [n.Reshape(part, (count, part.shape[-1])) for part in (rows, right)]
    return tidy(n.MatMul(n.Transpose(stacked[0]), stacked[1]))


# ---------------------------------------------------------------- unit vectors


@pair(n.Power, n.OneHot)
def _(node: n.Power, inner: n.OneHot, tidy: Tidy) -> Node | None:
    return inner if node.exponent.is_positive else None


@pair(n.Slice, n.OneHot)
def _(node: n.Slice, inner: n.OneHot, tidy: Tidy) -> Node | None:
    """One element of a unit vector, where the sizes show which."""
    place = inner.operands[0].number
    if place is None or node.stop - node.start != 1 or inner.rank != 1:
        return None
    apart = (place - node.start).is_zero
    return None if apart is None else n.Fill(int(apart), node.shape)


# ---------------------------------------------------------------- triangles of ones


@pair(n.Transpose, n.Triangle)
def _(node: n.Transpose, inner: n.Triangle, tidy: Tidy) -> Node:
    return triangle(inner.shape[1], inner.shape[0], -inner.diagonal, not inner.is_upper)


@pair(n.Take, n.Identity)
def _(node: n.Take, inner: n.Identity, tidy: Tidy) -> Node:
    return n.OneHot(node.operands[1], inner.shape[0])


@pair(n.Power, n.Triangle)
def _(node: n.Power, inner: n.Triangle, tidy: Tidy) -> Node | None:
    return inner if node.exponent.is_positive else None


__all__ = ["paired"]
