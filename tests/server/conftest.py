"""A server for the tests of this folder, on a port of its own, and a way to ask it as the page does."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from symprop.server.door import KEY_HEADER
from symprop.server.handler import Handler
from symprop.server.limits import Limits
from symprop.server.listening import Server
from symprop.server.processes import ForkedProcesses, Processes
from tests.patience import PATIENCE


@dataclass
class Site:
    """A running server, asked by its own rules."""

    server: Server
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def headers(self, **changed: str | None) -> dict[str, str]:
        """The headers of the page's own requests, with some changed, or left out where they are None."""
        own = {
            "Host": self.host,
            "Origin": f"http://{self.host}",
            "Content-Type": "application/json",
            KEY_HEADER: self.server.page.key,
        }
        given = {name.replace("_", "-"): value for name, value in changed.items()}
        return {name: value for name, value in {**own, **given}.items() if value is not None}

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send one request and return status, headers and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (headers if headers is not None else self.headers()).items():
                connection.putheader(name, value)
            if method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def ask(self, stage: str, text: str, tab: str | None = None, sequence: int = 1, **state: Any) -> dict[str, Any]:
        """Ask as the page does; each question comes from a tab of its own, if none is named."""
        tab = tab or f"tab{next(self.numbers)}"
        body = json.dumps({"tab": tab, "sequence": sequence, "stage": stage, "text": text, **state}).encode()
        status, _, content = self.send("POST", "/compute", body)
        return {"status": status, **json.loads(content)}

    def children(self) -> list[int]:
        """The processes that compute now."""
        computing = self.server.processes
        assert isinstance(computing, ForkedProcesses)
        process = computing.process.pid
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@contextlib.contextmanager
def running(limits: Limits, patience: float = 10.0, computing: Processes | None = None) -> Iterator[Site]:
    """Run a server in a thread for the time of the block."""
    server = Server(Handler, 0, limits, computing, patience)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Site(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A server with the limits that a user has."""
    with running(Limits()) as started:
        assert started.ask("derivation", "x", where="x:")["ok"]  # from here on it is warm
        yield started


Start = Callable[..., Site]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers with limits of their own, which end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **keywords: stack.enter_context(running(*arguments, **keywords))
