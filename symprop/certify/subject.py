"""What a backward pass is judged by: a forward pass with names, and places at which its right gradients are known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Variable
from symprop.analysis.derivation import Derivation
from symprop.networks.network import Network
from symprop.verify.arithmetic import Array
from symprop.verify.measure import FLOAT64_LIMIT

WIDEST = 1e-6
"""A right gradient that the complex step confirms less exactly, relative to its largest entry, judges nobody."""


@dataclass(frozen=True)
class Exact:
    """A right gradient: `value`, how far rounding in float64 may move what is compared with it, and who says so.

    `confirmed` is whether the complex step, which shares no code with the rules, finds the same.
    """

    value: Array
    rounding: float
    confirmed: bool


SLACK = 64.0
"""How much more than the derived formula another way to compute the same may round, the complex step among them."""


def agree(derived: Array, oracle: Array, rounding: float) -> bool:
    """Whether the complex step confirms what was derived."""
    if derived.shape != oracle.shape:
        return False
    return largest(derived - oracle) <= SLACK * rounding + FLOAT64_LIMIT * largest(oracle)


def largest(values: Array) -> float:
    """Return the largest absolute value of an array, 0 of an empty one."""
    return float(np.max(np.abs(values), initial=0.0))


@dataclass(frozen=True)
class Slopes:
    """Every element's derivative with respect to every element of a variable, and how far rounding can move each."""

    value: Array
    rounding: Array

    @property
    def steady(self) -> bool:
        """Whether it is finite and not noise, as it is near a singular matrix."""
        return bool(np.all(np.isfinite(self.value))) and largest(self.rounding) <= WIDEST * max(
            1.0, largest(self.value)
        )


class Place(ABC):
    """Numbers for every name that a backward pass may ask for, and what its gradients are there."""

    told: str
    """The sizes, as a reader wants to see them: "m=2, n=3"."""
    values: Mapping[str, Any]
    """By name: the variables, the sizes, and what the forward pass makes on its way."""
    variables: Mapping[str, Array]
    """Of these, the arrays that no equation makes."""
    alternatives: Mapping[str, Any]
    """The same targets as numbers of classes, where they can be given so."""
    shape: tuple[int, ...]
    """The shape of the cotangent."""

    @abstractmethod
    def right(self, names: Sequence[str], cotangent: Array) -> dict[str, Exact]:
        """Return the right gradient with respect to each of some variables, for a cotangent of the value."""

    def jacobian(self, name: str) -> Slopes | None:
        """Return every element's derivative with respect to every element of a variable, where that is known."""
        return None


class Subject(ABC):
    """A forward pass whose backward pass is judged.

    `by` are the variables by which gradients are expected, in the order in which a reader expects them, of all that are
    `differentiable`; `names` all that a backward pass may ask for; `value` is what the value is called.
    """

    title: str
    by: tuple[str, ...]
    differentiable: tuple[str, ...]
    names: tuple[str, ...]
    value: str
    is_scalar: bool
    cotangent: Variable
    """The cotangent of the value, as derivations name it."""
    numbers: Mapping[str, int] = {}
    """The sizes that were given numbers."""
    remarks: tuple[str, ...] = ()
    inferred: str = ""
    """The shapes that were found where nothing was declared, as declarations are typed."""

    @abstractmethod
    def drawn(self, seed: int) -> list[Place]:
        """Return random places at which the value is finite, has a derivative, and that is not 0 where possible."""

    def places(self, seed: int) -> list[Place]:
        """Return the places of a seed, which are drawn once."""
        if seed not in self._places:
            self._places[seed] = self.drawn(seed)
        return self._places[seed]

    @cached_property
    def _places(self) -> dict[int, list[Place]]:
        return {}

    @property
    @abstractmethod
    def diagnosed(self) -> Formula | Network | Derivation:
        """What a diagnosis is made of."""
