"""Sums of as many terms as a symbol says, and derivatives that are not yet worked out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import sympy
from sympy import Basic, Expr

from symprop.algebra.kinds.arrays import unused_index
from symprop.algebra.kinds.base import Linear, Node
from symprop.algebra.sizes import whole


class BlockSum(Linear):
    """The sum of what `operand` is for `index` = 1, ..., `count`; for a count of 0 it is 0.

    It stands where a loss reads the parameters of every block, as a penalty does, and in the derivative of a matrix
    power whose exponent is a symbol. The index is bound: what is put in for other symbols is not caught by it.
    """

    def __new__(cls, operand: Node, index: Any, count: Any) -> Self:
        return super().__new__(cls, operand, index, whole(count, "the number of terms"))

    @property
    def index(self) -> sympy.Symbol:
        return self.args[1]

    @property
    def count(self) -> Expr:
        return self.args[2]

    @cached_property
    def free_symbols(self) -> set[Basic]:
        return (self.operands[0].free_symbols - {self.index}) | self.count.free_symbols

    def at(self, place: Expr) -> Node:
        """Return the term at `place`."""
        term: Node = self.operands[0].xreplace({self.index: place})
        return term

    def apart_from(self, *others: Basic) -> BlockSum:
        """Return the same series with an index that stands nowhere in `others`, bound or not."""
        if not any(other.has(self.index) for other in others):
            return self
        index = unused_index(self, *others)
        return BlockSum(self.at(index), index, self.count)

    def _xreplace(self, rule: Mapping[Basic, Basic]) -> tuple[Basic, bool]:
        if self in rule:
            return rule[self], True
        inside = {old: new for old, new in rule.items() if old in self.free_symbols or isinstance(old, Node)}
        if not inside:
            return self, False
        changed: tuple[Basic, bool] = super(BlockSum, self.apart_from(self.count, *inside.values()))._xreplace(inside)
        return changed


class Pullback(Node):
    """The vector-Jacobian product, not yet worked out: `out[j] = sum_i cotangent[i] * d expression[i] / d by[j]`.

    The derivation starts from such a node and ends when none is left.
    """

    def __new__(cls, cotangent: Node, expression: Node, by: Node) -> Self:
        return super().__new__(cls, cotangent, expression, by)


class Pushforward(Node):
    """The Jacobian-vector product, not yet worked out: `out[i] = sum_j d expression[i] / d by[j] * tangent[j]`."""

    def __new__(cls, expression: Node, by: Node, tangent: Node) -> Self:
        return super().__new__(cls, expression, by, tangent)


class BatchMean(Node):
    """The mean over the examples of a batch, the same for all of them; it has the shape of its operand for one example.

    It stands in the equations that layers write, and has no meaning for one example. In a batch it is a sum over the
    batch axis divided by the number of examples, so that no derivation holds it.

    >>> import symprop
    >>> BatchMean(symprop.variable("z", (3,))).shape
    (3,)
    """

    joins_examples = True
