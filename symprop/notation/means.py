"""Means, as texts write them: `mean(G)` is a sum over all elements of `G`, divided by how many these are.

Of a batch it runs over the examples and all places in them, and leaves the features: `meanₘ(G)`. Formulas hold sums
and numbers alone; what a norm averages is written as the mean that it is where the page is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from sympy import Expr, Tuple, cancel, prod, sympify

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.roles import STATISTIC
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import multiplied, numbers_apart, variables
from symprop.notation.digits import DIGITS, Digits
from symprop.notation.precedence import ATOM, Of, Piece
from symprop.notation.style import Style
from symprop.notation.sums import ROWS


class Mean(Node):
    """The mean over axes. What printers put for a sum that is divided by its number; never part of an answer."""

    def __new__(cls, operand: Node, axes: Iterable[Expr | int], keepdims: bool) -> Self:
        return super().__new__(cls, operand, Tuple(*axes), sympify(bool(keepdims), strict=True))

    @property
    def sum(self) -> n.Sum:
        """The sum that is divided."""
        return n.Sum(self.operands[0], tuple(map(int, self.args[1].args)), bool(self.args[2]))

    @property
    def is_total(self) -> bool:
        """Whether it is the mean of all elements, a number."""
        return len(self.args[1].args) == self.operands[0].rank

    @property
    def is_of_batch(self) -> bool:
        """Whether it is the mean over the examples, and over all places in them, of each feature."""
        sum_ = self.sum
        return sum_.rank == 1 and sum_.axes == tuple(range(len(sum_.axes))) and sum_.operands[0].shape[0] == BATCH_SIZE


@SHAPE.row(Mean)
def _(node: Mean) -> Shape:
    return node.sum.shape


@DIGITS.row(Mean)
def _(node: Mean) -> Digits:
    found: Digits = DIGITS(node.sum)
    return found


@ROWS.row(Mean)
def _(node: Mean, of: Of, style: Style) -> Piece:
    along = [] if node.is_total or node.is_of_batch else [Piece(style.along(node.sum.axes), ATOM)]
    return style.call("mean_m" if node.is_of_batch else "mean", [of(node.operands[0]), *along])


def is_statistic(node: Node) -> bool:
    """Whether a statistic stands beside what it is taken of, with axes of length 1: a number at each place."""
    inside = node.operands[0] if isinstance(node, n.Expand) else node
    return node.rank > 1 and 1 in node.shape and isinstance(inside, n.Variable) and inside.role == STATISTIC


def has_statistics(node: Node) -> bool:
    """Whether a formula holds a statistic, so that its sums which are means are those of a norm."""
    return any(variable.role == STATISTIC for variable in variables(node))


def with_means(node: Node) -> Node:
    """Return a formula with a mean for each sum that is divided by the number of what it sums.

    >>> from symprop.algebra import variable
    >>> x = variable("x", (4,))
    >>> with_means(x - n.Sum(x) / 4).pretty()
    'x − mean(x)'
    """
    operands = tuple(map(with_means, node.operands))
    node = node if operands == node.operands else node.with_operands(operands)
    if not isinstance(node, n.Multiply):
        return node
    number, factors = numbers_apart(node.operands)
    for place, factor in enumerate(factors):
        found = _divided(factor, number)
        if found is not None:
            sign, mean = found
            whole = multiplied([*factors[:place], mean, *factors[place + 1 :]])
            return whole if sign == 1 else n.Multiply(n.Scalar(-1), whole)
    return node


def _divided(node: Node, number: Expr) -> tuple[Expr, Node] | None:
    """A sum times a number as a mean with a sign, where it is one; columns of sums likewise."""
    if isinstance(node, n.Expand):
        found = _divided(node.operands[0], number)
        return found and (found[0], node.with_operands([found[1]]))
    if not isinstance(node, n.Sum):
        return None
    sign = cancel(number * prod(node.operands[0].shape[axis] for axis in node.axes))
    return (sign, Mean(node.operands[0], node.axes, node.keepdims)) if abs(sign) == 1 else None
