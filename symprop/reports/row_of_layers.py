"""A network drawn as its layers in a row, read like text, with the shortcuts of residual blocks as arcs above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import escape

from symprop.algebra.nodes import Variable
from symprop.networks.branches import Residual
from symprop.networks.layers import Layer
from symprop.networks.losses import Penalised
from symprop.networks.network import Network
from symprop.networks.own_activations import Activation
from symprop.notation.blocks import Math, Picture
from symprop.notation.latex_document import typed
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import pretty
from symprop.notation.svg import STYLE
from symprop.reports.architecture import layers_of

PER_LINE, MOST = 6, 60
"""So many stations stand in a line; a drawing of more than `MOST` says less than the table of layers."""
STEP, DEEP, HIGH = 2.65, 2.4, 0.95
"""Centimetres from station to station, from line to line, and above a station to the top of an arc."""
WIDE, TALL = 2.05, 1.05
PIXELS = 46.0
"""Pixels for a centimetre."""
_LONGEST = 12  # letters that fit
_SUM = 0.28  # the radius of a sum


@dataclass(frozen=True)
class Station:
    """A layer: its name (nothing for a sum), what it puts out, and the station where its shortcut begins."""

    name: str
    output: Variable
    shortcut: int | None = None

    @property
    def reach(self) -> float:
        """Half of its width."""
        return WIDE / 2 if self.name else _SUM


def stations(network: Network) -> tuple[Station, ...]:
    """Return the input and the layers as stations of a drawing.

    >>> from symprop.networks.spec import parse_network
    >>> drawn = stations(parse_network("Input(2) >> Residual(Dense(2) >> Tanh()) >> MeanSquaredError()"))
    >>> [(each.name, each.shortcut) for each in drawn]
    [('Input', None), ('Dense', None), ('Tanh', None), ('', 0), ('MeanSquaredError', None)]
    """
    found = [Station("Input", network.system().inputs[0])]
    place = {found[0].output.name: 0}
    for built in layers_of(network):
        is_sum = isinstance(built.layer, Residual)
        shortcut = place.get(built.value.name) if is_sum else None
        place[built.output.name] = len(found)
        found.append(Station("" if is_sum else _name(built.layer), built.output, shortcut))
    return tuple(found)


def _name(layer: Layer) -> str:
    """The kind of a layer; an activation of one's own has a name, a loss with penalties that of the loss."""
    if isinstance(layer, Penalised):
        return _name(layer.loss)
    return layer.name if isinstance(layer, Activation) else type(layer).__name__


def row_of_layers(network: Network, writer: PageWriter) -> Picture | None:
    """Return the drawing of a network, or None where it has too many layers for one."""
    found = stations(network)
    if len(found) > MOST:
        return None
    arcs = "; an arc is the shortcut of a residual block" if any(each.shortcut is not None for each in found) else ""
    words: list[str | Math] = [f"The network: each layer with what it puts out{arcs}"]
    known = {each.name: each for each in network.inputs}
    for built in layers_of(network):
        for given in built.layer.further_inputs:
            words += [f"; {_name(built.layer)} also reads ", Math(writer.formula(known[given.name]))]
    return Picture(_tikz(found, writer), _svg(found), _said(words), "fig:network")


def _said(words: list[str | Math]) -> tuple[str | Math, ...]:
    """The words of a sentence with its full stop."""
    *rest, last = words
    return (*rest, f"{last}.") if isinstance(last, str) else (*words, ".")


def _at(position: int) -> tuple[float, float]:
    """Where the middle of a station is, in centimetres, downwards."""
    return position % PER_LINE * STEP, position // PER_LINE * DEEP


def _connections(found: Sequence[Station]) -> Iterator[list[tuple[float, float]]]:
    """Yield the arrows between neighbours as corners: straight, or from the end of a line to the start of the next."""
    for position in range(1, len(found)):
        (x, y), (before, above) = _at(position), _at(position - 1)
        start, end = (before + found[position - 1].reach, above), (x - found[position].reach, y)
        if y == above:
            yield [start, end]
        else:
            middle, out, back = above + 0.85, start[0] + 0.3, end[0] - 0.35
            yield [start, (out, above), (out, middle), (back, middle), (back, y), end]


def _shortcuts(found: Sequence[Station]) -> Iterator[tuple[list[tuple[float, float]], Station | None]]:
    """Yield the arcs as corners; one that begins in another line is a short arrow that says where it comes from."""
    for position, station in enumerate(found):
        if station.shortcut is None:
            continue
        (x, y), (begin, above) = _at(position), _at(station.shortcut)
        top = y - HIGH
        if y == above:
            begin += found[station.shortcut].reach / 2 if found[station.shortcut].name else 0.0
            height = TALL / 2 if found[station.shortcut].name else _SUM
            yield [(begin, y - height), (begin, top), (x, top), (x, y - _SUM)], None
        else:
            yield [(x, top + 0.15), (x, y - _SUM)], found[station.shortcut]


def _tikz(found: Sequence[Station], writer: PageWriter) -> str:
    lines = [
        r"\begin{tikzpicture}[x=1cm, y=-1cm, >={Stealth[length=5pt]}, font=\footnotesize,",
        rf"  layer/.style={{draw=blue!55!black, fill=blue!6, rounded corners=3pt, minimum width={WIDE}cm,",
        rf"    minimum height={TALL}cm, align=center, inner sep=1pt, text width={WIDE - 0.1:.2f}cm}},",
        r"  sum/.style={draw=blue!55!black, fill=blue!6, circle, very thick, inner sep=0pt,",
        rf"    minimum size={2 * _SUM}cm}},",
        r"  go/.style={->, semithick, blue!55!black, rounded corners=4pt}]",
    ]

    def path(corners: Sequence[tuple[float, float]]) -> str:
        return " -- ".join(f"({x:.2f}, {y:.2f})" for x, y in corners)

    for position, station in enumerate(found):
        x, y = _at(position)
        output, shape = writer.formula(station.output), writer.dimensions(station.output.shape) or "1"
        if station.name:
            name = r"\\[-2pt]".join(map(typed, _name_lines(station.name)))
            lines.append(rf"  \node[layer] at ({x:.2f}, {y:.2f}) {{{name}\\$\scriptstyle {output}\,:\,{shape}$}};")
        else:
            lines.append(rf"  \node[sum, label={{below:$\scriptstyle {output}$}}] at ({x:.2f}, {y:.2f}) {{$+$}};")
    lines += [rf"  \draw[go] {path(corners)};" for corners in _connections(found)]
    for corners, origin in _shortcuts(found):
        label = ""
        if origin is not None:
            label = rf" node[at start, above, inner sep=1pt] {{$\scriptstyle {writer.formula(origin.output)}$}}"
        lines.append(rf"  \draw[go] {path(corners)}{label};")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _name_lines(name: str) -> tuple[str, ...]:
    """A name; a long one in two parts, cut nearest to its middle before a capital or after an underscore."""
    if len(name) <= _LONGEST:
        return (name,)
    places = [place for place in range(1, len(name)) if name[place].isupper() or name[place - 1] == "_"]
    cut = min(places, key=lambda place: abs(place - len(name) / 2), default=len(name))
    parts = filter(None, (name[:cut], name[cut:]))
    return tuple(part if len(part) <= _LONGEST else f"{part[: _LONGEST - 3]}..." for part in parts)


def _svg(found: Sequence[Station]) -> str:
    left, top = WIDE / 2 + 0.55, HIGH + 0.2
    across = (min(len(found), PER_LINE) - 1) * STEP + WIDE + 1.1
    down = _at(len(found) - 1)[1] + top + TALL / 2 + 0.35
    width, height = across * PIXELS, down * PIXELS

    def px(x: float, y: float) -> tuple[float, float]:
        return (x + left) * PIXELS, (y + top) * PIXELS

    def path(corners: Sequence[tuple[float, float]]) -> str:
        points = " L ".join("{:.1f} {:.1f}".format(*px(*corner)) for corner in corners)
        return f'<path d="M {points}" class="go" marker-end="url(#layers-go)"/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>The layers of the network</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="layers-go" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z" style="fill: var(--edge)"/></marker></defs>',
    ]
    for position, station in enumerate(found):
        x, y = px(*_at(position))
        shape = " × ".join(map(str, station.output.shape)) or "1"
        said = escape(f"{pretty(station.output)} : {shape}")
        if not station.name:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_SUM * PIXELS:.1f}"/>')
            parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="middle">+</text>')
            below = escape(pretty(station.output))
            parts.append(f'<text x="{x:.1f}" y="{y + 0.62 * PIXELS:.1f}" class="middle small">{below}</text>')
            continue
        corner = x - WIDE / 2 * PIXELS, y - TALL / 2 * PIXELS
        size = f'width="{WIDE * PIXELS:.1f}" height="{TALL * PIXELS:.1f}"'
        parts.append(f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" {size} class="operation"/>')
        names = _name_lines(station.name)
        for line, part in enumerate(names):
            up = y - 9 + 12 * (line - (len(names) - 1) / 2) - (3 if len(names) > 1 else 0)
            parts.append(f'<text x="{x:.1f}" y="{up:.1f}" class="middle name">{escape(part)}</text>')
        parts.append(f'<text x="{x:.1f}" y="{y + 13:.1f}" class="middle small">{said}</text>')
    parts += [path(corners) for corners in _connections(found)]
    for corners, origin in _shortcuts(found):
        parts.append(path(corners))
        if origin is not None:
            x, y = px(*corners[0])
            parts.append(
                f'<text x="{x:.1f}" y="{y - 6:.1f}" class="middle small">{escape(pretty(origin.output))}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"
