"""A warm process that has imported symprop and forks a child for each computation: an answer in tens of milliseconds.

It has one thread, so that forking is safe. For each job it is sent two ends: a socket, on which the child reads the
request and writes its answer, and a pipe whose other end the asking process holds. When that end is closed, by will
or because its holder died, the child is killed. When a child has ended, how it ended is written after its answer.

`python -m symprop.server.fork_server DESCRIPTOR SECONDS MEGABYTES`; the descriptor is the socket for jobs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass

from symprop.server import worker
from symprop.server.limits import Limits, confine

WARMING = (
    b'{"stage": "%s", "name": "delta1", "text": "Input(2) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"}',
    b'{"stage": "%s", "text": "sum((X @ w - y)**2)", "where": "X: m n, w: n, y: m", "by": "w"}',
)


READY = b"r"
"""What it says when it is warm; time for computations runs from then on."""


@dataclass(frozen=True)
class Job:
    """A child at work: its process, the socket of its answer, and the pipe that ends when nobody wants it any more."""

    process: int
    channel: socket.socket
    lifeline: int


class ForkServer:
    """Takes jobs from `control` until that is closed."""

    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self.control, self.limits = control, limits
        self.jobs: dict[int, Job] = {}
        self.selector = selectors.DefaultSelector()
        self.wakeup, self.signalled = socket.socketpair()

    def run(self) -> None:
        """Serve until the other side is gone; then no child lives on."""
        for end in (self.wakeup, self.signalled):
            end.setblocking(False)
        signal.set_wakeup_fd(self.signalled.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self.selector.register(self.control, selectors.EVENT_READ)
        self.selector.register(self.wakeup, selectors.EVENT_READ)
        wanted = True
        while wanted:
            for key, _ in self.selector.select():
                if key.fileobj is self.control:
                    wanted = self._take()
                elif key.fileobj is self.wakeup:
                    self.wakeup.recv(4096)
                    self._reap()
                elif key.fd in self.jobs:
                    self._kill(self.jobs[key.fd])
        signal.set_wakeup_fd(-1)  # children that end from here on are not told of, and the socket is closed soon
        for job in self.jobs.values():
            self._kill(job)

    def _take(self) -> bool:
        """Start the next job; return whether there was one."""
        try:
            said, descriptors, _, _ = socket.recv_fds(self.control, 1, 2)
        except OSError:
            return False
        if not said:
            return False
        channel, lifeline = socket.socket(fileno=descriptors[0]), descriptors[1]
        try:
            process = os.fork()
        except OSError:  # no more processes: the asking side sees the channel close
            channel.close()
            os.close(lifeline)
            return True
        if not process:
            self._compute(channel, lifeline)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(process, process)
        self.jobs[lifeline] = Job(process, channel, lifeline)
        self.selector.register(lifeline, selectors.EVENT_READ)
        return True

    def _compute(self, channel: socket.socket, lifeline: int) -> None:
        """Answer one request in the child, which never returns from here."""
        done = False
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for end in (self.control, self.wakeup, self.signalled, *(job.channel for job in self.jobs.values())):
                end.close()
            for descriptor in (lifeline, *self.jobs):
                os.close(descriptor)
            confine(self.limits)
            body = b"".join(iter(lambda: channel.recv(65536), b""))
            channel.sendall(worker.answered(body) + b"\n")
            done = True
        finally:
            if not done:
                with contextlib.suppress(OSError):
                    channel.sendall(worker.mistake() + b"\n")
            os._exit(0 if done else 1)

    def _reap(self) -> None:
        """Tell of every child that has ended how it ended."""
        ended: dict[int, int] = {}
        with contextlib.suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if not process:
                    break
                ended[process] = os.waitstatus_to_exitcode(status)
        for job in [job for job in self.jobs.values() if job.process in ended]:
            del self.jobs[job.lifeline]
            self._forget(job)
            os.close(job.lifeline)
            with contextlib.suppress(OSError):
                job.channel.send(b"%d\n" % ended[job.process], socket.MSG_DONTWAIT)
            job.channel.close()

    def _kill(self, job: Job) -> None:
        """Kill a child that nobody waits for; it is reaped like any other."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.process, signal.SIGKILL)
        self._forget(job)  # the end of its pipe would be told again and again until then

    def _forget(self, job: Job) -> None:
        """Watch the pipe of a job no more; one that was killed is watched no more already where all are killed."""
        if job.lifeline in self.selector.get_map():
            self.selector.unregister(job.lifeline)


def main() -> None:
    """Import, warm up, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides when to end
    for request in WARMING:
        for stage in (b"derivation", b"steps", b"diagram", b"code"):
            worker.answered(request % stage)
    gc.collect()
    gc.freeze()  # what is here now stays: children share its memory
    control = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(OSError):  # the other side has ended meanwhile, and so does this one
        control.sendall(READY)
    ForkServer(control, Limits(float(sys.argv[2]), int(sys.argv[3]))).run()


if __name__ == "__main__":
    main()
