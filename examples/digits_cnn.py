"""Derive a residual convolutional network with BatchNorm, check it, and train it on 1,797 scanned digits.

    make digits-cnn

writes into build/digits-cnn/ the certificate (certificate.txt), the module to read (digits_cnn.py), and, after the
training, a report with the formulas, the figure of the network and the losses of its epochs (report.html). Progress
stands on the screen. The accuracy is that on a fifth of the digits, which nothing before that has seen: the network
and the number of epochs were chosen by cross-validation inside the other four fifths.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from checked import check
from digits import BRIGHTEST, DATA, ROOT, SIDE, Array, Labels, moved
from rich.console import Console

import symprop
from symprop.data import read_table, split
from symprop.history import NOTE, History
from symprop.saved import Model
from symprop.training import Epoch, accuracy, progress_bar, train

OUTPUT = ROOT / "build" / "digits-cnn"
NETWORK = (
    'Input(8, 8, 1) >> Conv2D(32, 3, padding="same", bias=False) >> BatchNorm() >> ReLU() >> MaxPool2D(2)'
    ' >> Residual(Conv2D(32, 3, padding="same", bias=False) >> BatchNorm() >> ReLU()) >> Flatten() >> Dropout(0.3)'
    " >> Dense(10) >> SoftmaxCrossEntropy()"
)
OPTIMISER = symprop.Adam(lr=0.005, schedule=symprop.Cosine())
BATCH = 128


def with_moved_copies(rows: Array, labels: Labels) -> tuple[Array, Labels]:
    """Return the digits and eight copies of each, moved by half a pixel along and across."""
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
    return np.concatenate([rows, *(moved(rows, *step) for step in steps)]), np.tile(labels, 1 + len(steps))


def images(features: Array, middle: float) -> Array:
    """Return rows of 64 pixels as images, brightness from 0 to 1 less its mean in the rows that train."""
    return (features - middle).reshape(-1, SIDE, SIDE, 1)


@dataclass(frozen=True)
class Learned:
    """A trained network, and how many of the digits held out it gets right."""

    model: Model
    right: int
    rows: int


def learned(
    network: symprop.Network, epochs: int, seed: int, show: Callable[[Epoch], None] = lambda epoch: None
) -> Learned:
    """Train on four fifths of the digits and their moved copies, and count on the fifth that is left."""
    training, rest = split(read_table(DATA, "digit", classification=True), 0.2, seed)
    x, y = with_moved_copies(training.features / BRIGHTEST, training.target)
    middle = float(x.mean())  # of the training part; the rest is not looked at
    module = symprop.compile(network, dtype="float32", optimizer=OPTIMISER)
    trained = train(module, images(x, middle), y, epochs=epochs, batch=BATCH, seed=seed, after_epoch=show)
    steps = epochs * -(-len(x) // BATCH)
    history = History(OPTIMISER, trained.epochs, (len(x), 0, rest.rows), BATCH, seed, steps)
    model = Model(network, trained.params, {NOTE: history.notes()}, trained.running)
    unseen = images(rest.features / BRIGHTEST, middle)
    reached = accuracy(module, trained.params, unseen, rest.target, trained.running)
    return Learned(model, round(reached * rest.rows), rest.rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for report, module and certificate")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the initial weights and the batches")
    options = parser.parse_args()
    console = Console(highlight=False)

    case = symprop.Case(symprop.parse_network(NETWORK))
    check(case, options.output, "digits_cnn.py", console)
    with progress_bar(console, options.epochs) as show:
        found = learned(case.network, options.epochs, options.seed, show)
    (options.output / "report.html").write_text(symprop.report(found.model).html(), encoding="utf-8")
    files = ", ".join(sorted(path.name for path in options.output.iterdir()))
    console.print(f"in {os.path.relpath(options.output)}: {files}", soft_wrap=True)
    console.print(f"{found.right} of {found.rows} held-out digits right: accuracy {found.right / found.rows:.1%}")


if __name__ == "__main__":
    main()
