"""Computations as the server sees them: each a process with limits, which can be stopped at any time.

Where the system has `fork`, `ForkedProcesses` asks the warm process of `fork_server`; elsewhere `FreshProcesses`
starts Python anew for each computation, which takes a second longer.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import symprop
from symprop.server.limits import ANSWER, Limits

TICK = 0.05
"""Seconds after which a computation that nobody wants any more is stopped."""
WARM_WITHIN = 60.0
"""Seconds within which a warm process has imported symprop."""
DONE, LATE, UNWANTED, DIED = "done", "late", "unwanted", "died"


@dataclass(frozen=True)
class Outcome:
    """How a computation ended, and its answer where it has one; `code` is that of its process, -9 for signal 9."""

    how: str
    answer: bytes = b""
    code: int | None = None


class Processes(ABC):
    """Where computations run."""

    limits: Limits

    @abstractmethod
    def compute(self, body: bytes, wanted: Callable[[], bool]) -> Outcome:
        """Answer a request in a process of its own, as long as it is wanted and within the limits."""

    @abstractmethod
    def close(self) -> None:
        """End all processes."""


def processes(limits: Limits) -> Processes:
    """Return the quickest processes that this system has."""
    return ForkedProcesses(limits) if os.name == "posix" else FreshProcesses(limits)


def _command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", f"symprop.server.{module}", *map(str, arguments)]


def _environment() -> dict[str, str]:
    """The environment of a process: symprop is found where it was found here, and never in the working folder.

    One thread for linear algebra: arrays are small here, and a process with threads cannot be forked safely.
    """
    here = str(Path(symprop.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": path}


@final
class ForkedProcesses(Processes):
    """Children of one warm process, which is started anew where it has died."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._is_closed = False
        self._start()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                _command("fork_server", theirs.fileno(), self.limits.seconds, self.limits.megabytes),
                env=_environment(),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server, which then ends this one
            )
        self._is_warm = False
        self._control.settimeout(WARM_WITHIN)

    def _send(self, channel: socket.socket, lifeline: int) -> None:
        """Hand a job over, to a new process where the one that was there has died."""
        with self._lock:
            for attempt in range(2):
                if self._is_alive():
                    with contextlib.suppress(OSError):
                        socket.send_fds(self._control, [b"j"], [channel.fileno(), lifeline])
                        return
                if self._is_closed:  # a job that died with the warm process starts no other one
                    return
                if not attempt:
                    self._control.close()
                    self.process.kill()
                    self.process.wait()
                    self._start()

    def _is_alive(self) -> bool:
        """Whether the process takes jobs; this waits until it has imported what it needs."""
        if self.process.poll() is not None:
            return False
        if not self._is_warm:
            with contextlib.suppress(OSError):
                self._is_warm = bool(self._control.recv(1))
        return self._is_warm

    def compute(self, body: bytes, wanted: Callable[[], bool]) -> Outcome:
        outcome = self._computed(body, wanted)
        if outcome.how == DIED and outcome.code is None:  # the warm process died, and the job with it: once more
            outcome = self._computed(body, wanted)
        return outcome

    def _computed(self, body: bytes, wanted: Callable[[], bool]) -> Outcome:
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        try:
            try:
                self._send(theirs, reading)
            finally:
                theirs.close()
                os.close(reading)
            ours.settimeout(self.limits.seconds)
            with contextlib.suppress(OSError):  # a child that died has read nothing: its end is seen below
                ours.sendall(body)
                ours.shutdown(socket.SHUT_WR)
            return self._answer(ours, wanted)
        finally:
            os.close(writing)  # the child's lifeline
            ours.close()

    def _answer(self, channel: socket.socket, wanted: Callable[[], bool]) -> Outcome:
        """Wait for the line of the answer, and the line that says how its process ended."""
        deadline = time.monotonic() + self.limits.seconds
        received = bytearray()
        while True:
            if not wanted():
                return Outcome(UNWANTED)
            if time.monotonic() > deadline:
                return Outcome(LATE)
            if len(received) > ANSWER + 64:
                return Outcome(DIED, code=0)
            if not select.select([channel], [], [], TICK)[0]:
                continue
            try:
                piece = channel.recv(65536)
            except OSError:
                piece = b""
            received += piece
            if not piece:
                break
        return _outcome(bytes(received))

    def close(self) -> None:
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # whoever waits until it is warm waits no longer
        with self._lock:
            self._control.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _outcome(received: bytes) -> Outcome:
    r"""Return what an answer and the line after it, how its process ended, say; either may be missing or cut off.

    >>> _outcome(b'{"ok": true}\n0\n'), _outcome(b'{"ok": t-9\n')
    (Outcome(how='done', answer=b'{"ok": true}', code=0), Outcome(how='died', answer=b'', code=-9))
    """
    answer, whole, _ = received.partition(b"\n")
    ended = re.search(rb"(-?[0-9]+)\n\Z", received)
    code = int(ended[1]) if ended else None
    return Outcome(DONE, answer, code) if whole and answer.endswith(b"}") else Outcome(DIED, code=code)


@final
class FreshProcesses(Processes):
    """A new Python for each computation."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def compute(self, body: bytes, wanted: Callable[[], bool]) -> Outcome:
        with subprocess.Popen(
            _command("worker", self.limits.seconds, self.limits.megabytes),
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            deadline = time.monotonic() + self.limits.seconds
            given: bytes | None = body
            while True:
                try:
                    answer, _ = process.communicate(given, timeout=TICK)
                    code = process.returncode
                    return Outcome(DONE, answer, code) if answer else Outcome(DIED, code=code)
                except subprocess.TimeoutExpired:
                    given = None
                if wanted() and time.monotonic() <= deadline:
                    continue
                how = LATE if wanted() else UNWANTED
                process.kill()
                return Outcome(how)

    def close(self) -> None:
        """Do nothing: every process ends with its computation."""
