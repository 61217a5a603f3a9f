"""What no window of a convolution or a pool reads: elements at the end of an axis, where a stride goes past them."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.trees import has_kind, walk
from symprop.algebra.window_sizes import WindowSizes, sizes_of

PLACES = {1: ("element",), 2: ("position", "element"), 3: ("row", "column")}
"""What stands along the axes of arrays, by their rank."""


def never_read(system: System) -> Iterator[str]:
    """Say of each equation of one example whose windows leave elements of an array out, how many, with the arithmetic.

    >>> from symprop.networks import AveragePool2D, Input
    >>> list(never_read((Input(28, 28, 1) >> AveragePool2D(3, stride=2)).system()))
    ['s1: (28 + 2·0 − 3) mod 2 = 1: one row and one column are never read']
    """
    for equation in system.equations:
        yield from dict.fromkeys(_of(equation))


def _of(equation: Equation) -> Iterator[str]:
    inside = walk(equation.expression) if has_kind(equation.expression, n.Window) else ()
    for window in (part for part in inside if isinstance(part, n.Window)):
        words = PLACES.get(window.operands[0].rank, ())
        said: dict[str, list[str]] = {}
        for axis, sizes in zip(window.axes, sizes_of(window), strict=True):
            count = sizes.unread - sizes.after
            if count.is_Integer and count > 0:
                word = words[axis] if axis < len(words) else f"element along axis {axis}"
                said.setdefault(_arithmetic(sizes), []).append(f"one {word}" if count == 1 else f"{count} {word}s")
        for arithmetic, parts in said.items():
            verb = "is" if parts[0].startswith("one") and len(parts) == 1 else "are"
            yield f"{equation.name}: {arithmetic}: {' and '.join(parts)} {verb} never read"


def _arithmetic(sizes: WindowSizes) -> str:
    return sizes.left.text + (f", {sizes.after} of them padding" if sizes.after else "")
