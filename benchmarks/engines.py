"""Compare the modules for other engines with the gradients that those engines derive themselves.

    python benchmarks/engines.py

Both are compiled by the engine (`jax.jit`), from the networks of `step_networks.py` in float32, at three batch sizes,
and take turns in one process: a sample of one, a sample of the other, so that both meet the same machine. A ratio is
the median of the ratios of neighbouring samples; below 1, the derived backward pass is faster. Both must first give the
gradients that plain NumPy computes in float64. Writes `benchmarks/results/engines.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.step_networks import Data, Network, data, networks  # noqa: E402
from benchmarks.step_tools import jax_arrays, jax_function, load_jax  # noqa: E402
from benchmarks.step_worker import SAMPLE, TOLERANCE  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "engines.json"
BATCHES = (1, 64, 1024)
ROUNDS = 31

Call = Callable[[], tuple[Any, Any]]
"""A step on fixed arrays: loss and gradients by name, all computed when it returns."""


def jax_engine(network: Network, given: Data) -> tuple[Call, Call]:
    """Return the step of our module under `jax.jit`, and `jax.jit` of `jax.value_and_grad`, on the same arrays."""
    import jax

    import symprop

    arrays = jax_arrays(given)
    ours = jax.jit(symprop.compile(network.text, dtype="float32", target="jax").loss_and_grads)
    own = jax_function(network)
    return lambda: jax.block_until_ready(ours(*arrays)), lambda: jax.block_until_ready(own(*arrays))


ENGINES = {"jax": (load_jax, jax_engine)}
"""By name: what loads an engine and returns its version, and what makes the two steps of a network."""


def check(call: Call, given: Data, who: str) -> None:
    """Stop where a step does not give the gradients of plain NumPy."""
    loss, grads = call()
    errors = [abs(float(loss) - given.loss) / abs(given.loss)]
    errors += [
        float(np.abs(np.asarray(grads[name]) - true).max() / np.abs(true).max()) for name, true in given.grads.items()
    ]
    if not max(errors) <= TOLERANCE:
        raise SystemExit(f"{who} is off by {max(errors):.1e}")


def seconds(call: Call, count: int) -> float:
    """Return the time of one call, as the mean of so many."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def compared(ours: Call, own: Call, rounds: int) -> dict[str, float]:
    """Return the median times of both, and of their ratio in each round; who goes first changes from round to round."""
    count = max(1, math.ceil(SAMPLE / min(seconds(ours, 3), seconds(own, 3))))
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            second = seconds(own, count)
            times.append((seconds(ours, count), second))
        else:
            times.append((seconds(ours, count), seconds(own, count)))
    first, second = zip(*times, strict=True)
    return {"ours": median(first), "own": median(second), "ratio": median(a / b for a, b in times)}


def measured(engine: str, batches: tuple[int, ...], rounds: int) -> Iterator[dict[str, Any]]:
    """Yield the times of each network at each batch size, once both steps are known to be right."""
    for network in networks():
        for batch in batches:
            sized = replace(network, batch=batch)
            given = data(sized)
            ours, own = ENGINES[engine][1](sized, given)
            check(ours, given, f"symprop for {engine}, {sized.label}")
            check(own, given, f"{engine}, {sized.label}")
            yield {"engine": engine, "network": network.name, "batch": batch, **compared(ours, own, rounds)}


def main() -> None:
    """Measure, print a table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=list(ENGINES), action="append", help="default: all")
    parser.add_argument("--batch", type=int, action="append", help=f"default: {BATCHES}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    versions: dict[str, str] = {"numpy": np.__version__}
    for engine in options.engine or ENGINES:
        versions |= ENGINES[engine][0]()
        print(f"{'network, batch':32}{'symprop, us':>14}{engine + ', us':>14}{'ratio':>8}")
        for row in measured(engine, tuple(options.batch or BATCHES), options.rounds):
            rows.append(row)
            label = f"{row['network']}, {row['batch']}"
            print(f"{label:32}{1e6 * row['ours']:14.1f}{1e6 * row['own']:14.1f}{row['ratio']:8.2f}", flush=True)
        ratios = [row["ratio"] for row in rows if row["engine"] == engine]
        print(f"geometric mean of the ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}")
    written = {"cores": os.cpu_count(), "dtype": "float32", "versions": versions, "rows": rows}
    RESULTS.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
