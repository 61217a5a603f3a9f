"""A case at which two formulas are compared: sizes and values, what a formula is worth there, whether two agree.

Numbers are exact on the way in and have 120 digits on the way through. Whether a small difference is rounding is
decided by more digits: rounding shrinks with them, a difference of two formulas does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables, walk
from symprop.formulas.checks.points import at_sizes
from symprop.formulas.compare.steps import terms_of_series
from symprop.verify.arithmetic import Arithmetic, Array, Complex, Precise
from symprop.verify.evaluate import Evaluator, stacked, unstacked

ROUGH, DIGITS, MOST_DIGITS = 16, 120, 2_000
LIMIT = "1e-50"
LOG2 = math.log10(2)
LONG = 20
"""Digits of a number in a formula from which on more than 120 are needed."""


class _Watching(Evaluator):
    """Evaluates each part once for all formulas that share it, and remembers the largest number on the way.

    Rounding is relative to that number, of which the power of 2 above it is enough.
    """

    def __init__(self, arithmetic: Arithmetic, values: Mapping[str, Array]) -> None:
        super().__init__(arithmetic, stacked(values, arithmetic))
        self.known: dict[Node, tuple[Array, int]] = {}
        self.largest = 0

    def __call__(self, node: Node) -> Array:
        if node not in self.known:
            outside, self.largest = self.largest, 0
            found = super().__call__(node)
            if isinstance(self.arithmetic, Precise) and found.dtype.kind == "O":
                self.largest = max(self.largest, *map(_magnitude, found.flat), 0)
            self.known[node] = (found, self.largest)
            self.largest = outside
        found, largest = self.known[node]
        self.largest = max(self.largest, largest)
        return found


def _magnitude(value: Any) -> int:
    """The exponent of the power of 2 above a number of mpmath; 0 for one that is not finite."""
    _, mantissa, exponent, bits = (value if isinstance(value, mpmath.mpf) else mpmath.mpf(value))._mpf_
    return exponent + bits if mantissa else 0


@dataclass(frozen=True)
class Valued:
    """What a node is worth, and the exponent of the power of 2 above the largest number on the way there."""

    value: Array
    largest: int


@dataclass(frozen=True)
class Case:
    """Sizes and values; remembers what nodes are worth there. `definitions` make values of others, in order."""

    sizes: Mapping[Expr, int]
    values: Mapping[str, Array]
    definitions: tuple[Equation, ...] = ()
    known: dict[tuple[Node, int], Valued | None] = field(default_factory=dict, compare=False, repr=False)
    evaluators: dict[int, _Watching] = field(default_factory=dict, compare=False, repr=False)

    def can_read(self, node: Node) -> bool:
        """Whether all that a node reads has a value here."""
        here, made = located(node, self.sizes), {each.name for each in self.definitions}
        return here is not None and all(each.name in self.values or each.name in made for each in variables(here))

    def value(self, node: Node) -> Array | None:
        """Return `node` in its shape in 120 digits; None where it has no finite real value."""
        found = self.valued(node, DIGITS)
        return None if found is None else found.value

    def valued(self, node: Node, digits: int) -> Valued | None:
        """Return `node` in so many digits; None where it has no finite real value, as the inverse of what is singular.

        Rounding makes such a value large, and another one in more digits: it is looked at again.
        """
        key = (node, digits)
        if key not in self.known:
            found = None if self.rough(node) is None else self._precise(node, digits)
            if found is not None and found.largest * LOG2 > digits // 3:
                found = self._settled(node, digits + int(found.largest * LOG2))
            self.known[key] = found
        return self.known[key]

    def _settled(self, node: Node, digits: int) -> Valued | None:
        if digits > MOST_DIGITS:
            return None
        found, again = self._precise(node, digits), self._precise(node, digits + DIGITS // 2)
        stays = found is not None and again is not None and close(found.value, again.value)
        return found if stays else None

    def rough(self, node: Node) -> Array | None:
        """Return `node` in 16 digits; None where a number on the way is too large for them, or sizes do not fit."""
        key = (node, ROUGH)
        if key not in self.known:
            self.known[key] = self._rough(node)
        found = self.known[key]
        return None if found is None else found.value

    def _rough(self, node: Node) -> Valued | None:
        here = located(node, self.sizes)
        if here is None:
            return None
        try:
            with np.errstate(over="raise", divide="ignore", invalid="ignore", under="ignore"):
                found = unstacked(self._evaluator(Complex(), ROUGH)(here))
        except (FloatingPointError, OverflowError):  # mpmath would count the digits of exp(exp(exp(9))) for years
            return None
        return Valued(np.broadcast_to(np.real(found), _integers(here)), 0)

    def _precise(self, node: Node, digits: int) -> Valued | None:
        here = located(node, self.sizes)
        if here is None:
            return None
        with mpmath.workdps(digits), np.errstate(all="ignore"):
            evaluator = self._evaluator(Precise(), digits)
            evaluator.largest = 0
            found = unstacked(evaluator(here))
            if not all(map(mpmath.isfinite, found.flat)):
                return None
        return Valued(np.broadcast_to(found, _integers(here)), evaluator.largest)

    def changed(self, name: str, values: Array) -> Case:
        """Return the same case with other values of one variable."""
        return Case(self.sizes, {**self.values, name: values}, self.definitions)

    def _evaluator(self, arithmetic: Arithmetic, digits: int) -> _Watching:
        if digits not in self.evaluators:
            evaluator = _Watching(arithmetic, self.values)
            evaluator.run(self.definitions)
            self.evaluators[digits] = evaluator
        return self.evaluators[digits]


def located(node: Node, sizes: Mapping[Expr, int]) -> Node | None:
    """Return `at_sizes(node, sizes)` with its series written out; it is asked for in one case after the other."""
    return _located(node, tuple(sizes.items()))


@lru_cache(maxsize=2_000)
def _located(node: Node, sizes: tuple[tuple[Expr, int], ...]) -> Node | None:
    here = at_sizes(node, dict(sizes))
    return None if here is None else terms_of_series(here)


def _integers(node: Node) -> tuple[int, ...]:
    return tuple(int(size) for size in node.shape)


def agree(case: Case, left: Node, right: Node) -> bool | None:
    """Whether two nodes have one value in a case; None where one has none, or where 2,000 digits do not decide.

    A difference far above the rounding of the largest number on the way is one. A smaller one is looked at again in so
    many digits that rounding would be far below it: it stays as it is, or it was rounding.
    """
    digits = max(digits_for(left), digits_for(right))
    first, second = case.valued(left, digits), case.valued(right, digits)
    if first is None or second is None:
        return None
    if first.value.shape != second.value.shape:
        return False
    off, largest = _off(first.value, second.value), max(first.largest, second.largest)
    if off == 0:
        return True
    lost = int(largest * LOG2 - mpmath.log10(off))
    if lost <= DIGITS // 2:
        return False
    if lost + digits > MOST_DIGITS:
        return None
    again = [case.valued(node, lost + digits) for node in (left, right)]
    if again[0] is None or again[1] is None:
        return None
    remaining = _off(again[0].value, again[1].value)
    if remaining < off * mpmath.mpf("1e-20"):
        return True
    return False if abs(remaining - off) < off * mpmath.mpf("1e-10") else None


@lru_cache(maxsize=1_000)
def digits_for(node: Node) -> int:
    """Return how many digits tell `node` from others: 120, and those of a long number.

    >>> digits_for(n.Scalar(10**130))
    251
    """
    numbers = [part.value for part in walk(node) if isinstance(part, (n.Scalar, n.Fill)) and part.value.is_Rational]
    longest = max((len(str(abs(side))) for number in numbers for side in (number.p, number.q)), default=0)
    return min(MOST_DIGITS, DIGITS + longest) if longest > LONG else DIGITS


def _off(first: Array, second: Array) -> Any:
    with mpmath.workdps(MOST_DIGITS):
        return max((abs(a - b) for a, b in zip(first.ravel(), second.ravel(), strict=True)), default=mpmath.mpf(0))


def close(first: Array, second: Array) -> bool:
    """Whether two arrays are equal in 50 digits, relative to the largest element."""
    if first.shape != second.shape:
        return False
    with mpmath.workdps(DIGITS):
        largest = max((abs(entry) for entry in (*first.ravel(), *second.ravel())), default=mpmath.mpf(0))
        return bool(_off(first, second) <= mpmath.mpf(LIMIT) * largest)


def same_everywhere(left: Node, right: Node, among: Iterable[Case]) -> bool:
    """Whether two nodes agree wherever both have a value, and do have one somewhere; the first that differs decides."""
    agreed = 0
    for case in among:
        verdict = agree(case, left, right)
        if verdict is False:
            return False
        agreed += verdict is True
    return agreed > 0


def far_apart(case: Case, left: Node, right: Node) -> bool:
    """Whether 16 digits already tell two nodes apart: most guesses are ruled out at this price.

    A guess that only rounding rules out is lost; an equality is never decided here.
    """
    off = _rough_difference(case, left, right)
    return off is not None and off > 1e-3


def look_equal(case: Case, left: Node, right: Node) -> bool:
    """Whether 16 digits do not tell two nodes apart: there are better places to see a difference.

    One that only more digits show is lost; no equality is decided here.
    """
    off = _rough_difference(case, left, right)
    return off is not None and off < 1e-13


def _rough_difference(case: Case, left: Node, right: Node) -> float | None:
    """Return how far two nodes are apart in 16 digits, relative to the largest element; None where one has no value."""
    first, second = case.rough(left), case.rough(right)
    if first is None or second is None or not np.all(np.isfinite(first)) or not np.all(np.isfinite(second)):
        return None
    if first.shape != second.shape:
        return math.inf
    largest = max(1e-3, float(np.max(np.abs(first), initial=0)), float(np.max(np.abs(second), initial=0)))
    return float(np.max(np.abs(first - second), initial=0)) / largest
