"""How the blocks of a section are parted so that slides hold them, which Beamer fills one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from symprop.notation.blocks import Block, Boxed, EquationRow, Equations, Grid, GridRow, Section
from symprop.notation.paper import Paper
from symprop.notation.words import Math, Words, written

MOST_EQUATIONS, MOST_LINES = 6, 16
"""So many equations with fractions, or lines of a table, stand together on a slide."""
LETTER = 4.0
"""Points of a letter in a table."""


def parts(section: Section, paper: Paper) -> tuple[Block, ...]:
    """Return the blocks of a section in parts that a slide holds.

    >>> whole = Section("", "", (Equations((EquationRow("a", ("b",)),) * 20),))
    >>> [len(each.rows) for each in parts(whole, Paper())]
    [10, 10]
    """
    return tuple(part for block in section.blocks for part in _parts(block, paper))


def _parts(block: Block, paper: Paper) -> Iterable[Block]:
    if isinstance(block, Equations):
        return [replace(block, rows=rows) for rows in _split(block.rows, list(map(_tall, block.rows)), MOST_EQUATIONS)]
    if isinstance(block, Grid):
        heights = [_height(row, block, paper) for row in block.rows]
        first, *others = (replace(block, rows=rows) for rows in _split(block.rows, heights, MOST_LINES))
        return [first, *(replace(part, caption=(), label="") for part in others)]
    if isinstance(block, Boxed):
        return [Boxed((part,)) for each in block.blocks for part in _parts(each, paper) if isinstance(part, Equations)]
    return [block]


_Row = TypeVar("_Row")


def _split(rows: Sequence[_Row], heights: Sequence[float], most: float) -> Iterator[tuple[_Row, ...]]:
    """Yield the rows of each part, all about as high."""
    most = sum(heights) / max(1, math.ceil(sum(heights) / most))
    found: list[_Row] = []
    taken = 0.0
    for row, height in zip(rows, heights, strict=True):
        if found and taken + height / 2 > most:
            yield tuple(found)
            found, taken = [], 0.0
        found.append(row)
        taken += height
    yield tuple(found)


def _tall(row: EquationRow) -> float:
    """Return how high an equation is, in those with a fraction."""
    return sum(1.0 if r"\frac" in piece else 0.6 for piece in row.right)


def _height(row: GridRow, grid: Grid, paper: Paper) -> int:
    return max(_lines(cell, align, paper) for cell, align in zip(row.cells, grid.align, strict=True))


def _lines(cell: Words, align: str, paper: Paper) -> int:
    """Return how many lines a cell of a table takes."""
    tall = sum("cases" in part.latex for part in written(cell) if isinstance(part, Math))
    if align in ("l", "r"):
        return 1 + tall
    wide = sum(
        0.85 * paper.width(part.latex) if isinstance(part, Math) else LETTER * len(part)
        for part in written(cell)
        if isinstance(part, (str, Math))
    )
    return tall + max(1, math.ceil(wide / (float(align) * paper.line)))
