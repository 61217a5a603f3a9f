"""Numbers in NumPy notation: sizes, coefficients and the bodies of functions, which are SymPy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Basic, Expr
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from symprop.algebra.sizes import size_text
from symprop.notation.precedence import ATOM, POWER, PRODUCT, SUM, Piece, decimal


class _Numbers(StrPrinter):
    """SymPy's own notation with NumPy's names."""

    def _print_Exp1(self, expression: Expr) -> str:
        return "exp(1)"

    def _print_Function(self, expression: Any) -> str:
        name = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "Abs": "abs"}.get(type(expression).__name__)
        return f"{name or type(expression).__name__}({self.stringify(expression.args, ', ')})"

    _print_Abs = _print_Function

    def _print_Infinity(self, expression: Expr) -> str:
        return "inf"

    def _print_NegativeInfinity(self, expression: Expr) -> str:
        return "-inf"

    def _print_floor(self, expression: Any) -> str:
        above, below = sympy.fraction(sympy.together(expression.args[0]))
        return f"({self._print(above)}) // {self.parenthesize(below, PRECEDENCE['Pow'])}"

    def _print_ImaginaryUnit(self, expression: Expr) -> str:
        return "1j"

    def _print_Max(self, expression: Any) -> str:
        return _folded("maximum", [self._print(argument) for argument in expression.args])

    def _print_Min(self, expression: Any) -> str:
        return _folded("minimum", [self._print(argument) for argument in expression.args])

    def _print_Piecewise(self, expression: Any) -> str:
        result = self._print(expression.args[-1][0])
        for value, condition in reversed(expression.args[:-1]):
            result = f"where({self._print(condition)}, {self._print(value)}, {result})"
        return str(result)


def _folded(name: str, arguments: Sequence[str]) -> str:
    result = arguments[0]
    for argument in arguments[1:]:
        result = f"{name}({result}, {argument})"
    return result


def number(value: Basic) -> Piece:
    """Return a scalar expression (a size, a coefficient, the body of a function) in NumPy notation."""
    if isinstance(value, sympy.Integer):
        return Piece(size_text(value), SUM if value.is_negative else ATOM)
    if value.is_Rational and value.q != 5 and decimal(value) is not None:
        return Piece(repr(float(value)), SUM if value.is_negative else ATOM)
    written = str(_Numbers({"full_prec": False}).doprint(value))
    if isinstance(value, sympy.Add) and written.startswith("-"):  # k - i, not -i + k
        terms = sorted(value.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
        written = "".join(
            f" - {number(-term).text}" if term.could_extract_minus_sign() else f" + {number(term).text}"
            for term in terms
        ).removeprefix(" + ")
    if isinstance(value, sympy.Add) or value.could_extract_minus_sign():
        return Piece(written, SUM)
    quotient = "/" in written and not written.startswith("sqrt(")
    if isinstance(value, sympy.Mul) or (isinstance(value, sympy.Rational) and not value.is_Integer) or quotient:
        return Piece(written, PRODUCT)
    return Piece(written, POWER if isinstance(value, sympy.Pow) and "**" in written else ATOM)


def length(size: Expr) -> Piece:
    """Return a size of an array; one that is a quotient, `n*(n + 1)/2`, is divided in whole numbers."""
    above, below = sympy.fraction(sympy.together(size))
    if below == 1:
        return number(size)
    return Piece(f"{wrap(number(above), PRODUCT)} // {wrap(number(below), ATOM)}", PRODUCT)


def wrap(piece: Piece, minimum: int) -> str:
    """Return the piece, in parentheses where it binds more loosely than `minimum`."""
    return piece.text if piece.level >= minimum else f"({piece.text})"


def call(name: str, *arguments: str) -> Piece:
    """Return a call of a function, `sum(X, axis=0)`."""
    return Piece(f"{name}({', '.join(arguments)})", ATOM)


def one_or_tuple(values: Sequence[object]) -> str:
    """Return one value alone, or several in brackets."""
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"
