"""The arithmetics that the oracles count in: complex numbers of 16 digits, and real numbers of as many as asked for.

An arithmetic knows numbers and scalar functions; `evaluate.py` knows arrays. Nothing here knows a derivative, and
nothing is shared with the rules or with the generated code.

Complex: the complex-step derivative `Im f(x + i h) / h` has no cancellation, so `h` may be tiny and the result is
exact to rounding (Squire and Trapp, *Using complex variables to estimate derivatives of real functions*, 1998).
Every function is analytic near the real axis; decisions (`x > 0`, `max`, `abs`) look at real parts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Basic, Expr
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from symprop.algebra.defined import DefinedFunction, sigmoid, softplus
from symprop.algebra.named_numbers import unnamed
from symprop.verify.complex_functions import (
    complex_erf,
    complex_log,
    complex_sigmoid,
    complex_softplus,
    product_in_blocks,
    within,
)
from symprop.verify.gamma_functions import COMPLEX_GAMMA, PRECISE_GAMMA
from symprop.verify.whole_numbers import from_whole_numbers, whole_numbers

Array = NDArray[Any]
Functions = dict[type, Callable[..., Array]]


class Arithmetic:
    """Abstract: how an oracle represents numbers and scalar functions. All functions act on arrays."""

    functions: Functions = {}

    def number(self, value: Expr) -> Any:
        """Return a SymPy number."""
        raise NotImplementedError

    def array(self, values: Any) -> Array:
        """Return an array of exact or floating numbers in this arithmetic."""
        raise NotImplementedError

    def real(self, values: Array) -> Array:
        """Return real parts."""
        raise NotImplementedError

    def decisive(self, values: Array) -> Array:
        """Return what decisions look at: numbers without the step of a derivative."""
        return self.real(values)

    def power(self, base: Array, exponent: Expr) -> Array:
        """Return `base ** exponent` for a constant exponent; not a number where the real power has no value."""
        raise NotImplementedError

    def general_power(self, base: Array, exponent: Array) -> Array:
        """Return `base ** exponent` for exponents that vary; not a number where the real power has no value."""
        raise NotImplementedError

    def rounded(self, values: Array, length: int) -> Array:
        """Return the result of an operation that rounded up to `length` times. Exact unless an arithmetic says else."""
        return values

    def product(self, left: Array, right: Array) -> Array:
        """Return the products of stacks of matrices: one large product where all of one side meet the same."""
        length, apart = left.shape[-1], np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        shape = (*apart, left.shape[-2], right.shape[-1])
        if right.size == length * right.shape[-1]:
            left, right = left.reshape(-1, length), right.reshape(length, -1)
        return self.matmul(left, right).reshape(shape)

    def matmul(self, left: Array, right: Array) -> Array:
        """Return the products of stacks of matrices, as NumPy has them."""
        return np.asarray(np.matmul(left, right))

    def total(self, values: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        """Return the sums along axes."""
        return np.asarray(np.sum(values, axis=axes, keepdims=keepdims))

    def scalar(self, body: Basic, arguments: dict[Basic, Array]) -> Array:
        """Return a scalar SymPy expression at arrays, one operation at a time.

        Raises:
            LookupError: a function that this arithmetic does not know.
        """
        if body in arguments:
            return arguments[body]
        if isinstance(body, Expr) and body.is_number and not body.has(sympy.Piecewise, DefinedFunction):
            return np.asarray(self.number(body))
        if isinstance(body, sympy.Piecewise):
            return self._piecewise(body, arguments)
        if isinstance(body, sympy.Pow):
            if body.base is sympy.E:
                return self.functions[sympy.exp](self.scalar(body.exp, arguments))
            if body.exp.is_number:
                return self.power(self.scalar(body.base, arguments), body.exp)
            return self.general_power(self.scalar(body.base, arguments), self.scalar(body.exp, arguments))
        among = body.args  # in a maximum a number stands last: where both are equal, it has the slope, 0
        among = sorted(among, key=lambda part: not part.free_symbols) if body.func in EXTREMA else among
        parts = [self.scalar(part, arguments) for part in among]
        if body.func in (sympy.Add, sympy.Mul, *EXTREMA):
            combine = self._combine(type(body))
            result = parts[0]
            for part in parts[1:]:
                result = combine(result, part)
            return result
        if type(body) in self.functions:
            return self.functions[type(body)](*parts)
        if isinstance(body, DefinedFunction):
            return self.scalar(type(body).definition(body.args[0]), arguments)
        raise LookupError(f"the checks do not know the function {type(body).__name__}")

    def _combine(self, kind: type) -> Callable[[Array, Array], Array]:
        if kind is sympy.Add:
            return np.add
        if kind is sympy.Mul:
            return np.multiply
        if kind is sympy.Max:
            return lambda left, right: self.larger(left, right)
        return lambda left, right: -self.larger(-left, -right)

    def larger(self, left: Array, right: Array) -> Array:
        """Return the larger of two, and the second where they tie, which has the slope of a maximum there."""
        return np.where(self.decisive(left) > self.decisive(right), left, right)

    def _piecewise(self, body: sympy.Piecewise, arguments: dict[Basic, Array]) -> Array:
        result = self.scalar(body.args[-1].expr, arguments)
        for expression, condition in reversed(body.args[:-1]):
            result = np.where(self.holds(condition, arguments), self.scalar(expression, arguments), result)
        return result

    def holds(self, condition: Basic, arguments: dict[Basic, Array]) -> Array:
        """Return where a condition holds: a comparison, or what SymPy makes of several (a branch within a branch)."""
        if isinstance(condition, BooleanAtom):
            return np.asarray(bool(condition))
        if isinstance(condition, Relational):
            return self.compare(condition.rel_op, *(self.scalar(part, arguments) for part in condition.args))
        parts = [self.holds(part, arguments) for part in condition.args]
        if isinstance(condition, sympy.ITE):
            return np.where(*parts)
        if isinstance(condition, sympy.Not):
            return np.logical_not(*parts)
        if isinstance(condition, (sympy.And, sympy.Or)):
            combine = np.logical_and if isinstance(condition, sympy.And) else np.logical_or
            return np.asarray(combine.reduce(np.broadcast_arrays(*parts)))
        raise LookupError(f"the checks do not know the condition {type(condition).__name__}")

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """Return where a comparison holds, as booleans."""
        return np.asarray(COMPARISONS[relation](self.decisive(left), self.decisive(right)), dtype=bool)


EXTREMA = (sympy.Max, sympy.Min)
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


class Complex(Arithmetic):
    """Complex numbers of double precision; what has no real value (the log of a negative number) is not a number.

    At a kink the complex step gives the stated subgradients: 0 for `relu` and `abs` at 0, the second of a `maximum`.
    """

    functions: Functions = {
        sympy.exp: np.exp,
        sympy.log: complex_log,
        **{sympy.sin: np.sin, sympy.cos: np.cos, sympy.tan: np.tan},
        sympy.asin: lambda t: np.arcsin(within(t)),
        sympy.acos: lambda t: np.arccos(within(t)),
        sympy.atan: np.arctan,
        sympy.sinh: np.sinh,
        sympy.cosh: np.cosh,
        sympy.tanh: np.tanh,
        sympy.erf: complex_erf,
        **COMPLEX_GAMMA,
        sympy.Abs: lambda t: np.where(t.real < 0, -t, np.where(t.real > 0, t, 0 * t)),  # its slope at 0 is 0
        sympy.sign: lambda t: np.sign(t.real) + 0j,
        sympy.Heaviside: lambda t, at_zero=0.5: np.heaviside(t.real, np.real(at_zero)) + 0j,
        sigmoid: complex_sigmoid,
        softplus: complex_softplus,
    }

    def number(self, value: Expr) -> Any:
        return _double(value if value.is_Rational else unnamed(value))

    def array(self, values: Any) -> Array:
        exact = np.asarray(values).dtype.kind == "O"
        return np.asarray(np.frompyfunc(_double, 1, 1)(values) if exact else values, dtype=complex)

    def real(self, values: Array) -> Array:
        return np.real(values)

    def matmul(self, left: Array, right: Array) -> Array:
        return product_in_blocks(left, right)

    def power(self, base: Array, exponent: Expr) -> Array:
        if exponent.is_Integer:
            raised = base ** abs(int(exponent))  # NumPy takes no negative powers of integers, such as ids
            return 1 / raised if exponent.is_negative else raised
        defined = np.where(base.real < 0, np.nan, base)
        return np.sqrt(defined) if exponent == sympy.Rational(1, 2) else defined ** float(exponent)

    def general_power(self, base: Array, exponent: Array) -> Array:
        base, exponent = np.broadcast_arrays(np.asarray(base, dtype=complex), np.asarray(exponent, dtype=complex))
        below, zero = base.real < 0, base == 0
        size = np.where(below, -base, np.where(zero, 1, base))
        whole = (np.round(exponent.real) == exponent.real) & (exponent.imag == 0)
        sign = np.where(below, np.where(whole, 1 - 2 * (exponent.real % 2), np.nan), 1)
        at_zero = np.select([exponent.real > 0, exponent == 0, exponent.real < 0], [0, 1, np.inf], np.nan)
        return np.asarray(np.where(zero, at_zero, sign * np.exp(exponent * np.log(size))))


def _double(value: Any) -> complex:
    short = isinstance(value, sympy.Rational) and abs(value.p) < 1e300 > value.q  # else SymPy, a hundred times slower
    return complex(int(value.p) / int(value.q) if short else value)


def _guarded(function: Callable[..., Any]) -> Callable[..., Array]:
    """Return `function` of mpmath on object arrays; not a number where it has no real value."""

    def one(*arguments: Any) -> Any:
        try:
            result = function(*arguments)
        except (ZeroDivisionError, ValueError):
            return mpmath.nan
        return mpmath.nan if isinstance(result, mpmath.mpc) else result

    def many(*arguments: Any) -> Array:
        return np.asarray(np.frompyfunc(one, len(arguments), 1)(*arguments), dtype=object)

    return many


class Precise(Arithmetic):
    """Real numbers of mpmath, of as many digits as `mpmath.workdps` says where it is used."""

    functions: Functions = {
        sympy.exp: _guarded(mpmath.exp),
        sympy.log: _guarded(mpmath.log),
        sympy.sin: _guarded(mpmath.sin),
        sympy.cos: _guarded(mpmath.cos),
        sympy.tan: _guarded(mpmath.tan),
        sympy.asin: _guarded(mpmath.asin),
        sympy.acos: _guarded(mpmath.acos),
        sympy.atan: _guarded(mpmath.atan),
        sympy.sinh: _guarded(mpmath.sinh),
        sympy.cosh: _guarded(mpmath.cosh),
        sympy.tanh: _guarded(mpmath.tanh),
        sympy.erf: _guarded(mpmath.erf),
        **{kind: _guarded(function) for kind, function in PRECISE_GAMMA.items()},
        sympy.Abs: _guarded(mpmath.fabs),
        sympy.sign: _guarded(mpmath.sign),
        sympy.DiracDelta: _guarded(lambda t: mpmath.mpf(0) if t != 0 else mpmath.nan),
        sympy.Heaviside: _guarded(lambda t, at_zero=0.5: mpmath.mpf(t > 0) if t != 0 else at_zero),
    }

    def number(self, value: Expr) -> Any:
        if value.is_Rational:
            return mpmath.mpf(int(value.p)) / int(value.q)
        if value.is_infinite:  # beside what is padded with it stands the largest of all numbers
            return mpmath.inf if value.is_positive else -mpmath.inf
        return mpmath.mp.make_mpf(sympy.N(value, mpmath.mp.dps + 5)._mpf_)

    def array(self, values: Any) -> Array:
        return np.asarray(np.frompyfunc(_exact, 1, 1)(np.asarray(values, dtype=object)), dtype=object)

    def real(self, values: Array) -> Array:
        return values

    def product(self, left: Array, right: Array) -> Array:
        first, second = whole_numbers(left), whole_numbers(right)
        if first is None or second is None:
            return super().product(left, right)
        return from_whole_numbers(super().product(first[0], second[0]), first[1] + second[1])

    def total(self, values: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        whole = whole_numbers(values)
        if whole is None:
            return super().total(values, axes, keepdims)
        return from_whole_numbers(super().total(whole[0], axes, keepdims), whole[1])

    def power(self, base: Array, exponent: Expr) -> Array:
        power = int(exponent) if exponent.is_Integer else self.number(exponent)
        return _guarded(lambda x: mpmath.power(x, power))(base)

    def general_power(self, base: Array, exponent: Array) -> Array:
        return _guarded(mpmath.power)(base, exponent)


def nearest(values: Array) -> Array:
    """Return numbers of mpmath as float64; what is too large for one is infinite, without the warning of NumPy 2.0.

    >>> nearest(np.array([mpmath.mpf(1) / 4, mpmath.mpf(10) ** 400], dtype=object)).tolist()
    [0.25, inf]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, dtype=float)


def _exact(value: Any) -> Any:
    if isinstance(value, sympy.Rational):
        return mpmath.mpf(int(value.p)) / int(value.q)
    return mpmath.mpf(value.item() if isinstance(value, np.generic) else value)  # a draw of rank 0 is NumPy's own
