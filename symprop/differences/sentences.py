"""What became of the layers between two networks, in sentences: added, removed, wrapped, tied, counted or changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from symprop.algebra.equations import loops_in
from symprop.algebra.nodes import Multiply, Variable
from symprop.algebra.trees import walk
from symprop.differences.layers import Pair, Row, Station, are_reordered, moved
from symprop.networks.blocks import Repeat
from symprop.networks.layers import Layer
from symprop.networks.network import Network
from symprop.networks.sizes import TIME


def told(pairs: Sequence[Pair], before: Network, after: Network) -> tuple[str, ...]:
    """Return what became of the layers, a sentence each: what was added, removed, wrapped, tied or changed.

    >>> from symprop.networks import parse_network
    >>> from symprop.differences.layers import aligned, stations
    >>> a = parse_network("Input(3) >> Dense(3) >> Tanh()")
    >>> b = parse_network("Input(3) >> Residual(Dense(3) >> Tanh())")
    >>> told(aligned(stations(a), stations(b)), a, b)
    ('Residual added around Dense(3) >> Tanh(), layers 1 and 2 of B',)
    """
    found: dict[str, list[str]] = {}  # what happened -> where, each time
    if before.layers[0] != after.layers[0]:
        found[f"{before.layers[0].text} becomes {after.layers[0].text}"] = []
    repeats = _repeats(pairs)
    for _, join in (pair for pair in pairs if are_reordered(*pair)):
        if join is not None:
            said = f"the branches of {type(join.layer).__name__} stand in another order"
            found.setdefault(said, []).append(_span(join) + " of B")
    elsewhere = moved(pairs)
    for a, b in elsewhere:
        found.setdefault(f"{b.text} moved", []).append(f"layer {a.place} of A, {b.place} of B")
    stood = {id(each) for pair in elsewhere for each in pair}
    rest = [pair for pair in pairs if not any(id(each) in stood for each in pair)]
    for what, where in _happened(rest, {each for pair in repeats for each in pair}):
        found.setdefault(what, []).append(where)
    for outer, other in repeats:
        found[f"{outer.text} has {other.count} block{'' if other.count == 1 else 's'} now"] = []
    for sentence in dict.fromkeys(sentence for a, b in pairs if a and b for sentence in (*_ties(a, b), *_forms(a, b))):
        found[sentence] = []
    return tuple(what + _places(where) for what, where in found.items())


def _forms(a: Station, b: Station) -> Iterator[str]:
    """Say what the gates of a cell multiply in one form of a layer and in another, and where each form is found."""
    ours, theirs = _products(a), _products(b)
    for gate in ours:
        if gate in theirs and ours[gate] != theirs[gate]:
            first, second = ours[gate] - theirs[gate], theirs[gate] - ours[gate]
            if first and second:
                yield f"{gate} multiplies {' and '.join(sorted(first))} in A, {' and '.join(sorted(second))} in B"
    if a.layer.found_in and b.layer.found_in and a.layer.found_in != b.layer.found_in:
        yield f"{a.text} is the form of {a.layer.found_in}; {b.text} that of {b.layer.found_in}"


def _products(station: Station) -> dict[str, set[str]]:
    """What each variable of a loop over time is multiplied with, element by element, in the equations of a moment."""
    found: dict[str, set[str]] = {}
    for loop in loops_in(station.items):
        for equation in loop.equations if loop.index == TIME else ():
            for node in walk(equation.expression):
                factors = [each for each in node.operands if isinstance(each, Variable)]
                for one in factors if isinstance(node, Multiply) else ():
                    found.setdefault(one.name, set()).update(each.name for each in factors if each != one)
    return found


def _places(where: Sequence[str]) -> str:
    """The places where the same happened, cut after a few."""
    if len(where) > 1:
        first = [place.rpartition(" of ")[0] or place for place in where[:3]]
        more = f" and {len(where) - 3:,} more" if len(where) > 3 else ""
        times = "twice" if len(where) == 2 else f"{len(where):,} times"
        return f", {times}: {'; '.join(first)}{more}"
    return f", {where[0]}" if where else ""


def _happened(pairs: Sequence[Pair], counted: Collection[Layer]) -> Iterator[tuple[str, str]]:
    """Yield what happened to layers, and where; not in repeats whose number of blocks changed."""
    run: list[Station] = []
    for place, (a, b) in enumerate(pairs):
        if a is not None and b is not None:
            if a.text != b.text:
                where = f"layer {a.place}" if a.place == b.place else f"layer {a.place} of A, {b.place} of B"
                yield f"{a.text} becomes {b.text}", where
            continue
        station, side = (a, "A") if a is not None else (b, "B")
        if station is None or any(layer in counted for layer in (*station.within, station.layer)):
            continue
        run.append(station)
        following = pairs[place + 1] if place + 1 < len(pairs) else (None, None)
        if following[0 if side == "A" else 1] is None or following[1 if side == "A" else 0] is not None:
            yield from _run(run, side, pairs, place)
            run = []


def _run(run: Sequence[Station], side: str, pairs: Sequence[Pair], place: int) -> Iterator[tuple[str, str]]:
    """Say of stations in a row that only one network has what they are and where they stand."""
    verb = "added" if side == "B" else "removed"
    whole = [at for at, station in enumerate(run) if station.closes and station.length <= at]
    for position, station in enumerate(run):
        if station.closes and position not in whole:  # else it is said with its layers
            inside = _around(station, run[:position])
            yield f"{station.text} {verb} around {inside}", _span(station) + f" of {side}"
    inner = {at for end in whole for at in range(end - run[end].length, end + 1)}
    start = 0
    while start < len(run):
        row = None if start in inner else _whole_row(run[start:])
        if row is not None:
            where = _numbered(run[start].place, run[start + row.length - 1].place)
            yield f"a branch {row.text} {verb} beside {' and '.join(row.beside)}", f"{where} of {side}"
            start += row.length
            continue
        stop = start + 1
        while stop < len(run) and (stop in inner or _whole_row(run[stop:]) is None):
            stop += 1
        part = run[start:stop]
        layers = [station for station in part if not station.closes]
        if layers or any(at in inner for at in range(start, stop)):
            where = _numbered(part[0].place, part[-1].place) + " of A"
            before = place - len(run) + stop
            yield f"{_written_out(part)} {verb}", where if side == "A" else _beside(pairs, before, len(part), part[0])
        start = stop


def _around(join: Station, run: Sequence[Station]) -> str:
    """The rows of a block that are not in the run as a whole: these are said by themselves."""
    found = [_whole_row(run[start:]) for start in range(len(run))]
    said = {row.number for row in found if row is not None and row.block == join.placed.built.output.name}
    return " and ".join(row.text for number, row in enumerate(join.layer.rows) if number not in said)


def _whole_row(run: Sequence[Station]) -> Row | None:
    """The outermost branch of which the first stations of a run are all there is."""
    for row in run[0].rows:
        if row.beside and len(run) >= row.length and all(row in station.rows for station in run[: row.length]):
            return row
    return None


def _span(station: Station) -> str:
    return _numbered(station.first, station.place)


def _numbered(first: int, last: int) -> str:
    if first == last:
        return f"layer {first}"
    return f"layers {first} {'and' if last - first == 1 else 'to'} {last}"


def _beside(pairs: Sequence[Pair], place: int, length: int, added: Station) -> str:
    """Where in A layers were added: behind the layer before them, or before the next one where a block begins there."""
    earlier = [a for a, _ in pairs[: place + 1 - length] if a is not None][-1:]
    later = [a for a, _ in pairs[place + 1 :] if a is not None][:1]
    if earlier and (len(earlier[0].within) == len(added.within) or not later):
        name = f"the {earlier[0].text} of" if earlier[0].closes else f"{earlier[0].text},"
        return f"after {name} layer {earlier[0].place} of A"
    return f"before {later[0].text}, layer {later[0].place} of A" if later else "the first layer"


def _repeats(pairs: Sequence[Pair]) -> list[tuple[Repeat, Repeat]]:
    """The repeats that have the same block another number of times: of both networks, one written out or both alike."""
    found = {
        (outer, other): None
        for a, b in pairs
        if a is not None and b is not None
        for outer, other in zip(a.within, b.within, strict=False)
        if isinstance(outer, Repeat) and isinstance(other, Repeat)
        if outer.block == other.block and outer.count != other.count
    }
    before = [a for a, b in pairs if a is not None and b is None]
    after = [b for a, b in pairs if a is None and b is not None]
    for outer, other in product(*(dict.fromkeys(map(_outermost, side)) for side in (before, after))):
        if not isinstance(outer, Repeat) or not isinstance(other, Repeat) or outer.tied or other.tied:
            continue
        if outer.block == other.block and outer.is_symbolic != other.is_symbolic:
            found[outer, other] = None
    return list(found)


def _outermost(station: Station) -> Layer:
    """The block that a station stands in, or the layer itself: a Repeat of a symbolic number is one."""
    return station.within[0] if station.within else station.layer


def _ties(a: Station, b: Station) -> Iterator[str]:
    """Say of repeats around both that one has the same weights in each block and the other has not."""
    for outer, other in zip(a.within, b.within, strict=False):
        if isinstance(outer, Repeat) and isinstance(other, Repeat) and outer.tied != other.tied:
            verb = "share their weights now" if other.tied else "have weights of their own now"
            yield f"the {other.count} blocks of Repeat({other.block.text}, {other.count}) {verb}"


def _written_out(run: Sequence[Station]) -> str:
    """The layers of a run, whole blocks as they are written; a long run by its ends."""
    parts: list[str] = []
    sizes: list[int] = []
    for station in run:
        if not station.closes:
            parts.append(station.text)
            sizes.append(1)
        elif station.length <= sum(sizes):  # else its layers are not all in this run
            count = 0
            while count < station.length:
                parts.pop()
                count += sizes.pop()
            parts.append(station.layer.text)
            sizes.append(count + 1)
    if len(parts) > 8:
        parts = [*parts[:3], f"... ({len(parts) - 5} more)", *parts[-2:]]
    return " >> ".join(parts)
