"""What a document is made of, before LaTeX and HTML: sections of blocks, in words and finished formulas.

A formula is LaTeX from our own printers; words are plain text, which each of the two escapes for itself. Each kind of
block has one template in `templates/latex/blocks/` and one in `templates/html/blocks/`, named after `kind`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Math:
    """A formula inside a line, as LaTeX without dollar signs."""

    latex: str


@dataclass(frozen=True)
class Reference:
    """A link to an equation, a figure or a table: its label, and the number that is shown for an equation."""

    label: str
    number: int | None = None


@dataclass(frozen=True)
class Code:
    """Words in the letters of code."""

    text: str


Part = str | Math | Reference | Code
Words = tuple[Part, ...]
"""A sentence."""


@dataclass(frozen=True)
class Block:
    """Abstract base of blocks."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Paragraph(Block):
    """A paragraph of text."""

    kind = "paragraph"
    words: Words


@dataclass(frozen=True)
class Bullets(Block):
    """Sentences in a list; `boxed` where they are the conventions of the page."""

    kind = "bullets"
    items: tuple[Words, ...]
    boxed: bool = False


@dataclass(frozen=True)
class Typed(Block):
    """What was typed: a network's text, or a formula's."""

    kind = "typed"
    text: str


@dataclass(frozen=True)
class EquationRow:
    """One equation: `right` in pieces, where it is too long for one line; `space` and `number` may be missing.

    `name` is that of the left side, by which code and certificate know it.
    """

    left: str
    right: tuple[str, ...]
    space: str = ""
    shape: str = ""
    name: str = ""
    number: int | None = None
    label: str = ""


@dataclass(frozen=True)
class Equations(Block):
    """Equations, aligned, under a heading ("for l = 1, ..., L")."""

    kind = "equations"
    rows: tuple[EquationRow, ...]
    heading: Words = ()


@dataclass(frozen=True)
class Boxed(Block):
    """Equations in a frame: what a page is about."""

    kind = "boxed"
    blocks: tuple[Equations, ...]


@dataclass(frozen=True)
class Link:
    """One step of a chain of equalities: the formula that it leads to, the rule, and the reasons."""

    right: tuple[str, ...]
    rule: str
    reasons: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Chain(Block):
    """How an equation was derived, from its definition in steps; `alike` are equations with the same steps."""

    kind = "chain"
    name: str
    number: int
    label: str
    left: str
    start: tuple[str, ...]
    links: tuple[Link, ...]
    note: str = ""
    alike: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class GridRow:
    """A row of a table; `names` are the equations that it is about, `tone` is "ok", "failed" or nothing."""

    cells: tuple[Words, ...]
    names: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True)
class Grid(Block):
    """A table: `align` has for each column "l", "r", or the part of the line that its words may take, "0.3"."""

    kind = "grid"
    head: tuple[Words, ...]
    rows: tuple[GridRow, ...]
    align: tuple[str, ...]
    caption: Words = ()
    label: str = ""
    small: bool = False


@dataclass(frozen=True)
class Picture(Block):
    """A figure, drawn for LaTeX and for HTML."""

    kind = "picture"
    tikz: str
    svg: str
    caption: Words = ()
    label: str = ""


@dataclass(frozen=True)
class CodeLine:
    """A line of code; `names` are the equations that it computes, in this document.

    Where it is a comment with an equation, `formula` is that in pieces, which LaTeX prints after `indent` in place of
    the comment's words and of the lines that continue it.
    """

    text: str
    names: tuple[str, ...] = ()
    number: int | None = None
    label: str = ""
    formula: tuple[str, ...] = ()
    shape: str = ""
    indent: str = ""
    continues: bool = False


@dataclass(frozen=True)
class Listing(Block):
    """Code, line by line. On a screen all of it is shown, on paper the lines from `first` to `last`."""

    kind = "listing"
    lines: tuple[CodeLine, ...]
    caption: Words = ()
    first: int = 0
    last: int | None = None

    @property
    def printed(self) -> tuple[CodeLine, ...]:
        """The lines that are shown on paper."""
        return self.lines[self.first : self.last]

    def is_printed(self, place: int) -> bool:
        """Whether a line is shown on paper."""
        return self.first <= place and (self.last is None or place < self.last)


@dataclass(frozen=True)
class Section:
    """A section of a document."""

    title: str
    label: str
    blocks: tuple[Block, ...]


__all__ = [
    "Block",
    "Boxed",
    "Bullets",
    "Chain",
    "Code",
    "CodeLine",
    "EquationRow",
    "Equations",
    "Grid",
    "GridRow",
    "Link",
    "Listing",
    "Math",
    "Paragraph",
    "Part",
    "Picture",
    "Reference",
    "Section",
    "Typed",
    "Words",
]
