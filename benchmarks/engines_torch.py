"""Compare modules of the target "torch" with PyTorch's own gradients of the same networks: one process, interleaved.

    python -m benchmarks.engines_torch

Plain functions are measured against the same operations on tensors and `torch.autograd.grad`, `Network` against layers
of `torch.nn`, both with `zero_grad` and `backward`. Each figure is a median over rounds, in float32 on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import symprop
from benchmarks.step_networks import Data, Network, data, networks
from benchmarks.step_tools import torch_loss

BATCHES = (1, 64)
ROUNDS = 25
SECONDS = 0.02
"""How long one figure of a round takes."""

Run = Callable[[], Any]


@dataclass(frozen=True)
class Ratio:
    """The medians of a network in microseconds, ours and PyTorch's own."""

    network: str
    microseconds: Mapping[str, float]

    @property
    def functions(self) -> float:
        """`loss_and_grads`, of PyTorch's own gradient of the same operations."""
        return self.microseconds["loss_and_grads"] / self.microseconds["torch.autograd.grad"]

    @property
    def modules(self) -> float:
        """`Network`, of layers of `torch.nn`."""
        return self.microseconds["Network"] / self.microseconds["torch.nn"]


def layers(network: Network) -> Any:
    """Return the network as layers of PyTorch, with its parameters in the same order."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(x) + x

    parts: list[Any] = []
    if network.embedding is not None:
        _, ids, width = network.embedding
        parts += [nn.Embedding(ids, width), nn.Flatten()]
    activations = {"tanh": nn.Tanh, "relu": nn.ReLU}
    for layer in network.layers:
        inner: Any = nn.Linear(layer.inputs, layer.outputs)
        if layer.activation:
            inner = nn.Sequential(inner, activations[layer.activation]())
        parts.append(Residual(inner) if layer.residual else inner)
    return nn.Sequential(*parts)


def ways(network: Network, given: Data) -> dict[str, Run]:
    """Return the four ways to compute a step; all give the same gradients."""
    import torch

    module = symprop.compile(network.text, dtype="float32", target="torch")
    x, y = torch.tensor(given.x), torch.tensor(given.y)
    plain = {name: torch.tensor(value) for name, value in given.params.items()}
    leaves = {name: value.clone().requires_grad_() for name, value in plain.items()}
    loss, cross_entropy = torch_loss(network), torch.nn.CrossEntropyLoss()
    ours, theirs = module.Network(plain), layers(network)
    with torch.no_grad():
        for parameter, value in zip(theirs.parameters(), plain.values(), strict=True):
            parameter.copy_(value)

    def backward(model: Any, value: Callable[[], Any]) -> Run:
        def run() -> list[Any]:
            model.zero_grad()
            value().backward()
            return [parameter.grad for parameter in model.parameters()]

        return run

    found = {
        "torch.autograd.grad": lambda: torch.autograd.grad(loss(leaves, x, y), tuple(leaves.values())),
        "loss_and_grads": lambda: tuple(module.loss_and_grads(plain, x, y)[1].values()),
        "torch.nn": backward(theirs, lambda: cross_entropy(theirs(x), y)),
        "Network": backward(ours, lambda: ours(x, y)),
    }
    for run in found.values():
        for gradient, name in zip(run(), plain, strict=True):
            torch.testing.assert_close(gradient, torch.tensor(given.grads[name]).float(), rtol=1e-3, atol=1e-4)
    return found


def measured(network: Network) -> Ratio:
    """Return the medians of all ways, which take turns."""
    found = ways(network, data(network))
    count = max(1, int(SECONDS / _seconds(found["torch.autograd.grad"], 3)))
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, run in found.items():
            times[name].append(_seconds(run, count))
    return Ratio(network.label, {name: 1e6 * statistics.median(each) for name, each in times.items()})


def _seconds(run: Run, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count


def torch_engine(names: tuple[str, ...] = ()) -> list[Ratio]:
    """Measure the networks of these names, or all, at both batch sizes."""
    import torch

    torch.set_num_threads(1)
    chosen = [network for network in networks() if not names or network.name in names]
    return [measured(replace(network, batch=batch)) for network in chosen for batch in BATCHES]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*")
    found = torch_engine(tuple(parser.parse_args().networks))
    for ratio in found:
        numbers = "  ".join(f"{name} {value:9.1f}" for name, value in ratio.microseconds.items())
        print(f"{ratio.network:28}  {numbers}  functions {ratio.functions:.2f}  modules {ratio.modules:.2f}")
    means = (statistics.geometric_mean([getattr(r, kind) for r in found]) for kind in ("functions", "modules"))
    print("geometric means: functions {:.2f}, modules {:.2f}".format(*means))


if __name__ == "__main__":
    main()
