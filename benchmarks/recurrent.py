"""Compare steps of recurrent layers with PyTorch's layers and JAX's scan: loss and all gradients, float32, one thread.

    make bench-recurrent
    python benchmarks/recurrent.py --only "LSTM, T 50, n 64" --rounds 15

A network is one layer whose states at all moments have targets: RNN, LSTM and GRU, T 10, 50 and 200, n 16, 64 and 256
units (and as many inputs), batches of 1, 16 and 64. symprop's NumPy and numba targets, and its JAX target under `jit`,
beside `torch.nn.RNN`, `LSTM` and `GRU`, and JAX's `jit` of `value_and_grad` of `lax.scan`, where the products with the
input are one before the scan. Each library has a process of its own, which keeps all networks; they take turns. It all
takes some six minutes, and writes `benchmarks/results/recurrent.json`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks import turns
from benchmarks.turns import Comparison, Step, Tool

Params = dict[str, Any]
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


@dataclass(frozen=True)
class Layer:
    """A recurrent layer: its kind, moments, units, and the size of a batch."""

    kind: str
    T: int
    n: int
    batch: int

    @property
    def name(self) -> str:
        return f"{self.kind}, T {self.T}, n {self.n}, batch {self.batch}"

    @property
    def text(self) -> str:
        return f"Input({self.T}, {self.n}) >> {self.kind}({self.n}) >> MeanSquaredError()"


NETWORKS = tuple(Layer(*sizes) for sizes in product(GATES, (10, 50, 200), (16, 64, 256), (1, 16, 64)))


def data(layer: Layer) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return random parameters, inputs and targets, float32."""
    import symprop

    random, params = np.random.default_rng(0), {}
    for each in symprop.parse_network(layer.text).system().parameters:
        shape = tuple(map(int, each.shape))
        scale = 0.5 if len(shape) == 1 else 1 / math.sqrt(shape[1])
        params[each.name] = (scale * random.normal(size=shape)).astype(np.float32)
    x, y = (random.normal(size=(layer.batch, layer.T, layer.n)).astype(np.float32) for _ in range(2))
    return params, x, y


def numpy_step(target: str) -> Callable[[Layer], Step]:
    return lambda layer: turns.numpy_step(target, layer.text, *data(layer))


# ---------------------------------------------------------------- PyTorch

PLACES = {"weight_ih_l0": "W1", "weight_hh_l0": "R1", "bias_ih_l0": "b1", "bias_hh_l0": "bh1"}
"""What PyTorch calls the parameters. Of its second bias, a GRU of ours has the last part, an RNN and an LSTM none."""


def torch_step(layer: Layer) -> Step:
    import torch

    torch.set_num_threads(1)
    params, x, y = data(layer)
    made = getattr(torch.nn, layer.kind)(layer.n, layer.n, batch_first=True)
    for theirs, own in PLACES.items():
        whole = torch.zeros(getattr(made, theirs).shape)
        if own in params:
            whole[-len(params[own]) :] = torch.tensor(params[own])
        getattr(made, theirs).data = whole
        getattr(made, theirs).requires_grad_(own in params)
    leaves = {own: getattr(made, theirs) for theirs, own in PLACES.items() if own in params}
    given, wanted = torch.tensor(x), torch.tensor(y)

    def step() -> tuple[Any, dict[str, Any]]:
        value = ((made(given)[0] - wanted) ** 2).sum(-1).mean() / 2
        found = torch.autograd.grad(value, list(leaves.values()))
        return value.detach(), {own: each[-len(params[own]) :] for own, each in zip(leaves, found, strict=True)}

    return step


# ---------------------------------------------------------------- JAX


def own_jax_step(layer: Layer) -> Step:
    import jax

    import symprop

    arrays = jax.block_until_ready(jax.device_put(data(layer)))
    ours = jax.jit(symprop.compile(layer.text, dtype="float32", target="jax").loss_and_grads)
    return lambda: jax.block_until_ready(ours(*arrays))


def jax_step(layer: Layer) -> Step:
    import jax

    arrays = jax.block_until_ready(jax.device_put(data(layer)))
    own = jax.jit(jax.value_and_grad(jax_loss(layer)))
    return lambda: jax.block_until_ready(own(*arrays))


def jax_loss(layer: Layer) -> Callable[..., Any]:
    """Return the loss in JAX, as a function of (params, x, y)."""
    import jax
    import jax.numpy as jnp

    sigmoid = jax.nn.sigmoid

    def rnn(p: Params, h: Any, a: Any) -> Any:
        h = jnp.tanh(a + h @ p["R1"].T)
        return h, h

    def lstm(p: Params, state: Any, a: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(a + h @ p["R1"].T, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        h = sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru(p: Params, h: Any, a: Any) -> Any:
        (r, z, n), (r_h, z_h, n_h) = (jnp.split(each, 3, axis=1) for each in (a, h @ p["R1"].T))
        r, z = sigmoid(r + r_h), sigmoid(z + z_h)
        h = (1 - z) * jnp.tanh(n + r * (n_h + p["bh1"])) + z * h
        return h, h

    cell: Callable[..., Any] = {"RNN": rnn, "LSTM": lstm, "GRU": gru}[layer.kind]

    def loss(p: Params, x: Any, y: Any) -> Any:
        start = jnp.zeros((layer.batch, layer.n), x.dtype)
        known = x.swapaxes(0, 1) @ p["W1"].T + p["b1"]
        first = (start, start) if layer.kind == "LSTM" else start
        _, h = jax.lax.scan(lambda state, a: cell(p, state, a), first, known)
        return ((h.swapaxes(0, 1) - y) ** 2).sum(-1).mean() / 2

    return loss


TOOLS = {
    "symprop": Tool("numpy", numpy_step("numpy")),
    "symprop, numba": Tool("numba", numpy_step("numba")),
    "symprop, JAX": Tool("jax", own_jax_step),
    "PyTorch": Tool("torch", torch_step, other=True),
    "JAX": Tool("jax", jax_step, other=True),
}

COMPARISON = Comparison(
    "benchmarks.recurrent",
    NETWORKS,
    2e-3,  # float32 through 200 moments, added in other orders
    Path(__file__).parent / "results" / "recurrent.json",
    rounds=3,
    together=True,
    sample=0.015,
    threads=(1,),
)

if __name__ == "__main__":
    turns.compare(COMPARISON, __doc__)
