"""Curves over whole numbers, such as the loss by epoch: for LaTeX by pgfplots, for HTML as SVG.

The scale is logarithmic where the values span a decade or more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symprop.notation.svg import STYLE
from symprop.reports.norm_plot import raised

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 620.0, 300.0, 74.0, 16.0, 50.0, 14.0
SINGLE = 30
"""Up to so many points each has a mark."""
MOST_MARKS = 7
OWN_STYLE = """
  .symprop-figure .kept { stroke: var(--soft); stroke-dasharray: 3 3; }
  .symprop-figure circle.back { fill: var(--backward); stroke: var(--back); }
  .symprop-figure .legend { fill: var(--paper); stroke: none; opacity: .85; }
"""
SPAN = 10.0
"""From this ratio of the largest to the smallest loss on, the scale is logarithmic."""
FEW_DECADES = 200.0
"""From this ratio on, marks stand at powers of ten alone."""


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, with marks at numbers and the words at them in Unicode and LaTeX."""

    low: float
    high: float
    marks: tuple[float, ...]
    is_logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands: 0 at the low end, 1 at the high one."""
        low, high, at = (math.log10(each) if self.is_logarithmic else each for each in (self.low, self.high, value))
        return (at - low) / (high - low)

    @property
    def words(self) -> list[tuple[str, str]]:
        """What stands at the marks."""
        powers = [round(math.log10(mark)) for mark in self.marks] if self.is_logarithmic else []
        if powers and all(math.isclose(mark, 10.0**power) for mark, power in zip(self.marks, powers, strict=True)):
            return [(f"10{raised(power)}", f"$10^{{{power}}}$") for power in powers]
        return [(f"{mark:.12g}".replace("-", "−"), f"${mark:.12g}$") for mark in self.marks]


@dataclass(frozen=True)
class Curve:
    """Values by whole numbers, and what the legend says of them, in LaTeX too where that differs."""

    name: str
    points: tuple[tuple[int, float], ...]
    kind: str
    colour: str
    latex: str = ""


@dataclass(frozen=True)
class Mark:
    """A whole number that stands out, with what the legend says of it."""

    place: int
    name: str


@dataclass(frozen=True)
class Plot:
    """Curves with what stands at the axes; `title` is for those who hear a page."""

    curves: tuple[Curve, ...]
    x_name: str
    y_name: str
    title: str
    mark: Mark | None = None
    left: bool = False
    """Whether the legend stands at the left, where what rises to the right leaves room."""

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The axis of whole numbers and that of values."""
        numbers = [number for curve in self.curves for number, _ in curve.points]
        values = [value for curve in self.curves for _, value in curve.points]
        return _linear(1, max(*numbers, 2), whole=True), axis_of(values)

    def drawn(self) -> tuple[str, str]:
        """Return the plot for LaTeX and as SVG."""
        return _tikz(self), _svg(self)


def axis_of(values: Sequence[float]) -> Axis:
    """Return the axis for values: logarithmic where they are above 0 and span a decade.

    >>> axis_of([0.2, 1.5]).marks, axis_of([0.02, 1.5]).marks
    ((0.0, 0.5, 1.0, 1.5), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0))
    """
    low, high = min(values), max(values)
    if low > 0 and high / low >= SPAN:
        return _logarithmic(low, high)
    if 0 <= low < high / 2:
        low = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        spread = abs(high) / 2 or 1.0
        low, high = low - spread, high + spread
    return _linear(low, high)


def _linear(low: float, high: float, whole: bool = False) -> Axis:
    """Return an axis with marks at round numbers; a `whole` one goes no further than its values."""
    step = 10.0 ** math.floor(math.log10((high - low) / (MOST_MARKS - 1)))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= MOST_MARKS - 1)
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(k * step, 12 - math.floor(math.log10(step))) for k in range(first, last + 1))
    if not whole:
        return Axis(marks[0], marks[-1], marks)
    inside = tuple(mark for mark in marks if low <= mark <= high)
    return Axis(low, high, inside if step == 1 else (low, *inside))


def _logarithmic(low: float, high: float) -> Axis:
    """Return an axis from a 1, 2 or 5 below to one above, with marks at powers of ten, or at all if few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ends = [float(f"{factor}e{decade}") for decade in decades for factor in (1, 2, 5)]
    start = max((place for place, end in enumerate(ends) if end <= low), default=0)
    stop = min((place for place, end in enumerate(ends) if end >= high), default=len(ends) - 1)
    marks = ends[start : stop + 1]
    if high / low >= FEW_DECADES:
        step = math.ceil(len(decades) / MOST_MARKS)
        powers = [float(f"1e{decade}") for decade in decades[::step]]
        marks = [power for power in powers if ends[start] <= power <= ends[stop]]
    return Axis(ends[start], ends[stop], tuple(marks), is_logarithmic=True)


def _tikz(plot: Plot) -> str:
    x, y = plot.axes
    kind = "semilogyaxis" if y.is_logarithmic else "axis"

    def at(axis: Axis, name: str) -> str:
        marks = ",".join(f"{mark:.12g}" for mark in axis.marks)
        return rf"  {name}tick={{{marks}}}, {name}ticklabels={{{','.join(word for _, word in axis.words)}}},"

    lines = [
        r"\begin{tikzpicture}",
        rf"\begin{{{kind}}}[width=0.92\linewidth, height=6.4cm, grid=major, grid style={{gray!25}},",
        rf"  xlabel={{{plot.x_name}}}, ylabel={{{_words(plot, y)}}},",
        r"  tick label style={font=\footnotesize}, label style={font=\footnotesize},",
        r"  legend style={font=\footnotesize, draw=none, fill=white, fill opacity=0.8, text opacity=1},",
        rf"  legend cell align=left, scaled ticks=false,{' legend pos=north west,' if plot.left else ''}",
        rf"  xmin={x.low:.12g}, xmax={x.high:.12g}, ymin={y.low:.12g}, ymax={y.high:.12g},",
        at(x, "x"),
        at(y, "y") + "]",
    ]
    for curve in plot.curves:
        marks = "mark=*, mark size=1.3pt" if len(curve.points) <= SINGLE else "no marks"
        coordinates = " ".join(f"({number},{loss:.8g})" for number, loss in curve.points)
        lines.append(rf"\addplot[{curve.colour}, thick, {marks}] coordinates {{{coordinates}}};")
        lines.append(rf"\addlegendentry{{{curve.latex or curve.name}}}")
    if plot.mark is not None:
        ends = " ".join(f"({plot.mark.place},{end:.12g})" for end in (y.low, y.high))
        lines.append(rf"\addplot[gray, dashed] coordinates {{{ends}}};")
        lines.append(rf"\addlegendentry{{{plot.mark.name}}}")
    return "\n".join([*lines, rf"\end{{{kind}}}", r"\end{tikzpicture}", ""])


def _svg(plot: Plot) -> str:
    x, y = plot.axes

    def across(number: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * x.place(number)

    def down(loss: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * y.place(loss)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" '
        f'width="{WIDTH:.0f}" height="{HEIGHT:.0f}" role="img">',
        f"<title>{plot.title}</title>",
        f"<style>{STYLE}{OWN_STYLE}</style>",
        f'<rect width="{WIDTH:.0f}" height="{HEIGHT:.0f}" style="fill: var(--paper); stroke: none; rx: 0"/>',
    ]
    for mark, (word, _) in zip(y.marks, y.words, strict=True):
        parts.append(f'<path class="grid-line" d="M {LEFT:.0f} {down(mark):.1f} H {WIDTH - RIGHT:.0f}"/>')
        parts.append(f'<text class="small end" x="{LEFT - 8:.0f}" y="{down(mark):.1f}">{word}</text>')
    for mark, (word, _) in zip(x.marks, x.words, strict=True):
        parts.append(f'<path class="grid-line" d="M {across(mark):.1f} {TOP:.0f} V {HEIGHT - BOTTOM:.0f}"/>')
        parts.append(f'<text class="small middle" x="{across(mark):.1f}" y="{HEIGHT - BOTTOM + 14:.0f}">{word}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="middle name" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12:.0f}">{plot.x_name}</text>'
    )
    parts.append(
        f'<text class="middle name" transform="translate(18 {middle:.0f}) rotate(-90)">{_words(plot, y)}</text>'
    )
    if plot.mark is not None:
        parts.append(f'<path class="kept" d="M {across(plot.mark.place):.1f} {TOP:.0f} V {HEIGHT - BOTTOM:.0f}"/>')
    for curve in plot.curves:
        line = " L ".join(f"{across(number):.1f} {down(loss):.1f}" for number, loss in curve.points)
        parts.append(f'<path class="{curve.kind}" d="M {line}"/>')
        for number, loss in curve.points if len(curve.points) <= SINGLE else ():
            parts.append(
                f'<circle class="{curve.kind}" cx="{across(number):.1f}" cy="{down(loss):.1f}" r="2.6">'
                f"<title>{plot.x_name} {number}: {loss:.4g}</title></circle>"
            )
    return "\n".join([*parts, *_legend(plot), "</svg>"]) + "\n"


def _words(plot: Plot, y: Axis) -> str:
    return f"{plot.y_name} (logarithmic scale)" if y.is_logarithmic else plot.y_name


def _legend(plot: Plot) -> Iterator[str]:
    """Yield the legend, at the right above, where a loss that falls leaves room, or at the left."""
    rows = [(curve.kind, curve.name) for curve in plot.curves]
    rows += [("kept", plot.mark.name)] if plot.mark is not None else []
    left = LEFT + 16 if plot.left else WIDTH - RIGHT - 190
    yield f'<rect class="legend" x="{left - 10:.0f}" y="{TOP + 6:.0f}" width="194" height="{20 * len(rows) + 8}"/>'
    for place, (kind, name) in enumerate(rows):
        y = TOP + 20 + 20 * place
        yield f'<path class="{kind}" d="M {left:.0f} {y:.0f} h 26"/>'
        yield f'<text class="name" x="{left + 34:.0f}" y="{y:.0f}">{name}</text>'
