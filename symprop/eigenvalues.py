"""Eigenvalues and trace of a symmetric matrix that is known by its products with vectors alone.

Sources: Lanczos, *An iteration method for the solution of the eigenvalue problem* (1950), with full
reorthogonalisation; Hutchinson, *A stochastic estimator of the trace of the influence matrix* (1990).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[Any]]
Product = Callable[[Vector], Vector]
"""What a matrix makes of a vector, in a new array."""

EXACT = 1e-9
"""Eigenvalues are sought until their bounds are below this part of the largest."""
MOST_STEPS = 300


@dataclass(frozen=True)
class Found:
    """Eigenvalues, those of the largest size first, and how far each may be off."""

    values: Vector
    bounds: Vector
    products: int


def largest(product: Product, size: int, count: int, generator: np.random.Generator) -> Found:
    """Return the eigenvalues of the largest absolute values, by Lanczos's method.

    Each is within its bound of an eigenvalue. One that is there several times may be found fewer times.

    >>> matrix = np.diag([3.0, -5.0, 1.0, 0.5])
    >>> largest(lambda v: matrix @ v, 4, 2, np.random.default_rng(0)).values.round(9)
    array([-5.,  3.])
    """
    count = min(count, size)
    most = min(size, max(MOST_STEPS, 2 * count))
    basis = np.zeros((most, size))
    along, beside = np.zeros(most), np.zeros(most)
    basis[0] = _fresh(basis[:0], generator)
    for step in range(most):
        moved = np.asarray(product(basis[step]), dtype=np.float64)
        along[step] = basis[step] @ moved
        rest = _orthogonal(moved, basis[: step + 1])
        beside[step] = np.linalg.norm(rest)
        is_closed = beside[step] <= 1e-14 * np.abs(along[: step + 1]).max()
        if is_closed:  # what is spanned is mapped to itself
            beside[step], rest = 0.0, np.zeros(size)
        if step + 1 >= count and (step % 5 == 4 or step + 1 == most):
            found = _ritz(along[: step + 1], beside[: step + 1], count, step + 1)
            if found.bounds.max() <= EXACT * np.abs(found.values).max():
                return found
        if step + 1 < most:
            basis[step + 1] = _fresh(basis[: step + 1], generator) if is_closed else rest / beside[step]
    return found


def _ritz(along: Vector, beside: Vector, count: int, products: int) -> Found:
    """Return the largest eigenvalues of the tridiagonal matrix, and how well they are those of the whole one."""
    values, vectors = np.linalg.eigh(np.diag(along) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    chosen = np.argsort(-np.abs(values), kind="stable")[:count]
    return Found(values[chosen], beside[-1] * np.abs(vectors[-1, chosen]), products)


def _fresh(basis: Vector, generator: np.random.Generator) -> Vector:
    """Return a random vector of length 1 that is orthogonal to those of a basis."""
    found = _orthogonal(generator.standard_normal(basis.shape[1]), basis)
    return found / np.linalg.norm(found)


def _orthogonal(vector: Vector, basis: Vector) -> Vector:
    """Return what is left of a vector beside a basis; done twice, so that rounding leaves nothing."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector


def trace(product: Product, size: int, draws: int, generator: np.random.Generator) -> tuple[float, float]:
    """Return an estimate of the trace and its standard error: the mean of `z' A z` over random signs `z`.

    >>> trace(lambda v: 2 * v, 10, 4, np.random.default_rng(0))
    (20.0, 0.0)
    """
    signs = (generator.integers(0, 2, size) * 2.0 - 1 for _ in range(draws))
    found = np.array([sign @ product(sign) for sign in signs])
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(draws))


def whole(product: Product, size: int) -> Vector:
    """Return all eigenvalues, in order from the largest; the matrix is made column by column.

    >>> whole(lambda v: np.array([2 * v[0] + v[1], v[0] + 2 * v[1]]), 2)
    array([3., 1.])
    """
    matrix = np.stack([product(unit) for unit in np.eye(size)], axis=1)
    return np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1]
