"""Losses of classes by their margins `y * a`, with `y` -1 or 1: the hinges of support vector machines."""

from __future__ import annotations

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact, Node, Power, Sum, Variable
from symprop.networks.builder import Builder
from symprop.networks.losses import RowLoss


class Hinge(RowLoss):
    """The hinge of a support vector machine, `sum(max(0, 1 - y * a))`: each output on its own, `y` being -1 or 1.

    At its kink, `y * a = 1`, the derivative is 0. (Cortes and Vapnik, *Support-vector networks*, 1995.)

    >>> from symprop import Dense, Input, derive
    >>> derive(Input(3) >> Dense(1) >> Hinge()).delta(1).text()
    '-y * (1 - y * z1 > 0)'
    """

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("signs"),)

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Sum(FUNCTIONS["relu"](1 - target * output))


class SquaredHinge(Hinge):
    """The squared hinge, `sum(max(0, 1 - y * a)**2)`: each output on its own, `y` being -1 or 1.

    >>> from symprop import Dense, Input, derive
    >>> derive(Input(3) >> Dense(1) >> SquaredHinge()).delta(1).text()
    '-2 * relu(1 - y * z1) * y'
    """

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Sum(Power(FUNCTIONS["relu"](1 - target * output), 2))
