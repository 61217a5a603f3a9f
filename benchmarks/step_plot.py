"""The plot of `benchmarks/steps.py`: step times on a logarithmic scale, one band for each network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.step_tables import PRODUCTS

LOOKS = {
    "autograd": ("v", "#b3bac4", 22),
    "NumPy, naive": ("s", "#8d99a8", 18),
    "NumPy, tuned": ("s", "#505e6e", 18),
    "JAX": ("^", "#3f9b6c", 26),
    "PyTorch": ("o", "#7fb2e5", 24),
    "torch.compile": ("o", "#1f6fb4", 24),
    "symprop, numba": ("*", "#d1400c", 75),
    "symprop, 2 threads": ("D", "#d1400c", 34),
    "symprop": ("o", "#d1400c", 48),
}
"""Marker, colour and size of each tool, from the bottom of a band to its top."""


def plot(records: list[dict[str, Any]], path: Path) -> None:
    """Write the step times of all networks to `path`."""
    tools = [tool for tool in LOOKS if tool in records[0]["seconds"]]
    with pyplot.rc_context({"svg.hashsalt": "steps", "font.size": 10, "font.family": "DejaVu Sans"}):
        figure, axes = pyplot.subplots(figsize=(9.5, 0.75 * len(records) + 1.3), layout="constrained")
        for place, record in enumerate(records):
            band(axes, place, record["seconds"], tools)
        decorate(axes, records)
        figure.legend(loc="outside upper center", ncols=5, frameon=False, fontsize=9)
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
        pyplot.close(figure)


def band(axes: Any, place: int, seconds: dict[str, float], tools: list[str]) -> None:
    """Draw one network: a mark for each tool on a line of its own, symprop at the top, the products through all."""
    if place % 2 == 0:
        axes.axhspan(place - 0.5, place + 0.5, color="#f4f5f7", zorder=0)
    lines = [tool for tool in reversed(tools) if tool != PRODUCTS]
    for order, tool in enumerate(lines):
        marker, colour, size = LOOKS[tool]
        height = place + 0.7 * ((order + 0.5) / len(lines) - 0.5)
        name = tool if place == 0 else None
        axes.plot(
            [seconds[PRODUCTS], seconds[tool]], [height, height], color=colour, linewidth=0.9, alpha=0.45, zorder=1
        )
        axes.scatter(seconds[tool], height, s=size, marker=marker, c=colour, linewidths=0, zorder=2, label=name)
    ends = [place - 0.36, place + 0.36]
    name = PRODUCTS if place == 0 else None
    axes.plot([seconds[PRODUCTS]] * 2, ends, color="#222222", linewidth=1.6, label=name, solid_capstyle="butt")


def decorate(axes: Any, records: list[dict[str, Any]]) -> None:
    """Name the networks and the ticks, and take away every line that says nothing."""
    axes.set_xscale("log")
    axes.set_ylim(len(records) - 0.5, -0.5)
    axes.set_yticks(range(len(records)), [f"{record['network']}, batch {record['batch']}" for record in records])
    axes.tick_params(length=0)
    axes.xaxis.set_major_locator(FixedLocator([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: written(seconds)))
    axes.grid(axis="x", color="#dfe2e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("time of one step: loss and all gradients (less is better)")
    for side in axes.spines.values():
        side.set_visible(False)


def written(seconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> written(1e-5), written(1e-3), written(1.0)
    ('10 µs', '1 ms', '1 s')
    """
    for size, unit in ((1, "s"), (1e-3, "ms")):
        if seconds > 0.99 * size:
            return f"{seconds / size:g} {unit}"
    return f"{1e6 * seconds:g} µs"
