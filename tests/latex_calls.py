"""The named operations of formulas in LaTeX that are no elementwise functions: `softmax`, `diag`, `vec`, ..."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from latex_sizes import Array, Size, Value, full
from latex_tokens import Unreadable
from latex_windows import CALLS as WINDOWS

if TYPE_CHECKING:
    from latex_meaning import Meaning
    from latex_names import Tree

Call = Callable[["Meaning", "Tree"], Value]


def _arguments(meaning: Meaning, tree: Tree, count: int, axes: bool = False) -> tuple[Value, ...]:
    if len(tree.parts) != count or (tree.words and not axes):
        raise Unreadable(f"{tree.text} of {len(tree.parts)} arguments, axes {', '.join(tree.words)}")
    return tuple(meaning.array(part) for part in tree.parts)


def _acting(meaning: Meaning, tree: Tree) -> tuple[Value, int]:
    """Return the argument of softmax and its like, and the axis: what is written, else what the page says."""
    (value,) = _arguments(meaning, tree, 1, axes=True)
    if value.rank > 2 or len(tree.words) > 1:
        raise Unreadable(f"{tree.text} of rank {value.rank}")
    return value, int(tree.words[0]) if tree.words else 0 if value.rank < 2 else meaning.axis


def exponentials(values: Array, axis: int) -> Array:
    return np.exp(values - np.max(np.real(values), axis=axis, keepdims=True))


def softmax(meaning: Meaning, tree: Tree) -> Value:
    value, axis = _acting(meaning, tree)

    def compute() -> Any:
        weights = exponentials(full(value), axis)
        return weights / np.sum(weights, axis=axis, keepdims=True)

    return Value(value.shape, compute, value.row)


def logsumexp(meaning: Meaning, tree: Tree) -> Value:
    value, axis = _acting(meaning, tree)
    shape = tuple(size for place, size in enumerate(value.shape) if place != axis)
    return Value(shape, lambda: np.log(np.sum(np.exp(full(value)), axis=axis)))


def diag(meaning: Meaning, tree: Tree) -> Value:
    (value,) = _arguments(meaning, tree, 1)
    if value.rank != 1:
        raise Unreadable("diag of what is no vector")
    return Value((value.shape[0], value.shape[0]), lambda: np.diag(full(value)))


def _square(meaning: Meaning, tree: Tree) -> Value:
    (value,) = _arguments(meaning, tree, 1)
    if value.rank != 2 or not value.shape[0].meets(value.shape[1]):
        raise Unreadable(f"{tree.text} of what is no square matrix")
    return value


def diagonal(meaning: Meaning, tree: Tree) -> Value:
    value = _square(meaning, tree)
    return Value(value.shape[:1], lambda: np.diagonal(full(value)))


def trace(meaning: Meaning, tree: Tree) -> Value:
    value = _square(meaning, tree)
    return Value((), lambda: np.trace(full(value)))


def det(meaning: Meaning, tree: Tree) -> Value:
    value = _square(meaning, tree)
    return Value((), lambda: np.linalg.det(full(value)))


def vec(meaning: Meaning, tree: Tree) -> Value:
    (value,) = _arguments(meaning, tree, 1)
    order = "F" if meaning.vec == "columns" and value.rank == 2 else "C"
    return Value((Size(math.prod(size.value for size in value.shape)),), lambda: full(value).ravel(order))


def onehot(meaning: Meaning, tree: Tree) -> Value:
    (ids,) = _arguments(meaning, tree, 1)
    size = Size()
    return Value((*ids.shape, size), lambda: np.eye(size.value)[ids.compute()])


def concatenate(meaning: Meaning, tree: Tree) -> Value:
    values = [
        value if value.rank else Value((Size(1),), lambda value=value: np.reshape(value.compute(), 1))
        for value in _arguments(meaning, tree, len(tree.parts), axes=True)
    ]
    axis = int(tree.words[0]) if tree.words else 0
    rank = len(values[0].shape) if not tree.words else 2

    def standing(value: Value) -> Array:
        """A vector among matrices is one of them: a row or a column."""
        array = full(value)
        return array if array.ndim == rank else array.reshape((1, -1) if value.row else (-1, 1))

    shapes = [
        value.shape if value.rank == rank else (Size(1), *value.shape) if value.row else (*value.shape, Size(1))
        for value in values
    ]
    for shape in shapes[1:]:
        if not all(
            one.meets(two) for place, (one, two) in enumerate(zip(shapes[0], shape, strict=True)) if place != axis
        ):
            raise Unreadable("parts that do not fit")
    joined = list(shapes[0])
    joined[axis] = Size(sum(shape[axis].value for shape in shapes))
    return Value(tuple(joined), lambda: np.concatenate([standing(value) for value in values], axis))


def reduction(function: Callable[..., Any], elementwise: Callable[..., Any] | None = None) -> Call:
    """Return the reading of a reduction over all elements or over axes; of two arrays it is one element by element."""

    def read(meaning: Meaning, tree: Tree) -> Value:
        if len(tree.parts) > 1 and elementwise is not None and not tree.words:
            return meaning.elementwise(elementwise, *_arguments(meaning, tree, len(tree.parts)))
        (value,) = _arguments(meaning, tree, 1, axes=True)
        axes = tuple(map(int, tree.words)) or tuple(range(value.rank))
        shape = tuple(size for place, size in enumerate(value.shape) if place not in axes)
        return Value(shape, lambda: function(full(value), axis=axes))

    return read


def triangular(part: Callable[..., Array]) -> Call:
    """Return the reading of the part of a matrix on one side of a diagonal."""

    def read(meaning: Meaning, tree: Tree) -> Value:
        if len(tree.parts) not in (1, 2) or tree.words:
            raise Unreadable(f"{tree.text} of {len(tree.parts)} arguments")
        value = meaning.array(tree.parts[0])
        if value.rank != 2:
            raise Unreadable(f"{tree.text} of what is no matrix")
        diagonal = meaning.constant(tree.parts[1]) if len(tree.parts) > 1 else 0
        return Value(value.shape, lambda: part(full(value), diagonal))

    return read


def mean_over_batch(meaning: Meaning, tree: Tree) -> Value:
    """The mean of each feature, which is the last axis, over examples and places."""
    (value,) = _arguments(meaning, tree, 1)
    return Value(value.shape[-1:], lambda: np.mean(full(value), axis=tuple(range(value.rank - 1))))


def first(which: Callable[[Array], Any]) -> Call:
    """Return the reading of what is 1 at the first of the largest or smallest elements."""
    return lambda meaning, tree: _first(which, meaning, tree)


def _first(which: Callable[[Array], Any], meaning: Meaning, tree: Tree) -> Value:
    (value,) = _arguments(meaning, tree, 1, axes=True)
    axes = tuple(map(int, tree.words)) or tuple(range(value.rank))

    def firsts() -> Array:
        found = np.zeros(full(value).shape)
        for place in np.ndindex(*(1 if axis in axes else size for axis, size in enumerate(found.shape))):
            at = (*(slice(None) if axis in axes else place[axis] for axis in range(found.ndim)), ...)
            part = np.real(full(value)[at])
            found[at].flat[which(part)] = 1
        return found

    return Value(value.shape, firsts)


CALLS: dict[str, Call] = {
    "softmax": softmax,
    "logsumexp": logsumexp,
    "diag": diag,
    "diagonal": diagonal,
    "tr": trace,
    "det": det,
    "tril": triangular(np.tril),
    "triu": triangular(np.triu),
    "vec": vec,
    "onehot": onehot,
    "firstmax": first(np.argmax),
    "firstmin": first(np.argmin),
    "concatenate": concatenate,
    "sum": reduction(np.sum),
    "mean": reduction(np.mean),
    "mean_m": mean_over_batch,
    "mean_t": mean_over_batch,
    "prod": reduction(np.prod),
    "max": reduction(np.max, np.maximum),
    "min": reduction(np.min, np.minimum),
    **WINDOWS,
}
