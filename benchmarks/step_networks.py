"""The networks of `benchmarks/steps.py`: text for symprop, layers for all others, and the arrays that all are given.

Parameters have the names and shapes of a generated module: `W1` is (outputs, inputs), `b1` is (outputs,), `E1` is the
table of an embedding. The gradients that every tool must give are computed here in float64, by plain NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from benchmarks.step_numpy import Layer, naive, numbered

SEED = 0
SWEEP_BATCHES = (1, 4, 16, 64, 256, 1024)
SWEEP_NAMES = ("64-64-64-10", "residual")


@dataclass(frozen=True)
class Network:
    """A network and the size of its batch; `embedding` is (columns of ids, number of ids, width), or None."""

    name: str
    text: str
    batch: int
    layers: tuple[Layer, ...]
    embedding: tuple[int, int, int] | None = None

    @property
    def label(self) -> str:
        return f"{self.name}, batch {self.batch}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all parameters, in the order in which tools return gradients that have no names."""
        table = ("E1",) if self.embedding else ()
        return table + tuple(name for weight, bias, _ in numbered(self.layers) for name in (weight, bias))


@dataclass(frozen=True)
class Data:
    """What every tool is given, float32, and what it must return, computed in float64."""

    params: dict[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    loss: float
    grads: dict[str, np.ndarray]


def networks() -> tuple[Network, ...]:
    """Return the networks of the table, in its order.

    >>> [network.label for network in networks()][:2]
    ['2-2-2, batch 1', '64-64-64-10, batch 32']
    """
    residual = (
        "Input(64) >> Dense(64) >> Tanh() >> Repeat(Residual(Dense(64) >> ReLU()), 4) >> Dense(10)"
        " >> SoftmaxCrossEntropy()"
    )
    names = "Input(3) >> Embedding(27, 10) >> Dense(200) >> Tanh() >> Dense(27) >> SoftmaxCrossEntropy()"
    blocks = tuple(Layer(64, 64, "relu", residual=True) for _ in range(4))
    return (
        dense("2-2-2", 1, (2, 2, 2), "tanh"),
        dense("64-64-64-10", 32, (64, 64, 64, 10), "tanh"),
        dense("30-200-27", 32, (30, 200, 27), "tanh"),
        dense("784-256-128-10", 64, (784, 256, 128, 10), "relu"),
        dense("784-1024-1024-10", 256, (784, 1024, 1024, 10), "relu"),
        dense("30 layers of 64", 64, (64,) * 31 + (10,), "tanh"),
        Network("residual", residual, 64, (Layer(64, 64, "tanh"), *blocks, Layer(64, 10))),
        Network("embedding", names, 32, (Layer(30, 200, "tanh"), Layer(200, 27)), (3, 27, 10)),
    )


def dense(name: str, batch: int, sizes: tuple[int, ...], activation: str) -> Network:
    """Return a network of dense layers, an activation after each but the last.

    >>> dense("small", 1, (2, 3, 4), "tanh").text
    'Input(2) >> Dense(3) >> Tanh() >> Dense(4) >> SoftmaxCrossEntropy()'
    """
    word = {"tanh": "Tanh()", "relu": "ReLU()"}[activation]
    inner = " >> ".join(f"Dense({size}) >> {word}" for size in sizes[1:-1])
    text = f"Input({sizes[0]}) >> {inner} >> Dense({sizes[-1]}) >> SoftmaxCrossEntropy()"
    hidden = [Layer(before, after, activation) for before, after in pairwise(sizes[:-1])]
    return Network(name, text, batch, (*hidden, Layer(sizes[-2], sizes[-1])))


def sweep() -> tuple[Network, ...]:
    """Return two of the networks at all batch sizes."""
    chosen = [network for network in networks() if network.name in SWEEP_NAMES]
    return tuple(replace(network, batch=batch) for network in chosen for batch in SWEEP_BATCHES)


def unrelated() -> Network:
    """Return a small network that is none of the table: what a process does first, so that its libraries are loaded."""
    return dense("unrelated", 5, (7, 6, 5, 4), "tanh")


def data(network: Network) -> Data:
    """Return parameters, a batch, and the gradients by plain NumPy in float64."""
    random = np.random.default_rng(SEED)
    params: dict[str, np.ndarray] = {}
    if network.embedding is not None:
        _, ids, width = network.embedding
        params["E1"] = random.normal(size=(ids, width)).astype(np.float32)
    for weight, bias, layer in numbered(network.layers):
        bound = np.sqrt(6 / (layer.inputs + layer.outputs))
        params[weight] = random.uniform(-bound, bound, (layer.outputs, layer.inputs)).astype(np.float32)
        params[bias] = random.uniform(-0.1, 0.1, layer.outputs).astype(np.float32)
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    x = examples(network, exact, random)
    y = random.integers(0, network.layers[-1].outputs, network.batch)
    reals = x if network.embedding else x.astype(np.float64)
    loss, grads = naive(network.layers, network.embedding)(exact, reals, y)
    return Data(params, x, y, float(loss), grads)


def examples(network: Network, params: dict[str, np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Return a batch for which no input of a ReLU lies within rounding of 0.

    There its slope jumps, so that tools which round differently would rightly give different gradients. Of four times
    as many random examples, those are taken whose ReLU inputs stay farthest from 0.
    """
    if network.embedding is not None:
        columns, ids, _ = network.embedding
        return random.integers(0, ids, (network.batch, columns))
    drawn = random.normal(size=(4 * network.batch, network.layers[0].inputs)).astype(np.float32)
    distance = np.full(len(drawn), np.inf)
    a = drawn.astype(np.float64)
    for weight, bias, layer in numbered(network.layers):
        z = a @ params[weight].T + params[bias]
        if layer.activation == "relu":
            distance = np.minimum(distance, np.abs(z).min(axis=1))
        value = np.maximum(z, 0) if layer.activation == "relu" else np.tanh(z)
        a = value + a if layer.residual else value
    farthest = np.argsort(-distance, kind="stable")[: network.batch]
    return drawn[np.sort(farthest)]
