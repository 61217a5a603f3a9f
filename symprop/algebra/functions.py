"""Elementwise functions: a scalar body in SymPy is all that a function needs; SymPy differentiates it.

`FUNCTIONS` lists the functions that NumPy notation knows. A user's own function is one more `ElementwiseFunction`;
nothing else in symprop knows functions by name but the printers.

`sigmoid`, `softplus` and their like are SymPy functions with a *definition* in plain SymPy. Their derivatives are
found from the definition and written again in the function itself by solving for the exponential (`sigmoid' =
sigmoid * (1 - sigmoid)`), so that formulas stay finite where the definition would overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Basic, Expr, Rational, Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, as_expression, as_node
from symprop.errors import FormulaError, shown

T = sympy.Symbol("t", real=True)
T2 = sympy.Symbol("t2", real=True)


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


class ElementwiseFunction(Basic):
    """A named scalar function of one or two arguments with its body, applied elementwise by a `Map` node."""

    def __new__(cls, name: Any, parameters: Any, body: Any) -> ElementwiseFunction:
        label = name if isinstance(name, Str) else Str(name)
        return Basic.__new__(cls, label, Tuple(*parameters), body)

    @property
    def name(self) -> str:
        return self.args[0].name

    @property
    def parameters(self) -> tuple[sympy.Symbol, ...]:
        return tuple(self.args[1].args)

    @property
    def body(self) -> Expr:
        """The function of its parameters, in SymPy functions and `DefinedFunction`s."""
        return self.args[2]

    @property
    def definition(self) -> Expr:
        """The body in plain SymPy, every `DefinedFunction` written out."""
        return plain(self.body)

    @property
    def is_primitive(self) -> bool:
        """Whether the body is one SymPy function of the bare parameters, so that only a printer can say more."""
        return (
            isinstance(self.body, sympy.Function) and self.body.args == self.parameters and not self.body.is_Piecewise
        )

    def of(self, *arguments: Expr) -> Expr:
        """Return the body at scalar arguments."""
        return self.body.subs(dict(zip(self.parameters, arguments, strict=True)), simultaneous=True)

    def __call__(self, *operands: Any) -> Node:
        """Apply the function to arrays."""
        if len(operands) != len(self.parameters):
            raise FormulaError(f"{self.name} takes {len(self.parameters)} argument(s), not {len(operands)}")
        return n.Map(self, *map(as_node, operands))


def plain(body: Expr) -> Expr:
    """Return `body` with every `DefinedFunction` replaced by its definition."""
    return body.replace(
        lambda part: isinstance(part, DefinedFunction), lambda part: type(part).definition(plain(part.args[0]))
    )


def _one(name: str, body: Callable[[Expr], Expr]) -> ElementwiseFunction:
    return ElementwiseFunction(name, (T,), body(T))


def leaky_relu(slope: Any = Rational(1, 100)) -> ElementwiseFunction:
    """`t` where positive, else `slope * t`; the derivative at 0 is `slope`."""
    return _one("leaky_relu", lambda t: sympy.Piecewise((t, t > 0), (exact(slope) * t, True)))


def elu(alpha: Any = 1) -> ElementwiseFunction:
    """`t` where positive, else `alpha * (exp(t) - 1)` (Clevert et al., 2015)."""
    return _one("elu", lambda t: sympy.Piecewise((t, t > 0), (exact(alpha) * (sympy.exp(t) - 1), True)))


def gelu_tanh() -> ElementwiseFunction:
    """The tanh approximation of GELU (Hendrycks and Gimpel, 2016)."""
    inner = sympy.sqrt(2 / sympy.pi) * (T + Rational(44715, 1000000) * T**3)
    return ElementwiseFunction("gelu_tanh", (T,), T * (1 + sympy.tanh(inner)) / 2)


def exact(value: Any) -> Expr:
    """Return a number as typed, exactly: 0.01 is 1/100, not the nearest binary fraction.

    >>> exact(0.01)
    1/100
    """
    return Rational(repr(value)) if isinstance(value, float) else as_expression(value)


FUNCTIONS: dict[str, ElementwiseFunction] = {
    function.name: function
    for function in (
        _one("exp", sympy.exp),
        _one("log", sympy.log),
        _one("log1p", lambda t: sympy.log(1 + t)),
        _one("expm1", lambda t: sympy.exp(t) - 1),
        _one("abs", sympy.Abs),
        _one("sign", sympy.sign),
        _one("sin", sympy.sin),
        _one("cos", sympy.cos),
        _one("tan", sympy.tan),
        _one("arcsin", sympy.asin),
        _one("arccos", sympy.acos),
        _one("arctan", sympy.atan),
        _one("sinh", sympy.sinh),
        _one("cosh", sympy.cosh),
        _one("tanh", sympy.tanh),
        _one("erf", sympy.erf),
        _one("sigmoid", sigmoid),
        _one("softplus", softplus),
        _one("relu", lambda t: sympy.Piecewise((t, t > 0), (0, True))),
        _one("silu", lambda t: t * sigmoid(t)),
        _one("gelu", lambda t: t * (1 + sympy.erf(t / sympy.sqrt(2))) / 2),
        gelu_tanh(),
        leaky_relu(),
        elu(),
        ElementwiseFunction("maximum", (T, T2), sympy.Max(T, T2)),
        ElementwiseFunction("minimum", (T, T2), sympy.Min(T, T2)),
    )
}
"""The elementwise functions of NumPy notation, by name (`sqrt` is `Power(x, 1/2)`)."""

_PRIMITIVES: dict[type, ElementwiseFunction] = {
    type(function.body): function
    for function in FUNCTIONS.values()
    if function.is_primitive and len(function.parameters) == 1
}


def from_body(name: str, body: Expr) -> ElementwiseFunction:
    """Return the elementwise function of the one free symbol of a SymPy expression.

    >>> x = sympy.Symbol("x")
    >>> from_body("swish", x / (1 + sympy.exp(-x))).body
    t*sigmoid(t)

    Raises:
        FormulaError: the expression does not have exactly one free symbol, or holds something with no scalar meaning.
    """
    symbols = sorted(body.free_symbols, key=sympy.default_sort_key)
    if len(symbols) != 1:
        raise FormulaError(f"an elementwise function has one variable; {shown(body)} has {len(symbols)}")
    return ElementwiseFunction(name, (T,), stable(body.xreplace({symbols[0]: T})))


def lift(expression: Expr, arrays: dict[Expr, Node]) -> Node:
    """Return a scalar expression as a formula over arrays: each symbol becomes its node, each operation elementwise.

    Raises:
        FormulaError: a symbol without an array, or a function that NumPy notation does not know.
    """
    if expression in arrays:
        return arrays[expression]
    if not (expression.free_symbols & {symbol for key in arrays for symbol in key.free_symbols}):
        return n.Scalar(expression)
    arguments = expression.args
    if isinstance(expression, sympy.Add):
        terms = sorted(expression.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
        return n.Add(*(lift(term, arrays) for term in terms))
    if isinstance(expression, sympy.Mul):
        return n.Multiply(*(lift(factor, arrays) for factor in expression.as_ordered_factors()))
    if isinstance(expression, sympy.Pow):
        if not expression.exp.free_symbols:
            return n.Power(lift(expression.base, arrays), expression.exp)
        raise FormulaError(f"the exponent of {shown(expression)} is not a constant")
    if isinstance(expression, sympy.Piecewise):
        return _lift_piecewise(expression, arrays)
    if isinstance(expression, sympy.Heaviside):  # 1/2 at 0: a tie is shared
        return n.Multiply(n.Scalar(Rational(1, 2)), n.Add(n.Scalar(1), lift(sympy.sign(arguments[0]), arrays)))
    if type(expression) in _PRIMITIVES:
        return _PRIMITIVES[type(expression)](lift(arguments[0], arrays))
    if isinstance(expression, (sympy.Max, sympy.Min)):
        name = "maximum" if isinstance(expression, sympy.Max) else "minimum"
        result = lift(arguments[0], arrays)
        for argument in arguments[1:]:
            result = FUNCTIONS[name](result, lift(argument, arrays))
        return result
    raise FormulaError(f"no elementwise meaning for {shown(expression)}")


def _lift_piecewise(expression: sympy.Piecewise, arrays: dict[Expr, Node]) -> Node:
    (last, always), *before = reversed(expression.args)
    if always != sympy.true:
        raise FormulaError(f"{shown(expression)} has no value where none of its conditions holds")
    result = lift(last, arrays)
    for value, condition in before:
        result = n.Where(_lift_condition(condition, arrays), lift(value, arrays), result)
    return result


def _lift_condition(condition: Basic, arrays: dict[Expr, Node]) -> Node:
    """Return a condition as an array that is 1 where it holds and else 0."""
    if isinstance(condition, sympy.core.relational.Relational):
        return n.Compare(condition.rel_op, lift(condition.lhs, arrays), lift(condition.rhs, arrays))
    parts = [_lift_condition(part, arrays) for part in condition.args]
    if isinstance(condition, sympy.And):  # 1 only where all are 1
        return n.Multiply(*parts)
    if isinstance(condition, sympy.Or):  # 0 only where all are 0
        return _not(n.Multiply(*map(_not, parts)))
    if isinstance(condition, sympy.Not):
        return _not(parts[0])
    raise FormulaError(f"condition {shown(condition)} is not a comparison")


def _not(indicator: Node) -> Node:
    return n.Add(n.Scalar(1), n.negative(indicator))
