"""Time K-FAC's factors beside curvlinops, and tangent kernels beside JAX and PyTorch: one thread, float64.

    make bench-curvature

Factors are those of all targets that the model may draw (curvlinops: `type-2`), bias apart as there. For kernels JAX is
jitted, PyTorch is `torch.func`; both contract the Jacobians of each example. Results are compared before anything is
timed; all run in one process and take turns. Writes `benchmarks/results/kfac.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # read when NumPy is imported

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from curvlinops import KFACLinearOperator  # noqa: E402

import symprop  # noqa: E402
from benchmarks.curvature import Call, measured, text_of  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "kfac.json"
DENSE = {
    "digits, batch 64": ((64, 32, 10), 64),
    "digits, all rows": ((64, 32, 10), 1797),
    "three layers of 256, batch 128": ((256, 256, 256, 10), 128),
    "small, batch 16": ((8, 16, 3), 16),
}
"""Widths of networks of `tanh` with a softmax, and the size of a batch."""
IMAGE = "Input(8, 8, 1) >> Conv2D(16, 3) >> Tanh() >> Flatten() >> Dense(10) >> SoftmaxCrossEntropy()"
FIRST, SECOND = 64, 32
"""Examples of the two batches of a kernel."""
LARGEST = 64
"""Up to this width kernels are timed: the Jacobians of each example that others form take seconds above."""


def in_layers(widths: tuple[int, ...], params: Mapping[str, Any]) -> torch.nn.Sequential:
    """Return a network of Dense layers as PyTorch has them, with our parameters."""
    layers: list[torch.nn.Module] = []
    for place in range(1, len(widths)):
        layer = torch.nn.Linear(*widths[place - 1 : place + 1]).double()
        layers += [with_values(layer, params, place), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


class Pixels(torch.nn.Module):
    """The convolution of `IMAGE`, with our order of pixels and channels behind it."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.first = with_values(torch.nn.Conv2d(1, 16, 3).double(), params, 1)
        self.last = with_values(torch.nn.Linear(576, 10).double(), params, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of images `(m, 8, 8, 1)`."""
        h = torch.tanh(self.first(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        found: torch.Tensor = self.last(h.flatten(1))
        return found


def with_values(layer: Any, params: Mapping[str, Any], place: int) -> Any:
    """Return a layer of PyTorch with our weight and bias."""
    weight = torch.tensor(params[f"W{place}"])
    with torch.no_grad():
        layer.weight.copy_(weight.permute(0, 3, 1, 2) if weight.ndim == 4 else weight)
        layer.bias.copy_(torch.tensor(params[f"b{place}"]))
    return layer


def of_curvlinops(network: torch.nn.Module, x: Any, y: Any) -> Call:
    """Return what computes the factors anew, the mean over the batch."""
    data = [(torch.tensor(x), torch.tensor(y))]
    loss, parameters = torch.nn.CrossEntropyLoss(), list(network.parameters())
    options: Any = {"fisher_type": "type-2", "kfac_approx": "expand", "check_deterministic": False}
    operator = KFACLinearOperator(network, loss, parameters, data, separate_weight_and_bias=False, **options)

    def call() -> Any:
        operator._reset_matrix_properties()
        operator.compute_kronecker_factors()
        return operator._input_covariances, operator._gradient_covariances

    return call


def of_jax(widths: tuple[int, ...], params: Mapping[str, Any], x: Any) -> Call:
    """Return what computes the factors in JAX, jitted: shifts of the products are what is gone back to."""
    depth = len(widths) - 1

    @jax.jit
    def found(p: Any, x: Any) -> Any:
        def run(shifts: Any) -> Any:
            used, a = [], x
            for layer in range(1, depth + 1):
                used.append(a)
                z = a @ p[f"W{layer}"].T + p[f"b{layer}"] + shifts[layer - 1]
                a = jnp.tanh(z)
            return z, used

        none = [jnp.zeros((len(x), width)) for width in widths[1:]]
        z, back, used = jax.vjp(run, none, has_aux=True)
        share = jax.nn.softmax(z)
        root = jnp.sqrt(share).T[:, :, None] * (jnp.eye(widths[-1])[:, None] - share)
        (behind,) = jax.vmap(back)(root)
        beside = [jnp.concatenate((a, jnp.ones((len(a), 1))), 1) for a in used]
        outputs = [jnp.einsum("kmi,kmj->ij", b, b) / len(x) for b in behind]
        return [(a.T @ a / len(x), g) for a, g in zip(beside, outputs, strict=True)]

    given = jax.device_put((params, x))
    return lambda: jax.block_until_ready(found(*given))


def factors(text: str, batch: int, widths: tuple[int, ...]) -> dict[str, Call]:
    """Return the calls for K-FAC's factors of a network, after they were compared."""
    random, module = np.random.default_rng(0), symprop.compile(text)
    params = module.init_params(seed=0)
    shape = tuple(map(int, symprop.parse_network(text).system().inputs[0].shape))
    x, y = random.normal(size=(batch, *shape)), random.integers(0, len(params[max(params)]), batch)
    theirs = of_curvlinops(in_layers(widths, params) if widths else Pixels(params), x, y)
    inputs, outputs = theirs()
    own = module.kfac(params, x, y)
    for (a, g), layer in zip(own.values(), inputs, strict=True):
        other, more = inputs[layer], outputs[layer]
        product = np.abs(np.kron(g[:3, :3], a[:3, :3]) - np.kron(more.numpy()[:3, :3], other.numpy()[:3, :3])).max()
        whole = abs(np.trace(a) * np.trace(g) - float(other.trace() * more.trace()))
        if max(product, whole) > 1e-10 * np.trace(a) * np.trace(g):
            raise SystemExit(f"{text}: curvlinops has other factors; nothing was timed")
    calls: dict[str, Call] = {
        "gradient": lambda: module.loss_and_grads(params, x, y),
        "factors": lambda: module.kfac(params, x, y),
        "factors, curvlinops": theirs,
    }
    if widths:
        calls["factors, JAX"] = of_jax(widths, params, x)
        pairs = zip(sum(own.values(), ()), sum(calls["factors, JAX"](), ()), strict=True)
        if max(np.abs(a - b).max() for a, b in pairs) > 1e-12:
            raise SystemExit(f"{text}: JAX has other factors; nothing was timed")
    return calls


def kernels(widths: tuple[int, ...]) -> dict[str, Call]:
    """Return the calls for tangent kernels of two batches, after they were compared."""
    random, depth, module = np.random.default_rng(0), len(widths) - 1, symprop.compile(text_of(widths))
    params = module.init_params(seed=0)
    x1, x2 = (random.normal(size=(count, widths[0])) for count in (FIRST, SECOND))

    def logits(p: Any, x: Any, tanh: Any) -> Any:
        for layer in range(1, depth):
            x = tanh(x @ p[f"W{layer}"].T + p[f"b{layer}"])
        return x @ p[f"W{depth}"].T + p[f"b{depth}"]

    @jax.jit
    def jax_kernel(p: Any, x1: Any, x2: Any) -> Any:
        rows = jax.vmap(jax.jacrev(lambda p, x: logits(p, x, jnp.tanh)), (None, 0))
        one, other = rows(p, x1), rows(p, x2)
        flat = (
            (a.reshape(*a.shape[:2], -1), b.reshape(*b.shape[:2], -1))
            for a, b in zip(one.values(), other.values(), strict=True)
        )
        return sum(jnp.einsum("ikp,jlp->ijkl", a, b) for a, b in flat)

    tensors = {name: torch.tensor(value) for name, value in params.items()}
    first, second = torch.tensor(x1), torch.tensor(x2)

    def torch_kernel() -> Any:
        rows = torch.func.vmap(torch.func.jacrev(lambda p, x: logits(p, x, torch.tanh)), (None, 0))
        one, other = rows(tensors, first), rows(tensors, second)
        return sum(torch.einsum("ikp,jlp->ijkl", one[n].flatten(2), other[n].flatten(2)) for n in one)

    given = jax.device_put((params, x1, x2))
    calls: dict[str, Call] = {
        "kernel": lambda: module.tangent_kernel(params, x1, x2),
        "kernel, JAX": lambda: jax.block_until_ready(jax_kernel(*given)),
        "kernel, PyTorch": torch_kernel,
    }
    own = np.array(calls["kernel"]())
    for name in ("kernel, JAX", "kernel, PyTorch"):
        if np.abs(np.asarray(calls[name]()) - own).max() > 1e-10 * np.abs(own).max():
            raise SystemExit(f"{widths}: {name} differs; nothing was timed")
    return calls


def main() -> None:
    """Measure, print a line for each network, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--sample", type=float, default=0.02, help="seconds of a sample")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # of the libraries beside us
    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)
    rows = []
    for name, given in {**DENSE, "a convolution, batch 64": None}.items():
        widths, batch = given or ((), 64)
        text = text_of(widths) if widths else IMAGE
        calls = factors(text, batch, widths)
        calls |= kernels(widths) if widths and max(widths) <= LARGEST and batch < 1000 else {}
        seconds = measured(calls, options.rounds, options.sample)
        others = [each for what, each in seconds.items() if what.startswith("factors, ")]
        ratios = {"factors to the fastest other": seconds["factors"] / min(others)}
        ratios["factors to curvlinops"] = seconds["factors"] / seconds["factors, curvlinops"]
        ratios["factors to our gradient"] = seconds["factors"] / seconds["gradient"]
        if "kernel" in seconds:
            fastest = min(seconds["kernel, JAX"], seconds["kernel, PyTorch"])
            ratios["kernel to the fastest other"] = seconds["kernel"] / fastest
        rows.append({"network": name, "text": text, "batch": batch, "seconds": seconds, "ratios": ratios})
        times = ", ".join(f"{what} {1e3 * each:.3g}" for what, each in seconds.items())
        print(f"{name}: {times} ms; {', '.join(f'{what} {each:.2f}' for what, each in ratios.items())}", flush=True)
    options.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
