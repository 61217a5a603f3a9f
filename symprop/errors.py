"""The one family of errors that symprop raises for bad input.

Every error says what was wrong, where, and what is allowed, in at most three lines. The command line turns the
class into its exit code: 2 bad input, 3 over a limit, 4 files.
"""

from __future__ import annotations

import sys
import unicodedata
import warnings
from collections.abc import Iterable
from typing import TypeVar


class SympropError(Exception):
    """Base of every error that symprop raises for what a user gave it.

    Where the place in the typed text is known, `column` is its first character (from 0) and `width` how many it has.
    On the command line the exit code is `exit_code`: 2, for a `LimitError` 3, for an `OutputError` 4.

    >>> import symprop
    >>> try:
    ...     symprop.gradient("x @ (A")
    ... except symprop.SympropError as problem:
    ...     print(type(problem).__name__, problem.column)
    FormulaError 4
    """

    exit_code = 2
    column: int | None = None
    width: int = 1


Error = TypeVar("Error", bound=SympropError)


class SymbolNameError(SympropError):
    """A name that symprop cannot print as code: reserved, not ASCII, duplicate or too long."""


class FormulaError(SympropError):
    """A formula outside the grammar, with a caret under the place."""


class ReadingError(FormulaError):
    """A formula whose arrays may have several shapes; `readings` are the declarations of each."""

    def __init__(self, message: str, readings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.readings = readings


class SpecError(SympropError):
    """A network that cannot be built: unknown layer, bad width, layers that do not fit."""


class NoFunctionError(SpecError, AttributeError):
    """A function that a module has for other networks: `hasattr` is False, and the message says why."""


class ShapeError(SympropError):
    """Operands whose shapes do not fit; both shapes are named."""


class DataError(SympropError):
    """Data that cannot be used: which value, where, and what is allowed."""


class LimitError(SympropError):
    """Input larger than what symprop takes; the limit is named."""

    exit_code = 3


class OutputError(SympropError):
    """A file that cannot be read or written."""

    exit_code = 4


class SympropWarning(UserWarning):
    """Warns of input that symprop takes but that is probably not meant, such as a softmax of a softmax.

    >>> import symprop
    >>> doubtful = "Input(2) >> Dense(2) >> Softmax() >> SoftmaxCrossEntropy()"
    >>> with warnings.catch_warnings(record=True, category=SympropWarning, action="always") as told:
    ...     net = symprop.parse_network(doubtful)
    >>> [each.category.__name__ for each in told]
    ['SympropWarning']
    """


def warned(messages: Iterable[str]) -> None:
    """Warn of each message, at the line of the user's program that called symprop."""
    frame, level = sys._getframe(1), 2
    ours = {__package__, "contextlib"}  # a function of ours may be called by a context manager that wraps it
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ours:
        frame, level = frame.f_back, level + 1
    for message in messages:
        warnings.warn(message, SympropWarning, stacklevel=level)


def located(error: Error, column: int, width: int = 1) -> Error:
    """Return `error` with its place in the typed text; one that has a place keeps it.

    >>> located(FormulaError("unknown name 'q'"), 4).column
    4
    """
    if error.column is None:
        error.column, error.width = max(0, column), max(1, width)
    return error


def shown(text: object, limit: int = 60) -> str:
    """Return `text` safe to print in a message: escaped, on one line, cut after `limit` characters.

    >>> shown("W\\n1")
    "'W\\\\n1'"
    >>> shown("x" * 100, limit=5)
    "'xxxxx…' (100 characters)"
    """
    string = text if isinstance(text, str) else str(text)
    safe = harmless(string[:limit])
    return f"'{safe}'" if len(string) <= limit else f"'{safe}…' ({len(string):,} characters)"


def listed(names: Iterable[object], limit: int = 400) -> str:
    """Return names for a message, each escaped, cut after `limit` characters.

    >>> listed(["W1", "b\\n1"]), listed(["W1", "b1"], limit=3)
    ('W1, b\\\\n1', 'W1, ...')
    """
    found: list[str] = []
    length = 0
    for name in names:
        safe = harmless(str(name)[:limit])
        length += len(safe) + 2
        if length > limit + 2:
            return ", ".join([*found, "..."])
        found.append(safe)
    return ", ".join(found)


def harmless(text: str) -> str:
    r"""Return `text` with what a terminal obeys in place of showing it (controls, directions) escaped.

    >>> print(harmless("\x1b[31mred"))
    \x1b[31mred
    """
    return "".join(character if is_harmless(character) else _escaped(character) for character in text)


def is_harmless(character: str) -> bool:
    """Whether a terminal shows a character, and obeys it in no way."""
    return character.isprintable() and unicodedata.category(character) not in {"Cf", "Co", "Cs", "Cn"}


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def pointed(message: str, text: str, column: int, width: int = 1) -> str:
    """Return `message` with the typed `text` and a caret under `column` (from 0), a window of 70 characters.

    >>> print(pointed("unknown name 'q'", "x + q", 4))
    unknown name 'q'
      x + q
          ^
    """
    start = max(0, column - 50)
    window = text[start : start + 70]
    safe = "".join(character if is_harmless(character) else "?" for character in window)
    return f"{message}\n  {safe}\n  {' ' * (column - start)}{'^' * max(1, min(width, 20))}"
