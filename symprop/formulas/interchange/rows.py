"""What each kind of SymPy's expressions means: `READ` for matrices, `SCALARS` for numbers that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Expr, Integer, MatrixExpr, MatrixSymbol
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from symprop.algebra import nodes as n
from symprop.algebra.defined import T, stable
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.trees import ones, zeros
from symprop.formulas.interchange.parts import Part, Reader, part_of, refused

# ---------------------------------------------------------------- matrices


def _alike(parts: list[Part], build: Callable[..., Node]) -> Part:
    """Apply an elementwise operation to parts of one shape."""
    first = parts[0]
    return Part(build(*(part.node for part in parts)), first.is_row)


def _sum(expression: Any, of: Reader) -> Part:
    return _alike([of.part(term) for term in expression.args], n.Add)


def _product(expression: Any, of: Reader) -> Part:
    """A product of numbers and matrices; vectors meet as inner and outer products."""
    scalars = [of.scalar(factor) for factor in expression.args if not isinstance(factor, MatrixExpr)]
    parts = [of.part(factor) for factor in expression.args if isinstance(factor, MatrixExpr)]
    if len(scalars) + len(parts) < len(expression.args) or not parts:
        raise refused(expression)
    found = parts[0]
    for right in parts[1:]:
        found = _times(found, right)
    return Part(n.Multiply(*scalars, found.node), found.is_row) if scalars else found


def _times(left: Part, right: Part) -> Part:
    if left.node.rank == 0 or right.node.rank == 0:
        return Part(n.Multiply(left.node, right.node), (right if left.node.rank == 0 else left).is_row)
    if left.node.rank == right.node.rank == 1 and not left.is_row:
        return Part(n.Outer(left.node, right.node))
    if left.is_row and right.node.rank == 2:  # x' A = (A' x)'
        return Part(n.MatMul(right.node.permuted((1, 0)), left.node), True)
    return Part(n.MatMul(left.node, right.node))


def _power(expression: Any, of: Reader) -> Part:
    """A power of a square matrix: the inverse, or a product with itself."""
    base, exponent = of.part(expression.base), sympy.sympify(expression.exp, strict=True).xreplace(of.sizes)
    if base.node.rank == 0:
        return Part(lift(T**exponent, {T: base.node}))
    if exponent == -1:
        return Part(n.Inverse(base.node))
    if not exponent.is_integer:
        raise refused(expression)
    return Part(n.MatrixPower(base.node, exponent))


def _transpose(expression: Any, of: Reader) -> Part:
    part = of.part(expression.arg)
    if part.node.rank == 2:
        return Part(part.node.permuted((1, 0)))
    return Part(part.node, part.node.rank == 1 and not part.is_row)


def _applied(expression: Any, of: Reader) -> Part:
    """A function of each element: known ones by their names, the others by the operations of their bodies."""
    part, function = of.part(expression.expr), expression.function
    if not isinstance(function, sympy.Lambda) or len(function.variables) != 1:
        raise refused(expression)
    (t,) = function.variables
    body = stable(function.expr.xreplace({t: T}))
    known = next((each for each in FUNCTIONS.values() if each.body == body and len(each.parameters) == 1), None)
    if known is not None:
        return Part(known(part.node), part.is_row)
    return _lifted(function.expr, {t: part}, of)


def _lifted(body: Expr, of_symbols: dict[Any, Part], of: Reader) -> Part:
    """Lift a scalar body in which some symbols stand for matrices of one shape."""
    arrays: dict[Expr, Node] = {}
    place = {symbol: sympy.Dummy(real=True) for symbol in of_symbols}
    arrays.update({place[symbol]: part.node for symbol, part in of_symbols.items()})
    first = next(iter(of_symbols.values()))
    found = lift(of.opened(body.xreplace(place), arrays).xreplace(of.sizes), arrays)
    full = found if found.rank == first.node.rank else n.Multiply(found, ones(*first.node.shape))
    return Part(full, first.is_row)


def _hadamard_power(expression: Any, of: Reader) -> Part:
    base, exponent = expression.base, expression.exp
    symbols = {T: base, sympy.Dummy("e", real=True): exponent}
    matrices = {symbol: of.part(each) for symbol, each in symbols.items() if isinstance(each, MatrixExpr)}
    body = sympy.Pow(*(symbol if symbol in matrices else each for symbol, each in symbols.items()))
    return _lifted(body, matrices, of)


def _identity(expression: Any, of: Reader) -> Part:
    size = of.size(expression.shape[0])
    return Part(n.Scalar(1) if size == 1 else n.Identity(size))


def _filled(expression: Any, of: Reader) -> Part:
    rows, columns = (of.size(size) for size in expression.shape)
    shape = tuple(size for size in (rows, columns) if size != 1)
    fill = ones if isinstance(expression, sympy.OneMatrix) else zeros
    return Part(fill(*shape), len(shape) == 1 and rows == 1)


def _diagonal_matrix(expression: Any, of: Reader) -> Part:
    """`DiagMatrix` of a vector, or what stands on the diagonal of a matrix with zeros beside it (`DiagonalMatrix`)."""
    part = of.part(expression.args[0])
    if part.node.rank == 2:
        return Part(n.Diag(n.Diagonal(part.node)))
    if part.node.rank == 0 or isinstance(expression, DiagMatrix):
        return Part(n.Diag(part.node) if part.node.rank else part.node)
    raise refused(expression)


def _diagonal(expression: Any, of: Reader) -> Part:
    part = of.part(expression.args[0])
    if part.node.rank == 1:
        raise refused(expression)
    return Part(n.Diagonal(part.node) if part.node.rank else part.node)


def _kronecker(expression: Any, of: Reader) -> Part:
    first, *others = [of.matrix(factor) for factor in expression.args]
    for other in others:
        first = n.Kron(first, other)
    return part_of(first)


def _slice(expression: Any, of: Reader) -> Part:
    found = of.matrix(expression.parent)
    for axis, (start, stop, step) in enumerate((expression.rowslice, expression.colslice)):
        if step != 1:
            raise refused(expression)
        ends = [sympy.sympify(end, strict=True).xreplace(of.sizes) for end in (start, stop)]
        if ends != [0, found.shape[axis]]:
            found = n.Slice(found, axis, *ends)
    return part_of(found)


def _blocks(expression: Any, of: Reader) -> Part:
    blocks = expression.blocks
    rows = [[of.matrix(blocks[i, j]) for j in range(blocks.cols)] for i in range(blocks.rows)]
    joined = [row[0] if len(row) == 1 else n.Concatenate(*row, axis=1) for row in rows]
    return part_of(joined[0] if len(joined) == 1 else n.Concatenate(*joined, axis=0))


READ: dict[type, Callable[[Any, Reader], Part]] = {
    MatrixSymbol: lambda symbol, of: (
        Part(of.variables[symbol.name])
        if symbol.shape[0] != 1 or symbol.shape[1] == 1
        else part_of(of.variables[symbol.name])
    ),
    sympy.MatAdd: _sum,
    sympy.MatMul: _product,
    sympy.MatPow: _power,
    sympy.Inverse: lambda expression, of: _power(expression, of),
    sympy.Transpose: _transpose,
    sympy.Adjoint: _transpose,
    sympy.HadamardProduct: lambda expression, of: _alike([of.part(factor) for factor in expression.args], n.Multiply),
    sympy.HadamardPower: _hadamard_power,
    ElementwiseApplyFunction: _applied,
    sympy.Identity: _identity,
    sympy.OneMatrix: _filled,
    sympy.ZeroMatrix: _filled,
    DiagMatrix: _diagonal_matrix,
    DiagonalMatrix: _diagonal_matrix,
    DiagonalOf: _diagonal,
    sympy.KroneckerProduct: _kronecker,
    MatrixSlice: _slice,
    sympy.BlockMatrix: _blocks,
}
"""Matrix expressions: each kind as a part."""


# ---------------------------------------------------------------- scalars made of matrices


def _trace(expression: Any, of: Reader) -> Node:
    part = of.part(expression.arg)
    return n.Sum(n.Diagonal(part.node)) if part.node.rank else part.node


def _determinant(expression: Any, of: Reader) -> Node:
    part = of.part(expression.arg)
    return n.Determinant(part.node) if part.node.rank else part.node


def _element(expression: Any, of: Reader) -> Node:
    """One element, `X[0, 1]`: a slice of one row and one column."""
    found = of.matrix(expression.parent)
    for axis, place in enumerate((expression.i, expression.j)):
        index = sympy.sympify(place, strict=True).xreplace(of.sizes)
        if not index.free_symbols <= set(of.sizes.values()):
            raise refused(expression)  # an index that runs
        if not same(found.shape[axis], Integer(1)):
            found = n.Slice(found, axis, index, index + 1)
    return n.Sum(found)


def _dot(expression: Any, of: Reader) -> Node:
    left, right = (of.part(argument).node for argument in expression.args)
    return n.MatMul(left, right) if left.rank else n.Multiply(left, right)


SCALARS: dict[type, Callable[[Any, Reader], Node]] = {
    sympy.Trace: _trace,
    sympy.Determinant: _determinant,
    MatrixElement: _element,
    sympy.DotProduct: _dot,
}
"""Scalars that are made of matrices: each kind as a node."""
