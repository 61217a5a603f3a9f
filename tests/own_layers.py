"""Layers that a framework runs itself, in place of the second reader's: names and shapes stay those that this reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from network_reference import Call, Shape, as_many, axes_of


def in_place(layer: Callable[..., Any], make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a layer that is read as before, and run by a framework."""

    def read(reading: Any, call: Call, shape: Shape) -> Any:
        _, after = layer(reading, call, shape)
        number = reading.norms if "Norm" in call.name else reading.number
        return make(call, shape, number), after

    return read


def weights(params: Mapping[str, Any], call: Call, number: int) -> tuple[Any, Any]:
    """The weight of a layer, its own or an earlier one, and its bias if it has one."""
    tied = call.get(9, "tied")
    name = tied or f"W{number}"
    W = params[name.removesuffix(".T")]
    biased = bool(call.get(1 if call.name == "Dense" else 9, "bias", True))
    return W.swapaxes(0, -1) if name.endswith(".T") else W, params.get(f"b{number}") if biased else None


@dataclass(frozen=True)
class Places:
    """Where a kernel or a window stands, a number for each axis, and what is added before and after each."""

    size: Sequence[int]
    stride: Sequence[int]
    dilation: Sequence[int]
    ends: Sequence[tuple[int, int]]
    added: Sequence[int]
    groups: int


def places(call: Call, shape: Shape) -> Places:
    """Read where a convolution's kernel or a pool's window stands."""
    pooled = call.name.endswith(("Pool1D", "Pool2D"))
    size = call.get(0, "size") if pooled else call.get(1, "kernel")
    stride = call.get(1, "stride") if pooled else call.get(9, "stride", 1)
    axes = axes_of(call, shape, size, size if stride is None else stride)
    groups = shape[-1] if call.get(9, "depthwise", False) else call.get(9, "groups", 1)
    added = as_many(call.get(9, "output_padding", 0), len(axes))
    sizes, strides, dilations = ([getattr(axis, name) for axis in axes] for name in ("size", "stride", "dilation"))
    return Places(sizes, strides, dilations, [(axis.before, axis.after) for axis in axes], added, groups)
