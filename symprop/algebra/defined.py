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
    """Return `body` with rational functions of `exp(c t)` written as polynomials in `sigmoid(c t)` where that is exact.

    With `s = sigmoid(c t)`, `exp(c t) = s / (1 - s)`. A rational function that becomes a polynomial in `s` is bounded,
    and so finite for every `t`, which the form in exponentials is not. Likewise `log(1 + exp(c t))` is `softplus(c t)`.

    >>> stable(sympy.exp(T) / (1 + sympy.exp(T)))
    sigmoid(t)
    >>> stable(T / (1 + sympy.exp(-T)))
    t*sigmoid(t)
    >>> stable((sympy.exp(T) - sympy.exp(-T)) / (sympy.exp(T) + sympy.exp(-T)))
    2*sigmoid(2*t) - 1
    >>> stable(sympy.log(1 + sympy.exp(-T)))
    softplus(-t)
    """
    if not body.has(sympy.exp):
        return body
    body = body.replace(_is_log_one_plus_exp, lambda log: softplus(_exponent_of(log.args[0] - 1)))
    for fraction in sorted(_fractions_with_exp(body), key=sympy.default_sort_key):
        polynomial = _in_sigmoid(fraction)
        if polynomial is not None:
            body = body.xreplace({fraction: polynomial})
    return body


def _exponent_of(expression: Expr) -> Expr:
    """Return `e` where `expression` is `exp(e)`."""
    return sympy.log(expression).expand(force=True) if not isinstance(expression, sympy.exp) else expression.args[0]


def _is_log_one_plus_exp(expression: Basic) -> bool:
    return isinstance(expression, sympy.log) and isinstance(expression.args[0] - 1, sympy.exp)


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
    inside = sympy.factor(sympy.cancel(sympy.together(rational.subs(e, s / (1 - s)))))
    return inside.subs(s, sigmoid(argument)) if sympy.denom(inside).has(s) is False else None


def plain(body: Expr) -> Expr:
    """Return `body` with every `DefinedFunction` replaced by its definition."""
    return body.replace(
        lambda part: isinstance(part, DefinedFunction), lambda part: type(part).definition(plain(part.args[0]))
    )
