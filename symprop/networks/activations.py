"""Activations: elementwise functions as layers. Their derivatives come from their scalar bodies, not from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, elu, leaky_relu
from symprop.algebra.nodes import Variable
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer


@dataclass(frozen=True)
class Elementwise(Layer):
    """Abstract base of elementwise activations: `a = function(z)`."""

    is_activation: ClassVar[bool] = True

    @property
    def function(self) -> ElementwiseFunction:
        """The function that is applied; `FUNCTIONS` has it under the layer's name in lower case unless a layer says else."""
        return FUNCTIONS[type(self).__name__.lower()]

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.activation(self.function(value), "activation")


@dataclass(frozen=True)
class Rectifier(Elementwise):
    """Abstract base of activations that are about 0 on one side, for which weights start as He showed."""

    preferred_initialiser: ClassVar[str] = "he_normal"


class Sigmoid(Elementwise):
    """`1 / (1 + exp(-z))`."""


class Tanh(Elementwise):
    """The hyperbolic tangent."""


class ReLU(Rectifier):
    """`z` where positive, else 0; the derivative at 0 is 0."""


class SiLU(Rectifier):
    """`z * sigmoid(z)`, also called swish."""


class Softplus(Rectifier):
    """`log(1 + exp(z))`."""


@dataclass(frozen=True)
class LeakyReLU(Rectifier):
    """`z` where positive, else `slope * z`."""

    slope: Any = 0.01

    def __post_init__(self) -> None:
        _check_number(self.slope, "LeakyReLU: slope")

    @property
    def function(self) -> ElementwiseFunction:
        return leaky_relu(self.slope)


@dataclass(frozen=True)
class ELU(Rectifier):
    """`z` where positive, else `alpha * (exp(z) - 1)`."""

    alpha: Any = 1

    def __post_init__(self) -> None:
        _check_number(self.alpha, "ELU: alpha")

    @property
    def function(self) -> ElementwiseFunction:
        return elu(self.alpha)


@dataclass(frozen=True)
class GELU(Rectifier):
    """`z` times the normal distribution function of `z`: exact, or its tanh approximation (`approximate="tanh"`)."""

    approximate: Any = "none"

    def __post_init__(self) -> None:
        if isinstance(self.approximate, bool):
            object.__setattr__(self, "approximate", "tanh" if self.approximate else "none")
        if self.approximate not in ("none", "tanh"):
            raise SpecError(f'GELU: approximate is "none" or "tanh", not {shown(self.approximate)}')

    @property
    def function(self) -> ElementwiseFunction:
        return FUNCTIONS["gelu" if self.approximate == "none" else "gelu_tanh"]


class Identity(Layer):
    """What goes in comes out; no equation is written."""

    is_activation: ClassVar[bool] = True

    def build(self, builder: Builder, value: Variable) -> Variable:
        return value


def _check_number(value: Any, what: str) -> None:
    number = isinstance(value, (int, float, sympy.Rational)) and not isinstance(value, bool)
    if not number or value != value or abs(value) > 10**6:
        raise SpecError(f"{what} is a number between -1,000,000 and 1,000,000, not {shown(value)}")
