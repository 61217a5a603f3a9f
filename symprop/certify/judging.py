"""A gradient that was given beside the right one: how far off, where most, and how far off it may be.

What may differ is rounding: so much as moves the right gradient where each of its operations is off by a random part of
its worst error, times `SLACK` for another order of operations; in float32 as much more as its numbers are coarser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symprop.certify.returned import Given
from symprop.certify.subject import SLACK, Exact
from symprop.verify.arithmetic import Array
from symprop.verify.measure import scientific
from symprop.verify.noise import FLOAT32, FLOAT64

LEAST = 256.0
"""How many units of rounding a gradient may be off by in any case, relative to its largest entry."""
MOST = 0.1
"""Whatever the precision, a gradient that is off by more is wrong."""
PRECISE = 1e-5
"""What is off by no more is a matter of precision."""
UNCONFIRMED = "the complex step does not confirm symprop's own gradient, so nothing is said; please report it"


@dataclass(frozen=True)
class Line:
    """A line of the table: one gradient at the place where it is worst.

    `off` and `limit` are relative to the largest entry of the right gradient, absolute where that is 0. `index` is the
    worst entry, `given` and `right` what stands there; `is_array` is whether an array of numbers was given.
    """

    name: str
    at: str
    off: float
    limit: float
    ok: bool
    index: tuple[int, ...] | None = None
    given: float = np.nan
    right: float = np.nan
    note: str = ""
    is_array: bool = True

    @property
    def is_mistaken(self) -> bool:
        """Whether there is a mistake to look for: numbers that are off by more than precision, or of another shape."""
        return (
            not self.ok and self.note != UNCONFIRMED and (self.is_array if np.isnan(self.off) else self.off > PRECISE)
        )

    @property
    def badness(self) -> tuple[bool, bool, float]:
        """What to sort by, the worst last: wrong before right, without numbers, and by how much more than allowed."""
        return not self.ok, bool(np.isnan(self.off)), self.off / (self.limit or 1.0)

    @property
    def entry(self) -> str:
        """The worst entry: `dK[0, 1]`."""
        return entry(f"d{self.name}", self.index)

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        numbers = ("", "", "") if self.index is None else (number(self.given), number(self.right), self._ratio)
        verdict = "ok" if self.ok else "WRONG"
        off, limit = ("", "") if np.isnan(self.off) else (scientific(self.off), scientific(self.limit))
        return (f"d{self.name}", verdict, off, limit, self.entry if numbers[0] else "", *numbers,
                self.at, self.note)  # fmt: skip

    @property
    def _ratio(self) -> str:
        return f"{self.given / self.right:.4g}" if self.right and np.isfinite(self.given) else ""


def entry(name: str, index: tuple[int, ...] | None) -> str:
    """Return how an entry of an array is written.

    >>> entry("dK", (0, 1)), entry("ds", ())
    ('dK[0, 1]', 'ds')
    """
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def number(value: float) -> str:
    """Return a number in few digits.

    >>> number(0.123456789)
    '0.1235'
    """
    return f"{value:.4g}"


def judged(name: str, given: Given, right: Exact, at: str, single: bool = False) -> Line:
    """Compare a gradient with the right one; `single` is whether it was made of numbers in float32."""
    true = np.asarray(right.value, dtype=float)
    if given.array is None:
        return Line(name, at, np.nan, 0.0, False, note=given.problem, is_array=False)
    found = given.array
    if found.shape != true.shape:
        note = f"shape {found.shape}, right is {true.shape}"
        return Line(name, at, np.nan, 0.0, False, note=note)
    largest = float(np.max(np.abs(true), initial=0.0))
    limit, zero = _limit(max(_unit(found), FLOAT32 if single else 0.0), right, largest)
    if true.size == 0:
        return Line(name, at, 0.0, limit, True)
    off = np.abs(found.astype(float) - true) / (1.0 if zero else largest)
    worst = np.unravel_index(int(np.argmax(np.where(np.isfinite(off), off, np.inf))), true.shape)
    index = tuple(map(int, worst))
    error = float(off[worst])
    note = _note(found, error, limit) if right.confirmed else UNCONFIRMED
    if zero:
        note = f"the right gradient is 0 here{'; ' if note else ''}{note}"
    ok = error <= limit and right.confirmed
    return Line(name, at, error, limit, ok, index, float(found[worst]), float(true[worst]), note=note)


def may_be_off(found: Array, rounding: float, largest: float, single: bool) -> float:
    """Return how far off an array may be whose entries are up to `largest`."""
    unit = max(_unit(found), FLOAT32 if single else 0.0)
    return max(LEAST * unit * largest, SLACK * rounding * unit / FLOAT64)


def _limit(unit: float, right: Exact, largest: float) -> tuple[float, bool]:
    """Return how far off a gradient may be, relative to its largest entry; absolute where that is 0 to rounding."""
    rounding = SLACK * right.rounding * unit / FLOAT64
    if largest <= rounding:
        return max(rounding, float(np.finfo(float).tiny)), True
    return min(MOST, max(LEAST * unit, rounding / largest)), False


def _unit(found: Array) -> float:
    """Return half the distance from 1 to the next number of an array's type."""
    return float(np.finfo(found.dtype).eps) / 2 if found.dtype.kind == "f" else FLOAT64


def _note(found: Array, error: float, limit: float) -> str:
    if not np.all(np.isfinite(found)):
        return "not a number" if np.any(np.isnan(found)) else "infinite"
    if found.dtype.kind != "f":
        return f"{found.dtype}, whole numbers"
    if found.dtype != np.float64:
        return f"{found.dtype}, judged as such"
    if limit < error <= limit + LEAST * float(np.finfo(np.float32).eps):
        return "right to about single precision only"
    return ""
