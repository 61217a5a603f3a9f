"""Hostile inputs, each in a process of its own that may use little, beside a canary.

`python -m trust.confined CASES.json` prints one line of JSON for each case: what it took, and what it did that it must
not do. A warm process forks a child for each, so that a case takes milliseconds. The canary: a file that must stay, an
environment variable that must not be printed, and a hook that notes what Python is asked to do (start processes, open
sockets, write files, run code that is not of a module or of our own generator).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trust.entries import DOORS
from trust.hostile import KEPT, MEGABYTES, SECRET

GIVEN_UP = 20
"""Seconds of computing after which a process is ended."""
STARTED = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "subprocess.Popen", "pty.spawn")
REACHED = (
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "urllib.Request",
    "ctypes.dlopen",
    "ctypes.call_function",
)
CHANGED = ("os.remove", "os.rename", "os.rmdir", "os.chmod", "os.link", "os.symlink", "shutil.rmtree", "os.truncate")
RUNNERS = ("importlib", "zipimport", "dataclasses.py", "collections/__init__.py", "typing.py", "runpy.py", "enum.py")
"""Who may run code: what imports modules, and what makes classes in the standard library."""
OURS = ("symprop/codegen/loading.py", "jinja2/environment.py", "sympy/polys/monomials.py")
"""Generated modules and templates; SymPy's products of monomials, which it writes for a number of symbols."""
LATE = ("torch", "torch._dynamo", "torch.distributed.nn", "sympy.physics.units")
"""Libraries, or parts of them, that are imported where something asks for them."""


class Canary:
    """Notes what a case does that it must not do, from `begin` on."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.folder = ""
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event of the interpreter; called for each."""
        if not self.folder:
            return
        if event in STARTED or event in REACHED:
            self.noted.append(f"{event} {arguments!r:.100}")
        elif event == "open" and _writes(arguments) and not self._here(arguments[0]):
            self.noted.append(f"writes {arguments[0]!r:.100}")
        elif event in CHANGED and not self._here(arguments[0]):
            self.noted.append(f"{event} {arguments!r:.100}")
        elif event == "exec":
            by = sys._getframe(1).f_code.co_filename
            if not any(each in by for each in (*RUNNERS, *OURS)):
                self.noted.append(f"runs {arguments[0].co_filename:.60} from {by:.80}")

    def _here(self, path: object) -> bool:
        if isinstance(path, int) or os.fsdecode(path).startswith("/dev/"):  # type: ignore[arg-type]
            return True
        return Path(os.fsdecode(path)).absolute().is_relative_to(self.folder)  # type: ignore[arg-type]


def _writes(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = arguments
    if isinstance(path, int):
        return False
    return any(letter in (mode or "") for letter in "wxa+") or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))


def told_of(case: dict[str, Any], canary: Canary) -> dict[str, Any]:
    """Run one case in this process, which ends thereafter; return what there is to say of it."""
    before, folder = set(os.listdir()), os.getcwd()
    door: Callable[[Any], object] = DOORS[case["door"]]
    held = _megabytes("VmRSS")
    start = time.process_time()
    canary.folder = folder
    problem = ""
    try:
        door(case["input"])
    except BaseException:  # told to whom asks
        problem = traceback.format_exc()
    canary.folder = ""
    took = time.process_time() - start
    wrong = [problem] if problem else []
    wrong += [f"did: {each}" for each in canary.noted]
    left = set(os.listdir()) - before
    if Path(KEPT).read_text(encoding="ascii") != "kept":
        wrong.append("the file was changed")
    if any(name.startswith(("executed", "pwned")) for name in left):
        wrong.append(f"left {left}")
    return {"seconds": took, "megabytes": max(0.0, _megabytes("VmHWM") - held), "wrong": wrong}


def _megabytes(what: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def confined(case: dict[str, Any], canary: Canary) -> dict[str, Any]:
    """Return what there is to say of a case, asked in a child."""
    read, write = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, KEPT).write_text("kept", encoding="ascii")
        child = os.fork()
        if not child:
            _in_the_child(case, canary, folder, write)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read()
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed = Path(folder, "printed").read_text(encoding="utf-8", errors="replace")
    if ended or not said:
        return {"seconds": 0.0, "megabytes": 0.0, "wrong": [f"ended with {ended}: {printed[-300:]}"]}
    told: dict[str, Any] = json.loads(said)
    if os.environ[SECRET] in printed or os.environ[SECRET] in said.decode():
        told["wrong"].append("the secret was printed")
    if "Traceback (most recent call last)" in printed:
        told["wrong"].append(f"printed a traceback: {printed[-300:]}")
    return told


def _in_the_child(case: dict[str, Any], canary: Canary, folder: str, write: int) -> None:
    os.chdir(folder)
    printed = os.open("printed", os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(printed, stream)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (GIVEN_UP, GIVEN_UP))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = told_of(case, canary)
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(write, json.dumps(told).encode())
    os._exit(0)


def main() -> None:
    """Ask each case of the file that is named."""
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="ascii"))
    for name in LATE:  # what a library does while it is imported is no case's doing
        if importlib.util.find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    canary = Canary()
    for case in cases:
        print(json.dumps(confined(case, canary)), flush=True)


if __name__ == "__main__":
    main()
