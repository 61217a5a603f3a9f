"""Algorithms of linear algebra on numbers that count what is done with them: by these the table of costs is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symprop.algebra.functions import FUNCTIONS
from trust.costs import COUNTED, PARTS, Tally

Array = Any


def _each_once(array: Array, axis: Any, keepdims: bool, combine: Callable[[Any, Any], Any]) -> Array:
    """Combine the elements along axes, one after the other."""
    axes = tuple(range(np.ndim(array))) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    moved = np.moveaxis(array, axes, range(len(axes))).reshape(-1, *np.delete(np.shape(array), axes))
    found = moved[0]
    for each in moved[1:]:
        found = np.frompyfunc(combine, 2, 1)(found, each)
    return np.expand_dims(found, tuple(each % np.ndim(array) for each in axes)) if keepdims else found


def _compared(one: Any, other: Any) -> Tally:
    Tally.counts["functions"] += 1
    return Tally()


def _evaluated(array: Array) -> Array:
    Tally.counts["functions"] += int(np.size(array))
    return np.full(np.shape(array), Tally(), dtype=object)


def extreme(array: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return _each_once(array, axis, keepdims, _compared)


def product(array: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return _each_once(array, axis, keepdims, lambda one, other: one * other)


def softmax(array: Array, axis: int = -1) -> Array:
    """Shifted by the largest, so that no exponential overflows."""
    powers = _evaluated(array - extreme(array, axis, True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def logsumexp(array: Array, axis: Any = None, keepdims: bool = False) -> Array:
    largest = extreme(array, axis, True)
    found = _evaluated(np.sum(_evaluated(array - largest), axis=axis, keepdims=True)) + largest
    return found if keepdims else np.sum(found, axis=axis)


def inverse(matrix: Array) -> Array:
    """By elimination with an identity beside, whose zeros and ones are known (Gauss and Jordan)."""
    size = len(matrix)
    for pivot in range(size):
        for column in range(size):  # the row of the pivot is divided, and 1 / pivot stands in its place
            matrix[pivot, column] / matrix[pivot, pivot]
        for row in (each for each in range(size) if each != pivot):
            for column in range(size):
                changed = matrix[row, pivot] * matrix[pivot, column]
                if column != pivot:
                    matrix[row, column] - changed
    return np.full(matrix.shape, Tally(), dtype=object)


def _pivots(matrix: Array) -> list[Any]:
    """By elimination below the diagonal."""
    size = len(matrix)
    for pivot in range(size):
        for row in range(pivot + 1, size):
            factor = matrix[row, pivot] / matrix[pivot, pivot]
            for column in range(pivot + 1, size):
                matrix[row, column] - factor * matrix[pivot, column]
    return [matrix[place, place] for place in range(size)]


def determinant(matrix: Array) -> Any:
    return product(np.array(_pivots(matrix), dtype=object))


def log_determinant(matrix: Array) -> Any:
    return np.sum(_evaluated(np.array(_pivots(matrix), dtype=object)))


def power(matrix: Array, exponent: int) -> Array:
    """By repeated squaring."""
    found = matrix if exponent > 0 else inverse(matrix)
    for digit in bin(abs(exponent))[3:]:
        found = found @ found
        found = found @ matrix if digit == "1" else found
    return found


def scattered(array: Array, ids: Array, size: int) -> Array:
    """Each row is added to one."""
    return array + array if np.size(array) else array


def folded(windows: Array, *where: Any, **sizes: Any) -> Array:
    """Each element of a window is added to what it is part of."""
    return windows + windows


WORDS = {
    **dict.fromkeys(FUNCTIONS, COUNTED["tanh"]),
    **COUNTED,
    **{"prod": product, "max": extreme, "min": extreme, "softmax": softmax, "logsumexp": logsumexp, "kron": np.kron},
    **{"inv": inverse, "det": determinant, "logdet": log_determinant, "matrix_power": power, "scatter_add": scattered},
    **{"diag": np.diag, "eye": np.eye, "full": np.full, "fold": folded},
    **{"reshape": np.reshape, "diagonal": np.diagonal, "flip": np.flip, "concatenate": np.concatenate},
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
}


def counted(text: str, arrays: dict[str, Array]) -> dict[str, int]:
    """Return the operations that a text of symprop's takes, run on numbers that count."""
    Tally.counts.clear()
    eval(text, {**WORDS, **arrays})  # a text that symprop printed
    return {part: Tally.counts[part] for part in PARTS}
