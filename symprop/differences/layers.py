"""The layers of two networks side by side: which of one stands for which of the other, and what is said of the rest.

Blocks are opened and repeated ones written out, so that each *station* is a layer with the equations that it wrote;
what joins the rows of a block, as the sum of a residual block, is a station of its own at the block's end. Two rows of
stations are aligned as sequences are in biology, by the highest total of likenesses (Needleman and Wunsch, 1970).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symprop.algebra.equations import Item, Loop
from symprop.errors import LimitError
from symprop.networks.layers import Input, Layer
from symprop.networks.network import Network
from symprop.networks.parts import Built, Placed, placed

MOST_CELLS = 50_000_000
"""The most pairs of stations that are weighed; where networks begin and end alike, nothing is weighed."""


@dataclass(frozen=True)
class Row:
    """A row of a block: which one of which, by the block's output; its text, its stations, and the rows beside it."""

    block: str
    number: int
    text: str
    length: int
    beside: tuple[str, ...]


@dataclass(frozen=True)
class Station:
    """A layer inside a network, its blocks opened: what it is called, the equations it wrote, the blocks around it.

    `closes` says that it is what joins the rows of a block, which `length` stations stand before; `place` counts layers
    from 1 for the reader, blocks not, and `first` is that of the first in a block. `rows` are the rows around it, the
    outermost first.
    """

    placed: Placed
    text: str
    items: tuple[Item, ...]
    within: tuple[Layer, ...] = ()
    place: int = 0
    closes: bool = False
    length: int = 0
    rows: tuple[Row, ...] = ()
    first: int = 0

    @property
    def layer(self) -> Layer:
        """The layer itself."""
        found: Layer = self.placed.built.layer
        return found

    @property
    def lane(self) -> tuple[int, ...]:
        """In which branches it stands, where these are not the first."""
        return tuple(row.number for row in self.rows if row.number)

    @property
    def kind(self) -> str:
        """What a station can stand for at all: joins for joins, losses for losses, one pool for another."""
        if self.closes:
            return "join"
        if self.layer.is_loss:
            return "loss"
        return "activation" if self.layer.is_activation else self.layer.family or type(self.layer).__name__


def stations(network: Network) -> tuple[Station, ...]:
    """Return the stations of a network in order, without its Input.

    >>> from symprop.networks import parse_network
    >>> opened = stations(parse_network("Input(3) >> Residual(Dense(3) >> Tanh()) >> MeanSquaredError()"))
    >>> [(station.text, [item.name for item in station.items]) for station in opened]
    [('Dense(3)', ['z1']), ('Tanh()', ['f1']), ('Residual', ['a1']), ('MeanSquaredError()', ['L'])]
    """
    found: list[Station] = []
    _open(placed(network.built), (), (), found)
    return tuple(found)


def inside(station: Station) -> tuple[Station, ...]:
    """Return the stations of one general block of a symbolic Repeat."""
    found: list[Station] = []
    _open(station.placed.inside, (*station.within, station.layer), station.rows, found)
    return tuple(found)


def _open(layers: Sequence[Placed], within: tuple[Layer, ...], rows: tuple[Row, ...], found: list[Station]) -> None:
    for each in layers:
        built, around = each.built, (*within, each.built.layer)
        if built.holds_alone and not any(isinstance(item, Loop) for item in built.items):
            _open(each.inside, around, rows, found)
        elif built.is_join and built.layer.is_opened:
            before, implied = len(found), _open_rows(each, around, rows, found)
            wrote = (*(item for part in implied for item in _items(part)), *built.items)
            place = found[-1].place if found else 0
            first = found[before].place if before < len(found) else place
            found.append(Station(each, _name(built), wrote, within, place, True, len(found) - before, rows, first))
        else:
            place = found[-1].place + 1 if found else 1
            found.append(Station(each, built.layer.text, _items(each), within, place, rows=rows))


def _open_rows(
    each: Placed, around: tuple[Layer, ...], rows: tuple[Row, ...], found: list[Station]
) -> tuple[Placed, ...]:
    """Open the rows of a block that somebody wrote, but those that only pass on; return what the block adds itself."""
    left, written = each.inside, each.built.layer.rows
    for number, row in enumerate(written):
        count = len(row.layers) - isinstance(row.layers[0], Input)
        layers, left = left[:count], left[count:]
        if len(written) > 1 and all(part.built.output == part.built.value for part in layers):
            continue
        opened: list[Station] = found[-1:]  # places count on
        beside = tuple(other.text for other in written if other is not row)
        _open(layers, around, (), opened)
        start = len(found[-1:])
        own = Row(each.built.output.name, number, row.text, len(opened) - start, beside)
        found += [replace(station, rows=(*rows, own, *station.rows)) for station in opened[start:]]
    return left


def _items(each: Placed) -> tuple[Item, ...]:
    """All equations of a layer and of what is inside it; of a symbolic Repeat the loop alone, which holds them."""
    own = each.built.items
    if any(isinstance(item, Loop) for item in own):
        return own
    return (*(item for part in each.inside for item in _items(part)), *own)


def _name(built: Built) -> str:
    """What the join of a block is called: with the number of its branches where there are several."""
    name, rows = type(built.layer).__name__, len(built.layer.rows)
    if rows > 1:
        return f"{name} of {len(built.joins)} branches"
    return f"{name} with a projection" if built.parameters else name


Pair = tuple["Station | None", "Station | None"]


def aligned(first: Sequence[Station], second: Sequence[Station]) -> list[Pair]:
    """Return the stations of both in order, those that stand for each other as a pair, the others beside None.

    Raises:
        LimitError: two long networks that have little in common.
    """
    start = 0
    shorter = min(len(first), len(second))
    while start < shorter and _alike(first[start], second[start]):
        start += 1
    end = 0
    while end < shorter - start and _alike(first[-1 - end], second[-1 - end]):
        end += 1
    middle = _weighed(first[start : len(first) - end], second[start : len(second) - end])
    tail = zip(first[len(first) - end :], second[len(second) - end :], strict=True)
    pairs: list[Pair] = [*zip(first[:start], second[:start], strict=True), *middle, *tail]
    for a, b in [pair for pair in pairs if are_reordered(*pair)]:
        if a is not None and b is not None:
            pairs = _by_rows(pairs, a, b)
    return pairs


def moved(pairs: Sequence[Pair]) -> list[tuple[Station, Station]]:
    """Return layers that have no partner, and are alike: each stands elsewhere in the other network, as a norm may."""
    alone = [b for a, b in pairs if a is None and b is not None and not b.closes]
    found: list[tuple[Station, Station]] = []
    for a, b in pairs:
        if a is None or b is not None or a.closes:
            continue
        partner = next((each for each in alone if (each.kind, each.text) == (a.kind, a.text)), None)
        if partner is not None and a.items and not any(isinstance(item, Loop) for item in a.items):
            alone.remove(partner)
            found.append((a, partner))
    return found


def are_reordered(a: Station | None, b: Station | None) -> bool:
    """Whether two stations join the same branches in another order."""
    if a is None or b is None or not a.closes or a.length != b.length:
        return False
    ours, theirs = ([row.text for row in each.layer.rows] for each in (a, b))
    return ours != theirs and sorted(ours) == sorted(theirs)


def _by_rows(pairs: list[Pair], a: Station, b: Station) -> list[Pair]:
    """Return the pairs with those inside two joins made anew, a branch with the one of the same text."""
    ours, theirs = ([row.text for row in each.layer.rows] for each in (a, b))
    left = list(range(len(theirs)))
    order = [left.pop(next(at for at, number in enumerate(left) if theirs[number] == text)) for text in ours]
    first = [each for each, _ in pairs if each is not None and _stands_in(each, a)]
    second = [each for _, each in pairs if each is not None and _stands_in(each, b)]
    name = b.placed.built.output.name
    second.sort(key=lambda each: [order.index(row.number) for row in each.rows if row.block == name])
    block = {id(each) for each in (*first, *second)}
    touched = [place for place, pair in enumerate(pairs) if any(id(each) in block for each in pair)]
    if any(each is not None and id(each) not in block for place in touched for each in pairs[place]):
        return pairs
    rest = [pair for place, pair in enumerate(pairs) if place not in touched]
    return [*rest[: touched[0]], *zip(first, second, strict=True), *rest[touched[0] :]]


def _stands_in(station: Station, join: Station) -> bool:
    """Whether a station stands in a row of a block, known by what joins its rows."""
    return any(row.block == join.placed.built.output.name for row in station.rows)


def _alike(a: Station, b: Station) -> bool:
    return a.kind == b.kind and a.text == b.text and len(a.within) == len(b.within)


def _likeness(a: Station, b: Station) -> int:
    """How well one station stands for the other; below 0 where it cannot."""
    if a.kind != b.kind:
        units = any(station.placed.built.is_join for station in (a, b))  # a gated unit for a Dense
        return 1 if units and not {"join", "loss", "activation"} & {a.kind, b.kind} else -1
    same = 4 if a.text == b.text else 2
    return same * 2 + (len(a.within) == len(b.within)) + (a.lane == b.lane)


def _weighed(first: Sequence[Station], second: Sequence[Station]) -> list[Pair]:
    """Align what neither begins nor ends both networks; each row of the table is worked out at once."""
    if len(first) * len(second) > MOST_CELLS:
        raise LimitError(
            f"two networks of {len(first):,} and {len(second):,} layers with too little in common to be aligned\n"
            f"allowed: {MOST_CELLS:,} pairs of layers between the first and the last that differ"
        )
    codes: dict[tuple[str, str, int, tuple[int, ...]], int] = {}
    kinds: list[Station] = []

    def code(station: Station) -> int:
        key = (station.kind, station.text, len(station.within), station.lane)
        if key not in codes:
            codes[key] = len(kinds)
            kinds.append(station)
        return codes[key]

    rows, columns = [code(station) for station in first], [code(station) for station in second]
    likeness = np.array([[_likeness(a, b) for b in kinds] for a in kinds], dtype=np.int32)
    best = np.zeros((len(rows) + 1, len(columns) + 1), dtype=np.int32)
    for place, row in enumerate(rows):
        gain = likeness[row][columns] if columns else np.zeros(0, dtype=np.int32)
        paired = np.where(gain >= 0, best[place, :-1] + gain, 0)
        best[place + 1, 1:] = np.maximum.accumulate(np.maximum(paired, best[place, 1:]))
    pairs: list[Pair] = []
    i, j = len(rows), len(columns)
    while i or j:
        gain = int(likeness[rows[i - 1], columns[j - 1]]) if i and j else -1
        if gain >= 0 and best[i, j] == best[i - 1, j - 1] + gain:
            i, j = i - 1, j - 1
            pairs.append((first[i], second[j]))
        elif j and best[i, j] == best[i, j - 1]:
            j -= 1
            pairs.append((None, second[j]))
        else:
            i -= 1
            pairs.append((first[i], None))
    return pairs[::-1]
