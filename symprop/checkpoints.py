"""A training that has not ended, in a file beside its weights: all that it needs to go on, and weights that predict.

`weights.npz` has `weights.unfinished.npz` beside it while it is made. The file is written whole after an epoch, at most
once a second, and when the run is interrupted; where training ends it is removed. It is itself a file of weights: those
of the best epoch so far. A run that goes on from it makes the numbers that it would have made without a break.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symprop.errors import DataError, SpecError, shown
from symprop.evaluation import Array
from symprop.files import check_writable, is_stream
from symprop.runs import Epoch, Progress, Trained, arrays_of, fresh_state
from symprop.weights import BESIDE, UNFINISHED, load_notes, load_weights, save_weights

SECONDS = 1.0
"""So long after one writing the next is made, so that epochs of milliseconds are not slowed down."""
EPOCHS = f"{BESIDE}epochs"


def beside(weights: str) -> str:
    """Return the path of the unfinished run of a file of weights.

    >>> beside("out/w.npz")
    'out/w.unfinished.npz'
    """
    path = Path(weights)
    return str(path.with_name(f"{path.stem}.{UNFINISHED}{path.suffix}"))


@dataclass
class Checkpoint:
    """The file of one run: `run` says which run it is, `notes` are those of its weights, as plain values."""

    path: str
    run: Mapping[str, Any]
    notes: Mapping[str, Any]
    _last: Progress | None = None
    _written: Progress | None = None
    _time: float = field(default=float("-inf"))

    def check(self, resume: bool) -> None:
        """Raise now if the run could not be kept, or if there is one that would be lost, or none to go on with.

        Raises:
            OutputError: the file could not be written.
            SpecError: `resume` without a file, or a file without `resume`.
        """
        check_writable(self.path)
        there = Path(self.path).exists()
        if there and not resume:
            raise SpecError(
                f"{shown(self.path, 200)} holds a training that was interrupted\n"
                "allowed: --resume to go on with it, or remove the file"
            )
        if resume and not there:
            raise SpecError(f"there is no {shown(self.path, 200)} to go on with; without --resume training begins")

    def keep(self, progress: Progress) -> None:
        """Keep where the run stands; written now if the last writing is long enough ago."""
        self._last = progress
        if time.monotonic() - self._time >= SECONDS:
            self.write()

    def write(self) -> int:
        """Write where the run stands, if an epoch is complete, and return the number of that epoch, or 0.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._last is None:
            return 0
        if self._last is not self._written:
            trained = self._last.trained
            arrays = {**trained.params, **trained.running, EPOCHS: _table(trained.epochs)}
            arrays |= {BESIDE + name: value for name, value in self._last.arrays.items()}
            numbers = {"run": dict(self.run), "numbers": self._last.numbers, "order": self._last.order}
            save_weights(self.path, arrays, {**self.notes, UNFINISHED: {**numbers, "epochs": len(trained.epochs)}})
            self._written, self._time = self._last, time.monotonic()
        return self._last.trained.epochs[-1].number

    def remove(self) -> None:
        """Remove the file, since training has ended."""
        Path(self.path).unlink(missing_ok=True)

    def _saved(self) -> dict[str, Any]:
        """Return the notes on the run that the file holds.

        Raises:
            SpecError: it is another run; what differs is named.
            OutputError: the file cannot be read.
            DataError: it holds no such run.
        """
        saved = load_notes(self.path).get(UNFINISHED)
        if not isinstance(saved, dict) or not isinstance(saved.get("run"), dict):
            raise DataError(f"{shown(self.path, 200)} holds no training to go on with")
        for name, value in self.run.items():
            if saved["run"].get(name) != value:
                raise SpecError(
                    f"{shown(self.path, 200)} is another training: {name} is {shown(saved['run'].get(name), 80)} there,"
                    f" {shown(value, 80)} here\nallowed: the command that was interrupted, or remove the file"
                )
        return saved

    def read(self, module: ModuleType) -> Progress:
        """Return where the run stands that the file holds.

        Raises:
            SpecError: it is another run; what differs is named.
            OutputError: the file cannot be read.
            DataError: it holds no such run.
        """
        saved, state = self._saved(), fresh_state(module, 0)
        kept = {name: value.shape for name, value in state["params"].items()}
        kept |= {name: state[name].shape for name in vars(module).get("STATISTICS", ())}
        inner = {BESIDE + name: value.shape for name, value in arrays_of(state).items()}
        count = _whole(saved.get("epochs"), 1)
        judged = 1 + bool(self.run.get("validation"))
        found = load_weights(self.path, {**kept, **inner, EPOCHS: (count, judged)}).params
        epochs = tuple(Epoch(place, *map(float, row)) for place, row in enumerate(found.pop(EPOCHS), 1))
        arrays = {name.removeprefix(BESIDE): found.pop(name) for name in inner}
        params = {name: found.pop(name) for name in state["params"]}
        return Progress(Trained(params, epochs, found), arrays, _numbers(saved, state), _order(saved))

    def read_whole(self, module: ModuleType) -> Progress:
        """Return the same of a run of `train_whole`, which has no state of steps but what its passes gave.

        Raises:
            SympropError: as for `read`.
        """
        saved, start = self._saved(), module.init_params(seed=0)
        numbers, size = saved.get("numbers"), sum(value.size for value in start.values())
        if not isinstance(numbers, dict) or set(numbers) != {"before", "passes", "iterations"}:
            raise DataError(f"the notes on an unfinished training cannot be used: {shown(numbers)}")
        before, passes, iterations = (_whole(numbers[name]) for name in ("before", "passes", "iterations"))
        judged = 1 + bool(self.run.get("validation"))
        inner = {"start": (size,), "log": (passes, 1 + size), "iterations": (iterations, 1 + judged)}
        shapes = {name: value.shape for name, value in start.items()} | {EPOCHS: (iterations, judged)}
        found = load_weights(self.path, shapes | {BESIDE + name: shape for name, shape in inner.items()}).params
        arrays = {name: found.pop(BESIDE + name) for name in inner}
        epochs = tuple(Epoch(int(number), loss, *held) for number, loss, *held in arrays["iterations"].tolist())
        if before > iterations:
            raise DataError(f"the notes on an unfinished training cannot be used: {shown(numbers)}")
        return Progress(Trained({name: found[name] for name in start}, epochs), arrays, numbers, {})


@contextmanager
def kept(
    output: str | None,
    run: Mapping[str, Any],
    notes: Mapping[str, Any],
    module: ModuleType,
    resume: bool,
    at_once: bool = False,
) -> Iterator[dict[str, Any]]:
    """Keep a run beside its output until it has ended; yields the `keep` and `since` of `training.train`.

    Where it is `at_once` they are those of `train_whole`.

    Without an output, or where it is a device or a pipe, there is no file beside it, and nothing is kept. What the
    block writes is written when it ends.

    Raises:
        SpecError: `resume` without a run to go on with, or a run that would be lost.
        OutputError: the run cannot be kept.
        KeyboardInterrupt: as it came, with where the run is.
    """
    if output is None or is_stream(output):
        if resume:
            raise SpecError("--resume goes on with a run that stands beside its weights\nallowed: -o FILE.npz --resume")
        yield {}
        return
    checkpoint = Checkpoint(beside(output), run, notes)
    checkpoint.check(resume)
    try:
        read = checkpoint.read_whole if at_once else checkpoint.read
        yield {"keep": checkpoint.keep, "since": read(module) if resume else None}
    except KeyboardInterrupt:
        number = checkpoint.write()
        where = f"the weights after epoch {number} are in {shown(checkpoint.path, 200)}; --resume goes on with them"
        raise KeyboardInterrupt(f"interrupted; {where}" if number else "interrupted") from None
    except DataError:  # it would end there again
        if not resume:
            checkpoint.remove()
        raise
    checkpoint.remove()


def _table(epochs: tuple[Epoch, ...]) -> Array:
    """Return the losses of all epochs, those of held-out rows beside them where there are some."""
    return np.array([[e.loss] if e.held_out is None else [e.loss, e.held_out] for e in epochs], dtype=np.float64)


def _numbers(saved: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, int]:
    """Return the whole numbers of a state of training, the same ones as a fresh state has."""
    numbers = saved.get("numbers")
    if not isinstance(numbers, dict) or set(numbers) != {n for n, value in state.items() if isinstance(value, int)}:
        raise DataError(f"the notes on an unfinished training cannot be used: {shown(numbers)}")
    return {name: _whole(value) for name, value in numbers.items()}


def _order(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the generator that orders the rows, tried on a generator."""
    order = saved.get("order")
    try:
        np.random.default_rng(0).bit_generator.state = order  # type: ignore[assignment]
    except (TypeError, ValueError, KeyError, OverflowError):
        raise DataError(f"the notes on an unfinished training cannot be used: {shown(order)}") from None
    return dict(order)  # type: ignore[arg-type]


def _whole(value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
        raise DataError(f"the notes on an unfinished training cannot be used: {shown(value)}")
    return value
