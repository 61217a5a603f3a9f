"""Count the passes over the rows that Adam, L-BFGS and Newton's method take on the digits to reach a loss.

    make bench-passes

A pass is a loss with its gradient for all rows, or a product with the Gauss-Newton matrix; an epoch of Adam is one. The
loss is that after the pass: of the rows that train, and of those held out. Adam has its default rate, and the one of
`RATES` that needs the fewest passes for the loss asked. Medians over starts; writes `benchmarks/results/passes.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import symprop
from symprop.data import fit_scaling, read_table, split
from symprop.training import train
from symprop.whole_batch import METHODS, train_whole

HERE = Path(__file__).parent
DIGITS = HERE.parent / "examples" / "data" / "digits.csv"
RESULTS = HERE / "results" / "passes.json"
NETWORK = "Input(64) >> Dense(16) >> Tanh() >> Dense(10) >> SoftmaxCrossEntropy()"
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
DEFAULT = RATES[0]
BATCH = 32
TRAINING, HELD_OUT = (0.3, 0.1, 0.03, 0.01, 0.001), (0.3, 0.25, 0.2)

Reached = tuple[list[tuple[int, float]], list[tuple[int, float]]]
"""The losses of the rows that train, and of those held out, by the number of passes."""


def by_adam(rate: float, rows: tuple[tuple[np.ndarray, ...], ...], seed: int, passes: int) -> Reached:
    """Return the losses of Adam with a rate."""
    module = symprop.compile(NETWORK, optimizer=f"Adam(lr={rate})")
    given, rest = rows
    found = [train(module, *given, epochs=passes, batch=BATCH, seed=seed, held_out=judged) for judged in (given, rest)]
    first, second = ([(each.number, float(each.held_out or 0)) for each in one.epochs] for one in found)
    return first, second


def at_once(method: str, rows: tuple[tuple[np.ndarray, ...], ...], seed: int, passes: int) -> Reached:
    """Return the losses of a method that takes all rows at once."""
    given, rest = rows
    found = train_whole(symprop.compile(NETWORK), *given, method=method, epochs=passes, seed=seed, held_out=rest)
    losses = [(each.number, each.loss) for each in found.epochs]
    return losses, [(each.number, float(each.held_out or 0)) for each in found.epochs]


def first_below(losses: Iterable[tuple[int, float]], wanted: float) -> float:
    """Return the number of passes after which a loss is reached, infinite where it is not."""
    return next((float(number) for number, loss in losses if loss <= wanted), float("inf"))


def main() -> None:
    """Train, print the table, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--passes", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    table = read_table(str(DIGITS), "digit", classification=True)
    parts = split(table, 0.2, 0)
    scale = fit_scaling(parts[0].features)
    rows = tuple((scale(each.features), each.target.astype(int)) for each in parts)
    runs: dict[str, list[Reached]] = {f"Adam(lr={rate})": [] for rate in RATES} | {name: [] for name in METHODS}
    for seed in range(options.seeds):
        for rate in RATES:
            runs[f"Adam(lr={rate})"].append(by_adam(rate, rows, seed, options.passes))
        for method in METHODS:
            runs[method].append(at_once(method, rows, seed, options.passes))
    found = {}
    for which, losses in enumerate((TRAINING, HELD_OUT)):
        for wanted in losses:
            passes = {
                name: statistics.median(first_below(run[which], wanted) for run in each) for name, each in runs.items()
            }
            best = min((f"Adam(lr={rate})" for rate in RATES), key=passes.__getitem__)
            what = f"{('training', 'held-out')[which]} loss {wanted}"
            found[what] = passes
            told = {"Adam": passes[f"Adam(lr={DEFAULT})"], f"Adam tuned ({best})": passes[best]}
            told |= {name: passes[name] for name in METHODS}
            print(f"{what}: {', '.join(f'{name} {number:g}' for name, number in told.items())}", flush=True)
    best_held_out = {
        name: statistics.median(min(loss for _, loss in held) for _, held in each) for name, each in runs.items()
    }
    print("smallest held-out loss:", ", ".join(f"{name} {loss:.3f}" for name, loss in best_held_out.items()))
    RESULTS.write_text(json.dumps({"passes": found, "held out": best_held_out}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
