"""Kinds of node that only programs hold: one call of NumPy, or of a helper, for what the algebra writes as several.

`meaning` gives the formula of the algebra back, for comments and for tests.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.means import Mean
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape
from symprop.algebra.sizes import as_expression, axes_of, expressions, integers
from symprop.algebra.table import Table
from symprop.calculus.tidy import TIDY

MEANING = Table("meaning")


class OfPrograms(Node):
    """Abstract: what only programs hold. No rule of the algebra writes it in another way."""


@TIDY.row(OfPrograms)
def _(node: OfPrograms) -> Node:
    return node


class Solve(OfPrograms):
    """The solution `x` of `A @ x = b`, for a vector or a matrix `b`: `inv(A) @ b`."""

    def __new__(cls, matrix: Node, right: Node) -> Self:
        return super().__new__(cls, matrix, right)


class Inner(OfPrograms):
    """The sum of all products of the elements of two arrays of one shape."""

    def __new__(cls, left: Node, right: Node) -> Self:
        return super().__new__(cls, left, right)


class Repeated(OfPrograms):
    """A matrix repeated along the diagonal: `kron(eye(count), block)`; `inside` is `kron(block, eye(count))`."""

    def __new__(cls, block: Node, count: Any, inside: Any = 0) -> Self:
        return super().__new__(cls, block, as_expression(count), as_expression(int(inside)))

    @property
    def count(self) -> Expr:
        return self.args[1]

    @property
    def inside(self) -> bool:
        return bool(self.args[2])


class Copy(OfPrograms):
    """An array of its own with the values of `operand`, as numbers and row by row in memory."""


class Lines(OfPrograms):
    """A vector again and again, as the last axis of an array of `shape`."""

    def __new__(cls, vector: Node, shape: Any) -> Self:
        return super().__new__(cls, vector, expressions(shape))


class LogSoftmax(OfPrograms):
    """The logarithm of the softmax along an axis, of the shifted logits: finite where the softmax rounds to 0."""

    def __new__(cls, logits: Node, axis: Any) -> Self:
        return super().__new__(cls, logits, as_expression(axis))

    @property
    def axis(self) -> int:
        return int(self.args[1])


class FirstTrue(OfPrograms):
    """1 at the first place along axes, in row-major order, where a condition holds, which it does somewhere."""

    is_indicator: ClassVar[bool] = True

    def __new__(cls, condition: Node, axes: Any) -> Self:
        return super().__new__(cls, condition, axes_of(axes, condition.rank))

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])


KINDS: tuple[type[Node], ...] = (Solve, Inner, Repeated, Copy, Lines, LogSoftmax, FirstTrue, Mean)
"""All kinds that only programs hold."""


# ---------------------------------------------------------------- shapes


@SHAPE.row(Solve)
def _(node: Solve) -> Shape:
    return node.operands[1].shape


@SHAPE.row(Inner)
def _(node: Inner) -> Shape:
    return ()


@SHAPE.row(Repeated)
def _(node: Repeated) -> Shape:
    rows, columns = node.operands[0].shape
    return (rows * node.count, columns * node.count)


@SHAPE.row(Lines)
def _(node: Lines) -> Shape:
    return tuple(node.args[1].args)


@SHAPE.row(Copy, LogSoftmax, FirstTrue)
def _(node: Node) -> Shape:
    return node.operands[0].shape


# ---------------------------------------------------------------- meanings


def meaning(node: Node) -> Node:
    """Return a formula of the algebra that has the value of `node`.

    >>> from symprop.algebra import variable
    >>> A, b = variable("A", (2, 2)), variable("b", (2,))
    >>> print(meaning(2 * Solve(A, b)).text())
    2 * inv(A) @ b
    """
    operands = tuple(meaning(operand) for operand in node.operands)
    new = node if operands == node.operands else node.with_operands(operands)
    return MEANING.given(new) or new


@MEANING.row(Solve)
def _(node: Solve) -> Node:
    matrix, right = node.operands
    inverse = n.Inverse(matrix.operands[0]).T if isinstance(matrix, n.Transpose) else n.Inverse(matrix)
    return n.MatMul(inverse, right)


@MEANING.row(Inner)
def _(node: Inner) -> Node:
    return n.Sum(n.Multiply(*node.operands))


@MEANING.row(Repeated)
def _(node: Repeated) -> Node:
    identity, block = n.Identity(node.count), node.operands[0]
    return n.Kron(block, identity) if node.inside else n.Kron(identity, block)


@MEANING.row(Copy)
def _(node: Copy) -> Node:
    return node.operands[0]


@MEANING.row(Lines)
def _(node: Lines) -> Node:
    return n.Multiply(node.operands[0], n.Fill(1, node.shape))


@MEANING.row(LogSoftmax)
def _(node: LogSoftmax) -> Node:
    return FUNCTIONS["log"](n.Softmax(node.operands[0], node.axis))


@MEANING.row(Mean)
def _(node: Mean) -> Node:
    total = n.Sum(*node.args)
    return n.Multiply(n.Scalar(1 / prod(total.operands[0].shape[axis] for axis in total.axes)), total)


@MEANING.row(FirstTrue)
def _(node: FirstTrue) -> Node:
    return n.First(node.operands[0], node.axes)


__all__ = ["KINDS", "Copy", "FirstTrue", "Inner", "Lines", "LogSoftmax", "Repeated", "Solve", "meaning"]
