"""Terms of sums over indices: factors with exponents, in what order, and which brackets exclude or imply each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import sympy
from sympy import Expr, Integer, Symbol

from trust.places import RANGE, not_below_zero

Places = tuple[Expr, ...]


class Factor(NamedTuple):
    """An element of a leaf, or a function: what it is called, where, of which sums, and what is known of it."""

    head: str
    places: Places = ()
    inside: tuple[Any, ...] = ()
    traits: tuple[str, ...] = ()


Term = tuple[tuple[Symbol, ...], tuple[tuple[Factor, Expr], ...]]
"""The indices that are summed, and the factors with their exponents."""


Sums = dict[Term, Expr]


BRACKETS = {"delta", "above", "positive", "zero"}


ONE: Sums = {((), ()): Integer(1)}


def added(*parts: Sums) -> Sums:
    """Return the sum of sums."""
    total: Sums = {}
    for part in parts:
        for term, coefficient in part.items():
            total[term] = sympy.expand(total.get(term, Integer(0)) + coefficient)
    return {term: coefficient for term, coefficient in total.items() if coefficient != 0}


def scaled(by: Any, of: Sums) -> Sums:
    return added({term: sympy.expand(by * coefficient) for term, coefficient in of.items()})


@lru_cache(maxsize=50_000)
def text(value: Any) -> str:
    return str(value)


def key(of: Sums) -> tuple[Any, ...]:
    """Return sums as what stands inside a factor."""
    return tuple(sorted(of.items(), key=text))


@lru_cache(maxsize=50_000)
def free(factor: Factor) -> frozenset[Symbol]:
    """Return the indices of a factor that are not summed in it."""
    inner: set[Symbol] = set()
    for each in factor.inside:
        for (bound, factors), by in each:
            inner |= (by.free_symbols & RANGE.keys()).union(*(free(f) for f, _ in factors)) - set(bound)
    return frozenset(inner.union(*(place.free_symbols & RANGE.keys() for place in factor.places)))


@lru_cache(maxsize=50_000)
def _height(factor: Factor) -> int:
    return max((depth_of([f for f, _ in t[1]], bool(t[0])) for each in factor.inside for t, _ in each), default=0)


def depth_of(factors: Iterable[Factor], bound: bool) -> int:
    return int(bound) + max(map(_height, factors), default=0)


def in_order(factor: Factor) -> Factor:
    if factor.head == "delta":
        (place,) = factor.places
        return factor._replace(places=(min(place, sympy.expand(-place), key=text),))
    if "symmetric" in factor.traits:
        return factor._replace(places=tuple(sorted(factor.places, key=text)))
    return factor


def lowered(factor: Factor, power: Expr) -> Expr:
    """Return the power of an element that is 0 or 1, or of one that is -1 or 1."""
    if "bits" in factor.traits and power.is_positive:
        return Integer(1)
    return power % 2 if "signs" in factor.traits and power.is_Integer else power


def opposite_of(factor: Factor) -> Factor:
    """Return the same base with another sign."""
    return factor._replace(inside=(key({t: -by for t, by in factor.inside[0]}),))


def order_of(base: Factor) -> tuple[int, str]:
    return sum(bool(by.is_negative) for _, by in base.inside[0]), text(base)


# ---------------------------------------------------------------- brackets


def never(powers: Mapping[Factor, Expr]) -> bool:
    """Whether brackets exclude each other."""
    positive = [factor for factor in powers if factor.head == "positive"]
    zero = {factor.inside for factor in powers if factor.head == "zero"}
    for factor in positive:
        opposite = opposite_of(factor)
        if opposite in powers or {factor.inside, opposite.inside} & zero:
            return True
    ends = [factor.places[0] for factor in powers if factor.head == "above"]
    between = (sum_of(one, other) for one, other in itertools.combinations(positive, 2))
    if any(total is not None and total <= 0 for total in between):
        return True  # x > 0 and -x - 1 > 0
    chains = (each for count in (2, 3) for each in itertools.combinations(ends, count))
    return any(not_below_zero(-sum(each) - 1) for each in chains)  # k <= i, i < j and j <= k


def sum_of(one: Factor, other: Factor, sign: int = 1) -> Expr | None:
    """Return what two sums in brackets are together where that is a number."""
    total = added(dict(one.inside[0]), scaled(sign, dict(other.inside[0])))
    value = total.get(((), ()), Integer(0))
    return value if value.is_number and not set(total) - {((), ())} else None


def implied_bracket(powers: dict[Factor, Expr]) -> Factor | None:
    """Return a bracket that another one implies, `x + 1 > 0` by `x > 0`."""
    for factor in powers:
        if factor.head == "positive":
            others = (each for each in powers if each is not factor and each.head in ("positive", "zero"))
            if any((less := sum_of(factor, each, -1)) is not None and less > 0 for each in others):
                return factor
    return None


def overlapping_brackets(powers: dict[Factor, Expr]) -> tuple[Factor, Factor] | None:
    """Return two brackets of which one holds everywhere, `x > 0` and `1 - x > 0`: `a b` is then `a + b - 1`."""
    positive = [factor for factor in powers if factor.head == "positive"]
    for one, other in itertools.combinations(positive, 2):
        if (total := sum_of(one, other)) is not None and total > 0:
            return one, other
    return None


def one_place(powers: dict[Factor, Expr]) -> tuple[Factor, Factor] | None:
    """Return two brackets that leave one place, `k >= 1` and `k <= 1`."""
    ends = [factor for factor in powers if factor.head == "above"]
    pairs = itertools.combinations(ends, 2)
    return next(((one, other) for one, other in pairs if one.places[0] + other.places[0] == 0), None)
