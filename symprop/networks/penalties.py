"""Penalties: what is added to a loss whatever the example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symprop.algebra.equations import loops_in
from symprop.algebra.functions import exact
from symprop.algebra.nodes import BlockSum, Multiply, Node, Power, Scalar, Sum, Variable
from symprop.algebra.trees import added
from symprop.errors import SpecError
from symprop.networks.builder import Builder
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
