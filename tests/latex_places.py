r"""Places in arrays, read back: `Q_{i}`, block `W_{(i)}`, column `A_{:,i}`, and arrays `\left\{Q_i K_i\right\}_{i}`.

A letter in parentheses numbers the blocks of an axis, all of equal size; what stands behind it is a place in the block.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from latex_names import INDEX, Tree
from latex_sizes import Multiple, Size, Value
from latex_tokens import Unreadable

if TYPE_CHECKING:
    from latex_meaning import Meaning


class Quotient(Size):
    """The size of blocks: that of an axis by the number of blocks."""

    def __init__(self, whole: int, counts: Sequence[Size]) -> None:
        super().__init__()
        self.whole, self.counts = whole, counts

    @property
    def known(self) -> int | None:
        found = self.whole
        for count in self.counts:
            if count.known is None:
                return None
            if found % count.known:
                raise Unreadable("blocks that are not of equal size")
            found //= count.known
        return found

    def becomes(self, number: int) -> bool:
        if self.known is None and len(self.counts) == 1:
            self.counts[0].becomes(self.whole // number)
        return self.known == number


def letters(labels: Sequence[str]) -> list[str]:
    return re.findall(INDEX, ",".join(labels))


def split(label: str) -> list[str]:
    """Return the digits of one axis, `:` for what is kept: `(i)` is i and what is in the block."""
    block = rf"\((:|{INDEX})\)"
    blocks, last = re.findall(block, label), re.sub(block, "", label)
    return [*blocks, last or ":"]


def affine(meaning: Meaning, label: str, indices: Mapping[str, Any]) -> int:
    """Return the place, counted from 0, that `2i+p-2` is, which counts from 1."""
    terms = re.findall(rf"([+-]?)(\d*)((?:{INDEX})?)", label)
    if "".join("".join(term) for term in terms) != label:
        raise Unreadable(f"the place {label}")
    found = 0
    for sign, digits, letter in terms:
        if digits or letter:
            found += (-1 if sign == "-" else 1) * int(digits or 1) * (indices[letter][1][0] + 1 if letter else 1)
    return found - 1


def part(meaning: Meaning, tree: Tree) -> Value:
    """What stands at places of a named array."""
    array = meaning.arrays.get(tree.text)
    if array is None or len(tree.words) > array.ndim:
        raise Unreadable(f"places {', '.join(tree.words)} of {tree.text}")
    if re.match(r"(mu|nu|r)[_^]", tree.text):
        array = array.squeeze()  # a statistic is a number at its places: axes of length 1 are not counted
    axes = [split(label) for label in tree.words] + [[":"]] * (array.ndim - len(tree.words))
    cut: list[list[tuple[Size, Callable[[], Any]]]] = []
    for labels, length in zip(axes, array.shape, strict=True):
        found: list[tuple[Size, Callable[[], Any]]] = []
        for label in labels:
            if label == ":":
                found.append((Size(), lambda: slice(None)))
            elif label.isdigit():
                found.append((Size(length), lambda at=int(label) - 1: at))
            elif not re.fullmatch(INDEX, label):
                found.append((Size(length), partial(affine, meaning, label, dict(meaning.indices))))
            else:
                bound, current = meaning.indices[label]
                found.append((bound, lambda current=current: current[0]))
        if len(found) == 1 and not found[0][0].meets(Size(length)):
            raise Unreadable(f"the index {labels[0]} has two ranges")
        if len(found) > 1:
            free = labels.index(":") if ":" in labels else len(labels) - 1
            others = [size for place, (size, _) in enumerate(found) if place != free]
            found[free] = (Quotient(length, others), found[free][1])
        cut.append(found)
    kept = [
        size
        for found, labels in zip(cut, axes, strict=True)
        for (size, _), at in zip(found, labels, strict=True)
        if at == ":"
    ]

    def compute() -> Any:
        whole = array.reshape([size.value for found in cut for size, _ in found])
        places = tuple(place() for found in cut for _, place in found)
        inside = all(at == slice(None) or 0 <= at < size for at, size in zip(places, whole.shape, strict=True))
        return whole[places] if inside else np.zeros([size.value for size in kept])  # outside an array is 0

    return Value(tuple(kept), compute)


def stack(meaning: Meaning, tree: Tree, shape: Sequence[Size] = ()) -> Value:
    """The array that has a formula at each place; `shape` is what the left side of its equation says."""
    axes = [split(label) for label in tree.words]
    bound = {letter: (Size(), [0]) for letter in letters(tree.words)}
    for labels, size in zip(axes, shape, strict=False):
        if len(labels) == 1 and labels[0] != ":":
            bound[labels[0]][0].meets(size)
    outer = dict(meaning.indices)
    meaning.indices.update(bound)
    body = meaning.array(tree.parts[0])
    meaning.indices = outer
    count = sum(label == ":" for labels in axes for label in labels) + max(0, len(shape) - len(axes))
    body = thin(body, count) if shape else body
    rest = iter(body.shape)
    sizes = [[next(rest) if label == ":" else bound[label][0] for label in labels] for labels in axes]
    labels_of = [label for labels in axes for label in labels]
    behind = list(rest)
    whole = [_product(each) for each in sizes] + behind
    for one, size in zip(whole, shape, strict=False):
        one.meets(size)

    def compute() -> Any:
        lengths = [size.value for each in sizes for size in each] + [size.value for size in behind]
        found = np.zeros(lengths, dtype=complex)
        names = list(bound)
        for places in itertools.product(*(range(bound[name][0].value) for name in names)):
            for name, place in zip(names, places, strict=True):
                bound[name][1][0] = place
            at = tuple(slice(None) if label == ":" else bound[label][1][0] for label in labels_of)
            found[at] = body.compute()
        real = found if np.iscomplexobj(body.compute()) else found.real
        return real.reshape([size.value for size in whole])

    return Value(tuple(whole), compute)


def thin(value: Value, rank: int) -> Value:
    """A column as the matrix of one column that it is, a row as that of one row, a number as that of one element."""
    if rank != 2 or value.rank >= rank:
        return value
    shape = (Size(1), Size(1)) if not value.rank else (Size(1), *value.shape) if value.row else (*value.shape, Size(1))
    return Value(shape, lambda: np.reshape(value.compute(), [size.value for size in shape]))


def _product(sizes: Sequence[Size]) -> Size:
    found = sizes[-1]
    for size in reversed(sizes[:-1]):
        found = Multiple(size, found)
    return found


def arranged(value: Value, sizes: Sequence[int]) -> Value:
    """The elements of an array row by row in another shape: `mat`."""
    return Value(
        tuple(map(Size, sizes)),
        lambda: np.reshape(np.broadcast_to(value.compute(), [s.value for s in value.shape]), sizes),
    )
