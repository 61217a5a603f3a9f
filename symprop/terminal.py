"""The terminal: how wide pages are, and whether a person watches, who is told what takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WIDEST, NARROWEST = 100, 40
_silent: ContextVar[bool] = ContextVar("silent", default=False)
_width: ContextVar[int] = ContextVar("width", default=WIDEST)


def is_watched() -> bool:
    """Whether stderr is a terminal that may be told what goes on."""
    return not _silent.get() and sys.stderr is not None and sys.stderr.isatty()


def width() -> int:
    """Return how many columns a page of text has: 100, or those of a terminal that has fewer."""
    return _width.get()


@contextmanager
def fitted(columns: int | None) -> Iterator[None]:
    """Let pages of text fit so many columns, 40 to 100; None is no terminal.

    >>> with fitted(80):
    ...     width()
    80
    """
    token = _width.set(min(WIDEST, max(NARROWEST, columns or WIDEST)))
    try:
        yield
    finally:
        _width.reset(token)


@contextmanager
def silent(wanted: bool = True) -> Iterator[None]:
    """Tell nothing of what goes on inside.

    >>> with silent():
    ...     is_watched()
    False
    """
    token = _silent.set(wanted or _silent.get())
    try:
        yield
    finally:
        _silent.reset(token)
