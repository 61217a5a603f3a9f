"""What NumPy and SciPy call functions of whole matrices, for the comparison of each name of the language."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg


def _frechet(A: Any, E: Any, compute_expm: bool = True) -> Any:
    return scipy.linalg.expm_frechet(A, E, compute_expm=compute_expm)


MATRICES: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("tri", "tril", "triu")},
    "block": lambda rows: np.block([list(row) if isinstance(row, tuple) else row for row in rows]),
    **{name: getattr(np.linalg, name) for name in ("pinv", "cholesky", "eigvalsh", "svdvals")},
    **{name: getattr(scipy.linalg, name) for name in ("expm", "logm", "sqrtm", "solve_sylvester")},
    "expm_frechet": _frechet,
    "eigh": lambda a, part=None: np.linalg.eigh(a) if part is None else np.linalg.eigh(a)[part],
    "svd": lambda a, full_matrices=True, compute_uv=True, part=None: (
        np.linalg.svd(a, full_matrices, compute_uv) if part is None else np.linalg.svd(a, full_matrices)[part]
    ),
}
OPTIONS = {
    "compute_expm": "False True 1",
    "full_matrices": "False True 1",
    "compute_uv": "False True",
    "part": "3",
    "M": "2 3 None 0",
    "k": "0 1 -1 2 1/2 x",
}
OF_SYMMETRIC, SYMMETRIC = ("cholesky", "eigvalsh", "eigh"), "(A @ A.T + eye(3))"
"""What takes symmetric matrices alone, and one of them."""
