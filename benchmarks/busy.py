"""What a step takes where another process keeps a core busy: beside its time on a quiet machine, as ratios.

    .venv/bin/python benchmarks/busy.py

Each network has a step with one and with two threads of OpenBLAS, and by JAX where it is installed: quiet, beside a
process that does nothing but run, and beside one that may run on the second core alone. Each case is a process of its
own, on two cores. The machine must be idle otherwise; a line says where it was not when its quiet samples began.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.step_networks import Network, networks
from benchmarks.step_worker import wait_for_quiet, worker

NAMES = ("64-64-64-10", "784-256-128-10", "784-1024-1024-10")
ROUNDS = 5
WAYS = (("one thread", "symprop", 1), ("two threads", "symprop", 2), ("JAX", "JAX", 2))
"""What a column is called, the tool, and how many threads OpenBLAS has."""


@contextmanager
def other(way: str) -> Iterator[None]:
    """Run a process beside the block that keeps a core busy; none where `way` is "quiet"."""
    if way == "quiet":
        if not wait_for_quiet(5):
            print("not quiet:", end=" ")
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        if way == "pinned" and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def seconds(tool: str, threads: int, network: Network, way: str) -> float:
    """Return the median seconds of one step."""
    os.environ["OPENBLAS_NUM_THREADS"] = str(threads)  # read by NumPy as a worker imports it
    with worker(tool) as each:
        each.ask("prepare", network)
        with other(way):
            return statistics.median(each.ask("sample") for _ in range(ROUNDS))


def main() -> None:
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    for network in networks():
        if network.name not in NAMES:
            continue
        for title, tool, threads in WAYS:
            if tool == "JAX" and importlib.util.find_spec("jax") is None:
                continue
            quiet, *others = (seconds(tool, threads, network, way) for way in ("quiet", "busy", "pinned"))
            ratios = ", ".join(f"{each / quiet:.1f}" for each in others)
            print(f"{network.label:<28} {title:<12} quiet {quiet * 1e6:>9,.0f} µs; busy, pinned: {ratios} times that")


if __name__ == "__main__":
    main()
