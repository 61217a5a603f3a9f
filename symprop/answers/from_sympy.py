"""SymPy's matrix expressions in: `MatrixSymbol`s and what is made of them become a formula over arrays.

SymPy knows matrices alone: a vector is a matrix of one column there and has one axis here, as in NumPy, so that the
rules for vectors apply; the way back (`to_sympy.py`) makes columns again. A `Part` remembers which way a vector lies.
Everything is real: the adjoint is the transpose. Nothing is evaluated, and names are validated like typed ones.

`READ` has a row for each kind of expression; a kind without a row is refused by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, MatrixBase, MatrixExpr, MatrixSymbol, Symbol
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from symprop.algebra import nodes as n
from symprop.algebra.defined import T, stable
from symprop.algebra.formula import Formula
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.lifting import lift
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.operators import size_of
from symprop.algebra.shapes import same, shape_text
from symprop.algebra.trees import ones, zeros
from symprop.errors import FormulaError, LimitError, ShapeError, shown

DEEPEST = 120
ALLOWED = "allowed: sums, products, powers, transposes, inverses, Trace, Determinant, Hadamard products, applyfunc"


@dataclass(frozen=True)
class Part:
    """A matrix of SymPy as a node: with two axes, or one for a column or a row (`is_row`), or none for one element."""

    node: Node
    is_row: bool = False

    @property
    def matrix(self) -> Node:
        """The node with the two axes that SymPy gives it."""
        if self.node.rank == 2:
            return self.node
        if self.node.rank == 1:
            return n.Expand(self.node, 0 if self.is_row else 1)
        return n.Expand(n.Expand(self.node, 0), 0)


def part_of(matrix: Node) -> Part:
    """Return a node with two axes as a part: axes of length 1 go."""
    rows, columns = matrix.shape
    if rows == 1 and columns == 1:
        return Part(n.Sum(matrix))
    if columns == 1:
        return Part(matrix.operands[0] if isinstance(matrix, n.Expand) and matrix.axis == 1 else n.Sum(matrix, 1))
    if rows == 1:
        return Part(matrix.operands[0] if isinstance(matrix, n.Expand) and matrix.axis == 0 else n.Sum(matrix, 0), True)
    return Part(matrix)


def is_sympy(value: object) -> bool:
    """Whether a value is an expression of SymPy, and no node of a formula (which is a `sympy.Basic` too).

    >>> is_sympy(MatrixSymbol("X", 2, 2)), is_sympy(variable("X", (2, 2))), is_sympy("X")
    (True, False, False)
    """
    return isinstance(value, (Expr, MatrixBase))


def from_sympy(expression: Any) -> Formula:
    """Return a formula for an expression in SymPy's `MatrixSymbol`s and scalars.

    >>> m, k = sympy.symbols("m k")
    >>> X, w, y = MatrixSymbol("X", m, k), MatrixSymbol("w", k, 1), MatrixSymbol("y", m, 1)
    >>> f = from_sympy((X * w - y).T * (X * w - y) / m)
    >>> f.text(), f.shape
    ('(-y + X @ w) @ (-y + X @ w) / m', ())

    Raises:
        FormulaError: an expression of a kind that has no row, such as an unevaluated sum or an explicit matrix.
        SymbolNameError: a symbol whose name cannot stand in code.
        ShapeError: shapes that do not fit.
        LimitError: an expression that is nested too deeply.
    """
    if not is_sympy(expression):
        raise FormulaError(f"expected a SymPy expression, not {type(expression).__name__}")
    if isinstance(expression, MatrixBase):
        raise FormulaError(f"an explicit {type(expression).__name__} has no formula\n{ALLOWED}")
    reader = _Reader(expression)
    part = reader.part(expression) if isinstance(expression, MatrixExpr) else Part(reader.scalar(expression))
    node = part.matrix if part.is_row else part.node
    return Formula(str(expression), node, tuple(reader.variables.values()))


class _Reader:
    """One expression: the variables that stand for its symbols, and how deep the walk is."""

    def __init__(self, expression: Basic) -> None:
        self.depth = 0
        self.sizes: dict[Basic, Expr] = {}
        self.variables: dict[str, Variable] = {}
        matrices = sorted(expression.atoms(MatrixSymbol), key=lambda symbol: symbol.name)
        bound = {symbol for inner in expression.atoms(sympy.Lambda) for symbol in inner.variables}
        shapes = [size for special in _shaped(expression) for size in special]
        for size in shapes:
            for symbol in sorted(size.free_symbols, key=str):
                self.sizes[symbol] = size_symbol(symbol.name)
        for matrix in matrices:
            rows, columns = (self.size(size) for size in matrix.shape)
            shape = (rows, columns) if columns != 1 else (rows,) if rows != 1 else ()
            self._enter(variable(matrix.name, shape))
        for symbol in sorted(expression.atoms(Symbol) - bound - self.sizes.keys(), key=str):
            self._enter(variable(symbol.name, (), _facts(symbol)))
        names = [size.name for size in dict.fromkeys(self.sizes.values())]
        if len(names) < len(self.sizes) or any(name in self.variables for name in names):
            raise FormulaError(f"two symbols have one name in {shown(expression)}\nallowed: a name for each symbol")

    def _enter(self, new: Variable) -> None:
        if new.name in self.variables:
            raise FormulaError(f"two symbols are named {shown(new.name)}\nallowed: a name for each symbol")
        self.variables[new.name] = new

    def size(self, size: Any) -> Expr:
        """Return a size of SymPy as one of ours."""
        return size_of(sympy.sympify(size, strict=True).xreplace(self.sizes))

    def part(self, expression: Any) -> Part:
        """Return a matrix expression as a part."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"an expression of more than {DEEPEST} levels\nallowed: parts with names of their own")
        read = next((READ[kind] for kind in inspect.getmro(type(expression)) if kind in READ), None)
        if read is None:
            raise _refused(expression)
        found = read(expression, self)
        self.depth -= 1
        return found

    def matrix(self, expression: Any) -> Node:
        """Return a matrix expression with its two axes."""
        return self.part(expression).matrix

    def scalar(self, expression: Expr) -> Node:
        """Return a scalar expression: what reads matrices becomes nodes, and the rest is lifted."""
        arrays: dict[Expr, Node] = {}
        return lift(self.opened(expression, arrays).xreplace(self.sizes), arrays)

    def opened(self, expression: Basic, arrays: dict[Expr, Node]) -> Any:
        """Return `expression` with dummies for scalar symbols and scalars made of matrices, noted in `arrays`."""
        if isinstance(expression, Symbol) and expression in self.sizes:
            return expression
        if expression in arrays or (not expression.args and not isinstance(expression, Symbol)):
            return expression
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"an expression of more than {DEEPEST} levels\nallowed: parts with names of their own")
        node = self._array(expression)
        if node is not None:
            found: Any = sympy.Dummy(real=True)
            arrays[found] = node
        else:
            found = expression.func(*(self.opened(argument, arrays) for argument in expression.args))
        self.depth -= 1
        return found

    def _array(self, expression: Any) -> Node | None:
        if isinstance(expression, Symbol):
            return self.variables[expression.name]
        scalar = SCALARS.get(type(expression))
        if scalar is not None:
            return scalar(expression, self)
        if isinstance(expression, MatrixExpr):
            return _single(self.part(expression), expression)
        if isinstance(expression, (sympy.Sum, sympy.Product, sympy.Integral, sympy.Derivative, MatrixBase)):
            raise _refused(expression)
        return None


def _shaped(expression: Basic) -> list[tuple[Any, ...]]:
    """The shapes of everything in an expression that is a matrix without parts."""
    leaves = (sympy.Identity, sympy.ZeroMatrix, sympy.OneMatrix, MatrixSymbol)
    return [leaf.shape for leaf in sympy.preorder_traversal(expression) if isinstance(leaf, leaves)]


def _facts(symbol: Symbol) -> tuple[Fact, ...]:
    if symbol.is_positive:
        return (Fact("positive"), Fact("nonnegative"))
    return (Fact("nonnegative"),) if symbol.is_nonnegative else ()


def _refused(expression: Any) -> FormulaError:
    return FormulaError(f"no formula for a {type(expression).__name__}: {shown(expression)}\n{ALLOWED}")


def _single(part: Part, expression: Any) -> Node:
    if part.node.rank:
        shape = shape_text(part.matrix.shape)
        raise ShapeError(f"{shown(expression)} of shape {shape} stands for a number\nallowed: a matrix of one element")
    return part.node


# ---------------------------------------------------------------- matrices


def _alike(parts: list[Part], build: Callable[..., Node]) -> Part:
    """Apply an elementwise operation to parts of one shape."""
    first = parts[0]
    return Part(build(*(part.node for part in parts)), first.is_row)


def _sum(expression: Any, of: _Reader) -> Part:
    return _alike([of.part(term) for term in expression.args], n.Add)


def _product(expression: Any, of: _Reader) -> Part:
    """A product of numbers and matrices; vectors meet as inner and outer products."""
    scalars = [of.scalar(factor) for factor in expression.args if not isinstance(factor, MatrixExpr)]
    parts = [of.part(factor) for factor in expression.args if isinstance(factor, MatrixExpr)]
    if len(scalars) + len(parts) < len(expression.args) or not parts:
        raise _refused(expression)
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
        return Part(n.MatMul(_flipped(right.node), left.node), True)
    return Part(n.MatMul(left.node, right.node))


def _flipped(matrix: Node) -> Node:
    return matrix.operands[0] if isinstance(matrix, n.Transpose) else n.Transpose(matrix)


def _power(expression: Any, of: _Reader) -> Part:
    """A power of a square matrix: the inverse, or a product with itself."""
    base, exponent = of.part(expression.base), sympy.sympify(expression.exp, strict=True).xreplace(of.sizes)
    if base.node.rank == 0:
        return Part(lift(T**exponent, {T: base.node}))
    if exponent == -1:
        return Part(n.Inverse(base.node))
    if not exponent.is_integer:
        raise _refused(expression)
    return Part(n.MatrixPower(base.node, exponent))


def _transpose(expression: Any, of: _Reader) -> Part:
    part = of.part(expression.arg)
    if part.node.rank == 2:
        return Part(_flipped(part.node))
    return Part(part.node, part.node.rank == 1 and not part.is_row)


def _applied(expression: Any, of: _Reader) -> Part:
    """A function of each element: known ones by their names, the others by the operations of their bodies."""
    part, function = of.part(expression.expr), expression.function
    if not isinstance(function, sympy.Lambda) or len(function.variables) != 1:
        raise _refused(expression)
    (t,) = function.variables
    body = stable(function.expr.xreplace({t: T}))
    known = next((each for each in FUNCTIONS.values() if each.body == body and len(each.parameters) == 1), None)
    if known is not None:
        return Part(known(part.node), part.is_row)
    return _lifted(function.expr, {t: part}, of)


def _lifted(body: Expr, of_symbols: dict[Any, Part], of: _Reader) -> Part:
    """Lift a scalar body in which some symbols stand for matrices of one shape."""
    arrays: dict[Expr, Node] = {}
    place = {symbol: sympy.Dummy(real=True) for symbol in of_symbols}
    arrays.update({place[symbol]: part.node for symbol, part in of_symbols.items()})
    first = next(iter(of_symbols.values()))
    found = lift(of.opened(body.xreplace(place), arrays).xreplace(of.sizes), arrays)
    full = found if found.rank == first.node.rank else n.Multiply(found, ones(*first.node.shape))
    return Part(full, first.is_row)


def _hadamard_power(expression: Any, of: _Reader) -> Part:
    base, exponent = expression.base, expression.exp
    symbols = {T: base, sympy.Dummy("e", real=True): exponent}
    matrices = {symbol: of.part(each) for symbol, each in symbols.items() if isinstance(each, MatrixExpr)}
    body = sympy.Pow(*(symbol if symbol in matrices else each for symbol, each in symbols.items()))
    return _lifted(body, matrices, of)


def _identity(expression: Any, of: _Reader) -> Part:
    size = of.size(expression.shape[0])
    return Part(n.Scalar(1) if size == 1 else n.Identity(size))


def _filled(expression: Any, of: _Reader) -> Part:
    rows, columns = (of.size(size) for size in expression.shape)
    shape = tuple(size for size in (rows, columns) if size != 1)
    fill = ones if isinstance(expression, sympy.OneMatrix) else zeros
    return Part(fill(*shape), len(shape) == 1 and rows == 1)


def _diagonal_matrix(expression: Any, of: _Reader) -> Part:
    """`DiagMatrix` of a vector, or what stands on the diagonal of a matrix with zeros beside it (`DiagonalMatrix`)."""
    part = of.part(expression.args[0])
    if part.node.rank == 2:
        return Part(n.Diag(n.Diagonal(part.node)))
    if part.node.rank == 0 or isinstance(expression, DiagMatrix):
        return Part(n.Diag(part.node) if part.node.rank else part.node)
    raise _refused(expression)


def _diagonal(expression: Any, of: _Reader) -> Part:
    part = of.part(expression.args[0])
    if part.node.rank == 1:
        raise _refused(expression)
    return Part(n.Diagonal(part.node) if part.node.rank else part.node)


def _kronecker(expression: Any, of: _Reader) -> Part:
    first, *others = [of.matrix(factor) for factor in expression.args]
    for other in others:
        first = n.Kron(first, other)
    return part_of(first)


def _slice(expression: Any, of: _Reader) -> Part:
    found = of.matrix(expression.parent)
    for axis, (start, stop, step) in enumerate((expression.rowslice, expression.colslice)):
        if step != 1:
            raise _refused(expression)
        ends = [sympy.sympify(end, strict=True).xreplace(of.sizes) for end in (start, stop)]
        if ends != [0, found.shape[axis]]:
            found = n.Slice(found, axis, *ends)
    return part_of(found)


def _blocks(expression: Any, of: _Reader) -> Part:
    blocks = expression.blocks
    rows = [[of.matrix(blocks[i, j]) for j in range(blocks.cols)] for i in range(blocks.rows)]
    joined = [row[0] if len(row) == 1 else n.Concatenate(*row, axis=1) for row in rows]
    return part_of(joined[0] if len(joined) == 1 else n.Concatenate(*joined, axis=0))


READ: dict[type, Callable[[Any, _Reader], Part]] = {
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


def _trace(expression: Any, of: _Reader) -> Node:
    part = of.part(expression.arg)
    return n.Sum(n.Diagonal(part.node)) if part.node.rank else part.node


def _determinant(expression: Any, of: _Reader) -> Node:
    part = of.part(expression.arg)
    return n.Determinant(part.node) if part.node.rank else part.node


def _element(expression: Any, of: _Reader) -> Node:
    """One element, `X[0, 1]`: a slice of one row and one column."""
    found = of.matrix(expression.parent)
    for axis, place in enumerate((expression.i, expression.j)):
        index = sympy.sympify(place, strict=True).xreplace(of.sizes)
        if not index.free_symbols <= set(of.sizes.values()):
            raise _refused(expression)  # an index that runs
        if not same(found.shape[axis], Integer(1)):
            found = n.Slice(found, axis, index, index + 1)
    return n.Sum(found)


def _dot(expression: Any, of: _Reader) -> Node:
    left, right = (of.part(argument).node for argument in expression.args)
    return n.MatMul(left, right) if left.rank else n.Multiply(left, right)


SCALARS: dict[type, Callable[[Any, _Reader], Node]] = {
    sympy.Trace: _trace,
    sympy.Determinant: _determinant,
    MatrixElement: _element,
    sympy.DotProduct: _dot,
}
"""Scalars that are made of matrices: each kind as a node."""


__all__ = ["from_sympy", "is_sympy"]
