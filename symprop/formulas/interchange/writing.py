"""Formulas out as SymPy's matrix expressions, wherever one exists.

SymPy has matrices alone: a vector becomes a matrix of one column, broadcasting becomes a product with ones, and a sum
too, in a trace where it is a number. What SymPy's matrices cannot say (arrays of three axes, ids, reshapes) is refused
by name. Functions are written in plain SymPy, so `sigmoid` is `1 / (1 + exp(-t))`.
"""

from __future__ import annotations

from typing import Any

from sympy import Basic, MatrixExpr, MatrixSymbol, Symbol

from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables
from symprop.formulas.interchange import elementwise as elementwise
from symprop.formulas.interchange import products as products
from symprop.formulas.interchange.matrices import (
    SYMPY,
    Of,
    no_expression,
)


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
            raise no_expression(part, f"an array of shape {shape_text(part.shape)}")
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
