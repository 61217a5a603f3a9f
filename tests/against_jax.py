"""Random networks against JAX: loss and all gradients in float64, by a forward pass that shares no code with symprop.

The forward pass is the second reader, `network_reference`, whose text is run once more with `jax.numpy` in NumPy's
place; JAX differentiates it. So formulas, code and certificate meet a derivative that none of them made. A few dozen
run in every test run where JAX is installed, and more by

    python tests/against_jax.py --count 2000
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import network_reference
import numpy as np
from random_networks import CLOSE, SIZES, dropped, network, point, taken

import symprop


@cache
def reference() -> ModuleType:
    """Return the second reader with `jax.numpy` in NumPy's place, in float64."""
    import jax
    import jax.numpy
    import jax.scipy.special

    jax.config.update("jax_enable_x64", True)
    path = Path(network_reference.__file__)
    source = path.read_text(encoding="utf-8").replace("import numpy as np\n", "import jax.numpy as np\n")
    module = ModuleType("network_reference_in_jax")
    sys.modules[module.__name__] = module  # where its dataclasses look up their types
    exec(compile(source, str(path), "exec"), vars(module))
    assert vars(module)["np"] is jax.numpy
    erf = vars(module)["erf"] = vars(module)["WORDS"]["erf"] = jax.scipy.special.erf  # Python's takes no tracer
    assert erf is module.gelu.__globals__["erf"]
    return module


def problems(text: str, target: str = "numpy") -> list[str]:
    """Return where loss and gradients of symprop's module are not JAX's, at a random point."""
    import jax

    names = symprop.parse_network(text)
    counted = names.with_sizes({name: SIZES[name] for name in names.sizes if name in SIZES})
    numeric = counted.with_sizes({name: SIZES[name] for name in counted.sizes})
    module = symprop.compile(numeric, target=target)
    read = reference().Network(text, SIZES)
    random = np.random.default_rng(0)
    params, x, y = point(read, random)
    masks = dropped(read, random)
    options = {"masks": masks} if masks else {}
    value, grads = module.loss_and_grads(params if target != "torch" else tensors(params), taken(x), y, **options)
    loss = float(value)
    expected, slopes = jax.value_and_grad(read.loss)(arrays(params), arrays(x), jax.numpy.asarray(y), arrays(masks))
    found = [] if abs(loss - expected) <= CLOSE * (1 + abs(expected)) else [f"loss {loss}, not {expected}"]
    if sorted(grads) != sorted(slopes):
        return [*found, f"gradients of {list(grads)}, not of {list(slopes)}"]
    largest = max(float(np.abs(slope).max()) for slope in slopes.values())
    for name, slope in slopes.items():
        off = float(np.abs(np.asarray(grads[name]) - np.asarray(slope)).max())
        if not off <= CLOSE * (1 + largest):
            found.append(f"d{name} is off by {off:.1e}, of {largest:.1e}")
    return found


def tensors(values: dict[str, Any]) -> dict[str, Any]:
    """Return NumPy's arrays as PyTorch's."""
    import torch

    return {name: torch.as_tensor(value) for name, value in values.items()}


def arrays(values: dict[str, Any]) -> dict[str, Any]:
    """Return NumPy's arrays as JAX's."""
    import jax.numpy

    return {name: jax.numpy.asarray(value) for name, value in values.items()}


def main() -> None:
    """Draw and check networks, and print those that differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first network")
    options = parser.parse_args()
    start, bad, several = time.perf_counter(), 0, 0
    for number in range(options.first, options.first + options.count):
        text = network(np.random.default_rng([options.seed, number]))
        several += "Input(" in text[1:]
        for problem in problems(text):
            bad += 1
            print(f"{number}: {text}\n    {problem}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{options.count} networks, {several} with further inputs, in {seconds:.0f} s, {bad} problems", flush=True)


if __name__ == "__main__":
    main()
