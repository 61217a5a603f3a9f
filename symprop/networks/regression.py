"""Losses of numbers: squares of errors, magnitudes, and both (Huber)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Rational

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Compare, Multiply, Node, Power, Scalar, Sum, Variable, Where
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.losses import RowLoss
from symprop.networks.sizes import check_number


class MeanSquaredError(RowLoss):
    """Half the squared norm of the error of one example, `sum((a - y)**2) / 2`; `y` has the shape of the output `a`.

    The mean is over the examples of a batch, and of a sequence over its positions too, not over the outputs.

    >>> from symprop import Dense, Input
    >>> network = Input(3) >> Dense(2) >> MeanSquaredError()
    >>> network.system().targets[0].shape
    (2,)
    """

    @property
    def distribution(self) -> str:
        return "a normal distribution whose mean is the output and whose variance is 1"

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Multiply(Scalar(Rational(1, 2)), Sum(Power(output - target, 2)))


class MeanAbsoluteError(RowLoss):
    """The magnitudes of the errors of one example, summed over its outputs, `sum(abs(a - y))`.

    The mean is over the same as in `MeanSquaredError`. Where an output is equal to its target, the derivative is 0.

    >>> from symprop import Dense, Input, derive
    >>> derive(Input(3) >> Dense(2) >> MeanAbsoluteError()).delta(1).text()
    'sign(z1 - y)'
    """

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Sum(FUNCTIONS["abs"](output - target))


@dataclass(frozen=True)
class Huber(RowLoss):
    """Half the square of an error `e = a - y` up to `delta`, beyond it a straight line, summed over the outputs.

    `e**2 / 2` where `abs(e) <= delta`, else `delta * (abs(e) - delta / 2)`. (Huber, *Robust estimation of a location
    parameter*, 1964.) The mean is over the same as in `MeanSquaredError`.

    >>> from symprop import Dense, Input, derive
    >>> derive(Input(3) >> Dense(2) >> Huber(1)).delta(1).text()
    'where(abs(e) <= delta, e, delta * sign(e))'

    Raises:
        SpecError: `delta` is no number above 0.
    """

    delta: Any = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.delta, "Huber: delta", 0, 10**9)
        if not self.delta:
            raise SpecError("Huber: delta is above 0, not 0\nallowed: MeanAbsoluteError() for magnitudes alone")

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        error = builder.equation("e", None, output - target, "error")
        delta = Scalar(builder.hyperparameter("delta", self.delta))
        size, half = FUNCTIONS["abs"](error), Scalar(Rational(1, 2))
        inside, outside = half * Power(error, 2), delta * (size - half * delta)
        return Sum(Where(Compare("<=", size, delta), inside, outside))
