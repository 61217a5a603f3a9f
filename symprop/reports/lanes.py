"""Where the layers of a network stand in a drawing: in a row, branches in lanes, and what joins them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer

from symprop.algebra.equations import Equation, Loop
from symprop.algebra.nodes import Variable
from symprop.networks.network import Network
from symprop.networks.parts import Branch, Placed, placed
from symprop.notation.pretty import with_layers_above
from symprop.reports.architecture import layers_of
from symprop.reports.captions import GAP, PAGE, Room, room_for
from symprop.reports.stations import (
    ABOVE,
    BRACE,
    CLOSE,
    DEEP,
    HIGH,
    LANE,
    SIGNS,
    TALL,
    Arrow,
    Block,
    Corner,
    Frame,
    From,
    Lanes,
    Link,
    Station,
    fanned,
)

FEWEST = 3
"""So many blocks that are alike are drawn once, in a frame that says how many."""


def lanes(network: Network, line: float = PAGE) -> Lanes | None:
    """Return the drawing of a network in lines of so many centimetres, or None where branches are longer than one.

    >>> from symprop.networks.spec import parse_network
    >>> drawn = lanes(parse_network("Input(2) >> Sum(Dense(2) >> Tanh(), Dense(2), ()) >> MeanSquaredError()"))
    >>> [(each.name or each.sign[0], each.column, each.lane) for each in drawn.stations][:4]
    [('Input', 0, 0.0), ('Dense', 1, 0.0), ('Tanh', 2, 0.0), ('Dense', 1, 1.4)]
    """
    boxes = [("Input", each) for each in network.inputs]
    boxes += [(built.layer.caption, built.output) for built in layers_of(network)]
    room = room_for(boxes, line)
    plan = _planned(network, room)
    if plan.is_too_wide:
        return None
    if len(plan.columns) > 1:
        even = _planned(network, replace(room, limit=math.ceil(sum(plan.columns) / len(plan.columns))))
        plan = plan if even.is_too_wide or len(even.columns) > len(plan.columns) else even
    return plan.drawn()


def _planned(network: Network, room: Room) -> _Plan:
    """Place the layers of a network in lines."""
    plan = _Plan(room, {each.name: each for each in network.inputs[1:]}, bool(network.system().loops))
    plan.add("Input", network.system().inputs[0], 0, 0, 0.0)
    plan.row(placed(network.built), From(0), (0, 1), 0.0, wraps=True)
    return plan


@dataclass
class _Plan:
    """Stations by line, column and lane, and what is drawn between them; then where all of it is."""

    room: Room
    given: Mapping[str, Variable]
    is_general: bool = False
    """Whether a layer has a letter in place of a number, so that the others have theirs where that stands."""
    stations: list[Station] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    is_too_wide: bool = False

    @property
    def columns(self) -> list[int]:
        """How many stations stand beside each other in each line."""
        count = 1 + max(station.line for station in self.stations)
        return [1 + max(each.column for each in self.stations if each.line == line) for line in range(count)]

    def add(self, name: str, output: Variable, line: int, column: int, lane: float) -> int:
        shown = with_layers_above(output) if self.is_general else None
        self.stations.append(Station(name, output, line, column, lane, self.room.wide, part=shown))
        return len(self.stations) - 1

    def reach(self, source: From, station: int, count: int = 1) -> None:
        """Draw what a station reads."""
        kind = "go" if source.parted is None else "part"
        self.links.append(Link(kind, source.station, station, source.parted or 0.0, count=count))

    def layer(self, each: Placed, source: From, at: tuple[int, int], lane: float) -> int:
        """Place a layer, below it the input of its own from which most comes."""
        layer = each.built.layer
        station = self.add(layer.caption, each.built.output, *at, lane)
        own, *further = layer.arrows
        self.reach(source, station, own)
        if further:
            count, given = max(zip(further, layer.further_inputs, strict=True), key=lambda pair: pair[0])
            below = self.add("Input", self.given[given.name], *at, lane + LANE)
            self.links.append(Link("below", below, station, count=count))
        return station

    def row(
        self, layers: Sequence[Placed], source: From, at: tuple[int, int], lane: float, wraps: bool
    ) -> tuple[From, tuple[int, int]]:
        """Place layers from line and column on; return what is read behind them and the place that is free there."""
        for each in layers:
            if each.built.holds_alone:
                inside, times = _repeated(each)
                first, framed = len(self.stations), len(self.blocks)
                source, at = self.row(inside, source, at, lane, wraps)
                if times != 1:
                    inner = max((block.around for block in self.blocks[framed:]), default=0.1)
                    rise = max(self.rise(inside), TALL / 2)
                    self.blocks.append(Block(first, len(self.stations) - 1, rise, inner + 0.1, times))
            elif each.built.is_join:
                source, at = self.join(each, source, at, lane, wraps)
            else:
                at = self.free(at, 1, wraps)
                station = self.layer(each, source, at, lane)
                source, at = From(station), (at[0], at[1] + 1)
        return source, at

    def free(self, at: tuple[int, int], width: int, wraps: bool) -> tuple[int, int]:
        """The next place for so many stations: in a new line where the present one is too short."""
        line, column = at
        if column + width <= (self.room.breaks_after if wraps else self.room.per_line):
            return at
        self.is_too_wide = self.is_too_wide or not wraps or width > self.room.per_line
        return (line + 1, 0) if wraps else at

    def join(
        self, each: Placed, source: From, at: tuple[int, int], lane: float, wraps: bool
    ) -> tuple[From, tuple[int, int]]:
        """Place a block: branches with layers in lanes, those without as arcs, and what joins them."""
        rows, passed = self.lanes_of(each)
        if len(rows) > 1:
            at, wraps = self.free(at, self.width(each), wraps), False
        elif wraps and self.width(each) <= self.room.per_line:
            at = self.free(at, self.width(each), wraps)  # an arc is not torn where that can be helped
        first, ends, below, end = len(self.stations), [], lane, at
        for position, branch in enumerate(rows):
            if position:
                rise = self.rise(branch.layers)
                below += self.depth(rows[position - 1].layers) + (LANE + max(rise - HIGH, 0.0) if rise else CLOSE)
            start, place = source if not position else From(source.station, lane), at
            if self.is_given(branch):
                start, place = From(self.add("Input", branch.value, *at, below)), (at[0], at[1] + 1)
            start, place = self.row(branch.layers, start, place, below, wraps)
            ends.append((start, below))
            end = max(end, place)
        end = self.free(end, 1, wraps)
        joining = self.joining(each, end, lane)
        for start, depth in ends:
            if depth == lane:
                self.reach(start, joining)
            else:
                self.links.append(Link("meet", start.station, joining))
        is_new = self.stations[first].line != self.stations[source.station].line  # parts from the arrow to a new line
        is_new = is_new and self.stations[first].line == end[0]
        kind = "arc" if source.parted is None and not is_new else "parted arc"
        for number in range(passed):
            height = max(HIGH, self.rise(rows[0].layers) + ABOVE) + number * ABOVE
            self.links.append(Link(kind, source.station, joining, lane, height, first))
        return From(joining), (end[0], end[1] + 1)

    def lanes_of(self, each: Placed) -> tuple[list[Branch], int]:
        """The branches of a block that have a lane, those with an input of their own last, and how many have an arc."""
        rows = [branch for branch in each.branches if branch.layers and not self.is_given(branch)]
        given = [branch for branch in each.branches if self.is_given(branch)]
        passed = len(each.branches) - len(rows) - len(given)
        if not rows and passed:  # one is the line itself
            rows, passed = [Branch(each.built.value, (), each.built.value)], passed - 1
        return [*rows, *given], passed

    def is_given(self, branch: Branch) -> bool:
        """Whether a branch begins with an input of its own."""
        return branch.value.name in self.given

    def width(self, each: Placed) -> int:
        """How many stations of a layer stand beside each other."""
        if each.built.is_join:
            rows, _ = self.lanes_of(each)
            return 1 + max(self.is_given(row) + sum(map(self.width, row.layers)) for row in rows)
        return sum(map(self.width, _repeated(each)[0])) if each.built.holds_alone else 1

    def depth(self, layers: Sequence[Placed]) -> float:
        """How far the lanes of a row reach below its first."""
        found = [0.0]
        for each in layers:
            if each.built.is_join:
                rows, _ = self.lanes_of(each)
                rises = [self.rise(row.layers) for row in rows[1:]]
                lanes_below = sum(LANE + max(rise - HIGH, 0.0) if rise else CLOSE for rise in rises)
                found.append(lanes_below + sum(self.depth(row.layers) for row in rows))
            elif each.built.holds_alone:
                found.append(self.depth(_repeated(each)[0]))
            elif each.built.layer.further_inputs:
                found.append(LANE)
        return max(found)

    def rise(self, layers: Sequence[Placed]) -> float:
        """How far the arcs of a row reach above it; 0 where there are none."""
        found = [0.0]
        for each in layers:
            if each.built.is_join:
                rows, passed = self.lanes_of(each)
                inner = self.rise(rows[0].layers)
                found.append(max(HIGH, inner + ABOVE) + (passed - 1) * ABOVE if passed else inner)
            elif each.built.holds_alone:
                found.append(self.rise(_repeated(each)[0]))
        return max(found)

    def joining(self, each: Placed, at: tuple[int, int], lane: float) -> int:
        equation = each.built.items[-1] if each.built.items else None
        made = equation.expression if isinstance(equation, Equation) else None
        plain = made is not None and all(isinstance(operand, Variable) for operand in made.operands)
        sign = SIGNS.get(type(made)) if made is not None and plain else None
        number = self.add("" if sign else each.built.layer.caption, each.built.output, *at, lane)
        station = self.stations[number]
        station.is_join, station.made, station.sign = True, made, sign or ("", "")
        return number

    def drawn(self) -> Lanes:
        """Give all of it a place."""
        count = 1 + max(station.line for station in self.stations)
        rises, depths = [HIGH] * count, [0.0] * count
        for link in self.links:
            if link.kind.endswith("arc") and not link.lane:
                line = self.stations[link.end].line
                rises[line] = max(rises[line], link.rise)
        for station in self.stations:
            depths[station.line] = max(depths[station.line], station.lane)
        for block in self.blocks:
            last = self.stations[block.last]
            depths[last.line] = max(depths[last.line], last.lane + BRACE)  # the way to the next line goes below it
            for station in self.stations[block.first : block.last + 1]:
                rises[station.line] = max(rises[station.line], block.rise + block.around + 0.15)
        tops = [0.0]
        for line in range(1, count):
            tops.append(tops[-1] + DEEP + depths[line - 1] + rises[line] - HIGH)
        for station in self.stations:
            station.x, station.y = station.column * (station.wide + GAP), tops[station.line] + station.lane
        forks: dict[Corner, None] = {}
        arrows = [arrow for link in self.links for arrow in fanned(self._arrow(link, tops, depths, forks), link.count)]
        frames = [frame for block in self.blocks for frame in self._frames(block, tops)]
        return Lanes(tuple(self.stations), tuple(arrows), tuple(forks), tuple(frames), self.room)

    def _frames(self, block: Block, tops: Sequence[float]) -> list[Frame]:
        """Return the parts of a frame, one in each line; the last says how often the block stands there."""
        inside: dict[int, list[Station]] = {}
        for station in self.stations[block.first : block.last + 1]:
            inside.setdefault(station.line, []).append(station)
        found = []
        for line, stations in inside.items():
            left = min(station.x - station.reach for station in stations) - block.around
            right = max(station.x + station.reach for station in stations) + block.around
            top = tops[line] + min(station.lane for station in stations) - block.rise - block.around
            bottom = max(station.y for station in stations) + TALL / 2 + block.around
            found.append(Frame(left, right, top, bottom, None))
        return [*found[:-1], replace(found[-1], times=block.times)]

    def _arrow(self, link: Link, tops: Sequence[float], depths: Sequence[float], forks: dict[Corner, None]) -> Arrow:
        a, b = self.stations[link.start], self.stations[link.end]
        leaves, enters = (a.x + a.reach, a.y), (b.x - b.reach, b.y)
        if link.kind == "below":
            return Arrow(((a.x, a.y - a.half), (b.x, b.y + b.half)))
        if link.kind == "meet":
            return Arrow((leaves, (b.x, a.y), (b.x, b.y + b.half)))
        if link.kind == "part":
            fork = b.fork, tops[b.line] + link.lane
            forks[fork] = None
            return Arrow((fork, (b.fork, b.y), enters))
        if link.kind == "go" and a.line == b.line:
            return Arrow((leaves, enters))
        if link.kind == "go":
            middle, out, back = tops[a.line] + depths[a.line] + 0.95, leaves[0] + 0.3, enters[0] - 0.35
            return Arrow((leaves, (out, a.y), (out, middle), (back, middle), (back, b.y), enters))
        return self._arc(link, a, b, forks)

    def _arc(self, link: Link, a: Station, b: Station, forks: dict[Corner, None]) -> Arrow:
        top, last = b.y - link.rise, (b.x, b.y - b.half)
        if link.kind == "parted arc":
            begin = self.stations[link.first].fork, top
            forks[begin] = None
            return Arrow((begin, (b.x, top), last), True)
        if a.line != b.line:
            return Arrow(((b.x, top + 0.15), last), True, a.shown)
        begin = a.x + (a.reach / 2 if a.name else 0.0), a.y - a.half
        return Arrow((begin, (begin[0], top), (b.x, top), last), True)


def _repeated(each: Placed) -> tuple[tuple[Placed, ...], Expr]:
    """Return the layers of a repeated block, and how often it stands there; a few blocks, or unlike ones, all in a row.

    >>> from symprop.networks.spec import parse_network
    >>> (first, *_) = placed(parse_network("Input(2) >> Repeat(Dense(2) >> Tanh(), 4)").built)
    >>> len(first.inside), len(_repeated(first)[0]), _repeated(first)[1]
    (8, 2, 4)
    """
    for item in each.built.items:
        if isinstance(item, Loop):
            return each.inside, item.count
    length = len(each.built.layer.inner)
    shapes = [part.built.output.shape for part in each.inside]
    count = len(shapes) // length
    if count < FEWEST or shapes != shapes[:length] * count:
        return each.inside, Integer(1)
    return each.inside[:length], Integer(count)
