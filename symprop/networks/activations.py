"""Activations: elementwise functions as layers. Their derivatives come from their scalar bodies, not from here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import sympy

from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, elu, from_body, leaky_relu
from symprop.algebra.lifting import lift
from symprop.algebra.names import validated, variable
from symprop.algebra.nodes import Variable
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reader import names_in, read_formula
from symprop.algebra.scalar import scalar_body
from symprop.errors import FormulaError, SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.sizes import check_number

LARGEST_NUMBER = 1_000_000
"""The largest slope of a LeakyReLU, or alpha of an ELU."""


@dataclass(frozen=True)
class Elementwise(Layer):
    """Abstract base of elementwise activations: `a = function(z)`."""

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
        check_number(self.slope, "LeakyReLU: slope", -LARGEST_NUMBER, LARGEST_NUMBER)

    @property
    def function(self) -> ElementwiseFunction:
        return _by_name(leaky_relu(self.slope))


@dataclass(frozen=True)
class ELU(Rectifier):
    """`z` where positive, else `alpha * (exp(z) - 1)`."""

    alpha: Any = 1

    def __post_init__(self) -> None:
        check_number(self.alpha, "ELU: alpha", -LARGEST_NUMBER, LARGEST_NUMBER)

    @property
    def function(self) -> ElementwiseFunction:
        return _by_name(elu(self.alpha))


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

    @property
    def is_identity(self) -> bool:
        return True

    def build(self, builder: Builder, value: Variable) -> Variable:
        return value


def _by_name(function: ElementwiseFunction) -> ElementwiseFunction:
    """The function without its settings: a network defines it under its name, and calls it by that alone."""
    return ElementwiseFunction(function.name, function.parameters, function.body)


_TAKEN_NAME = re.compile(r"(x|y|p|L|m|g|(d?(W|b|E|x)|[zafe]|delta|d[afe])[0-9]*)(_[0-9]+)?")


@dataclass(frozen=True)
class Activation(Elementwise):
    """An elementwise function of one's own: NumPy notation or a SymPy expression, in one variable.

    >>> Activation("x * sigmoid(x)", name="swish").function.body
    t*sigmoid(t)

    Raises:
        SpecError: a name that is taken.
        FormulaError: not exactly one variable, or an operation that is not elementwise.
    """

    body: Any
    name: str = "phi"

    def __post_init__(self) -> None:
        validated(self.name)
        function = self.function
        if function.body.has(sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
            raise FormulaError(f"Activation: {shown(self.body)} holds a constant that is not a real number")
        lift(function.body, {function.parameters[0]: variable("x")})  # refuses what no array can have done to it
        known = FUNCTIONS.get(self.name)
        if self.name in OPERATORS or _TAKEN_NAME.fullmatch(self.name) or (known is not None and known != function):
            raise SpecError(f"Activation: the name {shown(self.name)} already means something else")

    @cached_property
    def function(self) -> ElementwiseFunction:
        if isinstance(self.body, sympy.Expr):
            return from_body(self.name, self.body)
        if not isinstance(self.body, str):
            raise SpecError(f"Activation: the body is NumPy notation or a SymPy expression, not {shown(self.body)}")
        names = names_in(self.body)
        if len(names) != 1:
            listed = f": {', '.join(names[:5])}" if names else ""
            raise FormulaError(
                f"Activation: {shown(self.body)} has {len(names)} variables{listed}\nallowed: one, such as x"
            )
        return from_body(self.name, scalar_body(read_formula(self.body, {names[0]: ()})))

    @property
    def text(self) -> str:
        if isinstance(self.body, str):
            return super().text
        formula = lift(self.function.body, {self.function.parameters[0]: variable("x")}).text()
        return replace(self, body=formula).text
