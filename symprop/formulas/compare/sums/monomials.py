"""Products of elements with indices, in a form that does not depend on how the indices that are summed are called.

A factor is an `Atom`, such as the element `W[i, j]` or `sin` of a sum of products, or a `Bound`: a sum over indices of
a product that they join, such as `sum_k W[i, k] x[k]`. Indices that are summed get canonical names: they are told apart
by the factors that they stand in, step by step, as the nodes of a graph in a test of isomorphism (Weisfeiler and Leman,
*The reduction of a graph to canonical form*, 1968); where that leaves several alike, the order with the least text is
taken.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from sympy import Expr, Integer

MOST_ORDERS = 120
"""How many orders of indices that look alike are tried; beyond, equal sums may look different, never the other way."""


class Place(NamedTuple):
    """A place along an axis, `scale * along + offset`, by the name of an index; a fixed one has none."""

    along: str
    scale: int = 1
    offset: Expr = Integer(0)

    @property
    def is_index(self) -> bool:
        return bool(self.along) and self.scale == 1 and self.offset == 0


class Atom(NamedTuple):
    """An element or a function: what it is called, where, of which sums of products, and what is known of it."""

    head: str
    places: tuple[Place, ...] = ()
    inside: tuple[Key, ...] = ()
    traits: tuple[str, ...] = ()


class Bound(NamedTuple):
    """A sum over indices, each with its size, of a product."""

    sizes: tuple[tuple[str, Expr], ...]
    factors: Monomial


Factor = Atom | Bound
Monomial = tuple[tuple[Factor, Fraction], ...]
"""Factors with their exponents, in order."""
Key = tuple[tuple[Monomial, Expr], ...]
"""A sum of products with coefficients, in order."""
Powers = dict[Factor, Fraction]


@lru_cache(maxsize=20_000)
def written(value: object) -> str:
    """Return a text by which factors and products are put in order."""
    return repr(value)


@lru_cache(maxsize=20_000)
def indices_of(factor: Factor) -> frozenset[str]:
    """Return the indices of a factor that are not summed in it."""
    if isinstance(factor, Bound):
        inner = frozenset().union(*(indices_of(each) for each, _ in factor.factors))
        return inner - {index for index, _ in factor.sizes}
    inside = (indices_of(each) for key in factor.inside for monomial, _ in key for each, _ in monomial)
    return frozenset(place.along for place in factor.places if place.along).union(*inside)


@lru_cache(maxsize=20_000)
def height(factor: Factor) -> int:
    """Return how deep sums stand in sums: canonical names of different depths differ, so that none is caught."""
    if isinstance(factor, Bound):
        return 1 + max((height(each) for each, _ in factor.factors), default=0)
    return max((height(each) for key in factor.inside for monomial, _ in key for each, _ in monomial), default=0)


def renamed(factor: Factor, change: Mapping[str, Place]) -> Factor:
    """Return a factor with other places in the place of indices."""
    if indices_of(factor).isdisjoint(change):
        return factor
    if isinstance(factor, Bound):
        return bound(factor.sizes, [(renamed(each, change), power) for each, power in factor.factors])
    places = tuple(_at(place, change) for place in factor.places)
    inside = tuple(
        key((ordered((renamed(each, change), power) for each, power in monomial), number) for monomial, number in part)
        for part in factor.inside
    )
    return in_order(Atom(factor.head, places, inside, factor.traits))


def _at(place: Place, change: Mapping[str, Place]) -> Place:
    if place.along not in change:
        return place
    new = change[place.along]
    return Place(new.along, place.scale * new.scale, place.scale * new.offset + place.offset)


def in_order(atom: Atom) -> Atom:
    """Return an atom with its places in order where they may change places, as those of a symmetric matrix."""
    return atom._replace(places=tuple(sorted(atom.places, key=written))) if "symmetric" in atom.traits else atom


def ordered(factors: Iterable[tuple[Factor, Fraction]]) -> Monomial:
    """Return factors as a product in order, equal ones with one exponent."""
    powers: Powers = {}
    for factor, power in factors:
        powers[factor] = powers.get(factor, Fraction(0)) + power
    return tuple(sorted(((each, power) for each, power in powers.items() if power), key=written))


def key(terms: Iterable[tuple[Monomial, Expr]]) -> Key:
    """Return a sum of products in order."""
    return tuple(sorted(terms, key=written))


def bound(sizes: Iterable[tuple[str, Expr]], factors: Iterable[tuple[Factor, Fraction]]) -> Bound:
    """Return a sum over indices of a product, its indices called by canonical names."""
    listed, inner = tuple(sizes), ordered(factors)
    depth = 1 + max((height(each) for each, _ in inner), default=0)
    groups = _told_apart(listed, inner)
    count = math.prod(math.factorial(len(group)) for group in groups)
    choices = itertools.product(*map(itertools.permutations, groups)) if count <= MOST_ORDERS else [groups]
    found = (_named(dict(listed), list(itertools.chain(*order)), inner, depth) for order in choices)
    return min(found, key=written)


def _named(sizes: Mapping[str, Expr], order: list[str], factors: Monomial, depth: int) -> Bound:
    names = {index: f"b{depth}.{place:02d}" for place, index in enumerate(order)}
    change = {index: Place(name) for index, name in names.items()}
    return Bound(
        tuple((names[index], sizes[index]) for index in order),
        ordered((renamed(each, change), power) for each, power in factors),
    )


def _told_apart(sizes: tuple[tuple[str, Expr], ...], factors: Monomial) -> list[list[str]]:
    """Return indices in groups, in an order that does not depend on their names; those in a group look alike."""
    colours = {index: f"c{size}" for index, size in sizes}
    if len(sizes) == 1:
        return [[sizes[0][0]]]
    for _ in sizes:
        seen = {index: f"{colours[index]} {_surroundings(index, colours, factors)}" for index, _ in sizes}
        numbers = {text: f"c{place:02d}" for place, text in enumerate(sorted({*seen.values()}))}
        new = {index: numbers[text] for index, text in seen.items()}
        if len({*new.values()}) == len({*colours.values()}) and new == colours:
            break
        colours = new
    return [[index for index in colours if colours[index] == each] for each in sorted({*colours.values()})]


def _surroundings(index: str, colours: Mapping[str, str], factors: Monomial) -> str:
    """The factors that an index stands in, itself marked and the others by their colours."""
    change = {each: Place("*" if each == index else colour) for each, colour in colours.items()}
    found = (written((renamed(each, change), power)) for each, power in factors if index in indices_of(each))
    return " ".join(sorted(found))
