"""Small networks whose modules read the rows that write fast code and loops, with what finds a wrong line."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np

import symprop
from trust.invariances import Found, Params, Point, apart
from trust.mutant_questions import Question, evaluated, without_comments

NETWORKS = (
    "Input(3) >> Dense(4) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.1)",
    "Input(3) >> Dense(4) >> GELU() >> Residual(Dense(4) >> Sigmoid()) >> Dense(2) >> Huber()",
    "Input(3) >> Dense(4) >> BatchNorm() >> ELU() >> Dropout(0.5) >> Dense(2) >> BinaryCrossEntropy()",
    "Input(2, 6, 6) >> Conv2D(3, 3, padding=1) >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(3) >> Huber()",
    "Input(4) >> Embedding(5, 4, flatten=False) >> Positions() >> LayerNorm() >> Attention(2, causal=True) >> "
    "Dense(5) >> SoftmaxCrossEntropy()",
    "Input(4, 3) >> LSTM(3) >> Dense(2) >> MeanSquaredError()",
    "Input(4, 3) >> GRU(2) >> Flatten() >> Dense(2) >> MeanSquaredError()",
    "Input(4) >> GLU(3) >> Highway(Dense(3) >> SiLU()) >> LeakyReLU(0.1) >> Dense(2) >> Hinge()",
    'Input(3) >> Dense(3) >> Activation("x / (1 + abs(x))") >> Dense(3) >> Loss("sum(maximum(a - y, 0)**3)")',
    'Input(3) >> Dense(3) >> Softplus() >> Dense(3) >> Loss("sqrt(1 + sum((a - y)**2)) + max(a - y)")',
)


@cache  # it is first asked while nothing is wrong
def points(text: str) -> tuple[Point, list[tuple[Params, Found]]]:
    """Return a network with parameters of several sizes, and the loss and gradients there."""
    at = Point(text, np.random.default_rng(0))
    scaled = [{name: scale * array for name, array in at.params.items()} for scale in SCALES]
    return at, [(params, at.step(params)) for params in scaled]


SCALES = (1.0, 0.1, 3.0, -1.0)
"""So many times as large as a start are parameters at the points that are asked."""


def differs(text: str, module: ModuleType) -> bool:
    """Whether a module of a network has other numbers than the right one."""
    at, right = points(text)
    return any(apart(at.step(params, module=module), found) for params, found in right)


def of_networks() -> Iterator[Question]:
    """Yield modules that run, of small networks; their certificate tells what is wrong."""
    for text in NETWORKS:

        def ask(text: str = text) -> tuple[str, ModuleType]:
            module = symprop.compile(text)
            return without_comments(inspect.getsource(module)), module

        yield Question(
            f"module of {text}",
            ask,
            lambda told, text=text: not symprop.check(text).ok,
            lambda told, right: told[0] == right[0],
            lambda told, _, text=text: not differs(text, told[1]),
        )


def of_loops() -> Iterator[Question]:
    """Yield modules of loops, which Python runs as they stand; the fast module has the right numbers."""
    for text in NETWORKS:

        def ask(text: str = text) -> str:
            return without_comments(symprop.generate(text, target="numba"))

        def seen(told: str, text: str = text) -> bool:
            return differs(text, in_python(told))

        yield Question(f"loops of {text}", ask, seen, equal=evaluated)


def in_python(source: str) -> ModuleType:
    """Return a module of loops without its compiler."""
    module = ModuleType("loops")
    lines = (line for line in source.splitlines() if not line.startswith(("@numba.", "import numba")))
    exec("\n".join(lines), module.__dict__)  # what symprop generated
    return module
