"""Who is let in: the page of this start, from this machine, with small requests that arrive in time; no one else."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from typing import Any

import pytest

from symprop.server.limits import BODY, CONNECTIONS, Limits
from tests.patience import PATIENCE

QUESTION = {"tab": "t", "sequence": 1, "stage": "derivation", "text": "x @ x", "where": "x: n"}


def body(**changed: Any) -> bytes:
    return json.dumps({**QUESTION, **changed}).encode()


def raw(site: Any, content: bytes, timeout: float = PATIENCE) -> bytes:
    """Send bytes as they are, and no more, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=timeout) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
        return received


def test_the_page_is_served_with_a_strict_policy(site: Any) -> None:
    status, headers, content = site.send("GET", "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == policy["font-src"] == "'self'"
    assert policy["img-src"] == "'self' blob:"  # what the page has drawn itself, to make a PNG of it
    assert re.fullmatch(r"'sha256-[\w+/]+=' 'sha256-[\w+/]+='", policy["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]+=' 'sha256-[\w+/]+='", policy["style-src"])
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store" and "Access-Control-Allow-Origin" not in headers
    assert site.server.page.key.encode() in content
    addresses = re.findall(rb"(?:src|href|url)\s*[=(]\s*[\"']([^\"']*)", content)
    assert addresses and all(address.startswith((b"/", b"#")) for address in addresses)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/math.woff2", "font/woff2"), ("/icon.svg", "image/svg+xml"), ("/language", "text/html; charset=utf-8")],
)
def test_the_page_has_its_font_and_its_icon(site: Any, path: str, kind: str) -> None:
    status, headers, content = site.send("GET", path)
    assert status == 200 and headers["Content-Type"] == kind and len(content) == int(headers["Content-Length"]) > 200


def test_it_listens_on_this_machine_alone(site: Any) -> None:
    assert site.server.socket.getsockname()[0] == "127.0.0.1"


def test_what_the_page_sends_is_answered(site: Any) -> None:
    status, headers, content = site.send("POST", "/compute", body())
    assert status == 200 and headers["Content-Type"] == "application/json" and json.loads(content)["ok"]
    named = site.headers(Host=f"localhost:{site.server.port}", Origin=f"http://localhost:{site.server.port}")
    assert site.send("POST", "/compute", body(), named)[0] == 200


@pytest.mark.parametrize("host", [None, "", "127.0.0.1", "rebound.example:{}", "127.0.0.1:1", "[::1]:{}", "0.0.0.0:{}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_host_is_refused(site: Any, host: str | None, method: str) -> None:
    named = None if host is None else host.format(site.server.port)
    headers = site.headers(Host=named, Origin=f"http://{named}")
    status, _, content = site.send(method, "/" if method == "GET" else "/compute", body(), headers)
    assert status in {400, 421} and site.server.page.key.encode() not in content


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Origin": None}, 400),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://{host}"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Content_Type": None}, 400),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"X_Symprop_Key": None}, 403),
        ({"X_Symprop_Key": "another start"}, 403),
        ({"Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_another_sender_is_refused(site: Any, changed: dict[str, str | None], status: int) -> None:
    written = {name: value and value.format(host=site.host, port=site.server.port) for name, value in changed.items()}
    found, _, content = site.send("POST", "/compute", body(), site.headers(**written))
    assert found == status and set(json.loads(content)) == {"error"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"\xff\xfe",
        body(tab=""),
        body(tab="t" * 65),
        body(tab=7),
        body(sequence="1"),
        body(sequence=True),
        body(sequence=-1),
        body(sequence=1.5),
        body(sequence=2**60),
        b'{"tab": "t", "stage": "derivation", "text": "x", "sequence": ' + b"9" * 6000 + b"}",
        body(stage="__class__"),
        body(stage=None),
        body(stage=["derivation"]),
        body(stage={}),
    ],
)
def test_what_is_no_request_is_refused(site: Any, content: bytes) -> None:
    status, _, answer = site.send("POST", "/compute", content)
    assert status == 400 and json.loads(answer)["error"]


@pytest.mark.parametrize(
    "changed",
    [
        {"text": None},
        {"text": 7},
        {"text": ["x"]},
        {"text": "x" * 20_001},
        {"where": {}},
        {"by": "x" * 201},
        {"question": "__init__"},
        {"layout": "diagonal"},
        {"dtype": "object"},
        {"optimizer": "adm"},
        {"sizes": [1]},
        {"sizes": {"n": "4"}},
        {"sizes": {"n": 0}},
        {"sizes": {"n": True}},
        {"sizes": {"n": 10**12}},
        {"sizes": {f"n{i}": 4 for i in range(21)}},
        {"__class__": "x"},
        {"self": "x"},
    ],
)
def test_a_request_with_wrong_fields_is_told_so(site: Any, changed: dict[str, Any]) -> None:
    status, _, answer = site.send("POST", "/compute", body(tab="fields", **changed))
    found = json.loads(answer)
    assert status == 200 and not found["ok"] and found["problem"]["type"] in {"SpecError", "LimitError"}
    assert found["problem"]["message"].count("\n") <= 2


def test_a_long_body_is_refused_before_it_is_read(site: Any) -> None:
    head = "\r\n".join(f"{name}: {value}" for name, value in site.headers().items())
    answer = raw(site, f"POST /compute HTTP/1.1\r\n{head}\r\nContent-Length: {BODY + 1}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.0 413 ")


@pytest.mark.parametrize("length", ["", "-1", "1e3", "0x10", "９", "9" * 30, "+5"])
def test_a_wrong_length_is_refused(site: Any, length: str) -> None:
    head = "\r\n".join(f"{name}: {value}" for name, value in site.headers().items())
    answer = raw(site, f"POST /compute HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.0 411 ", b"HTTP/1.0 413 "))


def test_a_body_that_ends_early_is_refused(site: Any) -> None:
    head = "\r\n".join(f"{name}: {value}" for name, value in site.headers().items())
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=PATIENCE) as connection:
        connection.sendall(f"POST /compute HTTP/1.1\r\n{head}\r\nContent-Length: 100\r\n\r\n{{".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize("path", ["/x", "/../etc/passwd", "/page.html.j2", "//evil.example", "/%2e%2e/", "/compute/"])
def test_other_paths_are_not_there(site: Any, path: str) -> None:
    assert site.send("GET", path)[0] == 404
    assert site.send("POST", path, body())[0] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_not_there(site: Any, method: str) -> None:
    status, headers, _ = site.send(method, "/compute")
    assert status == 405 and headers["Allow"] == "POST" and "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/compute", "POST"), ("POST", "/", "GET")])
def test_a_method_at_the_wrong_path(site: Any, method: str, path: str, allow: str) -> None:
    status, headers, _ = site.send(method, path, body())
    assert status == 405 and headers["Allow"] == allow


@pytest.mark.parametrize(
    "content",
    [
        b"\r\n\r\n",
        b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_do_no_harm(site: Any, content: bytes) -> None:
    answer = raw(site, content)
    assert b"200 OK" not in answer and site.server.page.key.encode() not in answer
    assert site.send("GET", "/")[0] == 200


def test_a_request_that_trickles_in_is_cut_off(start: Any) -> None:
    site = start(Limits(), patience=0.6)
    letters = "GET / HTTP/1.1\r\n" + "X: y\r\n" * 100  # sending all of it takes more than 30 s
    sent = 0
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=PATIENCE) as connection:
        with contextlib.suppress(OSError):
            for letter in letters:
                connection.sendall(letter.encode())
                sent += 1
                time.sleep(0.05)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert sent < len(letters)


def test_a_body_that_trickles_in_is_cut_off(start: Any) -> None:
    site = start(Limits(), patience=0.6)
    head = "\r\n".join(f"{name}: {value}" for name, value in site.headers().items())
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=PATIENCE) as connection:
        connection.sendall(f"POST /compute HTTP/1.1\r\n{head}\r\nContent-Length: 100\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.0 408 ")


def test_many_silent_connections_keep_nobody_out(start: Any) -> None:
    site = start(Limits(), patience=10 * PATIENCE)  # so long it would wait with one of them, and nobody for that
    with contextlib.ExitStack() as stack:
        for _ in range(2 * CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", site.server.port), timeout=PATIENCE))
        assert site.send("GET", "/")[0] == 200
    assert site.ask("derivation", "x @ x", where="x: n")["ok"]
