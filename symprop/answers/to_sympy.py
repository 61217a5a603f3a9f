"""Formulas out as SymPy's matrix expressions, wherever one exists.

SymPy has matrices alone: a vector becomes a matrix of one column, broadcasting becomes a product with ones, and a sum
too, in a trace where it is a number. What SymPy's matrices cannot say (arrays of three axes, ids, reshapes) is refused
by name. Functions are written in plain SymPy, so `sigmoid` is `1 / (1 + exp(-t))`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy
from sympy import Basic, Dummy, Expr, Integer, Lambda, MatrixExpr, MatrixSymbol, Rational, Symbol
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf
from sympy.matrices.expressions.slice import MatrixSlice

from symprop.algebra import nodes as n
from symprop.algebra.defined import T
from symprop.algebra.elements import RELATIONS
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape, same, shape_text
from symprop.algebra.table import Table
from symprop.algebra.trees import variables
from symprop.errors import FormulaError, shown

SYMPY = Table("SymPy matrix expression")
"""Rows take a node and a function that gives the SymPy expression of a node below."""

Of = Callable[[Node], Any]


def to_sympy(node: Node, like: Any = None) -> Any:
    """Return a node as a SymPy expression: a scalar for rank 0, a column for rank 1, a matrix for rank 2.

    Names that stand in `like`, a SymPy expression, become its symbols; others become `MatrixSymbol`s and `Symbol`s.

    >>> from symprop.algebra.formula import formula
    >>> to_sympy(formula("X.T @ (X @ w - y) / m", X="m n", w="n", y="m").node)
    1/m*X.T*(X*w - y)
    >>> to_sympy(formula("x @ A @ y", x="n", y="n", A="n n").node)
    Trace(x.T*A*y)

    Raises:
        FormulaError: a node that SymPy's matrices have no expression for.
    """

    def of(part: Node) -> Any:
        if part.rank > 2:
            raise _no_expression(part, f"an array of shape {shape_text(part.shape)}")
        return SYMPY(part, of)

    found = of(node)
    if isinstance(found, MatrixExpr):
        found = found.doit(deep=False)
    return found if like is None else found.xreplace(_as_in(like, node, of))


def _as_in(like: Any, node: Node, of: Of) -> dict[Basic, Basic]:
    """Return the symbols of `like` for ours of the same names: matrices, scalars and sizes."""
    matrices = {symbol.name: symbol for symbol in like.atoms(MatrixSymbol)}
    scalars = {symbol.name: symbol for symbol in like.atoms(Symbol)}
    found: dict[Basic, Basic] = {}
    for each in variables(node):
        if each.name in matrices:
            found[of(each)] = matrices[each.name] if each.rank else matrices[each.name][0, 0]
        elif each.name in scalars:
            found[of(each)] = scalars[each.name]
    sizes = sorted((each for each in node.free_symbols if isinstance(each, Symbol)), key=str)
    return found | {size: scalars[size.name] for size in sizes if size.name in scalars}


def _no_expression(node: Node, what: str = "") -> FormulaError:
    name = what or f"a {type(node).__name__}"
    return FormulaError(f"SymPy's matrices have no expression for {name}: {shown(node.text())}")


def _rows_and_columns(shape: Shape) -> tuple[Expr, Expr]:
    """The shape that SymPy gives an array of rank 0, 1 or 2."""
    rows, columns = (*shape, Integer(1), Integer(1))[:2]
    return rows, columns


def ones_of(rows: Expr, columns: Expr) -> Any:
    """Return a matrix of ones; that of one element is the identity, which products leave out."""
    return sympy.Identity(1) if rows == 1 and columns == 1 else sympy.OneMatrix(rows, columns)


def _product(*factors: Any) -> Any:
    """Return a matrix product without identities."""
    return sympy.MatMul(*factors).doit(deep=False)


def _scaled(number: Any, matrix: Any) -> Any:
    return matrix if number == 1 else sympy.MatMul(number, matrix).doit(deep=False)


def _spread(matrix: Any, shape: Shape, to: Shape) -> Any:
    """Return what broadcasting makes of an operand of `shape` in a result of shape `to`, as a matrix."""
    rows, columns = _rows_and_columns(to)
    if not shape:
        return _scaled(matrix, ones_of(rows, columns))
    if len(shape) == 1 and len(to) == 2:  # a vector is a row of the result
        matrix, shape = matrix.T, (Integer(1), shape[0])
    have_rows, have_columns = _rows_and_columns(shape)
    left = [] if same(have_rows, rows) else [ones_of(rows, Integer(1))]
    right = [] if same(have_columns, columns) else [ones_of(Integer(1), columns)]
    return _product(*left, matrix, *right) if left or right else matrix


ENTRY = Dummy("t", real=True)
"""What stands for an element in the body of a function: no symbol of a user is this one."""


def _elementwise(matrix: Any, body: Any) -> Any:
    """Return a function of `ENTRY`, given by its body, of each element; it is written in `t` where no scalar is."""
    parameter = ENTRY if T in body.free_symbols else T
    return ElementwiseApplyFunction(Lambda((parameter,), body.xreplace({ENTRY: parameter})), matrix)


def _hadamard(factors: Sequence[Any]) -> Any:
    return factors[0] if len(factors) == 1 else sympy.HadamardProduct(*factors)


def _total(matrix: Any) -> Any:
    """Return the sum of all elements as a scalar."""
    rows, columns = matrix.shape
    return sympy.Trace(_product(ones_of(Integer(1), rows), matrix, ones_of(columns, Integer(1))))


def _along(node: Any, matrix: Any, axis: int, keepdims: bool) -> Any:
    """Return the sum of a matrix over one axis; without `keepdims`, a vector, which is a column."""
    rows, columns = _rows_and_columns(node.shape)
    if axis == 1:
        return _product(matrix, ones_of(columns, Integer(1)))
    return _product(ones_of(Integer(1), rows), matrix) if keepdims else _product(matrix.T, ones_of(rows, Integer(1)))


# ---------------------------------------------------------------- leaves


@SYMPY.row(n.Variable)
def _(node: n.Variable, of: Of) -> Any:
    if not node.rank:
        return Symbol(node.name)
    return MatrixSymbol(node.name, *_rows_and_columns(node.shape))


@SYMPY.row(n.Scalar)
def _(node: n.Scalar, of: Of) -> Any:
    return node.value


@SYMPY.row(n.Fill)
def _(node: n.Fill, of: Of) -> Any:
    rows, columns = _rows_and_columns(node.shape)
    return sympy.ZeroMatrix(rows, columns) if node.value == 0 else _scaled(node.value, ones_of(rows, columns))


@SYMPY.row(n.Identity)
def _(node: n.Identity, of: Of) -> Any:
    return sympy.Identity(node.shape[0])


# ---------------------------------------------------------------- elementwise


@SYMPY.row(n.Add)
def _(node: n.Add, of: Of) -> Any:
    if not node.rank:
        return sympy.Add(*map(of, node.operands))
    terms = [_spread(of(term), term.shape, node.shape) for term in node.operands]
    return sympy.MatAdd(*terms).doit(deep=False)


@SYMPY.row(n.Multiply)
def _(node: n.Multiply, of: Of) -> Any:
    number = sympy.Mul(*(of(factor) for factor in node.operands if not factor.rank))
    arrays = [factor for factor in node.operands if factor.rank]
    if not arrays:
        return number
    full = [factor for factor in arrays if isinstance(factor, n.Fill)]
    others = [factor for factor in arrays if not isinstance(factor, n.Fill)]
    number *= sympy.prod([factor.value for factor in full])
    spread = [_spread(of(factor), factor.shape, node.shape) for factor in others]
    return _scaled(number, _hadamard(spread) if spread else ones_of(*_rows_and_columns(node.shape)))


@SYMPY.row(n.Power)
def _(node: n.Power, of: Of) -> Any:
    base = of(node.operands[0])
    return sympy.HadamardPower(base, node.exponent) if node.rank else base**node.exponent


def _halves(node: n.Map, sign: int, of: Of) -> Any:
    """The larger or smaller of two arrays: `(a + b + |a - b|) / 2` or `(a + b - |a - b|) / 2`."""
    left, right = (_spread(of(operand), operand.shape, node.shape) for operand in node.operands)
    gap = _elementwise(sympy.MatAdd(left, _scaled(-1, right)), sympy.Abs(ENTRY))
    return _scaled(Rational(1, 2), sympy.MatAdd(left, right, _scaled(sign, gap)))


@SYMPY.row(n.Map)
def _(node: n.Map, of: Of) -> Any:
    function = node.function
    arrays = [operand for operand in node.operands if operand.rank]
    definition = function.definition
    values = {
        parameter: ENTRY if operand.rank else of(operand)
        for parameter, operand in zip(function.parameters, node.operands, strict=True)
    }
    if len(arrays) <= 1:
        body = definition.subs(values, simultaneous=True)
        if not arrays:
            return body
        return _elementwise(of(arrays[0]), body)
    if isinstance(definition, (sympy.Max, sympy.Min)):
        return _halves(node, 1 if isinstance(definition, sympy.Max) else -1, of)
    raise _no_expression(node, f"{function.name} of two arrays")


def _indicator(relation: str, left: Any, right: Any) -> Any:
    return sympy.Piecewise((1, RELATIONS[relation](left, right)), (0, True))


@SYMPY.row(n.Compare)
def _(node: n.Compare, of: Of) -> Any:
    left, right = node.operands
    if not node.rank:
        return _indicator(node.relation, of(left), of(right))
    if not right.rank:
        return _elementwise(of(left), _indicator(node.relation, ENTRY, of(right)))
    if not left.rank:
        return _elementwise(of(right), _indicator(node.relation, of(left), ENTRY))
    one, other = (_spread(of(operand), operand.shape, node.shape) for operand in node.operands)
    return _elementwise(sympy.MatAdd(one, _scaled(-1, other)), _indicator(node.relation, ENTRY, Integer(0)))


@SYMPY.row(n.Where)
def _(node: n.Where, of: Of) -> Any:
    """`c * yes + (1 - c) * no` for the indicator `c`: the choice wherever both have a value."""
    condition, yes, no = node.operands
    holds = condition if isinstance(condition, n.Compare) else n.Compare("!=", condition, n.Scalar(0))
    return of(n.Add(n.Multiply(holds, yes), n.Multiply(n.Add(n.Scalar(1), n.negative(holds)), no)))


@SYMPY.row(n.Softmax)
def _(node: n.Softmax, of: Of) -> Any:
    powers = _elementwise(of(node.operands[0]), sympy.exp(ENTRY))
    if node.rank == 1:
        return _scaled(1 / _total(powers), powers)
    total = _along(node.operands[0], powers, node.axis, True)
    shape = tuple(Integer(1) if axis == node.axis else size for axis, size in enumerate(node.shape))
    return _hadamard([powers, _spread(sympy.HadamardPower(total, -1), shape, node.shape)])


@SYMPY.row(n.LogSumExp)
def _(node: n.LogSumExp, of: Of) -> Any:
    operand = node.operands[0]
    powers = _elementwise(of(operand), sympy.exp(ENTRY))
    if operand.rank == 1:
        number = sympy.log(_total(powers))
        return _scaled(number, sympy.Identity(1)) if node.keepdims else number
    return _elementwise(_along(operand, powers, node.axis, node.keepdims), sympy.log(ENTRY))


# ---------------------------------------------------------------- products


def _one_number(product: Any) -> Any:
    """Return a matrix of one element as a scalar."""
    return product[0, 0] if isinstance(product, MatrixSymbol) else sympy.Trace(product)


@SYMPY.row(n.MatMul)
def _(node: n.MatMul, of: Of) -> Any:
    left, right = node.operands
    if left.rank == 1 and right.rank == 2:
        return _product(of(right).T, of(left))
    if left.rank == right.rank == 1:
        return _one_number(_product(of(left).T, of(right)))
    return _product(of(left), of(right))


@SYMPY.row(n.Outer)
def _(node: n.Outer, of: Of) -> Any:
    left, right = map(of, node.operands)
    return _product(left, right.T)


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
        return _scaled(number, sympy.Identity(1)) if node.keepdims else number
    return _along(operand, of(operand), node.axes[0], node.keepdims)


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
            left, right = (_spread(of(each), each.shape, operand.shape) for each in arrays)
            return sympy.Mul(*number, sympy.Trace(_product(left.T, right)))
    return _total(of(operand))


@SYMPY.row(n.Product)
def _(node: n.Product, of: Of) -> Any:
    """The product of the elements of a vector is the determinant of the matrix with it on the diagonal."""
    if node.operands[0].rank != 1:
        raise _no_expression(node, "a product over an axis of a matrix")
    number = sympy.Determinant(DiagMatrix(of(node.operands[0])))
    return _scaled(number, sympy.Identity(1)) if node.keepdims else number


@SYMPY.row(n.Kron)
def _(node: n.Kron, of: Of) -> Any:
    return sympy.KroneckerProduct(*map(of, node.operands))


# ---------------------------------------------------------------- arrangements


@SYMPY.row(n.Expand)
def _(node: n.Expand, of: Of) -> Any:
    operand = of(node.operands[0])
    if node.rank == 1:
        return _scaled(operand, sympy.Identity(1))
    return operand.T if node.axis == 0 else operand


@SYMPY.row(n.Reshape)
def _(node: n.Reshape, of: Of) -> Any:
    """Only axes of length 1 come and go; a column may become a row."""
    operand = node.operands[0]
    matrix = of(operand) if operand.rank else _scaled(of(operand), sympy.Identity(1))
    have, want = _rows_and_columns(operand.shape), _rows_and_columns(node.shape)
    if not all(map(same, have, want)):
        if 1 not in have or not all(map(same, have, reversed(want))):
            raise _no_expression(node)
        matrix = matrix.T
    return matrix if node.rank else _one_number(matrix)


@SYMPY.row(n.Diag)
def _(node: n.Diag, of: Of) -> Any:
    return DiagMatrix(of(node.operands[0]))


@SYMPY.row(n.Diagonal)
def _(node: n.Diagonal, of: Of) -> Any:
    return DiagonalOf(of(node.operands[0]))


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


@SYMPY.row(n.Slice)
def _(node: n.Slice, of: Of) -> Any:
    base, (rows, columns) = _sliced(node)
    return MatrixSlice(of(base), rows, columns)


Ends = tuple[Any, Any]


def _sliced(node: Node) -> tuple[Node, tuple[Ends, Ends]]:
    """Return what slices of slices are slices of, with the first row and column and those behind the last."""
    if not isinstance(node, n.Slice):
        rows, columns = _rows_and_columns(node.shape)
        return node, ((Integer(0), rows), (Integer(0), columns))
    base, (rows, columns) = _sliced(node.operands[0])
    begin = (rows, columns)[node.axis][0]
    ends = (begin + node.start, begin + node.stop)
    return base, ((ends, columns) if node.axis == 0 else (rows, ends))


# ---------------------------------------------------------------- square matrices


@SYMPY.row(n.Inverse)
def _(node: n.Inverse, of: Of) -> Any:
    return of(node.operands[0]).inverse()


@SYMPY.row(n.Determinant)
def _(node: n.Determinant, of: Of) -> Any:
    return sympy.Determinant(of(node.operands[0]))


@SYMPY.row(n.LogDeterminant)
def _(node: n.LogDeterminant, of: Of) -> Any:
    return sympy.log(sympy.Abs(sympy.Determinant(of(node.operands[0]))))


@SYMPY.row(n.MatrixPower)
def _(node: n.MatrixPower, of: Of) -> Any:
    return sympy.MatPow(of(node.operands[0]), node.exponent).doit(deep=False)


@SYMPY.row(n.Take, n.ScatterAdd, n.OneHot, n.Extreme, n.Commutation, n.BlockSum)
def _(node: Node, of: Of) -> Any:
    raise _no_expression(node)


__all__ = ["to_sympy"]
