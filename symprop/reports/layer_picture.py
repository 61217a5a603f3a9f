"""What is in a layer, drawn: a box for each of its equations, an arrow from what it reads, as papers draw attention.

After figure 2 of Vaswani et al., *Attention is all you need* (2017).
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Mul

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.networks.network import Network
from symprop.networks.parts import Built
from symprop.notation.blocks import Picture
from symprop.notation.page_blocks import PageWriter
from symprop.notation.stacks import left_side
from symprop.notation.words import Math
from symprop.reports.architecture import layers_of
from symprop.reports.captions import GAP, Room
from symprop.reports.row_of_layers import picture
from symprop.reports.stations import CLOSE, TALL, Arrow, Frame, Lanes, Station

AROUND = 0.15
"""Centimetres from a frame to what is in it."""


def layer_pictures(network: Network, writer: PageWriter) -> Iterator[Picture]:
    """Draw what is in the first of each sort of layers that are drawn."""
    seen: set[str] = set()
    for built in layers_of(network):
        if built.layer.is_drawn and built.layer.caption not in seen:
            seen.add(built.layer.caption)
            yield picture(drawn(built), writer, list(_words(built, writer)), f"fig:{built.output.letter}{len(seen)}")


def _words(built: Built, writer: PageWriter) -> Iterator[str | Math]:
    yield f"In {built.layer.caption}, which gives "
    yield Math(writer.formula(built.output))
    yield ": a box for each equation; what stands over the brace, each head does"


def drawn(built: Built) -> Lanes:
    """Return the drawing of a layer's equations, in columns by what they need before.

    >>> from symprop.networks.spec import parse_network
    >>> built = parse_network("Input(4, 6) >> Attention(2)").built
    >>> [(station.name, station.column, station.lane) for station in drawn(built[-1]).stations][1:5]
    [('queries', 1, 0.0), ('keys', 1, 1.4), ('values', 1, 2.8), ('scores', 2, 0.7)]
    """
    equations = [item for item in built.items if isinstance(item, Equation)]
    made = {equation.target: equation for equation in equations}
    reads = {each.target: [v for v in variables(each.expression) if v in made] for each in equations}
    columns: dict[Variable, int] = {}
    for each in equations:
        columns[each.target] = 1 + max((columns[before] for before in reads[each.target]), default=0)
    lanes: dict[Variable, float] = {}
    first = [each.target for each in equations if not reads[each.target]]
    for target in made:
        above = [lanes[before] for before in reads[target] if columns[before] == columns[target] - 1]
        lanes[target] = CLOSE * first.index(target) if target in first else sum(above) / len(above)
    room = Room(max(5, 1 + max(columns.values())))
    shown = {each.target: left_side(each) for each in equations}
    boxes = [("Input", *read) for read in _inputs(built, equations, lanes)]
    boxes += [(made[target].note, target, columns[target], lanes[target]) for target in made]
    stations = [
        Station(name, target, 0, column, lane, room.wide, part=shown.get(target))
        for name, target, column, lane in boxes
    ]
    for station in stations:
        station.x, station.y = station.column * (room.wide + GAP), station.lane
    at = {station.output: station for station in stations}
    arrows = [
        _arrow(at[before], at[each.target])
        for each in equations
        for before in variables(each.expression)
        if before in at
    ]
    return Lanes(tuple(stations), tuple(arrows), (), tuple(_frame(at)), room)


def _inputs(
    built: Built, equations: list[Equation], lanes: dict[Variable, float]
) -> Iterator[tuple[Variable, int, float]]:
    """Yield what the layer reads, each at the middle of its readers."""
    parameters = {parameter.variable for parameter in built.parameters}
    targets = {each.target for each in equations}
    read: dict[Variable, list[float]] = {}
    for each in equations:
        for variable in variables(each.expression):
            if variable not in targets | parameters and variable.rank > 1:
                read.setdefault(variable, []).append(lanes[each.target])
    for variable, places in read.items():
        yield variable, 0, sum(places) / len(places)


def _arrow(a: Station, b: Station) -> Arrow:
    """An arrow from one box to another, below those between them where some stand there."""
    leaves, enters = (a.x + a.reach, a.y), (b.x - b.reach, b.y)
    if b.column - a.column > 1:
        return Arrow((leaves, (b.x, a.y), (b.x, b.y + b.half)))
    if a.y == b.y:
        return Arrow((leaves, enters))
    middle = enters[0] - GAP / 2
    return Arrow((leaves, (middle, a.y), (middle, b.y), enters))


def _frame(at: dict[Variable, Station]) -> Iterator[Frame]:
    """Yield the frame around what each head does, with how many there are."""
    inside = [(variable, station) for variable, station in at.items() if variable.named]
    counts = [Mul(*(variable.shape[axis] for axis in variable.named)) for variable, _ in inside]
    if not counts or counts[-1] == 1:
        return
    xs, ys = [each.x for _, each in inside], [each.y for _, each in inside]
    beside, above = inside[0][1].reach + AROUND, TALL / 2 + AROUND
    yield Frame(min(xs) - beside, max(xs) + beside, min(ys) - above - 0.2, max(ys) + above, counts[-1])
