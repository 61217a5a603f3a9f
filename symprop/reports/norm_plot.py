"""Norms of gradients, layer by layer, on a logarithmic scale: for LaTeX by pgfplots, for HTML as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from symprop.notation.svg import STYLE

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 620.0, 180.0, 64.0, 34.0, 12.0
MOST_LABELS = 16


@dataclass(frozen=True)
class Point:
    """The gradient of one parameter: its letter in LaTeX and in Unicode, and the norm, which is above 0."""

    latex: str
    unicode: str
    norm: float


def plot(points: Sequence[Point]) -> tuple[str, str]:
    """Return the plot for LaTeX and as SVG.

    >>> tikz, svg = plot([Point("W_1", "W₁", 0.5), Point("W_2", "W₂", 0.25)])
    >>> "(1,0.5)" in tikz, svg.count("<circle")
    (True, 2)
    """
    return _tikz(points), _svg(points)


def _labelled(count: int) -> list[int]:
    """The places that are labelled: all, or as many as can be read."""
    step = math.ceil(count / MOST_LABELS)
    return list(range(0, count, step))


def _tikz(points: Sequence[Point]) -> str:
    places = _labelled(len(points))
    coordinates = " ".join(f"({place},{point.norm:.4g})" for place, point in enumerate(points, start=1))
    low, high = _decades(points)
    marks = ",".join(f"1e{decade}" for decade in range(low, high + 1, _step(low, high)))
    return "\n".join(
        [
            r"\begin{tikzpicture}",
            r"\begin{semilogyaxis}[width=0.92\linewidth, height=3.6cm, grid=major, grid style={gray!25},",
            r"  ylabel={norm}, tick label style={font=\footnotesize},",
            r"  label style={font=\footnotesize},",
            rf"  ymin=1e{low}, ymax=1e{high}, ytick={{{marks}}},",
            rf"  xtick={{{','.join(str(place + 1) for place in places)}}},",
            rf"  xticklabels={{{','.join(f'{{${points[place].latex}$}}' for place in places)}}}]",
            rf"\addplot[blue!55!black, mark=*, mark size=1.6pt] coordinates {{{coordinates}}};",
            r"\end{semilogyaxis}",
            r"\end{tikzpicture}",
            "",
        ]
    )


def _step(low: int, high: int) -> int:
    """Decades from mark to mark."""
    return max(1, math.ceil((high - low) / 6))


def _decades(points: Sequence[Point]) -> tuple[int, int]:
    low = math.floor(math.log10(min(point.norm for point in points)))
    high = math.ceil(math.log10(max(point.norm for point in points)))
    return low, max(high, low + 1)


def _svg(points: Sequence[Point]) -> str:
    low, high = _decades(points)
    inner = HEIGHT - BOTTOM - TOP

    def x(place: int) -> float:
        return LEFT + (WIDTH - LEFT - 16) * (place + 0.5) / len(points)

    def y(value: float) -> float:
        return TOP + inner * (high - math.log10(value)) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" '
        f'width="{WIDTH:.0f}" height="{HEIGHT:.0f}" role="img">',
        "<title>Norms of gradients by layer</title>",
        f"<style>{STYLE}</style>",
    ]
    for decade in range(low, high + 1, _step(low, high)):
        height = y(10.0**decade)
        parts.append(f'<path class="grid-line" d="M {LEFT:.0f} {height:.1f} H {WIDTH - 8:.0f}"/>')
        parts.append(f'<text class="small end" x="{LEFT - 8:.0f}" y="{height:.1f}">10{raised(decade)}</text>')
    line = " L ".join(f"{x(place):.1f} {y(point.norm):.1f}" for place, point in enumerate(points))
    parts.append(f'<path class="go" d="M {line}"/>')
    for place, point in enumerate(points):
        parts.append(
            f'<circle cx="{x(place):.1f}" cy="{y(point.norm):.1f}" r="3.5">'
            f"<title>{escape(point.unicode)}: {point.norm:.3g}</title></circle>"
        )
    for place in _labelled(len(points)):
        parts.append(
            f'<text x="{x(place):.1f}" y="{HEIGHT - 14:.0f}" class="middle">{escape(points[place].unicode)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def raised(number: int) -> str:
    """Return an exponent as it stands above a number."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
