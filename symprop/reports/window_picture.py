"""A picture of how windows lie over a padded image or sequence: kernel, stride, padding and dilation at a glance.

After the figures of Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer

from symprop.networks.windows import Lie, lie_texts
from symprop.notation.blocks import Picture
from symprop.notation.svg import STYLE

MOST, SHORT = 14, 8
"""So many places of a padded axis are drawn, or of one that need not be made shorter."""
CELL, BETWEEN = 0.42, 1.6
"""Centimetres of a place, and from the image to what comes of it."""
_PIXELS = 46.0 * CELL
_ONE = Lie(1, 1, 1, (0, 0))


@dataclass(frozen=True)
class _Cell:
    """A place, by column and row: whether it is padded, in the first window, and in the next one."""

    x: float
    y: float
    is_padded: bool
    is_first: bool
    is_next: bool


def window_picture(axes: Sequence[Lie], lengths: Sequence[Expr]) -> Picture | None:
    """Return the picture of windows along one axis or two of these lengths, or None where no such axis is short enough.

    A length that is a name is drawn as a short one.

    >>> drawn = window_picture([Lie(3, 2, 1, (1, 1))] * 2, [Integer(224)] * 2)
    >>> drawn.caption[0].partition(";")[0]
    'A window of 3 × 3 at a stride of 2, over an image of 6 × 6'
    """
    found = [_short(lie, length) for lie, length in zip(axes, lengths, strict=True)]
    short = [length for length in found if length is not None]
    if len(short) < len(found):
        return None
    rows = [(_ONE, 1)] if len(axes) == 1 else []
    (down, height), (across, width) = rows + list(zip(axes, short, strict=True))
    cells = [*_image(down, height, across, width), *_result(down, height, across, width)]
    return Picture(_tikz(cells), _svg(cells), (_said(axes, short),), "fig:window")


def _short(lie: Lie, length: Expr) -> int | None:
    """Return a length that can be drawn, on which windows lie as on the given one: itself if that is short."""
    candidates = [each for each in map(Integer, range(1, MOST + 1)) if _lies_alike(lie, each, length)]
    longest = [each for each in candidates if each == length <= SHORT]
    good = [each for each in candidates if each >= lie.span and lie.output(each) >= 3]
    return next(map(int, (*longest, *good, *reversed(candidates))), None)


def _lies_alike(lie: Lie, each: Expr, length: Expr) -> bool:
    """Whether two windows or more lie on an axis as on one of a given length, which may be a name."""
    if lie.whole(each) > MOST or lie.whole(each) < lie.span or lie.output(each) < 2:
        return False
    if not length.is_Integer:
        return bool(lie.rest(each) == 0)
    return bool(each <= length and lie.widths(each) == lie.widths(length) and lie.rest(each) == lie.rest(length))


def _window(lie: Lie, number: int) -> range:
    start = number * lie.stride
    return range(start, start + lie.span, lie.dilation)


def _image(down: Lie, height: int, across: Lie, width: int) -> Iterator[_Cell]:
    """The padded image; the next window lies beside the first."""
    (above, below), (left, right) = down.widths(Integer(height)), across.widths(Integer(width))
    for y in range(height + int(above + below)):
        for x in range(width + int(left + right)):
            padded = not (above <= y < above + height and left <= x < left + width)
            is_seen = y in _window(down, 0)
            yield _Cell(x, y, padded, is_seen and x in _window(across, 0), is_seen and x in _window(across, 1))


def _result(down: Lie, height: int, across: Lie, width: int) -> Iterator[_Cell]:
    whole = int(across.whole(Integer(width)))
    lower = (int(down.whole(Integer(height))) - int(down.output(Integer(height)))) / 2
    for y in range(int(down.output(Integer(height)))):
        for x in range(int(across.output(Integer(width)))):
            yield _Cell(whole + BETWEEN / CELL + x, lower + y, False, (x, y) == (0, 0), (x, y) == (1, 0))


def _said(axes: Sequence[Lie], lengths: Sequence[int]) -> str:
    kernel, stride, dilation = lie_texts(axes)
    of = "an image of " if len(axes) > 1 else "a sequence of length "
    told = f"A window of {kernel}" + f" at a stride of {stride}" * (stride != "1")
    told += f", its elements {dilation} apart" * (dilation != "1")
    told += f", over {of}{' × '.join(map(str, lengths))}"
    is_padded = any(sum(lie.widths(Integer(length))) for lie, length in zip(axes, lengths, strict=True))
    told += "; broken lines are what is padded" * is_padded
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
