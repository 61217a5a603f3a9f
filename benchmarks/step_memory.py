"""Peak memory of training steps, for `benchmarks/steps.py`, as Linux counts it for a process."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.step_networks import Network, data, unrelated
from benchmarks.step_numpy import Step
from benchmarks.step_tools import JAX, SYMPROP, Arrays, Tool, in_workspace, jax_function, symprop_module

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def peak(tool: Tool, network: Network, steps: int) -> dict[str, int | None]:
    """Return how far the peak of `steps` steps lies above what the process held before, in bytes.

    "steps" is what stepping needs: it counts from when the step is derived or compiled, parameters and batch are made,
    and another network has been stepped, for which the libraries load code and start threads. "compiling" is the peak
    of deriving or compiling alone; PyTorch has none. "planned" is the size of symprop's workspace.
    """
    tool.build(unrelated())(*tool.arrays(data(unrelated())))
    arrays = tool.arrays(data(network))
    before = settled()
    begin = compiled(tool, network, arrays)
    compiling = resident("VmHWM") - before
    made = settled()
    step, planned = begin()
    for _ in range(steps):
        step(*arrays)  # what it returns is let go before the next step, as a training loop does
    highest = resident("VmHWM")
    return {"steps": highest - made, "compiling": compiling, "planned": planned}


def compiled(tool: Tool, network: Network, arrays: Arrays) -> Callable[[], tuple[Step, int | None]]:
    """Return a function that begins the steps of a network, of which all is compiled and no array is made yet."""
    if tool is SYMPROP:
        module = symprop_module(network, threads=1)

        def begin() -> tuple[Step, int | None]:
            work = module.make_workspace(network.batch)
            return in_workspace(module, work), allocated(vars(work).values())

        return begin
    if tool is JAX:
        import jax

        ahead = jax_function(network).lower(*arrays).compile()
        return lambda: (lambda *given: jax.block_until_ready(ahead(*given)), None)
    return lambda: (tool.build(network), None)


def allocated(values: Iterable[Any]) -> int:
    """Return the bytes of all arrays among `values`; memory that several of them share counts once.

    >>> row = np.zeros(4)
    >>> allocated([row, row[1:], row.reshape(2, 2), 7])
    32
    """
    owners = {}
    for array in values:
        while isinstance(array, np.ndarray) and array.base is not None:
            array = array.base
        owners[id(array)] = getattr(array, "nbytes", 0)
    return sum(owners.values())


def settled() -> int:
    """Return the bytes in memory after what is free was given back, and let the peak start from there."""
    gc.collect()
    libc: Any = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    RESET.write_text("5")
    return resident("VmRSS")


def resident(kind: str) -> int:
    """Return the bytes of this process in memory: "VmRSS" now, "VmHWM" at most so far.

    `ru_maxrss` will not do: a process inherits that of the process which started it.
    """
    found = re.search(rf"^{kind}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{STATUS} has no {kind}")
    return 1024 * int(found.group(1))


def countable() -> bool:
    """Tell whether this system counts so."""
    return STATUS.exists() and RESET.exists()
