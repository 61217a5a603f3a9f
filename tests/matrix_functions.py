"""What NumPy and SciPy call functions of whole matrices, for the comparison of each name of the language."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg


def _frechet(A: Any, E: Any, compute_expm: bool = True) -> Any:
    return scipy.linalg.expm_frechet(A, E, compute_expm=compute_expm)


def _parts(found: Any, part: int | None) -> Any:
    return found if part is None else found[part]


def _signs(vectors: Any) -> Any:
    """The sign of the largest element of each column, which is free: the language takes that above 0."""
    return np.sign(vectors[np.argmax(np.abs(vectors), axis=0), range(vectors.shape[1])])


def _eigh(a: Any) -> Any:
    values, vectors = np.linalg.eigh(a)
    return values, vectors * _signs(vectors)


def _svd(a: Any, full_matrices: bool) -> Any:
    left, values, right = np.linalg.svd(a, full_matrices)
    if full_matrices:
        return left, values, right
    return left * _signs(right.T), values, right * _signs(right.T)[:, None]


MATRICES: dict[str, Any] = {
    "block": lambda rows: np.block([list(row) if isinstance(row, tuple) else row for row in rows]),
    **{name: getattr(np.linalg, name) for name in ("pinv", "cholesky", "eigvalsh", "svdvals")},
    **{name: getattr(scipy.linalg, name) for name in ("expm", "logm", "sqrtm", "solve_sylvester")},
    "expm_frechet": _frechet,
    "eigh": lambda a, part=None: _parts(_eigh(a), part),
    "svd": lambda a, full_matrices=True, compute_uv=True, part=None: (
        _parts(_svd(a, full_matrices), part) if compute_uv else np.linalg.svdvals(a)
    ),
}
OPTIONS = {
    "compute_expm": "False | True 1",
    "full_matrices": "False True | 1",
    "compute_uv": "False True",
    "part": "0 1 2 | 3",
}
OF_SYMMETRIC, SYMMETRIC = ("cholesky", "eigvalsh", "eigh"), "(A @ A.T + eye(3))"
"""What takes symmetric matrices alone, and one of them."""
