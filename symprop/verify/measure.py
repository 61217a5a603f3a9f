"""How two answers are compared, and the row of the certificate that says how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np

from symprop.verify.arithmetic import Array

FLOAT64_LIMIT = 1e-12
"""Largest error of a float64 gradient, relative to the largest element of that gradient."""
ELEMENT_FLOOR, ELEMENT_LIMIT = 1e-6, 1e-8
"""Each element above `ELEMENT_FLOOR` of the largest must be right to `ELEMENT_LIMIT` of itself; others may be noise."""
WIDEST = 1e-6
"""No bound on rounding may let a live gradient be off by more, relative to its largest element."""
DIGITS = 50
SMALL = "1e-20"
"""Below this an element is not compared with itself: 1e-80 of it would be more than `DIGITS` of them allow."""

OVERFLOWS, NOT_REACHED = "overflows", "not reached"


@dataclass(frozen=True)
class Row:
    """One line of a certificate: what was checked, by which oracle, where, how far off it was, whether that will do.

    `outcome` says what a row is that is not right and not wrong: `OVERFLOWS`, the input in its note, or `NOT_REACHED`.
    """

    name: str
    oracle: str
    points: str
    error: float
    limit: float
    ok: bool
    note: str = ""
    outcome: str = ""

    @property
    def verdict(self) -> str:
        """Say "ok", "FAILED", "overflows" or "not reached"."""
        return "ok" if self.ok else self.outcome or "FAILED"

    @property
    def cells(self) -> tuple[str, ...]:
        """Name, oracle, points, error, limit, verdict and note, as text."""
        error, limit = scientific(self.error), scientific(self.limit)
        return (self.name, self.oracle, self.points, error, limit, self.verdict, self.note)


@dataclass(frozen=True)
class Difference:
    """How far `found` is from `true`: relative to the largest element, and the worst element relative to itself."""

    overall: float
    element: float
    finite: bool
    zero: bool

    def within(self, limit: float) -> bool:
        """Whether nothing is off by more than `limit` overall, and no element by more than its own limit."""
        return self.finite and self.overall <= limit and self.element <= max(ELEMENT_LIMIT, limit)


def difference(found: Array, true: Array) -> Difference:
    """Return how far `found` is from `true`. A shape that differs is infinitely far; so is anything from a true zero.

    >>> scientific(difference(np.array([1.0, 2.002]), np.array([1.0, 2.0])).overall)
    '1.0e-03'
    """
    found, true = np.asarray(found), np.asarray(true)
    if found.shape != true.shape:
        return Difference(np.inf, np.inf, False, False)
    if true.size == 0:
        return Difference(0.0, 0.0, True, True)
    finite = bool(np.all(np.isfinite(found)) and np.all(np.isfinite(true)))
    if not finite:
        return Difference(np.inf, np.inf, False, False)
    off, scale = np.abs(found - true), np.abs(true)
    largest = float(scale.max())
    if largest == 0:
        worst = np.inf if off.max() > 0 else 0.0
        return Difference(worst, worst, True, True)
    loud = scale > ELEMENT_FLOOR * largest
    return Difference(float(off.max()) / largest, float((off[loud] / scale[loud]).max()), True, False)


@dataclass(frozen=True)
class Judgement:
    """How two answers compare: error and limit, relative to the largest element or absolute where that is `zero`."""

    error: float
    limit: float
    ok: bool
    zero: bool = False
    note: str = ""

    @property
    def badness(self) -> tuple[bool, float]:
        """What to sort by, the worst last: wrong before right, and then error in units of the limit."""
        return not self.ok, self.error / self.limit if self.limit else self.error


def judged(found: Array, true: Array, limit: float, bound: Callable[[Array, Array], Array] | None = None) -> Judgement:
    """Compare `found` with `true`: within `limit` of the largest element, and each element within 1e-8 of itself.

    `bound` gives, for coordinates (flat) and how far they are off, how far rounding can move each; it is asked only for
    elements that miss the limit. Elements may be off by it, by no more than `WIDEST` of the largest; where it is more
    than the largest element itself, the gradient is zero to rounding. Without a bound, elements below 1e-6 of the
    largest may be noise.

    >>> tight = lambda where, off: np.full(where.shape, 1e-24)
    >>> judged(np.array([1.0, 1.001e-9]), np.array([1.0, 1e-9]), 1e-12, tight).ok
    False
    """
    measured = difference(found, true)
    if not measured.finite:
        return Judgement(np.inf, limit, False, note="not finite, or another shape")
    off, scale = np.abs(np.ravel(found) - np.ravel(true)), np.abs(np.ravel(true))
    largest = float(scale.max(initial=0.0))
    doubtful = np.flatnonzero(off > np.minimum(limit * largest, ELEMENT_LIMIT * scale))
    if not len(doubtful):
        return Judgement(measured.overall, limit, True, measured.zero)
    if bound is None:
        return Judgement(measured.overall, limit, measured.within(limit), measured.zero, _element(measured, limit))
    places = np.asarray([int(scale.argmax()), *doubtful])
    at_largest, *rest = bound(places, off[places])
    allowed = np.asarray(rest)
    if largest <= at_largest:
        ok = bool(np.all(off[doubtful] <= allowed))
        return Judgement(float(off.max()), float(allowed.max()), ok, True, "zero to rounding")
    allowed = np.minimum(allowed, WIDEST * largest)
    ok = bool(np.all(off[doubtful] <= allowed))
    note = "" if ok else _element(measured, limit)
    return Judgement(measured.overall, max(limit, float(allowed.max()) / largest), ok, False, note)


def _element(measured: Difference, limit: float) -> str:
    within = measured.overall <= limit and not measured.element <= max(ELEMENT_LIMIT, limit)
    return f"an element is off by {measured.element:.1e} of itself" if within else ""


def precise_difference(found: Array, true: Array) -> float:
    """Return the largest difference of two arrays of mpmath numbers relative to the largest element, as a float.

    Central differences leave some 1e-80 of what they are taken of. So two answers below 1e-60 count as zero both, and
    a smaller one than `SMALL`, as the slope of a saturated tanh is, is compared as if it were of that size.
    """
    if found.shape != true.shape:
        found, true = np.broadcast_arrays(found, true)
    pairs = [(mpmath.mpf(a), mpmath.mpf(b)) for a, b in zip(found.ravel(), true.ravel(), strict=True)]
    pairs = [(a, b) for a, b in pairs if not (mpmath.isinf(a) and a == b)]  # what a mask hides has no other score
    if not all(mpmath.isfinite(a) and mpmath.isfinite(b) for a, b in pairs):
        return float("inf")
    largest = max((abs(b) for _, b in pairs), default=mpmath.mpf(0))
    worst = max((abs(a - b) for a, b in pairs), default=mpmath.mpf(0))
    if largest < mpmath.mpf("1e-60"):
        return 0.0 if worst < mpmath.mpf("1e-60") else float("inf")
    return float(worst / max(largest, mpmath.mpf(SMALL)))


def scientific(error: float) -> str:
    """Return an error in few characters.

    >>> scientific(0.0), scientific(1.234e-16)
    ('0', '1.2e-16')
    """
    return "0" if error == 0 else f"{error:.1e}"


LONGEST = 100
"""So many characters of an exception are told."""


def first_line(error: BaseException) -> str:
    """Return an exception as a short line."""
    text = str(error).splitlines()[0] if str(error) else ""
    said = f"{type(error).__name__}: {text}"
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
