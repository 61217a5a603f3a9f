"""Pools and upsampling, whose places are those that the call gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symprop.importing.arithmetic import pooled
from symprop.importing.convolutions import image_layer, pair
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Seen
from symprop.networks.convolution import UpSample2D
from symprop.networks.pooling import AveragePool1D, AveragePool2D, MaxPool1D, MaxPool2D


def pool(kind: Callable[..., Any], axes: int) -> Callable[..., Seen]:
    """Return the row of a pool with so many axes of places."""

    def row(
        reading: Reading,
        call: Call,
        tensor: Seen,
        size: Any,
        stride: Any = (),
        padding: Any = 0,
        *rest: Any,
    ) -> Seen:
        inside, _ = reading.image(call, tensor, axes)
        if kind in (MaxPool1D, MaxPool2D):
            dilation = rest[0] if rest else 1
            if pair(dilation) != 1:
                reading.refuse(call, f"windows at a dilation of {dilation}", "dilation=1")
        elif (len(rest) > 1 and not rest[1] and pair(padding)) or (len(rest) > 2 and rest[2] is not None):
            reading.refuse(call, "an average that does not divide by the size of the window", "count_include_pad=True")
        steps = pair(stride) if stride not in ((), []) else pair(size)
        layer = kind(pair(size), None if steps == pair(size) else steps, pair(padding))
        return image_layer(reading, call, inside, layer, inside.value.shape[-1], {})

    return row


def adaptive(kind: Callable[..., Any] | None, axes: int) -> Callable[..., Seen]:
    """Return the row of a pool that is told how many places to make; None is the average."""

    def row(reading: Reading, call: Call, tensor: Seen, sizes: Any) -> Seen:
        wanted = [sizes] * axes if isinstance(sizes, int) else list(sizes)
        if tensor.value.rank == 1 and set(tensor.axes[2:]) == {()} and wanted == [1] * axes:
            return tensor  # one place already
        inside, _ = reading.image(call, tensor, axes)
        lengths = inside.value.shape[:-1]
        if list(lengths) == wanted != [1] * axes:
            return tensor
        if kind is None and wanted == [1] * axes:
            dims = list(range(2, 2 + axes))
            return pooled(reading, call, inside, dims, [atom for k in dims for atom in inside.axes[k]], True)
        if any(length % want for length, want in zip(lengths, wanted, strict=True)):
            reading.refuse(call, f"{lengths} places into {wanted}", "numbers of places that divide those of the input")
        average = (AveragePool1D, AveragePool2D)[axes - 1]
        layer = (kind or average)(pair([length // want for length, want in zip(lengths, wanted, strict=True)]))
        return image_layer(reading, call, inside, layer, inside.value.shape[-1], {})

    return row


def upsampled(reading: Reading, call: Call, tensor: Seen, *_: Any, **__: Any) -> Seen:
    """Return an image with each pixel repeated."""
    inside, _places = reading.image(call, tensor, 2)
    lengths: Sequence[int] = inside.value.shape[:-1]
    factors = [new / old for new, old in zip(call.shape[2:], lengths, strict=True)]
    if any(factor != int(factor) for factor in factors):
        reading.refuse(call, f"an image of {lengths} becomes {call.shape[2:]}", "whole multiples")
    return image_layer(reading, call, inside, UpSample2D(pair(list(map(int, factors)))), inside.value.shape[-1], {})


POOLS: dict[str, Callable[..., Any]] = {
    "max_pool1d": pool(MaxPool1D, 1),
    "max_pool2d": pool(MaxPool2D, 2),
    "max_pool2d_with_indices": lambda *given: [pool(MaxPool2D, 2)(*given)],
    "avg_pool1d": pool(AveragePool1D, 1),
    "avg_pool2d": pool(AveragePool2D, 2),
    **dict.fromkeys(("adaptive_avg_pool1d",), adaptive(None, 1)),
    **dict.fromkeys(("adaptive_avg_pool2d", "_adaptive_avg_pool2d"), adaptive(None, 2)),
    "adaptive_max_pool1d": lambda *given: [adaptive(MaxPool1D, 1)(*given)],
    "adaptive_max_pool2d": lambda *given: [adaptive(MaxPool2D, 2)(*given)],
    "upsample_nearest2d": upsampled,
}
"""The operators that pool, by name."""
