"""The table of SymPy's matrix expressions, and what its rows are built of: ones, sums, functions of elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy
from sympy import Dummy, Expr, Integer, Lambda
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symprop.algebra.defined import T
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape, same
from symprop.algebra.table import Table
from symprop.errors import FormulaError, shown

SYMPY = Table("SymPy matrix expression")
"""Rows take a node and a function that gives the SymPy expression of a node below."""

Of = Callable[[Node], Any]


def no_expression(node: Node, what: str = "") -> FormulaError:
    name = what or f"a {type(node).__name__}"
    return FormulaError(f"SymPy's matrices have no expression for {name}: {shown(node.text())}")


def rows_and_columns(shape: Shape) -> tuple[Expr, Expr]:
    """The shape that SymPy gives an array of rank 0, 1 or 2."""
    rows, columns = (*shape, Integer(1), Integer(1))[:2]
    return rows, columns


def ones_of(rows: Expr, columns: Expr) -> Any:
    """Return a matrix of ones; that of one element is the identity, which products leave out."""
    return sympy.Identity(1) if rows == 1 and columns == 1 else sympy.OneMatrix(rows, columns)


def product(*factors: Any) -> Any:
    """Return a matrix product without identities."""
    return sympy.MatMul(*factors).doit(deep=False)


def scaled(number: Any, matrix: Any) -> Any:
    return matrix if number == 1 else sympy.MatMul(number, matrix).doit(deep=False)


def spread(matrix: Any, shape: Shape, to: Shape) -> Any:
    """Return what broadcasting makes of an operand of `shape` in a result of shape `to`, as a matrix."""
    rows, columns = rows_and_columns(to)
    if not shape:
        return scaled(matrix, ones_of(rows, columns))
    if len(shape) == 1 and len(to) == 2:  # a vector is a row of the result
        matrix, shape = matrix.T, (Integer(1), shape[0])
    have_rows, have_columns = rows_and_columns(shape)
    left = [] if same(have_rows, rows) else [ones_of(rows, Integer(1))]
    right = [] if same(have_columns, columns) else [ones_of(Integer(1), columns)]
    return product(*left, matrix, *right) if left or right else matrix


ENTRY = Dummy("t", real=True)
"""What stands for an element in the body of a function: no symbol of a user is this one."""


def elementwise(matrix: Any, body: Any) -> Any:
    """Return a function of `ENTRY`, given by its body, of each element; it is written in `t` where no scalar is."""
    parameter = ENTRY if T in body.free_symbols else T
    return ElementwiseApplyFunction(Lambda((parameter,), body.xreplace({ENTRY: parameter})), matrix)


def hadamard(factors: Sequence[Any]) -> Any:
    return factors[0] if len(factors) == 1 else sympy.HadamardProduct(*factors)


def total(matrix: Any) -> Any:
    """Return the sum of all elements as a scalar."""
    rows, columns = matrix.shape
    return sympy.Trace(product(ones_of(Integer(1), rows), matrix, ones_of(columns, Integer(1))))


def along(node: Any, matrix: Any, axis: int, keepdims: bool) -> Any:
    """Return the sum of a matrix over one axis; without `keepdims`, a vector, which is a column."""
    rows, columns = rows_and_columns(node.shape)
    if axis == 1:
        return product(matrix, ones_of(columns, Integer(1)))
    return product(ones_of(Integer(1), rows), matrix) if keepdims else product(matrix.T, ones_of(rows, Integer(1)))
