"""What a run of training is made of: its epochs, what it returns, and where it stands, so that it can go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from symprop.evaluation import Array

Params = dict[str, Array]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows: its number from 1, their mean loss in it, that of held-out rows after it."""

    number: int
    loss: float
    held_out: float | None = None


@dataclass(frozen=True)
class Trained:
    """Parameters after training, and what each epoch cost.

    Where rows were held out, the parameters are those after the epoch in which the loss of these rows was smallest.
    """

    params: dict[str, Array]
    epochs: tuple[Epoch, ...]
    running: dict[str, Array] = field(default_factory=dict)
    """The running statistics, for a network that has some."""

    @property
    def best(self) -> Epoch:
        """The epoch after which the parameters were these."""
        return best_of(self.epochs)


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a complete epoch: `trained` is what it would return now, the rest is how it goes on.

    `arrays` and `numbers` are the state of training (parameters, averages of the optimiser, running statistics; the
    step, the seed of dropout's next masks), `order` the state of the generator that orders the rows.
    """

    trained: Trained
    arrays: dict[str, Array]
    numbers: dict[str, int]
    order: dict[str, Any]


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch that was best on held-out rows, the first of equals; without such rows the last.

    >>> best_of([Epoch(1, 0.9, 0.8), Epoch(2, 0.5, 0.6), Epoch(3, 0.2, 0.7)]).number
    2
    """
    judged = [(epoch.held_out, place) for place, epoch in enumerate(epochs) if epoch.held_out is not None]
    return epochs[min(judged)[1]] if judged else epochs[-1]


def fresh_state(module: ModuleType, seed: int, params: dict[str, Array] | None = None) -> dict[str, Any]:
    """Return the state of training of a generated module before the first step."""
    start = module.init_params(seed=seed) if params is None else params
    state: dict[str, Any] = module.init_state(start, **({"seed": first_masks(seed)} if "MASKS" in vars(module) else {}))
    return state


SCRATCH = ("spare",)
"""Memory of a state of training that holds nothing from one step to the next."""


def arrays_of(state: dict[str, Any]) -> dict[str, Array]:
    """Return the arrays of a state of training, of which the parameters are views."""
    return {name: each for name, each in state.items() if isinstance(each, np.ndarray) and name not in SCRATCH}


def progress_of(
    state: dict[str, Any], kept: tuple[Params, Params], history: list[Epoch], generator: np.random.Generator
) -> Progress:
    """Return where a run stands, in copies: further steps change what is given."""
    arrays = {name: value.copy() for name, value in arrays_of(state).items()}
    numbers = {name: value for name, value in state.items() if isinstance(value, int)}
    params, running = copied(*kept)
    return Progress(Trained(params, tuple(history), running), arrays, numbers, dict(generator.bit_generator.state))


def put_back(state: dict[str, Any], since: Progress, generator: np.random.Generator) -> None:
    """Make a fresh state, and the generator that orders the rows, what they were in an earlier run."""
    for name, value in arrays_of(state).items():
        value[...] = since.arrays[name]
    state.update(since.numbers)
    generator.bit_generator.state = since.order


def copied(params: dict[str, Array], running: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return them as they are now: further steps change the ones that are given."""
    return {name: value.copy() for name, value in params.items()}, {name: np.copy(v) for name, v in running.items()}


def by_name(row: Array, like: Params) -> Params:
    """Return the parts of a vector by name, views of it, in the shapes of others.

    >>> found = by_name(np.arange(3.0), {"W1": np.ones((1, 2)), "b1": np.ones(1)})
    >>> found["W1"].tolist(), found["b1"].tolist()
    ([[0.0, 1.0]], [2.0])
    """
    ends = np.cumsum([value.size for value in like.values()])[:-1]
    parts = zip(like.items(), np.split(row, ends), strict=True)
    return {name: part.reshape(value.shape) for (name, value), part in parts}


def first_masks(seed: int) -> int:
    """Return the seed of the masks of dropout in the first step of a run; the state of training counts on from it.

    >>> first_masks(0) != first_masks(1) + 1
    True
    """
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
