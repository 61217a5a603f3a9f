"""A matrix times a triangle of ones is its lower or upper part, `tril(A)`: what printers put for the product."""

from __future__ import annotations

from typing import Self

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape, broadcast, same


class Part(Node):
    """The part of an array that a triangle keeps. Never part of an answer."""

    def __new__(cls, triangle: n.Triangle, array: Node) -> Self:
        return super().__new__(cls, triangle, array)

    @property
    def triangle(self) -> Node:
        """The triangle of ones."""
        return self.operands[0]


@SHAPE.row(Part)
def _(node: Part) -> Shape:
    return node.operands[1].shape


def kept(node: Node) -> tuple[str, Node, tuple[str, ...]]:
    """Return the function, the array of which it is a part, and a diagonal that is not the main one.

    >>> from symprop.algebra.known import triangle
    >>> kept(triangle(3, 3, -1))[::2]
    ('tril', ('-1',))
    """
    triangle, array = (node.triangle, node.operands[1]) if isinstance(node, Part) else (node, n.Fill(1, node.shape))
    if not isinstance(triangle, n.Triangle):
        raise TypeError(f"{type(node).__name__} is no part of an array")
    return triangle.name, array, (str(triangle.diagonal),) if triangle.diagonal else ()


def parts_of(factors: list[Node]) -> list[Node]:
    """Return factors with the product of a triangle and arrays of its shape as a part of these.

    >>> from symprop.algebra import variable
    >>> from symprop.algebra.known import triangle
    >>> A = variable("A", (3, 3))
    >>> (2 * triangle(3, 3) * A * A).text()
    '2 * tril(A * A)'
    """
    found = next((factor for factor in factors if isinstance(factor, n.Triangle)), None)
    if found is None:
        return factors
    arrays = [factor for factor in factors if factor.rank and factor is not found]
    shape = broadcast(*(factor.shape for factor in arrays))
    if len(shape) < 2 or not all(map(same, shape[-2:], found.shape)):
        return factors
    array = arrays[0] if len(arrays) == 1 else n.Multiply(*arrays)
    return [*(factor for factor in factors if not factor.rank), Part(found, array)]
