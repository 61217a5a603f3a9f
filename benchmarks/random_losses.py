"""Random scalar losses of matrices through symprop and through SymPy's own `diff`: how often is each right?

    make bench
    .venv/bin/python benchmarks/random_losses.py --count 1000

The losses are drawn by `tests/random_losses.py` from the whole language; those that SymPy's matrix expressions cannot
say (`formulas/interchange/writing.py` refuses them) are drawn again. Each is differentiated by one of its vectors or
matrices, by both tools, at sizes 2 and 3. The truth is the complex step of the loss at a random point, which uses
neither. SymPy's answer is evaluated node by node (`sympy_values.py`), so that it does not count as wrong where SymPy's
own evaluation stumbles; a loss that has not the same value in SymPy's words as in ours is drawn again, so that no slip
in the translation counts against SymPy. Prints the figures of both and writes `benchmarks/results/random_losses.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # the losses stand among the tests

from benchmarks.sympy_values import Undone, value
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Variable
from symprop.errors import SympropError
from symprop.formulas.checks.checks import chosen_points
from symprop.formulas.checks.oracles import first_order
from symprop.formulas.checks.oracles import value as ours
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.interchange.writing import to_sympy
from symprop.formulas.questions import gradient
from tests.random_losses import exactly, loss, read

RESULTS = Path(__file__).parent / "results" / "random_losses.json"
PATIENCE = 5
"""Seconds that SymPy may take for one derivative."""
CLOSE = 1e-8
"""Largest error, relative to the largest element, of an answer that counts as right."""
VERDICTS = ("right", "silently wrong", "silent zero", "error", "not worked out", f"over {PATIENCE} s")


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Raise TimeoutError where the block takes longer."""

    def stop(*unused: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def judged(found: Any, true: np.ndarray) -> str:
    """Say whether an array is the true derivative; below 1e-13 there is only rounding, of both."""
    found = np.asarray(found, dtype=float)
    if found.size != true.size or not np.all(np.isfinite(found)):
        return "silently wrong"
    scale = max(float(np.max(np.abs(true))), 1e-13 / CLOSE)
    if np.max(np.abs(found.reshape(true.shape) - true)) <= CLOSE * scale:
        return "right"
    return "silently wrong" if np.any(found) else "silent zero"


def by_symprop(f: Formula, by: Variable, point: FormulaPoint, true: np.ndarray) -> str:
    try:
        answer = gradient(f, by.name).node
    except SympropError:
        return "error"
    verdict = judged(ours(answer, point), true)
    if verdict != "right" and exactly(gradient(f, by.name), point):
        return "right"  # at a tie the complex step decides by its own square; differences to both sides do not
    return verdict


def columns(point: FormulaPoint) -> dict[str, Any]:
    """Return the values of the arrays as SymPy has them: vectors as columns, scalars as numbers."""
    return {
        name: array[:, None] if np.ndim(array) == 1 else array if np.ndim(array) else float(array)
        for name, array in point.values.items()
    }


def means_the_loss(expression: Any, f: Formula, point: FormulaPoint) -> bool:
    """Whether an expression of SymPy has the value of the loss at the point."""
    try:
        with patience(PATIENCE), np.errstate(all="ignore"):
            found = np.ravel(np.asarray(value(expression, columns(point)), dtype=float))
    except (Undone, LookupError, TimeoutError):
        return False
    return found.size == 1 and bool(np.isclose(found[0], ours(f.node, point), rtol=CLOSE, atol=CLOSE))


def by_sympy(expression: Any, by: Variable, point: FormulaPoint, true: np.ndarray) -> str:
    """Say what SymPy's `diff` makes of a loss."""
    shape = tuple(int(size.subs(point.sizes)) for size in by.shape)
    symbol = sympy.MatrixSymbol(by.name, shape[0], shape[1] if len(shape) > 1 else 1)
    try:
        with patience(PATIENCE), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            slope = expression.diff(symbol)
            return judged(value(slope, columns(point)), true)
    except TimeoutError:
        return f"over {PATIENCE} s"
    except Undone:
        return "not worked out"
    except Exception:  # whatever SymPy raises is what its user would see
        return "error"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tallies: dict[str, Counter[str]] = {"symprop": Counter(), "sympy": Counter()}
    drawn = 0
    for _ in track(range(options.count), "losses", transient=True, disable=not sys.stdout.isatty()):
        while True:
            drawn += 1
            random = np.random.default_rng((options.seed, drawn))
            f = read(loss(random, 3))
            choices = [each for each in f.variables if each.rank and "index" not in each.facts_by_kind]
            if not choices:
                continue
            by = choices[int(random.integers(len(choices)))]
            found = chosen_points(gradient(f, by.name), options.seed, wanted=1)
            if not found:
                continue
            point = found[0]
            try:
                expression = to_sympy(f.node.xreplace(dict(point.sizes)))
            except (SympropError, TypeError, ValueError, AttributeError, NotImplementedError):
                continue  # SymPy has no such expression, or cannot build it
            if means_the_loss(expression, f, point):
                break
        true = np.asarray(first_order(gradient(f, by.name), point))
        tallies["symprop"][by_symprop(f, by, point, true)] += 1
        tallies["sympy"][by_sympy(expression, by, point, true)] += 1
    table = Table(title=f"{options.count:,} random losses (seed {options.seed}), one derivative each")
    for heading in ("", *VERDICTS):
        table.add_column(heading, justify="right" if heading else "left")
    for tool, tally in tallies.items():
        table.add_row(tool, *(str(tally[verdict]) for verdict in VERDICTS))
    Console().print(table)
    setting = {"sympy": sympy.__version__, "python": platform.python_version(), "seed": options.seed}
    figures = {tool: {verdict: tally[verdict] for verdict in VERDICTS} for tool, tally in tallies.items()}
    RESULTS.write_text(json.dumps({"setting": setting, "count": options.count, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
