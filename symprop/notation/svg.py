"""A drawing as one SVG file, in the reader's own light or dark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from symprop.notation.drawing import HEIGHT, MARGIN, PITCH, Arrow, Box, Drawing, Frame, Layout, layout

STYLE = """
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
  .symprop-figure text.name { font-size: 11.5px; }
  .symprop-figure rect { stroke-width: 1.3; rx: 7px; }
  .symprop-figure .paper { fill: var(--paper); stroke: none; rx: 0; }
  .symprop-figure .variable { fill: none; stroke: var(--soft); }
  .symprop-figure .operation { fill: var(--forward); stroke: var(--edge); }
  .symprop-figure .sum { fill: var(--forward); stroke: var(--edge); stroke-width: 2.4; }
  .symprop-figure .adjoint { fill: var(--backward); stroke: var(--back); }
  .symprop-figure .gradient { fill: var(--gradient); stroke: var(--green); }
  .symprop-figure .frame { fill: none; stroke: var(--soft); stroke-dasharray: 5 4; }
  .symprop-figure circle { fill: var(--forward); stroke: var(--edge); stroke-width: 2.4; }
  .symprop-figure path { fill: none; stroke-width: 1.6; }
  .symprop-figure .grid-line { stroke: var(--soft); stroke-width: .5; opacity: .5; }
  .symprop-figure .go { stroke: var(--edge); }
  .symprop-figure .back { stroke: var(--back); }
  .symprop-figure .again { stroke-dasharray: 5 3; }
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
        f"<style>{STYLE}</style>",
        "<defs>",
        *(
            f'<marker id="symprop-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z"/></marker>'
            for name in ("go", "back", "give")
        ),
        "</defs>",
        f'<rect width="{plan.width:.0f}" height="{plan.height:.0f}" class="paper"/>',
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
    written = escape(text, quote=False)
    if "title" not in kind:
        written = _SINGLE_LETTER.sub(r"<tspan font-style='italic'>\g<0></tspan>", written)
    written += f'<tspan class="small" dx="7">{number}</tspan>' if number else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{written}</text>'


def _svg_box(plan: Layout, box: Box) -> Iterable[str]:
    y = plan.y(box.row)
    x = plan.gradient_left(box) if box.column == "gradient" else plan.centre[box.column] - box.width / 2
    size = f'width="{box.width:.1f}" height="{HEIGHT:.0f}"'
    yield f'<g data-names="{escape(box.name)}">' if box.name else "<g>"
    yield f'<rect x="{x:.1f}" y="{y - HEIGHT / 2:.1f}" {size} class="{box.kind}"/>'
    yield _text(x + box.width / 2, y, box.label[0], "middle", "" if box.number is None else f"({box.number})")
    yield "</g>"
    if box.column == "gradient" and box.position == 0:
        adjoint = plan.box("backward", box.row)
        start = plan.centre["backward"] + (adjoint.width if adjoint else 0) / 2
        yield f'<path d="M {start:.1f} {y:.1f} H {x - 2:.1f}" class="give" marker-end="url(#symprop-give)"/>'


def _svg_arrow(plan: Layout, arrow: Arrow) -> Iterable[str]:
    kind = "go" if arrow.column == "forward" else "back"
    x, start, end = plan.centre[arrow.column], plan.y(arrow.start), plan.y(arrow.end)
    down = 1 if end > start else -1
    if arrow not in plan.lanes:
        path = f"M {x:.1f} {start + down * HEIGHT / 2:.1f} V {end - down * (HEIGHT / 2 + 2):.1f}"
        yield f'<path d="{path}" class="{kind}" marker-end="url(#symprop-{kind})"/>'
        if arrow.label[0]:
            yield _text(x + 9, (start + end) / 2, arrow.label[0], "label")
        return
    lane = plan.lane_x(arrow)
    ends = [plan.box(arrow.column, row) for row in (arrow.start, arrow.end)]
    one, two = (x - (box.width if box else 0) / 2 for box in ends)
    down = -down if arrow.again else down  # outside the arc of a skip connection between the same boxes
    start, end = start + down * 5, end - down * 5
    down = -down if arrow.again else down
    path = f"M {one:.1f} {start:.1f} H {lane + 10:.1f} Q {lane:.1f} {start:.1f} {lane:.1f} {start + down * 10:.1f}"
    path += f" V {end - down * 10:.1f} Q {lane:.1f} {end:.1f} {lane + 10:.1f} {end:.1f} H {two - 2:.1f}"
    dashed = " again" if arrow.again else ""
    yield f'<path d="{path}" class="{kind}{dashed}" marker-end="url(#symprop-{kind})"/>'
    if arrow.label[0]:
        yield _text(lane - 7, plan.y(0) + plan.label_row(arrow) * PITCH, arrow.label[0], "label end")


def _svg_frame(plan: Layout, frame: Frame) -> Iterable[str]:
    top, bottom = plan.frame(frame)
    size = f'width="{plan.width - MARGIN - 2 * frame.inset:.1f}" height="{bottom - top:.1f}"'
    yield f'<rect x="{MARGIN / 2 + frame.inset:.1f}" y="{top:.1f}" {size} class="frame"/>'
    yield _text(plan.width - MARGIN / 2 - 8 - frame.inset, top + 12, frame.label[0], "small end")
