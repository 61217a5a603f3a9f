"""One request of the browser: let in or refused, computed in a process of its own, answered with strict headers."""

from __future__ import annotations

import contextlib
import io
import json
import select
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

from symprop.errors import LimitError
from symprop.server.asked import SLOW_STAGES, STAGES
from symprop.server.desk import Busy, Superseded
from symprop.server.door import Refused, check_host, check_sender
from symprop.server.listening import Server
from symprop.server.printing import printed
from symprop.server.processes import DONE, LATE, UNWANTED, Outcome
from symprop.server.worker import in_words

LONGEST_TAB = 64
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), clipboard-read=(), clipboard-write=(self)",
}
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class _Timely(io.RawIOBase):
    """What is read from a connection before a deadline: a request that trickles in ends with `TimeoutError`."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Answers one request and closes the connection."""

    server: Server
    path = ""  # until the request has been read
    server_version = "symprop"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Timely(self.connection, time.monotonic() + self.server.patience))

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # the browser has gone
            super().finish()

    def do_GET(self) -> None:
        """Answer with the page, its font or its icon."""
        page, path = self.server.page, self.path.partition("?")[0]
        try:
            check_host(self.headers, self.server.port)
            if path not in page.files:
                raise Refused(405 if path == "/compute" else 404, "there is nothing here but the page itself")
        except Refused as refused:
            return self._refuse(refused)
        kind, content = page.files[path]
        self._put(200, kind, content, {"Cache-Control": "no-store" if path == "/" else "max-age=3600"})

    def do_POST(self) -> None:
        """Compute what the page asks."""
        try:
            host = check_host(self.headers, self.server.port)
            if self.path != "/compute":
                raise Refused(405 if self.path in self.server.page.files else 404, "ask at /compute")
            length = check_sender(self.headers, host, self.server.page.key)
            body = self.rfile.read(length)
            if len(body) != length:
                raise Refused(400, "the request ends too early")
            tab, sequence, stage = _addressed(body)
        except Refused as refused:
            return self._refuse(refused)
        except TimeoutError:
            return self._refuse(Refused(408, f"a request arrives within {self.server.patience:g} s"))
        self.server.arrived(self.connection)
        try:
            with self.server.desk.admitted(
                tab, sequence, stage in SLOW_STAGES, self.server.limits.seconds, self._is_there
            ) as ticket:
                outcome = self.server.processes.compute(body, ticket.wanted)
                answer = printed(outcome.answer) if outcome.how == DONE and stage == "report" else outcome.answer
        except Superseded:
            outcome = Outcome(UNWANTED)
        except Busy:
            return self._refuse(Refused(503, "too much is being computed already; try again in a moment"))
        if outcome.how == DONE:
            return self._put(200, JSON, answer)
        if outcome.how == UNWANTED:
            return self._put(409, JSON, json.dumps({"superseded": True}).encode())
        self._put(200, JSON, json.dumps(in_words(self._stopped(outcome, stage))).encode())

    def _stopped(self, outcome: Outcome, stage: str) -> LimitError:
        """Say in words why a computation has no answer."""
        limits = self.server.limits
        if outcome.how == LATE:
            what = f"stopped: the {stage} takes more than {limits.seconds:g} s"
            allowed = "allowed: something smaller, or symprop serve --time-limit with more seconds"
        else:
            what = f"stopped: the {stage} ended without an answer, most likely for want of memory"
            allowed = (
                f"it may take {limits.megabytes:,} MB and {limits.seconds:g} s; more by --memory-limit, --time-limit"
            )
        return LimitError(f"{what}\n{allowed}")

    def _is_there(self) -> bool:
        """Whether the browser still waits: a closed connection can be read, and has nothing."""
        try:
            if not select.select([self.connection], [], [], 0)[0]:
                return True
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    def _refuse(self, refused: Refused) -> None:
        allow = {"Allow": "POST" if self.path == "/compute" else "GET"} if refused.status == 405 else {}
        self._put(refused.status, JSON, json.dumps({"error": refused.reason}).encode(), allow)

    def _put(self, status: int, kind: str, content: bytes, more: dict[str, str] | None = None) -> None:
        self.connection.settimeout(self.server.patience)
        self.close_connection = True
        self.send_response(status)
        headers = {
            **FIXED,
            "Content-Security-Policy": self.server.page.policy,
            "Cache-Control": "no-store",
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Connection": "close",
            **(more or {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the standard library cannot read, and methods that there are not."""
        self._refuse(Refused(405, "no such method") if code == 501 else Refused(code, "the request cannot be read"))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is the user's."""


def _addressed(body: bytes) -> tuple[str, int, str]:
    """Return tab, sequence and stage of a request; the rest is read where it is computed.

    Raises:
        Refused: there are none.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the request is no JSON") from None
    if not isinstance(given, dict):
        raise Refused(400, "the request is no JSON object")
    tab, sequence, stage = given.get("tab"), given.get("sequence"), given.get("stage")
    if not (isinstance(tab, str) and 0 < len(tab) <= LONGEST_TAB):
        raise Refused(400, "the request names no tab")
    if type(sequence) is not int or not 0 <= sequence < 2**53:
        raise Refused(400, "the request has no sequence")
    if stage not in STAGES:
        raise Refused(400, f"the stages are {', '.join(STAGES)}")
    return tab, sequence, stage
