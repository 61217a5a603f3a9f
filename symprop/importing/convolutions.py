"""Convolutions and what every layer with a weight needs: a kernel's channels are put last, in the value's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symprop.importing.carried import Carried
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Padded, Seen, whole
from symprop.networks.convolution import Conv1D, Conv2D, ConvTranspose2D
from symprop.networks.layers import Dense, Layer


def inverse(order: Sequence[int]) -> list[int]:
    """Return where each element of an order came from.

    >>> inverse([2, 0, 1])
    [1, 2, 0]
    """
    return sorted(range(len(order)), key=lambda place: order[place])


def pair(numbers: Any) -> Any:
    """Return numbers for each axis as a person writes them: one where they are alike."""
    given = [numbers] if isinstance(numbers, int) else list(numbers)
    return given[0] if len(set(given)) == 1 else tuple(given)


def weight_of(reading: Reading, call: Call, weight: Any) -> Carried:
    """Return a weight.

    Raises:
        SpecError: it is computed, or no parameter.
    """
    if not isinstance(weight, Carried):
        reading.refuse(call, "a weight that is computed from the input, or is no parameter", "parameters of the model")
    return weight


def dense(reading: Reading, call: Call, tensor: Seen, W: Carried, bias: Carried | None, axis: int) -> Seen:
    """Return a Dense along an axis of a tensor."""
    inside, order = reading.features(call, tensor, axis)
    layer = Dense(W.shape[0], bias is not None)
    shape = (*inside.value.shape[:-1], W.shape[0])
    value = reading.value(shape, layer, (inside.value,), call.place, {"W": W.columns(inverse(order)), "b": bias})
    return reading.along(inside, axis, value)


def pad(
    reading: Reading, call: Call, tensor: Seen, ends: Sequence[int], mode: str = "constant", value: float | None = None
) -> Seen:
    """Return an image or a sequence with zeros around, which the convolution behind it adds; the last axis is first."""
    axes = len(call.shape) - 2
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    beside = any(pair != (0, 0) for pair in pairs[axes:]) or axes not in (1, 2)
    if mode != "constant" or value or beside or min(ends) < 0:
        reading.refuse(call, f"{list(ends)} are added ({mode}, {value or 0})", "zeros around the places of an image")
    pairs = [*pairs[:axes], *[(0, 0)] * (axes - len(pairs))]
    inside, _ = reading.image(call, tensor, axes)
    shape, padded = (*call.shape[2:], inside.value.shape[-1]), Padded(inside.value, tuple(pairs[::-1]))
    made = reading.value(shape, None, (inside.value,), call.place, of=padded)
    lengths = tuple(whole(k - axes - 1, n) for k, n in enumerate(call.shape[2:]))
    return Seen(made, (*inside.axes[:2], *lengths))


def convolution_of(kind: type[Layer], axes: int) -> Callable[..., Seen]:
    """Return the row of a convolution with so many axes of places."""

    def convolution(
        reading: Reading,
        call: Call,
        tensor: Seen,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Seen:
        W = weight_of(reading, call, weight)
        if tensor.value.rank == 1 and set(tensor.axes[2:]) == {()} and groups == 1 and set(W.shape[2:]) == {1}:
            return dense(reading, call, tensor, W.reshaped(*W.shape[:2]), bias, 1)
        inside, order = reading.image(call, tensor, axes)
        if order != sorted(order) and groups > 1:
            reading.refuse(call, "groups of channels that were reordered", "groups=1, or channels in their order")
        kernel = W.shape[2:]
        if isinstance(padding, str):
            spans = [d * (k - 1) for k, d in zip(kernel, _each(dilation, axes), strict=True)]
            padding = [(span // 2, span - span // 2) if padding == "same" else 0 for span in spans]
            padding = [each[0] if isinstance(each, tuple) and each[0] == each[1] else each for each in padding]
            padding = padding[0] if axes == 1 else padding
        if isinstance(inside.value.of, Padded):
            padding, inside = _with_zeros(padding, inside.value.of.ends), Seen(inside.value.of.base, inside.axes)
        options = {"stride": pair(stride), "padding": _padding(padding, axes), "dilation": pair(dilation)}
        size = W.shape[0]
        parts = {"depthwise": True} if groups == inside.value.shape[-1] > 1 else {"groups": groups}
        made = kind(size, pair(kernel), **options, **parts, bias=bias is not None)  # type: ignore[call-arg]
        moved = W.permuted(0, *range(2, 2 + axes), 1)
        moved = moved.columns(inverse(order)) if groups == 1 else moved
        return image_layer(reading, call, inside, made, size, {"W": moved, "b": bias})

    return convolution


def _with_zeros(padding: Any, ends: Sequence[tuple[int, int]]) -> Any:
    """The padding of a convolution with zeros that stand around already, as a person writes it."""
    axes = len(ends)
    given = [padding] if axes == 1 and isinstance(padding, tuple) else _each(padding, axes)
    own = [each if isinstance(each, tuple) else (each, each) for each in given]
    added = [(one[0] + two[0], one[1] + two[1]) for one, two in zip(own, ends, strict=True)]
    short = [each[0] if each[0] == each[1] else each for each in added]
    return short if axes > 1 else short[0]


def _each(numbers: Any, axes: int) -> list[int]:
    given = [numbers] if isinstance(numbers, int) else list(numbers)
    return given * axes if len(given) == 1 else given


def _padding(padding: Any, axes: int) -> Any:
    """Padding as a person writes it: a pair is (before, after) of a sequence, (rows, columns) of an image."""
    if axes == 1 and isinstance(padding, tuple):
        return padding
    alike = isinstance(padding, int) or all(isinstance(each, int) for each in padding)
    return pair(padding) if alike else tuple(padding)


def conv_transpose2d(
    reading: Reading,
    call: Call,
    tensor: Seen,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Seen:
    """Return a transposed convolution, whose weight is (in, out / groups, rows, columns) there."""
    W = weight_of(reading, call, weight)
    inside, order = reading.image(call, tensor, 2)
    if order != sorted(order):
        reading.refuse(call, "channels that were reordered", "channels in their order")
    width, out, *kernel = W.shape
    layer = ConvTranspose2D(
        out * groups,
        pair(kernel),
        stride=pair(stride),
        padding=pair(padding),
        output_padding=pair(output_padding),
        dilation=pair(dilation),
        groups=groups,
        bias=bias is not None,
    )
    parted = W.reshaped(groups, width // groups, out, *kernel).permuted(0, 2, 3, 4, 1)
    moved = parted.reshaped(groups * out, *kernel, width // groups)
    return image_layer(reading, call, inside, layer, out * groups, {"W": moved, "b": bias})


def image_layer(
    reading: Reading, call: Call, tensor: Seen, layer: Layer, channels: int, weights: dict[str, Carried | None]
) -> Seen:
    """Return what a layer makes of an image or a sequence; its places are those of the call."""
    lengths = call.shape[2:]
    value = reading.value((*lengths, channels), layer, (tensor.value,), call.place, weights)
    axes = (tensor.axes[0], whole(-1, channels), *(whole(k - len(lengths) - 1, n) for k, n in enumerate(lengths)))
    return Seen(value, axes)


def convolution(
    reading: Reading,
    call: Call,
    tensor: Seen,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Seen:
    """Return a convolution of the one operator that all of them become in a decomposed graph."""
    axes = len(call.shape) - 2
    if transposed and axes == 2:
        return conv_transpose2d(reading, call, tensor, weight, bias, stride, padding, output_padding, groups, dilation)
    if transposed or axes not in (1, 2):
        reading.refuse(call, f"a convolution with {axes} axes", "Conv1d, Conv2d, ConvTranspose2d")
    row = CONVOLUTIONS["conv1d" if axes == 1 else "conv2d"]
    found: Seen = row(reading, call, tensor, weight, bias, stride, padding, dilation, groups)
    return found


CONVOLUTIONS: dict[str, Callable[..., Any]] = {
    "conv1d": convolution_of(Conv1D, 1),
    "conv2d": convolution_of(Conv2D, 2),
    "conv_transpose2d": conv_transpose2d,
    "convolution": convolution,
    **dict.fromkeys(("pad", "constant_pad_nd"), pad),
}
"""The operators that are convolutions, by name."""
