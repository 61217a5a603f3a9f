"""Measure how reading, deriving, printing and generating grow with depth: 10, 100 and 1,000 layers.

    make bench

Prints a table of medians and, beside each, its ratio to the depth before (10 where growth is linear), then one of kinds
of layers, 100 and 400 of them, and writes `benchmarks/results/depth.json`. The aims are 100 layers in under 2 s, all
stages together, and 400 layers of any kind derived and generated in under a second. Kinds are measured in processes of
their own, which know no formula before. Seconds are those of the processor; of kinds the least of all runs, since what
else runs on the machine only adds. Nothing here is a test: a test would fail on a busy machine; the tests count
operations instead.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import sympy
from rich.console import Console
from rich.table import Table
from sympy.core.cache import clear_cache

import symprop

RESULTS = Path(__file__).parent / "results" / "depth.json"
AIM = "100 layers in under 2 s, 400 of any kind derived and generated in under 1 s"
KIND_DEPTHS = (100, 400)
T = TypeVar("T")

KINDS: dict[str, tuple[str, str, int, str]] = {
    "Dense": ("Input(16)", "Dense(8)", 1, ""),
    "Dense, ReLU": ("Input(16)", "Dense(8) >> ReLU()", 2, ""),
    "Dense, GELU": ("Input(16)", "Dense(8) >> GELU()", 2, ""),
    "Dense, PReLU": ("Input(16)", "Dense(8) >> PReLU()", 2, ""),
    "Dense, ReLU, Dropout": ("Input(16)", "Dense(8) >> ReLU() >> Dropout(0.1)", 3, ""),
    "Embedding, then Dense, Tanh at each position": (
        "Input(6) >> Embedding(20, 8, flatten=False)",
        "Dense(8) >> Tanh()",
        2,
        "",
    ),
    "Residual(Dense, ReLU)": ("Input(16) >> Dense(8)", "Residual(Dense(8) >> ReLU())", 2, ""),
    "Dense, LayerNorm": ("Input(16)", "Dense(8) >> LayerNorm()", 2, ""),
    "Dense, RMSNorm": ("Input(16)", "Dense(8) >> RMSNorm()", 2, ""),
    "Dense, BatchNorm": ("Input(16)", "Dense(8) >> BatchNorm()", 2, ""),
    "Residual(LayerNorm, Dense)": ("Input(16) >> Dense(8)", "Residual(LayerNorm() >> Dense(8))", 2, ""),
    "Conv2D, BatchNorm, ReLU": (
        "Input(8, 8, 3)",
        'Conv2D(4, 3, padding="same") >> BatchNorm() >> ReLU()',
        3,
        " >> Flatten()",
    ),
    "Attention": ("Input(6) >> Embedding(20, 8, flatten=False)", "Attention(2, causal=True)", 1, ""),
    "Residual(LayerNorm, Attention), Residual(LayerNorm, Dense, GELU, Dense)": (
        "Input(6) >> Embedding(20, 8, flatten=False)",
        "Residual(LayerNorm() >> Attention(2, causal=True))"
        " >> Residual(LayerNorm() >> Dense(16) >> GELU() >> Dense(8))",
        6,
        "",
    ),
}
"""Kinds of layers: what stands before a block, the block, how many layers it has, and what stands behind all blocks.

Activations, norms and dropout count as layers, an attention as one: 400 layers "Dense, LayerNorm" are 200 of each.
"""


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
    start = time.process_time()
    result = work()
    seconds[stage] = time.process_time() - start
    return result


def medians(depth: int, repeats: int) -> dict[str, float]:
    """Return the median seconds of each stage over `repeats` runs."""
    runs = [measure(depth) for _ in range(repeats)]
    return {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}


def of_kind(kind: str, depth: int) -> dict[str, float]:
    """Return the seconds in which `depth` layers of a kind are derived, and generated to read and fast."""
    before, block, layers, behind = KINDS[kind]
    text = f"{before} >> Repeat({block}, {depth // layers}){behind} >> Dense(4) >> SoftmaxCrossEntropy()"
    clock = time.process_time
    start = clock()
    derivation = symprop.derive(text, layout="rows")
    derived = clock()
    symprop.generate(derivation)
    read = clock()
    symprop.generate(derivation, fast=True)
    return {"derive": derived - start, "to read": read - derived, "fast": clock() - read}


def least(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the least seconds of each stage over some runs."""
    each = list(runs)
    return {stage: min(run[stage] for run in each) for stage in each[0]}


def kinds_table(kinds: dict[str, dict[int, dict[str, float]]]) -> Table:
    """Return a table of kinds: deriving, then the module to read and the fast one, each alone."""
    title = "seconds to derive + to generate the module to read, or fast"
    shown = Table("layers", "blocks at the last", *map(str, KIND_DEPTHS), title=title)
    for kind, found in kinds.items():
        blocks = f"{KIND_DEPTHS[-1] // KINDS[kind][2]}"
        times = ("{derive:.2f} + {to read:.2f}, {fast:.2f}".format(**each) for each in found.values())
        shown.add_row(kind, blocks, *times)
    return shown


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
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        tasks = [(kind, depth) for _ in range(options.repeats) for kind in KINDS for depth in KIND_DEPTHS]
        runs = list(zip(tasks, pool.starmap(of_kind, tasks, chunksize=1), strict=True))
    kinds = {
        kind: {depth: least(run for task, run in runs if task == (kind, depth)) for depth in KIND_DEPTHS}
        for kind in KINDS
    }
    Console().print(kinds_table(kinds))
    about = {"python": platform.python_version(), "sympy": sympy.__version__, "machine": platform.machine()}
    record = {
        "aim": AIM,
        "repeats": options.repeats,
        **about,
        "processors": os.cpu_count(),
        "seconds": results,
        "kinds": kinds,
    }
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
