"""How long something may compute."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TimeUp(BaseException):
    """The clock of the processor has run out; what catches all errors does not catch it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in a block that computes longer; only where a process may be told so, in its main thread."""

    def up(number: int, frame: object) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGVTALRM, up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
