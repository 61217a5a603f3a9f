"""Boxes in columns and rows, and arrows between them: where everything goes. Knows nothing of derivations.

`svg.py` and `tikz.py` draw it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from symprop.notation.tex_boxes import width as tex_width

PITCH, FONT, HEIGHT = 62.0, 15.0, 32.0  # pixels from row to row, of the letters, of a box
POINT = 1 / 0.7255  # pixels of a point of TeX, where letters of 15 pixels are letters of 10 points
STACKED = 24.0  # pixels from a box to one below it
TOGETHER = 2  # gradients that stand below each other; more would reach the labels of arrows
LANE, BETWEEN, MARGIN = 13.0, 26.0, 24.0  # from arc to arc, from column to column, around all


@dataclass(frozen=True)
class Box:
    """A node: `column` is "forward", "backward" or "gradient"; `label` in Unicode and LaTeX."""

    column: str
    row: int
    label: tuple[str, str]
    number: int | None = None
    kind: str = "operation"
    position: int = 0  # among the gradients of one row
    name: str = ""  # of the equation or variable that it shows
    brief: tuple[str, str] | None = None  # what may stand there where the whole is too wide
    wide: float | None = None  # pixels of its label, measured

    @property
    def width(self) -> float:
        """The width in pixels: as measured, or about as wide as the label in Unicode."""
        number = "" if self.number is None else f"({self.number})"
        wide = seen_width(self.label[0]) if self.wide is None else self.wide
        return max(46.0, wide + 22 + (7 + seen_width(number) if number else 0))


@dataclass(frozen=True)
class Arrow:
    """From one row to another of the same column; past other rows it is an arc in a lane beside the column."""

    column: str
    start: int
    end: int
    label: tuple[str, str] = ("", "")
    again: bool = False  # from one block of a loop to the next: dashed, and always an arc
    brief: tuple[str, str] | None = None  # what may stand there where the label is too wide
    wide: float | None = None  # pixels of its label, measured

    @property
    def label_width(self) -> float:
        """The width of the label in pixels."""
        return seen_width(self.label[0]) if self.wide is None else self.wide

    @property
    def rows(self) -> tuple[int, int]:
        return min(self.start, self.end), max(self.start, self.end)


@dataclass(frozen=True)
class Frame:
    """A dashed frame around rows; `depth` counts the frames around it."""

    first: int
    last: int
    label: tuple[str, str]
    depth: int = 0

    @property
    def inset(self) -> float:
        """How far it stands inside of the outermost frame, in pixels."""
        return 5.0 * self.depth


@dataclass
class Drawing:
    """All there is to draw."""

    rows: int
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)


_OF = r"(\\partial [^{}]*(?:\{[^{}]*\}[^{}]*)*)"
_PARTIAL = re.compile(rf"\\frac\{{{_OF}\}}\{{{_OF}\}}")
"""A derivative as a fraction, whose letters would be too small."""


def in_line(formula: str) -> str:
    r"""Write derivatives with a stroke.

    >>> print(in_line(r"\frac{\partial L}{\partial W_{12}} \odot u"))
    \partial L/\partial W_{12} \odot u
    """
    return _PARTIAL.sub(r"\1/\2", formula)


def measured(drawing: Drawing) -> Drawing:
    """Return a drawing whose labels are as wide as TeX sets them."""

    def wide(label: tuple[str, str]) -> float:
        return POINT * tex_width(rf"\textstyle {in_line(label[1])}")

    boxes = [replace(box, wide=wide(box.label)) for box in drawing.boxes]
    arrows = [replace(arrow, wide=wide(arrow.label)) for arrow in drawing.arrows]
    return Drawing(drawing.rows, boxes, arrows, drawing.frames)


class Detail(NamedTuple):
    """How wide an equation in a box and the label of an arrow may be, in points; a wider one is written briefly."""

    box: float
    label: float


DETAILS = (
    *map(Detail, (170.0, 140.0, 115.0, 100.0), (250.0, 120.0, 85.0, 85.0)),
    *(Detail(wide, 60.0) for wide in (80.0, 65.0)),
    *(Detail(wide, 0.0) for wide in (80.0, 65.0, 50.0, 0.0)),
)
"""From all that a figure may say to what it says where the paper is narrow."""


def lessened(drawing: Drawing, detail: Detail) -> Drawing:
    """Return a drawing in which nothing is wider than a detail allows, if it can be written briefly."""

    def fitting(label: tuple[str, str], brief: tuple[str, str] | None, most: float) -> tuple[str, str]:
        return label if brief is None or tex_width(in_line(label[1])) <= most else brief

    boxes = [replace(box, label=fitting(box.label, box.brief, detail.box)) for box in drawing.boxes]
    arrows = [replace(arrow, label=fitting(arrow.label, arrow.brief, detail.label)) for arrow in drawing.arrows]
    return Drawing(drawing.rows, boxes, arrows, drawing.frames)


def seen_width(text: str) -> float:
    """Return about how many pixels a line of Unicode takes; raised and lowered signs are narrow."""
    narrow = {"<super>", "<sub>"}
    width = 0.0
    for character in text:
        kind = unicodedata.decomposition(character).partition(" ")[0]
        wide = 0.78 if character in "⊙⊘∂−=+Σ×" else 0.6
        width += 0.42 if kind in narrow else 0.3 if character in " ,.()[]|" else wide
    return width * FONT


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels from the top left corner."""

    drawing: Drawing
    centre: dict[str, float]
    left: dict[str, float]  # of the gradients' column only: they are flush left
    lanes: dict[Arrow, int]
    width: float
    height: float
    top: float
    is_stacked: bool = False

    def y(self, row: int) -> float:
        return self.top + row * PITCH

    def frame(self, frame: Frame) -> tuple[float, float]:
        """The upper and lower edge of a frame, clear of the labels halfway between rows."""
        reach = HEIGHT / 2 + max(1, 7 - 2 * frame.depth)
        return self.y(frame.first) - reach, self.y(frame.last) + reach

    def box(self, column: str, row: int) -> Box | None:
        return self.by_place.get((column, row))

    @property
    def by_place(self) -> dict[tuple[str, int], Box]:
        return {(box.column, box.row): box for box in self.drawing.boxes if box.column != "gradient"}

    def lane_x(self, arrow: Arrow) -> float:
        """The x of an arc's vertical part: outer lanes leave room for the labels of inner ones."""
        widest = max((box.width for box in self.drawing.boxes if box.column == arrow.column), default=0.0)
        lane = self.lanes[arrow]
        return self.centre[arrow.column] - widest / 2 - LANE * (1 + lane) - _label_room(self.lanes, arrow.column, lane)

    def label_row(self, arc: Arrow) -> float:
        """The row at which the label of an arc stands: its middle, or half a row off where an outer arc passes that."""
        middle = (arc.start + arc.end) / 2
        outer = (each for each, lane in self.lanes.items() if each.column == arc.column and lane > self.lanes[arc])
        return middle + 0.5 if any(middle in each.rows for each in outer) else middle

    def gradient_down(self, box: Box) -> float:
        """How far below its row a gradient stands, where two of a row stand below each other."""
        if not self.is_stacked:
            return 0.0
        alike = [b for b in self._gradients(box.row) if b.position // TOGETHER == box.position // TOGETHER]
        return STACKED * (box.position % TOGETHER - (len(alike) - 1) / 2)

    def gradient_left(self, box: Box) -> float:
        """Where a gradient begins: behind those of its row that stand before it, two by two if they are stacked."""
        together = TOGETHER if self.is_stacked else 1
        before: dict[int, float] = {}
        for other in self._gradients(box.row):
            if (place := other.position // together) < box.position // together:
                before[place] = max(before.get(place, 0.0), other.width + 14)
        return self.left["gradient"] + sum(before.values())

    def _gradients(self, row: int) -> list[Box]:
        return [box for box in self.drawing.boxes if box.column == "gradient" and box.row == row]


def layout(drawing: Drawing, is_stacked: bool = False) -> Layout:
    """Place columns beside each other, with room for arcs and labels; gradients of a row may stand below each other."""
    places = {(box.column, box.row) for box in drawing.boxes}
    arcs = [arrow for arrow in drawing.arrows if _passes(arrow, places)]
    lanes: dict[Arrow, int] = {}
    for arrow in sorted(arcs, key=lambda arc: (arc.rows[1] - arc.rows[0], arc.rows, arc.again)):
        low, high = arrow.rows
        alike = [other for other in lanes if other.column == arrow.column]
        taken = {lanes[other] for other in alike if low < other.rows[1] and other.rows[0] < high}
        lanes[arrow] = next(lane for lane in range(len(lanes) + 1) if lane not in taken)

    def room(column: str) -> tuple[float, float]:
        """Widest box, and the room for arcs and their labels at its left."""
        boxes = max((box.width for box in drawing.boxes if box.column == column), default=0.0)
        own = [arrow for arrow in lanes if arrow.column == column]
        last = max((lanes[arrow] for arrow in own), default=-1)
        return boxes, LANE * (2 + last) + _label_room(lanes, column, last + 1)

    forward, forward_arcs = room("forward")
    backward, backward_arcs = room("backward")
    centre = {"forward": MARGIN + forward_arcs + forward / 2}
    centre["backward"] = centre["forward"] + forward / 2 + BETWEEN + backward_arcs + backward / 2
    straight = [a for a in drawing.arrows if a.column == "backward" and a not in lanes]
    beside = max((arrow.label_width for arrow in straight), default=0.0) + 12
    left = {"gradient": centre["backward"] + backward / 2 + BETWEEN}
    shell = Layout(drawing, centre, left, lanes, 0.0, 0.0, 0.0, is_stacked)
    ends = [shell.gradient_left(box) + box.width for box in drawing.boxes if box.column == "gradient"]
    width = max([centre["backward"] + max(backward / 2, beside), *ends]) + MARGIN + 4
    top = MARGIN + 48
    return Layout(
        drawing, centre, left, lanes, width, top + (drawing.rows - 1) * PITCH + HEIGHT / 2 + MARGIN, top, is_stacked
    )


def _label_room(lanes: dict[Arrow, int], column: str, inside: int) -> float:
    """The width of the labels in the lanes of a column that lie inside of lane `inside`."""
    widths: dict[int, float] = {}
    for arrow, lane in lanes.items():
        if arrow.column == column and lane < inside:
            widths[lane] = max(widths.get(lane, 0.0), arrow.label_width)
    return sum(widths.values())


def _passes(arrow: Arrow, places: set[tuple[str, int]]) -> bool:
    low, high = arrow.rows
    return arrow.again or any((arrow.column, row) in places for row in range(low + 1, high))
