"""How steep an elementwise function is: the supremum of `|f'|`, and the slope where the function has a given value.

Where the derivative, between two kinks, is a polynomial in one monotone function (`sigmoid`, `tanh`, `exp`, or `t`
itself) its supremum is exact, from the critical points of the polynomial. Elsewhere it is found numerically, to 30
digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import mpmath
import sympy
from sympy import Expr, Float, Integer, oo

from symprop.algebra.defined import DefinedFunction, T, plain
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.named_numbers import unnamed
from symprop.analysis.gaussian import DIGITS, Piece, numeric, pieces
from symprop.errors import FormulaError, shown


@dataclass(frozen=True)
class Supremum:
    """The least upper bound of `|phi'|` and a place where it is taken, or approached (`oo`, `-oo`)."""

    value: Expr
    place: Expr
    exact: bool = True


def slope_of(function: ElementwiseFunction) -> Expr:
    """Return the scalar derivative of an elementwise function of one variable, in `T`."""
    return sympy.diff(unnamed(function.body), T).replace(sympy.DiracDelta, lambda *_: Integer(0))


@lru_cache(maxsize=256)
def largest_slope(function: ElementwiseFunction) -> Supremum:
    """Return the supremum of the absolute value of the derivative.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> largest_slope(FUNCTIONS["sigmoid"])
    Supremum(value=1/4, place=0, exact=True)
    >>> largest_slope(FUNCTIONS["relu"]).value
    1

    Raises:
        FormulaError: the derivative is not bounded.
    """
    found = [_largest_on(piece) for piece in pieces(slope_of(function))]
    best = found[0]
    for candidate in found[1:]:
        if Float(candidate.value, DIGITS) > Float(best.value, DIGITS):
            best = candidate
    return best


@lru_cache(maxsize=256)
def slope_at_output(function: ElementwiseFunction, output: Expr) -> Expr:
    """Return the derivative where the function's own value is `output`.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> slope_at_output(FUNCTIONS["sigmoid"], sympy.Rational(9, 10))
    9/100

    Raises:
        FormulaError: no place, or more than one derivative, belongs to that value.
    """
    slopes: dict[Expr, None] = {}
    for piece in pieces(function.body):
        slope = sympy.diff(piece.body, T)
        kernel = _kernel(piece.body)
        if kernel is None:
            continue
        inner = sympy.Dummy("u", real=True)
        body, derivative = piece.body.xreplace({kernel: inner}), slope.xreplace({kernel: inner})
        if not body.is_polynomial(inner) or sympy.degree(body, inner) != 1 or derivative.has(T):
            continue
        value = sympy.solve(body - output, inner)[0]
        low, high = _range(kernel, piece)
        if low <= value <= high:
            slopes[sympy.expand(derivative.subs(inner, value))] = None
    if len(slopes) != 1:
        raise FormulaError(f"{shown(function.name)} has {len(slopes)} derivatives where its value is {output}")
    return next(iter(slopes))


def _kernel(body: Expr) -> Expr | None:
    """The one function of the variable that `body` is made of (`T` itself for a polynomial), else None."""
    found = sorted(
        (part for part in body.atoms(sympy.Function) if part.has(T) and part.args[0].is_polynomial(T)),
        key=sympy.default_sort_key,
    )
    if not found:
        return T if body.is_polynomial(T) else None
    rest = body.xreplace({found[0]: Integer(0)})
    return found[0] if len(found) == 1 and not rest.has(T) else None


def _range(kernel: Expr, piece: Piece) -> tuple[Expr, Expr]:
    """The values that a monotone kernel takes on a piece: its limits at the ends."""
    if kernel == T:
        return piece.low, piece.high
    written = type(kernel).definition(kernel.args[0]) if isinstance(kernel, DefinedFunction) else kernel
    ends = [
        sympy.limit(written, T, end) if end in (-oo, oo) else written.subs(T, end) for end in (piece.low, piece.high)
    ]
    ordered = sorted(
        ends, key=lambda end: Float(end) if end.is_finite else (Float("inf") if end == oo else Float("-inf"))
    )
    return ordered[0], ordered[1]


_MONOTONE = (sympy.exp, sympy.tanh, sympy.erf, sympy.atan, sympy.sinh, DefinedFunction)


def _largest_on(piece: Piece) -> Supremum:
    """The supremum of `|body|` on one piece: by its critical points where it is a polynomial in one monotone kernel."""
    body = piece.body
    if not body.has(T):
        return Supremum(sympy.Abs(body), _anywhere(piece))
    kernel = _kernel(body)
    if kernel is None or not (kernel == T or isinstance(kernel, _MONOTONE)):
        return _numerically(piece)
    inner = sympy.Dummy("u", real=True)
    polynomial = body.xreplace({kernel: inner})
    if not polynomial.is_polynomial(inner) or not all(
        c.is_Rational for c in sympy.Poly(polynomial, inner).all_coeffs()
    ):
        return _numerically(piece)
    low, high = _range(kernel, piece)
    best: Supremum | None = None
    critical = (
        sympy.Poly(sympy.diff(polynomial, inner), inner).real_roots() if sympy.degree(polynomial, inner) > 1 else []
    )
    for value in (*critical, low, high):
        if not (low <= value <= high):
            continue
        height = sympy.Abs(polynomial.subs(inner, value)) if value.is_finite else oo
        if height == oo:
            raise FormulaError(f"the derivative {shown(body)} is not bounded")
        if best is None or Float(height, DIGITS) > Float(best.value, DIGITS):
            best = Supremum(height, _place(kernel, value, piece))
    if best is None:
        return _numerically(piece)
    return best


def _anywhere(piece: Piece) -> Expr:
    """Some place on the piece, as plain as can be."""
    if piece.high == oo:
        return oo if piece.low != -oo else Integer(0)
    return -oo if piece.low == -oo else (piece.low + piece.high) / 2


def _place(kernel: Expr, value: Expr, piece: Piece) -> Expr:
    """Where on the piece the kernel has the value."""
    for end in (piece.low, piece.high):
        written = plain(kernel) if end in (-oo, oo) else kernel
        at_end = sympy.limit(written, T, end) if end in (-oo, oo) else plain(written).subs(T, end)
        if at_end == value:
            return end
    found = sympy.solve(plain(kernel) - value, T)
    return found[0]


def _numerically(piece: Piece, reach: int = 40) -> Supremum:
    """The supremum of `|body|` by a grid and golden section, 30 digits; a body that grows towards an end is refused."""
    body = plain(piece.body)
    with mpmath.workdps(2 * DIGITS + 10):
        low = mpmath.mpf(-reach) if piece.low == -oo else mpmath.mpf(str(sympy.N(piece.low, 2 * DIGITS)))
        high = mpmath.mpf(reach) if piece.high == oo else mpmath.mpf(str(sympy.N(piece.high, 2 * DIGITS)))
        grid = mpmath.linspace(low, high, 801)
        heights = [abs(numeric(body, point)) for point in grid]
        top = max(range(len(grid)), key=heights.__getitem__)
        if top in (0, len(grid) - 1):
            end, inner = (piece.low, 80) if top == 0 else (piece.high, -81)
            if end in (-oo, oo) and heights[top] - heights[inner] > mpmath.mpf(10) ** -DIGITS:
                raise FormulaError(f"the derivative {shown(piece.body)} is not bounded")
            return Supremum(Float(mpmath.nstr(heights[top], DIGITS), DIGITS), end, False)
        place = _golden(body, grid[top - 1], grid[top + 1])
        height = abs(numeric(body, place))
        place = mpmath.mpf(0) if abs(place) < mpmath.mpf(10) ** -(DIGITS - 1) else place
        # a maximum is flat: with 2 * DIGITS in work, its place is good to DIGITS
        return Supremum(
            Float(mpmath.nstr(height, DIGITS), DIGITS), Float(mpmath.nstr(place, DIGITS - 5), DIGITS - 5), False
        )


def _golden(body: Expr, low: mpmath.mpf, high: mpmath.mpf) -> mpmath.mpf:
    ratio = (mpmath.sqrt(5) - 1) / 2
    while high - low > mpmath.mpf(10) ** -DIGITS:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if abs(numeric(body, left)) < abs(numeric(body, right)):
            low = left
        else:
            high = right
    return (low + high) / 2
