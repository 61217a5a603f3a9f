"""Processes of `benchmarks/steps.py`: each holds one tool, and does what it is told through a pipe.

The thread pools of the libraries go on spinning after a call (OpenBLAS's for a tenth of a second, on a core that the
next tool needs), so tools cannot take turns within one process, nor at once across processes: a worker answers
only when all its threads have come to rest.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SAMPLE = 0.005
"""Seconds that one sample lasts at least."""

WARM_UP = 0.015
"""Seconds of untimed calls before each sample: threads that slept, and caches, need as long."""

TOLERANCE = 2e-5
"""Relative to a gradient's largest element; 30 layers in float32 were seen to be off by 2e-6."""


class Worker:
    """A process that holds one tool; `ask` has it run one of the functions of `TASKS` and returns what that returns."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        context = multiprocessing.get_context("spawn")  # a fork would inherit the libraries that its parent has loaded
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, tool), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, task: str, *arguments: Any) -> Any:
        self._pipe.send((task, arguments))
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise SystemExit(f"{self.tool}: the process ended during {task!r}") from None
        if isinstance(answer, SystemExit):
            raise answer
        return answer

    def close(self) -> None:
        self._pipe.close()
        self._process.join(10)
        self._process.kill()


@contextmanager
def worker(tool: str) -> Iterator[Worker]:
    """Give a worker that ends with the block."""
    made = Worker(tool)
    try:
        yield made
    finally:
        made.close()


def serve(pipe: Connection, tool: str) -> None:
    """Run tasks until the pipe is closed; what torch.compile keeps on disk starts empty and is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="steps-", ignore_cleanup_errors=True) as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        session = Session(tool)
        with suppress(EOFError):
            while True:
                task, arguments = pipe.recv()
                try:
                    pipe.send(getattr(session, task)(*arguments))
                except SystemExit as mistake:
                    pipe.send(mistake)


class Session:
    """What a worker can be asked: each public method is a task. It holds the network that was prepared last."""

    def __init__(self, tool: str) -> None:
        from benchmarks.step_tools import TOOLS

        self.tool = TOOLS[tool]
        self.versions = self.tool.load()

    def about(self) -> dict[str, str]:
        """Return the versions of the tool's libraries."""
        return self.versions

    def prepare(self, network: Any) -> float:
        """Make the step of a network, check what it returns, and return the seconds of one call, roughly."""
        from benchmarks.step_networks import data

        gc.unfreeze()
        given = data(network)
        self.arrays = self.tool.arrays(given)
        self.step = self.tool.build(network)
        result = self.step(*self.arrays)
        check(self.tool.name, network, given, result)
        gc.collect()
        gc.freeze()  # libraries are large: none pays for another look at what it imported
        self.seconds = self._run(1)
        if self.seconds < 0.1:
            self.seconds = min(self._run(3) for _ in range(5))
        rest()
        return self.seconds

    def sample(self) -> float:
        """Return the seconds of one call: the mean over as many calls as last `SAMPLE`, after as many as `WARM_UP`."""
        self._run(math.ceil(WARM_UP / self.seconds))
        seconds = self._run(math.ceil(SAMPLE / self.seconds))
        rest()
        return seconds

    def _run(self, calls: int) -> float:
        step, arrays = self.step, self.arrays
        start = time.perf_counter()
        for _ in range(calls):
            step(*arrays)
        return (time.perf_counter() - start) / calls

    def first_call(self, network: Any) -> float:
        """Return the seconds from a network's text, or its function, to its first gradients; all libraries are warm."""
        from benchmarks.step_networks import data, unrelated

        for each in (unrelated(), network):
            arrays = self.tool.arrays(data(each))
            start = time.perf_counter()
            self.tool.build(each)(*arrays)
            seconds = time.perf_counter() - start
        return seconds

    def memory(self, network: Any, steps: int) -> dict[str, int]:
        """Return the bytes of `benchmarks.step_memory.peak`."""
        from benchmarks.step_memory import peak

        return peak(self.tool, network, steps)


def rest() -> None:
    """Wait until no thread of this process runs any more, a second at most."""
    for _ in range(50):
        before = time.process_time()
        time.sleep(0.02)
        if time.process_time() - before < 0.002:
            return


def wait_for_quiet(seconds: float = 0.5) -> bool:
    """Wait until nothing else computes on this machine, `seconds` at most; tell whether that came about."""
    end = time.monotonic() + seconds
    while True:
        before = busy_ticks()
        time.sleep(0.05)
        if busy_ticks() - before <= 1:
            return True
        if time.monotonic() > end:
            return False


def busy_ticks() -> int:
    """Return for how many hundredths of a second the cores have been busy, all together, since the machine started."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0
    user, nice, system, _, _, *interrupts = (int(word) for word in path.read_text().split("\n", 1)[0].split()[1:9])
    return user + nice + system + sum(interrupts)


def check(tool: str, network: Any, given: Any, result: tuple[Any, Any]) -> None:
    """Exit unless the loss and all gradients are those of float64, within float32's rounding."""
    import numpy as np

    if tool == "products alone":
        return

    loss, grads = result
    if not isinstance(grads, dict):
        grads = dict(zip(network.parameters, grads, strict=True))
    if sorted(grads) != sorted(network.parameters):
        raise SystemExit(f"{network.label}: {tool} gives gradients of {', '.join(grads)}; nothing was timed")
    pairs = {"the loss": (loss, given.loss)} | {f"d{name}": (grads[name], given.grads[name]) for name in grads}
    for name, (value, exact) in pairs.items():
        found = np.asarray(value.detach() if hasattr(value, "detach") else value)
        if name != "the loss" and found.dtype != np.float32:
            raise SystemExit(f"{network.label}: {tool} gives {name} in {found.dtype}; nothing was timed")
        if found.shape != np.shape(exact) or not np.abs(found - exact).max() <= TOLERANCE * np.abs(exact).max():
            raise SystemExit(f"{network.label}: {tool} disagrees in {name}; nothing was timed")
