"""Compare training steps with PyTorch, `torch.compile`, JAX, autograd and NumPy by hand: loss and all gradients.

    make bench-steps
    .venv/bin/python benchmarks/steps.py --quick --only "64-64-64-10"

Four parts: the table of step times for eight networks, a sweep over batch sizes for two of them, peak memory, and the
time from a network's text (or its function) to its first gradients. Everything is float32 on two cores.

All tools are given the same parameters and the same batch, each in its own kind of array, made beforehand. What they
return is compared with plain NumPy in float64 before anything is timed. Each tool lives in a process of its own, for
reasons that `step_worker.py` gives; they take turns within each round, in an order that moves on by one each round, and
only one computes at a time. A sample is the mean of so many calls that it lasts some milliseconds, right after as many
untimed ones; the tables have medians of all rounds. JAX's results are waited for. symprop and the tuned NumPy overwrite
their gradients in the next step; all others make new arrays each time.

"products alone" is the time of the matrix products of a step by NumPy's BLAS and of nothing else; PyTorch and JAX bring
libraries of their own for them, so these can be faster than it.

Writes `benchmarks/results/steps.json` and `steps.svg` after a full run, and nothing else without `--output`. The whole
takes about 20 minutes; the machine must be idle: where a core is missing, those tools lose most whose threads spin.
JAX, PyTorch, autograd, numba and matplotlib are wanted here alone: `pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.progress import track

from benchmarks import step_tables as tables
from benchmarks.step_memory import countable
from benchmarks.step_networks import SWEEP_BATCHES, Network, networks, sweep
from benchmarks.step_tools import (
    COMPARED,
    COMPILED_SOONER,
    JAX,
    SYMPROP,
    SYMPROP_NUMBA,
    THREADS,
    TORCH,
    missing_for_numba,
)
from benchmarks.step_worker import Worker, wait_for_quiet, worker

RESULTS = Path(__file__).parent / "results" / "steps.json"
PARTS = ("steps", "sweep", "memory", "first")
SWEEP_TOOLS = ("symprop", "symprop, 2 threads", "PyTorch", "torch.compile", "JAX")
MEMORY_TOOLS = (SYMPROP.name, TORCH.name, JAX.name)
FIRST_TOOLS = (SYMPROP.name, COMPILED_SOONER.name, JAX.name)
"""Of `torch.compile` without options, which is ready sooner; its steps are timed with options."""
MEMORY_STEPS = 20
SLOW, SLOW_ROUNDS = 0.2, 5
"""Where one step of a tool takes more seconds than the first, it is timed in so many rounds only."""


def take_two_cores() -> None:
    """Let every process that starts from here have `THREADS` cores, and its libraries as many threads."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(THREADS)
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):  # XLA starts as many threads as there are cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def times(workers: dict[str, Worker], network: Network, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Return all samples of each tool, in seconds, after each has returned the right gradients.

    The second number counts the samples that began while another process was computing.
    """
    once = {name: each.ask("prepare", network) for name, each in workers.items()}
    names = list(workers)
    samples: dict[str, list[float]] = {name: [] for name in names}
    disturbed = 0
    for number in shown(range(rounds), network.label):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if once[name] > SLOW and number >= SLOW_ROUNDS:
                continue
            disturbed += not wait_for_quiet()
            samples[name].append(workers[name].ask("sample"))
    return samples, disturbed


def time_table(
    tools: Iterable[str], rows: Iterable[Network], rounds: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a record of step times for each network, and the versions of all libraries."""
    records, versions = [], {}
    with ExitStack() as open_workers:
        workers = {tool: open_workers.enter_context(worker(tool)) for tool in tools}
        for each in workers.values():
            versions |= each.ask("about")
        for network in rows:
            samples, disturbed = times(workers, network, rounds)
            seconds = {tool: statistics.median(values) for tool, values in samples.items()}
            quartiles = {tool: statistics.quantiles(values, n=4)[::2] for tool, values in samples.items()}
            records.append(named(network) | {"seconds": seconds, "quartiles": quartiles, "disturbed": disturbed})
    return records, versions


def ratios(records: list[dict[str, Any]]) -> None:
    """Add to each record how symprop compares with the fastest of the other libraries, and with the products alone."""
    for record in records:
        seconds = record["seconds"]
        record["fastest"] = fastest = min(tables.LIBRARIES, key=seconds.__getitem__)
        ours = [tool for tool in seconds if tool.startswith("symprop")]
        record["to fastest"] = {tool: seconds[tool] / seconds[fastest] for tool in ours}
        record["to products"] = {tool: seconds[tool] / seconds[tables.PRODUCTS] for tool in ours}


def geometric_means(records: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the geometric means of the ratios over all networks.

    >>> geometric_means([{"to fastest": {"a": 1.0}, "to products": {"a": 2.0}}, {"to fastest": {"a": 4.0},
    ...                   "to products": {"a": 2.0}}])
    {'to fastest': {'a': 2.0}, 'to products': {'a': 2.0}}
    """
    kinds = ("to fastest", "to products")
    logs = {
        kind: {tool: [math.log(record[kind][tool]) for record in records] for tool in records[0][kind]}
        for kind in kinds
    }
    return {kind: {tool: math.exp(statistics.mean(values)) for tool, values in logs[kind].items()} for kind in kinds}


def memory_table(rows: Iterable[Network]) -> list[dict[str, Any]]:
    """Return a record of peak memory for each network: one fresh process for each tool."""
    records = []
    for network in shown(list(rows), "memory"):
        found = {}
        for tool in MEMORY_TOOLS:
            with worker(tool) as fresh:
                found[tool] = fresh.ask("memory", network, MEMORY_STEPS)
        records.append(named(network) | {"bytes": found})
    return records


def first_calls(rows: Iterable[Network], repeats: int) -> list[dict[str, Any]]:
    """Return a record of the seconds to the first gradients for each network: medians over fresh processes."""
    records = []
    for network in shown(list(rows), "first calls"):
        seconds: dict[str, list[float]] = {tool: [] for tool in FIRST_TOOLS}
        for _ in range(repeats):
            for tool in FIRST_TOOLS:
                with worker(tool) as fresh:
                    seconds[tool].append(fresh.ask("first_call", network))
        records.append(named(network) | {"seconds": {tool: statistics.median(each) for tool, each in seconds.items()}})
    return records


def named(network: Network) -> dict[str, Any]:
    return {"network": network.name, "batch": network.batch, "text": network.text}


def shown(items: Any, label: str) -> Iterable[Any]:
    """Return the items; a bar shows on a terminal how many are done."""
    return track(items, label, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def processor() -> str:
    """Return the model name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="samples of each tool; 31, or 5 with --quick")
    parser.add_argument("--only", action="append", choices=[network.name for network in networks()], metavar="NAME")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="few rounds, two sizes in the sweep, first calls once")
    parser.add_argument("-o", "--output", type=Path, help="a .json file; the plot comes beside it")
    return parser.parse_args()


def measure(options: argparse.Namespace, rounds: int) -> dict[str, Any]:
    """Run the parts that were asked for; print each table when it is there, and return all numbers."""
    console = Console() if sys.stdout.isatty() else Console(width=150)
    chosen = [network for network in networks() if not options.only or network.name in options.only]
    batches = SWEEP_BATCHES[::3] if options.quick else SWEEP_BATCHES
    swept = [
        network for network in sweep() if network.batch in batches and network.name in {each.name for each in chosen}
    ]
    record: dict[str, Any] = {}
    tools = [tool.name for tool in COMPARED]
    if note := missing_for_numba():
        console.print(f"no column for {SYMPROP_NUMBA.name}: {note}")
        tools.remove(SYMPROP_NUMBA.name)
    if "steps" in options.parts:
        record["steps"], record["versions"] = time_table(tools, chosen, rounds)
        ratios(record["steps"])
        record["geometric means"] = geometric_means(record["steps"])
        console.print(tables.times(record["steps"], f"one step, µs: medians of {rounds} rounds, {THREADS} threads"))
        console.print(tables.ratios(record["steps"], record["geometric means"]))
    if "sweep" in options.parts and swept:
        record["sweep"], _ = time_table(SWEEP_TOOLS, swept, rounds)
        console.print(tables.times(record["sweep"], "one step by size of the batch, µs"))
    if "memory" in options.parts and countable():
        record["memory"] = memory_table(chosen)
        console.print(tables.memory(record["memory"], MEMORY_STEPS))
    if "first" in options.parts:
        record["first calls"] = first_calls(chosen, 1 if options.quick else 3)
        console.print(tables.first_calls(record["first calls"]))
    return record


def main() -> None:
    options = arguments()
    take_two_cores()
    rounds = options.rounds or (5 if options.quick else 31)
    record = measure(options, rounds)
    whole = not (options.only or options.quick or options.parts != PARTS)
    output = options.output or (RESULTS if whole else None)
    if output is None:
        return
    machine = {"processor": processor(), "machine": platform.machine(), "processors": os.cpu_count()}
    setting = machine | {"python": platform.python_version(), "threads": THREADS} | record.pop("versions", {})
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"setting": setting, "rounds": rounds, **record}, indent=2) + "\n", encoding="utf-8")
    if "steps" in record:
        from benchmarks.step_plot import plot

        plot(record["steps"], output.with_suffix(".svg"))


if __name__ == "__main__":
    main()
