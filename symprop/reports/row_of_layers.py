"""A network drawn as its layers in a row, read like text: branches in lanes, shortcuts as arcs above them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import escape

from symprop.networks.network import Network
from symprop.notation.blocks import Picture
from symprop.notation.latex_letters import escaped
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import Unicode, pretty
from symprop.notation.svg import STYLE
from symprop.notation.words import Math
from symprop.reports.architecture import layers_of
from symprop.reports.captions import PIXELS, Room
from symprop.reports.lanes import lanes
from symprop.reports.stations import RADIUS, TALL, Arrow, Corner, Frame, Lanes, Station

MOST = 60
"""A drawing of more stations than that says less than the table of layers."""
ARROWS, AT_ENDS = 0.05, 0.35
"""Centimetres of a page, and of a column, that are left to the arrows at the ends of lines."""
MOST_LINES = 6
"""A drawing of more lines of boxes stands over both columns."""
_SMALL = r"\fontsize{7}{8}\selectfont\medmuskip=1mu\thickmuskip=1mu"
_DOT = 0.06  # the radius of a fork


def row_of_layers(network: Network, writer: PageWriter) -> Picture | None:
    """Return the drawing of a network, or None where it has too many layers for one, or branches that are too long."""
    wide = writer.paper.page - ARROWS
    narrow = wide if writer.paper.columns == 1 else writer.paper.column - AT_ENDS
    found = lanes(network, narrow)
    if narrow < wide and (found is None or found.lines > MOST_LINES):
        found = lanes(network, wide)
    if found is None or len(found.stations) > MOST:
        return None
    arcs = "; an arc is a shortcut past a block" if any(arrow.is_arc for arrow in found.arrows) else ""
    sign = "brace marks" if found.has_braces else "frame is"
    framed = f"; a {sign} a block that is repeated, with what the first one puts out" if found.frames else ""
    words: list[str | Math] = [f"The network: each layer with what it puts out{arcs}{framed}"]
    told = {each.output.name for each in found.stations}
    known = {each.name: each for each in network.inputs}
    for built in layers_of(network):
        for given in built.layer.further_inputs:
            if given.name not in told:
                words += [f"; {built.layer.caption} also reads ", Math(writer.formula(known[given.name]))]
    for station in found.stations:
        if station.made is not None and station.name and station.name not in told:
            told.add(station.name)
            equation = Math(rf"{writer.formula(station.output)} = {writer.formula(station.made)}")
            words += [f"; what {station.name} makes of its branches is ", equation]
    return picture(found, writer, words, "fig:network")


def picture(found: Lanes, writer: PageWriter, words: list[str | Math], label: str) -> Picture:
    """Return a drawing with its caption, in LaTeX and for a browser."""
    return Picture(_tikz(found, writer), _svg(found), _said(words), label)


def _said(words: list[str | Math]) -> tuple[str | Math, ...]:
    """The words of a sentence with its full stop."""
    *rest, last = words
    return (*rest, f"{last}.") if isinstance(last, str) else (*words, ".")


def _tikz(found: Lanes, writer: PageWriter) -> str:
    room, wide = found.room, found.room.wide
    lines = [
        r"\begin{tikzpicture}[x=1cm, y=-1cm, >={Stealth[length=5pt]}, font=\fontsize{8}{9}\selectfont,",
        rf"  layer/.style={{draw=blue!55!black, fill=blue!6, rounded corners=3pt, minimum width={wide}cm,",
        rf"    minimum height={TALL}cm, align=center, inner sep=0pt, text width={wide}cm}},",
        r"  sum/.style={draw=blue!55!black, fill=blue!6, circle, very thick, inner sep=0pt,",
        rf"    minimum size={2 * RADIUS}cm}},",
        r"  go/.style={->, semithick, blue!55!black, rounded corners=4pt}]",
    ]

    def path(corners: Sequence[tuple[float, float]]) -> str:
        return " -- ".join(f"({x:.2f}, {y:.2f})" for x, y in corners)

    for frame in found.frames if not found.has_braces else ():
        lines.append(
            rf"  \draw[dashed, gray, rounded corners=3pt] ({frame.left:.2f}, {frame.top:.2f}) rectangle "
            rf"({frame.right:.2f}, {frame.bottom:.2f});"
        )
    for station in found.stations:
        x, y = station.x, station.y
        output = writer.formula(station.shown)
        if station.name:
            name = r"\\[-2pt]".join(map(_tex, room.lines(station.name)))
            if room.has_shape(station.shown):
                output += rf"{{:}}\,{writer.dimensions(station.shown.shape) or '1'}"
            lines.append(rf"  \node[layer] at ({x:.2f}, {y:.2f}) {{{name}\\{_SMALL}\mbox{{${output}$}}}};")
        else:
            side = "above right" if found.enters_from_below(station) else "below"
            label = rf"label={{{side}:{_SMALL}${output}$}}"
            lines.append(rf"  \node[sum, {label}] at ({x:.2f}, {y:.2f}) {{${station.sign[1]}$}};")
    for arrow in found.arrows:
        label = ""
        if arrow.named is not None:
            label = rf" node[at start, above, inner sep=1pt] {{{_SMALL}${writer.formula(arrow.named)}$}}"
        lines.append(rf"  \draw[go] {path(arrow.corners)}{label};")
    for frame in (each for each in found.frames if each.times is not None):
        at, times = f"({frame.right - 0.25:.2f}, {frame.top:.2f})", rf"$\times\,{writer.number(frame.times)}$"
        if found.has_braces:
            x, y = brace(frame)[3]
            lines.append(rf"  \draw[gray, semithick, rounded corners=2pt] {path(brace(frame))};")
            lines.append(rf"  \node[below, inner sep=2pt] at ({x:.2f}, {y:.2f}) {{{times}}};")
            continue
        lines.append(rf"  \node[fill=white, inner sep=2pt, left] at {at} {{{times}}};")
    lines += [rf"  \fill[blue!55!black] ({x:.2f}, {y:.2f}) circle ({_DOT});" for x, y in found.forks]
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def brace(frame: Frame) -> tuple[Corner, ...]:
    """Return the corners of a brace below a block; the fourth is its tip."""
    middle, (upper, line, tip) = (frame.left + frame.right) / 2, (frame.bottom + down for down in (-0.05, 0.08, 0.2))
    right = ((middle + 0.12, line), (frame.right, line), (frame.right, upper))
    return ((frame.left, upper), (frame.left, line), (middle - 0.12, line), (middle, tip), *right)


def _tex(line: str) -> str:
    """A line of a caption in LaTeX, which is not broken again."""
    signs = re.sub(" ?× ?", lambda _: r"$\,\times\,$", escaped(line))
    return rf"\mbox{{{signs}}}"


def _svg(found: Lanes) -> str:
    left, top = found.room.wide / 2 + 0.55, 0.2 - found.top
    width, height = (found.right + 2 * left) * PIXELS, (found.bottom + top + 0.35) * PIXELS

    def px(x: float, y: float) -> tuple[float, float]:
        return (x + left) * PIXELS, (y + top) * PIXELS

    def arrow(drawn: Arrow) -> Iterable[str]:
        points = " L ".join("{:.1f} {:.1f}".format(*px(*corner)) for corner in drawn.corners)
        yield f'<path d="M {points}" class="go" marker-end="url(#layers-go)"/>'
        if drawn.named is not None:
            x, y = px(*drawn.corners[0])
            yield f'<text x="{x:.1f}" y="{y - 6:.1f}" class="middle small">{escape(pretty(drawn.named))}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>The layers of the network</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="layers-go" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z" style="fill: var(--edge)"/></marker></defs>',
    ]
    for frame in found.frames if not found.has_braces else ():
        (x, y), (right, bottom) = px(frame.left, frame.top), px(frame.right, frame.bottom)
        size = f'width="{right - x:.1f}" height="{bottom - y:.1f}"'
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} class="frame"/>')
    for station in found.stations:
        parts += _box(station, found.room, *px(station.x, station.y), found.enters_from_below(station))
    for each in found.arrows:
        parts += arrow(each)
    for corner in found.forks:
        x, y = px(*corner)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT * PIXELS:.1f}" style="fill: var(--edge)"/>')
    for frame in (each for each in found.frames if each.times is not None):
        if found.has_braces:
            points = " L ".join("{:.1f} {:.1f}".format(*px(*corner)) for corner in brace(frame))
            x, y = px(*brace(frame)[3])
            parts.append(f'<path d="M {points}" style="stroke: var(--soft)"/>')
            times = escape(Unicode().number(frame.times).text)
            parts.append(f'<text x="{x:.1f}" y="{y + 11:.1f}" class="middle name">× {times}</text>')
            continue
        x, y = px(frame.right - 0.25, frame.top)
        ground = f'x="{x - 30:.1f}" y="{y - 6:.1f}" width="34" height="12" style="fill: var(--paper)"'
        times = escape(Unicode().number(frame.times).text)
        parts += [f"<rect {ground}/>", f'<text x="{x:.1f}" y="{y:.1f}" class="end name">× {times}</text>']
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(station: Station, room: Room, x: float, y: float, beside: bool) -> Iterable[str]:
    """A station at its place in pixels; `beside` says that what it is called stands at the side of an arrow."""
    if not station.name:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS * PIXELS:.1f}"/>'
        yield f'<text x="{x:.1f}" y="{y:.1f}" class="middle">{station.sign[0]}</text>'
        right, down, place = (0.2, -0.5, "small") if beside else (0.0, 0.48, "middle small")
        at = f'x="{x + right * PIXELS:.1f}" y="{y + down * PIXELS:.1f}"'
        yield f'<text {at} class="{place}">{escape(pretty(station.shown))}</text>'
        return
    corner = x - room.wide / 2 * PIXELS, y - TALL / 2 * PIXELS
    size = f'width="{room.wide * PIXELS:.1f}" height="{TALL * PIXELS:.1f}"'
    yield f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" {size} class="operation"/>'
    names = room.lines(station.name)
    for line, part in enumerate(names):
        up = y - 9 + 13 * (line - (len(names) - 1) / 2) + (1.5 if len(names) > 1 else 0)
        yield f'<text x="{x:.1f}" y="{up:.1f}" class="middle name">{escape(part)}</text>'
    yield f'<text x="{x:.1f}" y="{y + 13:.1f}" class="middle small">{escape(room.said(station.shown))}</text>'
