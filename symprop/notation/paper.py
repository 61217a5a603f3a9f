"""What a document is printed on: the paper, the size of its letters and its columns, and how wide a line is then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from symprop.errors import SpecError, shown
from symprop.notation.tex_boxes import width

PAPERS = {"a4": 210.0, "letter": 215.9}
"""Papers by the width of a sheet in millimetres."""
SLIDE = "slide"
_WIDTHS = {**PAPERS, SLIDE: 160.0}
POINTS, COLUMNS = (10, 11, 12), (1, 2)
MILLIMETRE = 72.27 / 25.4
"""Points of TeX."""
MARGINS = {1: 25.0, 2: 18.0}
"""Millimetres beside the text, by columns."""
BETWEEN = 12.0
"""Points between columns."""


@dataclass(frozen=True)
class Paper:
    """The paper and its letters; formulas are measured for it.

    >>> round(Paper().line), round(Paper("letter", 10, columns=2).line)
    (455, 250)

    Raises:
        SpecError: another paper, size of letters or number of columns.
    """

    paper: str = "a4"
    points: int = 10
    columns: int = 1
    RULE: ClassVar[float] = 55 * MILLIMETRE
    """Points for the words of a rule beside its formula."""

    def __post_init__(self) -> None:
        choices = (("paper", self.paper, _WIDTHS), ("points", self.points, POINTS), ("columns", self.columns, COLUMNS))
        for name, given, known in choices:
            if isinstance(given, bool) or given not in tuple(known):
                allowed = ", ".join(str(each) for each in known if each != SLIDE)
                raise SpecError(f"{name} cannot be {shown(given)}\nallowed: {allowed}")

    @property
    def margin(self) -> float:
        """Millimetres beside the text."""
        return MARGINS[self.columns] if self.paper != SLIDE else 5.0

    @property
    def tallest(self) -> float:
        """Centimetres of the tallest figure."""
        return 19.5 if self.paper != SLIDE else 6.0

    @property
    def line(self) -> float:
        """The width of a line in points."""
        text = (_WIDTHS[self.paper] - 2 * self.margin) * MILLIMETRE
        return (text - BETWEEN * (self.columns - 1)) / self.columns

    @property
    def column(self) -> float:
        """The width of a line in centimetres."""
        return self.line / MILLIMETRE / 10

    @property
    def page(self) -> float:
        """The width of the text in centimetres, over all columns."""
        return (_WIDTHS[self.paper] - 2 * self.margin) / 10

    @property
    def indent(self) -> float:
        """Millimetres before a formula."""
        return 5.0 if self.is_narrow else 8.0

    @property
    def number(self) -> float:
        """Millimetres for the number of an equation at the margin."""
        return 0.85 * self.points if self.is_narrow else 10.0

    @property
    def room(self) -> float:
        """The width of a formula that has a number at the margin."""
        return self.line - (self.indent + self.number) * MILLIMETRE

    @property
    def is_narrow(self) -> bool:
        """Whether text stands in columns, so that tables have fewer."""
        return self.columns > 1

    @property
    def has_spaces(self) -> bool:
        """Whether there is room for the spaces of arrays beside their equations."""
        return not self.is_narrow

    def width(self, formula: str) -> float:
        """Return how wide TeX sets a formula."""
        return width(formula, self.points)


SLIDES = Paper(SLIDE)
"""A sheet of slides, 16 by 9."""
A4 = Paper()
"""What is printed on where nobody chose."""
