"""Compare steps of networks of images with PyTorch, `torch.compile` and JAX: loss and all gradients, float32.

    make bench-images
    python benchmarks/images.py --threads 1 --only ResNet

symprop's NumPy, numba and JAX targets beside PyTorch (eager; channels first, which is its default, and last),
`torch.compile` over loss and gradients together, and JAX's `jit` of `value_and_grad` of a plain forward pass. All get
the same parameters and images, and must agree in the loss and all gradients before anything is timed. Each tool lives
in a process of its own, and they take turns, as in `steps.py`; what is not installed is left out. `--processor-time`
counts the time on the processor, which another process that is at work disturbs less; with one thread it is what a
quiet machine takes. `--first` lets a tool run before all other processes while it is timed, with two threads too. With
two, symprop's NumPy module has `threads=2`, and BLAS one for each of these. Memory is symprop's workspace, beside the
peak of a step above what there was before it. Writes `benchmarks/results/images.json`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.image_networks import (
    NETWORKS,
    ImageNetwork,
    data,
    jax_loss,
    torch_arrays,
    torch_loss,
    turned_back,
)

RESULTS = Path(__file__).parent / "results" / "images.json"
ROUNDS = 21
TOLERANCE = 2e-3
"""Relative to the largest of all gradients: float32 through norms and sums of 50,000 pixels, added in other orders."""

Step = Callable[[], tuple[Any, dict[str, Any]]]


def numpy_step(target: str) -> Callable[[ImageNetwork], Step]:
    def build(network: ImageNetwork) -> Step:
        import symprop

        params, x, y = data(network)
        threads = int(os.environ["OMP_NUM_THREADS"]) if target == "numpy" else 1
        module = symprop.compile(network.text, dtype="float32", target=target, threads=threads)
        step = module.make_step(params, network.batch)

        def call() -> tuple[Any, dict[str, Any]]:
            return step(x, y)

        parts = vars(step.work).get("threads", [])
        vars(call)["work"] = [array for work in (step.work, *parts) for array in vars(work).values()]
        return call

    return build


def own_jax_step(network: ImageNetwork) -> Step:
    import jax

    import symprop

    params, x, y = data(network)
    arrays = jax.block_until_ready(jax.device_put((params, x, np.eye(10, dtype=np.float32)[y])))
    ours = jax.jit(symprop.compile(network.text, dtype="float32", target="jax").loss_and_grads)
    return lambda: jax.block_until_ready(ours(*arrays))


def jax_step(network: ImageNetwork) -> Step:
    import jax

    params, x, y = data(network)
    arrays = jax.block_until_ready(jax.device_put((params, x, y.astype(np.int32))))
    own = jax.jit(jax.value_and_grad(jax_loss(network)))
    return lambda: jax.block_until_ready(own(*arrays))


def torch_step(compiled: bool = False, last: bool = False) -> Callable[[ImageNetwork], Step]:
    def build(network: ImageNetwork) -> Step:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        params, x, y = data(network)
        turned, x = torch_arrays(network, params, x)
        y = torch.tensor(y)
        if last:
            x = x.to(memory_format=torch.channels_last)
            turned = {k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in turned.items()}
        loss = torch_loss(network)
        if compiled:
            both = torch.compile(torch.func.grad_and_value(loss), fullgraph=True, dynamic=False)
            return lambda: both(turned, x, y)[::-1]
        names = list(turned)
        turned = {name: value.requires_grad_() for name, value in turned.items()}

        def step() -> tuple[Any, dict[str, Any]]:
            value = loss(turned, x, y)
            return value.detach(), dict(zip(names, torch.autograd.grad(value, list(turned.values())), strict=True))

        return step

    return build


TOOLS: dict[str, tuple[str, Callable[[ImageNetwork], Step]]] = {
    "symprop": ("numpy", numpy_step("numpy")),
    "symprop, numba": ("numba", numpy_step("numba")),
    "symprop, JAX": ("jax", own_jax_step),
    "PyTorch": ("torch", torch_step()),
    "PyTorch, channels last": ("torch", torch_step(last=True)),
    "torch.compile": ("torch", torch_step(compiled=True)),
    "JAX": ("jax", jax_step),
}
"""By name: which library must be there, and what makes the step of a network."""
OTHERS = ("PyTorch", "PyTorch, channels last", "torch.compile", "JAX")
BY_MEMORY = ("symprop", "PyTorch")


def serve(pipe: Any, tool: str, clock: str) -> None:
    """Prepare networks and take samples, until the pipe is closed."""
    now: Callable[[], float] = time.process_time if clock == "processor" else time.perf_counter
    step: Step = dict
    while (asked := pipe.recv()) is not None:
        if isinstance(asked, ImageNetwork):
            step = TOOLS[tool][1](asked)
            loss, grads = step()
            grads = turned_back(asked, grads) if "orch" in tool else grads
            start = now()
            for _ in range(3):
                step()
            calls = max(1, round(0.03 / max((now() - start) / 3, 1e-6)))
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

    def __init__(self, tool: str, clock: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, tool, clock), daemon=True)
        # read as the process imports NumPy: the module's own threads call BLAS side by side
        os.environ["OPENBLAS_NUM_THREADS"] = "1" if tool == "symprop" else os.environ["OMP_NUM_THREADS"]
        self.process.start()

    def ask(self, what: Any) -> Any:
        self.pipe.send(what)
        return self.pipe.recv()

    def close(self) -> None:
        self.pipe.send(None)
        self.process.join(10)


def measured(network: ImageNetwork, tools: list[str], rounds: int, clock: str) -> dict[str, Any]:
    """Return the median seconds of each tool, and how symprop compares with the fastest of the others."""
    workers = {tool: Worker(tool, clock) for tool in tools}
    answers = {tool: each.ask(network) for tool, each in workers.items()}
    loss, grads = answers["symprop"]
    for tool, (other, theirs) in answers.items():
        largest = max(np.abs(each).max() for each in grads.values())
        off = max(np.abs(grads[name] - theirs[name]).max() for name in grads) / largest
        if not (off < TOLERANCE and abs(loss - other) < TOLERANCE * abs(loss)):
            raise SystemExit(f"{network.name}: {tool} disagrees by {off:.1e}; nothing was timed")
    samples: dict[str, list[float]] = {tool: [] for tool in tools}
    for place in range(rounds):
        for tool in tools[place % len(tools) :] + tools[: place % len(tools)]:
            samples[tool].append(workers[tool].ask("sample"))
    memory = {tool: workers[tool].ask("memory") for tool in BY_MEMORY if tool in tools}
    for each in workers.values():
        each.close()
    seconds = {tool: statistics.median(each) for tool, each in samples.items()}
    least = {tool: min(each) for tool, each in samples.items()}
    found = {"network": network.name, "text": network.text, "seconds": seconds, "least": least, "bytes": memory}
    others = [seconds[tool] for tool in OTHERS if tool in seconds]
    if others:
        found["to fastest"] = {tool: seconds[tool] / min(others) for tool in tools if tool not in OTHERS}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, action="append", help="1 and 2, one after the other, without it")
    parser.add_argument("--only", default="", help="networks whose name holds this")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, help="all that are installed, without it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--processor-time", action="store_true", help="seconds on the processor; for one thread")
    parser.add_argument("--first", action="store_true", help="before all other processes of the machine; for root")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    tools = [tool for tool, (library, _) in TOOLS.items() if find_spec(library) and tool in (given.tools or TOOLS)]
    records: dict[str, list[dict[str, Any]]] = {}
    for threads in given.threads or [1, 2]:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ[name] = str(threads)
        os.environ["JAX_PLATFORMS"] = "cpu"
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])  # XLA starts as many threads as there are cores
        for network in (each for each in NETWORKS if given.only in each.name):
            clock = "processor" if given.processor_time else "first" if given.first else "wall"
            found = measured(network, tools, given.rounds, clock)
            records.setdefault(f"{threads} threads", []).append(found)
            line = ", ".join(f"{tool} {1e3 * each:.2f}" for tool, each in found["seconds"].items())
            ratio = ", ".join(f"{each:.2f}" for each in found.get("to fastest", {}).values())
            space = ", ".join(f"{tool} {each / 1e6:.1f}" for tool, each in found["bytes"].items())
            print(f"{threads} threads, {network.name}: {line} ms; to the fastest {ratio}; {space} MB", flush=True)
        os.sched_setaffinity(0, cores)
    output = given.output or (None if given.only or given.tools else RESULTS)
    if output is not None:
        output.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
