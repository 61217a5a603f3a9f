"""How the blocks of a section are parted into the frames of slides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from symprop.notation.blocks import Block, Boxed, Bullets, Chain, Equations, Grid, Paragraph, Section, Typed

MOST_EQUATIONS, MOST_ROWS, MOST_LINES = 7, 14, 5
"""So many equations, rows of a table, or lines of derivations stand on a slide."""


def frames(section: Section) -> Iterator[tuple[Block, ...]]:
    """Yield the blocks of each frame: a figure, a table, derivations or a few equations, under the words before them.

    >>> from symprop.notation.blocks import Chain, Paragraph
    >>> chain = Chain("a", ("b",), ())
    >>> [len(each) for each in frames(Section("", "", (Paragraph(("words",)), chain, chain)))]
    [3]
    """
    found: list[Block] = []
    lines = 0
    for block in (part for whole in section.blocks for part in _parts(whole)):
        size = 1 + len(block.links) if isinstance(block, Chain) else MOST_LINES
        if lines and lines + size > MOST_LINES:
            yield tuple(found)
            found, lines = [], 0
        found.append(block)
        lines += 0 if isinstance(block, (Paragraph, Bullets, Typed)) else size
    if found:
        yield tuple(found)


def _parts(block: Block) -> Iterable[Block]:
    """Return a block in parts that a slide holds."""
    if isinstance(block, Equations) and len(block.rows) > MOST_EQUATIONS:
        starts = range(0, len(block.rows), MOST_EQUATIONS)
        return [replace(block, rows=block.rows[at : at + MOST_EQUATIONS]) for at in starts]
    if isinstance(block, Grid) and len(block.rows) > MOST_ROWS:
        starts = range(0, len(block.rows), MOST_ROWS)
        parts = [replace(block, rows=block.rows[at : at + MOST_ROWS]) for at in starts]
        return [parts[0], *(replace(part, caption=(), label="") for part in parts[1:])]
    if isinstance(block, Boxed):
        return [Boxed((part,)) for each in block.blocks for part in _parts(each) if isinstance(part, Equations)]
    return [block]
