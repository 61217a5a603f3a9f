"""Derive a residual network, check it, and train its generated module on 1,797 scanned digits.

    make run

writes into build/digits/ what one derivation gives: the report (report.txt, report.html), the formulas as LaTeX
(report.tex), the stand-alone NumPy module (digits.py) and the certificate (certificate.txt). Then it trains that module
on four fifths of the digits and prints the accuracy on the other fifth, which nothing before that has seen: the
network, its penalty and the number of epochs were chosen by cross-validation inside the four fifths.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import symprop
from symprop.training import train

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


def read(path: Path) -> tuple[Array, Labels]:
    """Return the images, brightness from 0 to 1 in rows of 64 pixels, and the digit that each shows."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 1:] / BRIGHTEST, table[:, 0].astype(np.int64)


def split(count: int, seed: int) -> tuple[Labels, Labels]:
    """Return the positions of four fifths of `count` examples, drawn at random, and those of the rest."""
    order = np.random.default_rng(seed).permutation(count)
    cut = round(0.8 * count)
    return order[:cut], order[cut:]


def moved(images: Array, down: int, right: int) -> Array:
    """Return the images moved by half a pixel: the mean of each with itself moved by a whole one."""
    framed = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    whole = framed[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE]
    return (images + whole.reshape(images.shape)) / 2


def with_moved_copies(images: Array, labels: Labels) -> tuple[Array, Labels]:
    """Return the images and four copies of each, moved by half a pixel: a digit stays what it is when it is moved."""
    copies = [images, *(moved(images, *step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1)))]
    return np.concatenate(copies), np.tile(labels, len(copies))


def write_derivation(network: symprop.Network, folder: Path, console: Console) -> None:
    """Write the report, the formulas, the module and the certificate of `network`, and print the report."""
    derivation = symprop.derive(network)
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "report.txt": derivation.pretty(),
        "report.html": derivation.html(),
        "report.tex": derivation.latex(),
        "digits.py": symprop.generate(network, dtype="float64"),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    console.print(pages["report.txt"], markup=False, highlight=False, soft_wrap=True)
    certificate = symprop.check(network)
    (folder / "certificate.txt").write_text(str(certificate), encoding="utf-8")
    console.print(str(certificate), markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for report, module and certificate")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the initial weights and the batches")
    options = parser.parse_args()
    console = Console()

    network = symprop.parse_network(NETWORK)
    write_derivation(network, options.output, console)

    images, labels = read(DATA)
    training, rest = split(len(labels), options.seed)
    module = symprop.compile(network, dtype="float64")
    x, y = with_moved_copies(images[training], labels[training])
    middle = x.mean()  # of the training part; the rest is not looked at
    params = train(
        module, x - middle, y, epochs=options.epochs, batch=128, optimizer="adam", lr=0.003, seed=options.seed
    )
    answers = module.forward(params, images[rest] - middle).argmax(axis=1)
    right = int((answers == labels[rest]).sum())
    console.print(f"{right} of {len(rest)} held-out digits right: accuracy {right / len(rest):.1%}", highlight=False)


if __name__ == "__main__":
    main()
