"""Matrices of SymPy as nodes: a `Part` remembers which way a vector lies; a `Reader` walks an expression by rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Basic, Expr, MatrixBase, MatrixExpr, MatrixSymbol, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.lifting import lift
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.sizes import size_of
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
        return Part(_without(matrix, 1))
    if rows == 1:
        return Part(_without(matrix, 0), True)
    return Part(matrix)


def _without(matrix: Node, axis: int) -> Node:
    return matrix.operands[0] if isinstance(matrix, n.Expand) and matrix.axis == axis else n.Sum(matrix, axis)


def refused(expression: Any) -> FormulaError:
    return FormulaError(f"no formula for a {type(expression).__name__}: {shown(expression)}\n{ALLOWED}")


class Reader:
    """One expression: the variables that stand for its symbols, and how deep the walk is.

    `matrices` and `scalars` say what each kind of expression means, a row for each.
    """

    def __init__(
        self,
        expression: Basic,
        matrices: Mapping[type, Callable[[Any, Reader], Part]],
        scalars: Mapping[type, Callable[[Any, Reader], Node]],
    ) -> None:
        self.rows, self.scalar_rows, self.depth = matrices, scalars, 0
        self.sizes: dict[Basic, Expr] = {}
        self.variables: dict[str, Variable] = {}
        bound = {symbol for inner in expression.atoms(sympy.Lambda) for symbol in inner.variables}
        shapes = [size for special in _shaped(expression) for size in special]
        for size in shapes:
            for symbol in sorted(size.free_symbols, key=str):
                self.sizes[symbol] = size_symbol(symbol.name)
        for matrix in sorted(expression.atoms(MatrixSymbol), key=lambda symbol: symbol.name):
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

    def _descend(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"an expression of more than {DEEPEST} levels\nallowed: parts with names of their own")

    def size(self, size: Any) -> Expr:
        """Return a size of SymPy as one of ours."""
        return size_of(sympy.sympify(size, strict=True).xreplace(self.sizes))

    def part(self, expression: Any) -> Part:
        """Return a matrix expression as a part."""
        self._descend()
        read = next((self.rows[kind] for kind in inspect.getmro(type(expression)) if kind in self.rows), None)
        if read is None:
            raise refused(expression)
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
        self._descend()
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
        scalar = self.scalar_rows.get(type(expression))
        if scalar is not None:
            return scalar(expression, self)
        if isinstance(expression, MatrixExpr):
            return _single(self.part(expression), expression)
        if isinstance(expression, (sympy.Sum, sympy.Product, sympy.Integral, sympy.Derivative, MatrixBase)):
            raise refused(expression)
        return None


def _shaped(expression: Basic) -> list[tuple[Any, ...]]:
    """The shapes of everything in an expression that is a matrix without parts."""
    leaves = (sympy.Identity, sympy.ZeroMatrix, sympy.OneMatrix, MatrixSymbol)
    return [leaf.shape for leaf in sympy.preorder_traversal(expression) if isinstance(leaf, leaves)]


def _facts(symbol: Symbol) -> tuple[Fact, ...]:
    if symbol.is_positive:
        return (Fact("positive"), Fact("nonnegative"))
    return (Fact("nonnegative"),) if symbol.is_nonnegative else ()


def _single(part: Part, expression: Any) -> Node:
    if part.node.rank:
        shape = shape_text(part.matrix.shape)
        raise ShapeError(f"{shown(expression)} of shape {shape} stands for a number\nallowed: a matrix of one element")
    return part.node
