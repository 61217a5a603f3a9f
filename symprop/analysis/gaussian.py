"""Expectations under the standard normal distribution: exact where a closed form is known, else by quadrature.

A scalar body is cut at its kinks into pieces. A piece that is a sum of terms `t**k exp(c t**2 + a t)` is integrated by
completing the square and the recursion of the truncated normal moments; on the whole line also with powers of
`erf(t / sqrt(2))`, by parts (Owen, *A table of normal integrals*, 1980). No antiderivative is ever searched for, so
there is nothing that could hang. Any other body is integrated numerically with 40 digits, of which 30 are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import mpmath
import sympy
from sympy import Expr, Float, Integer, oo, pi, sqrt
from sympy.core.relational import Relational

from symprop.algebra.defined import DefinedFunction, T, plain
from symprop.algebra.named_numbers import unnamed
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
    body = unnamed(body)
    try:
        return Mean(_exact(body), True)
    except _NotExact:
        return Mean(quadrature(body), False)


def pieces(body: Expr) -> tuple[Piece, ...]:
    """Return the branches of `body` between its kinks, from left to right.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> [piece.body for piece in pieces(FUNCTIONS["leaky_relu"].body)]
    [t/100, t]

    Raises:
        FormulaError: a branch is chosen by something that is not linear in the variable.
    """
    return tuple(_split(unnamed(body), -oo, oo))


def _split(body: Expr, low: Expr, high: Expr) -> Iterator[Piece]:
    """Decide the choices whose places are known, between each two of those places, and go on with those inside."""
    choices = [part for part in sympy.preorder_traversal(body) if isinstance(part, _CHOICES)]
    if not choices:
        yield Piece(low, high, body)
        return
    decided = [choice for choice in choices if all(map(_is_linear, _switches(choice)))]
    if not decided:
        switch = next(difference for difference in _switches(choices[-1]) if not _is_linear(difference))
        raise FormulaError(f"{shown(body)} changes its branch where {shown(switch)} is 0, which is not linear")
    places = {_root(difference) for choice in decided for difference in _switches(choice) if difference.has(T)}
    inside = sorted((place for place in places if _below(low, place) and _below(place, high)), key=_height)
    for left, right in itertools.pairwise((low, *inside, high)):
        sample = _between(left, right)
        branches = {choice: _branch(choice, sample) for choice in decided}
        yield from _split(body.xreplace(branches), left, right)


_CHOICES = (sympy.Piecewise, sympy.Abs, sympy.sign, sympy.Heaviside, sympy.Max, sympy.Min)


def _switches(choice: Expr) -> list[Expr]:
    """The expressions whose signs decide."""
    if isinstance(choice, sympy.Piecewise):
        relations = [relation for _, condition in choice.args for relation in condition.atoms(Relational)]
        return [relation.lhs - relation.rhs for relation in relations]
    if isinstance(choice, (sympy.Max, sympy.Min)):
        return [left - right for left, right in itertools.combinations(choice.args, 2)]
    return [choice.args[0]]


def _is_linear(difference: Expr) -> bool:
    return not difference.has(T) or (difference.is_polynomial(T) and sympy.degree(difference, T) == 1)


def _root(difference: Expr) -> Expr:
    slope, offset = sympy.Poly(difference, T).all_coeffs()
    return sympy.cancel(-offset / slope)


def _height(place: Expr) -> Float:
    return Float(place, DIGITS)


def _below(left: Expr, right: Expr) -> bool:
    return left == -oo or right == oo or bool(_height(left) < _height(right))


def _between(low: Expr, high: Expr) -> Expr:
    if low == -oo:
        return high - 1 if high != oo else Integer(1)
    return low + 1 if high == oo else (low + high) / 2


def _branch(choice: Expr, place: Expr) -> Expr:
    """Return what the choice is at `place`."""
    if isinstance(choice, sympy.Piecewise):
        for value, condition in choice.args:
            if condition.subs(T, place) == sympy.true:
                return value
        raise FormulaError(f"{shown(choice)} has no value at {place}")
    if isinstance(choice, (sympy.Max, sympy.Min)):
        ordered = sorted(choice.args, key=lambda argument: _height(argument.subs(T, place)))
        return ordered[-1] if isinstance(choice, sympy.Max) else ordered[0]
    positive = _height(choice.args[0].subs(T, place)) > 0
    if isinstance(choice, sympy.Abs):
        return choice.args[0] if positive else -choice.args[0]
    return Integer(1) if positive else Integer(-1 if isinstance(choice, sympy.sign) else 0)


def _exact(body: Expr) -> Expr:
    highest = max((abs(power.exp) for power in body.atoms(sympy.Pow) if power.exp.is_Integer), default=0)
    if sympy.count_ops(body) > LARGEST_BODY or highest > HIGHEST_POWER or body.has(DefinedFunction):
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
    marks = [mpmath.mpf(mark) for mark in range(1 - REACH, REACH) if ends[0] < mark < ends[1]]
    try:
        if any(abs(weighted(end)) > mpmath.mpf("1e-30") for end in ends if abs(end) == REACH):
            raise FormulaError(f"the expectation of {shown(piece.body)} under the normal distribution is not finite")
        value, error = mpmath.quad(
            weighted, [ends[0], *marks, ends[1]], method="gauss-legendre", error=True, maxdegree=7
        )
    except (ZeroDivisionError, ValueError) as failure:
        raise FormulaError(f"{shown(piece.body)} has no finite value between {low:g} and {high:g}") from failure
    if not (mpmath.isfinite(value) and mpmath.im(value) == 0 and error < mpmath.mpf(10) ** -(DIGITS + 2)):
        raise FormulaError(f"the expectation of {shown(piece.body)} could not be found to {DIGITS} digits")
    return mpmath.re(value)
