"""Sizes that are not known yet: what is the same is bound together (Robinson, *A machine-oriented logic*, 1965).

A size is a number, a name that the formula gives (`n` of `eye(n)`), an unknown, or a sum or product of these.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import sympy
from sympy import Expr, Symbol, expand, prod

Shape = tuple[Expr, ...]


class Misfit(Exception):
    """Ranks or sizes that do not fit: this reading is none."""


class Unknown(Symbol):
    """A size that is to be found."""

    __slots__ = ()


class Sizes:
    """What is known of unknown sizes."""

    def __init__(self) -> None:
        self._numbers = count()
        self._bound: dict[Any, Expr] = {}
        self._later: list[tuple[Expr, Expr]] = []

    def fresh(self, rank: int) -> Shape:
        """Return a shape of sizes that are not known."""
        return tuple(Unknown(f"_{next(self._numbers):06d}", integer=True, positive=True) for _ in range(rank))

    def value(self, size: Expr) -> Expr:
        """Return a size with what is known of it."""
        while isinstance(size, Unknown) and size in self._bound:
            size = self._bound[size]
        while not (size.is_Symbol or size.is_Integer) and any(part in self._bound for part in size.free_symbols):
            size = expand(size.xreplace(self._bound))
        return size

    def same(self, left: Expr, right: Expr) -> None:
        """Let two sizes be the same.

        Raises:
            Misfit: they are not.
        """
        left, right = self.value(left), self.value(right)
        if left == right or self._is_bound(right, left) or self._is_bound(left, right):
            return
        if left.is_Mul and right.is_Mul:  # sizes are positive, so what both have is nothing
            top, bottom = sympy.fraction(sympy.cancel(left / right))
            if top != left:
                self.same(top, bottom)
                return
        pairs = _paired(left, right)
        if pairs is not None:
            for one, other in pairs:
                self.same(one, other)
            return
        difference = expand(left - right)
        unknown = [each for each in sorted(difference.free_symbols, key=str) if isinstance(each, Unknown)]
        for each in reversed(unknown):
            factor = difference.coeff(each)
            rest = _quotient(-(difference - factor * each), factor) or each
            if not rest.has(each) and self._is_bound(each, rest):
                return
        if difference != 0:
            if difference.is_number or not unknown:
                raise Misfit
            self._later.append((left, right))

    def settle(self) -> None:
        """Ask again what could not be told when it was asked.

        Raises:
            Misfit: it does not fit, or cannot be told.
        """
        later, self._later = self._later, []
        for left, right in later:
            self.same(left, right)
        if self._later:
            raise Misfit

    def _is_bound(self, unknown: Expr, size: Expr) -> bool:
        if not isinstance(unknown, Unknown) or unknown in size.free_symbols:
            return False
        if size.is_positive is False or size.is_integer is False:
            raise Misfit
        self._bound[unknown] = size
        return True


def _quotient(size: Expr, factor: Expr) -> Expr | None:
    """Return a size divided by a factor of it, such as `n` of `n * m` by `m`; None where it has none."""
    if factor in (1, -1):
        return expand(size / factor)
    rest = sympy.cancel(size / factor) if factor != 0 else None
    return rest if rest is not None and sympy.denom(rest) == 1 else None


def _paired(left: Expr, right: Expr) -> list[tuple[Expr, Expr]] | None:
    """Return the parts of two sums, products or equal powers one after the other; None where they are not alike."""
    if left.is_Pow and right.is_Pow and left.exp == right.exp:
        return [(left.base, right.base)]
    if type(left) is not type(right) or not (left.is_Add or left.is_Mul) or len(left.args) != len(right.args):
        return None
    pairs = list(zip(*(sorted(each.args, key=sympy.default_sort_key) for each in (left, right)), strict=True))
    symbols = all(part.is_Symbol for pair in pairs for part in pair)
    return pairs if symbols and all(any(isinstance(part, Unknown) for part in pair) for pair in pairs) else None


def count_of(shape: Shape) -> Expr:
    """Return how many elements an array has."""
    return prod(shape, start=sympy.Integer(1))
