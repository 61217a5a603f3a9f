"""What a loss is the negative logarithm of: a distribution of the targets."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer


@dataclass(frozen=True)
class Likelihood:
    """The distribution of the targets at a position of which a loss is the negative logarithm; "" where none is known.

    The loss of an example is `share` times the sum of these logarithms over its positions, up to a constant; where it
    is `masked`, each position counts as often as the mask says.
    """

    distribution: str = ""
    share: Expr = Integer(1)
    masked: bool = False

    def __bool__(self) -> bool:
        return bool(self.distribution)

    @property
    def known(self) -> str:
        """What the loss is."""
        times = f"{self.share} times " * (self.share != 1)
        where = " at each position" * (self.share != 1 or self.masked)
        counted = ", as often as the mask says that it counts" * self.masked
        return f"the loss is {times}the negative log-likelihood of {self.distribution}{where}{counted}"

    @property
    def of_positions(self) -> tuple[str, ...]:
        """What stands between the Fisher matrix and the mean of `g g'`, where that is something."""
        if self.share == 1 and not self.masked:
            return ()
        where = ", where the mask has zeros and ones alone" * self.masked
        times = f"{1 / self.share} times " * (self.share != 1)
        return (
            f"each position counts as an example of its own: the Fisher matrix is {times}the mean of "
            "g g', g the gradient of the loss of a whole example for targets that are drawn from the model" + where,
        )
