"""How weights came about: the optimiser and what each epoch cost, as they stand in the notes of saved weights."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symprop.errors import DataError, SympropError, shown
from symprop.networks.optimiser_text import as_optimiser
from symprop.networks.optimisers import Optimiser
from symprop.training import Epoch, best_of

MOST_EPOCHS = 2000
"""So many epochs are kept; of a longer training some are left out, evenly."""
NOTE = "training"
LARGEST = sys.float_info.max


@dataclass(frozen=True)
class History:
    """One training: its optimiser, its options, how many rows each part had, and its epochs.

    `rows` are those that trained, those that were held out to choose an epoch by, and those held out for the result.
    `steps` is how many steps the whole run would have had.
    """

    optimiser: Optimiser
    epochs: tuple[Epoch, ...]
    rows: tuple[int, int, int]
    batch: int
    seed: int
    steps: int
    clip: float | None = None

    @property
    def best(self) -> Epoch:
        """The epoch whose parameters were kept."""
        return best_of(self.epochs)

    @property
    def has_held_out(self) -> bool:
        """Whether rows were held out to choose an epoch by."""
        return self.epochs[0].held_out is not None

    def notes(self) -> dict[str, Any]:
        """Return the history as plain values."""
        return {
            "optimizer": self.optimiser.text,
            "epochs": [[each.number, each.loss, each.held_out] for each in thinned(self.epochs, MOST_EPOCHS)],
            "rows": list(self.rows),
            "batch": self.batch,
            "seed": self.seed,
            "steps": self.steps,
            "clip": self.clip,
        }


def thinned(epochs: Sequence[Epoch], most: int) -> tuple[Epoch, ...]:
    """Return at most so many epochs, evenly, with the first, the last and the best.

    >>> [epoch.number for epoch in thinned([Epoch(k, 1 / k) for k in range(1, 11)], 5)]
    [1, 4, 7, 10]
    """
    if len(epochs) <= most:
        return tuple(epochs)
    places = {round(k * (len(epochs) - 1) / (most - 2)) for k in range(most - 1)}
    return tuple(epochs[place] for place in sorted(places | {epochs.index(best_of(epochs))}))


def history_of(notes: Mapping[str, Any]) -> History | None:
    """Return the history that the notes of weights hold; None where they hold none.

    Raises:
        DataError: it cannot be used.
    """
    if NOTE not in notes:
        return None
    saved = notes[NOTE]
    try:
        trained, chosen, rest = (_whole(count, 0) for count in saved["rows"])
        return History(
            as_optimiser(saved["optimizer"]),
            _epochs(saved["epochs"]),
            (trained, chosen, rest),
            batch=_whole(saved["batch"], 1),
            seed=_whole(saved["seed"], 0),
            steps=_whole(saved["steps"], 1),
            clip=None if saved["clip"] is None else _number(saved["clip"]),
        )
    except (KeyError, TypeError, ValueError, SympropError):
        raise DataError(f"the notes on the training cannot be used: {shown(saved)}") from None


def _epochs(saved: Any) -> tuple[Epoch, ...]:
    """Return epochs in their order, all of them or none with held-out rows."""
    epochs = tuple(
        Epoch(_whole(number, 1), _number(loss), None if held_out is None else _number(held_out))
        for number, loss, held_out in saved
    )
    numbers = [epoch.number for epoch in epochs]
    judged = [epoch.held_out is not None for epoch in epochs]
    if not epochs or len(epochs) > MOST_EPOCHS or sorted({*numbers}) != numbers or any(judged) != all(judged):
        raise ValueError
    return epochs


def _whole(value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 10**18:
        raise ValueError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        raise ValueError
    return float(value)


__all__ = ["History", "history_of", "thinned"]
