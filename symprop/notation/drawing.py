"""Boxes in columns and rows, arrows between them: geometry, then SVG or TikZ. Knows nothing of derivations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

PITCH, FONT, HIGH = 62.0, 15.0, 32.0  # pixels from row to row, of the letters, of a box
LANE, MARGIN = 16.0, 24.0


@dataclass(frozen=True)
class Box:
    """A node: `column` is "forward", "backward" or "gradient"; `label` in Unicode and LaTeX."""

    column: str
    row: int
    label: tuple[str, str]
    number: int | None = None
    kind: str = "operation"
    position: int = 0  # among the gradients of one row

    @property
    def width(self) -> float:
        number = "" if self.number is None else f"({self.number})"
        return max(46.0, seen_width(self.label[0]) + 22 + (7 + 0.8 * seen_width(number) if number else 0))


@dataclass(frozen=True)
class Arrow:
    """From one row to another of the same column; past other rows it is an arc in a lane beside the column."""

    column: str
    start: int
    end: int
    label: tuple[str, str] = ("", "")

    @property
    def rows(self) -> tuple[int, int]:
        return min(self.start, self.end), max(self.start, self.end)


@dataclass(frozen=True)
class Frame:
    """A dashed frame around rows."""

    first: int
    last: int
    label: tuple[str, str]


@dataclass
class Drawing:
    """All there is to draw."""

    rows: int
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)


def seen_width(text: str) -> float:
    """Return about how many pixels a line of Unicode takes; raised and lowered signs are narrow."""
    narrow = {"<super>", "<sub>"}
    width = 0.0
    for character in text:
        kind = unicodedata.decomposition(character).partition(" ")[0]
        width += 0.42 if kind in narrow else 0.3 if character in " ,.()[]|" else 0.78 if character in "⊙⊘∂−=+Σ" else 0.6
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

    def y(self, row: int) -> float:
        return self.top + row * PITCH

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

    def gradient_left(self, box: Box) -> float:
        before = [
            b for b in self.drawing.boxes if b.column == "gradient" and b.row == box.row and b.position < box.position
        ]
        return self.left["gradient"] + sum(b.width + 14 for b in before)


def layout(drawing: Drawing) -> Layout:
    """Place columns beside each other, with room for arcs and labels."""
    places = {(box.column, box.row) for box in drawing.boxes}
    arcs = [arrow for arrow in drawing.arrows if _passes(arrow, places)]
    lanes: dict[Arrow, int] = {}
    for arrow in sorted(arcs, key=lambda arc: (arc.rows[1] - arc.rows[0], arc.rows)):
        taken = {lanes[other] for other in lanes if other.column == arrow.column and _overlap(arrow.rows, other.rows)}
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
    centre["backward"] = centre["forward"] + forward / 2 + 44 + backward_arcs + backward / 2
    straight = [a for a in drawing.arrows if a.column == "backward" and a not in lanes]
    beside = max((seen_width(arrow.label[0]) for arrow in straight), default=0.0) + 12
    left = {"gradient": centre["backward"] + backward / 2 + 46}
    shell = Layout(drawing, centre, left, lanes, 0.0, 0.0, 0.0)
    ends = [shell.gradient_left(box) + box.width for box in drawing.boxes if box.column == "gradient"]
    width = max([centre["backward"] + max(backward / 2, beside), *ends]) + MARGIN + 18
    top = MARGIN + 48
    return Layout(drawing, centre, left, lanes, width, top + (drawing.rows - 1) * PITCH + HIGH / 2 + MARGIN, top)


def _label_room(lanes: dict[Arrow, int], column: str, inside: int) -> float:
    """The width of the labels in the lanes of a column that lie inside of lane `inside`."""
    widths: dict[int, float] = {}
    for arrow, lane in lanes.items():
        if arrow.column == column and lane < inside:
            widths[lane] = max(widths.get(lane, 0.0), seen_width(arrow.label[0]))
    return sum(widths.values())


def _passes(arrow: Arrow, places: set[tuple[str, int]]) -> bool:
    low, high = arrow.rows
    return any((arrow.column, row) in places for row in range(low + 1, high))


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


_STYLE = """
  .symprop-figure { --paper: #fdfdfb; --ink: #1c1d21; --soft: #666a73; --forward: #e7eff9; --edge: #1f5fa8;
    --backward: #fbeee0; --back: #b3590a; --gradient: #eaf4e6; --green: #3d7a2a; }
  @media (prefers-color-scheme: dark) {
    .symprop-figure { --paper: #16181c; --ink: #e6e6e3; --soft: #9a9fa8; --forward: #1c2c40; --edge: #7fb4f0;
      --backward: #3a2917; --back: #f0a860; --gradient: #20321b; --green: #93c983; }
  }
  .symprop-figure text { font: 15px "STIX Two Text", "Cambria Math", "DejaVu Serif", Georgia, serif; fill: var(--ink);
    dominant-baseline: central; }
  .symprop-figure .middle { text-anchor: middle; }
  .symprop-figure .label { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
  .symprop-figure .end { text-anchor: end; }
  .symprop-figure text.title { font-weight: 600; }
  .symprop-figure tspan.small, .symprop-figure text.small { font-size: 11px; fill: var(--soft); }
  .symprop-figure rect { stroke-width: 1.3; rx: 7px; }
  .symprop-figure .variable { fill: none; stroke: var(--soft); }
  .symprop-figure .operation { fill: var(--forward); stroke: var(--edge); }
  .symprop-figure .sum { fill: var(--forward); stroke: var(--edge); stroke-width: 2.4; }
  .symprop-figure .adjoint { fill: var(--backward); stroke: var(--back); }
  .symprop-figure .gradient { fill: var(--gradient); stroke: var(--green); }
  .symprop-figure .frame { fill: none; stroke: var(--soft); stroke-dasharray: 5 4; }
  .symprop-figure path { fill: none; stroke-width: 1.6; }
  .symprop-figure .go { stroke: var(--edge); }
  .symprop-figure .back { stroke: var(--back); }
  .symprop-figure .give { stroke: var(--green); }
  .symprop-figure marker path { stroke: none; }
  .symprop-figure #symprop-go path { fill: var(--edge); }
  .symprop-figure #symprop-back path { fill: var(--back); }
  .symprop-figure #symprop-give path { fill: var(--green); }
"""


def svg(drawing: Drawing) -> str:
    """Return the drawing as one SVG file, for light and dark."""
    plan = layout(drawing)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" '
        f'viewBox="0 0 {plan.width:.0f} {plan.height:.0f}" '
        f'width="{plan.width:.0f}" height="{plan.height:.0f}" role="img">',
        "<title>Forward and backward pass</title>",
        f"<style>{_STYLE}</style>",
        "<defs>",
        *(
            f'<marker id="symprop-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z"/></marker>'
            for name in ("go", "back", "give")
        ),
        "</defs>",
        f'<rect width="{plan.width:.0f}" height="{plan.height:.0f}" style="fill: var(--paper); stroke: none; rx: 0"/>',
    ]
    for column, title in (("forward", "Forward pass"), ("backward", "Backward pass")):
        parts.append(_text(plan.centre[column], MARGIN + 4, title, "middle title"))
    if any(box.column == "gradient" for box in drawing.boxes):
        parts.append(_text(plan.left["gradient"], MARGIN + 4, "Gradients", "title"))
    parts += [part for frame in drawing.frames for part in _svg_frame(plan, frame)]
    parts += [part for arrow in drawing.arrows for part in _svg_arrow(plan, arrow)]
    parts += [part for box in drawing.boxes for part in _svg_box(plan, box)]
    return "\n".join([*parts, "</svg>"]) + "\n"


_SINGLE_LETTER = re.compile(r"(?<![A-Za-zα-ωΑ-Ω])[A-Za-zα-ω](?![A-Za-zα-ωΑ-Ω])")


def _text(x: float, y: float, text: str, kind: str, number: str = "") -> str:
    """A line of text: single letters are variables and slant, words do not; an equation number follows in small."""
    written = escape(text)
    if "title" not in kind:
        written = _SINGLE_LETTER.sub(r"<tspan font-style='italic'>\g<0></tspan>", written)
    written += f'<tspan class="small" dx="7">{number}</tspan>' if number else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{written}</text>'


def _svg_box(plan: Layout, box: Box) -> Iterable[str]:
    y = plan.y(box.row)
    x = plan.gradient_left(box) if box.column == "gradient" else plan.centre[box.column] - box.width / 2
    yield f'<rect x="{x:.1f}" y="{y - HIGH / 2:.1f}" width="{box.width:.1f}" height="{HIGH:.0f}" class="{box.kind}"/>'
    yield _text(x + box.width / 2, y, box.label[0], "middle", "" if box.number is None else f"({box.number})")
    if box.column == "gradient" and box.position == 0:
        adjoint = plan.box("backward", box.row)
        start = plan.centre["backward"] + (adjoint.width if adjoint else 0) / 2
        yield f'<path d="M {start:.1f} {y:.1f} H {x - 2:.1f}" class="give" marker-end="url(#symprop-give)"/>'


def _svg_arrow(plan: Layout, arrow: Arrow) -> Iterable[str]:
    kind = "go" if arrow.column == "forward" else "back"
    x, start, end = plan.centre[arrow.column], plan.y(arrow.start), plan.y(arrow.end)
    down = 1 if end > start else -1
    if arrow not in plan.lanes:
        path = f"M {x:.1f} {start + down * HIGH / 2:.1f} V {end - down * (HIGH / 2 + 2):.1f}"
        yield f'<path d="{path}" class="{kind}" marker-end="url(#symprop-{kind})"/>'
        if arrow.label[0]:
            yield _text(x + 9, (start + end) / 2, arrow.label[0], "label")
        return
    lane = plan.lane_x(arrow)
    ends = [plan.box(arrow.column, row) for row in (arrow.start, arrow.end)]
    one, two = (x - (box.width if box else 0) / 2 for box in ends)
    start, end = start + down * 5, end - down * 5
    path = f"M {one:.1f} {start:.1f} H {lane + 10:.1f} Q {lane:.1f} {start:.1f} {lane:.1f} {start + down * 10:.1f}"
    path += f" V {end - down * 10:.1f} Q {lane:.1f} {end:.1f} {lane + 10:.1f} {end:.1f} H {two - 2:.1f}"
    yield f'<path d="{path}" class="{kind}" marker-end="url(#symprop-{kind})"/>'
    if arrow.label[0]:
        yield _text(lane - 7, (start + end) / 2, arrow.label[0], "label end")


def _svg_frame(plan: Layout, frame: Frame) -> Iterable[str]:
    top, bottom = plan.y(frame.first) - PITCH / 2 + 1, plan.y(frame.last) + PITCH / 2 - 3
    size = f'width="{plan.width - MARGIN:.1f}" height="{bottom - top:.1f}"'
    yield f'<rect x="{MARGIN / 2:.1f}" y="{top:.1f}" {size} class="frame"/>'
    yield _text(plan.width - MARGIN / 2 - 8, top + 12, frame.label[0], "small end")


def tikz(drawing: Drawing) -> str:
    """Return the drawing as a TikZ picture; the preamble loads tikz and its library arrows.meta."""
    plan = layout(drawing)
    unit = 0.0255  # centimetres for a pixel: letters of 15 pixels are \\small
    lines = [
        r"\begin{tikzpicture}[x=1cm, y=-1cm, >={Stealth[length=5pt]}, font=\small,",
        r"  box/.style={draw, rounded corners=3pt, minimum height=7mm, inner xsep=5pt},",
        r"  operation node/.style={box, draw=blue!55!black, fill=blue!6},",
        r"  sum node/.style={operation node, very thick},",
        r"  variable node/.style={box, draw=gray}, adjoint node/.style={box, draw=orange!70!black, fill=orange!10},",
        r"  gradient node/.style={box, draw=green!45!black, fill=green!7},",
        r"  go/.style={->, semithick, blue!55!black}, back/.style={->, semithick, orange!70!black},",
        r"  give/.style={->, semithick, green!45!black}, number/.style={font=\scriptsize, gray, inner sep=1pt},",
        r"  carried/.style={black, font=\footnotesize, inner sep=3pt}]",
    ]

    def at(x: float, y: float) -> str:
        return f"({x * unit:.2f}, {y * unit:.2f})"

    for column, title in (("forward", "Forward pass"), ("backward", "Backward pass")):
        lines.append(rf"  \node at {at(plan.centre[column], MARGIN)} {{\textbf{{{title}}}}};")
    if any(box.column == "gradient" for box in drawing.boxes):
        lines.append(rf"  \node[anchor=west] at {at(plan.left['gradient'], MARGIN)} {{\textbf{{Gradients}}}};")
    for frame in drawing.frames:
        top, bottom = plan.y(frame.first) - PITCH / 2 + 1, plan.y(frame.last) + PITCH / 2 - 3
        lines.append(
            rf"  \draw[gray, dashed, rounded corners=3pt] {at(MARGIN / 2, top)} rectangle {at(plan.width, bottom)};"
        )
        lines.append(rf"  \node[number, anchor=north east] at {at(plan.width - 4, top + 3)} {{${frame.label[1]}$}};")
    for box in drawing.boxes:
        name = _tikz_name(box.column, box.row) + (f"-{box.position}" if box.column == "gradient" else "")
        if box.column == "gradient":
            where = rf"[{box.kind} node, anchor=west] ({name}) at {at(plan.gradient_left(box), plan.y(box.row))}"
            if box.position:
                beside = f"([xshift=3mm]{_tikz_name('gradient', box.row)}-{box.position - 1}.east)"
                where = rf"[{box.kind} node, anchor=west] ({name}) at {beside}"
        else:
            where = rf"[{box.kind} node] ({name}) at {at(plan.centre[box.column], plan.y(box.row))}"
        number = "" if box.number is None else rf"\enspace{{\scriptsize\color{{gray}}({box.number})}}"
        lines.append(rf"  \node{where} {{${box.label[1]}${number}}};")
        if box.column == "gradient" and box.position == 0:
            lines.append(rf"  \draw[give] ({_tikz_name('backward', box.row)}) -- ({name});")
    for arrow in drawing.arrows:
        kind = "go" if arrow.column == "forward" else "back"
        one, two = _tikz_name(arrow.column, arrow.start), _tikz_name(arrow.column, arrow.end)
        if arrow not in plan.lanes:
            label = rf" node[carried, midway, right] {{${arrow.label[1]}$}}" if arrow.label[1] else ""
            lines.append(rf"  \draw[{kind}] ({one}) --{label} ({two});")
            continue
        shift = 1.3 if arrow.end > arrow.start else -1.3  # millimetres, so that arcs and arrows do not share an anchor
        lane = plan.lane_x(arrow)
        label = rf" node[carried, midway, left] {{${arrow.label[1]}$}}" if arrow.label[1] else ""
        first, last = (
            f"({lane * unit:.2f}, {plan.y(r) * unit + s / 10:.2f})"
            for r, s in ((arrow.start, shift), (arrow.end, -shift))
        )
        lines.append(
            rf"  \draw[{kind}, rounded corners=6pt] ([yshift={-shift}mm]{one}.west) -- {first} --{label} {last}"
            rf" -- ([yshift={shift}mm]{two}.west);"
        )
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _tikz_name(column: str, row: int) -> str:
    return f"{column}-{row}"
