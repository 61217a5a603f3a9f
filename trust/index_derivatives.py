"""Derivatives of sums of products of elements, and whether two sums are one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy
from sympy import Expr, Integer

from trust.index_algebra import LARGEST_POWER, apart, delta, multiplied, over, single, term
from trust.index_functions import power, scalar
from trust.index_terms import BRACKETS, Factor, Sums, added, free, opposite_of, scaled, text


def derivative(of: Sums, name: str, places: Iterable[Any]) -> Sums:
    """Return the derivative of a sum by one element of a leaf; brackets are constant but for jumps."""
    places, parts = tuple(places), []
    for found, count in of.items():
        bound, factors, by = apart(found, count)
        for place, (factor, exponent) in enumerate(factors):
            inner = _of_factor(factor, name, places)
            if inner:
                rest = [*factors[:place], (factor, exponent - 1), *factors[place + 1 :]]
                change = term((), rest, by * exponent)
                parts.append(over(bound, multiplied(change, inner)))
    return added(*parts)


def _of_factor(factor: Factor, name: str, places: tuple[Any, ...]) -> Sums:
    inside = [dict(each) for each in factor.inside]
    match factor.head:
        case head if head == f"at {name}":
            return multiplied(*(delta(one - other) for one, other in zip(factor.places, places, strict=True)))
        case "base":
            return derivative(inside[0], name, places)
        case "exp":
            return multiplied(single(factor), derivative(inside[0], name, places))
        case "log":
            return multiplied(power(inside[0], -1), derivative(inside[0], name, places))
        case head if head in DERIVATIVES:
            return DERIVATIVES[head](factor, name, places)
        case head if head.startswith("function "):
            return _of_function(head.removeprefix("function "), inside, name, places)
    if factor.head in BRACKETS or factor.head.startswith("at "):
        return {}
    raise LookupError(f"no derivative of {factor.head} is known here")


def _of_function(function: str, inside: list[Sums], name: str, places: tuple[Any, ...]) -> Sums:
    symbols = [sympy.Symbol(f"t{place}", real=True) for place in range(len(inside))]
    whole, given = getattr(sympy, function)(*symbols), dict(zip(symbols, inside, strict=True))
    slopes = (scalar(sympy.diff(whole, symbol), given) for symbol in symbols)
    return added(
        *(multiplied(slope, derivative(each, name, places)) for slope, each in zip(slopes, inside, strict=True))
    )


DERIVATIVES: dict[str, Callable[[Factor, str, tuple[Any, ...]], Sums]] = {}
"""Derivatives of matrices that stand for themselves, by theorems that are taken as known."""


def same(one: Sums, other: Sums) -> bool:
    """Whether two sums are equal wherever both have a value; False says nothing.

    Sums below the line are multiplied away. Where they depend on an index that is summed, `a / (a + b)` is
    `1 - b / (a + b)`.
    """
    left = _on_one_side(added(one, scaled(-1, other)))
    for _ in range(4 * LARGEST_POWER):
        if not left:
            return True
        below = [
            (factor, exponent)
            for bound, factors in left
            for factor, exponent in factors
            if factor.head == "base" and exponent.is_Rational and exponent < 0 and free(factor).isdisjoint(bound)
        ]
        if below:
            factor, exponent = min(below, key=lambda each: (each[1], text(each[0])))
            left = added(*(term(b, [*fs, (factor, -sympy.floor(exponent))], by) for (b, fs), by in left.items()))
            continue
        lowered = added(*(_lowered(t, by) for t, by in left.items()))
        if lowered == left:
            return False
        left = lowered
    return False


def _on_one_side(of: Sums) -> Sums:
    """Return a sum in which `x [-x > 0]` is `x - x [x > 0]`: of an element times brackets of its sign."""
    found: list[Sums] = []
    for (bound, factors), by in of.items():
        powers = dict(factors)
        below = next((factor for factor in powers if _is_below_zero(factor, powers)), None)
        if below is None:
            found.append({(bound, factors): by})
            continue
        rest = [pair for pair in factors if pair[0] is not below]
        found += [term(bound, rest, by), term(bound, [*rest, (opposite_of(below), Integer(1))], -by)]
    return added(*found)


def _is_below_zero(factor: Factor, powers: Mapping[Factor, Expr]) -> bool:
    """Whether a factor is the bracket `-x > 0` of an element x that is another factor."""
    if factor.head != "positive" or len(factor.inside[0]) != 1:
        return False
    ((_, inside), by) = factor.inside[0][0]
    return bool(by.is_negative) and len(inside) == 1 and bool(powers.get(inside[0][0], Integer(0)).is_positive)


def _lowered(of: Any, count_of: Expr) -> Sums:
    bound, factors, by = apart(of, count_of)
    powers = dict(factors)
    for factor, exponent in factors:
        if factor.head == "base" and exponent.is_Integer and exponent < 0:
            inside = dict(factor.inside[0])
            (more, lead), count = max(inside.items(), key=text)
            if not more and lead and all(powers.get(f, 0) - p >= 0 for f, p in lead):
                left = [*factors, *((f, -p) for f, p in lead)]
                rest = scaled(-1, {t: c for t, c in inside.items() if t != (more, lead)})
                whole = term((), [*left, (factor, 1)], by / count)
                return over(bound, added(whole, multiplied(rest, term((), left, by / count))))
    return {of: count_of}
