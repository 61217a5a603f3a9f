"""How the blocks of a section are parted into the frames of slides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from symprop.notation.blocks import Block, Boxed, Bullets, Equations, Grid, Paragraph, Section, Typed

MOST_EQUATIONS, MOST_ROWS = 7, 14
"""So many equations, or rows of a table, stand on a slide."""


def frames(section: Section) -> Iterator[tuple[Block, ...]]:
    """Yield the blocks of each frame: a figure, a table, a derivation or a few equations, under the words before them.

    >>> from symprop.notation.blocks import Chain, Paragraph
    >>> chain = Chain("a", ("b",), ())
    >>> [len(each) for each in frames(Section("", "", (Paragraph(("words",)), chain, chain)))]
    [2, 1]
    """
    words: list[Block] = []
    for block in (part for whole in section.blocks for part in _parts(whole)):
        words.append(block)
        if not isinstance(block, (Paragraph, Bullets, Typed)):
            yield tuple(words)
            words = []
    if words:
        yield tuple(words)


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
