"""Products, sums, arrangements and functions of square matrices in SymPy's matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Integer, MatrixSymbol
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf
from sympy.matrices.expressions.slice import MatrixSlice

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.formulas.interchange.matrices import (
    SYMPY,
    Of,
    along,
    no_expression,
    product,
    rows_and_columns,
    scaled,
    spread,
    total,
)

# ---------------------------------------------------------------- products


def _one_number(matrix: Any) -> Any:
    """Return a matrix of one element as a scalar."""
    return matrix[0, 0] if isinstance(matrix, MatrixSymbol) else sympy.Trace(matrix)


@SYMPY.row(n.MatMul)
def _(node: n.MatMul, of: Of) -> Any:
    left, right = node.operands
    if left.rank == 1 and right.rank == 2:
        return product(of(right).T, of(left))
    if left.rank == right.rank == 1:
        return _one_number(product(of(left).T, of(right)))
    return product(of(left), of(right))


@SYMPY.row(n.Outer)
def _(node: n.Outer, of: Of) -> Any:
    left, right = map(of, node.operands)
    return product(left, right.T)


@SYMPY.row(n.Transpose)
def _(node: n.Transpose, of: Of) -> Any:
    operand = of(node.operands[0])
    return operand.T if node.axes == (1, 0) else operand


@SYMPY.row(n.Sum)
def _(node: n.Sum, of: Of) -> Any:
    operand = node.operands[0]
    if not node.axes:
        return of(operand)
    if operand.rank == 1 or len(node.axes) == 2:
        number = _sum_of_all(operand, of)
        return scaled(number, sympy.Identity(1)) if node.keepdims else number
    return along(operand, of(operand), node.axes[0], node.keepdims)


def _sum_of_all(operand: Node, of: Of) -> Any:
    """The trace of a matrix, the inner product of two arrays, or a product with ones from both sides."""
    if isinstance(operand, n.Diagonal):
        return sympy.Trace(of(operand.operands[0]))
    if isinstance(operand, n.Slice) and all(size == 1 for size in operand.shape):
        base, ((row, _), (column, _)) = _sliced(operand)
        return of(base)[row, column]
    if isinstance(operand, n.Multiply):
        number = [of(factor) for factor in operand.operands if not factor.rank]
        arrays = [factor for factor in operand.operands if factor.rank]
        if len(arrays) == 2 and all(len(each.shape) == operand.rank for each in arrays):
            left, right = (spread(of(each), each.shape, operand.shape) for each in arrays)
            return sympy.Mul(*number, sympy.Trace(product(left.T, right)))
    return total(of(operand))


@SYMPY.row(n.Product)
def _(node: n.Product, of: Of) -> Any:
    """The product of the elements of a vector is the determinant of the matrix with it on the diagonal."""
    if node.operands[0].rank != 1:
        raise no_expression(node, "a product over an axis of a matrix")
    number = sympy.Determinant(DiagMatrix(of(node.operands[0])))
    return scaled(number, sympy.Identity(1)) if node.keepdims else number


# ---------------------------------------------------------------- arrangements


@SYMPY.row(n.Expand)
def _(node: n.Expand, of: Of) -> Any:
    operand = of(node.operands[0])
    if node.rank == 1:
        return scaled(operand, sympy.Identity(1))
    return operand.T if node.axis == 0 else operand


@SYMPY.row(n.Reshape)
def _(node: n.Reshape, of: Of) -> Any:
    """Only axes of length 1 come and go; a column may become a row."""
    operand = node.operands[0]
    matrix = of(operand) if operand.rank else scaled(of(operand), sympy.Identity(1))
    have, want = rows_and_columns(operand.shape), rows_and_columns(node.shape)
    if not all(map(same, have, want)):
        if 1 not in have or not all(map(same, have, reversed(want))):
            raise no_expression(node)
        matrix = matrix.T
    return matrix if node.rank else _one_number(matrix)


@SYMPY.row(n.Concatenate)
def _(node: n.Concatenate, of: Of) -> Any:
    if node.axis == 1:
        return sympy.BlockMatrix([[of(operand) for operand in node.operands]])
    rows = [_blocks(operand) for operand in node.operands]
    widths = [[part.shape[-1] for part in row] for row in rows]
    if any(len(row) != len(rows[0]) or not all(map(same, row, widths[0])) for row in widths):
        rows = [(operand,) for operand in node.operands]  # rows of blocks that do not line up
    return sympy.BlockMatrix([[of(part) for part in row] for row in rows])


def _blocks(row: Node) -> tuple[Node, ...]:
    return row.operands if isinstance(row, n.Concatenate) and row.axis == 1 else (row,)


@SYMPY.row(n.Pad)
def _(node: n.Pad, of: Of) -> Any:
    padded = node.operands[0]
    for axis in reversed(range(node.rank)):  # blocks of the value around
        around = [(*padded.shape[:axis], width, *padded.shape[axis + 1 :]) for width in node.widths[axis]]
        before, after = ([n.Fill(node.value, shape)] if shape[axis] != 0 else [] for shape in around)
        padded = n.Concatenate(*before, padded, *after, axis=axis) if before or after else padded
    return of(padded)


@SYMPY.row(n.Slice)
def _(node: n.Slice, of: Of) -> Any:
    base, (rows, columns) = _sliced(node)
    return MatrixSlice(of(base), rows, columns)


Ends = tuple[Any, Any]


def _sliced(node: Node) -> tuple[Node, tuple[Ends, Ends]]:
    """Return what slices of slices are slices of, with the first row and column and those behind the last."""
    if not isinstance(node, n.Slice):
        rows, columns = rows_and_columns(node.shape)
        return node, ((Integer(0), rows), (Integer(0), columns))
    base, (rows, columns) = _sliced(node.operands[0])
    begin = (rows, columns)[node.axis][0]
    ends = (begin + node.start, begin + node.stop)
    return base, ((ends, columns) if node.axis == 0 else (rows, ends))


# ---------------------------------------------------------------- what SymPy has by a name

NAMED: dict[type[Node], Callable[..., Any]] = {
    n.Kron: sympy.KroneckerProduct,
    n.Diag: DiagMatrix,
    n.Diagonal: DiagonalOf,
    n.Inverse: lambda matrix: matrix.inverse(),
    n.Determinant: sympy.Determinant,
    n.LogDeterminant: lambda matrix: sympy.log(sympy.Abs(sympy.Determinant(matrix), evaluate=False)),
}


@SYMPY.row(*NAMED)
def _(node: Node, of: Of) -> Any:
    return NAMED[type(node)](*map(of, node.operands))


@SYMPY.row(n.MatrixPower)
def _(node: n.MatrixPower, of: Of) -> Any:
    return sympy.MatPow(of(node.operands[0]), node.exponent).doit(deep=False)


@SYMPY.row(
    n.Take,
    n.ScatterAdd,
    n.OneHot,
    n.Extreme,
    n.First,
    n.Commutation,
    n.Duplication,
    n.BlockSum,
    n.Flip,
    n.Windowed,
    n.Data,
)
@SYMPY.row(n.Decomposition)
def _(node: Node, of: Of) -> Any:
    raise no_expression(node)
