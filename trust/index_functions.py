"""Functions of sums and their derivatives, in the algebra of elements: powers, `exp`, `log`, choices.

A product that is common to all terms stands in front of a power or a logarithm, an exponential is a product of those of
its terms, and what is chosen by a bracket is worked out for both of its values. Where two sides have sums below the
line, `same` multiplies by these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Expr, Integer

from trust.index_algebra import BUILT, LARGEST_POWER, apart, multiplied, number, over, single, sums_to_1, term
from trust.index_terms import BRACKETS, ONE, Factor, Sums, added, free, key, scaled, text

Function = Callable[[Sums], Sums]
POSITIVE: set[str] = set()
"""The heads of what a proof supposes to be above 0."""


def is_positive(of: Sums, trait: str = "positive") -> bool:
    """Whether a sum is above 0, or at least 0, since all of its terms are."""
    return bool(of) and all(
        by.is_positive and all(_positive(f) or trait in f.traits for f, _ in factors) for (_, factors), by in of.items()
    )


def _positive(factor: Factor) -> bool:
    inner = factor.head == "base" and is_positive(dict(factor.inside[0]))
    return factor.head == "exp" or "positive" in factor.traits or inner or factor.head in POSITIVE


def in_cases(of: Sums, function: Function) -> Sums:
    """Return a function of a sum, for both values of each bracket that stands in it."""
    one_hot = _chosen(of)
    if one_hot is not None:
        (k, *others), factor, rest = one_hot
        return over([k], multiplied(single(factor), in_cases(over(others, rest), function)))
    for bound, factors in of:
        for factor, _ in factors:
            if factor.head in BRACKETS and free(factor).isdisjoint(bound):
                yes = added(*(term(b, [p for p in fs if p[0] != factor], by) for (b, fs), by in of.items()))
                no = {t: by for t, by in of.items() if all(f != factor for f, _ in t[1])}
                holds, one, other = single(factor), in_cases(yes, function), in_cases(no, function)
                return added(multiplied(holds, one), other, scaled(-1, multiplied(holds, other)))
    return function(of)


def _chosen(of: Sums) -> Any:
    """Return the index, the unit vector and the rest of `sum_k e[k] x[k]`, which is one of the x."""
    if len(of) != 1:
        return None
    ((found, count),) = of.items()
    bound, factors, by = apart(found, count)
    for factor, exponent in factors:
        for axis, place in enumerate(factor.places):
            if place in bound and {"bits", sums_to_1(axis, place)} <= {*factor.traits} and exponent == 1:
                rest = [pair for pair in factors if pair[0] != factor]
                return [place, *(b for b in bound if b != place)], factor, term((), rest, by)
    return None


def _common(of: Sums, wanted: Callable[[Factor], bool]) -> tuple[Expr, list[tuple[Factor, Expr]], Sums]:
    """Return a number and factors that all terms have, and what is left: their product is the sum."""
    powers: dict[Factor, list[Expr]] = {}
    for bound, factors in of:
        for factor, power in factors:
            if wanted(factor) and power.is_Rational and free(factor).isdisjoint(bound):
                powers.setdefault(factor, []).append(power)
    least = {f: min(found if len(found) == len(of) else [*found, Integer(0)]) for f, found in powers.items()}
    outside = [(f, power) for f, power in least.items() if power != 0]
    first = min(of.items(), key=text)[1]
    count = first if first.is_positive else -first if first.is_negative else Integer(1)
    back = [(f, -power) for f, power in outside]
    return count, outside, added(*(term(b, [*fs, *back], by / count) for (b, fs), by in of.items()))


def power(of: Sums, exponent: Any) -> Sums:
    """Return a sum to a power that is a number or a size."""
    exponent = sympy.sympify(exponent)
    if exponent.is_Integer and 0 <= exponent <= LARGEST_POWER:
        return multiplied(*[of] * int(exponent))
    return in_cases(of, lambda one: _power(one, exponent))


def _power(of: Sums, exponent: Expr) -> Sums:
    if not of:
        return single(Factor("power of zero", (exponent,)))
    whole = exponent.is_integer
    count, outside, rest = _common(of, lambda f: f.head not in BRACKETS and (whole or _positive(f)))
    if whole and (first := min(rest.items(), key=text)[1]).is_negative:
        count, rest = -count, scaled(-1, rest)
        del first
    front = term((), [(f, p * exponent) for f, p in outside], count**exponent)
    if rest == ONE:
        return front
    return multiplied(front, term((), ((Factor("base", (), (key(rest),)), exponent),), 1))


def exponential(of: Sums) -> Sums:
    """Return `exp` of a sum: the product of those of its terms."""
    return in_cases(of, _exponential)


def _exponential(of: Sums) -> Sums:
    parts = []
    for (bound, factors), by in of.items():
        if not bound and len(factors) == 1 and factors[0][0].head == "log" and factors[0][1] == 1:
            parts.append(power(dict(factors[0][0].inside[0]), by))
        else:
            inside = key({(bound, factors): Integer(1)})
            parts.append(term((), ((Factor("exp", (), (inside,)), by),), 1))
    return multiplied(*parts)


def logarithm(of: Sums) -> Sums:
    """Return `log` of a sum: a sum of those of its positive factors."""
    return in_cases(of, _logarithm)


def _logarithm(of: Sums) -> Sums:
    if not of:
        return single(Factor("log of zero"))
    count, outside, rest = _common(of, _positive)
    if rest == ONE and not outside:
        return number(sympy.log(count))
    parts = [number(sympy.log(count))]
    for factor, exponent in outside:
        inner = dict(factor.inside[0]) if factor.head == "exp" else single(Factor("log", (), (key(single(factor)),)))
        parts.append(scaled(exponent, inner))
    if rest != ONE:
        parts.append(single(Factor("log", (), (key(rest),))))
    return added(*parts)


def above_zero(of: Sums) -> Sums:
    """Return 1 where a sum is above 0, else 0."""
    return in_cases(of, lambda one: _bracket("positive", one))


def is_zero(of: Sums) -> Sums:
    """Return 1 where a sum is 0, else 0."""
    return in_cases(of, lambda one: _bracket("zero", one))


def _bracket(head: str, of: Sums) -> Sums:
    if not of:
        return ONE if head == "zero" else {}
    opposite = scaled(-1, of)
    if is_positive(of):
        return ONE if head == "positive" else {}
    if is_positive(opposite) or (head == "positive" and is_positive(opposite, "nonnegative")):
        return {}
    _, _, rest = _common(of, _positive)
    if head == "zero":
        rest = min(rest, scaled(-1, rest), key=lambda each: text(key(each)))
    return single(Factor(head, (), (key(rest),)))


def choice(holds: Sums, yes: Sums, no: Sums) -> Sums:
    """Return one sum where a bracket is 1, another where it is 0."""
    return added(multiplied(holds, yes), no, scaled(-1, multiplied(holds, no)))


def compared(relation: str, left: Sums, right: Sums) -> Sums:
    """Return 1 where two sums compare so, else 0."""
    more = added(left, scaled(-1, right))
    less = scaled(-1, more)
    turned = {"<": (">", less), "<=": (">=", less), "!=": ("==", more)}
    if relation == ">":
        return above_zero(more)
    if relation == "==":
        return is_zero(more)
    if relation in ("<",):
        return compared(*turned[relation], {})
    opposite = above_zero(less) if relation == ">=" else above_zero(more) if relation == "<=" else is_zero(more)
    return added(ONE, scaled(-1, opposite))


def scalar(of: Any, given: dict[Any, Sums]) -> Sums:
    """Return a scalar expression of SymPy with sums in the place of its symbols."""
    if of in given:
        return given[of]
    if of.is_number:
        return number(of)
    if isinstance(of, sympy.Piecewise):
        (value, condition), *others = of.args
        rest = scalar(sympy.Piecewise(*others), given) if len(others) and condition != True else {}  # noqa: E712
        return choice(_condition(condition, given), scalar(value, given), rest)
    if isinstance(of, (sympy.tanh, sympy.sinh, sympy.cosh)):
        return scalar(of.rewrite(sympy.exp), given)
    if isinstance(of, sympy.Abs):
        inner = scalar(of.args[0], given)
        return multiplied(inner, _sign(inner))
    if isinstance(of, (sympy.Max, sympy.Min)):
        return _largest([scalar(each, given) for each in of.args], isinstance(of, sympy.Max))
    parts = [scalar(each, given) for each in of.args]
    match of:
        case sympy.Add():
            return added(*parts)
        case sympy.Mul():
            return multiplied(*parts)
        case sympy.exp():
            return exponential(parts[0])
        case sympy.log():
            return logarithm(parts[0])
        case sympy.sign():
            return _sign(parts[0])
        case sympy.Pow() if of.exp.is_number:
            return power(parts[0], of.exp)
        case sympy.Pow():
            return exponential(multiplied(parts[1], logarithm(parts[0])))
    return single(Factor(f"function {of.func.__name__}", (), tuple(map(key, parts))))


def _condition(of: Any, given: dict[Any, Sums]) -> Sums:
    if of == sympy.true:
        return ONE
    if isinstance(of, sympy.And):
        return multiplied(*(_condition(each, given) for each in of.args))
    return compared(of.rel_op, scalar(of.lhs, given), scalar(of.rhs, given))


def _sign(of: Sums) -> Sums:
    return added(above_zero(of), scaled(-1, above_zero(scaled(-1, of))))


def _largest(parts: list[Sums], largest: bool) -> Sums:
    first, *rest = parts
    for each in rest:
        first = choice(above_zero(scaled(1 if largest else -1, added(first, scaled(-1, each)))), first, each)
    return first


BUILT |= {
    "base": lambda inside, exponent: power(inside[0], exponent),
    "exp": lambda inside, exponent: exponential(scaled(exponent, inside[0])),
    "log": lambda inside, exponent: power(logarithm(inside[0]), exponent),
    "positive": lambda inside, _: above_zero(inside[0]),
    "zero": lambda inside, _: is_zero(inside[0]),
}
