"""Files when something happens: a writer is killed, two write at once, the disk is full, something is in the way.

A killed process leaves the file that was there or the new one, whole; what it left beside is swept at the next start;
a training that was killed goes on with `--resume` to the numbers that it would have had.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import numpy as np

import symprop
from symprop import checkpoints, files
from symprop.cli import main
from symprop.codegen.gate import admitted
from symprop.errors import OutputError, SympropError
from symprop.files import write_whole
from symprop.weights import load_weights, save_weights
from tests.hostile_cases import CLASSIFIER, TABLE
from trust.measures import Measure, Outcome

NETWORK = "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
SHAPES = {"W1": (300, 200), "b1": (300,)}
COMMAND = ["train", CLASSIFIER, "--data", "t.csv", "--target", "y", "--epochs", "40", "-o", "w.npz", "--quiet"]
LONGEST = 0.06
"""Seconds after which a writer is killed at the latest: enough for several writings of each kind."""


@cache
def _pages() -> tuple[str, ...]:
    page = symprop.gradient("x @ A @ x", "x", x="n", A="n n").html() * 40
    return page + "a", page + "b"


@cache
def _made() -> tuple[str, ...]:
    return tuple(symprop.generate(NETWORK, dtype=dtype) for dtype in ("float64", "float32"))


def _write_sources() -> NoReturn:
    while True:
        for source in _made():
            write_whole("net.py", source, admitted)


def _write_pages() -> NoReturn:
    while True:
        for page in _pages():
            write_whole("page.html", page)


def _write_weights() -> NoReturn:
    number = 0.0
    while True:
        number += 1
        save_weights("w.npz", {name: np.full(shape, number) for name, shape in SHAPES.items()})


def _train() -> None:
    checkpoints.SECONDS = 0.0  # each epoch is kept, so that a kill meets a writing
    main(COMMAND)


def _whole_source() -> str:
    return "" if Path("net.py").read_text(encoding="utf-8") in _made() else "a torn module"


def _whole_page() -> str:
    return "" if Path("page.html").read_text(encoding="utf-8") in _pages() else "a torn page"


def _whole_weights() -> str:
    found = load_weights("w.npz", SHAPES).params
    return "" if len({value for array in found.values() for value in array.ravel()}) == 1 else "weights of two writings"


def _goes_on() -> str:
    """Go on with a training that was killed; its numbers are to be those of one that was not."""
    if not Path("w.npz").exists():
        resume = ["--resume"] if Path("w.unfinished.npz").exists() else []
        ended = _in_a_child(lambda: main([*COMMAND, *resume]))
        if ended:
            return f"going on ends with {ended}"
    return "" if Path("w.npz").read_bytes() == _trained()[0] else "other weights than without a break"


@cache
def _trained() -> tuple[bytes, float]:
    """Return the weights of the training without a break, and how long it takes."""
    with _folder():
        Path("t.csv").write_text(TABLE, encoding="utf-8")
        start = time.perf_counter()
        _in_a_child(_train)
        return Path("w.npz").read_bytes(), time.perf_counter() - start


@dataclass(frozen=True)
class Writing:
    """What is written again and again until it is killed, and what is wrong with what it left."""

    write: Callable[[], object]
    wrong: Callable[[], str]
    target: str


WRITINGS = (
    Writing(_write_sources, _whole_source, "net.py"),
    Writing(_write_pages, _whole_page, "page.html"),
    Writing(_write_weights, _whole_weights, "w.npz"),
    Writing(_train, _goes_on, "t.csv"),
)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def _started(work: Callable[[], object]) -> int:
    """Start a child that works and then ends; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = int(bool(work()))
    finally:
        os._exit(code)


def _in_a_child(work: Callable[[], object]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(_started(work), 0)[1])


def _leftovers() -> list[str]:
    return [path.name for path in Path().glob(files.TEMPORARY.format("*"))]


def killed(count: int, seed: int) -> Outcome:
    """Kill so many writers, each at a random moment, and look at what they left."""
    random, failures, left = Random(seed), [], 0
    for number in range(count):
        writing = WRITINGS[number % len(WRITINGS)]
        _made(), _pages(), _trained()
        with _folder():
            Path("t.csv").write_text(TABLE, encoding="utf-8")
            child = _started(writing.write)
            while not Path(writing.target).exists() and os.waitpid(child, os.WNOHANG) == (0, 0):
                time.sleep(0.001)
            time.sleep(random.uniform(0, _trained()[1] if writing.write is _train else LONGEST))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            for name in _leftovers():
                left += 1
                os.utime(name, (0, 0))  # as if it were of another day: what is of this minute is left alone
            try:
                wrong = writing.wrong()
            except SympropError as problem:
                wrong = str(problem)
            write_whole("next", "x")
            if swept := _leftovers():
                wrong = f"{wrong} left {swept}"
        if wrong:
            failures.append(f"{number}, {writing.target}: {wrong.strip()}")
    return Outcome(count, tuple(failures), {"temporary files left and swept": left})


def _two_writers() -> str:
    """Two write the same file at once; a reader sees the file of one of them."""
    contents = {letter * 300_000 for letter in "ab"}

    def write(letter: str) -> NoReturn:
        while True:
            write_whole("out", letter * 300_000)

    write_whole("out", "a" * 300_000)
    children = [_started(lambda letter=letter: write(letter)) for letter in "ab"]  # type: ignore[misc]
    try:
        torn = sum(Path("out").read_text(encoding="ascii") not in contents for _ in range(60))
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{torn} torn" if torn else ""


def _refused(work: Callable[[], object], words: str) -> str:
    try:
        work()
    except OutputError as problem:
        return "" if words in str(problem) else f"told as {problem}"
    return "was written"


@contextlib.contextmanager
def _mounted(options: str) -> Iterator[bool]:
    """Mount a small disk of memory at `disk`; false where that is not allowed."""
    Path("disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", "disk"]
    able = os.geteuid() == 0 and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield able
    finally:
        if able:
            subprocess.run(["umount", "-l", "disk"], check=False)


def _full_disk() -> str:
    """A disk of 256 kB: the old file stays, and nothing else."""
    with _mounted("size=256k") as able:
        if not able:
            return NOT_ABLE
        write_whole("disk/out", "old")
        wrong = _refused(lambda: write_whole("disk/out", "n" * 1_000_000), "the disk is full")
        wrong = wrong or _refused(lambda: save_weights("disk/w.npz", {"W1": np.zeros(100_000)}), "the disk is full")
        return wrong or ("" if os.listdir("disk") == ["out"] and Path("disk/out").read_text() == "old" else "left more")


def _read_only() -> str:
    """A disk that may only be read."""
    with _mounted("size=256k,ro") as able:
        if not able:
            return NOT_ABLE
        return _refused(lambda: write_whole("disk/out", "new"), "Read-only file system")


def _in_the_way() -> str:
    """A file stands where a folder would be, and a folder where a file would be."""
    Path("file").write_text("kept", encoding="ascii")
    Path("folder").mkdir()
    wrong = _refused(lambda: write_whole("file/out", "new"), "cannot write")
    wrong = wrong or _refused(lambda: write_whole("folder", "new"), "it is a directory")
    return wrong or ("" if Path("file").read_text(encoding="ascii") == "kept" else "the file was changed")


def _edited_by_hand() -> str:
    """A generated module that somebody has changed is kept without --force, and replaced with it."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        main(["generate", NETWORK, "-o", "net.py", "--quiet"])
        made = Path("net.py").read_text(encoding="utf-8")
        Path("net.py").write_text(f"{made}# mine\n", encoding="utf-8")
        refused = main(["generate", NETWORK, "-o", "net.py", "--quiet"])
        kept = Path("net.py").read_text(encoding="utf-8") == f"{made}# mine\n"
        main(["generate", NETWORK, "-o", "net.py", "--quiet", "--force"])
    replaced = Path("net.py").read_text(encoding="utf-8") == made
    return "" if refused == OutputError.exit_code and kept and replaced else f"{refused}, {kept}, {replaced}"


def _interrupted() -> str:
    """Ctrl-C in a training: it ends with 130, what was kept is whole, and it goes on."""
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    signal_of: dict[str, Any] = {}

    def work() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _train()

    child = _started(work)
    while not Path("w.unfinished.npz").exists() and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGINT)
    with contextlib.suppress(ChildProcessError):
        signal_of["ended"] = os.waitpid(child, 0)
    return _goes_on()


NOT_ABLE = "not able to mount"
SITUATIONS = (_two_writers, _full_disk, _read_only, _in_the_way, _edited_by_hand, _interrupted)


def situations(count: int, seed: int) -> Outcome:
    """Bring about so many situations, one kind after the other."""
    failures, unable = [], 0
    for number in range(count):
        situation = SITUATIONS[number % len(SITUATIONS)]
        with _folder():
            wrong = situation()
        unable += wrong == NOT_ABLE
        if wrong and wrong != NOT_ABLE:
            failures.append(f"{situation.__name__.strip('_')}: {wrong}")
    return Outcome(count - unable, tuple(failures), {"not able to mount": unable})


MEASURES = (
    Measure(
        "killed while writing",
        "A writer that is killed (kill -9) leaves no torn module, page or weights; what it leaves beside is swept, and"
        " a training goes on to the same bytes.",
        killed,
        short=4,
        usual=80,
        long=500,
    ),
    Measure(
        "files in bad places",
        "Two writers, a full disk, a read-only one, something in the way, an edited module, Ctrl-C in a training:"
        " what was there stays whole, and is told.",
        situations,
        short=6,
        usual=30,
        long=120,
    ),
)
