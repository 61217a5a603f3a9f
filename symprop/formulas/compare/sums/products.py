"""Products and sums of products of elements, multiplied out, and the laws of single factors.

Sums below the line are divided out as polynomials are, by their leading product (`e / (1 + e) = 1 - 1 / (1 + e)`);
products of sines and cosines are sums of them. Each step keeps the value wherever the formula has one; so two formulas
with one form are equal wherever both have a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy
from sympy import Expr, Integer, Rational

from symprop.errors import LimitError
from symprop.formulas.compare.sums.monomials import (
    Atom,
    Factor,
    Key,
    Monomial,
    Powers,
    indices_of,
    key,
    ordered,
    renamed,
    written,
)

MOST_TERMS, MOST_STEPS = 600, 20_000
ONE = Fraction(1)


@dataclass
class Budget:
    """How many products may still be made in one proof."""

    left: int = MOST_STEPS


BUDGET: ContextVar[Budget] = ContextVar("budget")


Sum = dict[Monomial, Expr]
"""Products with their coefficients."""


def number(value: Expr) -> Sum:
    return {(): value} if value != 0 else {}


def single(factor: Factor, power: Fraction = ONE) -> Sum:
    return product([(factor, power)])


def added(sums: Iterable[Sum]) -> Sum:
    """Return a sum of sums."""
    total: Sum = {}
    for each in sums:
        for monomial, coefficient in each.items():
            total[monomial] = total[monomial] + coefficient if monomial in total else coefficient
    if len(total) > MOST_TERMS:
        raise LimitError("the sums of products are too long")
    return {monomial: tidied for monomial, number in total.items() if (tidied := coefficient_of(number)) != 0}


@lru_cache(maxsize=10_000)
def coefficient_of(value: Expr) -> Expr:
    return value if value.is_Rational else sympy.cancel(sympy.expand_log(value, force=True))


def scaled(factor: Expr, of: Sum) -> Sum:
    return {monomial: number for monomial, each in of.items() if (number := coefficient_of(factor * each)) != 0}


def multiplied(left: Sum, right: Sum) -> Sum:
    """Return the product of two sums, multiplied out."""
    return added(
        scaled(one * other, product([*first, *second]))
        for first, one in left.items()
        for second, other in right.items()
    )


def negated(of: Key) -> Key:
    return key((monomial, -number) for monomial, number in of)


def function(name: str, of: Sum) -> Sum:
    """Return any other function of a sum; `sin(-t) = -sin(t)`."""
    if name in WAVES and all(not monomial for monomial in of):
        return number(WAVES[name](of.get((), Integer(0))))
    sign = name in SIGNED and bool(of) and of[min(of, key=written)].could_extract_minus_sign()
    atom = Atom(name, (), (key((scaled(Integer(-1), of) if sign else of).items()),))
    return scaled(Integer(SIGNED[name] if sign else 1), single(atom))


WAVES = {"sin": sympy.sin, "cos": sympy.cos}
SIGNED = {"sin": -1, "cos": 1, "erf": -1, "atan": -1, "asin": -1}
"""What functions are of the opposite: the opposite, or the same."""


# ---------------------------------------------------------------- one product


def product(factors: Iterable[tuple[Factor, Fraction]]) -> Sum:
    """Return a product of factors, brought to its form: a sum where a power of a sum is written out."""
    budget = BUDGET.get()
    budget.left -= 1
    if budget.left < 0:
        raise LimitError("the sums of products are too long")
    powers: Powers = {}
    for factor, power in factors:
        powers[factor] = powers.get(factor, Fraction(0)) + power
    for factor in sorted(powers, key=written):
        power = powers[factor]
        if power and isinstance(factor, Atom):
            changed = _rewritten(factor, power, powers)
            if changed is not None:
                return changed
    return {ordered(powers.items()): Integer(1)}


def _rewritten(atom: Atom, power: Fraction, powers: Powers) -> Sum | None:
    """Return a product with a law of one of its atoms applied; None where there is none to apply."""
    rest = [(each, other) for each, other in powers.items() if each != atom]
    if atom.head.startswith("delta"):
        return _of_delta(atom, power, rest)
    if ("bits" in atom.traits or atom.head == "positive") and power > 0 and power != 1:
        return product([*rest, (atom, ONE)])
    if "signs" in atom.traits and power.denominator == 1 and power not in (0, 1):
        return product([*rest, (atom, Fraction(power.numerator % 2))])
    if atom.head == "positive" and power > 0:
        against = Atom("positive", (), (negated(atom.inside[0]),))
        return {} if powers.get(against, 0) > 0 else _below(atom, against, rest)
    if atom.head in ("sin", "cos") and power >= 1:
        other = next(
            (each for each, above in powers.items() if _is_wave(each) and above >= (2 if each == atom else 1)), None
        )
        if isinstance(other, Atom):
            fewer = dict(powers)
            fewer[atom] -= 1
            fewer[other] -= 1
            return multiplied(product(fewer.items()), _of_waves(atom, other))
    if atom.head == "base":
        if len(atom.inside[0]) == 1 and power.denominator == 1:
            ((monomial, coefficient),) = atom.inside[0]
            whole = product([*rest, *((each, other * power) for each, other in monomial)])
            return scaled(coefficient ** int(power), whole)
        if power >= 1:
            return multiplied(product([*rest, (atom, power - 1)]), dict(atom.inside[0]))
        if power < 0:
            return _divided(atom, power, powers)
    return None


def _below(atom: Atom, against: Atom, rest: list[tuple[Factor, Fraction]]) -> Sum | None:
    """`u [-u > 0] = u - u [u > 0]`, where the leading product of u stands beside; u is the one that leads with plus."""
    opposite = dict(against.inside[0])
    lead = max(opposite, key=_degree)
    above = dict(rest)
    if not (opposite[lead].is_positive and lead and all(_has(above, factor, power) for factor, power in lead)):
        return None
    for factor, power in lead:
        above[factor] -= power
    found = []
    for monomial, coefficient in opposite.items():
        share = [*above.items(), *monomial]
        found.append(scaled(coefficient, product(share)))
        found.append(scaled(-coefficient, product([*share, (against, ONE)])))
        if monomial != lead:
            found.append(scaled(-coefficient, product([*share, (atom, ONE)])))
    return scaled(1 / opposite[lead], added(found))


def _is_wave(factor: Factor) -> bool:
    return isinstance(factor, Atom) and factor.head in ("sin", "cos")


def _of_waves(one: Atom, other: Atom) -> Sum:
    """`2 sin(u) cos(v) = sin(u + v) + sin(u - v)`, and likewise."""
    if one.head != other.head:
        sine, cosine = (one, other) if one.head == "sin" else (other, one)
        name, sign, left, right = "sin", 1, dict(sine.inside[0]), dict(cosine.inside[0])
    else:
        name, sign = "cos", -1 if one.head == "sin" else 1
        left, right = dict(one.inside[0]), dict(other.inside[0])
    apart = function(name, added([left, scaled(Integer(-1), right)]))
    together = function(name, added([left, right]))
    half = Rational(1, 2)
    return added([scaled(half * sign, together), scaled(half, apart)])


def _of_delta(atom: Atom, power: Fraction, rest: list[tuple[Factor, Fraction]]) -> Sum | None:
    """`delta(i, i) = 1`, `delta(0, 1) = 0`, and beside `delta(i, j)` the index j is i."""
    first, second = sorted(atom.places, key=lambda place: (not place.along, place.along[:1] == "t", written(place)))
    if first == second:
        return product(rest)
    if not first.along and (first.offset - second.offset).is_nonzero:
        return {}
    if power != 1:
        return product([*rest, (atom, ONE)])
    kept, goes = (first, second) if second.is_index else (second, first)
    if goes.is_index and any(goes.along in indices_of(each) for each, _ in rest):
        return product([(atom, ONE), *((renamed(each, {goes.along: kept}), other) for each, other in rest)])
    return None


def _divided(atom: Atom, power: Fraction, powers: Powers) -> Sum | None:
    """Divide by a sum: where its leading product stands above, `l / (l + r) = 1 - r / (l + r)`."""
    terms = atom.inside[0]
    lead = max((monomial for monomial, _ in terms), key=_degree)
    if not all(_has(powers, factor, other) for factor, other in lead):
        return None
    rest = dict(powers)
    for factor, other in lead:
        rest[factor] -= other
    leading = dict(terms)[lead]
    whole = dict(rest)
    whole[atom] = power + 1
    found = [scaled(1 / leading, product(whole.items()))]
    for monomial, coefficient in terms:
        if monomial != lead:
            found.append(scaled(-coefficient / leading, product([*rest.items(), *monomial])))
    return added(found)


def _has(powers: Powers, factor: Factor, power: Fraction) -> bool:
    return 0 < power <= powers.get(factor, Fraction(0))


def _degree(monomial: Monomial) -> tuple[Fraction, str]:
    return sum((power for _, power in monomial), Fraction(0)), written(monomial)
