"""Powers and functions of sums of products: what they have in common is taken out, and sums become products.

Exponentials of sums are products of exponentials, logarithms of products sums. What a logarithm stands for here is that
of the size of its argument, and the root of a square is a size too.
"""

from __future__ import annotations

from fractions import Fraction

import sympy
from sympy import Expr, Integer, Rational

from symprop.formulas.compare.sums.monomials import (
    Atom,
    Bound,
    Factor,
    Monomial,
    key,
    ordered,
    written,
)
from symprop.formulas.compare.sums.products import (
    ONE,
    Sum,
    added,
    coefficient_of,
    multiplied,
    number,
    product,
    scaled,
    single,
)

MOST_EXPANDED = 4
"""Up to which power a sum is multiplied out."""


def power(of: Sum, exponent: Fraction) -> Sum:
    """Return a power of a sum: written out, or of a sum without common factors."""
    if exponent == 0:
        return number(Integer(1))
    if not of:
        return {} if exponent > 0 else number(sympy.zoo)
    if exponent.denominator == 1 and 0 < exponent <= MOST_EXPANDED:
        return of if exponent == 1 else multiplied(power(of, exponent - 1), of)
    whole = exponent.denominator == 1
    coefficient, common, rest = without_common(of, whole)
    outside = number(coefficient ** Rational(exponent.numerator, exponent.denominator))
    for factor, each in common:
        if whole or is_nonnegative(factor):
            outside = multiplied(outside, single(factor, each * exponent))
        else:  # an even power, whose root is that of a square
            outside = multiplied(outside, single(_base({((factor, Fraction(2)),): Integer(1)}), each * exponent / 2))
    return outside if rest == {(): 1} else multiplied(outside, single(_base(rest), exponent))


def _base(of: Sum) -> Atom:
    return Atom("base", (), (key(of.items()),))


def without_common(of: Sum, signed: bool) -> tuple[Expr, Monomial, Sum]:
    """Return a number, a product and a sum whose product is `of`, the sum without common factors.

    Where it is to have a root (`signed` is false), the number is above 0, and the factors are at least 0 or even
    powers.
    """
    first = min(of, key=written)
    coefficient = of[first] if of[first].is_nonzero else Integer(1)  # n - 1 is zero for a size of 1
    if not signed and not coefficient.is_positive:
        coefficient = -coefficient if coefficient.is_negative else Integer(1)
    common = {
        factor: min((dict(monomial).get(factor, Fraction(0)) for monomial in of), default=Fraction(0))
        for monomial in of
        for factor, _ in monomial
    }
    taken = ordered(
        (factor, each)
        for factor, each in common.items()
        if each and (signed or is_nonnegative(factor) or (each.denominator == 1 and each % 2 == 0))
    )
    inverse = [(factor, -each) for factor, each in taken]
    rest = {ordered([*monomial, *inverse]): coefficient_of(each / coefficient) for monomial, each in of.items()}
    return coefficient, taken, rest


def is_nonnegative(factor: Factor) -> bool:
    """Whether a factor is at least 0 wherever it has a value."""
    if isinstance(factor, Bound):
        return _is_nonnegative_product(factor.factors)
    if factor.head == "base":
        return all(map(_is_nonnegative_term, factor.inside[0]))
    return factor.head in ("exp", "positive") or factor.head.startswith("delta") or "nonnegative" in factor.traits


def _is_nonnegative_product(monomial: Monomial) -> bool:
    return all(is_nonnegative(each) or (power.denominator == 1 and power % 2 == 0) for each, power in monomial)


def exponential(of: Sum) -> Sum:
    """Return `exp` of a sum: a product of powers of exponentials of its terms."""
    total: Sum = number(Integer(1))
    factors: list[tuple[Factor, Fraction]] = []
    for monomial, coefficient in of.items():
        if not monomial:
            total = scaled(sympy.exp(coefficient), total)
            continue
        share, rest = coefficient.as_coeff_Mul()
        if not share.is_Rational:
            share, rest = Integer(1), coefficient
        exponent, logged = Fraction(int(share.p), int(share.q)), _logged(monomial)
        if rest == 1 and logged is not None:
            inside = logged if all(map(_is_nonnegative_term, logged.items())) else power(logged, Fraction(2))
            total = multiplied(total, power(inside, exponent if inside is logged else exponent / 2))
        else:
            factors.append((Atom("exp", (), (((monomial, rest),),)), exponent))
    return multiplied(total, product(factors))


def _logged(monomial: Monomial) -> Sum | None:
    """What a product is the logarithm of."""
    factor, each = monomial[0]
    is_log = len(monomial) == 1 and each == 1 and isinstance(factor, Atom) and factor.head == "log"
    return dict(factor.inside[0]) if is_log and isinstance(factor, Atom) else None


def _is_nonnegative_term(term: tuple[Monomial, Expr]) -> bool:
    return bool(term[1].is_nonnegative) and _is_nonnegative_product(term[0])


def logarithm(of: Sum) -> Sum:
    """Return `log` of the size of a sum: `log(a * b) = log(a) + log(b)` wherever the left side has a value."""
    if not of:
        return number(sympy.zoo)
    coefficient, common, rest = without_common(of, True)
    found = [number(sympy.log(sympy.Abs(coefficient)) if coefficient.is_real else sympy.log(coefficient))]
    for factor, each in common:
        exact = Rational(each.numerator, each.denominator)
        if isinstance(factor, Atom) and factor.head == "exp":
            found.append(scaled(exact, dict(factor.inside[0])))
        elif isinstance(factor, Atom) and factor.head == "base":
            found.append(scaled(exact, logarithm(dict(factor.inside[0]))))
        else:
            found.append(scaled(exact, _log({((factor, ONE),): Integer(1)})))
    if rest != {(): 1}:
        found.append(_log(rest))
    return added(found)


def _log(of: Sum) -> Sum:
    return single(Atom("log", (), (key(of.items()),)))


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
    first = min(of, key=written)
    size = abs(of[first]) if of[first].is_nonzero else Integer(1)
    return single(Atom("positive", (), (key((each, coefficient_of(value / size)) for each, value in of.items()),)))


def sizes_as_choices(of: Sum) -> Sum:
    """Write the sizes of products by what is above 0: `|u| = u (2 [u > 0] - 1)`."""
    found: list[Sum] = []
    for monomial, coefficient in of.items():
        term = number(coefficient)
        for factor, each in monomial:
            root = dict(factor.inside[0]) if isinstance(factor, Atom) and factor.head == "base" else {}
            squares = len(root) == 1 and all(power % 2 == 0 for key in root for _, power in key)
            if squares and each == Fraction(1, 2):
                whole = {
                    tuple((inner, power / 2) for inner, power in key): sympy.sqrt(value) for key, value in root.items()
                }
                twice = added([scaled(Integer(2), indicator(whole)), number(Integer(-1))])
                term = multiplied(term, multiplied(whole, twice))
            else:
                term = multiplied(term, single(factor, each))
        found.append(term)
    return added(found)
