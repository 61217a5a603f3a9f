"""The matrix of a linear map between arrays of any shape, their elements in row-major order.

`A @ u` has the matrix `A`, `d * u` has `diag(d)`, a sum the sum of the matrices (the `+ I` of a residual
block is the matrix of `u` itself). `A @ U @ B` has `kron(A, B.T)`, and a transpose the commutation matrix:
Magnus and Neudecker, *Matrix Differential Calculus* (3rd ed., 2019), chapters 2 and 3, with rows in place of columns.
A scalar that is linear in `u` is pulled back instead. What has no short form goes through the batch table, applied to
the identity.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import Table
from symprop.algebra.trees import multiplied, ones, replace, variables, zeros
from symprop.calculus.chains import links
from symprop.calculus.coefficients import same_shape
from symprop.calculus.diagonal_rules import diagonal_of, distributed
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.scaled_maps import flat, kron_of, scaled_rows, spread_rows
from symprop.calculus.tidy import tidy
from symprop.errors import ShapeError

MATRIX = Table("matrix of a linear map")
"""Rows take a node that is linear in the variable `u`, `u`, and the recursion; they return `flat(node) + flat(u)`."""

Recursion = Callable[[Node, Variable], Node]


def matrix_of(node: Node, u: Variable) -> Node:
    """Return the matrix of a map linear in `u`, of shape `flat(node.shape) + flat(u.shape)`.

    >>> from symprop.algebra import variable
    >>> A, U, B = variable("A", (2, 3)), variable("U", (3, 4)), variable("B", (4, 5))
    >>> print(tidy(matrix_of(A @ U @ B, U)).text())
    kron(A, B.T)
    """
    if node == u:
        return n.Identity(flat(u.shape)[0]) if u.rank else n.Scalar(1)
    if u not in variables(node):
        return zeros(*flat(node.shape), *flat(u.shape))
    if not u.rank:
        image = replace(node, {u: n.Scalar(1)})
        return _flattened(image)
    if not node.rank:
        pulled, _ = simplified(n.Pullback(n.Scalar(1), node, u), Context())
        return _flattened(pulled)
    found: Node = MATRIX(node, u, matrix_of)
    return found


def _flattened(node: Node) -> Node:
    return node if node.rank < 2 else n.Reshape(node, flat(node.shape))


def applied(matrix: Node, u: Variable, like: Node) -> Node:
    """Return `matrix` applied to the elements of `u`, in the shape of `like`: what a linear map of `u` is."""
    if not u.rank:
        image: Node = n.Multiply(matrix, u)
        return image if like.rank < 2 else n.Reshape(image, like.shape)
    vector = u if u.rank == 1 else n.Reshape(u, flat(u.shape))
    if not like.rank:
        return n.Sum(n.Multiply(matrix, vector))
    image = n.MatMul(matrix, vector)
    return image if like.rank == 1 else n.Reshape(image, like.shape)


def by_columns(node: Node, u: Variable, matrix: Recursion) -> Node:
    """The map of each unit vector, by the batch table: right for every kind, if not the shortest form."""
    tangents = u.change(letter="tangents", shape=(*flat(u.shape), *u.shape))
    units = n.Identity(flat(u.shape)[0])
    images = batched(node, {u: tangents}, flat(u.shape)[0], "rows")
    images = replace(images, {tangents: units if u.rank == 1 else n.Reshape(units, tangents.shape)})
    if images.rank > 2:
        images = n.Reshape(images, (*flat(u.shape), *flat(node.shape)))
    return n.Transpose(images)


def along_an_axis(node: Node, u: Variable, matrix: Recursion) -> Node:
    """The map of each unit vector; where a part has no form for batches, its matrix with its axes apart."""
    try:
        return by_columns(node, u, matrix)
    except ShapeError:
        parts = [n.Reshape(matrix(part, u), (*part.shape, *flat(u.shape))) for part in node.operands]
        return n.Reshape(node.with_operands(parts), (*flat(node.shape), *flat(u.shape)))


# ---------------------------------------------------------------- rows


@MATRIX.row(n.Add)
def _(node: n.Add, u: Variable, matrix: Recursion) -> Node:
    moving = [term for term in node.operands if u in variables(term)]
    parts = [spread_rows(matrix(term, u), term.shape, node.shape) for term in moving]
    return n.Add(*parts) if len(parts) > 1 else parts[0]


@MATRIX.row(n.Multiply)
def _(node: n.Multiply, u: Variable, matrix: Recursion) -> Node:
    inner = next(factor for factor in node.operands if u in variables(factor))
    others = [factor for factor in node.operands if factor is not inner]
    weights = multiplied(others)
    if not inner.rank and u.rank:
        spread = n.Multiply(weights, ones(*node.shape))
        return n.Outer(n.Reshape(spread, flat(node.shape)) if node.rank > 1 else weights, matrix(inner, u))
    if isinstance(inner, n.Add) and any(not same_shape(term, inner) for term in inner.operands):
        arrays = [factor for factor in others if factor.rank]
        terms = [tidy(multiplied([*arrays, term])) for term in inner.operands]  # p * (u - p' u) = p * u - p * (p' u)
        found = matrix(n.Add(*(n.Multiply(term, ones(*node.shape)) for term in terms)), u)
        return multiplied([*(factor for factor in others if not factor.rank), found])
    return scaled_rows(weights, node.shape, spread_rows(matrix(inner, u), inner.shape, node.shape))


@MATRIX.row(n.Where)
def _(node: n.Where, u: Variable, matrix: Recursion) -> Node:
    condition, yes, no = node.operands
    zero, one = n.Scalar(0), n.Scalar(1)
    parts = []
    for branch, holds in ((yes, n.Where(condition, one, zero)), (no, n.Where(condition, zero, one))):
        if u in variables(branch):
            parts.append(scaled_rows(holds, node.shape, spread_rows(matrix(branch, u), branch.shape, node.shape)))
    return n.Add(*parts) if len(parts) > 1 else parts[0]


@MATRIX.row(n.MatMul)
def _(node: n.MatMul, u: Variable, matrix: Recursion) -> Node:
    left, right = node.operands
    if right.rank > 2 and (left.rank > 2 or u in variables(left)):
        return by_columns(node, u, matrix)
    leading = left.shape[:-1]  # of an array of more axes those before its last are one
    if u in variables(right):
        rows = n.Reshape(left, (*flat(leading), left.shape[-1])) if left.rank > 2 else left
        if right.rank == 1:
            return n.MatMul(rows, matrix(right, u))
        rows = n.Expand(left, 0) if left.rank == 1 else rows
        pages = [n.Identity(*flat(right.shape[:-2]))] if right.rank > 2 else []
        return n.MatMul(kron_of([*pages, rows, n.Identity(right.shape[-1])]), matrix(right, u))  # A U: A (x) I
    if right.rank == 1 and isinstance(left, n.MatMul):  # of three axes: of matrices, A (B x) is tidy
        first, second = left.operands
        if first.rank == 1 and u not in variables(second):
            return matrix(n.MatMul(n.MatMul(second, right), first), u)  # x T y = (T y) x
        if second.rank == 1 and u not in variables(first):
            return matrix(n.MatMul(n.MatMul(right, first), second), u)  # T y x = (x T) y
    if right.rank == 1 and isinstance(left, n.Diag):
        return scaled_rows(right, node.shape, matrix(left.operands[0], u))  # diag(u) x = x * u
    row = n.Transpose(right) if right.rank == 2 else n.Expand(right, 0)
    return n.MatMul(n.Kron(n.Identity(*flat(leading)), row), matrix(left, u))  # U B: I (x) B'


@MATRIX.row(n.Sum)
def _(node: n.Sum, u: Variable, matrix: Recursion) -> Node:
    operand = node.operands[0]
    if isinstance(operand, n.MatMul) and operand.rank == len(node.axes) + 1 == 2 and not node.keepdims:
        parts = links(operand if node.axes == (1,) else tidy(n.Transpose(operand)))
        return matrix(reduce(lambda product, part: n.MatMul(part, product), parts[-2::-1], n.Sum(parts[-1], 1)), u)
    below = matrix(operand, u)
    if operand.rank == 1:
        return n.Expand(n.Sum(below, 0), 0)  # one element, whose axis is kept
    factors = [ones(1, size) if axis in node.axes else n.Identity(size) for axis, size in enumerate(operand.shape)]
    return n.MatMul(kron_of(factors), below)


@MATRIX.row(n.Expand, n.Reshape)
def _(node: Node, u: Variable, matrix: Recursion) -> Node:
    below = matrix(node.operands[0], u)
    return below if node.operands[0].rank else n.Expand(below, 0)


@MATRIX.row(n.Transpose)
def _(node: n.Transpose, u: Variable, matrix: Recursion) -> Node:
    operand = node.operands[0]
    if operand.rank < 2 or node.axes == tuple(range(operand.rank)):
        return matrix(operand, u)
    if operand.rank > 2:
        return by_columns(node, u, matrix)
    if 1 in operand.shape:
        return matrix(operand, u)
    return n.MatMul(n.Commutation(*operand.shape), matrix(operand, u))


@MATRIX.row(n.Outer)
def _(node: n.Outer, u: Variable, matrix: Recursion) -> Node:
    left, right = node.operands
    if u in variables(right):
        return n.MatMul(n.Kron(n.Expand(left, 1), n.Identity(right.shape[0])), matrix(right, u))
    return n.MatMul(n.Kron(n.Identity(left.shape[0]), n.Expand(right, 1)), matrix(left, u))


@MATRIX.row(n.Take)
def _(node: n.Take, u: Variable, matrix: Recursion) -> Node:
    table, ids = node.operands
    if ids.rank > 1 or table.rank > 2:
        return by_columns(node, u, matrix)
    below = matrix(table, u)
    if table.rank == 1:
        return n.Take(below, ids)
    chosen = n.OneHot(ids, table.shape[0])
    rows = chosen if ids.rank else n.Expand(chosen, 0)
    return n.MatMul(n.Kron(rows, n.Identity(table.shape[1])), below)  # E[i] = onehot(i) E


@MATRIX.row(n.ScatterAdd)
def _(node: n.ScatterAdd, u: Variable, matrix: Recursion) -> Node:
    values, ids = node.operands
    if values.rank == ids.rank == 1:
        return n.ScatterAdd(matrix(values, u), ids, node.size)
    if values.rank == 2 and ids.rank == 1:
        return n.MatMul(n.Kron(n.Transpose(n.OneHot(ids, node.size)), n.Identity(values.shape[1])), matrix(values, u))
    return by_columns(node, u, matrix)


def _onto_diagonal(size: Expr) -> Node:
    """The matrix of `diag` of a vector: a row for each place, 1 where its row, its column and the element are one."""
    return n.Multiply(n.Kron(n.Identity(size), ones(size, 1)), n.Kron(ones(size, 1), n.Identity(size)))


@MATRIX.row(n.Diag)
def _(node: n.Diag, u: Variable, matrix: Recursion) -> Node:
    return n.MatMul(_onto_diagonal(node.shape[0]), matrix(node.operands[0], u))


@MATRIX.row(n.Diagonal)
def _(node: n.Diagonal, u: Variable, matrix: Recursion) -> Node:
    (numbers, parts), *more = distributed(node.operands[0], u)
    if more:
        terms = [(numbers, parts), *more]
        return n.Add(*(matrix(multiplied([*c, n.Diagonal(reduce(n.MatMul, term))]), u) for c, term in terms))
    place = next((place for place, part in enumerate(parts) if u in variables(part)), 0)
    if len(parts) > 1 and isinstance(parts[place], n.Diag):
        return matrix(multiplied([*numbers, diagonal_of(parts, place)]), u)
    return n.MatMul(n.Transpose(_onto_diagonal(node.shape[0])), matrix(node.operands[0], u))


@MATRIX.row(n.Kron)
def _(node: n.Kron, u: Variable, matrix: Recursion) -> Node:
    """vec(kron(A, B)) = kron(I, K, I) kron(vec(A), vec(B)): what does not depend on `u` is moved at once."""
    left, right = node.operands
    (p, q), (r, s) = left.shape, right.shape
    moved = n.Commutation(q, r)  # of the columns of A and the rows of B
    if u in variables(right):
        column = n.Expand(n.Reshape(left, flat(left.shape)), 1)
        inside = n.MatMul(kron_of([n.Identity(p), moved]), n.Kron(column, n.Identity(r)))
        return n.MatMul(n.Kron(inside, n.Identity(s)), matrix(right, u))
    column = n.Expand(n.Reshape(right, flat(right.shape)), 1)
    inside = n.MatMul(kron_of([moved, n.Identity(s)]), n.Kron(n.Identity(q), column))
    return n.MatMul(n.Kron(n.Identity(p), inside), matrix(left, u))


@MATRIX.row(n.Concatenate)
def _(node: n.Concatenate, u: Variable, matrix: Recursion) -> Node:
    if node.axis:
        return along_an_axis(node, u, matrix)
    return n.Concatenate(*(matrix(part, u) for part in node.operands), axis=0)  # whole blocks of elements in a row


@MATRIX.row(n.Slice)
def _(node: n.Slice, u: Variable, matrix: Recursion) -> Node:
    if node.axis:
        return along_an_axis(node, u, matrix)
    inner = prod(node.shape[1:])
    return n.Slice(matrix(node.operands[0], u), 0, node.start * inner, node.stop * inner)


MATRIX.row(n.Linear)(by_columns)


@MATRIX.row(n.BlockSum)
def _(node: n.BlockSum, u: Variable, matrix: Recursion) -> Node:
    return n.BlockSum(matrix(node.operands[0], u), node.index, node.count)


@MATRIX.row(n.DividedDifference, n.Sylvester)
def _(node: n.DividedDifference | n.Sylvester, u: Variable, matrix: Recursion) -> Node:
    left, right = node.sides  # as matrices on the elements of what stands between them, which commute
    first, second = n.Kron(left, n.Identity(right.shape[0])), n.Kron(n.Identity(left.shape[0]), n.Transpose(right))
    if isinstance(node, n.DividedDifference):
        whole: Node = n.DividedDifference(first, n.Identity(first.shape[0]), second, node.name)
    else:
        whole = n.Inverse(n.Add(first, second))
    return n.MatMul(whole, matrix(node.middle, u))


@MATRIX.row(n.Leaf, n.OneHot, n.Map, n.Compare, n.First, n.Power, n.Softmax, n.Reduction)
@MATRIX.row(n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower, n.Decomposition)
def _(node: Node, u: Variable, matrix: Recursion) -> Node:
    raise LookupError(f"{type(node).__name__} is not linear")


__all__ = ["MATRIX", "applied", "flat", "matrix_of", "scaled_rows", "spread_rows"]
