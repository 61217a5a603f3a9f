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
class Cell:
    """A recurrent layer as its call says it; a bias that it has not is 0, and so is a state that nothing gives."""

    W: Any
    R: Any
    b: Any
    bh: Any
    states: tuple[Any, ...]


def cell_of(params: Mapping[str, Any], call: Call, number: int) -> Cell:
    """Return the weights, biases and first states of a recurrent layer."""
    own = {letter: params.get(f"{letter}{number}", 0) for letter in ("W", "b", "bh")}
    R = params[f"R{number}"]
    letters, given = ("h", "c")[: 1 + (call.name == "LSTM")], call.get(9, "initial")
    if given is None:
        return Cell(**own, R=R, states=(0,) * len(letters))
    if given == "learned":
        return Cell(**own, R=R, states=tuple(params[f"{letter}s{number}"] for letter in letters))
    calls = [each[0] for each in (given if isinstance(given, tuple) else (given,))]
    return Cell(**own, R=R, states=tuple(params[f"input {each.get(9, 'name')}"] for each in calls))


@dataclass(frozen=True)
class Heads:
    """An attention as its call says it: `groups` of keys and values, the names of a memory and of a mask, if any."""

    number: int
    heads: int
    groups: int
    causal: bool
    rope: bool
    memory: str
    mask: str

    def apart(self, params: Mapping[str, Any], letter: str, value: Any) -> Any:
        """Return queries, keys or values, (m, T, heads, d)."""
        W, b = params[f"W{letter}{self.number}"], params.get(f"b{letter}{self.number}")
        z = value @ W.swapaxes(0, 1)
        z = z if b is None else z + b
        return z.reshape(*z.shape[:2], self.heads if letter == "q" else self.groups, -1)

    def together(self, params: Mapping[str, Any], value: Any) -> Any:
        """Return the output of heads that stand as `apart` gives them."""
        z = value.reshape(*value.shape[:2], -1) @ params[f"Wo{self.number}"].swapaxes(0, 1)
        b = params.get(f"bo{self.number}")
        return z if b is None else z + b


def heads(reading: Any, call: Call) -> Heads:
    """Read the heads of the latest attention."""
    count, groups = reading.size(call.get(0, "heads")), call.get(2, "kv_heads")
    (memory,), (mask,) = (call.get(at, name) or (None,) for at, name in ((7, "memory"), (6, "mask")))
    of_memory, of_mask = (str(each.get(9, "name")) if each else "" for each in (memory, mask))
    causal, rope = call.get(1, "causal", False), call.get(4, "rope", False)
    groups = reading.size(groups) if groups else count
    return Heads(reading.learned["attention"], count, groups, causal, rope, of_memory, of_mask)


def attended(
    layer: Callable[..., Any], turned: Callable[[Any], Any], run: Callable[[Any, Any, Any, bool, Any], Any]
) -> Callable[..., Any]:
    """Return attention that is read as before; a framework has rotations, and what heads give of q, k, v and masks."""

    def read(reading: Any, call: Call, shape: Shape) -> Any:
        _, after = layer(reading, call, shape)
        own = heads(reading, call)

        def step(params: Mapping[str, Any], value: Any) -> Any:
            memory = params[f"input {own.memory}"] if own.memory else value
            q, k, v = (own.apart(params, letter, value if letter == "q" else memory) for letter in "qkv")
            q, k = (turned(q), turned(k)) if own.rope else (q, k)
            seen = params[f"input {own.mask}"] > 0 if own.mask else None
            return own.together(params, run(q, k, v, own.causal, seen))

        return step, after

    return read


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
