"""Hostile inputs by every door, each in a process that may use little, beside a canary; also under `python -O`.

Executed 0, tracebacks 0, over 2 seconds of computing 0, over 500 megabytes 0.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.hostile_cases import FOLDER
from trust import calls
from trust.measures import Measure, Outcome

MEGABYTES = 500
SECONDS = 2.0
SECRET = "SYMPROP_CANARY"
KEPT = "kept.txt"
ROOT = Path(__file__).parents[1]
ALSO: dict[str, tuple[str, ...]] = {
    "formula": ("program: gradient", "program: compare", "command line: gradient", "page: formula", "page: code"),
    "network": ("program: derive", "command line: derive", "file: network", "page: network"),
    "declarations": ("page: where",),
    "variable": ("page: name",),
    "module": ("program: data",),
    "cli": ("command line",),
    "train": ("file: table",),
    "weights": ("file: weights",),
    "import": ("import",),
    "latex": ("program: LaTeX", "program: compare", "command line: gradient", "page: formula"),
}
"""By which doors rows of an entry point come in, beside the function of that name."""
FEW = 50
"""Below so many cases one process is started, not two."""
FUNCTIONS = ("variable", "size", "activation_name", "loss_name", "formula", "activation", "loss", "network")
FUNCTIONS += ("declarations", "where")


def cases() -> Iterator[dict[str, Any]]:
    """Yield what is asked: every row of the corpus at every door that it fits, every call with every wrong value."""
    for path in sorted(FOLDER.glob("*.json")):
        for row in json.loads(path.read_text(encoding="ascii")):
            doors: dict[str, None] = {}
            for entry in row["entry_points"]:
                doors |= dict.fromkeys((f"program: {entry}",) if entry in FUNCTIONS else ())
                doors |= dict.fromkeys(ALSO.get(entry, ()))
            for door in doors:
                yield {"id": f"{path.stem}: {row['id']}", "door": door, "input": row["input"]}
    for each in calls.asked():
        yield {"id": f"{each['call']}, {each['argument']}={each['value']}", "door": "program: call", "input": each}


def asked(chosen: list[dict[str, Any]], optimised: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each case with what a confined process says of it."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "cases.json")
        listed.write_text(json.dumps(chosen), encoding="ascii")
        command = [sys.executable, *(["-O"] if optimised else []), "-m", "trust.confined", str(listed)]
        threads = {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        around = {**os.environ, **threads, SECRET: secrets.token_hex(16)}
        run = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, check=False)
    said = run.stdout.splitlines()
    if run.returncode or len(said) != len(chosen):
        raise RuntimeError(f"{len(said)} of {len(chosen)} cases were asked: {run.stderr[-2000:]}")
    yield from zip(chosen, map(json.loads, said), strict=True)


def refused(count: int, seed: int) -> Outcome:
    """Ask so many cases, drawn from all of them, half of them under `python -O`; a few cases all so."""
    modes = (False, True) if count >= FEW else (True,)
    every = [(case, optimised) for case in cases() for optimised in modes]
    Random(seed).shuffle(every)
    chosen = every[:count]
    slowest, largest, failures, doors = 0.0, 0.0, [], set[str]()
    for optimised in modes:
        for case, told in asked([each for each, how in chosen if how is optimised], optimised):
            wrong = [*told["wrong"]]
            wrong += [f"took {told['seconds']:.1f} s"] if told["seconds"] > SECONDS else []
            wrong += [f"took {told['megabytes']:.0f} MB"] if told["megabytes"] > MEGABYTES else []
            slowest, largest = max(slowest, told["seconds"]), max(largest, told["megabytes"])
            doors.add(case["door"])
            if wrong:
                how = " (python -O)" if optimised else ""
                failures.append(f"{case['id']}, {case['door']}{how}: {'; '.join(wrong)[-700:]}")
    figures = {"doors": len(doors), "longest, s": round(slowest, 2), "most, MB": round(largest)}
    return Outcome(len(chosen), tuple(failures), figures)


MEASURES = (
    Measure(
        "hostile inputs",
        "Hostile inputs by program, command line, file, import and page run nothing, end in words, and take at most"
        " 2 s and 500 MB; so too under `python -O`.",
        refused,
        short=12,
        usual=1_200,
        long=100_000,
    ),
)
