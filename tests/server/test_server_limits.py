"""No input stops the server: what runs too long or takes too much is stopped, alone, and the rest goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from symprop.server.desk import Busy, Desk, Superseded, Ticket
from symprop.server.limits import Limits
from symprop.server.processes import DIED, DONE, LATE, UNWANTED, ForkedProcesses, FreshProcesses, Processes
from symprop.server.worker import answered
from tests.patience import PATIENCE, until

ENDLESS = "Input(8) >> Repeat(Residual(Dense(8) >> Tanh()), 900) >> Dense(3) >> SoftmaxCrossEntropy()"
"""Its certificate takes many minutes."""
LARGE = "Input(4000) >> Dense(4000) >> Tanh() >> Dense(2) >> MeanSquaredError()"
"""Its certificate needs some hundred megabytes."""
SMALL = "Input(2) >> Dense(1) >> MeanSquaredError()"

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="processes are read from /proc, on Linux")


def gone(number: int) -> bool:
    """Whether a process has ended."""
    stat = Path(f"/proc/{number}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@contextlib.contextmanager
def busy(site: Any, text: str = ENDLESS, **state: Any) -> Iterator[Any]:
    """Ask for a certificate in another thread, and wait until it is computed."""
    before = len(site.children())
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(site.ask, "certificate", text, **state)
        assert until(lambda: len(site.children()) > before)
        yield future


@linux
def test_what_takes_too_long_is_stopped_while_others_are_answered(start: Any) -> None:
    site = start(Limits(seconds=4))
    assert site.ask("derivation", SMALL)["ok"]
    began = time.monotonic()
    with busy(site) as future:
        assert site.ask("derivation", SMALL)["ok"]
        assert not future.done()
        found = future.result(timeout=PATIENCE)
    assert time.monotonic() - began > 3.5
    assert not found["ok"] and found["problem"]["message"].startswith("stopped: the certificate takes more than 4 s")
    assert until(lambda: not site.children())


@linux
def test_what_takes_too_much_memory_is_stopped_while_others_are_answered(start: Any) -> None:
    site = start(Limits(seconds=60, megabytes=150))
    assert site.ask("derivation", SMALL)["ok"]
    with busy(site, LARGE) as future:
        assert site.ask("derivation", SMALL)["ok"]
        found = future.result(timeout=PATIENCE)
    assert not found["ok"] and found["problem"]["limit"], found
    assert "memory" in found["problem"]["message"].lower()
    assert site.ask("certificate", SMALL)["verdict"] == "ok"


def test_an_answer_is_no_longer_than_a_page_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"stage": "derivation", "text": "x @ x", "where": "x: n"}'
    monkeypatch.setattr("symprop.server.worker.ANSWER", len(answered(body)))
    assert json.loads(answered(body))["ok"]
    monkeypatch.setattr("symprop.server.worker.ANSWER", len(answered(body)) - 1)
    assert json.loads(answered(body))["problem"]["type"] == "LimitError"


@linux
def test_a_child_that_is_killed_is_told_of_and_the_next_one_works(site: Any) -> None:
    with busy(site) as future:
        (child,) = site.children()
        os.kill(child, signal.SIGKILL)
        found = future.result(timeout=PATIENCE)
    assert not found["ok"] and "ended without an answer" in found["problem"]["message"]
    assert site.ask("derivation", SMALL)["ok"]


@linux
def test_the_fork_server_is_started_anew_where_it_has_died(start: Any) -> None:
    site = start(Limits())
    assert site.ask("derivation", SMALL)["ok"]
    first = site.server.processes.process
    first.kill()
    first.wait()
    assert site.ask("derivation", SMALL)["ok"]
    assert site.server.processes.process.pid != first.pid


@linux
def test_the_fork_server_may_die_in_the_middle(start: Any) -> None:
    site = start(Limits(seconds=6))
    assert site.ask("derivation", SMALL)["ok"]
    with busy(site) as future:
        (child,) = site.children()
        site.server.processes.process.kill()
        assert site.ask("derivation", SMALL)["ok"]
        os.kill(child, signal.SIGKILL)  # nobody is left to stop it but its own limits
        found = future.result(timeout=PATIENCE)  # it is begun once more, by the new process
    assert "more than 6 s" in found["problem"]["message"]


@linux
def test_a_newer_text_of_a_tab_stops_the_older_one_and_no_other(site: Any) -> None:
    with busy(site, tab="one", sequence=1) as first, busy(site, tab="two", sequence=1) as second:
        newer = site.ask("derivation", SMALL, tab="one", sequence=2)
        assert newer["ok"]
        older = first.result(timeout=PATIENCE)
        assert older["status"] == 409 and older["superseded"]
        assert not second.done()
        late = site.ask("derivation", SMALL, tab="one", sequence=1)
        assert late["status"] == 409
        assert site.ask("derivation", SMALL, tab="two", sequence=2)["ok"]
    assert until(lambda: not site.children())


@linux
def test_a_browser_that_leaves_takes_its_computation_along(site: Any) -> None:
    body = json.dumps({"tab": "leaves", "sequence": 1, "stage": "certificate", "text": ENDLESS}).encode()
    head = "\r\n".join(f"{name}: {value}" for name, value in site.headers().items())
    with socket.create_connection(("127.0.0.1", site.server.port)) as connection:
        connection.sendall(f"POST /compute HTTP/1.1\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert until(lambda: site.children())
    assert until(lambda: not site.children(), 30)  # its limits end it after 60 s


@linux
def test_slow_computations_leave_room_for_quick_ones(site: Any) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(busy(site, tab=f"slow{tab}")) for tab in range(2)]
        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(site.ask, "certificate", ENDLESS, tab=f"waits{tab}") for tab in range(3)]
            assert site.ask("derivation", SMALL)["ok"]
            assert not any(future.done() for future in slow)
            assert len(site.children()) == 2
            for tab in ("slow0", "slow1", "waits0", "waits1", "waits2"):
                assert site.ask("derivation", SMALL, tab=tab, sequence=2)["ok"]
            assert {future.result(timeout=PATIENCE)["status"] for future in waiting} == {409}


def test_many_tabs_are_answered_at_once_each_with_its_own(site: Any) -> None:
    sizes = range(2, 22)
    with ThreadPoolExecutor(10) as threads:
        texts = [f"Input({size}) >> Dense(1) >> MeanSquaredError()" for size in sizes]
        found = list(threads.map(lambda text: site.ask("derivation", text), texts))
    for size, answer in zip(sizes, found, strict=True):
        assert answer["ok"] and f"({size},)" in answer["shapes"]


@linux
def test_nothing_is_left_where_the_server_itself_is_killed() -> None:
    body = json.dumps({"stage": "certificate", "text": ENDLESS}).encode()
    code = (
        "import symprop.server.handler as h, symprop.server.listening as l, symprop.server.limits as m, time\n"
        "server = l.Server(h.Handler, 0, m.Limits())\n"
        "print(server.processes.process.pid, flush=True)\n"
        f"server.processes.compute({body!r}, lambda: True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    fork_server = int(process.stdout.readline())
    children = Path(f"/proc/{fork_server}/task/{fork_server}/children")
    assert until(lambda: children.read_text().split())
    (child,) = map(int, children.read_text().split())
    process.kill()
    process.wait()
    process.stdout.close()
    assert until(lambda: gone(fork_server) and gone(child))


@linux
def test_nothing_is_left_where_the_server_ends_while_many_compute(capfd: pytest.CaptureFixture[str]) -> None:
    computing = ForkedProcesses(Limits())
    assert computing.compute(b'{"stage": "derivation", "text": "x", "where": "x:"}', lambda: True).how == DONE
    children = Path(f"/proc/{computing.process.pid}/task/{computing.process.pid}/children")
    body = json.dumps({"stage": "certificate", "text": ENDLESS}).encode()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(computing.compute, body, lambda: True) for _ in range(4)]
        assert until(lambda: len(children.read_text().split()) == 4)
        found = [computing.process.pid, *map(int, children.read_text().split())]
        computing.close()
        outcomes = [job.result(timeout=PATIENCE).how for job in jobs]
    assert outcomes == [DIED] * 4
    assert until(lambda: all(map(gone, found)))
    assert computing.process.pid == found[0]  # none was started anew for the jobs that died
    assert capfd.readouterr().err == ""


@linux
def test_jobs_that_nobody_wants_any_more_are_stopped_while_the_server_ends(capfd: pytest.CaptureFixture[str]) -> None:
    control, theirs = socket.socketpair()
    command = [sys.executable, "-m", "symprop.server.fork_server", str(theirs.fileno()), "60.0", "1024"]
    process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), start_new_session=True)
    theirs.close()
    assert control.recv(1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    body = json.dumps({"stage": "certificate", "text": ENDLESS}).encode()
    channels, lifelines = [], []
    for _ in range(3):
        (ours, given), (reading, writing) = socket.socketpair(), os.pipe()
        socket.send_fds(control, [b"j"], [given.fileno(), reading])
        given.close()
        os.close(reading)
        ours.sendall(body)
        ours.shutdown(socket.SHUT_WR)
        channels.append(ours)
        lifelines.append(writing)
    assert until(lambda: len(children.read_text().split()) == 3)
    found = [int(child) for child in children.read_text().split()]
    os.kill(process.pid, signal.SIGSTOP)  # so that all of it is there at once, as where the server was killed
    control.close()
    for writing in lifelines:
        os.close(writing)
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait(timeout=PATIENCE) == 0
    assert until(lambda: all(map(gone, found)))
    assert capfd.readouterr().err == ""
    for channel in channels:
        channel.close()


KINDS = [FreshProcesses] + ([ForkedProcesses] if os.name == "posix" else [])


@pytest.mark.parametrize("kind", KINDS)
def test_both_kinds_of_processes_answer_alike_stop_alike_and_are_late_alike(kind: type[Processes]) -> None:
    body = b'{"stage": "derivation", "text": "x @ x", "where": "x: n"}'
    endless = b'{"stage": "certificate", "text": "%s"}' % ENDLESS.encode()
    with contextlib.closing(kind(Limits(seconds=PATIENCE))) as computing:
        outcome = computing.compute(body, lambda: True)
        assert (outcome.how, outcome.answer, outcome.code) == (DONE, answered(body), 0)
        wanted = threading.Event()
        threading.Timer(0.5, wanted.set).start()
        assert computing.compute(endless, lambda: not wanted.is_set()).how == UNWANTED
    with contextlib.closing(kind(Limits(seconds=1))) as computing:
        assert computing.compute(endless, lambda: True).how == LATE


def test_a_process_has_its_limits_from_the_system() -> None:
    code = (
        "import resource\n"
        "from symprop.server.limits import Limits, confine\n"
        "confine(Limits(3, 64))\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_FSIZE)[0])\n"
        "try:\n    bytearray(80 * 2**20)\nexcept MemoryError:\n    print('refused')\n"
        "print(len(bytearray(16 * 2**20)))\n"
        "while True:\n    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.split() == ["4", "0", "refused", str(16 * 2**20)]
    assert done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}


def test_a_process_that_ends_without_an_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "symprop.server.processes._command", lambda *unused: [sys.executable, "-c", "raise SystemExit(3)"]
    )
    outcome = FreshProcesses(Limits()).compute(b"{}", lambda: True)
    assert (outcome.how, outcome.code) == (DIED, 3)


class TestDesk:
    """The desk alone, without processes."""

    def hold(self, desk: Desk, tab: str, sequence: int = 1, slow: bool = False, patience: float = 5.0) -> Any:
        return desk.admitted(tab, sequence, slow, patience)

    def test_an_older_text_is_refused_and_a_running_one_is_stopped(self) -> None:
        desk = Desk()
        with self.hold(desk, "a", 5) as ticket:
            assert ticket.wanted()
            with self.hold(desk, "a", 5) as beside, self.hold(desk, "b", 6):
                assert ticket.wanted() and beside.wanted()
                with self.hold(desk, "a", 6):
                    assert not ticket.wanted() and not beside.wanted()
            with pytest.raises(Superseded), self.hold(desk, "a", 5):
                raise AssertionError

    def test_a_place_becomes_free_when_its_holder_fails(self) -> None:
        desk = Desk(computations=1)
        with contextlib.suppress(KeyError), self.hold(desk, "a"):
            raise KeyError
        with self.hold(desk, "b", patience=0):
            pass

    def test_there_are_so_many_places_and_fewer_slow_ones(self) -> None:
        desk = Desk(computations=2, slow=1)
        with self.hold(desk, "a", slow=True):
            with pytest.raises(Busy), self.hold(desk, "b", slow=True, patience=0.1):
                raise AssertionError
            with self.hold(desk, "c"), pytest.raises(Busy), self.hold(desk, "d", patience=0.1):
                raise AssertionError

    def test_so_many_wait(self) -> None:
        desk = Desk(computations=1, waiting=1)

        def wait() -> str:
            try:
                with self.hold(desk, "b"):
                    return "admitted"
            except Busy:
                return "busy"

        with ThreadPoolExecutor(1) as threads:
            with self.hold(desk, "a"):
                future = threads.submit(wait)
                assert until(lambda: desk._waiting)
                with pytest.raises(Busy), self.hold(desk, "c"):
                    raise AssertionError
            assert future.result(timeout=PATIENCE) == "admitted"

    def test_slow_ones_that_wait_leave_the_places_of_others(self) -> None:
        desk = Desk(computations=2, slow=1, waiting=1)

        def wait() -> None:
            with self.hold(desk, "b", slow=True):
                pass

        with ThreadPoolExecutor(1) as threads:
            with self.hold(desk, "a", slow=True):
                future = threads.submit(wait)
                assert until(lambda: desk._waiting)
                with self.hold(desk, "c", patience=0):
                    pass
            future.result(timeout=PATIENCE)

    def test_who_has_left_is_not_waited_for(self) -> None:
        desk = Desk(computations=1)
        with self.hold(desk, "a"), pytest.raises(Superseded), desk.admitted("b", 1, False, 5.0, lambda: False):
            raise AssertionError

    def test_tabs_are_forgotten(self) -> None:
        desk = Desk()
        for tab in range(1000):
            with self.hold(desk, str(tab)) as ticket:
                assert isinstance(ticket, Ticket)
        assert len(desk._latest) <= 256
