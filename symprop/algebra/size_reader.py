"""Sizes as they are typed in declarations: numbers, names, and sums and products of these, `k + n`, `2*n`, `h*d`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sympy import Expr, Integer, expand

from symprop.algebra.names import size_symbol
from symprop.errors import FormulaError, shown

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,12}(?![0-9])|\*\*|[-+*()])")
LONGEST_SIZE = 200


def read_size(text: str) -> Expr:
    """Return the size that a text says.

    >>> read_size("k + n"), read_size("2*(n - 1)"), read_size("n**2"), read_size("3")
    (k + n, 2*n - 2, n**2, 3)

    Raises:
        FormulaError: anything but numbers and names with `+`, `-`, `*`, `**` and brackets.
        SymbolNameError: a name that cannot be a size.
    """
    tokens = list(_tokens(text))
    value = _sum(tokens, 0)
    if tokens:
        _refuse(text)
    return expand(value)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    if len(text) > LONGEST_SIZE:
        _refuse(text)
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            _refuse(text)
        else:
            yield match[1]
            place = match.end()


def _sum(tokens: list[str], depth: int) -> Expr:
    value = _product(tokens, depth)
    while tokens and tokens[0] in "+-":
        sign = 1 if tokens.pop(0) == "+" else -1
        value += sign * _product(tokens, depth)
    return value


def _product(tokens: list[str], depth: int) -> Expr:
    value = _power(tokens, depth)
    while tokens and tokens[0] == "*":
        tokens.pop(0)
        value *= _power(tokens, depth)
    return value


def _power(tokens: list[str], depth: int) -> Expr:
    base = _factor(tokens, depth)
    if tokens[:1] != ["**"]:
        return base
    exponent = tokens[1] if len(tokens) > 1 else ""
    if not re.fullmatch("[1-9]", exponent):
        _refuse(f"**{exponent}")
    del tokens[:2]
    return base ** int(exponent)


def _factor(tokens: list[str], depth: int) -> Expr:
    token = tokens.pop(0) if tokens else ""
    if token == "(" and depth < 10:
        value = _sum(tokens, depth + 1)
        if not tokens or tokens.pop(0) != ")":
            _refuse(token)
        return value
    if token.isdigit():
        return Integer(int(token))
    if not token or token in "+-*()":
        _refuse(token)
    return size_symbol(token)


def _refuse(text: str) -> None:
    raise FormulaError(f"{shown(text)} is no size\nallowed: a number, a name, or sums and products of these")
