"""Matrices of SymPy as nodes: a `Part` remembers which way a vector lies; a `Reader` is what rows may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sympy import Basic, Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.errors import FormulaError, shown

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


class Reader(Protocol):
    """What the rows may ask of the reader of an expression (`from_sympy.py`)."""

    sizes: dict[Basic, Expr]
    variables: dict[str, Variable]

    def size(self, size: Any) -> Expr:
        """Return a size of SymPy as one of ours."""

    def part(self, expression: Any) -> Part:
        """Return a matrix expression as a part."""

    def matrix(self, expression: Any) -> Node:
        """Return a matrix expression with its two axes."""

    def scalar(self, expression: Expr) -> Node:
        """Return a scalar expression as a node."""

    def opened(self, expression: Basic, arrays: dict[Expr, Node]) -> Any:
        """Return `expression` with dummies for scalar symbols and scalars made of matrices, noted in `arrays`."""


def refused(expression: Any) -> FormulaError:
    return FormulaError(f"no formula for a {type(expression).__name__}: {shown(expression)}\n{ALLOWED}")


__all__ = ["ALLOWED", "Part", "Reader", "part_of", "refused"]
