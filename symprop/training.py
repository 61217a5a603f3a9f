"""Training a generated module: seeded batches, one optimiser step each, gradients clipped where asked.

The optimiser itself is part of the generated module (`init_state`, `train_step`), made with `optimizer=NAME`; this is
the loop around it, which the command line and the examples share.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
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


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch that was best on held-out rows, the first of equals; without such rows the last.

    >>> best_of([Epoch(1, 0.9, 0.8), Epoch(2, 0.5, 0.6), Epoch(3, 0.2, 0.7)]).number
    2
    """
    judged = [(epoch.held_out, place) for place, epoch in enumerate(epochs) if epoch.held_out is not None]
    return epochs[min(judged)[1]] if judged else epochs[-1]


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
    held_out: tuple[Features, Array] | None = None,
    patience: int | None = None,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train a generated module and return its parameters; the same seed gives the same parameters.

    Args:
        module: a generated module made with an optimiser; a cosine without steps takes those that the run has left.
        features: one example a row, as `module.forward` takes them: an array, or a dict of them.
        targets: as `module.loss_and_grads` takes them.
        rate: the learning rate; by default the optimiser's own.
        clip: the largest norm of all gradients together, or None.
        params: where to start; by default `module.init_params(seed)`.
        held_out: features and targets on which no step is made; the epoch that is best on them gives the parameters.
        patience: how many epochs in a row may be no better on them before training stops; None: all are run.
        after_epoch: called with each `Epoch` as it ends.

    Raises:
        SpecError: an option out of its range, patience without held-out rows, or a schedule that does not fit the run.
        DataError: no rows, features and targets of different lengths, or a loss that is no longer finite.
        ValueError: features or targets that the module does not take; the index is that in all rows.
    """
    check_options(epochs, batch, rate, seed, clip, patience)
    if patience is not None and held_out is None:
        raise SpecError("patience is for rows that are held out, and none are")
    for rows in ((features, targets), *([held_out] if held_out else [])):
        _check_rows(*rows)
    start = module.init_params(seed=seed) if params is None else params
    state = module.init_state(start, **({"seed": first_masks(seed)} if "MASKS" in vars(module) else {}))
    options = {"max_norm": clip, **_schedule(module, epochs * -(-len(targets) // batch), rate)}
    generator = np.random.default_rng(seed)
    history: list[Epoch] = []
    best: Epoch | None = None
    for number in range(1, epochs + 1):
        order = batches(len(targets), batch, generator)
        loss = _epoch(module, state, features, targets, order, number, options)
        now = _parts(module, state)
        judged = None if held_out is None else _judged(module, *now, *held_out, number)
        history.append(Epoch(number, loss, judged))
        after_epoch(history[-1])
        if best is None or best_of((best, history[-1])) != best:
            best, kept = history[-1], now if held_out is None else _copied(*now)
        elif patience is not None and number - best.number >= patience:
            break
    return Trained(kept[0], tuple(history), kept[1])


def _parts(module: ModuleType, state: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the parameters and the running statistics of a state of training."""
    return state["params"], {name: state[name] for name in vars(module).get("STATISTICS", ())}


def _copied(params: dict[str, Array], running: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return them as they are now: further steps change the ones that are given."""
    return {name: value.copy() for name, value in params.items()}, {name: np.copy(v) for name, v in running.items()}


def _schedule(module: ModuleType, steps: int, rate: float | None) -> dict[str, float]:
    """Return the numbers of a module's learning rate for a run of so many steps.

    Raises:
        SpecError: the warm-up leaves no steps, or the rate at the end is above the one that is given.
    """
    numbers = inspect.signature(module.train_step).parameters
    given = {} if rate is None else {"lr": rate}
    if rate is not None and "final" in numbers and numbers["final"].default > rate:
        raise SpecError(f"the final rate {numbers['final'].default:g} is above the learning rate {rate:g}")
    warmup = numbers["warmup"].default if "warmup" in numbers else 0
    if warmup >= steps:
        raise SpecError(
            f"the warm-up takes {warmup:,} steps, the whole run has {steps:,}\n"
            "allowed: a shorter one, more epochs, or smaller batches"
        )
    open_ended = "horizon" in numbers and numbers["horizon"].default is inspect.Parameter.empty
    return {**given, "horizon": steps - warmup} if open_ended else given


def _epoch(
    module: ModuleType,
    state: dict[str, Any],
    features: Features,
    targets: Array,
    order: Iterable[Array],
    number: int,
    options: dict[str, Any],
) -> float:
    """Make a step on each batch of rows and return their mean loss."""
    total = 0.0
    for rows in order:
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told below, in words
            try:
                loss = module.train_step(state, _taken(features, rows), targets[rows], **options)
            except ValueError:
                module.loss(state["params"], features, targets)  # says where in all rows, not in a shuffled batch
                raise
        total += loss * len(rows)
        if not math.isfinite(total):
            raise DataError(f"the loss is {loss} in epoch {number}; try a smaller --lr or --clip 1")
    return total / len(targets)


def _judged(
    module: ModuleType,
    params: dict[str, Array],
    running: dict[str, Array],
    features: Features,
    targets: Array,
    number: int,
) -> float:
    """Return the loss of held-out rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        loss = mean_loss(module, params, features, targets, running)
    if not math.isfinite(loss):
        raise DataError(f"the loss of held-out rows is {loss} in epoch {number}; try a smaller --lr or --clip 1")
    return loss


def _check_rows(features: Features, targets: Array) -> None:
    count = _count(features)
    if count != len(targets) or not count:
        raise DataError(
            f"{count} rows of features and {len(targets)} targets; as many of both are needed, at least one"
        )


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


def check_options(
    epochs: int, batch: int, rate: float | None, seed: int, clip: float | None, patience: int | None = None
) -> None:
    """Raise unless training can run with these options.

    Raises:
        SpecError: an option out of its range.
    """
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch", batch, 1),
        ("seed", seed, 0),
        ("patience", patience, 1),
    ):
        if value is not None and value < least:
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
        yield lambda epoch: progress.update(task, completed=epoch.number, description=_told(epoch))


def _told(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4g}" + ("" if epoch.held_out is None else f", held out {epoch.held_out:.4g}")


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
    threshold: float = 0.5,
) -> float:
    """Return the part of rows whose class is predicted: the largest output, or for one output the side of `threshold`.

    Targets are class ids, or rows whose largest element is the class. `running` are the running statistics of a module
    that has some.
    """
    outputs = predicted(module, params, features, running)
    if outputs.shape[-1] == 1:
        return float(np.mean((outputs[..., 0] > threshold) == (np.reshape(targets, outputs.shape[:-1]) == 1)))
    classes = np.argmax(targets, axis=-1) if np.shape(targets) == outputs.shape else targets
    return float(np.mean(np.argmax(outputs, axis=-1) == classes))
