"""Elementwise functions: a scalar body in SymPy is all that a function needs; SymPy differentiates it.

`FUNCTIONS` lists the functions that NumPy notation knows. A user's own function is one more `ElementwiseFunction`.
What a function means stands in its body alone; its name matters to printers, and to code where NumPy has it or a stable
form is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Basic, Expr, Rational, Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.defined import T2, T, plain, sigmoid, softplus, stable
from symprop.algebra.nodes import Node, as_node
from symprop.algebra.sizes import as_expression
from symprop.errors import FormulaError, shown


class ElementwiseFunction(Basic):
    """A named scalar function of one or two arguments with its body, applied elementwise by a `Map` node.

    `settings` are the numbers beside its arrays in NumPy notation, such as the slope of `leaky_relu(x, 1/5)`.
    """

    def __new__(cls, name: Any, parameters: Any, body: Any, settings: Any = ()) -> ElementwiseFunction:
        label = name if isinstance(name, Str) else Str(name)
        return Basic.__new__(cls, label, Tuple(*parameters), body, Tuple(*settings))

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
    def settings(self) -> tuple[Expr, ...]:
        return tuple(self.args[3].args)

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

    @property
    def is_extremum(self) -> bool:
        """Whether the function is the larger or the smaller of its two arrays."""
        return isinstance(self.body, (sympy.Max, sympy.Min)) and set(self.body.args) == set(self.parameters)

    def of(self, *arguments: Expr) -> Expr:
        """Return the body at scalar arguments."""
        return self.body.subs(dict(zip(self.parameters, arguments, strict=True)), simultaneous=True)

    def __call__(self, *operands: Any) -> Node:
        """Apply the function to arrays.

        Raises:
            FormulaError: as many arrays as parameters are needed, and there are more or fewer.
            ShapeError: the arrays do not broadcast.
        """
        if len(operands) != len(self.parameters):
            count = len(self.parameters)
            raise FormulaError(f"{self.name} takes {count} argument{'s' * (count > 1)}, not {len(operands)}")
        return n.Map(self, *map(as_node, operands))


def _one(name: str, body: Callable[[Expr], Expr]) -> ElementwiseFunction:
    return ElementwiseFunction(name, (T,), body(T))


def _set(name: str, body: Expr, number: Expr, usual: Expr) -> ElementwiseFunction:
    """A function with a number; where that is not the usual one it has a name of its own, which says one function."""
    if number == usual:
        return ElementwiseFunction(name, (T,), body)
    if not (number.is_number or number.is_Symbol):
        raise FormulaError(f"{name} takes a number beside its array, not {number}")
    written = number.name if number.is_Symbol else str(float(number))
    suffix = written.replace("-", "minus").replace("+", "").replace(".", "_")
    return ElementwiseFunction(f"{name}_{suffix}", (T,), body, (number,))


def leaky_relu(slope: Any = Rational(1, 100)) -> ElementwiseFunction:
    """`t` where positive, else `slope * t`; the derivative at 0 is `slope`."""
    factor = exact(slope)
    return _set("leaky_relu", sympy.Piecewise((T, T > 0), (factor * T, True)), factor, usual=Rational(1, 100))


def elu(alpha: Any = 1) -> ElementwiseFunction:
    """`t` where positive, else `alpha * (exp(t) - 1)` (Clevert et al., 2015)."""
    factor = exact(alpha)
    return _set("elu", sympy.Piecewise((T, T > 0), (factor * (sympy.exp(T) - 1), True)), factor, usual=sympy.Integer(1))


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
        _one("gammaln", sympy.loggamma),
        _one("digamma", lambda t: sympy.polygamma(0, t)),
        ElementwiseFunction("polygamma", (T, T2), sympy.polygamma(T, T2)),
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
        ElementwiseFunction("power", (T, T2), T**T2),
    )
}
"""The elementwise functions of NumPy notation, by name (`sqrt` is `Power(x, 1/2)`)."""


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
