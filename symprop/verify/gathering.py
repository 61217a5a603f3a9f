"""The parts of a certificate one after the other, within a limit of time; a terminal is told what is going on.

The limit counts the seconds that the check itself computes, so that a busy machine reaches no less. It is asked for at
every node that an oracle evaluates; a part that meets it is left, and the certificate says what was not reached.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from symprop.errors import SpecError, shown
from symprop.terminal import is_watched
from symprop.verify.measure import NOT_REACHED, Row

PATIENCE = 1.0
"""Seconds after which a terminal is told what is checked."""

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


class OutOfTime(Exception):
    """The limit of a certificate was met."""


def ask_time() -> None:
    """Raise `OutOfTime` where the limit of the certificate that runs is met."""
    deadline = _deadline.get()
    if deadline < float("inf") and time.thread_time() > deadline:  # the clock takes longer than most nodes
        raise OutOfTime


@contextmanager
def within(limit: float | None) -> Iterator[None]:
    """Bound what is computed inside by a number of seconds, or by the bound outside where that is nearer.

    Raises:
        SpecError: no number above 0, and not None.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0):
        raise SpecError(f"a limit is a number of seconds above 0, not {shown(limit)}\nallowed: None for no limit")
    end = float("inf") if limit is None else time.thread_time() + limit
    token = _deadline.set(min(end, _deadline.get()))
    try:
        yield
    finally:
        _deadline.reset(token)


@dataclass
class Gathered:
    """The rows of the parts that were reached, and the names of those that were not."""

    rows: list[Row] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


Part = tuple[str, Callable[[], Iterable[Row]]]


def gathered(
    parts: Iterable[Part],
    limit: float | None,
    errors: tuple[type[BaseException], ...],
    refused: Callable[[str, BaseException], Row],
) -> Gathered:
    """Return the rows of parts; where one raises one of `errors`, `refused` makes a row of it.

    The first part is what a certificate is about: where the limit leaves it out, there is a row that says so.

    >>> parts = [("sums", lambda: [Row("sums", "by hand", "1", 0.0, 0.0, True)])]
    >>> gathered(parts, None, (), lambda name, error: Row(name, "", "", 1.0, 0.0, False)).rows[0].name
    'sums'

    Raises:
        SpecError: a limit that is none.
    """
    found = Gathered()
    with within(limit), _told() as tell:
        for number, (name, part) in enumerate(parts):
            tell(name)
            try:
                ask_time()
                found.rows.extend(part())
            except OutOfTime:
                found.unreached.append(name)
                if number == 0:
                    found.rows.append(Row(name, "", "", float("inf"), 0.0, False, f"within {limit:g} s", NOT_REACHED))
            except errors as error:
                found.rows.append(refused(name, error))
    return found


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Give a function that tells a terminal what is checked, once a check takes long; the line is wiped at the end."""
    started, lines = time.monotonic(), []
    shows = is_watched()

    def tell(name: str) -> None:
        seconds = time.monotonic() - started
        if shows and seconds > PATIENCE:
            lines.append(name)
            print(f"\r\x1b[Kchecking {name} ({seconds:.0f} s)", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if lines:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
