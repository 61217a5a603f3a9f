"""The statements of a formula with names: `K = exp(-D / l); y @ inv(K) @ y`, one after a `;` or on a line of its own.

Only the text is cut here, in linear time; each piece then goes through the scan and the reader like any formula.

    >>> [(each.name, each.text) for each in statements("r = X @ w - y; r @ r")]
    [('r', 'X @ w - y'), ('', 'r @ r')]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from symprop.algebra.names import validated
from symprop.algebra.reading.mentions import LIMITS, names_in
from symprop.algebra.tokens import refuse
from symprop.errors import LimitError, SympropError, located, pointed

MOST = 200
_PIECE = re.compile(r"#[^\r\n]*|[()\[\]{};]|\r\n|[\r\n]|'[^'\r\n]*'|\"[^\"\r\n]*\"")
_NAMED = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(?!=)")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Statement:
    """One statement: the name before its `=` ("" where it has none), its formula, and where that begins in `typed`."""

    name: str
    text: str
    start: int
    typed: str

    def read(self, work: Callable[[str], _Result]) -> _Result:
        """Return `work(text)`; an error gets its place in all that was typed.

        Raises:
            FormulaError, ShapeError, LimitError: as `work`.
        """
        try:
            return work(self.text)
        except SympropError as problem:
            if problem.column is not None:
                problem.column += self.start
            raise


def statements(text: object) -> tuple[Statement, ...]:
    """Return the statements of a text: definitions `name = formula`, the last the formula itself, with a name or not.

    A line break outside of brackets ends a statement, as in Python; an empty statement is none. What is no text, or
    has one statement without a name, is one statement as it stands.

    >>> [each.name for each in statements("a = x @ x  # a comment; not a statement\\nb = exp(-a)\\nsum(b * (x + b))")]
    ['a', 'b', '']

    Raises:
        FormulaError: a statement before the last without a name, or a name twice.
        LimitError: more than 20,000 characters or 200 statements.
    """
    if not isinstance(text, str) or len(text) > LIMITS.characters:
        return (Statement("", text, 0, text),)  # type: ignore[arg-type]  # the scan refuses it
    pieces = [(start, end) for start, end in _pieces(text) if _told(text[start:end])]
    found = tuple(_statement(text, start, end) for start, end in pieces)
    if not found or (not any(each.name for each in found) and ";" not in text):
        return (Statement("", text, 0, text),)  # one formula, or lines that its scan refuses
    if len(found) > MOST:
        raise LimitError(f"{len(found):,} statements; at most {MOST} are allowed")
    seen: set[str] = set()
    for each, (start, _) in zip(found, pieces, strict=True):
        begin = start + len(text[start:]) - len(text[start:].lstrip())
        if not each.name and each is not found[-1]:
            told = "only the last statement has no name: 'K = X @ X.T; trace(K)'"
            refuse(told, text, begin)
        if each.name in seen:
            refuse(f"{each.name!r} is defined twice; a name stands for one formula", text, begin, len(each.name))
        if each.name:
            seen.add(_allowed(each.name, text, begin))
    return found


def names_read(text: str) -> tuple[str, ...]:
    """Return the names of arrays, sizes and parts in a formula.

    >>> names_read("r = X @ w - y; r @ r / m")
    ('X', 'w', 'y', 'r', 'm')

    Raises:
        FormulaError, LimitError: as `statements`, or a syntax error.
    """
    names = (name for each in statements(text) for name in (*each.read(names_in), each.name))
    return tuple(dict.fromkeys(filter(None, names)))


def _told(piece: str) -> bool:
    return bool(re.sub(r"#[^\r\n]*", "", piece).strip())


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where the statements begin and end: at a `;` or a line break outside of brackets."""
    pieces, start, depth = [], 0, 0
    for match in _PIECE.finditer(text):
        sign = match[0]
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == ";" or (sign[0] in "\r\n" and depth <= 0):
            pieces.append((start, match.start()))
            start, depth = match.end(), 0
    return [*pieces, (start, len(text))]


def _statement(text: str, start: int, end: int) -> Statement:
    named = _NAMED.match(text, start, end)
    begin = named.end() if named else start
    piece = text[begin:end]
    begin += len(piece) - len(piece.lstrip())
    return Statement(named[1] if named else "", piece.strip(), begin, text)


def _allowed(name: str, text: str, column: int) -> str:
    try:
        return validated(name)
    except SympropError as problem:
        message = str(problem).partition("\n")[0]
        raise located(type(problem)(pointed(message, text, column, len(name))), column, 1) from None
