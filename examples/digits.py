"""Derive a residual network, check it, and train its generated module on 1,797 scanned digits.

    make run

writes into build/digits/ what one derivation gives: the report (report.txt, report.html), the formulas as LaTeX
(report.tex), the stand-alone NumPy module (digits.py) and the certificate (certificate.txt). Then it trains that module
on four fifths of the digits and prints the accuracy on the other fifth, which nothing before that has seen: the
network, its penalty and the number of epochs were chosen by cross-validation inside the four fifths.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import symprop
from symprop import notation
from symprop.data import read_table, split
from symprop.training import accuracy, progress_bar, train

ROOT = Path(__file__).parents[1]
DATA = ROOT / "examples" / "data" / "digits.csv"
OUTPUT = ROOT / "build" / "digits"
NETWORK = (
    "Input(64) >> Dense(128) >> ReLU() >> Residual(Dense(128) >> ReLU()) >> Dense(10)"
    " >> SoftmaxCrossEntropy() + L2(0.0001)"
)
BRIGHTEST = 16.0  # pixels are whole numbers from 0 to 16
SIDE = 8  # an image is 8 x 8 pixels

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def moved(images: Array, down: int, right: int) -> Array:
    """Return the images moved by half a pixel: the mean of each with itself moved by a whole one."""
    framed = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    whole = framed[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE]
    return (images + whole.reshape(images.shape)) / 2


def with_moved_copies(images: Array, labels: Labels) -> tuple[Array, Labels]:
    """Return the images and four copies of each, moved by half a pixel: a digit stays what it is when it is moved."""
    copies = [images, *(moved(images, *step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1)))]
    return np.concatenate(copies), np.tile(labels, len(copies))


def derive_and_check(network: symprop.Network, folder: Path, console: Console) -> None:
    """Write report, formulas, module and certificate of `network` into `folder`, and print the report."""
    case = symprop.Case(network)  # what one of these derives the others have
    derivation, certificate = case.derivation, symprop.check(case)
    files = {
        "report.txt": derivation.pretty(),
        "report.html": notation.html(derivation),
        "report.tex": notation.document(derivation),
        "digits.py": symprop.generate(case, dtype="float64", optimizer="adam"),
        "certificate.txt": certificate.table(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")
    console.print(files["report.txt"], markup=False, soft_wrap=True)
    console.print(f"certificate: {certificate.summary}", soft_wrap=True)
    console.print(f"in {os.path.relpath(folder)}: {', '.join(files)}", soft_wrap=True)
    if not certificate.ok:
        sys.exit("the certificate disagrees; the module is not trained")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for report, module and certificate")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the initial weights and the batches")
    options = parser.parse_args()
    console = Console(highlight=False)

    network = symprop.parse_network(NETWORK)
    derive_and_check(network, options.output, console)

    training, rest = split(read_table(DATA, "digit", classification=True), 0.2, options.seed)
    module = symprop.compile(network, dtype="float64", optimizer="adam")
    x, y = with_moved_copies(training.features / BRIGHTEST, training.target)
    middle = x.mean()  # of the training part; the rest is not looked at
    with progress_bar(console, options.epochs) as show:
        trained = train(
            module, x - middle, y, epochs=options.epochs, batch=128, rate=0.003, seed=options.seed, after_epoch=show
        )
    reached = accuracy(module, trained.params, rest.features / BRIGHTEST - middle, rest.target)
    right = round(reached * rest.rows)
    console.print(f"{right} of {rest.rows} held-out digits right: accuracy {reached:.1%}")


if __name__ == "__main__":
    main()
