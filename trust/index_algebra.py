"""An algebra of elements: sums over indices, of any size, of products of elements, in one form.

`sum_k A[i, k] x[k]` is a `Sums`: terms, each a coefficient, the indices that are summed, and factors with exponents. A
factor is an element of a leaf, a function of other sums, or a *bracket*, 1 where a condition holds and else 0:
`delta` (an affine expression in indices is 0), `above` (one is at least 0), `positive` and `zero` (a sum is so).

Nothing here knows a rule of symprop, nor one of its nodes: only what sums, brackets, products, powers, `exp` and `log`
are. Each step keeps the value wherever there is one, so that equal forms are equal for every size; two forms that
differ say nothing.

Brackets: Iverson, *A Programming Language* (1962); Graham, Knuth and Patashnik, *Concrete Mathematics* (1994), 2.4.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import sympy
from sympy import Expr, Integer, Symbol

from trust.index_terms import (
    BRACKETS,
    ONE,
    Factor,
    Sums,
    Term,
    added,
    depth_of,
    free,
    implied_bracket,
    in_order,
    key,
    lowered,
    never,
    one_place,
    opposite_of,
    order_of,
    overlapping_brackets,
    text,
)
from trust.places import LEAST, RANGE, index, not_below_zero, parts_of

LARGEST_POWER = 8


class Joined(NamedTuple):
    """`sum_k F[.., k, ..] G[.., k, ..]` is something else: the axes that `k` joins, their size, and what is made."""

    first: tuple[str, int]
    second: tuple[str, int]
    size: Expr
    made: Callable[[Factor, Factor], dict[Any, Expr] | None]


JOINED: list[Joined] = []
"""What holds of the leaves in a proof, such as that the product of a matrix and its inverse is the identity."""
BUILT: dict[str, Callable[[list[Any], Any], Any]] = {}
"""What makes a function to a power anew, by its head: other places inside may leave less of it."""


@contextmanager
def supposing(joined: Iterable[Joined] = (), least: Mapping[str, int] | None = None) -> Iterator[None]:
    """Suppose what a proof may use; all is forgotten after."""
    kept = (list(JOINED), dict(LEAST))
    JOINED.extend(joined), LEAST.update(least or {})
    try:
        yield
    finally:
        JOINED[:] = kept[0]
        LEAST.clear()
        LEAST.update(kept[1])


# ---------------------------------------------------------------- sums


def number(value: Any) -> Sums:
    value = sympy.sympify(value)
    return {} if value == 0 else {((), ()): value}


def multiplied(*parts: Sums) -> Sums:
    """Return the product of sums: the indices of both are summed outside."""
    product = ONE
    for part in parts:
        found = []
        for one, by_one in product.items():
            for other, by_other in part.items():
                (bound, factors, by), more = apart(one, by_one), apart(other, by_other)
                found.append(term((*bound, *more[0]), (*factors, *more[1]), by * more[2]))
        product = added(*found)
    return product


def over(indices: Iterable[Symbol], of: Sums) -> Sums:
    """Return the sum over indices."""
    indices = tuple(indices)
    return added(*(term((*indices, *bound), factors, by) for (bound, factors), by in of.items()))


def element(name: str, places: Iterable[Any], traits: Iterable[str] = ()) -> Sums:
    """Return the element of a leaf at some places."""
    return single(Factor(f"at {name}", tuple(map(sympy.expand, places)), (), tuple(sorted(traits))))


def single(factor: Factor) -> Sums:
    return term((), ((factor, Integer(1)),), Integer(1))


def delta(difference: Any) -> Sums:
    """Return 1 where a difference of indices is 0, else 0."""
    return single(Factor("delta", (sympy.expand(difference),)))


def above(expression: Any) -> Sums:
    """Return 1 where an affine expression in indices is 0 or more, else 0."""
    return single(Factor("above", (sympy.expand(expression),)))


def replaced(of: Sums, change: Mapping[Any, Any]) -> Sums:
    """Return sums with other places in the place of indices."""
    return added(*(_changed(bound, factors, by, change) for (bound, factors), by in of.items()))


def _changed(
    bound: Iterable[Symbol], factors: Iterable[Any], by: Expr, change: Mapping[Any, Any], *kept: tuple[Factor, Expr]
) -> Sums:
    """Return one term with other places; functions are made anew, what is `kept` stays."""
    bound, factors, plain, built = tuple(bound), tuple(factors), list(kept), []
    for factor, power in factors:
        moved = _moved(factor, change)
        if moved.inside != factor.inside and factor.head in BUILT:
            built.append(BUILT[factor.head]([dict(each) for each in moved.inside], power))
        else:
            plain.append((moved, power))
    if not built:
        return term(bound, plain, by.xreplace(dict(change)))
    if any(each.name.startswith("b") for each in bound):  # whose names those that are made may have
        names, loose, count = apart((bound, (*factors, *kept)), by)
        moved = {key: value.xreplace(dict(zip(bound, names, strict=True))) for key, value in change.items()}
        return _changed(names, loose[: len(factors)], count, moved, *loose[len(factors) :])
    return over(bound, multiplied(term((), plain, by.xreplace(dict(change))), *built))


def apart(of: Term, by: Expr) -> tuple[tuple[Symbol, ...], tuple[tuple[Factor, Expr], ...], Expr]:
    """Return a term and its coefficient with new names for the indices that are summed."""
    change = {each: index(RANGE[each]) for each in of[0]}
    if not change:
        return (*of, by)
    return tuple(change.values()), tuple((_moved(f, change), power) for f, power in of[1]), by.xreplace(change)


def _moved(factor: Factor, change: Mapping[Any, Any]) -> Factor:
    if free(factor).isdisjoint(change):
        return factor
    places = tuple(sympy.expand(place.xreplace(dict(change))) for place in factor.places)
    return factor._replace(places=places, inside=tuple(key(replaced(dict(each), change)) for each in factor.inside))


def term(bound: Iterable[Symbol], factors: Iterable[tuple[Factor, Any]], by: Any) -> Sums:
    """Return one term in its form: brackets worked out, products of what is joined, indices by canonical names."""
    bound, powers, by = list(bound), {}, sympy.sympify(by)
    for factor, power in factors:
        factor = in_order(factor)
        powers[factor] = Integer(1) if factor.head in BRACKETS else powers.get(factor, Integer(0)) + power
    powers = {factor: lowered(factor, power) for factor, power in powers.items()}
    powers = {factor: power for factor, power in powers.items() if power != 0}
    if by == 0 or never(powers):
        return {}
    implied, pair, point = implied_bracket(powers), overlapping_brackets(powers), one_place(powers)
    if point:
        rest = [each for each in powers.items() if each[0] not in point]
        return term(bound, [*rest, (Factor("delta", point[0].places), 1)], by)
    if implied is not None:
        return term(bound, [each for each in powers.items() if each[0] is not implied], by)
    if pair is not None:
        rest = [each for each in powers.items() if each[0] not in pair]
        apart_ = (
            term(bound, [*rest, *((f, 1) for f in kept)], by * sign)
            for kept, sign in ((pair[:1], 1), (pair[1:], 1), ((), -1))
        )
        return added(*apart_)
    for factor, power in powers.items():
        found = None
        if factor.head in ("delta", "above"):
            found = _solved(factor, bound, powers, by)
        elif factor.head == "base" and power.is_Rational and 1 <= power <= LARGEST_POWER:
            lower = ((f, p - sympy.floor(p) if f == factor else p) for f, p in powers.items())
            names, rest, coefficient = apart((tuple(bound), tuple(lower)), by)
            inside = next(f for (f, _), g in zip(rest, powers, strict=True) if g == factor).inside[0]
            found = over(names, multiplied(*[dict(inside)] * int(power), term((), rest, coefficient)))
        if found is not None:
            return found
    for each in bound:
        where = [factor for factor in powers if each in free(factor)]
        if not where and each not in by.free_symbols:
            bound.remove(each)
            return term(bound, powers.items(), by * RANGE[each])
        if each not in by.free_symbols and _joined(each, where, powers) is not None:
            names, loose, by = apart((tuple(bound), tuple(powers.items())), by)
            new, powers = names[bound.index(each)], dict(loose)
            where = [factor for factor in powers if new in free(factor)]
            joined, left = _joined(new, where, powers), [pair for pair in loose if pair[0] not in where]
            return over([b for b in names if b != new], multiplied(term((), left, by), joined or {}))
    return _named(bound, powers, by)


def sums_to_1(axis: int, along: Symbol) -> str:
    """Return what is known of an array whose elements along an axis, as long as the range of an index, sum to 1."""
    return f"sums to 1 along {axis} of {RANGE[along]}"


def _solved(factor: Factor, bound: list[Symbol], powers: Mapping[Factor, Expr], by: Expr) -> Sums | None:
    """Return a term with a bracket worked out; None where nothing is to be done."""
    (place,), rest = factor.places, [(f, p) for f, p in powers.items() if f is not factor]
    if factor.head == "above":
        weaker = any(
            f.head == "above" and f is not factor and not_below_zero(place - f.places[0])
            and (place != f.places[0]) for f in powers
        )  # fmt: skip
        if weaker or not_below_zero(place):
            return term(bound, rest, by)
        return {} if not_below_zero(-place - 1) else None
    if place == 0:
        return term(bound, rest, by)
    if not_below_zero(place - 1) or not_below_zero(-place - 1):
        return {}
    inside = place.free_symbols & RANGE.keys()
    for each in sorted((b for b in bound if b in inside), key=lambda b: (text(RANGE[b]), text(b))):
        slope = sympy.diff(place, each)
        if abs(slope) == 1:
            value = sympy.expand(each - place / slope)
            ends = [(Factor("above", (end,)), 1) for end in (value, sympy.expand(RANGE[each] - 1 - value))]
            return _changed([b for b in bound if b != each], [*rest, *ends], by, {each: value})
    parts = parts_of(place)
    if parts is not None:
        return term(bound, [*rest, *((Factor("delta", (part,)), 1) for part in parts)], by)
    turned = [each for each in sorted(inside, key=text) if abs(sympy.diff(place, each)) == 1]
    if turned:  # of free ones the last is what the others make of it wherever the bracket is not 0
        change = {turned[-1]: sympy.expand(turned[-1] - place / sympy.diff(place, turned[-1]))}
        if turned[-1] in by.free_symbols or any(turned[-1] in free(f) for f, _ in rest):
            return _changed(bound, rest, by, change, (factor, Integer(1)))
    return None


def _joined(each: Symbol, where: list[Factor], powers: Mapping[Factor, Expr]) -> Sums | None:
    """Return what the factors that an index joins are together; None where nothing is known."""
    alone = [(factor, axis) for factor in where for axis, place in enumerate(factor.places) if place == each]
    uses = [(f.head, axis, f) for f, axis in alone for _ in range(int(powers[f]) if powers[f].is_Integer else 9)]
    if len(uses) == 1 and len(where) == 1 and sums_to_1(uses[0][1], each) in where[0].traits:
        return ONE
    if len(uses) != 2 or len(where) > 2 or sum(each in place.free_symbols for f in where for place in f.places) > 2:
        return None
    if any(each in free(f._replace(places=())) for f in where) or (len(where) == 1 and len(alone) == 2):
        return None
    for one, other in (uses, uses[::-1]):
        for rule in JOINED:
            if rule[:3] == ((one[0], one[1]), (other[0], other[1]), RANGE[each]):
                made = rule.made(one[2], other[2])
                if made is not None:
                    return made
    return None


def _named(bound: list[Symbol], powers: Mapping[Factor, Expr], by: Expr) -> Sums:
    """Return a term whose summed indices have the names that give it the least text."""
    depth = depth_of(powers, bool(bound))
    groups = _told_apart(bound, powers)
    found = []
    for order in itertools.product(*map(itertools.permutations, groups)):
        change = {b: index(RANGE[b], f"b{depth}.{place}") for place, b in enumerate(itertools.chain(*order))}
        moved, count = [], by.xreplace(change)
        for factor, power in powers.items():
            factor = in_order(_moved(factor, change))
            if factor.head == "base" and power.is_integer:
                least = min(factor, opposite_of(factor), key=order_of)
                factor, count = least, count if least == factor else count * (-1) ** power
            moved.append((factor, power))
        found.append(((tuple(change.values()), tuple(sorted(moved, key=text))), sympy.expand(count)))
    named, coefficient = min(found, key=text)
    return {named: coefficient}


def _told_apart(bound: list[Symbol], powers: Mapping[Factor, Expr]) -> list[list[Symbol]]:
    """Return indices in groups that look alike: by the factors that they stand in, whatever the others are called."""
    blank = {b: index(RANGE[b], "other") for b in bound}
    looks: dict[Symbol, str] = {}
    for b in bound:
        change = {**blank, b: index(RANGE[b], "this")}
        looks[b] = str(sorted(text((in_order(_moved(f, change)), p)) for f, p in powers.items() if b in free(f)))
    return [[b for b in bound if looks[b] == look] for look in sorted(set(looks.values()))]
