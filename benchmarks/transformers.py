"""Compare steps of transformer blocks with PyTorch, `torch.compile` and JAX: loss and all gradients, float32.

    make bench-transformers
    python benchmarks/transformers.py --threads 1 --only "T 64"

A block is attention and a network of two layers, each behind a norm and with what goes past it. symprop's NumPy, numba
and JAX targets beside PyTorch (written out; with its fused `scaled_dot_product_attention`), `torch.compile` over loss
and gradients together, and JAX's `jit` of `value_and_grad` of a plain forward pass. Processes, turns, memory and
`--processor-time` are as in `images.py`. Writes `benchmarks/results/transformers.json`.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks import turns
from benchmarks.turns import Comparison, Step, Tool

Params = dict[str, Any]


@dataclass(frozen=True)
class Block:
    """A transformer block: batch, positions, width and heads."""

    batch: int
    T: int
    n: int
    heads: int

    @property
    def name(self) -> str:
        return f"batch {self.batch}, T {self.T}, n {self.n}, {self.heads} heads"

    @property
    def text(self) -> str:
        attention = f"Residual(LayerNorm() >> Attention({self.heads}, causal=True))"
        network = f"Residual(LayerNorm() >> Dense({4 * self.n}) >> GELU() >> Dense({self.n}))"
        return f"Input({self.T}, {self.n}) >> {attention} >> {network} >> MeanSquaredError()"


NETWORKS = (
    Block(8, 16, 32, 4),
    Block(8, 64, 128, 4),
    Block(4, 256, 128, 4),
    Block(2, 256, 384, 6),
    Block(2, 512, 128, 4),
)


def data(block: Block) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return random parameters, inputs and targets, float32."""
    import symprop

    random, params = np.random.default_rng(0), {}
    for each in symprop.parse_network(block.text).system().parameters:
        shape = tuple(map(int, each.shape))
        scale = 0.5 if len(shape) == 1 else 1 / math.sqrt(shape[1])
        params[each.name] = (scale * random.normal(size=shape)).astype(np.float32)
    x, y = (random.normal(size=(block.batch, block.T, block.n)).astype(np.float32) for _ in range(2))
    return params, x, y


def numpy_step(target: str) -> Callable[[Block], Step]:
    return lambda block: turns.numpy_step(target, block.text, *data(block))


# ---------------------------------------------------------------- PyTorch


def torch_loss(block: Block, fused: bool) -> Callable[..., Any]:
    """Return the loss in PyTorch, as a function of (params, x, y)."""
    import torch

    f: Any = torch.nn.functional
    hidden = torch.full((block.T, block.T), -math.inf).triu(1)

    def heads(a: Any) -> Any:
        return a.view(*a.shape[:2], block.heads, -1).transpose(1, 2)

    def attended(q: Any, k: Any, v: Any) -> Any:
        if fused:
            return f.scaled_dot_product_attention(q, k, v, is_causal=True)
        return (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + hidden).softmax(-1) @ v

    def loss(p: Params, x: Any, y: Any) -> Any:
        u = f.layer_norm(x, (block.n,), p["gamma1"], p["beta1"])
        q, k, v = (heads(f.linear(u, p[f"W{letter}1"], p[f"b{letter}1"])) for letter in "qkv")
        o = attended(q, k, v).transpose(1, 2).reshape(x.shape)
        h = x + f.linear(o, p["Wo1"], p["bo1"])
        u = f.layer_norm(h, (block.n,), p["gamma2"], p["beta2"])
        a = h + f.linear(f.gelu(f.linear(u, p["W1"], p["b1"])), p["W2"], p["b2"])
        return ((a - y) ** 2).sum(-1).mean() / 2

    return loss


def torch_step(fused: bool = False, compiled: bool = False) -> Callable[[Block], Step]:
    def build(block: Block) -> Step:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        params, x, y = data(block)
        tensors = {name: torch.tensor(value) for name, value in params.items()}
        given, loss = (torch.tensor(x), torch.tensor(y)), torch_loss(block, fused)
        if compiled:
            both = torch.compile(torch.func.grad_and_value(loss), fullgraph=True, dynamic=False)
            return lambda: both(tensors, *given)[::-1]
        leaves = {name: value.requires_grad_() for name, value in tensors.items()}

        def step() -> tuple[Any, dict[str, Any]]:
            value = loss(leaves, *given)
            return value.detach(), dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))

        return step

    return build


# ---------------------------------------------------------------- JAX


def own_jax_step(block: Block) -> Step:
    import jax

    import symprop

    arrays = jax.block_until_ready(jax.device_put(data(block)))
    ours = jax.jit(symprop.compile(block.text, dtype="float32", target="jax").loss_and_grads)
    return lambda: jax.block_until_ready(ours(*arrays))


def jax_step(block: Block) -> Step:
    import jax

    arrays = jax.block_until_ready(jax.device_put(data(block)))
    own = jax.jit(jax.value_and_grad(jax_loss(block)))
    return lambda: jax.block_until_ready(own(*arrays))


def jax_loss(block: Block) -> Callable[..., Any]:
    """Return the loss in JAX, as a function of (params, x, y)."""
    import jax
    import jax.numpy as jnp

    seen = jnp.tril(jnp.ones((block.T, block.T), bool))

    def norm(a: Any, gamma: Any, beta: Any) -> Any:
        mean = a.mean(-1, keepdims=True)
        return (a - mean) * jax.lax.rsqrt(((a - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * gamma + beta

    def loss(p: Params, x: Any, y: Any) -> Any:
        u = norm(x, p["gamma1"], p["beta1"])
        q, k, v = (
            (u @ p[f"W{each}1"].T + p[f"b{each}1"]).reshape(*x.shape[:2], block.heads, -1).swapaxes(1, 2)
            for each in "qkv"
        )
        s = jnp.where(seen, q @ k.swapaxes(2, 3) / math.sqrt(q.shape[-1]), -jnp.inf)
        o = (jax.nn.softmax(s, axis=-1) @ v).swapaxes(1, 2).reshape(x.shape)
        h = x + o @ p["Wo1"].T + p["bo1"]
        z = norm(h, p["gamma2"], p["beta2"]) @ p["W1"].T + p["b1"]
        a = h + jax.nn.gelu(z, approximate=False) @ p["W2"].T + p["b2"]
        return ((a - y) ** 2).sum(-1).mean() / 2

    return loss


TOOLS = {
    "symprop": Tool("numpy", numpy_step("numpy"), memory=True),
    "symprop, numba": Tool("numba", numpy_step("numba")),
    "symprop, JAX": Tool("jax", own_jax_step),
    "PyTorch": Tool("torch", torch_step(), other=True, memory=True),
    "PyTorch, fused": Tool("torch", torch_step(fused=True), other=True, memory=True),
    "torch.compile": Tool("torch", torch_step(fused=True, compiled=True), other=True),
    "JAX": Tool("jax", jax_step, other=True),
}

COMPARISON = Comparison(
    "benchmarks.transformers",
    NETWORKS,
    1e-3,  # float32 through norms and a softmax, added in other orders
    Path(__file__).parent / "results" / "transformers.json",
)

if __name__ == "__main__":
    turns.compare(COMPARISON, __doc__)
