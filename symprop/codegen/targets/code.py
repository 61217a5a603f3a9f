"""Pieces of source text: how tightly each binds, what kind of values it has; and the source of numbers."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import sympy
from sympy import Expr, Rational

from symprop.errors import LimitError, shown

COMPARE, SUM, MATMUL, PRODUCT, UNARY, POWER, ATOM = range(7)
"""How tightly operators bind. Python reads `@` and `*` alike; the reader is helped by `(a @ b) * c`."""

FLOAT, BOOLEAN, NUMBER = "float", "boolean", "number"
"""What values a piece of code has: an array of DTYPE, an array of booleans, a Python number."""


@dataclass(frozen=True)
class Code:
    """Source text, how tightly it binds, and the kind of its values."""

    text: str
    binds: int = ATOM
    kind: str = FLOAT

    def within(self, level: int) -> str:
        """Return the text as an operand of an operator that binds at `level`."""
        return f"({self.text})" if self.binds < level else self.text


def number(value: Expr) -> Code:
    """Return a constant, exactly or as the nearest float64; sizes stand by their names.

    >>> number(Rational(1, 3)).text, number(Rational(1, 100)).text, number(1 / sympy.Symbol("m")).text
    ('1 / 3', '0.01', '1 / m')
    >>> number(sympy.Symbol("m") - 1).text
    'm - 1'
    """
    if value.free_symbols:
        above, below = sympy.fraction(sympy.together(value))
        if below != 1:
            return Code(f"{number(above).within(PRODUCT)} / {number(below).within(UNARY)}", PRODUCT, NUMBER)
        if value.is_Symbol:
            return Code(str(value), ATOM, NUMBER)
        if isinstance(value, sympy.Mul):
            return Code(" * ".join(number(factor).within(PRODUCT) for factor in value.args), PRODUCT, NUMBER)
        if isinstance(value, sympy.Add):
            first, *rest = sorted(value.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
            return Code(number(first).within(SUM) + "".join(map(_signed, rest)), SUM, NUMBER)
        if isinstance(value, sympy.Pow):
            return Code(f"{number(value.base).within(ATOM)}**{number(value.exp).within(ATOM)}", POWER, NUMBER)
        raise LookupError(f"no source for the size {value}")
    if value.is_Integer and abs(value) < 2**53:
        return Code(str(value), UNARY if value < 0 else ATOM, NUMBER)
    if isinstance(value, Rational) and not is_decimal(value) and max(abs(value.p), value.q) <= 1000:
        return Code(f"{value.p} / {value.q}", PRODUCT, NUMBER)
    if value in (sympy.oo, -sympy.oo):
        return Code("np.inf" if value > 0 else "-np.inf", ATOM if value > 0 else UNARY, NUMBER)
    if not abs(value) < sys.float_info.max:
        raise LimitError(f"the constant {shown(value, 30)} does not fit into a float64")
    text = repr(float(value if value.is_Rational else value.evalf(30)))
    return Code(text, UNARY if text.startswith("-") else ATOM, NUMBER)


def exact(value: Expr) -> Code:
    """Return a constant as what it is: roots, pi and functions of numbers by Python's `math`.

    >>> exact(sympy.sqrt(2) / (2 * sympy.sqrt(sympy.pi))).text, exact(sympy.exp(-1)).text
    ('math.sqrt(2) / (2 * math.sqrt(math.pi))', 'math.exp(-1)')
    """
    if value.free_symbols or value.is_Rational or value.is_infinite or value.is_Float:
        return number(value)
    if value in (sympy.pi, sympy.E):
        return Code(f"math.{'pi' if value == sympy.pi else 'e'}", ATOM, NUMBER)
    if isinstance(value, sympy.Function) and type(value).__name__ in MATH and len(value.args) == 1:
        return Code(f"math.{MATH[type(value).__name__]}({exact(value.args[0]).text})", ATOM, NUMBER)
    above, below = sympy.fraction(value)
    if below != 1:
        return Code(f"{exact(above).within(PRODUCT)} / {exact(below).within(UNARY)}", PRODUCT, NUMBER)
    if isinstance(value, sympy.Mul):
        return Code(" * ".join(exact(factor).within(PRODUCT) for factor in value.as_ordered_factors()), PRODUCT, NUMBER)
    if isinstance(value, sympy.Add):
        return Code(" + ".join(exact(term).within(PRODUCT) for term in value.as_ordered_terms()), SUM, NUMBER)
    if isinstance(value, sympy.Pow) and value.exp == Rational(1, 2):
        return Code(f"math.sqrt({exact(value.base).text})", ATOM, NUMBER)
    if isinstance(value, sympy.Pow):
        return Code(f"{exact(value.base).within(ATOM)}**{exact(value.exp).within(ATOM)}", POWER, NUMBER)
    return number(value)


MATH = {
    name: name for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "asin", "acos", "atan")
}
"""Functions of numbers that Python's `math` has, by SymPy's name."""


def _signed(term: Expr) -> str:
    """A term of a sum after the first, with its sign."""
    minus = bool(term.could_extract_minus_sign())
    return f" {'-' if minus else '+'} {number(-term if minus else term).within(PRODUCT)}"


def is_decimal(value: Expr) -> bool:
    """Whether `value` is written exactly with a few decimal places."""
    return isinstance(value, Rational) and (10**6 * value).is_Integer is True
