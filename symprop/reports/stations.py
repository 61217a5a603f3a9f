"""What is drawn of a network: stations, the arrows between them, and frames, each with its place in centimetres."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.reports.captions import GAP, Room

DEEP, LANE, CLOSE, HIGH, ABOVE = 2.4, 1.75, 1.4, 0.95, 0.3
"""Centimetres from line to line, to a lane with arcs and to one without, from a station to the
top of an arc, and from there to that of an arc around it."""
TALL = 1.05
BRACE = 0.6
"""Centimetres of a brace and what it says."""
RADIUS = 0.28
"""Of a sum, a product or a concatenation."""
FORK = 0.35  # from a station back to where branches part
FAN, PART = (
    0.3,
    0.3,
)  # between arrows that bring several things of one kind, and from their ends back to where they part

Corner = tuple[float, float]

SIGNS: dict[type[Node], tuple[str, str]] = {
    n.Add: ("+", "+"),
    n.Multiply: ("⊙", r"\odot"),
    n.Concatenate: ("‖", r"\Vert"),
}
"""How an operation that joins branches as they are is drawn, in Unicode and in LaTeX; another has a box."""


@dataclass
class Station:
    """A layer: its name or its sign, what it puts out and what makes that, and where it is, in centimetres downwards.

    A `part` of the output is shown in its place, or another form of it. `line` and `column` count from 0, `lane` is how
    far below its line's first lane it stands.
    """

    name: str
    output: Variable
    line: int
    column: int
    lane: float
    wide: float
    sign: tuple[str, str] = ("", "")
    made: Node | None = None
    is_join: bool = False
    part: Node | None = None
    x: float = 0.0
    y: float = 0.0

    @property
    def shown(self) -> Node:
        """What the drawing says that it puts out."""
        return self.part or self.output

    @property
    def reach(self) -> float:
        """Half of its width."""
        return self.wide / 2 if self.name else RADIUS

    @property
    def half(self) -> float:
        """Half of its height."""
        return TALL / 2 if self.name else RADIUS

    @property
    def fork(self) -> float:
        """Where branches part in front of it."""
        return self.column * (self.wide + GAP) - self.wide / 2 - FORK


@dataclass(frozen=True)
class Arrow:
    """A path of an arrow by its corners; `named` says at its start what it brings from another line."""

    corners: tuple[Corner, ...]
    is_arc: bool = False
    named: Node | None = None


def fanned(arrow: Arrow, count: int) -> tuple[Arrow, ...]:
    """Return so many arrows that part shortly before the end of one, as queries, keys and values do."""
    if count == 1:
        return (arrow,)
    *before, (x, y), (end, level) = arrow.corners
    across, found = x == end, []
    for number in range(count):
        aside = FAN * (number - (count - 1) / 2)
        if across:
            fork = (end, level + (PART if y > level else -PART))
            tail = ((end + aside, fork[1]), (end + aside, level))
        else:
            fork = (end - PART, level)
            tail = ((fork[0], level + aside), (end, level + aside))
        found.append(Arrow((*before, (x, y), fork, *tail), arrow.is_arc, None if number else arrow.named))
    return tuple(found)


@dataclass(frozen=True)
class Frame:
    """A frame around a block, or around what of it stands in one line, by its edges; how often the block stands there.

    `times` is None where another part of the frame says it.
    """

    left: float
    right: float
    top: float
    bottom: float
    times: Expr | None


@dataclass(frozen=True)
class From:
    """What the next station reads: a station, and the lane in which its output was parted where that is another."""

    station: int
    parted: float | None = None


@dataclass(frozen=True)
class Link:
    """Arrows to be, of a kind: straight on, parting, meeting, from below, an arc, which begins at a station or not."""

    kind: str
    start: int
    end: int
    lane: float = 0.0
    rise: float = 0.0
    first: int = -1
    count: int = 1


@dataclass(frozen=True)
class Block:
    """A frame to be: the stations in it, how far it reaches above each line and around, and how often it stands."""

    first: int
    last: int
    rise: float
    around: float
    times: Expr


@dataclass(frozen=True)
class Lanes:
    """All there is to draw, and how far it reaches."""

    stations: tuple[Station, ...]
    arrows: tuple[Arrow, ...]
    forks: tuple[Corner, ...]
    frames: tuple[Frame, ...]
    room: Room

    @property
    def has_braces(self) -> bool:
        """Whether repeated blocks have a brace below them: each stands in one line, and none in another."""
        parts = [frame for frame in self.frames if frame.times is None]
        apart = all(
            one.right < other.left or other.right < one.left or one.bottom < other.top or other.bottom < one.top
            for one, other in itertools.combinations(self.frames, 2)
        )
        return bool(self.frames) and not parts and apart

    @property
    def lines(self) -> int:
        """How many lines of stations there are."""
        return 1 + max(station.line for station in self.stations)

    @property
    def right(self) -> float:
        """The middle of the last column."""
        return max(station.x for station in self.stations)

    @property
    def top(self) -> float:
        """The upper edge of arcs and frames, if there are none where they would be."""
        return min(-HIGH, *(y for arrow in self.arrows for _, y in arrow.corners), *(f.top - 0.15 for f in self.frames))

    @property
    def bottom(self) -> float:
        """The lower edge of stations and frames."""
        return max(
            *(station.y + TALL / 2 for station in self.stations),
            *(frame.bottom + BRACE * self.has_braces for frame in self.frames),
        )

    def enters_from_below(self, station: Station) -> bool:
        """Whether an arrow comes to a station from a lane below it."""
        return any(arrow.corners[-1] == (station.x, station.y + station.half) for arrow in self.arrows)
