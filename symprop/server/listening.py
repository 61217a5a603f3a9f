"""The server: it listens on this machine alone, reads many connections at once, and survives whatever they send."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from symprop.errors import OutputError
from symprop.server.desk import Desk
from symprop.server.limits import CONNECTIONS, PATIENCE, Limits
from symprop.server.page import Page
from symprop.server.processes import Processes, processes

LOOPBACK = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Serves the page on `port` of 127.0.0.1, each request by a `handler`; 0 takes a port that is free."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        port: int,
        limits: Limits,
        computing: Processes | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.limits, self.patience = limits, patience
        self.page, self.desk = Page(secrets.token_urlsafe(24), limits.seconds), Desk()
        self._reading: OrderedDict[socket.socket, None] = OrderedDict()
        self._lock, self._ending = threading.Lock(), contextlib.ExitStack()
        try:
            super().__init__((LOOPBACK, port), handler)
        except OverflowError:
            raise OutputError(f"there is no port {port}\nallowed: 0 to 65535") from None
        except OSError as problem:
            raise OutputError(
                f"port {port} of {LOOPBACK} cannot be used: {(problem.strerror or str(problem)).lower()}\n"
                "allowed: --port with another number, or 0 for one that is free"
            ) from None
        try:
            self.processes = computing or processes(limits)
        except OSError:
            self.server_close()
            raise
        self._ending.callback(self.processes.close)

    def server_bind(self) -> None:
        """Bind without asking for the name of this machine, which may take long where no name server answers."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self.server_port

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection; where too many are unfinished the oldest makes room."""
        with self._lock:
            self._reading[request] = None
            if len(self._reading) > CONNECTIONS:
                oldest, _ = self._reading.popitem(last=False)
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self.shutdown_request(request)

    def arrived(self, connection: socket.socket) -> None:
        """Note that the request of a connection has been read: the desk counts it from here on."""
        with self._lock:
            self._reading.pop(connection, None)

    def shutdown_request(self, request: Any) -> None:
        self.arrived(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell a mistake of the server in one line; a connection that breaks is none."""
        problem = sys.exception()
        if not isinstance(problem, OSError):
            print(f"symprop serve: {type(problem).__name__}: {problem}", file=sys.stderr)

    def server_close(self) -> None:
        """Stop listening and end all computations."""
        super().server_close()
        self._ending.close()
