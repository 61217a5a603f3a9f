"""Expectations under the standard normal distribution: exact where a closed form is known, else by quadrature.

A scalar body is cut at its kinks into pieces. A piece that is a sum of terms `t**k exp(c t**2 + a t)` is integrated by
completing the square and the recursion of the truncated normal moments; on the whole line also with powers of
`erf(t / sqrt(2))`, by parts (Owen, *A table of normal integrals*, 1980). No antiderivative is ever searched for, so
there is nothing that could hang. Any other body is integrated numerically with 40 digits, of which 30 are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import mpmath
import sympy
from sympy import Expr, Float, Integer, oo, pi, sqrt

from symprop.algebra.functions import DefinedFunction, T, plain
from symprop.errors import FormulaError, shown

DIGITS = 30
LARGEST_BODY = 400  # operations; a larger body goes to quadrature at once
HIGHEST_POWER = 24
REACH = 14  # beyond 14 standard deviations the density is below 1e-42


class _NotExact(Exception):
    """The body has no closed form among those known here."""


@dataclass(frozen=True)
class Piece:
    """The branch of a body between two kinks."""

    low: Expr
    high: Expr
    body: Expr


@dataclass(frozen=True)
class Mean:
    """An expectation: an exact value, or a number with 30 digits."""

    value: Expr
    exact: bool


def expectation(body: Expr) -> Mean:
    """Return `E[body(Z)]` for Z standard normal, `body` an expression in `T`.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> expectation(FUNCTIONS["relu"].body ** 2)
    Mean(value=1/2, exact=True)
    >>> expectation(FUNCTIONS["gelu"].body ** 2).value
    sqrt(3)/(6*pi) + 1/3

    Raises:
        FormulaError: the expectation is not finite.
    """
    try:
        return Mean(_exact(body), True)
    except _NotExact:
        return Mean(quadrature(body), False)


def kinks(body: Expr) -> tuple[Expr, ...]:
    """Return the places where a branch of `body` changes, in order.

    Raises:
        FormulaError: a condition is not a comparison that is linear in the variable.
    """
    places: dict[Expr, None] = {}
    for difference in _switches(body):
        if not difference.has(T):
            continue
        if not difference.is_polynomial(T) or sympy.degree(difference, T) != 1:
            raise FormulaError(
                f"the branches of {shown(body)} change where {shown(difference)} is 0, which is not linear"
            )
        slope, offset = sympy.Poly(difference, T).all_coeffs()
        places[sympy.cancel(-offset / slope)] = None
    return tuple(sorted(places, key=lambda place: Float(place)))


def _switches(body: Expr) -> list[Expr]:
    found: list[Expr] = []
    for part in sympy.preorder_traversal(body):
        if isinstance(part, sympy.core.relational.Relational):
            found.append(part.lhs - part.rhs)
        elif isinstance(part, (sympy.Abs, sympy.sign, sympy.Heaviside)):
            found.append(part.args[0])
        elif isinstance(part, (sympy.Max, sympy.Min)):
            found.extend(
                left - right for left in part.args for right in part.args if left.sort_key() < right.sort_key()
            )
    return found


def pieces(body: Expr) -> tuple[Piece, ...]:
    """Return the branches of `body` between its kinks, from left to right.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> [piece.body for piece in pieces(FUNCTIONS["leaky_relu"].body)]
    [t/100, t]
    """
    places = kinks(body)
    ends = (-oo, *places, oo)
    return tuple(Piece(low, high, _branch(body, _inside(low, high))) for low, high in itertools.pairwise(ends))


def _inside(low: Expr, high: Expr) -> Expr:
    if low == -oo:
        return high - 1 if high != oo else Integer(1)
    return low + 1 if high == oo else (low + high) / 2


def _branch(expression: Expr, place: Expr) -> Expr:
    """Return `expression` with every choice decided as it is at `place`."""
    if isinstance(expression, sympy.Piecewise):
        for value, condition in expression.args:
            if condition.subs(T, place) == sympy.true:
                return _branch(value, place)
        raise FormulaError(f"{shown(expression)} has no value at {place}")
    arguments = [_branch(argument, place) for argument in expression.args]
    if isinstance(expression, (sympy.Abs, sympy.sign, sympy.Heaviside)):
        inner = arguments[0]
        positive = Float(inner.subs(T, place)) > 0
        if isinstance(expression, sympy.Abs):
            return inner if positive else -inner
        return Integer(1) if positive else Integer(-1 if isinstance(expression, sympy.sign) else 0)
    if isinstance(expression, (sympy.Max, sympy.Min)):
        chosen = sorted(arguments, key=lambda argument: Float(argument.subs(T, place)))
        return chosen[-1] if isinstance(expression, sympy.Max) else chosen[0]
    return expression.func(*arguments) if arguments else expression


def _exact(body: Expr) -> Expr:
    if sympy.count_ops(body) > LARGEST_BODY or any(
        abs(power.exp) > HIGHEST_POWER for power in body.atoms(sympy.Pow) if power.exp.is_Integer
    ):
        raise _NotExact
    if body.has(DefinedFunction):
        raise _NotExact
    return sympy.expand(sympy.Add(*(_of_piece(piece) for piece in pieces(body))))


def _of_piece(piece: Piece) -> Expr:
    cumulative = sympy.Dummy("Phi")
    body = piece.body.subs(sympy.erf(T / sqrt(2)), 2 * cumulative - 1)
    terms = sympy.Add.make_args(sympy.expand(body, power_exp=False))
    total = Integer(0)
    for term in terms:
        coefficient, power, exponent, order = _term(term, cumulative)
        quadratic, linear, constant = (exponent.coeff(T, degree) for degree in (2, 1, 0))
        if sympy.expand(exponent - quadratic * T**2 - linear * T - constant) != 0:
            raise _NotExact
        if order:
            if piece.low != -oo or piece.high != oo or linear != 0 or not (-2 * quadratic).is_nonnegative:
                raise _NotExact
            q = -2 * quadratic  # exp(-q t**2 / 2) = (2 pi)**(q/2) * density**q
            value = (2 * pi) ** (q / 2) * _with_cumulative(power, order, q) * sympy.exp(constant)
        else:
            value = _gaussian(power, quadratic, linear, constant, piece.low, piece.high)
        total += coefficient * value
    return total


def _term(term: Expr, cumulative: sympy.Dummy) -> tuple[Expr, int, Expr, int]:
    """Split a term into its coefficient, the power of t, the exponent of e, and the power of the normal cdf."""
    coefficient, power, exponent, order = Integer(1), 0, Integer(0), 0
    for factor in sympy.Mul.make_args(term):
        base, index = factor.as_base_exp() if not isinstance(factor, sympy.exp) else (factor, Integer(1))
        if isinstance(base, sympy.exp):
            exponent += base.args[0] * index
        elif base == sympy.E:
            exponent += index
        elif base == T and index.is_Integer and index >= 0:
            power += int(index)
        elif base == cumulative and index.is_Integer and index >= 0:
            order += int(index)
        elif not factor.has(T, cumulative):
            coefficient *= factor
        else:
            raise _NotExact
    return coefficient, power, sympy.expand(exponent), order


def _gaussian(power: int, quadratic: Expr, linear: Expr, constant: Expr, low: Expr, high: Expr) -> Expr:
    """`E[Z**power exp(quadratic Z**2 + linear Z + constant); low < Z < high]`, by completing the square."""
    precision = 1 - 2 * quadratic
    if precision.is_positive is not True:
        raise _NotExact
    variance = 1 / precision
    spread, mean = sqrt(variance), linear * variance
    weight = spread * sympy.exp(constant + linear**2 * variance / 2)
    ends = [end if end in (-oo, oo) else (end - mean) / spread for end in (low, high)]
    moments = _truncated(power, ends[0], ends[1])
    return weight * sympy.Add(
        *(sympy.binomial(power, k) * mean ** (power - k) * spread**k * moments[k] for k in range(power + 1))
    )


def _truncated(power: int, low: Expr, high: Expr) -> list[Expr]:
    """The moments `E[U**k; low < U < high]` for k up to `power`, U standard normal."""

    def edge(end: Expr, k: int) -> Expr:
        return Integer(0) if end in (-oo, oo) else end**k * sympy.exp(-(end**2) / 2) / sqrt(2 * pi)

    def cumulative(end: Expr) -> Expr:
        return {-oo: Integer(0), oo: Integer(1)}.get(end, (1 + sympy.erf(end / sqrt(2))) / 2)

    moments = [cumulative(high) - cumulative(low)]
    for k in range(1, power + 1):
        before = (k - 1) * moments[k - 2] if k > 1 else Integer(0)
        moments.append(before + edge(low, k - 1) - edge(high, k - 1))
    return moments


def _with_cumulative(power: int, order: int, q: Expr) -> Expr:
    """The integral of `t**power cdf(t)**order density(t)**(q + 1)` on the line, by parts (`density' = -t density`)."""
    if power:
        first = (power - 1) * _with_cumulative(power - 2, order, q) if power > 1 else Integer(0)
        second = order * _with_cumulative(power - 1, order - 1, q + 1) if order else Integer(0)
        return (first + second) / (q + 1)
    mass = (2 * pi) ** (-q / 2) / sqrt(q + 1)
    if q == 0:
        return Integer(1) / (order + 1)  # the cdf of Z is uniform
    if order <= 1:
        return mass / 2**order
    if order == 2:
        return mass * (sympy.Rational(1, 4) + sympy.asin(1 / (q + 2)) / (2 * pi))  # Sheppard's orthant probability
    raise _NotExact


_NUMERIC: dict[type, Callable[..., mpmath.mpf]] = {
    sympy.exp: mpmath.exp,
    sympy.log: mpmath.log,
    sympy.sin: mpmath.sin,
    sympy.cos: mpmath.cos,
    sympy.tan: mpmath.tan,
    sympy.asin: mpmath.asin,
    sympy.acos: mpmath.acos,
    sympy.atan: mpmath.atan,
    sympy.sinh: mpmath.sinh,
    sympy.cosh: mpmath.cosh,
    sympy.tanh: mpmath.tanh,
    sympy.erf: mpmath.erf,
    sympy.Add: lambda *terms: mpmath.fsum(terms),
    sympy.Mul: lambda *factors: mpmath.fprod(factors),
    sympy.Pow: lambda base, exponent: base**exponent,
}


def numeric(expression: Expr, value: mpmath.mpf) -> mpmath.mpf:
    """Return a branch-free body at a number, in mpmath's working precision."""
    if expression == T:
        return value
    if not expression.args:
        if expression.is_number:
            return _constant(expression, mpmath.mp.prec)
        raise FormulaError(f"{shown(expression)} is not a number")
    rule = _NUMERIC.get(type(expression))
    if rule is None:
        raise FormulaError(f"no numerical meaning for {shown(expression)}")
    return rule(*(numeric(argument, value) for argument in expression.args))


@lru_cache(maxsize=256)
def _constant(number: Expr, precision: int) -> mpmath.mpf:
    return mpmath.mpmathify(sympy.N(number, int(precision * 0.31) + 5))


def quadrature(body: Expr) -> Expr:
    """Return `E[body(Z)]` by Gauss-Legendre quadrature between the kinks, as a number with 30 digits."""
    with mpmath.workdps(DIGITS + 15):
        total = mpmath.mpf(0)
        for piece in pieces(plain(body)):
            low, high = (max(min(float(end), REACH), -REACH) for end in (piece.low, piece.high))
            if low < high:
                total += _integral(piece, low, high)
        return Float(mpmath.nstr(total, DIGITS + 5), DIGITS)


def _integral(piece: Piece, low: float, high: float) -> mpmath.mpf:
    def weighted(t: mpmath.mpf) -> mpmath.mpf:
        return numeric(piece.body, t) * mpmath.npdf(t)

    ends = [
        _constant(end, mpmath.mp.prec) if abs(edge) < REACH else mpmath.mpf(edge)
        for end, edge in ((piece.low, low), (piece.high, high))
    ]
    marks = [mpmath.mpf(mark) for mark in (-6, -3, -1, 0, 1, 3, 6) if ends[0] < mark < ends[1]]
    try:
        if any(abs(weighted(end)) > mpmath.mpf("1e-30") for end in ends if abs(end) == REACH):
            raise FormulaError(f"the expectation of {shown(piece.body)} under the normal distribution is not finite")
        value, error = mpmath.quad(
            weighted, [ends[0], *marks, ends[1]], method="gauss-legendre", error=True, maxdegree=9
        )
    except (ZeroDivisionError, ValueError) as failure:
        raise FormulaError(f"{shown(piece.body)} has no finite value between {low:g} and {high:g}") from failure
    if not (mpmath.isfinite(value) and mpmath.im(value) == 0 and error < mpmath.mpf(10) ** -(DIGITS + 2)):
        raise FormulaError(f"the expectation of {shown(piece.body)} could not be found to {DIGITS} digits")
    return mpmath.re(value)


__all__ = ["DIGITS", "Mean", "Piece", "expectation", "kinks", "numeric", "pieces", "quadrature"]
