"""`symprop serve` as one starts it: the address, the browser, Ctrl-C, a port in use, limits that are none."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from symprop.cli import main
from tests.patience import PATIENCE, hear_interrupts


def serve(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "symprop", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=hear_interrupts,
    )


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"symprop is at http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)\n", line)
    assert found is not None, line
    return int(found[1])


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_with_one_line(sign: signal.Signals) -> None:
    process = serve("--no-browser", "--port", "0")
    connection = http.client.HTTPConnection("127.0.0.1", port_of(process), timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().read().startswith(b"<!DOCTYPE html>")
    connection.close()
    process.send_signal(sign)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err.strip()) == (0, "", "ended")


def test_it_opens_the_browser(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    script.chmod(0o755)
    process = serve("--port", "0", BROWSER=f"{script} %s")
    port = port_of(process)
    end = time.monotonic() + PATIENCE
    while not (seen.exists() and seen.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert seen.read_text() == f"http://127.0.0.1:{port}/\n"


def test_a_port_in_use_is_told_and_what_helps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = serve("--no-browser", "--port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4 and not out
    assert re.fullmatch(
        r"symprop: port \d+ of 127\.0\.0\.1 cannot be used: address already in use\nallowed: --port .*\n", err
    )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command in this process: signals are as before afterwards, and a server that would serve fails."""
    monkeypatch.setattr("symprop.server.listening.Server.serve_forever", lambda self: pytest.fail("it serves"))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--port", "70000"), 4),
        (("--port", "-1"), 4),
        (("--port", "x"), 2),
        (("--time-limit", "0"), 3),
        (("--time-limit", "nan"), 3),
        (("--time-limit", "inf"), 3),
        (("--memory-limit", "1"), 3),
        (("--memory-limit", "-5"), 3),
        (("--memory-limit", "10000000000"), 3),
        (("--host", "0.0.0.0"), 2),
    ],
)
def test_options_that_are_none(
    arguments: tuple[str, ...], code: int, heard: None, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = main(["serve", "--no-browser", *arguments])
    except SystemExit as left:  # what argparse refuses
        ended = left.code
    out, err = capsys.readouterr()
    assert ended == code and not out
    assert 1 <= len(err.splitlines()) <= 3 and "Traceback" not in err


def test_the_working_folder_is_never_imported_from(tmp_path: Path) -> None:
    for name in ("json.py", "numpy.py", "sympy.py"):
        (tmp_path / name).write_text("raise SystemExit('imported from the working folder')\n")
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("symprop")), "serve", "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=hear_interrupts,
    )
    port_of(process)
    time.sleep(2)  # the warm process imports meanwhile
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert err.strip() == "ended"
