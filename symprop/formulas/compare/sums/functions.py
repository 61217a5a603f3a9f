"""Powers and functions of sums of products: what they have in common is taken out, and sums become products.

Exponentials of sums are products of exponentials, logarithms of products sums. What a logarithm stands for here is that
of the size of its argument, and the root of a square is a size too.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import sympy
from sympy import Expr, Integer, Rational

from symprop.formulas.compare.sums.choices import MOST_SIGNS, sign
from symprop.formulas.compare.sums.common import is_nonnegative, is_nonnegative_term, without_common
from symprop.formulas.compare.sums.monomials import (
    Atom,
    Factor,
    Monomial,
    key,
    ordered,
)
from symprop.formulas.compare.sums.products import (
    ONE,
    Sum,
    added,
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
    told = _by_signs(of, lambda each: power(each, exponent), exponent > 0)
    if told is not None:
        return told
    whole = exponent.denominator == 1
    coefficient, common, rest = without_common(of, whole)
    outside = number(coefficient ** Rational(exponent.numerator, exponent.denominator))
    for factor, each in common:
        if whole or is_nonnegative(factor):
            outside = multiplied(outside, single(factor, each * exponent))
        elif (each * exponent).denominator == 1:  # an even power, whose root is a size
            raised = single(factor, each * exponent)
            odd = each * exponent % 2 == 1
            outside = multiplied(outside, multiplied(raised, sign(single(factor))) if odd else raised)
        else:
            outside = multiplied(outside, single(_base({((factor, Fraction(2)),): Integer(1)}), each * exponent / 2))
    return outside if rest == {(): 1} else multiplied(outside, single(_base(rest), exponent))


def _by_signs(of: Sum, make: Callable[[Sum], Sum], has_zero: bool) -> Sum | None:
    """Return a function of a sum by the values of a factor that has two; None where there is no such factor.

    Where the function has no value at 0 (`has_zero` is false), no sum may become 0.

    `2 f(e) = (1 + e) f(1) + (1 - e) f(-1)` where e is 1 or -1, and `f(b) = b f(1) + (1 - b) f(0)` where b is 1 or 0.
    """
    factors = (each for monomial in of for each, above in monomial if above == 1)
    found = list(dict.fromkeys(each for each in factors if isinstance(each, Atom) and _values(each)))
    if not found or len(found) > MOST_SIGNS:
        return None
    chosen = found[0]
    high, low = _values(chosen)
    shares = []
    for value, other in ((high, low), (low, high)):
        put = added(
            {ordered((each, above) for each, above in monomial if each != chosen): coefficient * value}
            if (chosen, ONE) in monomial
            else {monomial: coefficient}
            for monomial, coefficient in of.items()
        )
        if not put and not has_zero:
            return None
        share = added([number(Rational(other, other - value)), scaled(Rational(1, value - other), single(chosen))])
        shares.append(multiplied(share, make(put)))
    return added(shares)


def _values(factor: Atom) -> tuple[int, ...]:
    """The two values of a factor that has no others."""
    if "signs" in factor.traits:
        return (1, -1)
    return (1, 0) if "bits" in factor.traits or factor.head == "positive" else ()


def _base(of: Sum) -> Atom:
    return Atom("base", (), (key(of.items()),))


def exponential(of: Sum) -> Sum:
    """Return `exp` of a sum: a product of powers of exponentials of its terms."""
    told = _by_signs(of, exponential, True)
    if told is not None:
        return told
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
            inside = logged if all(map(is_nonnegative_term, logged.items())) else power(logged, Fraction(2))
            total = multiplied(total, power(inside, exponent if inside is logged else exponent / 2))
        else:
            factors.append((Atom("exp", (), (((monomial, rest),),)), exponent))
    return multiplied(total, product(factors))


def _logged(monomial: Monomial) -> Sum | None:
    """What a product is the logarithm of."""
    factor, each = monomial[0]
    is_log = len(monomial) == 1 and each == 1 and isinstance(factor, Atom) and factor.head == "log"
    return dict(factor.inside[0]) if is_log and isinstance(factor, Atom) else None


def logarithm(of: Sum) -> Sum:
    """Return `log` of the size of a sum: `log(a * b) = log(a) + log(b)` wherever the left side has a value."""
    if not of:
        return number(sympy.zoo)
    told = _by_signs(of, logarithm, False)
    if told is not None:
        return told
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
    constant = _size_of_signs(rest)
    if constant is not None:
        found.append(number(sympy.log(constant)))
    elif rest != {(): 1}:
        found.append(_log(rest))
    return added(found)


def _size_of_signs(of: Sum) -> Expr | None:
    """Return the size of a multiple of a sign, `2 [u > 0] - 1`, which has no value but this where it is not 0."""
    constant = of.get((), Integer(0))
    choices = [each for monomial in of for each in monomial if isinstance(each[0], Atom) and each[0].head == "positive"]
    alone = len(of) == 2 and len(choices) == 1 and sum(map(len, of)) == 1
    is_sign = alone and constant.is_Rational and of[(choices[0],)] == -2 * constant
    return abs(constant) if is_sign else None


def _log(of: Sum) -> Sum:
    return single(Atom("log", (), (key(of.items()),)))
