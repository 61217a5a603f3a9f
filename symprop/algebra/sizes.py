"""Whole numbers where a formula needs one: sizes, axes, places in an array, counts. `whole` judges all of them.

A symbol of a size is a positive integer. An expression is whole where that follows from its symbols: `2*n/2` is `n`,
and `n/2` is refused. Whether `n - 3` is positive is a condition on `n`; it may stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, Tuple

from symprop.errors import FormulaError, LimitError, shown

LARGEST_SIZE = 10**9


def as_expression(value: object) -> Expr:
    """Return a number, a size or an expression in sizes as SymPy has it; text is refused, because it could hold code.

    >>> as_expression(2) / 3
    2/3

    Raises:
        FormulaError: anything else, such as text or a truth value.
    """
    if isinstance(value, Expr):
        return value
    try:
        expression = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        expression = None
    if not isinstance(expression, Expr):
        raise FormulaError(f"expected a number or an expression in sizes, not {shown(value)}")
    return expression


def size_text(value: Basic) -> str:
    """Return a size or an index as SymPy prints it; its printer, which takes long to set up, is not asked for numbers.

    >>> size_text(Integer(3)), size_text(sympy.Symbol("n") + 1)
    ('3', 'n + 1')
    """
    if isinstance(value, sympy.Symbol):
        return str(value.name)
    return str(value.p) if isinstance(value, Integer) else str(value)


def is_size(value: object) -> bool:
    """Whether a number or a symbol is seen at once to be a positive integer; longer expressions are left to `whole`."""
    if isinstance(value, Integer):
        return bool(value.p > 0)
    return isinstance(value, sympy.Symbol) and bool(value.is_integer and value.is_positive)


def whole(value: object, what: str, positive: bool = False) -> Expr:
    """Return a whole number, or an expression in sizes that is one; `what` says whose it is in an error.

    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> whole(2 * n / 2, "a size", positive=True), whole(-1, "an axis"), whole(n * (n + 1) / 2, "a size")
    (n, -1, n*(n + 1)/2)
    >>> whole(n / 2, "a size", positive=True)
    Traceback (most recent call last):
    symprop.errors.FormulaError: a size is a positive integer, or an expression in sizes that is one, not n/2

    Raises:
        FormulaError: a fraction, a decimal number, what may be a fraction, or below 1 where it is `positive`.
    """
    if isinstance(value, Integer) and (value.p > 0 or not positive):
        return value
    expression = value if isinstance(value, Expr) else as_expression(value)
    if (
        not (expression.is_integer or _takes_whole_values(expression))
        or isinstance(expression, sympy.Float)
        or (positive and expression.is_positive is False)
    ):
        kind = "a positive integer" if positive else "an integer"
        raise FormulaError(f"{what} is {kind}, or an expression in sizes that is one, not {value}")
    return expression


MOST_RESIDUES = 64


def _takes_whole_values(expression: Expr) -> bool:
    """Whether a polynomial in sizes is a whole number for all of them, as `n*(n + 1)/2` is.

    With a common denominator q it is one where its numerator is 0 modulo q for every remainder of the sizes by q.
    """
    symbols = sorted(expression.free_symbols, key=str)
    numerator, denominator = sympy.fraction(sympy.together(expression))
    if not symbols or not denominator.is_Integer or not all(symbol.is_integer for symbol in symbols):
        return False
    if denominator ** len(symbols) > MOST_RESIDUES or not numerator.is_polynomial(*symbols):
        return False
    numerator = sympy.Poly(numerator, *symbols)
    whole_numbers = all(number.is_Integer for number in numerator.coeffs())
    remainders = product(range(int(denominator)), repeat=len(symbols))
    return whole_numbers and all(numerator(*each) % denominator == 0 for each in remainders)


def size_of(value: Any, what: str = "a size") -> Expr:
    """Return `value` if it can be the length of an axis that a user asks for.

    Raises:
        FormulaError: not a positive integer.
        LimitError: larger than 10**9.
    """
    size = whole(value, what, positive=True)
    if size.is_number and size > LARGEST_SIZE:
        raise LimitError(f"{what} of {size}; at most {LARGEST_SIZE:,} is allowed")
    return size


def axis_of(value: object, rank: int) -> int:
    """Return the position of an axis in an array of `rank` axes; one below 0 counts from the end.

    >>> axis_of(-1, 3)
    2

    Raises:
        FormulaError: not a whole number, or there is no such axis.
    """
    axis = whole(value, "an axis")
    if not (axis.is_Integer and -rank <= axis < rank):
        raise FormulaError(f"axis {axis} does not exist in an array of rank {rank}")
    return int(axis) % rank


def axes_of(axes: Any, rank: int) -> Tuple:
    """Return `axes` (None for all, one or several, maybe negative) as positions in order of size.

    Raises:
        FormulaError: there is no such axis, or one is given twice.
    """
    if axes is None:
        return Tuple(*range(rank))
    places = sorted(axis_of(axis, rank) for axis in several(axes))
    twice = next((axis for axis, following in pairwise(places) if axis == following), None)
    if twice is not None:
        raise FormulaError(f"axis {twice} is given twice")
    return Tuple(*places)


def ordered_axes(axes: Any, rank: int) -> Tuple:
    """Return one axis or several as positions, in the order in which they are given.

    Raises:
        FormulaError: there is no such axis, or one is given twice.
    """
    places = [axis_of(axis, rank) for axis in several(axes)]
    if len(set(places)) < len(places):
        raise FormulaError(f"axes {', '.join(map(str, places))} are not different axes of an array of rank {rank}")
    return Tuple(*places)


def several(value: Any) -> tuple[Any, ...]:
    """Return one value or several as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list, range, Tuple)) else (value,)


def integers(axes: Basic) -> tuple[int, ...]:
    """Return one axis or several, as a node keeps them, as integers."""
    return tuple(map(int, several(axes)))


def expressions(values: Iterable[object]) -> Tuple:
    """Return numbers and expressions in sizes as a node keeps them."""
    return Tuple(*map(as_expression, values), sympify=False)
