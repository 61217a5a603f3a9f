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

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks import turns
from benchmarks.image_networks import (
    NETWORKS,
    ImageNetwork,
    data,
    jax_loss,
    torch_arrays,
    torch_loss,
    turned_back,
)
from benchmarks.turns import Comparison, Step, Tool


def numpy_step(target: str) -> Callable[[ImageNetwork], Step]:
    return lambda network: turns.numpy_step(target, network.text, *data(network))


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


TOOLS = {
    "symprop": Tool("numpy", numpy_step("numpy"), memory=True),
    "symprop, numba": Tool("numba", numpy_step("numba")),
    "symprop, JAX": Tool("jax", own_jax_step),
    "PyTorch": Tool("torch", torch_step(), other=True, memory=True),
    "PyTorch, channels last": Tool("torch", torch_step(last=True), other=True),
    "torch.compile": Tool("torch", torch_step(compiled=True), other=True),
    "JAX": Tool("jax", jax_step, other=True),
}


def turned(tool: str, network: ImageNetwork, grads: dict[str, Any]) -> dict[str, Any]:
    """Return gradients with channels last."""
    return turned_back(network, grads) if "orch" in tool else grads


COMPARISON = Comparison(
    "benchmarks.images",
    NETWORKS,
    2e-3,  # float32 through norms and sums of 50,000 pixels, added in other orders
    Path(__file__).parent / "results" / "images.json",
    turned,
)

if __name__ == "__main__":
    turns.compare(COMPARISON, __doc__)
