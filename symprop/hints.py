"""Hints in the form of where they are read: what one types in Python, or the options of the command line.

>>> option("symmetric", "pairs"), declaration("S", "n n symmetric"), sizes({"L": 3})
("symmetric='pairs'", "S='n n symmetric'", "sizes={'L': 3}")
>>> with as_options():
...     option("symmetric", "pairs"), declaration("S", "n n symmetric"), sizes({"L": 3})
('--symmetric pairs', '--where "S: n n symmetric"', '--sizes L=3')
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from symprop.errors import shown

LONGEST_COMPARED = 32
"""So many signs of a name are looked at."""

_options: ContextVar[bool] = ContextVar("options", default=False)


@contextmanager
def as_options() -> Iterator[None]:
    """Give hints as the command line takes them."""
    token = _options.set(True)
    try:
        yield
    finally:
        _options.reset(token)


def here(python: str, options: str) -> str:
    """Return what is said where Python is typed, or on the command line."""
    return options if _options.get() else python


def option(name: str, value: str) -> str:
    """Return a choice as it is made where the hint is read."""
    return here(f"{name}={value!r}", f"--{name.replace('_', '-')} {value}")


def declaration(name: str, what: str) -> str:
    """Return a declaration as it is made where the hint is read."""
    return here(f"{name}={what!r}", f'--where "{name}: {what}"')


def sizes(numbers: Mapping[str, int]) -> str:
    """Return numbers for sizes as they are given where the hint is read."""
    return here(f"sizes={dict(numbers)}", f"--sizes {','.join(f'{name}={size}' for name, size in numbers.items())}")


def closest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'X'?)" when a known name is close to `name`, else an empty string; case does not matter.

    >>> closest("Relu", ["ReLU", "PReLU"]), closest("sofmax", ["max", "softmax"]), closest("q", ["p"])
    (" (did you mean 'ReLU'?)", " (did you mean 'softmax'?)", '')
    """
    lower: dict[str, str] = {}
    for each in known:
        lower.setdefault(each.lower(), each)
    found = difflib.get_close_matches(name[:LONGEST_COMPARED].lower(), list(lower), n=1)
    matches = [lower[each] for each in found]
    return f" (did you mean {shown(matches[0])}?)" if matches else ""
