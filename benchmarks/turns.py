"""Steps of one network by several tools, each in a process of its own, which take turns; for `images.py` and others.

A tool is entered by name in the `TOOLS` of a module: which library must be there, and what makes the step of a network.
All must agree in the loss and all gradients before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 21

Step = Callable[[], tuple[Any, dict[str, Any]]]


@dataclass(frozen=True)
class Tool:
    """Which library must be there, what makes the step of a network, and whether symprop is compared with it."""

    library: str
    build: Callable[[Any], Step]
    other: bool = False
    memory: bool = False


@dataclass(frozen=True)
class Comparison:
    """The tools of a module by name, its networks (with a name and a text), how much its gradients may differ in parts
    of the largest, and the gradients of a tool's step under symprop's names and in its shapes.

    With `together` the process of a tool has all networks, one after the other: its memory is not measured then, as
    what one network took is not given back. Each sample lasts `sample` seconds or one step."""

    module: str
    networks: Sequence[Any]
    tolerance: float
    results: Path
    turned: Callable[[str, Any, dict[str, Any]], dict[str, Any]] = lambda tool, network, grads: grads
    rounds: int = ROUNDS
    together: bool = False
    sample: float = 0.03
    threads: tuple[int, ...] = (1, 2)

    @property
    def tools(self) -> dict[str, Tool]:
        found: dict[str, Tool] = vars(import_module(self.module))["TOOLS"]
        return found


@cache
def _module(target: str, text: str, threads: int) -> Any:
    """Return a module of ours: one for all sizes of a batch, so that a compiler compiles it once."""
    import symprop

    return symprop.compile(text, dtype="float32", target=target, threads=threads)


def numpy_step(target: str, text: str, params: dict[str, Any], x: Any, y: Any) -> Step:
    """Return the step of a module of ours that works on NumPy's arrays; its `work` is its memory."""
    threads = int(os.environ["OMP_NUM_THREADS"]) if target == "numpy" else 1
    step = _module(target, text, threads).make_step(params, len(x))

    def call() -> tuple[Any, dict[str, Any]]:
        loss, grads = step(x, y)
        return loss, dict(grads)

    parts = vars(step.work).get("threads", [])
    vars(call)["work"] = [array for work in (step.work, *parts) for array in vars(work).values()]
    return call


def serve(pipe: Any, module: str, tool: str, clock: str) -> None:
    """Prepare networks and take samples, until the pipe is closed."""
    now: Callable[[], float] = time.process_time if clock == "processor" else time.perf_counter
    entered, step = vars(import_module(module)), dict
    while (asked := pipe.recv()) is not None:
        if not isinstance(asked, str):
            step = entered["TOOLS"][tool].build(asked)
            loss, grads = step()
            grads = entered["COMPARISON"].turned(tool, asked, grads)
            start = now()
            for _ in range(3):
                step()
            calls = max(1, round(entered["COMPARISON"].sample / max((now() - start) / 3, 1e-6)))
            pipe.send((float(loss), {name: np.array(value) for name, value in grads.items()}))
        elif asked == "memory":
            from benchmarks.step_memory import allocated, resident, settled

            work = vars(step).get("work")
            before = settled()
            step()
            pipe.send(resident("VmHWM") - before if work is None else allocated(work))
        else:
            step()
            if clock == "first":
                _schedule(os.SCHED_FIFO, 1)
            start = now()
            for _ in range(calls):
                step()
            pipe.send((now() - start) / calls)
            if clock == "first":
                _schedule(os.SCHED_OTHER, 0)
            time.sleep(0.02)


def _schedule(policy: int, priority: int) -> None:
    """Let all threads of this process run before those of others, or again beside them."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setscheduler(int(thread), policy, os.sched_param(priority))


class Worker:
    """A process for a tool."""

    def __init__(self, module: str, tool: str, clock: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, module, tool, clock), daemon=True)
        # read as the process imports NumPy: the module's own threads call BLAS side by side
        os.environ["OPENBLAS_NUM_THREADS"] = "1" if tool == "symprop" else os.environ["OMP_NUM_THREADS"]
        self.process.start()

    def ask(self, what: Any) -> Any:
        self.pipe.send(what)
        return self.pipe.recv()

    def close(self) -> None:
        self.pipe.send(None)
        self.process.join(10)


def started(comparison: Comparison, tools: list[str], clock: str) -> dict[str, Worker]:
    """Start a process for each tool."""
    return {tool: Worker(comparison.module, tool, clock) for tool in tools}


def closed(workers: dict[str, Worker]) -> dict[str, Worker]:
    """End the processes, and return that there are none."""
    for each in workers.values():
        each.close()
    return {}


def measured(comparison: Comparison, network: Any, workers: dict[str, Worker], rounds: int) -> dict[str, Any]:
    """Return the median seconds of each tool, and how symprop compares with the fastest of the others."""
    tools = list(workers)
    answers = {tool: each.ask(network) for tool, each in workers.items()}
    loss, grads = answers[tools[0]]
    for tool, (other, theirs) in answers.items():
        largest = max(np.abs(each).max() for each in grads.values())
        off = max(np.abs(grads[name] - theirs[name]).max() for name in grads) / largest
        if not (off < comparison.tolerance and abs(loss - other) < comparison.tolerance * abs(loss)):
            raise SystemExit(f"{network.name}: {tool} disagrees by {off:.1e}; nothing was timed")
    samples: dict[str, list[float]] = {tool: [] for tool in tools}
    for place in range(rounds):
        for tool in tools[place % len(tools) :] + tools[: place % len(tools)]:
            samples[tool].append(workers[tool].ask("sample"))
    known = comparison.tools
    memory = {tool: workers[tool].ask("memory") for tool in tools if known[tool].memory and not comparison.together}
    seconds = {tool: statistics.median(each) for tool, each in samples.items()}
    least = {tool: min(each) for tool, each in samples.items()}
    found = {"network": network.name, "text": network.text, "seconds": seconds, "least": least, "bytes": memory}
    others = [seconds[tool] for tool in tools if known[tool].other]
    if others:
        own = {tool: seconds[tool] for tool in tools if not known[tool].other}
        found["to fastest"] = {tool: each / min(others) for tool, each in own.items()}
        found["to fastest"]["the faster of them"] = min(own.values()) / min(others)
    return found


def told(threads: int, found: dict[str, Any]) -> str:
    """Return a line about one network."""
    line = ", ".join(f"{tool} {1e3 * each:.3g}" for tool, each in found["seconds"].items())
    ratio = ", ".join(f"{each:.2f}" for each in found.get("to fastest", {}).values())
    space = "".join(f"; {tool} {each / 1e6:.1f} MB" for tool, each in found["bytes"].items())
    return f"{threads} threads, {found['network']}: {line} ms; to the fastest {ratio}{space}"


def means(rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return the geometric mean, over the networks, of each tool's time to that of the fastest of the others."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        for tool, each in row.get("to fastest", {}).items():
            ratios.setdefault(tool, []).append(each)
    return {tool: math.exp(statistics.fmean(map(math.log, each))) for tool, each in ratios.items()}


def compare(comparison: Comparison, description: str | None) -> None:
    """Read the arguments of a program, measure, print a line for each network, and write the results."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, action="append", help="each in turn; without it, what the networks want")
    parser.add_argument("--only", default="", help="networks whose name holds this")
    parser.add_argument("--tools", nargs="+", choices=comparison.tools, help="all that are installed, without it")
    parser.add_argument("--rounds", type=int, default=comparison.rounds)
    parser.add_argument("--processor-time", action="store_true", help="seconds on the processor; for one thread")
    parser.add_argument("--first", action="store_true", help="before all other processes of the machine; for root")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    asked = given.tools or comparison.tools
    tools = [name for name, tool in comparison.tools.items() if name in asked and find_spec(tool.library)]
    records: dict[str, list[dict[str, Any]]] = {}
    for threads in given.threads or comparison.threads:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ[name] = str(threads)
        os.environ["JAX_PLATFORMS"] = "cpu"
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])  # XLA starts as many threads as there are cores
        rows = records.setdefault(f"{threads} threads", [])
        clock = "processor" if given.processor_time else "first" if given.first else "wall"
        workers: dict[str, Worker] = {}
        for network in (each for each in comparison.networks if given.only in each.name):
            workers = workers or started(comparison, tools, clock)
            rows.append(measured(comparison, network, workers, given.rounds))
            print(told(threads, rows[-1]), flush=True)
            if not comparison.together:
                workers = closed(workers)
        closed(workers)
        line = ", ".join(f"{tool} {each:.2f}" for tool, each in means(rows).items())
        print(f"{threads} threads, geometric means to the fastest: {line}", flush=True)
        os.sched_setaffinity(0, cores)
    output = given.output or (None if given.only or given.tools else comparison.results)
    if output is not None:
        output.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
