"""Who is let in: our own page, from this machine, and nothing that another page or site sends.

Pages from elsewhere can make a browser send requests to this machine. They cannot choose the `Host` header (which a
name that was rebound to 127.0.0.1 gives away) nor the `Origin`, cannot send JSON without asking first (which nothing
here allows), and cannot read the page, which holds the key of this start.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from email.message import Message

from symprop.server.limits import BODY

KEY_HEADER = "X-Symprop-Key"


class Refused(Exception):
    """A request that is not let in: its status and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def hosts(port: int) -> tuple[str, ...]:
    """Return what the `Host` header may say.

    >>> hosts(8765)
    ('127.0.0.1:8765', 'localhost:8765')
    """
    names = ("127.0.0.1", "localhost")
    return (*(f"{name}:{port}" for name in names), *(names if port == 80 else ()))


def check_host(headers: Message, port: int) -> str:
    """Return the host that was asked for.

    Raises:
        Refused: it is not this machine.
    """
    host = _only(headers, "Host").lower()
    if host not in hosts(port):
        raise Refused(421, "this page is for 127.0.0.1 and localhost alone")
    return host


def check_sender(headers: Message, host: str, key: str) -> int:
    """Return the length of the body that our own page sends.

    Raises:
        Refused: another page sends it, it is no JSON, or it is too long.
    """
    if _only(headers, "Origin") != f"http://{host}":
        raise Refused(403, "only the page itself may ask")
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise Refused(403, "only the page itself may ask")
    if _only(headers, "Content-Type").lower().replace(" ", "") not in (
        "application/json",
        "application/json;charset=utf-8",
    ):
        raise Refused(415, "a request is JSON")
    given = headers.get(KEY_HEADER, "")
    if not hmac.compare_digest(given.encode("latin-1", "replace"), key.encode()):
        raise Refused(403, "the server was started anew: reload the page")
    if headers.get_all("Transfer-Encoding"):
        raise Refused(411, "a request says how long it is")
    length = _only(headers, "Content-Length", 411)
    if not (length.isascii() and length.isdecimal() and len(length) < 20):
        raise Refused(411, "a request says how long it is")
    if int(length) > BODY:
        raise Refused(413, f"a request has at most {BODY:,} bytes")
    return int(length)


def _only(headers: Message, name: str, status: int = 400) -> str:
    found: Sequence[str] = headers.get_all(name, [])
    if len(found) != 1:
        raise Refused(status, f"a request has one {name} header")
    return str(found[0]).strip()
