"""Operators that move elements: they change what a tensor shows of a value, and where a weight's numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from symprop.importing.carried import Carried
from symprop.importing.graph import Call
from symprop.importing.reading import Reading, narrowed
from symprop.importing.views import Atom, Axis, Seen, merged, reshaped
from symprop.networks.positions import At

Tensor = Seen | Carried


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a tensor that is made when it is asked for: of the parts of a split some may be of no use."""

    tensor: Tensor
    axis: int
    start: int
    stop: int


def _moved(call: Call, weight: Carried) -> Carried:
    """A weight moved as the call does it: the framework itself moves the numbers, and their places."""
    return weight.moved(lambda tensor: call.run(tensor, *call.arguments[1:], **call.keywords), call.shape)


def reshape(reading: Reading, call: Call, tensor: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return a tensor in the shape that the call gives it: views, flattening, axes of one element."""
    if isinstance(tensor, Carried):
        return _moved(call, tensor)
    axes = reshaped(tensor.axes, call.shape)
    if axes is None:
        reading.refuse(
            call,
            f"shape {tensor.sizes} becomes {call.shape}, so that one axis holds parts of several",
            "views that split axes evenly or put whole ones together",
        )
    return Seen(tensor.value, axes)


def permute(reading: Reading, call: Call, tensor: Tensor, axes: Sequence[int], **_: Any) -> Tensor:
    """Return a tensor with its axes in another order."""
    return (
        _moved(call, tensor) if isinstance(tensor, Carried) else Seen(tensor.value, tuple(tensor.axes[k] for k in axes))
    )


def transpose(reading: Reading, call: Call, tensor: Tensor, first: int = 0, second: int = 1) -> Tensor:
    """Return a tensor with two axes swapped."""
    if isinstance(tensor, Carried):
        return _moved(call, tensor)
    axes = list(tensor.axes)
    if len(axes) > 1:
        axes[first], axes[second] = axes[second], axes[first]
    return Seen(tensor.value, tuple(axes))


def matrix_transpose(reading: Reading, call: Call, tensor: Tensor) -> Tensor:
    """Return a tensor with its last two axes swapped."""
    return transpose(reading, call, tensor, -2, -1)


def expand(reading: Reading, call: Call, tensor: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return a tensor repeated along axes of one element: of a weight over the batch, which it has not here."""
    if isinstance(tensor, Carried):
        kept = (1,) * (len(call.shape) - len(tensor.shape)) + tensor.shape
        return tensor.reshaped(*kept)
    if call.shape == tensor.sizes:
        return tensor
    reading.refuse(call, f"shape {tensor.sizes} is repeated to {call.shape}", "weights repeated over the batch")


def same(reading: Reading, call: Call, tensor: Any, *_: Any, **__: Any) -> Any:
    """Return a tensor as it is."""
    return tensor


def converted(reading: Reading, call: Call, tensor: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return a tensor in another precision as it is: a network has one for all."""
    if isinstance(tensor, Seen) and call.dtype and "float" not in call.dtype and tensor.value.of != "ids":
        reading.refuse(call, f"numbers become {call.dtype}", "floating point numbers")
    return tensor


def part(reading: Reading, call: Call, tensor: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """Return the elements from `start` to before `stop` along an axis, which stays."""
    if isinstance(tensor, Carried):
        place, shape = axis % len(tensor.shape), list(tensor.shape)
        shape[place] = stop - start
        return tensor.moved(lambda whole: whole.narrow(place, start, stop - start), tuple(shape))
    place = axis % len(tensor.axes)
    atoms = tensor.axes[place]
    if (start, stop) == (0, tensor.sizes[place]):
        return tensor
    inner, ends = prod(atom.size for atom in atoms[1:]), (start, stop)
    if atoms and all(end % inner == 0 for end in ends):
        outer, first, last = atoms[0], start // inner, stop // inner
        if outer.axis == -1:
            return _of_features(reading, call, tensor, place, outer, range(first, last))
        if outer.axis == -2 and tensor.value.rank == 2 and len(atoms) == 1 and last - first == 1:
            place_in_value = first * outer.stride
            return _at(reading, call, tensor, place, place_in_value)
    reading.refuse(
        call,
        f"elements {start} to {stop - 1} along axis {place} of a tensor of shape {tensor.sizes} have no layer",
        "parts of the features that a Linear makes, or one position of a sequence",
    )


def _of_features(reading: Reading, call: Call, tensor: Seen, place: int, outer: Atom, kept: range) -> Seen:
    rows = [row for row in range(tensor.value.shape[-1]) if row // outer.stride % outer.size in kept]
    value = narrowed(reading, call, tensor.value, rows)

    def now(atom: Atom) -> Atom:
        if atom.axis != -1 or atom.stride < outer.stride:
            return atom
        if atom.stride == outer.stride:
            return Atom(-1, atom.stride, len(kept))
        return Atom(-1, atom.stride // outer.size * len(kept), atom.size)

    return Seen(value, tuple(merged(now(atom) for atom in axis) for axis in tensor.axes))


def _at(reading: Reading, call: Call, tensor: Seen, place: int, position: int) -> Seen:
    value = tensor.value
    last = position == value.shape[0] - 1
    made = value.made.setdefault(
        ("at", position), reading.value(value.shape[1:], At(-1 if last else position), (value,), call.place)
    )
    axes: list[Axis] = [axis if number != place else () for number, axis in enumerate(tensor.axes)]
    return Seen(made, tuple(axes))


def _ends(tensor: Tensor, axis: int, start: int | None, stop: int | None) -> tuple[int, int]:
    size = (tensor.shape if isinstance(tensor, Carried) else tensor.sizes)[axis]
    return slice(start, stop).indices(size)[:2]


def select(reading: Reading, call: Call, tensor: Tensor, axis: int, index: int) -> Tensor:
    """Return what stands at one place of an axis, which goes."""
    size = (tensor.shape if isinstance(tensor, Carried) else tensor.sizes)[axis]
    return _in_shape(reading, call, part(reading, call, tensor, axis, index % size, index % size + 1))


def _in_shape(reading: Reading, call: Call, tensor: Tensor) -> Tensor:
    return tensor.reshaped(*call.shape) if isinstance(tensor, Carried) else reshape(reading, call, tensor)


def sliced(
    reading: Reading,
    call: Call,
    tensor: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """Return a stretch of an axis."""
    if step != 1:
        reading.refuse(call, f"a slice of step {step}", "slices of step 1")
    return part(reading, call, tensor, dim, *_ends(tensor, dim, start, end))


def narrow(reading: Reading, call: Call, tensor: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Return a stretch of an axis."""
    return part(reading, call, tensor, dim, start, start + length)


def split(reading: Reading, call: Call, tensor: Tensor, sizes: int | Sequence[int], dim: int = 0) -> list[Any]:
    """Return stretches of an axis one after the other."""
    whole = (tensor.shape if isinstance(tensor, Carried) else tensor.sizes)[dim]
    lengths = [sizes] * (whole // sizes) + [whole % sizes] * (whole % sizes > 0) if isinstance(sizes, int) else sizes
    ends = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    return [Part(tensor, dim, start, stop) for start, stop in pairwise(ends)]


def chunk(reading: Reading, call: Call, tensor: Tensor, count: int, dim: int = 0) -> list[Any]:
    """Return an axis in equal stretches."""
    whole = (tensor.shape if isinstance(tensor, Carried) else tensor.sizes)[dim]
    return split(reading, call, tensor, -(-whole // count), dim)


def unbind(reading: Reading, call: Call, tensor: Tensor, dim: int = 0) -> list[Any]:
    """Return what stands at each place of an axis."""
    whole = (tensor.shape if isinstance(tensor, Carried) else tensor.sizes)[dim]
    return [Part(tensor, dim, start, start + 1) for start in range(whole)]


def getitem(reading: Reading, call: Call, several: Any, index: int) -> Any:
    """Return one of several tensors."""
    found = several[index]
    if isinstance(found, Part):
        return _in_shape(reading, call, part(reading, call, found.tensor, found.axis, found.start, found.stop))
    return found


def alike(reading: Reading, call: Call, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors of one shape as they are."""
    if len({each.shape if isinstance(each, Carried) else each.sizes for each in tensors}) > 1:
        reading.refuse(call, "tensors of different shapes are spread out", "one shape")
    return list(tensors)


MOVES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze"), reshape),
    **dict.fromkeys(("permute", "movedim"), permute),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "t", "numpy_T"), transpose),
    **dict.fromkeys(("mT", "adjoint"), matrix_transpose),
    **dict.fromkeys(("expand", "expand_as", "repeat"), expand),
    **dict.fromkeys(("contiguous", "clone", "alias", "detach", "lift_fresh_copy"), same),
    **dict.fromkeys(("to", "_to_copy", "type_as", "float", "double"), converted),
    "select": select,
    "slice": sliced,
    "narrow": narrow,
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split"), split),
    **dict.fromkeys(("chunk", "unsafe_chunk"), chunk),
    "unbind": unbind,
    "getitem": getitem,
    "broadcast_tensors": alike,
}
"""The operators that move elements, by name."""
