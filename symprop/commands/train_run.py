"""The `train` command: a CSV file in; training with a progress bar, numbers on held-out rows, and weights out."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from rich.console import Console

from symprop.checkpoints import kept
from symprop.codegen import compile_network
from symprop.columns import columns_of
from symprop.commands.outcome import STANDARD, Outcome
from symprop.data import Scaling, Table, read_table, split
from symprop.errors import SpecError, shown
from symprop.evaluation import Array, Features, accuracy, mean_loss, predicted
from symprop.files import Source, check_writable, is_stream, write_whole
from symprop.history import NOTE, History
from symprop.natural_gradient import Kfac, diagonals_told, kfac_of
from symprop.networks import Network
from symprop.networks.optimiser_text import as_optimiser, as_schedule
from symprop.networks.optimisers import Optimiser
from symprop.own_files import write_own
from symprop.prepared import check_fit, prepared
from symprop.reports import loss_plot
from symprop.reports.content import SECTIONS
from symprop.reports.pdf import check_installed
from symprop.reports.report import report
from symprop.saved import NUMBERS, THRESHOLDS, Model, target_kind
from symprop.training import Epoch, Trained, check_options, progress_bar, train
from symprop.weights import save_weights
from symprop.whole_batch import METHODS, refuse_options, train_whole

TITLE = "Training of a network"
EXAMPLE = "weights.npz"
PLOTS = (".svg", ".html", ".tex", ".pdf")


@dataclass(frozen=True)
class Rows:
    """The rows of a table: those that train, those held out to choose an epoch by, those held out for the result."""

    training: Table
    validation: Table | None
    rest: Table

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many rows each part has."""
        return self.training.rows, self.validation.rows if self.validation else 0, self.rest.rows

    @property
    def parts(self) -> dict[str, Table]:
        """The parts that have rows, by what they are called."""
        named = {"training": self.training, "validation": self.validation, "held-out": self.rest}
        return {name: part for name, part in named.items() if part is not None and part.rows}

    @property
    def text(self) -> str:
        """How many there are of each."""
        chosen = f", {self.validation.rows} held out to choose the epoch by" if self.validation else ""
        result = " for the result" if self.validation else ""
        return f"{self.training.rows} rows to train on{chosen}, {self.rest.rows} held out{result}"


def run(
    network: Network,
    data: Source,
    target: str,
    *,
    optimizer: Optimiser | Kfac | str = "adam",
    rate: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    epochs: int = 30,
    batch: int | None = None,
    clip: float | None = None,
    seed: int = 0,
    scaling: str = "standard",
    test_fraction: float = 0.2,
    validation: float | None = None,
    patience: int | None = None,
    dtype: str = "float64",
    output: str | None = None,
    plot: str | None = None,
    resume: bool = False,
    console: Console | None = None,
    quiet: bool = False,
) -> Outcome:
    """Train `network` on a CSV file, print what comes of it unless `quiet`, and return it.

    Features are scaled by what the training rows say (`data.fit_scaling`), which is printed and saved with the weights.
    Where there is an `output`, a run that is interrupted is kept beside it, and goes on with `resume`.

    Raises:
        SympropError: data, network or options that do not fit together; nothing is written.
    """
    of_steps = {"weight_decay": weight_decay, "schedule": schedule, "batch": batch, "clip": clip}
    at_once = check_at_once(optimizer, plot, lr=rate, dtype=dtype, **of_steps)
    by_kfac = kfac_of(optimizer, plot, weight_decay=weight_decay, schedule=schedule)
    optimiser = None if at_once or by_kfac else chosen(optimizer, rate, weight_decay, schedule)
    check_files(output, plot)
    check_options(epochs, batch := 32 if batch is None else batch, rate, seed, clip, patience)
    table = read_table(data, target, classification=(kind := target_kind(network)) != NUMBERS)
    check_fit(network, table, kind)
    rows = parts(table, test_fraction, validation, patience, seed)
    scale = (columns := columns_of(network, table.names)).fit_scaling(rows.training.features, scaling)
    ready = partial(prepared, columns, scale, kind, dtype)
    module = by_kfac.module(network, dtype, rate) if by_kfac else compile_network(network, dtype, optimiser)
    console = console or Console(highlight=False, quiet=quiet, stderr=STANDARD in (output, plot))
    say = partial(console.print, markup=False, soft_wrap=True)
    say(f"{rows.text}{f' (seed {seed})' if rows.validation else ''}; {scale.text}{diagonals_told(module)}")
    options: dict[str, Any] = {"epochs": epochs, "batch": batch, "seed": seed, "clip": clip, "patience": patience}
    named = optimiser.text if optimiser else by_kfac.text(rate) if by_kfac else at_once
    settings = options | _told_apart(named, dtype, scaling, validation, network.text, test_fraction, table.digest)
    notes = _notes(network, table, target, scale)
    given, held_out = ready(rows.training), ready(rows.validation) if rows.validation else None
    with kept(None if output == STANDARD else output, settings, notes, module, resume, bool(at_once)) as more:
        trained = _trained(module, at_once, given, held_out, options | more, console)
        results = {name: _result(module, trained, *ready(part), kind) for name, part in rows.parts.items()}
        say("\n".join(_lines(trained if rows.validation else None, epochs, results)))
        notes |= {NOTE: _history(optimiser, trained, rows, options).notes()} if optimiser else {}
        written = write(Model(network, trained.params, notes, trained.running), output, plot, say, trained.epochs)
    return Outcome("", lambda: _fields(network, trained, rows, results), written=written, said=True)


def _told_apart(*values: object) -> dict[str, object]:
    """Return by which settings a run is told from another, beside its options."""
    names = ("optimizer", "dtype", "scale", "validation", "network", "test-fraction", "data")
    return dict(zip(names, values, strict=True))


def _lines(judged: Trained | None, epochs: int, results: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield what came of a training, of which epoch where rows were held out to choose one by."""
    if judged is not None:
        yield _kept(judged, epochs)
    yield from (f"{name} rows: {_told(each)}" for name, each in results.items())


def _trained(
    module: Any,
    at_once: str,
    given: tuple[Features, Array],
    held_out: tuple[Features, Array] | None,
    options: dict[str, Any],
    console: Console,
) -> Trained:
    """Train on batches, or on all rows at once, beside a bar."""
    with progress_bar(console, options["epochs"]) as show:
        if not at_once:
            return train(module, *given, held_out=held_out, after_epoch=show, **options)
        some = {name: options[name] for name in ("epochs", "seed", "patience", "keep", "since") if name in options}
        return train_whole(module, *given, method=at_once, held_out=held_out, after_epoch=show, **some)


def _fields(network: Network, trained: Trained, rows: Rows, results: dict[str, dict[str, float]]) -> dict[str, Any]:
    counts = dict(zip(("training", "validation", "held-out"), rows.counts, strict=True))
    parts = [
        {"name": name, "rows": counts[name], **{what: found.get(what) for what in ("loss", "accuracy", "error")}}
        for name, found in results.items()
    ]
    epochs = [{"number": each.number, "loss": each.loss, "validation_loss": each.held_out} for each in trained.epochs]
    return {"network": network.text, "epochs": epochs, "best_epoch": trained.best.number, "results": parts}


def _history(optimiser: Optimiser, trained: Trained, rows: Rows, options: dict[str, Any]) -> History:
    steps = options["epochs"] * math.ceil(rows.training.rows / options["batch"])
    return History(optimiser, trained.epochs, rows.counts, options["batch"], options["seed"], steps, options["clip"])


def chosen(
    optimizer: Optimiser | Kfac | str, rate: float | None, weight_decay: float | None, schedule: str | None
) -> Optimiser:
    """Return an optimiser with the numbers that were given beside it.

    Raises:
        SpecError: no optimiser, no schedule, or a number out of its range.
    """
    given: dict[str, Any] = {"lr": rate, "weight_decay": weight_decay}
    given["schedule"] = None if schedule is None else as_schedule(schedule)
    return replace(as_optimiser(optimizer), **{name: value for name, value in given.items() if value is not None})


def check_at_once(optimizer: Optimiser | Kfac | str, plot: str | None, **given: object) -> str:
    """Return the optimiser that takes all rows at once, "" where it takes batches.

    Raises:
        SpecError: an option beside it that is of steps on batches, or a plot with equations of a step.
    """
    if not isinstance(optimizer, str) or optimizer not in METHODS:
        return ""
    refuse_options(optimizer, **given)
    if plot is not None and plot != STANDARD and not plot.lower().endswith(".svg"):
        raise SpecError(f"a plot of {optimizer} has no equations of a step\nallowed: --plot FILE.svg")
    return optimizer


def check_files(output: str | None, plot: str | None) -> None:
    """Raise now if what training leaves could not be written.

    Raises:
        SpecError: another ending than those that are allowed.
        OutputError: a path that cannot be written, or a PDF without TeX.
    """
    if output is not None and output != STANDARD:
        check_writable(output)
        if not (output.endswith(".npz") or is_stream(output)):
            raise SpecError(f"weights are written as .npz, not to {shown(output, 200)}\nallowed: -o {EXAMPLE}")
    if plot == STANDARD and output == STANDARD:
        raise SpecError("weights and plot cannot both go to standard output\nallowed: -o FILE.npz with --plot -")
    if plot is not None and plot != STANDARD:
        check_writable(plot)
        ending = Path(plot).suffix.lower()
        if ending not in PLOTS:
            raise SpecError(f"a plot is written as {', '.join(PLOTS)}, not to {shown(plot, 200)}")
        if ending == ".pdf":
            check_installed()


def parts(table: Table, test_fraction: float, validation: float | None, patience: int | None, seed: int) -> Rows:
    """Return the parts of a table; `validation` is the part of the rows that would train.

    Raises:
        SpecError: a fraction out of its range, or patience without rows to have it for.
        DataError: too few rows.
    """
    training, rest = split(table, test_fraction, seed)
    if validation is None:
        if patience is not None:
            raise SpecError("--patience is for rows that are held out\nallowed: --validation 0.2 --patience 10")
        return Rows(training, None, rest)
    if validation == 0:
        raise SpecError("a validation fraction is above 0 and below 1, not 0")
    training, held_out = split(training, validation, seed, "validation")
    return Rows(training, held_out, rest)


def write(
    model: Model, output: str | None, plot: str | None, say: Callable[[str], None], epochs: tuple[Epoch, ...]
) -> tuple[str, ...]:
    """Write weights and figure where they were asked for, say how to use them, and return which files there are now.

    Raises:
        OutputError: a file cannot be written.
    """
    if output is not None:
        save_weights(_place(output), {**model.params, **model.running}, model.notes)
    if output is not None and output != STANDARD:
        say(f"wrote {output}; to use them:")
        say(f"  symprop predict {shlex.quote(output)} --data FILE.csv")
        say(f"  symprop.load_weights({output!r}).predict(rows)")
    if plot is not None:
        draw(model, plot, epochs)
    if plot is not None and plot != STANDARD:
        say(f"wrote {plot}")
    return tuple(path for path in (output, plot) if path is not None and path != STANDARD)


def _place(path: str) -> str | IO[bytes]:
    return sys.stdout.buffer if path == STANDARD else path


def draw(model: Model, path: str, epochs: tuple[Epoch, ...]) -> None:
    """Write the loss by epoch: as a figure alone (.svg), or on a page with the equations of the optimiser.

    Raises:
        OutputError: the file cannot be written.
    """
    if path == STANDARD or path.lower().endswith(".svg"):
        _, svg = loss_plot.plot(epochs)
        if path == STANDARD:
            write_whole(_place(path), svg)
        else:
            write_own(path, svg)
    else:
        without = [name for name in SECTIONS if name not in ("network", "training")]
        report(model, title=TITLE, without=without).write(path)


def _kept(trained: Trained, epochs: int) -> str:
    """Say after which epoch the weights are those that are kept, and whether training ended before its time."""
    last, best = trained.epochs[-1].number, trained.best
    stopped = f"stopped after epoch {last} of {epochs}; " if last < epochs else ""
    return f"{stopped}the weights are those after epoch {best.number}, with the smallest loss of the validation rows"


def _result(module: Any, trained: Trained, features: Features, targets: Array, kind: str) -> dict[str, float]:
    loss = mean_loss(module, trained.params, features, targets, trained.running)
    if kind == NUMBERS:
        outputs = predicted(module, trained.params, features, trained.running)
        return {"loss": float(loss), "error": float(np.sqrt(np.mean((outputs - targets) ** 2)))}
    right = accuracy(module, trained.params, features, targets, trained.running, THRESHOLDS.get(kind, 0.5))
    return {"loss": float(loss), "accuracy": float(right)}


def _told(found: dict[str, float]) -> str:
    """Say what came of some rows."""
    if "error" in found:
        return f"loss {found['loss']:.4g}, root mean square error {found['error']:.4g}"
    return f"loss {found['loss']:.4g}, accuracy {found['accuracy']:.1%}"


def _notes(network: Network, table: Table, target: str, scale: Scaling) -> dict[str, Any]:
    """What is needed to use the weights later."""
    return {
        "network": network.text,
        "target": target,
        "features": list(table.names),
        "classes": list(table.classes),
        "scaling": {"kind": scale.kind, "offset": scale.offset.tolist(), "scale": scale.scale.tolist()},
    }
