"""A drawing as a TikZ picture, for LaTeX."""

from __future__ import annotations

from collections.abc import Callable

from symprop.notation.drawing import MARGIN, TOGETHER, Box, Drawing, in_line, layout, measured

HEAD = (
    r"\begin{tikzpicture}[x=1cm, y=-1cm, >={Stealth[length=5pt]}, font=\fontsize{9}{11}\selectfont,",
    r"  box/.style={draw, rounded corners=3pt, minimum height=6mm, inner xsep=5pt},",
    r"  operation node/.style={box, draw=blue!55!black, fill=blue!6},",
    r"  sum node/.style={operation node, very thick},",
    r"  variable node/.style={box, draw=gray}, adjoint node/.style={box, draw=orange!70!black, fill=orange!10},",
    r"  gradient node/.style={box, draw=green!45!black, fill=green!7,",
    r"    minimum height=5.2mm, inner ysep=1pt},",
    r"  go/.style={->, semithick, blue!55!black}, back/.style={->, semithick, orange!70!black},",
    r"  give/.style={->, semithick, green!45!black},",
    r"  number/.style={gray, inner sep=1pt},",
    r"  carried/.style={black, inner sep=3pt}]",
)
"""How the picture looks, which opens it."""


UNIT = 0.023
"""Centimetres for a pixel across: letters of 15 pixels have 9 points."""
DOWN = {False: 0.0148, True: 0.0245}
"""Centimetres for a pixel down; more where gradients stand below each other."""
LETTERS = 9
"""Points of all words and numbers."""


def size(drawing: Drawing, is_stacked: bool = False) -> tuple[float, float]:
    """Return the width and the height of a picture in centimetres."""
    plan = layout(measured(drawing), is_stacked)
    return plan.width * UNIT, plan.height * DOWN[is_stacked]


def plain_number(box: Box) -> str:
    """Write the number of a box's equation as it is."""
    return f"({box.number})"


def tikz(drawing: Drawing, is_stacked: bool = False, number_of: Callable[[Box], str] = plain_number) -> str:
    """Return the drawing as a TikZ picture; the preamble loads tikz and its library arrows.meta."""
    drawing = measured(drawing)
    plan = layout(drawing, is_stacked)
    lines = [*HEAD]

    def at(x: float, y: float) -> str:
        return f"({x * UNIT:.2f}, {y * DOWN[is_stacked]:.2f})"

    for column, title in (("forward", "Forward pass"), ("backward", "Backward pass")):
        lines.append(rf"  \node at {at(plan.centre[column], MARGIN)} {{\textbf{{{title}}}}};")
    if any(box.column == "gradient" for box in drawing.boxes):
        lines.append(rf"  \node[anchor=west] at {at(plan.left['gradient'], MARGIN)} {{\textbf{{Gradients}}}};")
    for frame in drawing.frames:
        top, bottom = plan.frame(frame)
        lines.append(
            rf"  \draw[gray, dashed, rounded corners=3pt] {at(MARGIN / 2 + frame.inset, top)}"
            rf" rectangle {at(plan.width - frame.inset, bottom)};"
        )
        corner = at(plan.width - 4 - frame.inset, top + 3)
        lines.append(rf"  \node[number, anchor=north east] at {corner} {{${frame.label[1]}$}};")
    for box in drawing.boxes:
        name = _tikz_name(box.column, box.row) + (f"-{box.position}" if box.column == "gradient" else "")
        if box.column == "gradient":
            place = at(plan.gradient_left(box), plan.y(box.row) + plan.gradient_down(box))
            where = rf"[{box.kind} node, anchor=west] ({name}) at {place}"
            if box.position and not is_stacked:
                beside = f"([xshift=3mm]{_tikz_name('gradient', box.row)}-{box.position - 1}.east)"
                where = rf"[{box.kind} node, anchor=west] ({name}) at {beside}"
        else:
            where = rf"[{box.kind} node] ({name}) at {at(plan.centre[box.column], plan.y(box.row))}"
        number = "" if box.number is None else rf"\enspace{{\color{{gray}}{number_of(box)}}}"
        lines.append(rf"  \node{where} {{${in_line(box.label[1])}${number}}};")
        if box.column == "gradient" and box.position < (TOGETHER if is_stacked else 1):
            lines.append(rf"  \draw[give] ({_tikz_name('backward', box.row)}) -- ({name});")
    for arrow in drawing.arrows:
        kind = "go" if arrow.column == "forward" else "back"
        one, two = _tikz_name(arrow.column, arrow.start), _tikz_name(arrow.column, arrow.end)
        if arrow not in plan.lanes:
            label = rf" node[carried, midway, right] {{${in_line(arrow.label[1])}$}}" if arrow.label[1] else ""
            lines.append(rf"  \draw[{kind}] ({one}) --{label} ({two});")
            continue
        # millimetres, so that arcs and arrows do not share an anchor
        shift = 1.3 if (arrow.end > arrow.start) != arrow.again else -1.3
        lane, dashed = plan.lane_x(arrow), ", dashed" if arrow.again else ""
        row = plan.label_row(arrow)
        along = (row - arrow.start) / (arrow.end - arrow.start)
        place = "midway" if along == 0.5 else f"pos={along:.2f}"
        label = rf" node[carried, {place}, left] {{${in_line(arrow.label[1])}$}}" if arrow.label[1] else ""
        first, last = (
            f"({lane * UNIT:.2f}, {plan.y(r) * DOWN[is_stacked] + s / 10:.2f})"
            for r, s in ((arrow.start, shift), (arrow.end, -shift))
        )
        lines.append(
            rf"  \draw[{kind}{dashed}, rounded corners=6pt] ([yshift={-shift}mm]{one}.west) -- {first} --{label} {last}"
            rf" -- ([yshift={shift}mm]{two}.west);"
        )
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _tikz_name(column: str, row: int) -> str:
    return f"{column}-{row}"
