"""Count the passes over the rows that Adam, K-FAC, L-BFGS and Newton's method take on the digits to reach a loss.

    make bench-passes

A pass is a loss with its gradient for all rows, or a product with the Gauss-Newton matrix; an epoch of Adam is one, one
of K-FAC 1.1 for the factors of every tenth batch, and 1.2 where a further loss of each of these adapts lambda. The loss
is that after the pass: of the rows that train, and of those held out. Adam has its default rate, and the one of
`RATES` that needs the fewest passes for the loss asked. Medians over starts; writes `benchmarks/results/passes.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import symprop
from symprop.data import fit_scaling, read_table, split
from symprop.errors import DataError
from symprop.natural_gradient import with_kfac
from symprop.training import train
from symprop.whole_batch import METHODS, train_whole

HERE = Path(__file__).parent
DIGITS = HERE.parent / "examples" / "data" / "digits.csv"
RESULTS = HERE / "results" / "passes.json"
NETWORK = "Input(64) >> Dense(16) >> Tanh() >> Dense(10) >> SoftmaxCrossEntropy()"
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
DEFAULT = RATES[0]
BATCH = 32
FACTORS, RATIO = 0.1, 0.1
"""Of a pass, what the factors of every tenth batch count for, and the losses by which lambda is adapted."""
KFAC = {
    f"kfac(lr={rate}, batch={batch}{'' if adapts else ', fixed damping'})": (rate, batch, adapts)
    for rate, batch in ((0.03, 32), (0.1, 32), (0.3, 32), (0.3, 128), (1.0, 360))
    for adapts in (True, False)
}
TRAINING, HELD_OUT = (0.3, 0.1, 0.03, 0.01, 0.001), (0.3, 0.25, 0.2)

Reached = tuple[list[tuple[float, float]], list[tuple[float, float]]]
"""The losses of the rows that train, and of those held out, by the number of passes."""


def by_adam(rate: float, rows: tuple[tuple[np.ndarray, ...], ...], seed: int, passes: int) -> Reached:
    """Return the losses of Adam with a rate."""
    return on_batches(symprop.compile(NETWORK, optimizer=f"Adam(lr={rate})"), rows, seed, passes, BATCH)


def by_kfac(
    chosen: tuple[float, int, bool], rows: tuple[tuple[np.ndarray, ...], ...], seed: int, passes: int
) -> Reached:
    """Return the losses of K-FAC with a rate and batches of a size, lambda adapted or not."""
    rate, batch, adapts = chosen
    cost = 1 + FACTORS + RATIO * adapts
    module = with_kfac(symprop.parse_network(NETWORK), rate=rate, adapts=adapts)
    found = on_batches(module, rows, seed, int(passes / cost), batch)
    first, second = ([(number * cost, loss) for number, loss in each] for each in found)
    return first, second


def on_batches(module: Any, rows: tuple[tuple[np.ndarray, ...], ...], seed: int, epochs: int, batch: int) -> Reached:
    """Return the losses after each epoch of steps on batches, infinite from where they are no longer finite."""
    given, rest = rows
    found: Reached = [], []

    def judge(progress: Any) -> None:
        params, number = progress.trained.params, len(progress.trained.epochs)
        for losses, judged in zip(found, (given, rest), strict=True):
            losses.append((number, float(module.loss(params, *judged))))

    with contextlib.suppress(DataError):
        train(module, *given, epochs=epochs, batch=batch, seed=seed, keep=judge)
    return found


def at_once(method: str, rows: tuple[tuple[np.ndarray, ...], ...], seed: int, passes: int) -> Reached:
    """Return the losses of a method that takes all rows at once."""
    given, rest = rows
    found = train_whole(symprop.compile(NETWORK), *given, method=method, epochs=passes, seed=seed, held_out=rest)
    losses = [(each.number, each.loss) for each in found.epochs]
    return losses, [(each.number, float(each.held_out or 0)) for each in found.epochs]


def first_below(losses: Iterable[tuple[float, float]], wanted: float) -> float:
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
    names = (*(f"Adam(lr={rate})" for rate in RATES), *KFAC, *METHODS)
    runs: dict[str, list[Reached]] = {name: [] for name in names}
    for seed in range(options.seeds):
        for rate in RATES:
            runs[f"Adam(lr={rate})"].append(by_adam(rate, rows, seed, options.passes))
        for name, chosen in KFAC.items():
            runs[name].append(by_kfac(chosen, rows, seed, options.passes))
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
            told |= {name: round(passes[name], 1) for name in (*KFAC, *METHODS)}
            print(f"{what}: {', '.join(f'{name} {number:g}' for name, number in told.items())}", flush=True)
    best_held_out = {
        name: statistics.median(min(loss for _, loss in held) for _, held in each) for name, each in runs.items()
    }
    print("smallest held-out loss:", ", ".join(f"{name} {loss:.3f}" for name, loss in best_held_out.items()))
    RESULTS.write_text(json.dumps({"passes": found, "held out": best_held_out}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
