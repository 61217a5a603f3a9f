"""What sentences of a page are made of: words, formulas, references, and what is said of loops and shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from sympy import Expr, Symbol

from symprop.algebra.equations import Equation, Rows
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.algebra.window_sizes import Arithmetic


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


@dataclass(frozen=True)
class Span:
    """The numbers of a loop's blocks: 1, ..., `count`, or (`backward`) the other way."""

    index: Symbol
    count: Expr
    backward: bool = False


@dataclass(frozen=True)
class Slices:
    """The rows that the steps of a loop read from an array, or (`made`) that they make and that become one array."""

    rows: Rows
    span: Span
    made: bool

    @property
    def words(self) -> Words:
        """What a page says of them."""
        row, array, axis = self.rows.row, self.rows.array, self.rows.axis
        part, along = ("part", f" along axis {axis}") if axis else ("row", "")
        made: Words = (array, f" is made of the {part}s ", row, along)
        return made if self.made else (row, f" is {part} ", self.span.index, " of ", array, along)


@dataclass(frozen=True)
class Dimensions:
    """A shape, in a table of them."""

    shape: Shape


Written: TypeAlias = str | Math | Reference | Code
Part: TypeAlias = "Written | Node | Equation | Expr | Span | Dimensions | Arithmetic"
Words = tuple[Part, ...]
"""A sentence: words, and formulas, set in LaTeX or not yet."""


def written(words: Words) -> tuple[Written, ...]:
    """Return a sentence whose formulas are set.

    Raises:
        TypeError: one of them is not.
    """
    for part in words:
        if not isinstance(part, (str, Math, Reference, Code)):
            raise TypeError(f"{type(part).__name__} stands in a sentence and is not set in LaTeX")
    return cast("tuple[Written, ...]", words)


MOST_LISTED = 12
"""How many things a sentence lists."""


def listed_in_words(items: Iterable[Words]) -> Words:
    """Return a list with commas between; a long one is cut."""
    found = list(items)
    if len(found) > MOST_LISTED:
        found = [*found[:MOST_LISTED], (f"and {len(found) - MOST_LISTED:,} more",)]
    return joined(found)


def enumerated(items: Sequence[Words]) -> Words:
    """Return a list as it is read, with `and` before the last; a long one is cut."""
    if len(items) < 2 or len(items) > MOST_LISTED:
        return listed_in_words(items)
    *others, last = items
    return (*joined(others), " and ", *last)


def joined(sentences: Iterable[Words]) -> Words:
    """Return sentences as one, with commas between."""
    return tuple(part for sentence in sentences for part in (", ", *sentence))[1:]
