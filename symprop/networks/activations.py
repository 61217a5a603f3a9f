"""Activations: elementwise functions as layers. Their derivatives come from their scalar bodies, not from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import sympy

from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, elu, leaky_relu
from symprop.algebra.nodes import Compare, Scalar, Variable, Where
from symprop.algebra.nodes import Softmax as SoftmaxNode
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need
from symprop.networks.own import WIDTH, Learned
from symprop.networks.sizes import check_number

LARGEST_NUMBER = 1_000_000
"""The largest slope of a LeakyReLU, or alpha of an ELU."""


@dataclass(frozen=True)
class Elementwise(Layer):
    """Abstract base of activations that are one elementwise function: `a = function(z)`."""

    is_activation: ClassVar[bool] = True

    @property
    def function(self) -> ElementwiseFunction:
        """The function that is applied; by default the one in `FUNCTIONS` under the layer's name in lower case."""
        return FUNCTIONS[type(self).__name__.lower()]

    def build(self, builder: Builder, value: Variable) -> Variable:
        builder.use(self.function)
        return builder.activation(self.function(value), "activation")


@dataclass(frozen=True)
class Rectifier(Elementwise):
    """Abstract base of activations that are about 0 on one side, for which weights start as He showed."""

    preferred_initialiser: ClassVar[str] = "he_normal"


class Sigmoid(Elementwise):
    """`1 / (1 + exp(-z))`.

    Its slope `a * (1 - a)` is right to about one rounding of 1, not of itself: it is 0 where `a` rounds to 1, from
    z = 17 on in float32, 37 in float64.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> Sigmoid()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = σ(z₁)
    """


class Tanh(Elementwise):
    """The hyperbolic tangent.

    Its slope `1 - a**2` is right to about one rounding of 1, not of itself: it is 0 where `a` rounds to 1 or -1.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> Tanh()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = tanh(z₁)
    """


class ReLU(Rectifier):
    """`z` where positive, else 0; the derivative at 0 is 0.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> ReLU()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = ReLU(z₁)
    """


class SiLU(Rectifier):
    """`z * sigmoid(z)`, also called swish.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> SiLU()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = SiLU(z₁)
    """


class Softplus(Rectifier):
    """`log(1 + exp(z))`.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> Softplus()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = softplus(z₁)
    """


@dataclass(frozen=True)
class Softmax(Layer):
    """`exp(z_i) / sum_j exp(z_j)` along the last axis; the shape stays.

    >>> from symprop import Dense, Input
    >>> [equation.text() for equation in (Input(3) >> Dense(2) >> Softmax()).system().equations]
    ['z1 = W1 @ x + b1', 'a1 = softmax(z1)']

    Raises:
        SpecError: over one class, where it would always be 1.
    """

    is_activation: ClassVar[bool] = True

    def needs(self, shape: tuple[sympy.Expr, ...]) -> Iterable[Need]:
        one = "Softmax over one class is always 1\nfor one probability use Sigmoid() and BinaryCrossEntropy()"
        yield Need(shape[-1], least=2, otherwise=one)

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.activation(SoftmaxNode(value), "softmax")


@dataclass(frozen=True)
class LeakyReLU(Rectifier):
    """`z` where positive, else `slope * z`.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> LeakyReLU()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = LeakyReLU(z₁)
    """

    slope: Any = 0.01

    def __post_init__(self) -> None:
        check_number(self.slope, "LeakyReLU: slope", -LARGEST_NUMBER, LARGEST_NUMBER)

    @property
    def function(self) -> ElementwiseFunction:
        return _by_name(leaky_relu(self.slope))


@dataclass(frozen=True)
class ELU(Rectifier):
    """`z` where positive, else `alpha * (exp(z) - 1)`.

    On the negative side its slope `a + alpha` is right to a rounding of alpha, not of itself.

    Clevert et al., *Fast and accurate deep network learning by exponential linear units* (2015).

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> ELU()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = ELU(z₁)
    """

    alpha: Any = 1

    def __post_init__(self) -> None:
        check_number(self.alpha, "ELU: alpha", -LARGEST_NUMBER, LARGEST_NUMBER)

    @property
    def function(self) -> ElementwiseFunction:
        return _by_name(elu(self.alpha))


@dataclass(frozen=True)
class GELU(Rectifier):
    """`z` times the normal distribution function of `z`: exact, or its tanh approximation (`approximate="tanh"`).

    Hendrycks and Gimpel, *Gaussian error linear units* (2016). On the left it is right to about one rounding of `z`,
    not of itself, since `1 + erf(t)` cancels: 0 from z = -9 on in float64, -6 in float32.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> GELU()).system().equations, sep="; ")
    z₁ = W₁ x + b₁; a₁ = GELU(z₁)
    """

    approximate: str | bool = "none"

    def __post_init__(self) -> None:
        if isinstance(self.approximate, bool):
            object.__setattr__(self, "approximate", "tanh" if self.approximate else "none")
        if self.approximate not in ("none", "tanh"):
            raise SpecError(f'GELU: approximate is "none" or "tanh", not {shown(self.approximate)}')

    @property
    def function(self) -> ElementwiseFunction:
        return FUNCTIONS["gelu" if self.approximate == "none" else "gelu_tanh"]


class Identity(Layer):
    """What goes in comes out; no equation is written.

    >>> from symprop import Dense, Input
    >>> print(*(Input(3) >> Dense(2) >> Identity()).system().equations, sep="; ")
    z₁ = W₁ x + b₁
    """

    is_activation: ClassVar[bool] = True

    def build(self, builder: Builder, value: Variable) -> Variable:
        return value


def _by_name(function: ElementwiseFunction) -> ElementwiseFunction:
    """The function without its settings: a network defines it under its name, and calls it by that alone."""
    return ElementwiseFunction(function.name, function.parameters, function.body)


@dataclass(frozen=True)
class PReLU(Layer):
    """`z` where positive, else `alpha * z` with a learned slope, one for all or, with `each`, one for each feature.

    It starts at 0.25 (He et al., 2015); at 0 the slope is `alpha`.

    >>> from symprop import Dense, Input
    >>> network = Input(3) >> Dense(2) >> PReLU(each=True)
    >>> [each.text() for each in network.system().equations]
    ['z1 = W1 @ x + b1', 'a1 = where(z1 > 0, z1, alpha1 * z1)']
    """

    is_activation: ClassVar[bool] = True
    preferred_initialiser: ClassVar[str] = Rectifier.preferred_initialiser

    each: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.each, bool):
            raise SpecError(f"PReLU: each is True or False, not {shown(self.each)}")

    def build(self, builder: Builder, value: Variable) -> Variable:
        alpha = Learned("alpha", (WIDTH,) if self.each else (), "0.25").enter(builder, value.shape[-1])
        chosen = Where(Compare(">", value, Scalar(0)), value, alpha * value)
        return builder.activation(chosen, "activation")
