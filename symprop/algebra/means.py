"""Means: a sum over axes that is divided by the number of what it sums.

Formulas hold sums and numbers alone, since rules are few for them. Where a norm is printed, on a page or in a module
that one reads, its sums are written as the means that they are: `mean(G)`, or of a batch the mean of each feature over
its examples and all places in them.
"""

from __future__ import annotations

from typing import Any, Self

from sympy import Expr, cancel, prod, sympify

from symprop.algebra import nodes as n
from symprop.algebra.alike import asked_once
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import Node
from symprop.algebra.roles import STATISTIC
from symprop.algebra.sizes import axes_of
from symprop.algebra.trees import multiplied, numbers_apart, variables


class Mean(n.Reduction):
    """The mean over `axes`. What printers and programs put for a sum and its number; never part of an answer."""

    def __new__(cls, operand: Node, axes: Any, keepdims: Any = False) -> Self:
        kept = sympify(bool(keepdims), strict=True)
        return super().__new__(cls, operand, axes_of(axes, operand.rank), kept)

    @property
    def is_total(self) -> bool:
        """Whether it is the mean of all elements, a number."""
        return len(self.axes) == self.operands[0].rank

    @property
    def is_of_batch(self) -> bool:
        """Whether it is the mean of each feature over the examples and over all places in them."""
        features = self.operands[0].rank - 1
        return self.axes == tuple(range(features)) and bool(features and self.operands[0].shape[0] == BATCH_SIZE)

    @property
    def is_of_places(self) -> bool:
        """Whether it is the mean of each feature over all places of a sequence or an image."""
        features = self.operands[0].rank - 1
        return self.axes == tuple(range(features)) and bool(features) and not (self.is_of_batch or self.keepdims)


def is_mean_of_places(node: Node) -> bool:
    """Whether a formula is the mean over all places, as a pool takes it: for one example, or for each of a batch.

    >>> from sympy import Rational
    >>> from symprop.algebra import variable
    >>> is_mean_of_places(n.Scalar(Rational(1, 4)) * n.Sum(variable("x", (4, 3)), 0))
    True
    """
    *rest, total = node.operands if isinstance(node, n.Multiply) else (node,)
    if len(rest) != 1 or not isinstance(total, n.Sum) or total.keepdims:
        return False
    shape = total.operands[0].shape
    places = tuple(range(int(shape[0] == BATCH_SIZE), len(shape) - 1))
    return bool(places) and total.axes == places and isinstance(with_means(node), Mean)


def is_statistic(node: Node) -> bool:
    """Whether a statistic stands beside what it is taken of, with axes of length 1: a number at each place."""
    inside = node.operands[0] if isinstance(node, n.Expand) else node
    return node.rank > 1 and 1 in node.shape and isinstance(inside, n.Variable) and inside.role == STATISTIC


@asked_once
def has_statistics(node: Node) -> bool:
    """Whether a formula holds a statistic, so that its sums which are means are those of a norm."""
    return any(variable.role == STATISTIC for variable in variables(node))


def with_means(node: Node) -> Node:
    """Return a formula with a mean for each sum that is divided by the number of what it sums.

    >>> from sympy import Rational
    >>> from symprop.algebra import variable
    >>> x = variable("x", (4,))
    >>> with_means(x + n.Scalar(Rational(-1, 4)) * n.Sum(x)).pretty()
    'x − mean(x) 𝟏'
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
