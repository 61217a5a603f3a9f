"""Functions of complex numbers near the real axis that NumPy lacks, has with a loss of digits, or takes long for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ALONE = 2**16
"""Up to so many multiplications, OpenBLAS wakes no second thread, which in products of this size mostly waits."""


def complex_sigmoid(t: Array) -> Array:
    small = np.exp(np.where(t.real > 0, -t, t))  # never above 1
    return np.asarray(np.where(t.real > 0, 1, small) / (1 + small))


def complex_softplus(t: Array) -> Array:
    small = np.exp(np.where(t.real > 0, -t, t))  # log(1 + small) to full precision where small is near 0
    size = np.log1p(2 * small.real + small.real**2 + small.imag**2) / 2
    return np.asarray(np.where(t.real > 0, t, 0) + size + 1j * np.arctan2(small.imag, 1 + small.real))


def complex_erf(z: Array) -> Array:
    """Kummer's series near 0, and the continued fraction of `1 - erf` (Laplace) beyond 2, where the series cancels."""
    z = np.asarray(z, dtype=complex)
    sign = np.where(z.real < 0, -1.0, 1.0)
    near, far = np.abs(z.real) < 2, np.abs(z.real) < 26  # beyond 26, the slope of erf is below the smallest number
    beyond = sign * (1 - complex_erfc(np.where(near | ~far, 3, sign * z)))
    return np.asarray(np.where(near, _kummer(np.where(near, z, 0)), np.where(far, beyond, sign)))


def _kummer(z: Array) -> Array:
    """Return `erf(z) = 2/sqrt(pi) exp(-z^2) sum_n 2^n z^(2n+1) / (2n+1)!!`."""
    term = total = z
    n = 0
    while np.any(np.abs(term) > 1e-18 * np.abs(total)):
        n += 1
        term = term * (2 * z * z / (2 * n + 1))
        total = total + term
    return np.asarray(2 / np.sqrt(np.pi) * np.exp(-z * z) * total)


def complex_erfc(z: Array) -> Array:
    """Return `1 - erf(z) = exp(-z^2) / sqrt(pi) / (z + (1/2) / (z + (2/2) / (z + (3/2) / ...)))`, real part above 2."""
    fraction = z
    for k in range(100, 0, -1):
        fraction = z + k / 2 / fraction
    return np.asarray(np.exp(-z * z) / np.sqrt(np.pi) / fraction)


def complex_log(t: Array) -> Array:
    return np.where(t.real < 0, np.nan, np.log(np.where(t.real < 0, 1, t)))


def within(t: Array) -> Array:
    return np.where(np.abs(t.real) > 1, np.nan, t)  # beyond -1 and 1, arcsin has no real value


def product_in_blocks(left: Array, right: Array) -> Array:
    """Return the products of stacks of matrices, some rows on the left at a time.

    >>> left, right = np.ones((300, 40)) + 1j, np.ones((40, 20)) + 0j
    >>> bool(np.allclose(product_in_blocks(left, right), left @ right))
    True
    """
    (count, length), columns = left.shape[-2:], right.shape[-1]
    rows = ALONE // max(1, length * columns)
    if not 0 < rows < count:
        return np.asarray(np.matmul(left, right))
    whole = count - count % rows
    blocks = left[..., :whole, :].reshape(*left.shape[:-2], whole // rows, rows, length)
    first = np.matmul(blocks, right[..., None, :, :])
    first = first.reshape(*first.shape[:-3], whole, columns)
    return np.concatenate([first, np.matmul(left[..., whole:, :], right)], axis=-2)
