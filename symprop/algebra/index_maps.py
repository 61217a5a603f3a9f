"""Affine maps of indices: what a kind that only moves elements declares, and what follows from that.

`out[i] = operand[places(i)]`, where each place is an affine expression in the indices of the result, such as
`2 * i0 + i1`; where it lies outside of the operand stands `outside`. Shape, elements, values, bounds and loops follow.

>>> i, j = AXES[:2]
>>> flipped = IndexMap((Integer(3),), (Integer(3),), (2 - i,))
>>> flipped.at((Integer(0),)), flipped.reads, flipped.terms(0), flipped.offset(0)
((2,), 1, ((0, -1),), 2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer

AXES = tuple(sympy.Dummy(f"i{axis}", integer=True, nonnegative=True) for axis in range(24))
"""The indices of a result, by axis."""


@dataclass(frozen=True)
class IndexMap:
    """`out[i] = operand[places(i)]`, and `outside` beyond the operand; None where no place is beyond it.

    `shape` is that of the result, `source` that of the operand.
    """

    source: tuple[Expr, ...]
    shape: tuple[Expr, ...]
    places: tuple[Expr, ...]
    outside: Expr | None = None

    def at(self, index: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the place that an index of the result reads."""
        given = dict(zip(AXES, index, strict=False))
        return tuple(place.xreplace(given) for place in self.places)

    def terms(self, axis: int) -> tuple[tuple[int, Expr], ...]:
        """Return the axes of the result that the place along an axis of the operand depends on, with coefficients."""
        place = sympy.expand(self.places[axis])
        return tuple((k, place.coeff(AXES[k])) for k in range(len(self.shape)) if place.has(AXES[k]))

    def offset(self, axis: int) -> Expr:
        """Return the place along an axis of the operand that the first element of the result reads."""
        return self.at((Integer(0),) * len(self.shape))[axis]

    @property
    def leaving(self) -> tuple[int, ...]:
        """The axes of the operand along which a place may be outside."""
        if self.outside is None:
            return ()
        sizes = dict(zip(AXES, self.shape, strict=False))  # a place that is an index itself stays inside as long as it
        pairs = enumerate(zip(self.places, self.source, strict=True))
        return tuple(axis for axis, (place, size) in pairs if sizes.get(place) != size)

    @property
    def reads(self) -> Expr:
        """The most results that read one element of the operand, or a bound of it."""
        count: Expr = Integer(1)
        free = set(range(len(self.shape)))
        for axis in range(len(self.source)):
            terms = [term for term in self.terms(axis) if term[0] in free]
            free -= {k for k, _ in terms}
            if len(terms) == 2:  # c i + d k = place: solutions lie c / gcd(c, d) apart in k
                (_, c), (k, d) = terms
                count *= sympy.ceiling(self.shape[k] * sympy.gcd(c, d) / abs(c))
            else:
                count *= sympy.prod([self.shape[k] for k, _ in terms[1:]])
        return count * sympy.prod([self.shape[k] for k in sorted(free)])  # what depends on no index is repeated

    @property
    def is_unit(self) -> bool:
        """Whether each axis of the operand follows one axis of the result of its own, forwards or backwards."""
        terms = [self.terms(axis) for axis in range(len(self.source))]
        alone = all(len(each) == 1 and abs(each[0][1]) == 1 for each in terms)
        return alone and len({each[0][0] for each in terms}) == len(terms)

    def subscripts(self, write: Callable[[Expr], str], span: Callable[..., str] = ":".join) -> str | None:
        """Return what NumPy writes in brackets, `1:3, None, ::-1`; None where that cannot say the map.

        `write` writes a place, `span` joins the ends of a slice, and its step where that is not 1.
        """
        read: dict[int, int] = {}
        for axis in range(len(self.source)):
            terms = self.terms(axis)
            if len(terms) != 1 or not terms[0][1].is_Integer or self.outside is not None:
                return None
            read[terms[0][0]] = axis
        if list(read.values()) != sorted(read.values()) or len(read) < len(self.source) or sorted(read) != list(read):
            return None
        parts = [span(self._ends(read[k], k, write)) if k in read else "None" for k in range(len(self.shape))]
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return ", ".join(parts)

    def _ends(self, axis: int, k: int, write: Callable[[Expr], str]) -> tuple[str, ...]:
        step, first = self.terms(axis)[0][1], self.offset(axis)
        last = first + step * (self.shape[k] - 1)
        if step > 0:
            stop = last + 1
            ends = ("" if first == 0 else write(first), "" if stop == self.source[axis] else write(stop))
        else:
            ends = ("" if first == self.source[axis] - 1 else write(first), "" if last == 0 else write(last - 1))
        return ends if step == 1 else (*ends, str(step))
