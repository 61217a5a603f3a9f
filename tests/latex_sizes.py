"""Sizes that are found from one another, values that are computed once all are known, and elementwise functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from latex_tokens import Unreadable

Array = np.ndarray[Any, np.dtype[Any]]
ZERO = "zeros of any shape"


class Size:
    """The length of an axis: a number, or not known yet."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.same: Size | None = None

    @property
    def root(self) -> Size:
        return self if self.same is None else self.same.root

    @property
    def known(self) -> int | None:
        return self.number if self.same is None else self.root.known

    @property
    def value(self) -> int:
        if self.known is None:
            raise Unreadable("a size that the formula does not determine")
        return self.known

    def becomes(self, number: int) -> bool:
        """Take a number; say whether that can be."""
        root = self.root
        if root is not self:
            return root.becomes(number)
        if self.number is None:
            self.number = number
        return self.number == number

    def meets(self, other: Size) -> bool:
        """Make two sizes the same; say whether they can be."""
        one, two = self.root, other.root
        if one is two:
            return True
        if two.known is not None:
            return one.becomes(two.known)
        if one.known is not None:
            return two.becomes(one.known)
        if type(one) is not Size:
            one, two = two, one
        if type(one) is not Size:
            return False  # two that are computed, from sizes of which nothing is known
        one.same = two
        return True


class Multiple(Size):
    """A size that is the product of two: where it and one of them are known, so is the other."""

    def __init__(self, one: Size, other: Size) -> None:
        super().__init__()
        self.factors = one, other

    @property
    def known(self) -> int | None:
        one, other = self.factors
        return None if one.known is None or other.known is None else one.known * other.known

    def becomes(self, number: int) -> bool:
        one, other = self.factors
        for known, open_ in ((one, other), (other, one)):
            if known.known and open_.known is None:
                open_.becomes(number // known.known)
        return self.known == number


class Value:
    """A shape, whether a vector lies as a row, and what computes the array once all sizes are known."""

    def __init__(self, shape: tuple[Size, ...], compute: Callable[[], Any], row: bool = False) -> None:
        self.shape, self.compute, self.row = shape, compute, row
        self.is_product = False

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def single(self) -> bool:
        return all(size.known == 1 for size in self.shape)


def full(value: Value) -> Array:
    """Return the array in its whole shape."""
    return np.broadcast_to(value.compute(), [size.value for size in value.shape])


def scalar(number: float) -> Value:
    return Value((), lambda: np.float64(number))


def erf(values: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(np.real(values))


def sigmoid(t: Any) -> Any:
    return 1 / (1 + np.exp(-t))


def elu(height: float) -> Callable[..., Any]:
    return lambda t: np.where(t > 0, t, height * (np.exp(t) - 1))


def leaky_relu(slope: float) -> Callable[..., Any]:
    return lambda t: np.where(t > 0, t, slope * t)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in ("exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "log1p", "expm1")
    },
    **{name: getattr(np, name) for name in ("arcsin", "arccos", "arctan", "abs", "sign")},
    "sigma": sigmoid,
    "erf": erf,
    "softplus": lambda t: np.logaddexp(0, t),
    "ReLU": lambda t: np.where(t > 0, t, 0),
    "SiLU": lambda t: t * sigmoid(t),
    "GELU": lambda t: t * (1 + erf(t / math.sqrt(2))) / 2,
    "GELU_tanh": lambda t: t * (1 + np.tanh(math.sqrt(2 / math.pi) * (t + 0.044715 * t**3))) / 2,
    "ELU": elu(1),
    "LeakyReLU": leaky_relu(0.01),
}
WITH_A_NUMBER: dict[str, Callable[[float], Callable[..., Any]]] = {"ELU": elu, "LeakyReLU": leaky_relu}
