"""The commands about data: train and predict."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from symprop.commands.arguments import (
    OPTIMISER_HELP,
    Enter,
    network_argument,
    output_argument,
    read_network,
    readable,
    writable,
)
from symprop.commands.outcome import STANDARD, Outcome
from symprop.commands.train_run import run
from symprop.data import read_features
from symprop.errors import DataError, harmless, shown
from symprop.limits import DTYPES
from symprop.natural_gradient import as_kfac
from symprop.saved import load_weights
from symprop.whole_batch import METHODS


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    train = command("train", _train)
    network_argument(train)
    train.add_argument(
        "--data",
        metavar="FILE.csv",
        type=readable,
        required=True,
        help="a header row, then one example a row; - for standard input",
    )
    train.add_argument(
        "--target", metavar="COLUMN", required=True, help="the column to predict; all others are features"
    )
    train.add_argument("--epochs", type=int, default=30, help="passes over the rows (30)")
    train.add_argument("--batch", type=int, help="rows of a step (32)")
    train.add_argument(
        "--optimizer",
        metavar="OPTIMISER",
        default="adam",
        help=f"{OPTIMISER_HELP}; kfac, by curvature; on all rows at once, by SciPy: {', '.join(METHODS)}",
    )
    train.add_argument("--lr", type=float, help="learning rate; by default the optimiser's own")
    train.add_argument("--schedule", metavar="STAGES", help='of the rate, in steps, as "Warmup(100) >> Cosine()"')
    train.add_argument(
        "--weight-decay", type=float, metavar="RATE", help="decoupled, of weights alone: no biases, norms and tables"
    )
    train.add_argument("--clip", type=float, metavar="NORM", help="clip the norm of all gradients together")
    train.add_argument("--damping", type=float, metavar="LAMBDA", help="the most kfac adds to the Fisher matrix (0.3)")
    train.add_argument("--fixed-damping", action="store_true", help="do not lower it where the last steps went well")
    train.add_argument(
        "--scale", choices=("standard", "largest", "none"), default="standard", help="how to scale features"
    )
    train.add_argument("--test-fraction", type=float, default=0.2, metavar="F", help="rows held out (0.2)")
    train.add_argument(
        "--validation", type=float, metavar="F", help="part of the training rows to choose the best epoch by"
    )
    train.add_argument(
        "--patience", type=int, metavar="EPOCHS", help="stop after so many epochs that are no better on these rows"
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--dtype", choices=DTYPES, default="float64")
    output_argument(train, "WEIGHTS.npz", "where the weights go")
    train.add_argument(
        "--resume", action="store_true", help="go on with the interrupted run that stands beside WEIGHTS.npz"
    )
    train.add_argument(
        "--plot",
        metavar="FILE",
        type=writable,
        help="the loss by epoch: FILE.svg; with the optimiser's equations .html, .tex or .pdf",
    )

    predict = command("predict", _predict)
    predict.add_argument("weights", metavar="WEIGHTS.npz", type=readable)
    predict.add_argument(
        "--data", metavar="FILE.csv", type=readable, required=True, help="with the columns that train took; or -"
    )
    output_argument(predict, "FILE.csv")


def _train(options: argparse.Namespace) -> Outcome:
    found = run(
        read_network(options.network, options.sizes),
        options.data,
        options.target,
        optimizer=as_kfac(options.optimizer, options.damping, options.fixed_damping),
        rate=options.lr,
        weight_decay=options.weight_decay,
        schedule=options.schedule,
        epochs=options.epochs,
        batch=options.batch,
        clip=options.clip,
        seed=options.seed,
        scaling=options.scale,
        test_fraction=options.test_fraction,
        validation=options.validation,
        patience=options.patience,
        dtype=options.dtype,
        output=options.output,
        plot=options.plot,
        resume=options.resume,
        quiet=options.json or options.quiet,
    )
    return replace(found, taken=STANDARD in (options.output, options.plot))


def _predict(options: argparse.Namespace) -> Outcome:
    model = load_weights(options.weights)
    if not model.features:
        raise DataError(f"{shown(options.weights, 200)} does not name the columns of its features")
    found = model.predict(read_features(options.data, model.features))
    target = model.notes.get("target", "prediction")

    def table(cell: Callable[[Any], Any]) -> str:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([cell(target)])
        writer.writerows(map(cell, row) if row.ndim else [cell(row)] for row in found)
        return lines.getvalue().rstrip("\n")

    def show() -> None:  # labels come out of a file
        print(table(lambda cell: harmless(str(cell))))

    def fields() -> dict[str, Any]:
        return {"target": target, "predictions": found.tolist()}

    text = table(lambda cell: cell)
    head = text.partition("\n")[0].encode()

    def own(before: bytes) -> bool:
        return before.splitlines()[:1] == [head]

    return Outcome(text, fields, output=options.output, show=show, own=own)
