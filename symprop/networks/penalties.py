"""Penalties: what is added to a loss whatever the example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from symprop.algebra.equations import loops_in
from symprop.algebra.functions import exact
from symprop.algebra.nodes import BlockSum, Fact, Multiply, Node, Power, Scalar, Sum, Variable
from symprop.algebra.trees import added
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.losses import LossLayer
from symprop.networks.needs import Need
from symprop.networks.sizes import check_number


@dataclass(frozen=True)
class L2:
    """Half of `coefficient` times the sum of the squares of all weight matrices; not of biases and embeddings.

    >>> from symprop import MeanSquaredError
    >>> (MeanSquaredError() + L2(0.001)).text
    'MeanSquaredError() + L2(0.001)'

    Raises:
        SpecError: a coefficient that is no number from 0 on, or a network without weight matrices.
    """

    coefficient: Any

    def __post_init__(self) -> None:
        check_number(self.coefficient, "L2: the coefficient", 0, 10**9)

    @property
    def text(self) -> str:
        """The penalty as it is typed."""
        return f"L2({self.coefficient})"

    def value(self, builder: Builder) -> Node:
        """Return the penalty for the weights so far."""
        weights = [parameter.variable for parameter in builder.books.parameters if parameter.kind == "weight"]
        if not weights:
            raise SpecError(f"{self.text}: the network has no weights that it could keep small")
        squares = [_over_blocks(Sum(Power(weight, 2)), weight, builder) for weight in weights]
        return Multiply(Scalar(exact(self.coefficient) / 2), added(squares))


def _over_blocks(square: Node, weight: Variable, builder: Builder) -> Node:
    """Return the term of a weight, summed over the blocks where each block of a loop has one."""
    for loop in reversed(list(loops_in(builder.items))):  # the innermost first
        if loop.index in weight.free_symbols:
            square = BlockSum(square, loop.index, loop.count)
    return square


@dataclass(frozen=True)
class Penalised(LossLayer):
    """A loss with penalties."""

    loss: LossLayer
    penalties: tuple[L2, ...]

    @property
    def text(self) -> str:
        return " + ".join([self.loss.text, *(penalty.text for penalty in self.penalties)])

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return self.loss.facts(output)

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        return self.loss.needs(shape)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return self.loss.value(builder, output, target)

    def penalty(self, builder: Builder) -> Node | None:
        terms = [penalty.value(builder) for penalty in self.penalties]
        return added(terms)


def penalised(loss: LossLayer, penalty: Any) -> Penalised:
    """Return `loss + penalty`."""
    if not isinstance(penalty, L2):
        raise SpecError(f"only a penalty such as L2(0.001) can be added to a loss, not {shown(penalty)}")
    if isinstance(loss, Penalised):
        return Penalised(loss.loss, (*loss.penalties, penalty))
    return Penalised(loss, (penalty,))
