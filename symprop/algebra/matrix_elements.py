"""The index meaning of inverses, determinants, powers, Kronecker products, extremes, slices and series.

A determinant is that of `sympy.Matrix`, an inverse the adjugate over it (Cramer's rule); both need sizes
that are numbers.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer, KroneckerDelta

from symprop.algebra import nodes as n
from symprop.algebra.called import called
from symprop.algebra.elements import ELEMENT, Index, Reader, indices, with_axes
from symprop.algebra.nodes import Node
from symprop.errors import ShapeError


def _number(node: Node, size: Expr) -> int:
    if not size.is_Integer:
        raise ShapeError(f"{called(node)}: its elements are written out for numbers, not for the size {size}")
    return int(size)


@ELEMENT.row(n.Determinant)
def _(node: n.Determinant, index: Index, of: Reader) -> Expr:
    (matrix,) = node.operands
    return _minor(node, matrix, of)


def _minor(node: Node, matrix: Node, of: Reader, without: tuple[Any, ...] = ()) -> Expr:
    """Return the determinant of a matrix, without one row and one column where these are given."""
    size = _number(node, matrix.shape[0])
    rows, columns = ([k for k in range(size) if k not in without[place : place + 1]] for place in (0, 1))
    entries = [[of(matrix, (Integer(row), Integer(column))) for column in columns] for row in rows]
    return sympy.Matrix(entries).det(method="berkowitz") if entries else Integer(1)


@ELEMENT.row(n.LogDeterminant)
def _(node: n.LogDeterminant, index: Index, of: Reader) -> Expr:
    return sympy.log(of(n.Determinant(node.operands[0]), ()) ** 2) / 2  # log|d| without a kink at 0


@ELEMENT.row(n.Inverse)
def _(node: n.Inverse, index: Index, of: Reader) -> Expr:
    (matrix,) = node.operands  # the adjugate over the determinant (Cramer)
    row, column = index
    _number(node, row), _number(node, column)
    return (-1) ** (row + column) * _minor(node, matrix, of, (column, row)) / of(n.Determinant(matrix), ())


@ELEMENT.row(n.Decomposition)
def _(node: n.Decomposition, index: Index, of: Reader) -> Expr:
    raise ShapeError(f"{node.text()} is made of the whole matrix; there is no formula for one element of it")


@ELEMENT.row(n.MatrixPower)
def _(node: n.MatrixPower, index: Index, of: Reader) -> Expr:
    (base,) = node.operands
    exponent = _number(node, node.exponent)
    if exponent == 0:
        return KroneckerDelta(*index)
    if exponent < 0:
        return of(n.MatrixPower(n.Inverse(base), -exponent), index)
    less = n.MatrixPower(base, exponent - 1)
    return of.sum(lambda k: of(less, (index[0], k)) * of(base, (k, index[1])), base.shape[0])


@ELEMENT.row(n.Kron)
def _(node: n.Kron, index: Index, of: Reader) -> Expr:
    left, right = node.operands
    outer = tuple(position // size for position, size in zip(index, right.shape, strict=True))
    inner = tuple(position % size for position, size in zip(index, right.shape, strict=True))
    return of(left, outer) * of(right, inner)


@ELEMENT.row(n.Duplication)
def _(node: n.Duplication, index: Index, of: Reader) -> Expr:
    (size,) = node.args
    place, from_place = index
    row, column = place // size, place % size
    low, high = sympy.Min(row, column), sympy.Max(row, column)
    return KroneckerDelta(low * (2 * size - low - 1) / 2 + high, from_place)


@ELEMENT.row(n.Commutation)
def _(node: n.Commutation, index: Index, of: Reader) -> Expr:
    rows, columns = node.args  # element (j, i) of the transpose, row by row, is element (i, j) of the matrix
    place, from_place = index
    return KroneckerDelta(place % rows * columns + place // rows, from_place)


@ELEMENT.row(n.Product)
def _(node: n.Product, index: Index, of: Reader) -> Expr:
    return sympy.Mul(*_reduced(node, index, of))


@ELEMENT.row(n.Extreme)
def _(node: n.Extreme, index: Index, of: Reader) -> Expr:
    parts = _reduced(node, index, of)
    if not node.is_first:
        return (sympy.Max if node.which == "max" else sympy.Min)(*parts)
    choices = [(part, _is_first(node, parts, place)) for place, part in enumerate(parts)]
    return sympy.Piecewise(*choices[:-1], (parts[-1], True))  # whose derivative is that of the first


@ELEMENT.row(n.First)
def _(node: n.First, index: Index, of: Reader) -> Expr:
    places = _inside(node, node.axes)
    parts = [of(node.operands[0], with_axes(index, node.axes, k, node.rank, True)) for k in places]
    along = tuple(index[axis] for axis in node.axes)
    if not all(place.is_Integer for place in along):
        raise ShapeError(f"First has no element at {along}; give the index a number first")
    return sympy.Piecewise((Integer(1), _is_first(node, parts, places.index(along))), (Integer(0), True))


def _is_first(node: n.Extreme | n.First, parts: list[Expr], place: int) -> Any:
    """Return when the element at a place is the first of the largest, or of the smallest."""
    beyond, at = (sympy.Gt, sympy.Ge) if node.which == "max" else (sympy.Lt, sympy.Le), parts[place]
    return sympy.And(
        *(beyond[0](at, each) for each in parts[:place]), *(beyond[1](at, each) for each in parts[place + 1 :])
    )


def _reduced(node: n.Product | n.Extreme, index: Index, of: Reader) -> list[Expr]:
    """Return the elements that one element of a product or an extreme is made of."""
    operand = node.operands[0]
    inside = _inside(operand, node.axes)
    return [of(operand, with_axes(index, node.axes, k, operand.rank, node.keepdims)) for k in inside]


def _inside(node: Node, axes: tuple[int, ...]) -> list[Index]:
    """Return the indices along some axes, in row-major order."""
    for axis in axes:
        _number(node, node.shape[axis])
    return list(indices(tuple(node.shape[axis] for axis in axes)))


@ELEMENT.row(n.Concatenate)
def _(node: n.Concatenate, index: Index, of: Reader) -> Expr:
    place = index[node.axis]
    pieces: list[tuple[Expr, Any]] = []
    before: Expr = Integer(0)
    for part in node.operands:
        after = before + part.shape[node.axis]
        inside = sympy.And(place >= before, place < after)
        if inside != sympy.false:
            pieces.append((of(part, (*index[: node.axis], place - before, *index[node.axis + 1 :])), inside))
        before = after
    return sympy.Piecewise(*pieces[:-1], (pieces[-1][0], True))


@ELEMENT.row(n.BlockSum)
def _(node: n.BlockSum, index: Index, of: Reader) -> Expr:
    if node.count.is_Integer:
        return sympy.Add(*(of(node.at(Integer(place)), index) for place in range(1, int(node.count) + 1)))
    return sympy.Sum(of(node.operands[0], index), (node.index, 1, node.count))
