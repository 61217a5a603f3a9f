"""Dropout: a layer that leaves out elements at random in training, and nothing in evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symprop.algebra.nodes import Variable
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.sizes import check_number


@dataclass(frozen=True)
class Dropout(Layer):
    """`a * m / (1 - p)`: each element is left out with probability `p`, by a mask of the shape of its input.

    The others grow by `1 / (1 - p)`, so the mean stays as it is. In evaluation the layer hands on what it gets
    (Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, 2014, inverted as usual).
    Each example and each use of the layer has a mask of its own. `Dropout(0)` writes no equation.

    >>> from symprop.networks.layers import Dense, Input
    >>> network = Input(3) >> Dense(2) >> Dropout(0.5)
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'a1 = 2 * z1 * m1']

    Raises:
        SpecError: no number from 0 to below 1.
    """

    passes_on: ClassVar[bool] = True

    p: Any

    def __post_init__(self) -> None:
        check_number(self.p, "Dropout: p", 0, 1)
        if self.p == 1:
            raise SpecError(
                "Dropout: p is below 1, where nothing would be left\nallowed: a number such as Dropout(0.1)"
            )

    def build(self, builder: Builder, value: Variable) -> Variable:
        drop = self.p if isinstance(self.p, sympy.Rational) else sympy.Rational(str(self.p))
        return value if self.p == 0 else builder.masked(value, drop, "dropout")


__all__ = ["Dropout"]
