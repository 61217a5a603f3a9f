"""The logarithm of the gamma function and its derivatives: of complex numbers near the real axis, and in many digits.

Recurrences lead to large arguments, where the asymptotic series hold (Abramowitz and Stegun, 6.1.41, 6.4.11).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray

Array = NDArray[Any]
FAR = 16
"""From here on, ten terms of the series have all digits of a double."""
TERMS = range(2, 22, 2)
BERNOULLI = {k: float(sympy.bernoulli(k)) for k in TERMS}


def _steps(z: Array) -> range:
    """Return by how much an argument is moved until it is large; what is far below 0 has no value."""
    least = float(np.min(np.real(z), initial=0.0))
    return range(max(0, min(1000, math.ceil(FAR - least))))


def complex_gammaln(z: Array) -> Array:
    """Return `log(abs(gamma(z)))`."""
    z = np.asarray(z, dtype=complex)
    passed = np.zeros_like(z)
    for k in _steps(z):
        at = z + k
        passed = passed + np.log(np.where(at.real < 0, -at, at))
    far = z + len(_steps(z))
    series = sum(BERNOULLI[k] / (k * (k - 1)) / far ** (k - 1) for k in TERMS)
    return np.asarray((far - 0.5) * np.log(far) - far + 0.5 * math.log(2 * math.pi) + series - passed)


def complex_polygamma(order: Array, z: Array) -> Array:
    """Return the derivative of `order` of the digamma function, one order for all elements."""
    n = int(np.real(np.ravel(order)[0]))
    z = np.asarray(z, dtype=complex)
    sign, factorial = (-1) ** (n + 1), math.factorial(n)
    passed = sum((sign * factorial / (z + k) ** (n + 1) for k in _steps(z)), np.zeros_like(z))
    far = z + len(_steps(z))
    if n == 0:
        series = np.log(far) - 1 / (2 * far) - sum(BERNOULLI[k] / k / far**k for k in TERMS)
        return np.asarray(series + passed)
    series = math.factorial(n - 1) / far**n + factorial / (2 * far ** (n + 1))
    series = series + sum(BERNOULLI[k] * math.factorial(k + n - 1) / math.factorial(k) / far ** (k + n) for k in TERMS)
    return np.asarray(sign * series + passed)


def precise_gammaln(x: Any) -> Any:
    """Return `log(abs(gamma(x)))` of a number of mpmath."""
    return mpmath.log(abs(mpmath.gamma(x)))


def precise_polygamma(order: Any, x: Any) -> Any:
    """Return the derivative of `order` of the digamma function of a number of mpmath."""
    return mpmath.psi(int(order), x)


COMPLEX_GAMMA: dict[type, Callable[..., Any]] = {sympy.loggamma: complex_gammaln, sympy.polygamma: complex_polygamma}
PRECISE_GAMMA: dict[type, Callable[..., Any]] = {sympy.loggamma: precise_gammaln, sympy.polygamma: precise_polygamma}
