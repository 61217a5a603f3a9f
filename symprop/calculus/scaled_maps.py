"""Matrices of linear maps that are followed by broadcasting, or by weights for the elements."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape, same
from symprop.algebra.trees import ones
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.tidy import tidy


def flat(shape: Sequence[Expr]) -> Shape:
    """Return the shape of an array whose elements stand in a row; a scalar has no axis.

    >>> flat((2, 3)), flat(())
    ((6,), ())
    """
    return (prod(shape),) if shape else ()


def spread_rows(matrix: Node, narrow: Shape, wide: Shape) -> Node:
    """Return the matrix of a map into arrays of shape `narrow`, followed by broadcasting to `wide`."""
    if len(narrow) == len(wide) and all(map(same, narrow, wide)):
        return matrix
    if not narrow or flat(narrow)[0] == 1:
        row = matrix if not narrow else n.Sum(matrix, 0)  # one row, again and again
        return n.Outer(ones(*flat(wide)), row) if row.rank else n.Multiply(row, ones(*flat(wide)))
    padded = (Integer(1),) * (len(wide) - len(narrow)) + tuple(narrow)
    factors = [
        n.Identity(size) if same(size, inner) else ones(size, 1) for size, inner in zip(wide, padded, strict=True)
    ]
    return n.MatMul(kron_of(factors), matrix)


def kron_of(factors: Sequence[Node]) -> Node:
    """Return the Kronecker product of matrices, those of one element left out."""
    kept = [factor for factor in factors if not all(size == 1 for size in factor.shape)]
    result = kept[0] if kept else n.Identity(1)
    for factor in kept[1:]:
        result = n.Kron(result, factor)
    return result


def scaled_rows(weights: Node, shape: Shape, matrix: Node) -> Node:
    """Return `diag(weights) @ matrix`, where a row of `matrix` belongs to each element of an array of `shape`."""
    if not weights.rank:
        return n.Multiply(weights, matrix)
    if len(shape) == 1:
        return _scaled_vector(weights, matrix)
    if weights.rank == len(shape) and all(map(same, weights.shape, shape)):
        return n.MatMul(n.Diag(n.Reshape(weights, flat(shape))), matrix)
    padded = (Integer(1),) * (len(shape) - weights.rank) + weights.shape
    varying = [axis for axis, size in enumerate(padded) if size != 1]
    if len(varying) == 1:  # the same weight along all other axes
        along = n.Diag(n.Reshape(weights, (padded[varying[0]],)) if weights.rank > 1 else weights)
        factors = [along if axis == varying[0] else n.Identity(size) for axis, size in enumerate(shape)]
        return n.MatMul(kron_of(factors), matrix)
    return n.MatMul(n.Diag(n.Reshape(n.Multiply(weights, ones(*shape)), flat(shape))), matrix)


def _scaled_vector(weights: Node, matrix: Node) -> Node:
    """Row `i` of `matrix` times `weights[i]`."""
    if weights.shape[0] == 1 and matrix.shape[0] != 1:
        return n.Multiply(n.Sum(weights), matrix)
    bare = tidy(matrix)
    coefficient, row = coefficient_and_rest(bare)
    if isinstance(row, n.Outer) and isinstance(row.operands[0], n.Fill):  # 1 p', spread from one row
        return scaled(coefficient, n.Outer(n.Multiply(weights, row.operands[0]), row.operands[1]))
    return n.MatMul(n.Diag(weights), matrix)
