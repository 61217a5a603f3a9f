"""Training a generated module: seeded batches, one optimiser step each, gradients clipped where asked.

The optimiser itself is part of the generated module (`init_state`, `train_step`), made with `optimizer=NAME`; this is
the loop around it, which the command line and the examples share.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symprop.data import batches
from symprop.errors import DataError, SpecError
from symprop.evaluation import Array, Features, accuracy, mean_loss, predicted
from symprop.runs import Epoch, Progress, Trained, best_of, copied, fresh_state, progress_of, put_back

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Epoch", "Progress", "Trained", "accuracy", "best_of", "mean_loss", "predicted", "progress_bar", "train"]


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
    keep: Callable[[Progress], None] | None = None,
    since: Progress | None = None,
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
        keep: called after each epoch with copies of all that is needed to go on from there, for `since` of a later run.

    Raises:
        SpecError: an option out of its range, patience without held-out rows, or a schedule that does not fit the run.
        DataError: no rows, features and targets of different lengths, or a loss that is no longer finite.
        ValueError: features or targets that the module does not take; the index is that in all rows.
    """
    check_options(epochs, batch, rate, seed, clip, patience)
    _check_given(features, targets, held_out, patience)
    state = fresh_state(module, seed, params)
    options = {"max_norm": clip, **_schedule(module, epochs * -(-len(targets) // batch), rate)}
    generator = np.random.default_rng(seed)
    history, best = list[Epoch](), None
    if since is not None:
        put_back(state, since, generator)
        history, best = list(since.trained.epochs), since.trained.best
        kept = since.trained.params, since.trained.running
    for number in range(len(history) + 1, epochs + 1):
        if best is not None and patience is not None and number - 1 - best.number >= patience:
            break
        order = batches(len(targets), batch, generator)
        loss = _epoch(module, state, features, targets, order, number, options)
        now = _parts(module, state)
        judged = None if held_out is None else _judged(module, *now, *held_out, number)
        history.append(Epoch(number, loss, judged))
        if best is None or best_of((best, history[-1])) != best:
            best, kept = history[-1], now if held_out is None else copied(*now)
        if keep is not None:
            keep(progress_of(state, kept, history, generator))
        after_epoch(history[-1])
    return Trained(kept[0], tuple(history), kept[1])


def _parts(module: ModuleType, state: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the parameters and the running statistics of a state of training."""
    return state["params"], {name: state[name] for name in vars(module).get("STATISTICS", ())}


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


def _check_given(
    features: Features, targets: Array, held_out: tuple[Features, Array] | None, patience: int | None
) -> None:
    if patience is not None and held_out is None:
        raise SpecError("patience is for rows that are held out, and none are")
    for rows in ((features, targets), *([held_out] if held_out else [])):
        _check_rows(*rows)


def _check_rows(features: Features, targets: Array) -> None:
    count = _count(features)
    if count != len(targets) or not count:
        raise DataError(
            f"{count} rows of features and {len(targets)} targets; as many of both are needed, at least one"
        )


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
