"""Sums of products of elements: their arithmetic, which brings equal ones to one form.

Products are multiplied out; exponentials of sums are products of exponentials; sums below the line are divided out as
polynomials are, by their leading product (`e / (1 + e) = 1 - 1 / (1 + e)`). Each step keeps the value wherever the
formula has one; so two formulas with one form are equal wherever both have a value. What a logarithm stands for here is
that of the size of its argument, and the root of a square is a size too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy
from sympy import Expr, Integer, Rational

from symprop.errors import LimitError
from symprop.formulas.compare.monomials import (
    Atom,
    Bound,
    Factor,
    Key,
    Monomial,
    Place,
    Powers,
    bound,
    indices_of,
    key,
    ordered,
    renamed,
    written,
)

MOST_TERMS, MOST_EXPANDED, MOST_STEPS = 600, 4, 20_000
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
    return {monomial: tidied for monomial, number in total.items() if (tidied := _coefficient(number)) != 0}


@lru_cache(maxsize=10_000)
def _coefficient(value: Expr) -> Expr:
    return value if value.is_Rational else sympy.cancel(sympy.expand_log(value, force=True))


def scaled(factor: Expr, of: Sum) -> Sum:
    return {monomial: number for monomial, each in of.items() if (number := _coefficient(factor * each)) != 0}


def multiplied(left: Sum, right: Sum) -> Sum:
    """Return the product of two sums, multiplied out."""
    return added(
        scaled(one * other, product([*first, *second]))
        for first, one in left.items()
        for second, other in right.items()
    )


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
    if ("bits" in atom.traits or atom.head == "positive") and power > 1:
        return product([*rest, (atom, ONE)])
    if "signs" in atom.traits and power.denominator == 1 and power not in (0, 1):
        return product([*rest, (atom, Fraction(power.numerator % 2))])
    if atom.head == "positive" and power > 0:
        against = Atom("positive", (), (negated(atom.inside[0]),))
        return {} if powers.get(against, 0) > 0 else None
    if atom.head == "sin" and power >= 2 and power.denominator == 1:  # sin^2 = 1 - cos^2
        less, cosine = [*rest, (atom, power - 2)], Atom("cos", (), atom.inside)
        return added([product(less), scaled(Integer(-1), product([*less, (cosine, Fraction(2))]))])
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


# ---------------------------------------------------------------- powers and functions


def negated(of: Key) -> Key:
    return key((monomial, -number) for monomial, number in of)


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
    rest = {ordered([*monomial, *inverse]): _coefficient(each / coefficient) for monomial, each in of.items()}
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
    return single(Atom("positive", (), (key((each, _coefficient(value / size)) for each, value in of.items()),)))


def function(name: str, of: Sum) -> Sum:
    """Return any other function of a sum; `sin(-t) = -sin(t)`."""
    sign = name in SIGNED and bool(of) and of[min(of, key=written)].could_extract_minus_sign()
    atom = Atom(name, (), (key((scaled(Integer(-1), of) if sign else of).items()),))
    return scaled(Integer(SIGNED[name] if sign else 1), single(atom))


SIGNED = {"sin": -1, "cos": 1, "erf": -1, "atan": -1, "asin": -1}
"""What functions are of the opposite: the opposite, or the same."""


# ---------------------------------------------------------------- sums over an index


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


def summed(of: Sum, index: str, size: Expr, fresh: Iterator[str]) -> Sum:
    """Return the sum over an index, which runs from 0 to `size - 1`."""
    return added(scaled(number, _summed(monomial, index, size, fresh)) for monomial, number in of.items())


def _summed(monomial: Monomial, index: str, size: Expr, fresh: Iterator[str]) -> Sum:
    inside = [(factor, each) for factor, each in monomial if index in indices_of(factor)]
    outside = [(factor, each) for factor, each in monomial if index not in indices_of(factor)]
    if not inside:
        return scaled(size, product(outside))
    told = _told(inside, index, size)
    if told is not None:
        return multiplied(product(outside), told)
    sizes, factors = [(index, size)], []
    for factor, each in inside:
        if not isinstance(factor, Bound) or each.denominator != 1 or each < 0:
            factors.append((factor, each))
            continue
        for _ in range(int(each)):
            names = {old: next(fresh) for old, _ in factor.sizes}
            sizes += [(names[old], length) for old, length in factor.sizes]
            change = {old: Place(new) for old, new in names.items()}
            factors += [(renamed(inner, change), power) for inner, power in factor.factors]
    return product([*outside, (bound(sizes, factors), ONE)])


def _told(inside: list[tuple[Factor, Fraction]], index: str, size: Expr) -> Sum | None:
    """Return what a sum over an index is by what is known of its factors; None where nothing is."""
    atoms = [factor for factor, each in inside if isinstance(factor, Atom) and each == 1]
    if len(inside) == 1 and atoms:
        (atom,) = atoms
        if atom.head == f"delta {size}" and any(place == Place(index) for place in atom.places):
            return number(Integer(1))
        axes = [axis for axis, place in enumerate(atom.places) if place == Place(index)]
        if len(axes) == 1 and f"sums to 1 {axes[0]} {size}" in atom.traits and _once(atom, index):
            return number(Integer(1))
    if len(inside) == 2 and len(atoms) == 2:
        return _orthonormal(atoms[0], atoms[1], index, size)
    if len(inside) == 1 and isinstance(inside[0][0], Atom) and inside[0][1] == 2:
        return _orthonormal(inside[0][0], inside[0][0], index, size)
    return None


def _once(atom: Atom, index: str) -> bool:
    return sum(place.along == index for place in atom.places) == 1


def _orthonormal(left: Atom, right: Atom, index: str, size: Expr) -> Sum | None:
    """`sum_k Q[k, i] Q[k, j] = delta(i, j)`, and `sum_k inv(A)[i, k] A[k, j] = delta(i, j)`."""
    if not (len(left.places) == len(right.places) == 2 and _once(left, index) and _once(right, index)):
        return None
    at = [each.places.index(Place(index)) if Place(index) in each.places else -1 for each in (left, right)]
    if -1 in at:
        return None
    others = (left.places[1 - at[0]], right.places[1 - at[1]])
    if left.head == right.head and "orthogonal" in left.traits and at[0] == at[1]:
        return single(Atom(f"delta {size}", tuple(sorted(others, key=written)), (), ("symmetric",)))
    for inverse, matrix, (one, two) in ((left, right, at), (right, left, at[::-1])):
        if inverse.head == "Inverse" and len(inverse.inside) == 1 and len(inverse.inside[0]) == 1:
            (inner, coefficient) = inverse.inside[0][0]
            plain = inner[0][0] if len(inner) == 1 and inner[0][1] == 1 and coefficient == 1 else None
            is_it = isinstance(plain, Atom) and plain.head == matrix.head and not matrix.inside
            turned = isinstance(plain, Atom) and [place.along for place in plain.places] == ["a1", "a0"]
            met = "symmetric" in matrix.traits or (one == two if turned else one != two)
            if is_it and met:
                return single(Atom(f"delta {size}", tuple(sorted(others, key=written)), (), ("symmetric",)))
    return None
