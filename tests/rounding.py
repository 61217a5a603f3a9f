"""How far rounding can move a number: the bounds by which the tests compare what was computed in two ways.

A `Rounded` number knows its `value`, the `magnitude` that it would have if nothing had cancelled (sums of absolute
values), and how many `roundings` led to it. An error is at most `roundings * unit * magnitude`, to first order: the
bound `gamma_k |A| |B|` of a product, and that of every other formula, whatever the order in which a BLAS adds (Higham,
*Accuracy and Stability of Numerical Algorithms*, 2nd ed., 2002, chapters 3 and 14). Oracles written with NumPy run on
arrays of them as they are; for formulas there is `rounding_of_formulas.py`. It is an error analysis, not a measurement:
a bound is the same on every processor, and it knows nothing of what it bounds.

    assert_rounded(module.forward(params, x), np.tanh(exact(x) @ exact(params["W1"]).T), "float32")
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Slopes = tuple[np.ndarray, np.ndarray]
"""Derivatives, and how far each can be off."""
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}
"""Half the distance from 1 to the next number: the relative error of one rounding."""
FUNCTION = 8
"""Roundings in a function of a mathematical library: NumPy's own are right to 4 units in the last place, 8 halves."""


class Rounded:
    """A number with a bound on its error: `roundings * unit * magnitude`."""

    __slots__ = ("magnitude", "roundings", "value")

    def __init__(self, value: float, magnitude: float | None = None, roundings: float = 0) -> None:
        self.value = float(value)
        self.magnitude = abs(self.value) if magnitude is None else magnitude
        self.roundings = roundings

    @staticmethod
    def of(other: Any) -> Rounded:
        """Take a number in; one that is no integer was rounded when it was written down."""
        if isinstance(other, Rounded):
            return other
        return Rounded(float(other), roundings=0 if float(other).is_integer() else 1)

    def through(self, function: Callable[[float], float], slope: float, roundings: int = FUNCTION) -> Rounded:
        """Return `function` of this number, whose error it multiplies by its slope."""
        value = function(self.value)
        carried = abs(slope) * self.magnitude if self.roundings else 0.0
        return Rounded(value, max(abs(value), carried), self.roundings + roundings)

    def __add__(self, other: Any) -> Rounded:
        if not isinstance(other, NUMBERS):
            return NotImplemented
        other = self.of(other)
        roundings = max(self.roundings, other.roundings) + 1
        return Rounded(self.value + other.value, self.magnitude + other.magnitude, roundings)

    def __mul__(self, other: Any) -> Rounded:
        if not isinstance(other, NUMBERS):
            return NotImplemented
        other = self.of(other)
        roundings = self.roundings + other.roundings + 1
        return Rounded(self.value * other.value, self.magnitude * other.magnitude, roundings)

    def reciprocal(self) -> Rounded:
        size = abs(self.value) or math.nan
        return Rounded(1 / (self.value or math.nan), self.magnitude / size**2, self.roundings + 1)

    def __truediv__(self, other: Any) -> Rounded:
        return NotImplemented if not isinstance(other, NUMBERS) else self * self.of(other).reciprocal()

    def __rtruediv__(self, other: Any) -> Rounded:
        return self.of(other) / self

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.magnitude, self.roundings)

    def __abs__(self) -> Rounded:
        return Rounded(abs(self.value), self.magnitude, self.roundings)

    def __sub__(self, other: Any) -> Rounded:
        return NotImplemented if not isinstance(other, NUMBERS) else self + -self.of(other)

    def __rsub__(self, other: Any) -> Rounded:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, other: Any) -> Rounded:
        base, exponent = self, self.of(other)
        value = math.pow(base.value, exponent.value) if base.value or exponent.value >= 0 else math.nan
        by_base = exponent.value * value / base.value if base.value else float(exponent.value == 1)
        by_exponent = value * math.log(base.value) if base.value > 0 and exponent.roundings else 0.0
        carried = abs(by_base) * base.magnitude + abs(by_exponent) * exponent.magnitude
        roundings = max(base.roundings, exponent.roundings) + max(FUNCTION, abs(math.ceil(exponent.value)))
        return Rounded(value, max(abs(value), carried), roundings)

    def __rpow__(self, other: Any) -> Rounded:
        return self.of(other) ** self

    def __float__(self) -> float:
        return self.value

    @property
    def real(self) -> float:
        return self.value

    def __eq__(self, other: object) -> bool:
        return self.value == float(other)  # type: ignore[arg-type]

    def __lt__(self, other: Any) -> bool:
        return self.value < float(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= float(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > float(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= float(other)

    __hash__ = None  # type: ignore[assignment]

    # NumPy's functions of arrays of objects call the methods of that name.

    def exp(self) -> Rounded:
        return self.through(math.exp, math.exp(self.value))

    def log(self) -> Rounded:
        return self.through(math.log, 1 / self.value) if self.value > 0 else Rounded(math.nan)

    def log1p(self) -> Rounded:
        return self.through(math.log1p, 1 / (1 + self.value))

    def tanh(self) -> Rounded:
        return self.through(math.tanh, 1 - math.tanh(self.value) ** 2)

    def sin(self) -> Rounded:
        return self.through(math.sin, math.cos(self.value))

    def cos(self) -> Rounded:
        return self.through(math.cos, math.sin(self.value))

    def sqrt(self) -> Rounded:
        return self**0.5

    def sign(self) -> Rounded:
        return Rounded(math.copysign(1, self.value) if self.value else 0)


NUMBERS = (Rounded, int, float, np.number)


def exact(values: Any) -> np.ndarray:
    """Return the inputs of a computation, numbers that are what they are, as an array that NumPy computes with."""
    return np.asarray(np.frompyfunc(lambda value: Rounded(float(value)), 1, 1)(np.asarray(values)), dtype=object)


def bound(number: Any, dtype: str = "float64") -> np.ndarray:
    """Return how far each number can be off where it was computed in `dtype`."""
    unit, tiny = UNIT[dtype], float(np.finfo(dtype).smallest_subnormal)

    def one(each: Any) -> float:
        each = Rounded.of(each)
        return float(each.roundings * (unit * each.magnitude + tiny))

    return np.asarray(np.frompyfunc(one, 1, 1)(np.asarray(number, dtype=object)), dtype=float)


def assert_rounded(found: Any, expected: Any, dtype: str = "float64", off: Any = 0, name: object = "") -> None:
    """Say that numbers are the expected ones, as far as rounding lets them be.

    Both are off: what is expected by its bound, in float64; what was found by its own, or where it has none by that of
    what is expected, in `dtype`. `off` is what else may be.
    """
    expected, found = np.asarray(expected, dtype=object), np.asarray(found)
    of_found = bound(found) if found.dtype == object else bound(expected, dtype)
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    found = found if found.dtype == object else np.real(found)
    assert_off(found.astype(float), expected.astype(float), of_found + bound(expected) + off, name)


def assert_off(found: np.ndarray, true: np.ndarray, allowed: np.ndarray, name: object = "") -> None:
    """Say that two arrays differ by no more than is allowed, element by element."""
    found, true, allowed = np.broadcast_arrays(np.real(found), np.real(true), allowed)
    off = np.abs(found - true)
    right = ((off <= allowed) & (allowed < np.inf)) | (found == true) | (np.isnan(found) & np.isnan(true))
    assert right.all(), f"{name} {found[~right]} is not {true[~right]}: {off[~right]}, allowed {allowed[~right]}"


def differences(loss: Callable[[], Any], array: np.ndarray, place: tuple[int, ...], terms: int = 100) -> Slopes:
    """Return a slope of `loss` by one element of `array`, by central differences, and how far it can be off.

    Differences with steps `h` and `2h` tell the third derivative, which is all but the rounding of the losses: that of
    sums of `terms` positive numbers, divided by the step.
    """
    kept, h, slopes, largest = array[place], 1e-4, [], 0.0
    for step in (h, 2 * h):
        pair = []
        for sign in (1, -1):
            array[place] = kept + sign * step
            pair.append(float(loss()))
        slopes.append((pair[0] - pair[1]) / (2 * step))
        largest = max(largest, *map(abs, pair))
    array[place] = kept
    rounding = (terms + 1) * UNIT["float64"] * largest / h
    return np.asarray(slopes[0]), np.asarray(abs(slopes[1] - slopes[0]) + 2 * rounding)


def moved(run: Callable[..., np.ndarray], *arrays: np.ndarray, roundings: int) -> np.ndarray:
    """Return how far rounding can move each element of `run(*arrays)`, where no oracle of numbers can be run: measured.

    As many roundings as are said move a result as much as such errors of what it is made from, which are made large
    enough to be seen, and drawn four times; the largest, twice.
    """
    random, seen, true = np.random.default_rng(0), 2.0**-30, run(*arrays)
    off = np.zeros(np.shape(true))
    for _ in range(4):
        shaken = [array * (1 + seen * random.choice([-1, 1], array.shape)) for array in arrays]
        off = np.maximum(off, np.abs(run(*shaken) - true))
    return np.asarray(2 * roundings * UNIT["float64"] / seen * off)
