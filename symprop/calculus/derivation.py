"""A derivation: the forward equations of a network and the backward equations that the rules gave, with their steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symprop.algebra.equations import Equation, Item, Step, System
from symprop.algebra.printable import Printable
from symprop.networks.network import Network


@dataclass(frozen=True, repr=False)
class Derivation(Printable):
    """Forward and backward equations of `network` in one layout, in the order of computation.

    `remarks` say what a reader should know of the result ("dW1 is zero, because ...").
    """

    network: Network
    system: System
    backward: tuple[Item, ...]
    remarks: tuple[str, ...] = ()

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations, forward then backward, loop bodies and base cases too, in printed order."""
        for item in (*self.system.items, *self.backward):
            if isinstance(item, Equation):
                yield item
            else:
                yield from (*item.base, *item.equations)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The equation number of each name, from 1."""
        return {equation.name: number for number, equation in enumerate(self.equations, start=1)}

    def equation(self, name: str) -> Equation:
        """Return the equation that defines `name`."""
        return next(equation for equation in self.equations if equation.name == name)

    def steps(self, name: str) -> tuple[Step, ...]:
        """Return the named steps that led to the gradient of a parameter (`W1`) or to any backward equation."""
        return self.equation(name).steps
