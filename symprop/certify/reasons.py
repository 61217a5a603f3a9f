"""What can be said of wrong gradients at once: through which elements of the value, or that their order is another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from symprop.certify.judging import Line, entry, judged, may_be_off
from symprop.certify.returned import Given
from symprop.certify.subject import Exact, Place, Slopes, largest
from symprop.verify.arithmetic import Array

MOST = 64
"""Up to so many elements of the value are asked about one by one."""

Pulled = Callable[[Array], Mapping[str, Given]]
"""Gives the gradients that a backward pass returns at a place for a cotangent."""


def through(lines: Sequence[Line], place: Place, pulled: Pulled, single: bool) -> list[Line]:
    """Add to lines through which elements of the value they are wrong at a place, where that is not through all.

    A gradient that is right for random cotangents is wrong where it is not for one that is 0 but in one element.
    """
    known = {line.name: place.jacobian(line.name) for line in lines if line.index is not None}
    slopes = {name: each for name, each in known.items() if each is not None}
    count = int(np.prod(place.shape, dtype=int))
    if not slopes or not 1 < count <= MOST:
        return list(lines)
    found: dict[str, list[tuple[int, ...]]] = {name: [] for name in slopes}
    for output in np.ndindex(*place.shape):
        cotangent = np.zeros(place.shape)
        cotangent[output] = 1.0
        given = pulled(cotangent)
        for name, each in slopes.items():
            if not _agree(given.get(name, Given(None)), each, output, single):
                found[name].append(output)
    return [_told(line, found.get(line.name, []), count) for line in lines]


def _agree(given: Given, slopes: Slopes, output: tuple[int, ...], single: bool) -> bool:
    """Whether a gradient is a row of the Jacobian."""
    right = slopes.value[output]
    if given.array is None or given.array.shape != right.shape:
        return False
    allowed = may_be_off(given.array, largest(slopes.rounding), largest(slopes.value), single)
    return bool(np.all(np.abs(given.array - right) <= allowed))


def _told(line: Line, outputs: Sequence[tuple[int, ...]], count: int) -> Line:
    if not outputs or (len(outputs) == count and not line.ok):
        return line
    listed = ", ".join(entry("", output) for output in outputs[:3]) + (", ..." if len(outputs) > 3 else "")
    said = f"through the element{'s' * (len(outputs) > 1)} {listed} of the value, {len(outputs)} of {count}"
    if line.ok:
        said = f"right for random cotangents, wrong for one that is 0 but in {listed}, {len(outputs)} of {count}"
    return replace(line, ok=False, note=f"{line.note}; {said}" if line.note else said)


def other_order(given: Mapping[str, Given], right: Mapping[str, Exact]) -> list[str]:
    """Return the order in which the gradients would be right, where there is one; else nothing.

    >>> one, other = np.ones(2), np.full(2, 3.0)
    >>> exact = {"x": Exact(one, 0.0, True), "y": Exact(other, 0.0, True)}
    >>> other_order({"x": Given(other), "y": Given(one)}, exact)
    ['y', 'x']
    """
    found: list[str] = []
    for name in given:
        fits = [each for each in right if each not in found and judged(each, given[name], right[each], "").ok]
        if not fits:
            return []
        found.append(name if name in fits else fits[0])
    return found if found != list(given) else []
