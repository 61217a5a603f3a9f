"""Scalar functions with a name and a definition in plain SymPy (`sigmoid`, `softplus`), and forms that cannot overflow.

Their derivatives are found from the definition and written again in the function itself by solving for the exponential
(`sigmoid' = sigmoid * (1 - sigmoid)`), so that formulas stay finite where the definition would overflow.
"""

from __future__ import annotations

import sympy
from sympy import Basic, Expr

T = sympy.Symbol("t", real=True)
T2 = sympy.Symbol("t2", real=True)
"""The arguments of scalar bodies."""


class DefinedFunction(sympy.Function):
    """Abstract base of scalar functions that have a name of their own and a definition in plain SymPy."""

    nargs = 1

    @classmethod
    def definition(cls, argument: Expr) -> Expr:
        """Return the function of `argument` in plain SymPy."""
        raise NotImplementedError

    def fdiff(self, argindex: int = 1) -> Expr:
        return _own_derivative(type(self)).subs(T, self.args[0])


class sigmoid(DefinedFunction):
    """The logistic function `1 / (1 + exp(-t))`."""

    @classmethod
    def definition(cls, argument: Expr) -> Expr:
        return 1 / (1 + sympy.exp(-argument))


class softplus(DefinedFunction):
    """`log(1 + exp(t))`."""

    @classmethod
    def definition(cls, argument: Expr) -> Expr:
        return sympy.log(1 + sympy.exp(argument))


_OWN_DERIVATIVES: dict[str, Expr] = {}


def _own_derivative(function: type[DefinedFunction]) -> Expr:
    """The derivative in `T`, found from the definition once and written in defined functions where that is exact."""
    if function.__name__ not in _OWN_DERIVATIVES:
        _OWN_DERIVATIVES[function.__name__] = stable(sympy.diff(function.definition(T), T))
    return _OWN_DERIVATIVES[function.__name__]


def stable(body: Expr) -> Expr:
    """Return `body` with what overflows in exponentials written in functions that do not, where that is exact.

    With `s = sigmoid(c t)`, `exp(c t) = s / (1 - s)`. A rational function that becomes a polynomial in `s` is bounded,
    and so finite for every `t`, which the form in exponentials is not. `IDENTITIES` are the others.

    >>> stable(sympy.exp(T) / (1 + sympy.exp(T)))
    sigmoid(t)
    >>> stable(T / (1 + sympy.exp(-T)))
    t*sigmoid(t)
    >>> stable((sympy.exp(T) - sympy.exp(-T)) / (sympy.exp(T) + sympy.exp(-T)))
    2*sigmoid(2*t) - 1
    >>> stable(sympy.exp(T) / (2 + sympy.exp(T)))
    sigmoid(t - log(2))
    >>> stable(sympy.log(1 + sympy.exp(-T))), stable(sympy.log(1 - sigmoid(T)))
    (softplus(-t), -softplus(t))
    >>> stable(sympy.sinh(T) / sympy.cosh(T))
    tanh(t)
    """
    if not body.has(sympy.exp, sympy.log, sympy.cosh):
        return body
    body = body.replace(lambda part: _identity(part) is not None, _identity)
    for fraction in sorted(_fractions_with_exp(body), key=sympy.default_sort_key):
        polynomial = _in_sigmoid(fraction)
        if polynomial is not None:
            body = body.xreplace({fraction: polynomial})
    return body


def _log_of_sum(part: Basic) -> Expr | None:
    """log(c + d exp(x)) = log(c) + softplus(x + log(d / c)), for numbers c and d above 0."""
    if not isinstance(part, sympy.log) or not isinstance(part.args[0], sympy.Add) or len(part.args[0].args) != 2:
        return None
    c, rest = part.args[0].as_coeff_Add()
    d, exponential = rest.as_coeff_Mul()
    if not (c.is_positive and d.is_positive and isinstance(exponential, sympy.exp)):
        return None
    return sympy.log(c) + softplus(exponential.args[0] + sympy.log(d / c))


def _log_of_sigmoid(part: Basic) -> Expr | None:
    """log(sigmoid(x)) = -softplus(-x), and log(1 - sigmoid(x)) = -softplus(x)."""
    if not isinstance(part, sympy.log):
        return None
    inside, opposite = part.args[0], 1 - part.args[0]
    if isinstance(inside, sigmoid):
        return -softplus(-inside.args[0])
    return -softplus(opposite.args[0]) if isinstance(opposite, sigmoid) else None


def _quotient_of_hyperbolics(part: Basic) -> Expr | None:
    """sinh(x) / cosh(x) = tanh(x), within a product."""
    powers = part.as_powers_dict() if isinstance(part, sympy.Mul) else {}
    for base in sorted(powers, key=sympy.default_sort_key):
        if isinstance(base, sympy.sinh):
            times = sympy.Min(powers[base], -powers.get(sympy.cosh(*base.args), 0))
            if times.is_Integer and times > 0:
                return part * (sympy.cosh(*base.args) / base * sympy.tanh(*base.args)) ** times
    return None


IDENTITIES = (_log_of_sum, _log_of_sigmoid, _quotient_of_hyperbolics)
"""Each returns what a part is, in functions that do not overflow, or None."""


def _identity(part: Basic) -> Expr | None:
    return next(filter(None, (identity(part) for identity in IDENTITIES)), None)


def _fractions_with_exp(body: Expr) -> list[Expr]:
    """The largest sub-expressions that are products with a power of a sum of exponentials below the line."""
    found: list[Expr] = []
    stack: list[Basic] = [body]
    while stack:
        part = stack.pop()
        below = (
            [factor for factor in sympy.Mul.make_args(part) if _has_exp_below(factor)] if isinstance(part, Expr) else []
        )
        if below:
            found.append(part)
        else:
            stack.extend(part.args)
    return found


def _has_exp_below(factor: Basic) -> bool:
    return (
        isinstance(factor, sympy.Pow)
        and bool(factor.exp.is_negative)
        and factor.base.is_Add
        and factor.base.has(sympy.exp)
    )


def _in_sigmoid(fraction: Expr) -> Expr | None:
    """Return `fraction` as a polynomial in one sigmoid, or None where it is none."""
    exponents = sorted({exponential.args[0] for exponential in fraction.atoms(sympy.exp)}, key=sympy.default_sort_key)
    rates = [sympy.expand(exponent).as_coeff_Mul() for exponent in exponents]
    arguments = {rate[1] for rate in rates}
    if len(arguments) != 1 or not all(rate[0].is_Rational for rate in rates):
        return None
    unit = sympy.gcd_list([rate[0] for rate in rates])
    if (unit * rates[0][1]).could_extract_minus_sign():
        unit = -unit
    argument = unit * rates[0][1]
    s, e = sympy.Dummy("s", positive=True), sympy.Dummy("e", positive=True)
    rational = fraction.xreplace({sympy.exp(x): e ** (c / unit) for x, (c, _) in zip(exponents, rates, strict=True)})
    above, below = (sympy.Poly(part, e) for part in sympy.fraction(sympy.cancel(sympy.together(rational))))
    common = sympy.gcd_list([power for part in (above, below) for (power,) in part.monoms()])
    if common > 1:  # a function of exp(2 t) alone: tanh written in exponentials is 2 sigmoid(2 t) - 1
        argument = common * argument
    rational = sympy.cancel(above.as_expr() / below.as_expr()).subs(e, e ** (1 / common)) if common > 1 else rational
    ratio = _ratio_below(rational, e)  # below the line stand powers of c + d e: there e = (c / d) s / (1 - s)
    inside = sympy.factor(sympy.cancel(sympy.together(rational.subs(e, ratio * s / (1 - s)))))
    argument -= sympy.log(ratio)
    return inside.subs(s, sigmoid(argument)) if sympy.denom(inside).has(s) is False else None


def _ratio_below(rational: Expr, e: sympy.Symbol) -> Expr:
    """Return `c / d` where a power of `c + d e`, both numbers above 0, stands below the line; else 1."""
    for factor, _ in sympy.factor_list(sympy.denom(sympy.together(rational)), e)[1]:
        if sympy.degree(factor, e) == 1:
            d, c = sympy.Poly(factor, e).all_coeffs()
            if (c / d).is_positive:
                ratio: Expr = c / d
                return ratio
    return sympy.Integer(1)


def plain(body: Expr) -> Expr:
    """Return `body` with every `DefinedFunction` replaced by its definition."""
    return body.replace(
        lambda part: isinstance(part, DefinedFunction), lambda part: type(part).definition(plain(part.args[0]))
    )
