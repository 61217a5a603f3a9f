r"""Images in LaTeX as our pages write them: matrices of pixels, and kernels at an offset, `W_{1,k}`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sympy import Expr, Integer, Mul

from symprop.algebra import nodes as n
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.names import INDEX
from symprop.algebra.latex.values import Value, called, located, shape_of

PIXEL = "t"
"""The index of a row of a matrix of pixels."""


def split(indices: Sequence[str]) -> list[str]:
    """Return subscripts as one place each: `ij` is i and j.

    >>> split(("ij", ":", "(k)"))
    ['i', 'j', ':', '(k)']
    """
    return [
        place
        for part in indices
        for place in (INDEX.findall(part) if part.isalnum() and not part.isdigit() else [part])
    ]


def by_rows(e: Elaboration, array: Value, what: n.Variable, indices: Sequence[str]) -> tuple[Value, tuple[str, ...]]:
    """Return an array whose first axes are the rows of one matrix with these as one axis, and places along it."""
    if what.rank < 3:
        return array, tuple(indices)
    groups, places = grouped(e, what, split(indices))
    if not groups:
        return array, tuple(indices)
    shape = tuple(Mul(*(array.shape[axis] for axis in group)) for group in groups)
    tree = located(called("reshape", array.tree, shape_of(shape)), array.start, array.end)
    return array.made(tree, shape), tuple(places)


def without_single(array: Value, places: Sequence[str] = ()) -> Value:
    """Return a statistic without its axes of length 1, which say nothing; at the index of a pixel, by pixels."""
    shape = tuple(size for size in array.shape if size != 1)
    shape = (Mul(*shape),) if list(places) == [PIXEL] else shape
    return array.made(located(called("reshape", array.tree, shape_of(shape)), array.start, array.end), shape)


def grouped(e: Elaboration, what: n.Variable, places: list[str]) -> tuple[list[range], list[str]]:
    """Return which axes of an array are one axis where it is written, and the places along them; nothing where none."""
    groups: list[range] = []
    found: list[str] = []
    for at, place in enumerate(places):
        axis = groups[-1].stop if groups else 0
        if place in e.offsets and axis == 0:  # a matrix for each offset
            groups, found, axis = [range(1)], [":"], 1
        width = 1
        if place in e.offsets:
            width = len(e.offsets[place].sizes)
        elif axis <= what.rows and ((place == ":" and len(places) - at < what.rank - axis) or place == PIXEL):
            width = what.rows + 1 - axis
        groups.append(range(axis, axis + width))
        found.append(place)
    axis = groups[-1].stop if groups else 0
    if axis == 0 and what.rows < 0 and all(size == 1 for size in what.shape[1:-1]):  # a kernel of one element
        return [range(what.rank - 1), range(what.rank - 1, what.rank)], []
    if axis <= what.rows:
        groups.append(range(axis, what.rows + 1))
    groups += [range(axis, axis + 1) for axis in range(groups[-1].stop if groups else 0, what.rank)]
    fits = groups[-1].stop == what.rank and all(one.stop == other.start for one, other in pairwise(groups))
    return (groups, found) if fits and (len(groups) < what.rank or found != places) else ([], [])


def ungrouped(own: Sequence[Expr], wanted: Sequence[Expr]) -> bool:
    """Whether sizes are those of `wanted` with some that are side by side as one: (6, 4) of (2, 3, 4)."""
    left = list(wanted)
    for size in own:
        found: Expr = Integer(1)
        while left and (found != size or left[0] == 1):
            found = found * left.pop(0)
        if found != size:
            return False
    return not left
