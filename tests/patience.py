"""How long the tests wait: limits that tell what ends from what does not, on a slow and busy machine too.

None says how fast something is. What is asked to be done at once takes a small part of a second, and what it guards
against takes minutes, or does not end.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

PATIENCE = 120.0
"""Seconds to wait for another process or thread to answer, to start or to end."""
AT_ONCE = 20.0
"""Seconds of the processor for what takes less than one, where all others of its kind would take minutes."""


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Say that a block takes no time to speak of: of the processor, so that other processes do not count."""
    start = time.process_time()
    yield
    assert time.process_time() - start < AT_ONCE


def hear_interrupts() -> None:
    """Let a child hear Ctrl-C, to be called in it: a shell starts what runs in the background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(true: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Ask again and again; return whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False
