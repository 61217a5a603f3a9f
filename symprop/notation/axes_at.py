"""Where axes stand at an address: those of operands, those that are joined, and those of length 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.notation.digits import Unwritten
from symprop.notation.places import Address, Axis, Digit, kept, kept_shape, runs


def under(address: Address, shape: Shape) -> Address:
    """The address of an operand that broadcasting spreads to what has this address."""
    own = tuple(
        axis
        if size != 1 or all(digit.size == 1 for digit in axis)
        else (Digit(size, None if kept(axis) else size, axis[0].joined),)
        for axis, size in zip(address[len(address) - len(shape) :], shape, strict=True)
    )
    for run in runs(own):
        pairs = ((kept(own[axis]), kept(address[len(address) - len(shape) + axis])) for axis in run)
        spread = {size != whole for size, whole in pairs if whole != 1}
        if len(spread) > 1:
            raise Unwritten  # what is the same for all pixels of one image, and not for those of a batch
    if any(size != 1 for size in kept_shape(own)) or all(size == 1 for size in kept_shape(address)):
        return own  # else it is a number
    if len(own) < 2 and all(map(is_whole, own)):
        return own  # of one element as it stands, by its name
    return tuple((Digit(size, size),) if kept(axis) != 0 else axis for axis, size in zip(own, shape, strict=True))


def position(address: Address, axis: int) -> int:
    """Where an axis stands among those of which something is kept.

    Raises:
        Unwritten: it is joined with others.
    """
    return positions(address, [axis])[0]


def positions(address: Address, axes: Iterable[int]) -> list[int]:
    """Where axes stand among those of which something is kept, those that are joined as one.

    Raises:
        Unwritten: one of them is joined with others.
    """
    chosen, found = set(axes), []
    for place, run in enumerate(runs(address)):
        if chosen & set(run):
            if not chosen >= set(run):
                raise Unwritten
            found.append(place)
    return found


def is_whole(axis: Axis) -> bool:
    return all(digit.place is None for digit in axis)


def with_ones(node: Node, address: Address, axes: Iterable[int]) -> Node:
    """`node` with an axis of length 1 where the address keeps one that `axes` name."""
    chosen = set(axes)
    for place, run in enumerate(runs(address)):
        if chosen >= set(run):
            node = n.Expand(node, place)
    return node


def operand_address(address: Address, axes: Sequence[int], inner: Address, rank: int, keepdims: bool) -> Address:
    """The address of the operand of what works along `axes`, which stand at `inner`."""
    rest = iter([axis for place, axis in enumerate(address) if not keepdims or place not in axes])
    along = dict(zip(axes, inner, strict=True))
    return tuple(along[axis] if axis in along else next(rest) for axis in range(rank))
