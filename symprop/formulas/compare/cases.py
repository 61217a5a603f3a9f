"""Cases at which two formulas are compared: sizes, values that the facts allow, and what a formula is worth there.

Numbers are exact on the way in and have 120 digits on the way through. Whether a small difference is rounding is
decided by more digits: rounding shrinks with them, a difference of two formulas does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.formulas.checks.points import at_sizes
from symprop.verify.arithmetic import Arithmetic, Array, Complex, Precise
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.values import Draw, values_for

ROUGH, DIGITS, MOST_DIGITS = 16, 120, 2_000
LIMIT = "1e-50"
LARGEST_NUMBER = 10**12

NUMBERS: tuple[Draw, ...] = (Draw(), Draw(positive=True), Draw(5), Draw(1, positive=True), Draw(40, 101))
"""How values are drawn: near 0 on both sides, above 0 alone, and far from 0."""


Known = dict[tuple[Node, int], tuple[Array, Any]]
"""Values of parts by their digits, each with the largest number on the way to it."""


class _Watching(Evaluator):
    """Evaluates each part once for all formulas that share it, and remembers the largest number on the way.

    Rounding is relative to that number.
    """

    def __init__(self, arithmetic: Arithmetic, values: Mapping[str, Array], digits: int, known: Known) -> None:
        super().__init__(arithmetic, stacked(values, arithmetic))
        self.digits, self.known = digits, known
        self.largest: Any = mpmath.mpf(1)

    def __call__(self, node: Node) -> Array:
        key = (node, self.digits)
        if key not in self.known:
            outside, self.largest = self.largest, mpmath.mpf(1)
            found = super().__call__(node)
            if isinstance(self.arithmetic, Precise) and found.dtype.kind == "O":
                self.largest = max([self.largest, *(abs(entry) for entry in found.ravel() if entry == entry)])
            self.known[key] = (found, self.largest)
            self.largest = outside
        found, largest = self.known[key]
        self.largest = max(self.largest, largest)
        return found


@dataclass(frozen=True)
class Valued:
    """What a node is worth, and the largest number on the way there."""

    value: Array
    largest: Any


@dataclass(frozen=True)
class Case:
    """Sizes and values; remembers what nodes are worth there."""

    sizes: Mapping[Expr, int]
    values: Mapping[str, Array]
    known: dict[tuple[Node, int], Valued | None] = field(default_factory=dict, compare=False, repr=False)
    parts: Known = field(default_factory=dict, compare=False, repr=False)

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
            if found is not None and found.largest > mpmath.mpf(10) ** (digits // 3):
                found = self._settled(node, digits + int(mpmath.log10(found.largest)))
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
        here = at_sizes(node, self.sizes)
        if here is None:
            return None
        try:
            with np.errstate(over="raise", divide="ignore", invalid="ignore", under="ignore"):
                found = unstacked(_Watching(Complex(), self.values, ROUGH, self.parts)(here))
        except (FloatingPointError, OverflowError):  # mpmath would count the digits of exp(exp(exp(9))) for years
            return None
        return Valued(np.broadcast_to(np.real(found), _integers(here)), None)

    def _precise(self, node: Node, digits: int) -> Valued | None:
        here = at_sizes(node, self.sizes)
        if here is None:
            return None
        with mpmath.workdps(digits), np.errstate(all="ignore"):
            evaluator = _Watching(Precise(), self.values, digits, self.parts)
            found = unstacked(evaluator(here))
            if not all(mpmath.isfinite(entry) for entry in found.ravel()):
                return None
        return Valued(np.broadcast_to(found, _integers(here)), evaluator.largest)


def _integers(node: Node) -> tuple[int, ...]:
    return tuple(int(size) for size in node.shape)


def cases(
    choices: Sequence[Mapping[Expr, int]],
    variables: Sequence[Variable],
    nodes: Sequence[Node],
    count: int = 12,
) -> Iterator[Case]:
    """Yield about `count` random cases in which every one of `nodes` is finite, each choice of sizes in turn."""
    random = np.random.default_rng(0)
    found = 0
    for how, sizes in _alternating(choices, (NUMBERS[0], *beyond_constants(nodes), *NUMBERS[1:])):
        values = values_for(variables, sizes, random, how)
        case = None if values is None else Case(sizes, values)
        if case is not None and all(case.value(node) is not None for node in nodes):
            yield case
            found += 1
            if found == count:
                return


@dataclass(frozen=True)
class Sides:
    """Two formulas, the variables that they may read, and the choices of sizes at which they are compared."""

    one: Formula
    other: Formula
    variables: tuple[Variable, ...]
    choices: Sequence[Mapping[Expr, int]]

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.one.node, self.other.node

    def cases(self, count: int = 12) -> Iterator[Case]:
        """Yield random cases in which both formulas have a value."""
        return cases(self.choices, self.variables, self.nodes, count)

    def lacking(self) -> str:
        """Say which formula has no value at any case, "first" or "second"; "both", or nothing where each has one."""
        one, other = (any(True for _ in cases(self.choices, self.variables, (node,), 1)) for node in self.nodes)
        return ("" if other else "second") if one else ("first" if other else "both")


def beyond_constants(nodes: Iterable[Node], parts: int = 7) -> tuple[Draw, ...]:
    """Return ways to draw that reach both sides of large numbers in formulas, such as `where(x > 1000, ...)`."""
    constants = (
        abs(part.value)
        for node in nodes
        for part in walk(node)
        if isinstance(part, (n.Scalar, n.Fill)) and part.value.is_Rational
    )
    large = sorted({int(constant) for constant in constants if 20 < constant < LARGEST_NUMBER})
    return tuple(Draw(2 * constant, parts) for constant in large[-3:])


def _alternating(
    choices: Sequence[Mapping[Expr, int]], draws: Sequence[Draw]
) -> Iterator[tuple[Draw, Mapping[Expr, int]]]:
    """Yield pairs of ways to draw and sizes, so that early pairs differ in both."""
    if choices:
        for turn in range(3):
            for shift, place in itertools.product(range(len(draws)), range(len(choices))):
                yield draws[(shift + place + turn) % len(draws)], choices[place]


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
    lost = int(mpmath.log10(largest) - mpmath.log10(off))
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
    """Return how many digits tell `node` from others: 120, and those of its longest number.

    >>> digits_for(n.Scalar(10**130))
    251
    """
    numbers = [part.value for part in walk(node) if isinstance(part, (n.Scalar, n.Fill)) and part.value.is_Rational]
    longest = max((len(str(abs(side))) for number in numbers for side in (number.p, number.q)), default=0)
    return min(MOST_DIGITS, DIGITS + longest)


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
    first, second = case.rough(left), case.rough(right)
    if first is None or second is None or not np.all(np.isfinite(first)) or not np.all(np.isfinite(second)):
        return False
    if first.shape != second.shape:
        return True
    largest = max(1e-3, float(np.max(np.abs(first), initial=0)), float(np.max(np.abs(second), initial=0)))
    return bool(np.max(np.abs(first - second), initial=0) > 1e-3 * largest)
