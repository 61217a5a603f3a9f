"""Time products of the Hessian with a direction, and norms of the gradients of examples: one thread, float64.

    make bench-curvature

Beside our own gradient of the same module: JAX's jitted `jvp` of `grad`, and `torch.func`'s `jvp` of `grad`; for norms
PyTorch's `vmap` of `grad`. Results are compared before anything is timed. All run in one process and take turns; the
table has medians over the rounds, and their ratios. Writes `benchmarks/results/curvature.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # read when NumPy is imported
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import symprop  # noqa: E402

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)

RESULTS = Path(__file__).parent / "results" / "curvature.json"
NETWORKS = {
    "digits, batch 64": ((64, 32, 10), 64),
    "three layers of 256, batch 128": ((256, 256, 256, 10), 128),
    "small, batch 16": ((8, 16, 3), 16),
}
"""Widths of networks of `tanh` with a softmax, and the size of a batch."""

Arrays = Mapping[str, Any]
Call = Callable[[], Any]


def text_of(widths: tuple[int, ...]) -> str:
    """Return the text of a network of these widths."""
    hidden = " >> ".join(f"Dense({width}) >> Tanh()" for width in widths[1:-1])
    return f"Input({widths[0]}) >> {hidden} >> Dense({widths[-1]}) >> SoftmaxCrossEntropy()"


def in_jax(depth: int) -> Callable[[Arrays, Any, Any], Any]:
    """Return the loss in JAX."""

    def loss(params: Arrays, x: Any, y: Any) -> Any:
        for layer in range(1, depth):
            x = jnp.tanh(x @ params[f"W{layer}"].T + params[f"b{layer}"])
        z = x @ params[f"W{depth}"].T + params[f"b{depth}"]
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=-1))

    return loss


def in_torch(depth: int) -> Callable[[Arrays, Any, Any], Any]:
    """Return the loss in PyTorch, of a batch or of one example."""

    def loss(params: Arrays, x: Any, y: Any) -> Any:
        for layer in range(1, depth):
            x = torch.tanh(x @ params[f"W{layer}"].T + params[f"b{layer}"])
        z = x @ params[f"W{depth}"].T + params[f"b{depth}"]
        return -(y * torch.log_softmax(z, -1)).sum(-1).mean()

    return loss


def calls_of(widths: tuple[int, ...], batch: int) -> dict[str, Call]:
    """Return what is timed, by name; each call ends when its result is there."""
    random, depth = np.random.default_rng(0), len(widths) - 1
    module = symprop.compile(text_of(widths))
    params = module.init_params(seed=0)
    v = {name: random.normal(size=value.shape) for name, value in params.items()}
    x, y = random.normal(size=(batch, widths[0])), np.eye(widths[-1])[random.integers(0, widths[-1], batch)]
    theirs = jax.jit(lambda p, u, x, y: jax.jvp(lambda q: jax.grad(in_jax(depth))(q, x, y), (p,), (u,))[1])
    arrays = jax.device_put((params, v, x, y))
    tensors = tuple({name: torch.tensor(value) for name, value in each.items()} for each in (params, v))
    data, targets = torch.tensor(x), torch.tensor(y)
    gradient = torch.func.grad(in_torch(depth))

    def of_torch() -> Any:
        return torch.func.jvp(lambda p: gradient(p, data, targets), (tensors[0],), (tensors[1],))[1]

    def norms() -> Any:
        each = torch.func.vmap(gradient, (None, 0, 0))(tensors[0], data, targets)
        return torch.sqrt(sum((part**2).flatten(1).sum(1) for part in each.values()))

    return {
        "gradient": lambda: module.loss_and_grads(params, x, y),
        "hvp": lambda: module.hvp(params, x, y, v),
        "hvp, JAX": lambda: jax.block_until_ready(theirs(*arrays)),
        "hvp, PyTorch": of_torch,
        "norms": lambda: module.per_example_norms(params, x, y),
        "norms, PyTorch": norms,
    }


def checked(name: str, calls: Mapping[str, Call]) -> None:
    """End where two tools disagree."""
    own = {each: np.array(value) for each, value in calls["hvp"]().items()}
    for tool in ("hvp, JAX", "hvp, PyTorch"):
        found = calls[tool]()
        if any(np.abs(np.asarray(found[each]) - value).max() > 1e-10 for each, value in own.items()):
            raise SystemExit(f"{name}: {tool} disagrees; nothing was timed")
    if np.abs(np.asarray(calls["norms, PyTorch"]()) - calls["norms"]()).max() > 1e-10:
        raise SystemExit(f"{name}: PyTorch has other norms; nothing was timed")


def measured(calls: Mapping[str, Call], rounds: int, sample: float) -> dict[str, float]:
    """Return the median seconds of each call; all take turns, and a sample is of many calls."""
    names, often = list(calls), {}
    for name, call in calls.items():
        start = time.perf_counter()
        for _ in range(3):
            call()
        often[name] = max(1, round(3 * sample / max(time.perf_counter() - start, 1e-6)))
    samples: dict[str, list[float]] = {name: [] for name in names}
    for place in range(rounds):
        for name in names[place % len(names) :] + names[: place % len(names)]:
            start = time.perf_counter()
            for _ in range(often[name]):
                calls[name]()
            samples[name].append((time.perf_counter() - start) / often[name])
    return {name: statistics.median(each) for name, each in samples.items()}


def ratios_of(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return how our products and norms compare with our gradient and with other tools."""
    fastest = min(seconds["hvp, JAX"], seconds["hvp, PyTorch"])
    return {
        "hvp to our gradient": seconds["hvp"] / seconds["gradient"],
        "hvp to the fastest other": seconds["hvp"] / fastest,
        "norms to our gradient": seconds["norms"] / seconds["gradient"],
        "norms to PyTorch": seconds["norms"] / seconds["norms, PyTorch"],
    }


def main() -> None:
    """Measure, print a line for each network, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sample", type=float, default=0.02, help="seconds of a sample")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for name, (widths, batch) in NETWORKS.items():
        calls = calls_of(widths, batch)
        checked(name, calls)
        seconds = measured(calls, options.rounds, options.sample)
        ratios = ratios_of(seconds)
        rows.append({"network": name, "text": text_of(widths), "batch": batch, "seconds": seconds, "ratios": ratios})
        times = ", ".join(f"{what} {1e3 * each:.3g}" for what, each in seconds.items())
        print(f"{name}: {times} ms; {', '.join(f'{what} {each:.2f}' for what, each in ratios.items())}", flush=True)
    options.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
