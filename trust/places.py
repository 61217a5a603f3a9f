"""Places along axes: affine expressions in indices, and what is known of them for every size."""

from __future__ import annotations

import itertools
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol

RANGE: dict[Symbol, Expr] = {}
"""The size of each index, which runs from 0 to before that."""
LEAST: dict[str, int] = {}
"""The least that a size can be, where that is more than 1."""
_fresh = itertools.count()


def index(size: Any, name: str = "") -> Symbol:
    """Return an index that runs over a size; a new one where it has no name."""
    size = sympy.sympify(size)
    made = Symbol(f"{name or f'k{next(_fresh)}'}|{size}", integer=True, nonnegative=True)
    RANGE[made] = size
    return made


def not_below_zero(expression: Expr) -> bool:
    """Whether an expression in indices is 0 or more, for every size and wherever the indices are."""
    least = sympy.expand(expression)
    for each in sorted(least.free_symbols & RANGE.keys(), key=str):
        slope = sympy.diff(least, each)
        if slope.free_symbols & RANGE.keys():
            return False
        if _sure(slope):
            least = least.subs(each, 0)
        elif _sure(-slope):
            least = least.subs(each, RANGE[each] - 1)
        else:
            return False
    return _sure(least)


def _sure(of_sizes: Expr) -> bool:
    """Whether a polynomial in sizes is 0 or more: with its least value taken off each size no coefficient is below."""
    moved = {s: s + LEAST.get(s.name, 1) for s in of_sizes.free_symbols}
    terms = sympy.Add.make_args(sympy.expand(of_sizes.xreplace(moved)))
    return all(term.as_coeff_Mul()[0].is_nonnegative and term.is_polynomial() for term in terms)


def divided(place: Expr, size: Expr) -> tuple[Expr, Expr] | None:
    """Return `place // size` and `place % size` where these are known for every size, as digits of a number are."""
    quotient, rest = Integer(0), Integer(0)
    for term in sympy.Add.make_args(sympy.expand(place)):
        share = sympy.cancel(term / size)
        if sympy.denom(share) == 1:
            quotient += share
        else:
            rest += term
    return (quotient, rest) if not_below_zero(rest) and not_below_zero(size - 1 - rest) else None


def parts_of(difference: Expr) -> list[Expr] | None:
    """Return two expressions that are both 0 where `difference` is: digits of numbers that are equal are equal."""
    for size in {RANGE[each] for each in difference.free_symbols & RANGE.keys()}:
        terms = sympy.Add.make_args(difference)
        high = sympy.Add(*(sympy.cancel(term / size) for term in terms if sympy.denom(sympy.cancel(term / size)) == 1))
        low = sympy.expand(difference - high * size)
        apart_ = high != 0 and low != 0 and size != 1
        if apart_ and not_below_zero(size - 1 - low) and not_below_zero(size - 1 + low):
            return [high, low]
    return None
