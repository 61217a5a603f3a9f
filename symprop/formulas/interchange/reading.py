"""SymPy's matrix expressions in: `MatrixSymbol`s and what is made of them become a formula over arrays.

SymPy knows matrices alone: a vector is a matrix of one column there and has one axis here, as in NumPy, so that the
rules for vectors apply; the way back (`writing.py`) makes columns again. A `Part` remembers which way a vector lies.
Everything is real: the adjoint is the transpose. Nothing is evaluated, and names are validated like typed ones.

`READ` (`rows.py`) has a row for each kind of expression; a kind without a row is refused by name.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, MatrixBase, MatrixExpr

from symprop.algebra.formula import Formula
from symprop.errors import FormulaError
from symprop.formulas.interchange.parts import ALLOWED, Part, Reader
from symprop.formulas.interchange.rows import READ, SCALARS


def is_sympy(value: object) -> bool:
    """Whether a value is an expression of SymPy, and no node of a formula (which is a `sympy.Basic` too).

    >>> from sympy import MatrixSymbol
    >>> from symprop.algebra import variable
    >>> is_sympy(MatrixSymbol("X", 2, 2)), is_sympy(variable("X", (2, 2))), is_sympy("X")
    (True, False, False)
    """
    return isinstance(value, (Expr, MatrixBase))


def from_sympy(expression: Any) -> Formula:
    """Return a formula for an expression in SymPy's `MatrixSymbol`s and scalars.

    >>> from sympy import MatrixSymbol, symbols
    >>> m, k = symbols("m k")
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
    reader = Reader(expression, READ, SCALARS)
    part = reader.part(expression) if isinstance(expression, MatrixExpr) else Part(reader.scalar(expression))
    node = part.matrix if part.is_row else part.node
    return Formula(str(expression), node, tuple(reader.variables.values()))
