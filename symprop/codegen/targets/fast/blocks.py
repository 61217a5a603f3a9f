"""Blocks of memory: results in one place, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import sympy
from sympy import Expr, Integer

from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import Shape

Time = int | Fraction
"""The number of an operation; between two of them are those of a loop over windows."""


@dataclass
class Block:
    """Results in one place after another: the first that it holds, and from which operation to which it is live.

    It lies after `base` elements of lower degree and `low` of its own, which are counted in `unit`.
    """

    first: Variable
    kind: str
    shape: Shape
    start: Time
    stop: Time
    holds: list[Variable] = field(default_factory=list)
    base: Expr = Integer(0)
    low: int = 0

    @property
    def size(self) -> Expr:
        """The number of elements."""
        return _size(self.shape)[0]

    @property
    def count(self) -> int:
        """The number of elements, counted in its unit."""
        return _size(self.shape)[1]

    @property
    def unit(self) -> Expr:
        """1, or what a number of elements that depends on the batch is a multiple of."""
        return _size(self.shape)[2]

    @property
    def offset(self) -> Expr:
        """How many elements stand before it."""
        return self.base + self.low * self.unit


@lru_cache(maxsize=2_048)  # few shapes, in all layers
def _size(shape: Shape) -> tuple[Expr, int, Expr]:
    """Return the number of elements, and what number it is of which unit."""
    size = sympy.prod(shape, start=Integer(1))
    count, unit = size.as_coeff_Mul()
    return size, int(count), unit


__all__ = ["Block", "Time"]
