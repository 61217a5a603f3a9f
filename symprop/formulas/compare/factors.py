"""Constant factors between two formulas: a number times powers of sizes, recognised from values at several sizes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra.nodes import Node
from symprop.formulas.compare.cases import DIGITS, LIMIT, Case, close
from symprop.verify.arithmetic import Array

LARGEST_DENOMINATOR = 10_000
EXPONENTS = (Integer(-1), Integer(1), Integer(-2), Integer(2), Rational(-1, 2), Rational(1, 2))
MOST_SIZES = 4


def constant_factor(first: Node, second: Node, among: Sequence[Case]) -> Expr | None:
    """Return `c` with `first = c * second` at every case, in numbers and sizes; None where there is none.

    A number that is no simple fraction, nor the root of one, comes with 15 digits.
    """
    ratios: list[tuple[Case, Any]] = []
    for case in among:
        ratio = _ratio(case.value(first), case.value(second))
        if ratio is None:
            return None
        if ratio != "any":
            ratios.append((case, ratio))
    if not ratios:
        return None
    with mpmath.workdps(DIGITS):
        sizes = ratios[0][0].sizes
        bases = (*sizes, *(size - 1 for size in sizes))
        worth = [{base: mpmath.mpf(int(base.subs(case.sizes))) for base in bases} for case, _ in ratios]
        for powers in _products(bases):
            if any(values[base] == 0 for values in worth for base, _ in powers):
                continue
            numbers = (ratio / _product(powers, values) for (_, ratio), values in zip(ratios, worth, strict=True))
            number = next(numbers)
            if all(_near(other, number) for other in numbers):
                found = _simple(number)
                if found == 1 and not powers:
                    return None  # a factor of 1 + 1e-60 is none that anyone meant
                if found is not None:
                    return found * sympy.prod(base**power for base, power in powers)
                if not powers and abs(number - 1) > mpmath.mpf("1e-6"):
                    return sympy.Float(str(mpmath.nstr(number, 15)))
    return None


Powers = tuple[tuple[Expr, Expr], ...]
"""Factors, each a base and its exponent."""


def _products(bases: tuple[Expr, ...]) -> Iterator[Powers]:
    """Yield products of powers of sizes, and of sizes less one, the simplest first."""
    yield ()
    yield from (((base, power),) for power in EXPONENTS for base in bases)
    few = bases[: 2 * MOST_SIZES]
    for powers in itertools.product(EXPONENTS, repeat=2):
        yield from (tuple(zip(pair, powers, strict=True)) for pair in itertools.combinations(few, 2))
    for powers in itertools.product(EXPONENTS[:2], repeat=3):
        yield from (tuple(zip(triple, powers, strict=True)) for triple in itertools.combinations(few, 3))


def _product(powers: Powers, values: dict[Expr, Any]) -> Any:
    return mpmath.fprod(mpmath.power(values[base], mpmath.mpf(power.p) / power.q) for base, power in powers)


def _ratio(first: Array | None, second: Array | None) -> Any:
    """Return the one number that all elements of `first` are multiples by; "any" where both are zero, None for none."""
    if first is None or second is None or first.shape != second.shape:
        return None
    with mpmath.workdps(DIGITS):
        largest = max(zip(map(abs, second.ravel()), range(second.size), strict=True), default=(mpmath.mpf(0), 0))
        if largest[0] == 0:
            return "any" if all(entry == 0 for entry in first.ravel()) else None
        ratio = first.ravel()[largest[1]] / second.ravel()[largest[1]]
        return ratio if ratio != 0 and close(first, np.asarray(second * ratio, dtype=object)) else None


def _near(left: Any, right: Any) -> bool:
    return bool(abs(left - right) <= mpmath.mpf(LIMIT) * max(abs(left), abs(right)))


def _simple(number: Any) -> Expr | None:
    """Return a number as a fraction of small integers, or the square root of one."""
    whole = fraction(number)
    if whole is not None:
        return whole
    squared = fraction(number * number)
    return None if squared is None else (sympy.sqrt(squared) if number > 0 else -sympy.sqrt(squared))


def fraction(number: Any) -> Expr | None:
    """Return the first convergent of the continued fraction that is equal in 50 digits, if its denominator is small."""
    above, below, before_above, before_below = 1, 0, 0, 1
    value = abs(number)
    for _ in range(40):
        whole = int(mpmath.floor(value))
        above, before_above = whole * above + before_above, above
        below, before_below = whole * below + before_below, below
        if below > LARGEST_DENOMINATOR:
            return None
        if _near(mpmath.mpf(above) / below, abs(number)):
            return Rational(above if number > 0 else -above, below)
        if value == whole:
            return None
        value = 1 / (value - whole)
    return None
