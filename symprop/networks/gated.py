"""Gates: highways and gated linear units, whose branches are multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symprop.algebra.nodes import Add, Node, Scalar, Variable, negative
from symprop.networks.activations import Sigmoid, SiLU
from symprop.networks.blocks import Chain, block_of
from symprop.networks.branches import PRODUCT, Join, Joined, row_outputs, summed
from symprop.networks.builder import Builder
from symprop.networks.layers import Dense
from symprop.networks.sizes import Size, checked_flag, checked_size


def mixed(outputs: Sequence[Node]) -> Node:
    """Return what a gate, the second output, lets through of the first, and what it leaves of the third."""
    block, gate, value = outputs
    return summed([gate * block, Add(Scalar(1), negative(gate)) * value])


@dataclass(frozen=True)
class Highway(Joined):
    """A block mixed with its input by a learned gate, `a = t * block(x) + (1 - t) * x` with `t = sigmoid(W x + b)`.

    Srivastava, Greff and Schmidhuber, *Highway networks* (2015).

    >>> from symprop import Dense, Input, Tanh
    >>> network = Input(3) >> Highway(Dense(3) >> Tanh())
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'f1 = tanh(z1)', 'z2 = W2 @ x + b2', 'f2 = sigmoid(z2)', 'a2 = f2 * f1 + (1 - f2) * x']

    Raises:
        SpecError: the block changes the shape, or an Input or a loss stands in it.
    """

    join = Join("highway", "mixed", mixed)

    block: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", block_of(self.block, "Highway"))

    @property
    def rows(self) -> tuple[Chain, ...]:
        return (self.block,)

    def outputs(self, builder: Builder, value: Variable) -> list[Variable]:
        gate = Chain((Dense(value.shape[-1]), Sigmoid()))
        return [*row_outputs(builder, (self.block, gate), value), value]


@dataclass(frozen=True)
class Gated(Joined):
    """Abstract base of gated linear units: the product of two Dense layers of one width, one through an activation."""

    join = PRODUCT

    size: Size
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(self.size, type(self).__name__))
        checked_flag(self.bias, f"{type(self).__name__}: bias")

    @property
    def linear(self) -> Dense:
        """One of the two Dense layers, which are alike."""
        return Dense(self.size, self.bias)


class GLU(Gated):
    """A gated linear unit, `(W1 x + b1) * sigmoid(W2 x + b2)`: `Multiply(Dense(n), Dense(n) >> Sigmoid())`.

    Dauphin et al., *Language modeling with gated convolutional networks* (2017).

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input(3) >> GLU(2)).system().equations]
    ['z1 = W1 @ x + b1', 'z2 = W2 @ x + b2', 'f2 = sigmoid(z2)', 'a2 = z1 * f2']

    Raises:
        SpecError: no width, or `bias` is no truth value.
    """

    @property
    def rows(self) -> tuple[Chain, ...]:
        return Chain((self.linear,)), Chain((self.linear, Sigmoid()))


class SwiGLU(Gated):
    """A gated unit with SiLU for the gate: `Multiply(Dense(n, bias=False) >> SiLU(), Dense(n, bias=False))`.

    Shazeer, *GLU variants improve transformer* (2020).

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input(3) >> SwiGLU(2, bias=False)).system().equations]
    ['z1 = W1 @ x', 'f1 = silu(z1)', 'z2 = W2 @ x', 'a2 = f1 * z2']

    Raises:
        SpecError: no width, or `bias` is no truth value.
    """

    @property
    def rows(self) -> tuple[Chain, ...]:
        return Chain((self.linear, SiLU())), Chain((self.linear,))
