"""How much the local page may use: of time, memory, connections. What a process may use is set here too."""

from __future__ import annotations

import importlib
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from symprop.errors import LimitError

BODY = 64 * 1024
"""Bytes of a request's body."""
ANSWER = 16 * 1024 * 1024
"""Bytes of an answer: of the page for some thousand equations."""
CONNECTIONS = 64
"""How many connections are read at once; the oldest unfinished one makes room for a new one."""
COMPUTATIONS, SLOW, WAITING = 4, 2, 32
"""How many computations run at once, how many of them certificates, and how many wait."""
PATIENCE = 10.0
"""Seconds within which a request must have arrived, and an answer be taken."""
LONGEST_SECONDS, MOST_MEGABYTES = 3600, 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one computation may use: seconds by the clock, and megabytes beside what Python itself takes."""

    seconds: float = 60.0
    megabytes: int = 1024

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and 0 < self.seconds <= LONGEST_SECONDS):
            raise LimitError(
                f"--time-limit {self.seconds:g} is not allowed\nallowed: up to {LONGEST_SECONDS:,} seconds"
            )
        if not 16 <= self.megabytes <= MOST_MEGABYTES:
            raise LimitError(
                f"--memory-limit {self.megabytes} is not allowed\nallowed: 16 to {MOST_MEGABYTES:,} megabytes"
            )


def confine(limits: Limits) -> None:
    """Set the limits of this process, for good: memory, seconds of computing, no files and no core dump.

    Systems that do not know such limits (Windows) leave it at the time by the clock, which the parent watches.
    """
    if os.name != "posix":
        return
    resource = importlib.import_module("resource")  # Windows has none
    seconds = math.ceil(limits.seconds) + 1
    most = _taken() + limits.megabytes * 1024 * 1024
    for kind, value in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        if kind != resource.RLIMIT_AS or sys.platform != "darwin":  # macOS refuses limits of memory
            resource.setrlimit(kind, (allowed, allowed))


def seconds_of_checks() -> float | None:
    """Return how long checks may compute, so that those that were made are shown before this process is stopped.

    >>> seconds_of_checks() is None or seconds_of_checks() > 0
    True
    """
    if os.name != "posix":
        return None
    resource = importlib.import_module("resource")
    seconds, _ = resource.getrlimit(resource.RLIMIT_CPU)
    return None if seconds < 2 * _LAST_CHECK else float(seconds - _LAST_CHECK)


_LAST_CHECK = 16
"""Seconds that are left for the check that has begun; a process that has few is stopped in the middle."""


def _taken() -> int:
    """The bytes of addresses that this process holds already, where the system says so."""
    said = Path("/proc/self/statm")
    if not said.exists():
        return 512 * 1024 * 1024
    return int(said.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
