"""Pieces of source text: how tightly each binds, what kind of values it has; and the source of numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Expr, Rational

from symprop.algebra.equations import System
from symprop.algebra.named_numbers import NamedNumber, unnamed
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


@lru_cache(maxsize=2_048, typed=True)
def number(value: Expr) -> Code:
    """Return a constant, exactly or as the nearest float64; sizes and named numbers stand by their names.

    An integer that needs more than 32 bits, which not every library has, is written as a float.

    >>> number(Rational(1, 3)).text, number(Rational(1, 100)).text, number(1 / sympy.Symbol("m")).text
    ('1 / 3', '0.01', '1 / m')
    >>> number(sympy.Symbol("m") - 1).text
    'm - 1'
    """
    if value.free_symbols or value.has(NamedNumber):
        return _composed(value, number)
    if value.is_Integer and abs(value) < 2**31:
        return Code(str(value), UNARY if value < 0 else ATOM, NUMBER)
    if isinstance(value, Rational) and not is_decimal(value) and max(abs(value.p), value.q) <= 1000:
        return Code(f"{value.p} / {value.q}", PRODUCT, NUMBER)
    if value in (sympy.oo, -sympy.oo):
        return Code("np.inf" if value > 0 else "-np.inf", ATOM if value > 0 else UNARY, NUMBER)
    if not abs(value) < sys.float_info.max:
        raise LimitError(f"the constant {shown(value, 30)} does not fit into a float64")
    text = repr(float(value if value.is_Rational else value.evalf(30)))
    return Code(text, UNARY if text.startswith("-") else ATOM, NUMBER)


def length(size: Expr) -> Code:
    """Return a size; one that is a quotient, `n * (n + 1) / 2`, is divided in whole numbers.

    >>> m = sympy.Symbol("m", integer=True, positive=True)
    >>> length(m + 1).text, length(m * (m + 1) / 2).text
    ('m + 1', 'm * (m + 1) // 2')
    """
    above, below = sympy.fraction(size)
    if below == 1:
        return number(size)
    return Code(f"{number(above).within(PRODUCT)} // {number(below).within(UNARY)}", PRODUCT, NUMBER)


def exact(value: Expr) -> Code:
    """Return a constant as what it is: roots, pi and functions of numbers by Python's `math`.

    >>> exact(sympy.sqrt(2) / (2 * sympy.sqrt(sympy.pi))).text, exact(sympy.exp(-1)).text
    ('math.sqrt(2) / (2 * math.sqrt(math.pi))', 'math.exp(-1)')
    """
    if value.free_symbols or value.is_Rational or value.is_infinite or value.is_Float:
        return number(value)
    return _composed(value, exact)


def _composed(value: Expr, write: Callable[[Expr], Code]) -> Code:
    """Return a fraction, sum, product, power or function of parts that `write` writes."""
    if value.is_Symbol or isinstance(value, NamedNumber):
        return Code(value.name, ATOM, NUMBER)
    if value in (sympy.pi, sympy.E):
        return Code(f"math.{'pi' if value == sympy.pi else 'e'}", ATOM, NUMBER)
    sizes = bool(value.free_symbols)
    if isinstance(value, sympy.Function) and type(value).__name__ in MATH and len(value.args) == 1 and not sizes:
        return Code(f"math.{MATH[type(value).__name__]}({write(value.args[0]).text})", ATOM, NUMBER)
    above, below = (value, 1) if _is_polynomial(value) else sympy.fraction(sympy.together(value) if sizes else value)
    if below != 1:
        return Code(f"{write(above).within(PRODUCT)} / {write(below).within(UNARY)}", PRODUCT, NUMBER)
    if isinstance(value, sympy.Min):
        return Code(f"min({', '.join(write(part).text for part in value.args)})", ATOM, NUMBER)
    if value.could_extract_minus_sign() and isinstance(value, sympy.Mul):
        return Code(f"-{write(-value).within(UNARY)}", UNARY, NUMBER)
    if isinstance(value, sympy.Mul):
        factors = value.args if sizes else value.as_ordered_factors()
        return Code(" * ".join(write(factor).within(PRODUCT) for factor in factors), PRODUCT, NUMBER)
    if isinstance(value, sympy.Add):
        first, *rest = sorted(value.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
        return Code(write(first).within(SUM) + "".join(_signed(term, write) for term in rest), SUM, NUMBER)
    if isinstance(value, sympy.Pow) and value.exp == Rational(1, 2) and not sizes:
        return Code(f"math.sqrt({write(value.base).text})", ATOM, NUMBER)
    if isinstance(value, sympy.Pow):
        return Code(f"{write(value.base).within(ATOM)}**{write(value.exp).within(ATOM)}", POWER, NUMBER)
    if sizes:
        raise LookupError(f"no source for the size {value}")
    return number(unnamed(value))


def _is_polynomial(value: Expr) -> bool:
    """Whether a number is seen at once to have nothing below the line: `16 * m + 3`."""
    return bool(
        value.is_Symbol or value.is_Integer or ((value.is_Add or value.is_Mul) and all(map(_is_polynomial, value.args)))
    )


MATH = {
    name: name for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "asin", "acos", "atan")
}
"""Functions of numbers that Python's `math` has, by SymPy's name."""


def _signed(term: Expr, write: Callable[[Expr], Code]) -> str:
    """A term of a sum after the first, with its sign."""
    minus = bool(term.could_extract_minus_sign())
    return f" {'-' if minus else '+'} {write(-term if minus else term).within(PRODUCT)}"


def named(system: System) -> list[str]:
    """Return the lines that give the hyperparameters of a network their values."""
    return [f"{each.name} = {number(each.value).text}" for each in system.hyperparameters]


def is_decimal(value: Expr) -> bool:
    """Whether `value` is written exactly with a few decimal places."""
    return isinstance(value, Rational) and (10**6 * value).is_Integer is True
