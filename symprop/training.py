"""Training a generated module: seeded batches, one optimiser step each, gradients clipped where asked.

The optimiser itself is part of the generated module (`init_state`, `train_step`), made with `optimizer=NAME`; this is
the loop around it, which the command line and the examples share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symprop.data import batches
from symprop.errors import DataError, SpecError

if TYPE_CHECKING:
    from rich.console import Console

Array = np.ndarray[Any, np.dtype[Any]]
Features = Array | dict[str, Array]
"""What a module takes for a batch: an array, or where a network has several inputs a dict of them by their names."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows: its number from 1, and the mean loss while it ran."""

    number: int
    loss: float


@dataclass(frozen=True)
class Trained:
    """Parameters after training, and what each epoch cost."""

    params: dict[str, Array]
    epochs: tuple[Epoch, ...]
    running: dict[str, Array] = field(default_factory=dict)
    """The running statistics, for a network that has some."""


def train(
    module: ModuleType,
    features: Features,
    targets: Array,
    *,
    epochs: int = 30,
    batch: int = 32,
    rate: float | None = None,
    seed: int = 0,
    clip: float | None = None,
    params: dict[str, Array] | None = None,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train a generated module and return its parameters; the same seed gives the same parameters.

    Args:
        module: a generated module made with an optimiser.
        features: one example a row, as `module.forward` takes them: an array, or a dict of them.
        targets: as `module.loss_and_grads` takes them.
        rate: the learning rate; by default the optimiser's own.
        clip: the largest norm of all gradients together, or None.
        params: where to start; by default `module.init_params(seed)`.
        after_epoch: called with each `Epoch` as it ends.

    Raises:
        SpecError: an option out of its range.
        DataError: no rows, features and targets of different lengths, or a loss that is no longer finite.
        ValueError: features or targets that the module does not take; the index is that in all rows.
    """
    check_options(epochs, batch, rate, seed, clip)
    count = _count(features)
    if count != len(targets) or not count:
        raise DataError(
            f"{count} rows of features and {len(targets)} targets; as many of both are needed, at least one"
        )
    start = module.init_params(seed=seed) if params is None else params
    state = module.init_state(start, **({"seed": first_masks(seed)} if "MASKS" in vars(module) else {}))
    options = {} if rate is None else {"lr": rate}
    generator = np.random.default_rng(seed)
    history = []
    for number in range(1, epochs + 1):
        total = 0.0
        for rows in batches(count, batch, generator):
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is told below, in words
                try:
                    loss = module.train_step(state, _taken(features, rows), targets[rows], max_norm=clip, **options)
                except ValueError:
                    module.loss(state["params"], features, targets)  # says where in all rows, not in a shuffled batch
                    raise
            total += loss * len(rows)
            if not math.isfinite(total):
                raise DataError(f"the loss is {loss} in epoch {number}; try a smaller --lr or --clip 1")
        history.append(Epoch(number, total / count))
        after_epoch(history[-1])
    return Trained(state["params"], tuple(history), {name: state[name] for name in vars(module).get("STATISTICS", ())})


def first_masks(seed: int) -> int:
    """Return the seed of the masks of dropout in the first step of a run; the state of training counts on from it.

    >>> first_masks(0) != first_masks(1) + 1
    True
    """
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])


def predicted(
    module: ModuleType, params: dict[str, Array], features: Features, running: dict[str, Array] | None = None
) -> Array:
    """Return what a generated module predicts; `running` are the running statistics of one that has some."""
    found: Array = vars(module).get("predict", module.forward)(params, features, *([running] if running else []))
    return found


def _count(features: Features) -> int:
    """The number of rows; of a dict, of all its arrays alike."""
    if not isinstance(features, dict):
        return len(features)
    counts = {name: len(values) for name, values in features.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"the inputs have different numbers of rows: {counts}")
    return next(iter(counts.values()), 0)


def _taken(features: Features, rows: Array) -> Features:
    """Return some of the rows."""
    if isinstance(features, dict):
        return {name: values[rows] for name, values in features.items()}
    return features[rows]


def check_options(epochs: int, batch: int, rate: float | None, seed: int, clip: float | None) -> None:
    """Raise unless training can run with these options.

    Raises:
        SpecError: an option out of its range.
    """
    for name, value, least in (("epochs", epochs, 1), ("batch", batch, 1), ("seed", seed, 0)):
        if value < least:
            raise SpecError(f"{name} is at least {least}, not {value}")
    for name, number in (("the learning rate", rate), ("the gradient norm to clip at", clip)):
        if number is not None and not (math.isfinite(number) and number > 0):
            raise SpecError(f"{name} is a positive number, not {number}")


@contextmanager
def progress_bar(console: Console, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Show a bar with the loss of the latest epoch; what it yields is the `after_epoch` of `train`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=epochs)
        yield lambda epoch: progress.update(task, completed=epoch.number, description=f"loss {epoch.loss:.4g}")


def mean_loss(
    module: ModuleType,
    params: dict[str, Array],
    features: Features,
    targets: Array,
    running: dict[str, Array] | None = None,
) -> float:
    """Return the mean loss over all rows, in evaluation: by the `running` statistics, if any, and without dropout."""
    options: dict[str, Any] = {"state": running} if running else {}
    if running or "MASKS" in vars(module):
        options["training"] = False
    return float(module.loss(params, features, targets, **options))


def accuracy(
    module: ModuleType,
    params: dict[str, Array],
    features: Features,
    targets: Array,
    running: dict[str, Array] | None = None,
) -> float:
    """Return the part of rows whose class is predicted: the largest output, or for one output the side of one half.

    Targets are class ids, or rows whose largest element is the class. `running` are the running statistics of a module
    that has some.
    """
    outputs = predicted(module, params, features, running)
    if outputs.shape[-1] == 1:
        return float(np.mean((outputs[..., 0] > 0.5) == (np.reshape(targets, outputs.shape[:-1]) == 1)))
    classes = np.argmax(targets, axis=-1) if np.shape(targets) == outputs.shape else targets
    return float(np.mean(np.argmax(outputs, axis=-1) == classes))
