"""Whether a person watches, who is told what takes long: at a terminal, where nobody asked for the outcome alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_silent: ContextVar[bool] = ContextVar("silent", default=False)


def is_watched() -> bool:
    """Whether stderr is a terminal that may be told what goes on."""
    return not _silent.get() and sys.stderr is not None and sys.stderr.isatty()


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
