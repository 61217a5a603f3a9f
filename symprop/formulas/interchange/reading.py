"""SymPy's matrix expressions in: `MatrixSymbol`s and what is made of them become a formula over arrays.

SymPy knows matrices alone: a vector is a matrix of one column there and has one axis here, as in NumPy, so that the
rules for vectors apply; the way back (`to_sympy.py`) makes columns again. A `Part` remembers which way a vector lies.
Everything is real: the adjoint is the transpose. Nothing is evaluated, and names are validated like typed ones.

`READ` (`sympy_rows.py`) has a row for each kind of expression; a kind without a row is refused by name.
"""

from __future__ import annotations

import inspect
from typing import Any

import sympy
from sympy import Basic, Expr, MatrixBase, MatrixExpr, MatrixSymbol, Symbol

from symprop.algebra.formula import Formula
from symprop.algebra.lifting import lift
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.sizes import size_of
from symprop.errors import FormulaError, LimitError, ShapeError, shown
from symprop.formulas.interchange.parts import ALLOWED, Part, refused
from symprop.formulas.interchange.rows import READ, SCALARS

DEEPEST = 120


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
