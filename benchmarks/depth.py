"""Measure how reading, deriving, printing and generating grow with depth: 10, 100 and 1,000 layers.

    make bench

Prints a table of medians and, beside each, its ratio to the depth before (10 where growth is linear), and writes
`benchmarks/results/depth.json`. The aim is 100 layers in under 2 s, all stages together. Nothing here is a test: a
test would fail on a busy machine; the tests count operations instead.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import sympy
from rich.console import Console
from rich.table import Table
from sympy.core.cache import clear_cache

import symprop

RESULTS = Path(__file__).parent / "results" / "depth.json"
AIM = "100 layers in under 2 s"
T = TypeVar("T")


def network_text(depth: int) -> str:
    """Return a network of `depth` Dense layers, half of them in residual blocks."""
    pairs = (depth - 2) // 2
    return (
        f"Input(16) >> Dense(8) >> Tanh() >> Repeat(Dense(8) >> Tanh() >> Residual(Dense(8) >> ReLU()), {pairs})"
        " >> Dense(4) >> SoftmaxCrossEntropy()"
    )


def measure(depth: int) -> dict[str, float]:
    """Return the seconds that each stage takes on a network of `depth` layers, SymPy's cache being empty at first."""
    clear_cache()
    seconds: dict[str, float] = {}
    text = network_text(depth)
    network = timed(seconds, "read", lambda: symprop.parse_network(text))
    derivation = timed(seconds, "derive", lambda: symprop.derive(network))
    timed(seconds, "pretty", derivation.pretty)
    timed(seconds, "text", derivation.text)
    timed(seconds, "latex", derivation.latex)
    timed(seconds, "generate", lambda: symprop.generate(network))
    seconds["all"] = sum(seconds.values())
    return seconds


def timed(seconds: dict[str, float], stage: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    seconds[stage] = time.perf_counter() - start
    return result


def medians(depth: int, repeats: int) -> dict[str, float]:
    """Return the median seconds of each stage over `repeats` runs."""
    runs = [measure(depth) for _ in range(repeats)]
    return {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}


def table(results: dict[int, dict[str, float]]) -> Table:
    """Return the medians as a table, one column for each depth, the ratio to the depth before in brackets."""
    depths = list(results)
    shown = Table("stage", *(f"{depth:,} layers" for depth in depths), title="seconds (ratio to the column before)")
    for stage in results[depths[0]]:
        cells = [f"{results[depths[0]][stage]:.3f}"]
        for before, depth in pairwise(depths):
            cells.append(f"{results[depth][stage]:.3f} ({results[depth][stage] / results[before][stage]:.1f})")
        shown.add_row(stage, *cells)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    measure(options.depths[0])  # imports, templates and compiled patterns are not what is measured
    results = {depth: medians(depth, options.repeats) for depth in options.depths}
    Console().print(table(results))
    about = {"python": platform.python_version(), "sympy": sympy.__version__, "machine": platform.machine()}
    record = {"aim": AIM, "repeats": options.repeats, **about, "processors": os.cpu_count(), "seconds": results}
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
