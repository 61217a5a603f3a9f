"""How far rounding can move the value of a formula, and its derivatives by the complex step: see `rounding.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.derivation import Derivation
from symprop.verify.arithmetic import Complex, Functions, Precise
from symprop.verify.complex_step import STEP
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from tests.rounding import Rounded, Slopes, assert_off, assert_rounded, bound


def _function(function: Callable[[float], float], slope: Callable[[float], float]) -> Callable[..., np.ndarray]:
    def one(number: Rounded) -> Rounded:
        try:
            return number.through(function, slope(number.value))
        except (ValueError, ZeroDivisionError):
            return Rounded(math.nan)

    return lambda *numbers: np.asarray(np.frompyfunc(one, 1, 1)(numbers[0]), dtype=object)


def _entered(value: Any) -> Rounded:
    return value if isinstance(value, Rounded) else Rounded(float(value))


class Counting(Precise):
    """The arithmetic of `Rounded` numbers: formulas are evaluated in it as they are in many digits."""

    functions: Functions = {
        sympy.exp: np.exp,
        sympy.log: np.log,
        sympy.sin: np.sin,
        sympy.cos: np.cos,
        sympy.tan: _function(math.tan, lambda t: 1 + math.tan(t) ** 2),
        sympy.asin: _function(math.asin, lambda t: 1 / math.sqrt(1 - t * t)),
        sympy.acos: _function(math.acos, lambda t: 1 / math.sqrt(1 - t * t)),
        sympy.atan: _function(math.atan, lambda t: 1 / (1 + t * t)),
        sympy.sinh: _function(math.sinh, math.cosh),
        sympy.cosh: _function(math.cosh, math.sinh),
        sympy.tanh: np.tanh,
        sympy.erf: _function(math.erf, lambda t: 2 / math.sqrt(math.pi) * math.exp(-t * t)),
        sympy.Abs: np.abs,
        sympy.sign: np.sign,
        sympy.Heaviside: _function(lambda t: (t > 0) + (t == 0) / 2, lambda t: 0.0),
    }

    def number(self, value: sympy.Expr) -> Any:
        return Rounded(float(value), roundings=0 if value.is_Integer else 2)

    def array(self, values: Any) -> np.ndarray:
        given = np.asarray(values, dtype=object)
        return np.asarray(np.frompyfunc(_entered, 1, 1)(given), dtype=object)

    def power(self, base: np.ndarray, exponent: sympy.Expr) -> np.ndarray:
        return np.asarray(base ** float(exponent), dtype=object)

    def general_power(self, base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
        return np.asarray(base**exponent, dtype=object)


def counted(node: Node, values: Mapping[str, Any], sizes: Mapping[sympy.Expr, int] | None = None) -> np.ndarray:
    """Return a formula at arrays, with bounds."""
    arithmetic = Counting()
    return unstacked(Evaluator(arithmetic, stacked(values, arithmetic), sizes)(node))


def counted_values(equations: Iterable[Equation], given: Mapping[str, Any], sizes: Any = None) -> dict[str, np.ndarray]:
    """Return the values of equations at arrays, with bounds, and those of the arrays."""
    arithmetic = Counting()
    evaluator = Evaluator(arithmetic, stacked(given, arithmetic), sizes)
    evaluator.run(equations)
    return {name: unstacked(value) for name, value in evaluator.values.items()}


def counted_step(
    derivation: Derivation, params: Mapping[str, Any], x: Any, y: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return loss and gradients on a batch of rows, as the derivation of a network has them, with bounds."""
    system = derivation.system
    given = {**params, system.inputs[0].name: x, system.targets[0].name: y}
    values = counted_values(derivation.equations, given, {system.batch: len(x)})
    assert system.loss is not None
    return values[system.loss.name], {name: values[f"d{name}"] for name in params}


def assert_same_value(first: Node, second: Node, values: Mapping[str, Any], sizes: Any = None) -> None:
    """Say that two formulas have the same value at arrays, each being off by its own bound."""
    one, other = np.broadcast_arrays(counted(first, values, sizes), counted(second, values, sizes))
    assert_rounded(one, other)


class Dual:
    """A `Rounded` number and its derivative: a complex step computes both, and rounds as they do."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Rounded, slope: Rounded) -> None:
        self.value, self.slope = value, slope

    @staticmethod
    def of(other: Any) -> Dual:
        return other if isinstance(other, Dual) else Dual(Rounded.of(other), Rounded(0))

    def __add__(self, other: Any) -> Dual:
        other = self.of(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Any) -> Dual:
        other = self.of(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Any) -> Dual:
        other = self.of(other)
        inverse = other.value.reciprocal()
        return self * Dual(inverse, -other.slope * inverse * inverse)

    def __rtruediv__(self, other: Any) -> Dual:
        return self.of(other) / self

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __abs__(self) -> Dual:
        return -self if self.value < 0 else self

    def __sub__(self, other: Any) -> Dual:
        return self + -self.of(other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, other: Any) -> Dual:
        base, exponent = self, self.of(other)
        power = base.value**exponent.value
        slope = exponent.value * base.value ** (exponent.value - 1) * base.slope if exponent.value != 0 else Rounded(0)
        if exponent.slope != 0:
            slope = slope + power * base.value.log() * exponent.slope
        return Dual(power, slope)

    def __rpow__(self, other: Any) -> Dual:
        return self.of(other) ** self

    def __float__(self) -> float:
        return self.value.value

    @property
    def real(self) -> float:
        return self.value.value

    __eq__, __lt__, __le__ = Rounded.__eq__, Rounded.__lt__, Rounded.__le__


class Stepping(Counting):
    """The arithmetic of dual numbers; SymPy has the derivatives of functions."""

    def __init__(self) -> None:
        self.functions = {kind: self._function(kind) for kind in Counting.functions}

    def _function(self, kind: Any) -> Callable[..., np.ndarray]:
        t, value = sympy.Symbol("t", real=True), Counting()
        slope = sympy.diff(kind(t), t) if kind not in (sympy.Abs, sympy.sign, sympy.Heaviside) else sympy.sign(t)

        def one(number: Any) -> Dual:
            number = Dual.of(number)
            if kind is sympy.Abs:
                return abs(number)
            at = {t: np.asarray([number.value], dtype=object)}
            found = value.functions[kind](at[t])[0]
            flat = kind in (sympy.sign, sympy.Heaviside)
            return Dual(found, Rounded(0) if flat else np.ravel(value.scalar(slope, at))[0] * number.slope)

        return lambda *numbers: np.asarray(np.frompyfunc(one, 1, 1)(numbers[0]), dtype=object)


def slopes_of(equations: Iterable[Equation], of: str, by: str, given: Mapping[str, Any], sizes: Any = None) -> Slopes:
    """Return the Jacobian of one variable of equations by another, by the complex step, and how far it can be off."""
    listed, at = list(equations), np.asarray(given[by])

    def run(arithmetic: Any, moved: np.ndarray) -> np.ndarray:
        stack = {**stacked(given, arithmetic), by: moved.reshape(-1, *at.shape)}
        evaluator = Evaluator(arithmetic, stack, sizes)
        evaluator.run(listed)
        found = np.asarray(evaluator.values[of])
        found = np.broadcast_to(found, (at.size, *found.shape[1:]))
        return np.moveaxis(found, 0, -1).reshape((*found.shape[1:], *at.shape))

    unit = np.eye(at.size)
    slopes = np.imag(run(Complex(), at.reshape(1, -1) + 1j * STEP * unit)) / STEP
    pair = np.frompyfunc(lambda value, slope: Dual(Rounded(value), Rounded(slope)), 2, 1)
    duals = run(Stepping(), pair(at.reshape(1, -1), unit))
    return slopes, bound(np.frompyfunc(lambda dual: Dual.of(dual).slope, 1, 1)(duals))


def complex_step(node: Node, by: Variable, values: Mapping[str, Any], sizes: Any = None) -> Slopes:
    """Return the full Jacobian of a formula by a variable of it, by the complex step, and how far it can be off."""
    out = Variable("out", (), node.shape)
    return slopes_of([Equation(out, node)], out.name, by.name, values, sizes)


def assert_slope(found: Node, stepped: Slopes, values: Mapping[str, Any], sizes: Any = None) -> None:
    """Say that a formula has the value of a Jacobian by the complex step."""
    true, off = stepped
    value = counted(found, values, sizes)
    assert_off(np.asarray(value, dtype=float), true, bound(value) + off)
