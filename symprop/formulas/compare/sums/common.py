"""What the products of a sum have in common, and what is known of signs."""

from __future__ import annotations

from fractions import Fraction

from sympy import Expr, Integer

from symprop.formulas.compare.sums.monomials import Bound, Factor, Monomial, ordered, written
from symprop.formulas.compare.sums.products import Sum, coefficient_of


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
        return _nonnegative_product(factor.factors)
    if factor.head == "base":
        return all(map(is_nonnegative_term, factor.inside[0]))
    return factor.head in ("exp", "positive") or factor.head.startswith("delta") or "nonnegative" in factor.traits


def _nonnegative_product(monomial: Monomial) -> bool:
    return all(is_nonnegative(each) or (power.denominator == 1 and power % 2 == 0) for each, power in monomial)


def is_nonnegative_term(term: tuple[Monomial, Expr]) -> bool:
    return bool(term[1].is_nonnegative) and _nonnegative_product(term[0])
