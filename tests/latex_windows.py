r"""The named operations that put elements elsewhere: `pad`, `flip`, `windows` and `fold`, with NumPy's own or by loops.

The formula writes all but the axes where they are all of them in their order, strides and dilations of 1 at the end,
and the length of `fold` where it is that which the windows cover.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from latex_sizes import Array, Size, Value, full
from latex_tokens import Unreadable

if TYPE_CHECKING:
    from latex_meaning import Meaning
    from latex_names import Tree


class Reached(Size):
    """The length that windows cover of which there are `count`: the last one starts at `stride * (count - 1)`."""

    def __init__(self, count: Size, stride: int, reach: int) -> None:
        super().__init__()
        self.count, self.stride, self.reach = count, stride, reach

    @property
    def known(self) -> int | None:
        return None if self.count.known is None else self.stride * (self.count.known - 1) + self.reach

    def becomes(self, number: int) -> bool:
        if self.count.known is None:
            self.count.becomes((number - self.reach) // self.stride + 1)
        return self.known == number


def _of_one_array(meaning: Meaning, tree: Tree, length: bool = False) -> Value:
    if any(part.kind == "length" for part in tree.parts) > length:
        raise Unreadable(f"a length in {tree.text}")
    return meaning.array(tree.parts[0])


def _axes(tree: Tree, rank: int, count: int) -> tuple[int, ...]:
    """Return the axes that are written, or all, which must be as many as there are sizes."""
    axes = tuple(map(int, tree.words)) or tuple(range(rank))
    if len(axes) != count or len(set(axes)) != count or not all(axis < rank for axis in axes):
        raise Unreadable(f"{tree.text} along axes {axes} of {rank}, of {count} sizes")
    return axes


def _integers(meaning: Meaning, tree: Tree) -> list[int]:
    return [meaning.constant(part) for part in (tree.parts if tree.kind == "tuple" else (tree,))]


def pad(meaning: Meaning, tree: Tree) -> Value:
    value = _of_one_array(meaning, tree)
    pairs = [_integers(meaning, part) for part in tree.parts[1:] if part.kind == "tuple"]
    numbers = tree.parts[1 + len(pairs) :]
    if tree.words or len(pairs) != value.rank or any(len(pair) != 2 for pair in pairs) or len(numbers) > 1:
        raise Unreadable(f"{len(pairs)} pairs and {len(numbers)} numbers to pad {value.rank} axes")
    filled = meaning.scalar(numbers[0]) if numbers else None
    # as long as what windows of all places before and behind an element cover
    shape = tuple(Reached(size, 1, 1 + sum(pair)) for size, pair in zip(value.shape, pairs, strict=True))

    def compute() -> Any:
        array = full(value)
        number = 0.0 if filled is None else filled.compute()
        return np.pad(array.astype(np.result_type(array, number)), pairs, constant_values=number)

    return Value(shape, compute, value.row)


def flip(meaning: Meaning, tree: Tree) -> Value:
    value = _of_one_array(meaning, tree)
    if len(tree.parts) != 1 or (value.rank != 1 and not tree.words):
        raise Unreadable(f"flip of rank {value.rank} along axes {tree.words}")
    axes = _axes(tree, value.rank, len(tree.words) or 1)
    return Value(value.shape, lambda: np.flip(full(value), axes), value.row)


def _steps(meaning: Meaning, tree: Tree, rank: Callable[[int], int]) -> list[tuple[int, int, int, int]]:
    """Return for each axis that has windows which, their size, stride and dilation; `rank` is that of the source."""
    options = [_integers(meaning, part) for part in tree.parts[1:] if part.kind != "length"]
    if not 1 <= len(options) <= 3 or len(set(map(len, options))) > 1:
        raise Unreadable(f"{tree.text} with {options}")
    count = len(options[0])
    options += [[1] * count] * (3 - len(options))
    return list(zip(_axes(tree, rank(count), count), *options, strict=True))


def windows(meaning: Meaning, tree: Tree) -> Value:
    value = _of_one_array(meaning, tree)
    steps = _steps(meaning, tree, lambda count: value.rank)
    shape = list(value.shape)
    for axis, size, stride, dilation in steps:
        length, reach = value.shape[axis], dilation * (size - 1) + 1
        shape[axis] = Size(None if length.known is None else (length.known - reach) // stride + 1)
        if length.known is None and not (stride == 1 and length.meets(Reached(shape[axis], stride, reach))):
            raise Unreadable("windows in a length that the formula does not determine")
        shape.append(Size(size))

    def compute() -> Any:
        found = full(value)
        for axis, size, stride, dilation in steps:
            first = stride * np.arange(shape[axis].value)
            found = np.take(found, first[:, None] + dilation * np.arange(size), axis)
            found = np.moveaxis(found, axis + 1, -1)
        return found

    return Value(tuple(shape), compute)


def fold(meaning: Meaning, tree: Tree) -> Value:
    value = _of_one_array(meaning, tree, length=True)
    steps = _steps(meaning, tree, lambda count: value.rank - count)
    written = [_integers(meaning, part.parts[0]) for part in tree.parts if part.kind == "length"]
    if written and len(written[0]) != len(steps):
        raise Unreadable(f"lengths {written[0]} of {len(steps)} axes")
    shape = list(value.shape[: value.rank - len(steps)])
    for place, (axis, size, stride, dilation) in enumerate(steps):
        count, reach = value.shape[axis], dilation * (size - 1) + 1
        shape[axis] = Size(written[0][place]) if written else Reached(count, stride, reach)
        counts = not written or count.meets(Size((written[0][place] - reach) // stride + 1))
        if not counts or not value.shape[len(shape) + place].meets(Size(size)):
            raise Unreadable("windows that do not fit")

    def compute() -> Any:
        found = full(value)
        for axis, _, stride, dilation in reversed(steps):  # the elements of the last windows stand last
            found = _added(found, axis, stride, dilation, shape[axis].value)
        return found

    return Value(tuple(shape), compute)


def _added(array: Array, axis: int, stride: int, dilation: int, length: int) -> Array:
    """Add element j of window i, which stands last, to place `stride * i + dilation * j` of an axis."""
    moved = np.moveaxis(array, (axis, -1), (0, 1))
    found = np.zeros((length, *moved.shape[2:]), moved.dtype)
    for i in range(moved.shape[0]):
        for j in range(moved.shape[1]):
            found[stride * i + dilation * j] += moved[i, j]
    return np.moveaxis(found, 0, axis)


CALLS: dict[str, Callable[[Meaning, Tree], Value]] = {"pad": pad, "flip": flip, "windows": windows, "fold": fold}
