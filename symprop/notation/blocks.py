"""What a page is made of, before any notation: sections of blocks, in words and formulas.

A derivation's page is one stream of blocks (`content.py`), whose formulas are nodes and equations. The terminal's
writers (`terminal.py`, `numpy_page.py`) print them as they are. For LaTeX, HTML and notebooks `page_blocks.py` first
sets their formulas as our own LaTeX; words are plain text, which each writer escapes. Templates stand in `templates/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Map, Node, Scalar
from symprop.notation.words import Reference, Slices, Span, Words


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
    """Sentences in a list; `boxed` where they are the conventions of the page.

    `signs` are more of them: what signs mean that NumPy notation does not have.
    """

    kind = "bullets"
    items: tuple[Words, ...]
    boxed: bool = False
    signs: tuple[Words, ...] = ()
    small: bool = False


@dataclass(frozen=True)
class Typed(Block):
    """What was typed: a network's text, or a formula's."""

    kind = "typed"
    text: str


@dataclass(frozen=True)
class Line:
    """A numbered equation; `unless_last` is the loop for whose last block a base case takes its place."""

    number: int
    equation: Equation
    unless_last: Span | None = None


@dataclass(frozen=True)
class Lines(Block):
    """Numbered equations that stand at one place; `Equations` once they are set.

    `spans` are the loops around, from the outermost inwards, of which the equations before stood in the first `kept`:
    the others begin here. `said` stands above the lines: of the rows that a loop reads, or has made.
    """

    kind = "lines"
    lines: tuple[Line, ...]
    spans: tuple[Span, ...] = ()
    kept: int = 0
    said: tuple[Slices, ...] = ()

    @property
    def opened(self) -> tuple[Span, ...]:
        """The loops that begin here."""
        return self.spans[self.kept :]


@dataclass(frozen=True)
class Definitions(Block):
    """Functions and their bodies, `swish(t) = t * sigmoid(t)`, numbers and their values; `Equations` once set."""

    kind = "definitions"
    rows: tuple[tuple[Map | Scalar, Node], ...]


@dataclass(frozen=True)
class EquationRow:
    """One equation: `right` in pieces, where it is too long for one line; `space` and `number` may be missing.

    `name` is that of the left side, by which code and certificate know it. `is_first` is false where the document has
    the equation, and its label, before.
    """

    left: str
    right: tuple[str, ...]
    space: str = ""
    shape: str = ""
    name: str = ""
    number: int | None = None
    label: str = ""
    is_first: bool = True


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
    """How an equation was derived, from its definition in steps.

    In a document the equation has a name, a number and a label; one that follows as an equation before it, `like`, has
    no steps of its own.
    """

    kind = "chain"
    left: str
    start: tuple[str, ...]
    links: tuple[Link, ...]
    note: Words = ()
    name: str = ""
    number: int | None = None
    label: str = ""
    space: str = ""
    shape: str = ""
    like: Reference | None = None

    @property
    def result(self) -> tuple[str, ...]:
        """What is found."""
        return self.links[-1].right if self.links else self.start


@dataclass(frozen=True)
class GridRow:
    """A row of a table; `names` are the equations that it is about, `tone` is "ok", "failed" or nothing."""

    cells: tuple[Words, ...]
    names: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True)
class Grid(Block):
    """A table: `align` has for each column "l", "r", or the part of the line that its words may take, "0.3".

    One that is `folded` is opened by the reader of a screen, and does not stand on paper.
    """

    kind = "grid"
    head: tuple[Words, ...]
    rows: tuple[GridRow, ...]
    align: tuple[str, ...]
    caption: Words = ()
    label: str = ""
    small: bool = False
    folded: bool = False


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
class Byline:
    """What stands under a title; nothing where nothing is given."""

    author: str = ""
    date: str = ""


NO_BYLINE = Byline()


@dataclass(frozen=True)
class Section:
    """A section of a document."""

    title: str
    label: str
    blocks: tuple[Block, ...] = ()

    @property
    def sentences(self) -> tuple[Words, ...]:
        """What the section says in words, sentence by sentence."""
        found: list[Words] = []
        for block in self.blocks:
            if isinstance(block, Paragraph):
                found.append(block.words)
            elif isinstance(block, Bullets):
                found += block.items + block.signs
        return tuple(found)

    @property
    def lines(self) -> tuple[Lines, ...]:
        """The numbered equations of the section, before they are set."""
        return tuple(block for block in self.blocks if isinstance(block, Lines))
