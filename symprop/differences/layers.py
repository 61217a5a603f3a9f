"""The layers of two networks side by side: which of one stands for which of the other, and what is said of the rest.

Blocks are opened and repeated ones written out, so that each *station* is a layer with the equations that it wrote; the
sum of a residual block is a station of its own at the block's end. Two rows of stations are aligned as sequences are
in biology, by the highest total of likenesses (Needleman and Wunsch, 1970).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symprop.algebra.equations import Equation, Item, Loop
from symprop.errors import LimitError
from symprop.networks.blocks import Repeat
from symprop.networks.branches import Residual
from symprop.networks.layers import Layer
from symprop.networks.network import Network

MOST_CELLS = 50_000_000
"""The most pairs of stations that are weighed; where networks begin and end alike, nothing is weighed."""


@dataclass(frozen=True)
class Station:
    """A layer inside a network, its blocks opened: what it is called, the equations it wrote, the blocks around it.

    `closes` says that it is the sum at the end of a residual block, which `length` stations stand before; `place`
    counts layers from 1 for the reader, blocks not.
    """

    layer: Layer
    text: str
    items: tuple[Item, ...]
    within: tuple[Layer, ...] = ()
    place: int = 0
    closes: bool = False
    length: int = 0

    @property
    def kind(self) -> str:
        """What a station can stand for at all: sums for sums, losses for losses, one activation for another."""
        if self.closes:
            return "sum"
        if self.layer.is_loss:
            return "loss"
        return "activation" if self.layer.is_activation else type(self.layer).__name__


def stations(network: Network) -> tuple[Station, ...]:
    """Return the stations of a network in order, without its Input.

    >>> from symprop.networks import parse_network
    >>> opened = stations(parse_network("Input(3) >> Residual(Dense(3) >> Tanh()) >> MeanSquaredError()"))
    >>> [(station.text, [item.name for item in station.items]) for station in opened]
    [('Dense(3)', ['z1']), ('Tanh()', ['f1']), ('Residual', ['a1']), ('MeanSquaredError()', ['L'])]
    """
    items = iter(network.system().items)
    found: list[Station] = []
    _open(network.layers[1:], items, (), found)
    return tuple(found)


def inside(station: Station, loop: Loop) -> tuple[Station, ...]:
    """Return the stations of one general block of a symbolic Repeat."""
    found: list[Station] = []
    _open(station.layer.inner, iter(loop.items), (*station.within, station.layer), found)
    return tuple(found)


def _open(layers: Sequence[Layer], items: Iterator[Item], within: tuple[Layer, ...], found: list[Station]) -> None:
    for layer in layers:
        around = (*within, layer)
        if isinstance(layer, Repeat) and not layer.is_symbolic:
            for _ in range(int(layer.count)):
                _open(layer.inner, items, around, found)
        elif isinstance(layer, Residual):
            before = len(found)
            _open(layer.inner, items, around, found)
            wrote = _next(items, 2 if layer.projection else 1)
            name = "Residual with a projection" if layer.projection else "Residual"
            found.append(Station(layer, name, wrote, within, found[-1].place, closes=True, length=len(found) - before))
        else:
            place = found[-1].place + 1 if found else 1
            found.append(Station(layer, layer.text, _written(layer, items), within, place))


def _written(layer: Layer, items: Iterator[Item]) -> tuple[Item, ...]:
    """The equations that a layer wrote: those of a loss are the last; a loop may name what it reads first."""
    if layer.is_loss:
        return tuple(items)
    if isinstance(layer, Repeat):
        wrote = _next(items, 1)
        return wrote if not isinstance(wrote[0], Equation) else (*wrote, *_next(items, 1))
    return _next(items, 0 if layer.is_identity else 1)


def _next(items: Iterator[Item], count: int) -> tuple[Item, ...]:
    return tuple(next(items) for _ in range(count))


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
    return [*zip(first[:start], second[:start], strict=True), *middle, *tail]


def _alike(a: Station, b: Station) -> bool:
    return a.kind == b.kind and a.text == b.text and len(a.within) == len(b.within)


def _likeness(a: Station, b: Station) -> int:
    """How well one station stands for the other; below 0 where it cannot."""
    if a.kind != b.kind:
        return -1
    same = 4 if a.text == b.text else 2
    return same * 2 + (len(a.within) == len(b.within))


def _weighed(first: Sequence[Station], second: Sequence[Station]) -> list[Pair]:
    """Align what neither begins nor ends both networks; each row of the table is worked out at once."""
    if len(first) * len(second) > MOST_CELLS:
        raise LimitError(
            f"two networks of {len(first):,} and {len(second):,} layers with too little in common to be aligned\n"
            f"allowed: {MOST_CELLS:,} pairs of layers between the first and the last that differ"
        )
    codes: dict[tuple[str, str, int], int] = {}
    kinds: list[Station] = []

    def code(station: Station) -> int:
        key = (station.kind, station.text, len(station.within))
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
