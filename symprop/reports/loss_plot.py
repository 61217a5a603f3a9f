"""The loss by epoch, of rows that train and of rows held out."""

from __future__ import annotations

from collections.abc import Sequence

from symprop.history import thinned
from symprop.reports.curves import Curve, Mark, Plot
from symprop.training import Epoch, best_of

MOST_POINTS = 400


def plot(epochs: Sequence[Epoch]) -> tuple[str, str]:
    """Return the plot for LaTeX and as SVG.

    >>> tikz, svg = plot([Epoch(1, 2.0, 2.1), Epoch(2, 0.5, 0.9), Epoch(3, 0.1, 1.2)])
    >>> "(2,0.5)" in tikz, svg.count("<path class="), r"\\begin{semilogyaxis}" in tikz
    (True, 15, True)
    """
    shown = thinned(epochs, MOST_POINTS)
    curves = [Curve("rows that train", tuple((each.number, each.loss) for each in shown), "go", "blue!55!black")]
    judged = tuple((each.number, each.held_out) for each in shown if each.held_out is not None)
    if judged:
        curves.append(Curve("rows held out", judged, "back", "orange!70!black"))
    best = best_of(epochs) if judged else None
    mark = None if best is None else Mark(best.number, f"weights kept, epoch {best.number}")
    return Plot(tuple(curves), "epoch", "loss", "Loss by epoch", mark).drawn()
