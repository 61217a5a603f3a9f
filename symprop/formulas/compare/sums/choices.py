"""Choices: what is 1 where a sum is above 0 and else 0, and sizes, which are made of it."""

from __future__ import annotations

from fractions import Fraction

from sympy import Expr, Integer

from symprop.formulas.compare.sums.common import is_nonnegative, without_common
from symprop.formulas.compare.sums.monomials import Atom, Factor, Monomial, key, ordered, written
from symprop.formulas.compare.sums.products import ONE, Sum, added, coefficient_of, multiplied, number, scaled, single

MOST_SIGNS = 3
"""Factors of a product whose signs are looked at one by one."""


def size(of: Sum) -> Sum:
    """Return the size of a sum: `|u| = u ([u > 0] - [-u > 0])`."""
    return multiplied(of, sign(of))


def sign(of: Sum) -> Sum:
    """Return 1 where a sum is above 0, -1 where it is below, else 0."""
    below = indicator(scaled(Integer(-1), of))
    return added([indicator(of), scaled(Integer(-1), below)])


def indicator(of: Sum) -> Sum:
    """Return 1 where a sum is above 0, else 0."""
    if all(not monomial for monomial in of):
        value = of.get((), Integer(0))
        if value.is_positive or value.is_nonpositive:
            return number(Integer(1 if value.is_positive else 0))
    found, outside = of, number(Integer(1))
    for factor, each in without_common(of, True)[1]:  # [u [v > 0] > 0] = [v > 0] [u > 0], and exp is above 0
        if isinstance(factor, Atom) and (factor.head == "exp" or (factor.head == "positive" and each > 0)):
            outside = outside if factor.head == "exp" else multiplied(outside, single(factor))
            found = {ordered([*monomial, (factor, -each)]): value for monomial, value in found.items()}
    if found is not of:
        return multiplied(outside, indicator(found))
    ((monomial, coefficient),) = of.items() if len(of) == 1 else [((), Integer(0))]
    told = _of_product(monomial, coefficient) if coefficient.is_positive or coefficient.is_negative else None
    return _above(of) if told is None else told


def _above(of: Sum) -> Sum:
    first = min(of, key=written)
    scale = abs(of[first]) if of[first].is_nonzero else Integer(1)
    return single(Atom("positive", (), (key((each, coefficient_of(value / scale)) for each, value in of.items()),)))


def _of_product(monomial: Monomial, coefficient: Expr) -> Sum | None:
    """Return when a product is above 0, by the signs of its factors; None where these are many."""
    above, below = (number(Integer(int(holds))) for holds in (coefficient.is_positive, coefficient.is_negative))
    signs = 0
    for factor, each in monomial:
        yes, no = _signs(factor, each)
        signs += bool(no)
        if signs > MOST_SIGNS:
            return None
        above, below = (
            added([multiplied(above, one), multiplied(below, other)]) for one, other in ((yes, no), (no, yes))
        )
    return above


def _signs(factor: Factor, power: Fraction) -> tuple[Sum, Sum]:
    """Return when a power of a factor is above 0, and when below."""
    traits = factor.traits if isinstance(factor, Atom) else ()
    if "positive" in traits or (isinstance(factor, Atom) and factor.head == "exp"):
        return number(Integer(1)), {}
    yes = single(factor) if "bits" in traits else _above({((factor, ONE),): Integer(1)})
    if "bits" in traits or is_nonnegative(factor) or power.denominator != 1:
        return yes, {}
    no = _above({((factor, ONE),): Integer(-1)})
    return (yes, no) if power % 2 else (added([yes, no]), {})
