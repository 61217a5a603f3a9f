"""A picture of how windows lie over a padded image or sequence: kernel, stride, padding and dilation at a glance.

After the figures of Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Integer

from symprop.algebra.window_sizes import WindowSizes
from symprop.networks.windows import alike
from symprop.notation.blocks import Picture
from symprop.notation.svg import STYLE
from symprop.notation.words import Words

MOST, SHORT, FEWEST = 14, 8, 5
"""So many places of a padded axis are drawn; of one that need not be made shorter; of one that was."""
CELL, BETWEEN = 0.42, 1.6
"""Centimetres of a place, and from the image to what comes of it."""
_PIXELS = 46.0 * CELL


@dataclass(frozen=True)
class _Cell:
    """A place, by column and row: whether it is padded, in the first window, and in the next one."""

    x: float
    y: float
    is_padded: bool
    is_first: bool
    is_next: bool


def window_picture(axes: Sequence[WindowSizes], label: str = "fig:window", of: Words = ()) -> Picture | None:
    """Return the picture of windows along one axis or two, or None where no axis like these is short enough.

    A long axis is drawn as a short one on which windows begin and end alike, and so is one whose length is a name; `of`
    begins the caption.

    >>> drawn = window_picture([WindowSizes(Integer(224), Integer(3), 2, Integer(1), Integer(1))] * 2)
    >>> drawn.caption[0].partition(";")[0]
    'A window of 3 × 3 at a stride of 2, over an image of 6 × 6'
    """
    short = [found for found in map(_short, axes) if found is not None]
    if len(short) < len(axes) or len(axes) > 2:
        return None
    one = WindowSizes(Integer(1), Integer(1))
    down, across = (one, *short) if len(axes) == 1 else short
    cells = [*_image(down, across), *_result(down, across)]
    return Picture(_tikz(cells), _svg(cells), (*of, _said(short)), label)


def _short(sizes: WindowSizes) -> WindowSizes | None:
    """Return an axis that can be drawn, on which two windows or more lie as on the given one: itself if it is short."""
    if not all(number.is_Integer for number in (sizes.kernel, sizes.before, sizes.after)):
        return None
    known = sizes.length.is_Integer
    rest = sizes.unread if known else 0
    axes = [replace(sizes, length=Integer(length)) for length in range(1, MOST + 1)]
    fits = [each for each in axes if each.count >= 2 and each.unread == rest and _whole(each) <= MOST]
    fits = [each for each in fits if not known or each.length <= sizes.length]
    own = [each for each in fits if each.length == sizes.length <= SHORT]
    least = max(FEWEST, sizes.dilation * (sizes.kernel - 1) + 1)
    good = [each for each in fits if each.length >= least and each.count >= 3]
    return next(iter((*own, *good, *reversed(fits))), None)


def _whole(sizes: WindowSizes) -> int:
    return int(sizes.length + sizes.before + sizes.after)


def _window(sizes: WindowSizes, number: int) -> range:
    start = number * sizes.stride
    return range(start, start + int(sizes.kernel) * sizes.dilation, sizes.dilation)


def _image(down: WindowSizes, across: WindowSizes) -> Iterator[_Cell]:
    """The padded image; the next window lies beside the first."""
    for y in range(_whole(down)):
        for x in range(_whole(across)):
            inside = (0 <= place - axis.before < axis.length for place, axis in ((y, down), (x, across)))
            is_seen = y in _window(down, 0)
            seen = is_seen and x in _window(across, 0), is_seen and x in _window(across, 1)
            yield _Cell(x, y, not all(inside), *seen)


def _result(down: WindowSizes, across: WindowSizes) -> Iterator[_Cell]:
    lower, right = (_whole(down) - int(down.count)) / 2, _whole(across) + BETWEEN / CELL
    for y in range(int(down.count)):
        for x in range(int(across.count)):
            yield _Cell(right + x, lower + y, False, (x, y) == (0, 0), (x, y) == (1, 0))


def _said(axes: Sequence[WindowSizes]) -> str:
    stride, dilation = alike([each.stride for each in axes]), alike([each.dilation for each in axes])
    of = "an image of " if len(axes) > 1 else "a sequence of length "
    told = f"A window of {' × '.join(str(each.kernel) for each in axes)}" + f" at a stride of {stride}" * (
        stride != "1"
    )
    told += f", its elements {dilation} apart" * (dilation != "1")
    told += f", over {of}{' × '.join(str(each.length) for each in axes)}"
    told += "; broken lines are what is padded" * any(each.before + each.after for each in axes)
    return f"{told}. Filled: what the first element of the result is made of; with a dot: what the next one is made of."


def _tikz(cells: Sequence[_Cell]) -> str:
    lines = [rf"\begin{{tikzpicture}}[x={CELL}cm, y=-{CELL}cm, >={{Stealth[length=5pt]}}]"]
    for cell in sorted(cells, key=lambda each: not each.is_padded):  # whole lines over broken ones
        fill = "blue!45" if cell.is_first else "none" if cell.is_padded else "blue!6"
        line = "gray, densely dashed" if cell.is_padded else "blue!55!black"
        lines.append(rf"  \draw[{line}, fill={fill}] ({cell.x:.2f}, {cell.y:.2f}) rectangle +(1, 1);")
    lines += [rf"  \fill ({c.x + 0.5:.2f}, {c.y + 0.5:.2f}) circle[radius=1.6pt];" for c in cells if c.is_next]
    start, end, middle = _arrow(cells)
    lines.append(rf"  \draw[->, semithick, blue!55!black] ({start:.2f}, {middle:.2f}) -- ({end:.2f}, {middle:.2f});")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _arrow(cells: Sequence[_Cell]) -> tuple[float, float, float]:
    """From the image to the result, at half of the height."""
    end = cells[-1].x - max(cell.x for cell in cells) + next(c.x for c in reversed(cells) if c.is_first)
    return end - BETWEEN / CELL + 0.6, end - 0.6, (max(cell.y for cell in cells) + 1) / 2


def _svg(cells: Sequence[_Cell]) -> str:
    width, height = ((max(places) + 2) * _PIXELS for places in zip(*((c.x, c.y) for c in cells), strict=True))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>How windows lie</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="window-go" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z" style="fill: var(--edge)"/></marker></defs>',
    ]

    def px(place: float) -> float:
        return (place + 0.5) * _PIXELS

    for cell in sorted(cells, key=lambda each: not each.is_padded):
        fill = "var(--edge); fill-opacity: .55" if cell.is_first else "none" if cell.is_padded else "var(--forward)"
        line = "var(--soft); stroke-dasharray: 3 3" if cell.is_padded else "var(--edge)"
        at = f'x="{px(cell.x):.1f}" y="{px(cell.y):.1f}" width="{_PIXELS:.1f}" height="{_PIXELS:.1f}"'
        parts.append(f'<rect {at} style="rx: 0; fill: {fill}; stroke: {line}"/>')
    for cell in (each for each in cells if each.is_next):
        at = f'cx="{px(cell.x + 0.5):.1f}" cy="{px(cell.y + 0.5):.1f}" r="3"'
        parts.append(f'<circle {at} style="fill: var(--ink); stroke: none"/>')
    start, end, middle = map(px, _arrow(cells))
    parts.append(f'<path d="M {start:.1f} {middle:.1f} H {end:.1f}" class="go" marker-end="url(#window-go)"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"
