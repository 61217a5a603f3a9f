"""What a tensor of another framework shows of a value of a network: which of its axes, in which order, in which parts.

A framework moves elements all the time: channels in front, heads apart, positions and batch in one axis. A network of
symprop has its values in one shape each, and no batch. So a tensor is *seen* as a value and, for each axis of the
tensor, the parts of the value's axes that lie in it. Reshaping and transposing change what is seen, not the value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr

from symprop.importing.carried import Carried
from symprop.networks.layers import Layer

BATCH = 0
"""The axis of an atom that counts the examples; the axes of a value are counted from its end, -1 the features."""


@dataclass(frozen=True)
class Atom:
    """A part of an axis of a value: element `i` of `size` stands `stride * i` along the axis."""

    axis: int
    stride: int
    size: int


Axis = tuple[Atom, ...]


@dataclass(eq=False)
class Value:
    """A value of the network to be: its shape for one example, and the layer or the join that makes it of its sources.

    `weights` are those of the layer by letter; `of` says what a value is that is yet no layer's, as scores are.
    """

    shape: tuple[int, ...]
    layer: Layer | None
    sources: tuple[Value, ...]
    place: str
    weights: dict[str, Carried] = field(default_factory=dict)
    join: type[Any] | None = None
    of: Any = None
    made: dict[Any, Value] = field(default_factory=dict)
    """What was made of it once and may be used again, by what it is."""

    @property
    def rank(self) -> int:
        """The number of its axes."""
        return len(self.shape)


@dataclass(frozen=True, eq=False)
class Formula:
    """What a value is that is elementwise of another: a formula of one variable."""

    base: Value
    body: Expr


@dataclass(frozen=True, eq=False)
class Opposite:
    """What a value is that is true where another, of truth values, is not."""

    base: Value


@dataclass(frozen=True, eq=False)
class Padded:
    """What a value is that is another with zeros around its places: how many before and behind, for each axis."""

    base: Value
    ends: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """A tensor: a value of the network, and for each axis of the tensor the atoms of the value along it, the outer
    first. An axis of one element has none.
    """

    value: Value
    axes: tuple[Axis, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return tuple(math.prod(atom.size for atom in axis) for axis in self.axes)


def whole(axis: int, size: int) -> Axis:
    """Return all of an axis.

    >>> whole(-1, 3), whole(-1, 1)
    ((Atom(axis=-1, stride=1, size=3),), ())
    """
    return (Atom(axis, 1, size),) if size > 1 else ()


def seen(value: Value, batch: Axis, order: Sequence[int] | None = None) -> Seen:
    """Return a value with the batch in front and its axes in order, or in another."""
    places = range(-value.rank, 0) if order is None else order
    return Seen(value, (batch, *(whole(axis, value.shape[axis]) for axis in places)))


def merged(atoms: Iterable[Atom]) -> Axis:
    """Return atoms with neighbours made one where the inner is what the outer steps over.

    >>> merged([Atom(-1, 4, 3), Atom(-1, 1, 4)])
    (Atom(axis=-1, stride=1, size=12),)
    """
    found: list[Atom] = []
    for atom in atoms:
        if found and found[-1].axis == atom.axis and found[-1].stride == atom.stride * atom.size:
            found[-1] = Atom(atom.axis, atom.stride, found[-1].size * atom.size)
        elif atom.size > 1:
            found.append(atom)
    return tuple(found)


def reshaped(axes: Iterable[Axis], sizes: Sequence[int]) -> tuple[Axis, ...] | None:
    """Return the axes of a tensor in another shape; None where an axis would hold parts that do not divide.

    >>> reshaped([whole(BATCH, 2), whole(-1, 12)], (2, 3, 4))[1:]
    ((Atom(axis=-1, stride=4, size=3),), (Atom(axis=-1, stride=1, size=4),))
    """
    queue = list(merged(atom for axis in axes for atom in axis))[::-1]
    found = []
    for size in sizes:
        inside: list[Atom] = []
        while size > 1:
            if not queue:
                return None
            atom = queue.pop()
            if size % atom.size == 0:
                inside.append(atom)
                size //= atom.size
            elif atom.size % size == 0:  # its outer part goes here, the inner part into the next axis
                inner = atom.size // size
                inside.append(Atom(atom.axis, atom.stride * inner, size))
                queue.append(Atom(atom.axis, atom.stride, inner))
                size = 1
            else:
                return None
        found.append(merged(inside))
    return tuple(found) if not queue else None


def places(axis: Axis) -> list[int]:
    """Return where along the axis of the value each element of an axis of the tensor stands.

    >>> places((Atom(-1, 1, 2), Atom(-1, 2, 3)))
    [0, 2, 4, 1, 3, 5]
    """
    found = [0]
    for atom in axis:
        found = [place + atom.stride * step for place in found for step in range(atom.size)]
    return found


def covers(axis: Axis, number: int, value: Value) -> bool:
    """Whether an axis of the tensor holds all of an axis of the value, in whatever order, and nothing else."""
    return all(atom.axis == number for atom in axis) and math.prod(a.size for a in axis) == value.shape[number]


def flattened(axes: Iterable[Axis], value: Value, kept: int = 0) -> tuple[Axis, ...]:
    """Return the axes of a tensor over a value of which all axes but the last `kept` have become one."""
    last = -1 - kept
    inner = {
        axis: math.prod(value.shape[value.rank + axis + 1 : value.rank - kept]) for axis in range(-value.rank, -kept)
    }
    return tuple(
        merged(
            Atom(last, atom.stride * inner[atom.axis], atom.size) if atom.axis in inner and atom.axis else atom
            for atom in axis
        )
        for axis in axes
    )
