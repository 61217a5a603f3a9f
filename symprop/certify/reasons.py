"""What can be said of wrong gradients at once: through which elements of the value, or that their order is another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from symprop.certify.judging import Line, entry, judged
from symprop.certify.returned import Given
from symprop.certify.subject import Exact, Place
from symprop.verify.arithmetic import Array

MOST = 64
"""Up to so many elements of the value are asked about one by one."""

Pulled = Callable[[Array], Mapping[str, Given]]
"""Gives the gradients that a backward pass returns at a place for a cotangent."""


def through(lines: Sequence[Line], place: Place, pulled: Pulled) -> list[Line]:
    """Add to wrong lines through which elements of the value they are wrong, where that is not through all."""
    known = {line.name: place.jacobian(line.name) for line in lines if not line.ok and line.index is not None}
    slopes = {name: each for name, each in known.items() if each is not None}
    count = int(np.prod(place.shape, dtype=int))
    if not slopes or not 1 < count <= MOST:
        return list(lines)
    limits = {line.name: line.limit for line in lines}
    found: dict[str, list[tuple[int, ...]]] = {name: [] for name in slopes}
    for output in np.ndindex(*place.shape):
        cotangent = np.zeros(place.shape)
        cotangent[output] = 1.0
        given = pulled(cotangent)
        for name, each in slopes.items():
            one, allowed = given.get(name, Given(None)), limits[name] * np.max(np.abs(each), initial=0.0)
            if one.array is None or not _near(one.array, each[output], allowed):
                found[name].append(output)
    return [_told(line, found.get(line.name, []), count) for line in lines]


def _near(given: Array, right: Array, allowed: float) -> bool:
    return given.shape == right.shape and bool(np.all(np.abs(given - right) <= allowed))


def _told(line: Line, outputs: Sequence[tuple[int, ...]], count: int) -> Line:
    if not 0 < len(outputs) < count:
        return line
    listed = ", ".join(entry("", output) for output in outputs[:3]) + (", ..." if len(outputs) > 3 else "")
    plural = "s" if len(outputs) > 1 else ""
    said = f"through the element{plural} {listed} of the value, {len(outputs)} of {count}"
    return replace(line, note=f"{line.note}; {said}" if line.note else said)


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
