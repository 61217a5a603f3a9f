"""What a network's text means, read a second time: parameters and loss in plain NumPy, from `docs/networks.md` alone.

All other oracles check symprop's equations against each other, so none sees an equation that is not what the text says.
This module shares no code with symprop: Python's `ast` reads the text, and a tied `Repeat` runs one and the same
function again. Values may be complex, so that the complex step gives derivatives. `tests/against_jax.py` runs it with
`jax.numpy` as `np`, which assigns to no element of an array.

A new layer is a function in `LAYERS`: it takes the reading so far, a call and the shape of its input, and returns a
step, which makes an output of parameters and an input, and the shape of the output. A new activation is a row of
`ACTIVATIONS`, a new loss one of `LOSSES`, a new penalty one of `PENALTIES`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
Params = Mapping[str, Array]
Shape = tuple[int, ...]
Step = Callable[[Params, Array], Array]
BLOCKS = ("Residual", "Repeat", "Sum", "Multiply", "Concatenate", "Highway", "GLU", "SwiGLU")
"""Layers that hold others: what stands before them is followed by the first of those."""


@dataclass(frozen=True)
class Call:
    """`Dense(3, bias=False)`: a name, and arguments: numbers, texts, rows of calls, tuples of them, or `ast` nodes."""

    name: str
    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def get(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument by its position or its name."""
        return self.positional[position] if position < len(self.positional) else self.keywords.get(name, default)


def argument(node: ast.expr) -> Any:
    """Return what stands in brackets: layers as a list of calls, a constant as its value, a size as it is."""
    if isinstance(node, ast.Call) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift)):
        return row(node)
    if isinstance(node, ast.Tuple) and any(isinstance(each, ast.Call) for each in node.elts):
        return tuple(map(argument, node.elts))
    try:
        return ast.literal_eval(node)
    except ValueError:
        return node


def row(node: ast.expr) -> list[Call]:
    """Return calls joined by `>>` in order; penalties follow their loss as calls of their own."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.RShift, ast.Add)):
        return [*row(node.left), *row(node.right)]
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name), ast.dump(node)
    keywords = {str(keyword.arg): argument(keyword.value) for keyword in node.keywords}
    return [Call(node.func.id, tuple(map(argument, node.args)), keywords)]


@dataclass
class Reading:
    """What is known after the layers read so far."""

    sizes: dict[str, int]
    parameters: dict[str, Shape] = field(default_factory=dict)
    number: int = 0  # of the latest Dense layer
    norms: int = 0  # how many there are
    tables: int = 0  # how many embeddings there are
    inputs: dict[str, Shape] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)  # how many there are, of an input of ids
    source: str = ""  # the input that the latest value is, if it is one
    maker: str = ""  # the layer that made the latest value
    starts: dict[str, str] = field(default_factory=dict)  # how each weight starts
    waiting: str = ""  # the weight whose start the next layer decides
    masks: dict[str, Shape] = field(default_factory=dict)  # of dropout, for one example
    learned: dict[str, int] = field(default_factory=dict)  # how many there are of each letter
    hiding: list[str] = field(default_factory=list)  # the masks of attentions
    truncated: bool = False  # whether a gradient stops at a moment

    def size(self, size: Any) -> int:
        """Return a size: a number, or an expression in names; `n_l` is `n_2` in block 2, and `n_L` with `L` blocks."""
        node = ast.parse(size, mode="eval").body if isinstance(size, str) else size
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return self.size(node.left) * self.size(node.right)
        if not isinstance(node, ast.Name):
            return int(node.value if isinstance(node, ast.Constant) else node)
        stem, _, index = node.id.rpartition("_")
        return self.sizes[node.id if node.id in self.sizes else f"{stem}_{self.sizes[index]}"]

    def new(self, name: str, *shape: int) -> str:
        """Enter a parameter and return its name."""
        assert name not in self.parameters
        self.parameters[name] = shape
        return name

    def count(self, letter: str) -> int:
        """Return how many there are of a letter, or of layers of a kind, with one more."""
        self.learned[letter] = self.learned.get(letter, 0) + 1
        return self.learned[letter]

    def learn(self, letter: str, *shape: int) -> str:
        """Enter a parameter that is counted by its letter."""
        return self.new(f"{letter}{self.count(letter)}", *shape)

    def weight(self, name: str, *shape: int) -> str:
        """Enter a weight whose start the next layer decides, and return its name."""
        self.starts[name], self.waiting = "xavier_uniform", name
        return self.new(name, *shape)

    def meet(self, name: str) -> None:
        """Note which layer follows the latest weight; a block is followed by what stands in it."""
        if name in BLOCKS or name in PASS_ON:
            return
        if self.waiting and name in LIKE_RELU:
            self.starts[self.waiting] = "he_normal"
        self.waiting = ""

    def chain(self, calls: Sequence[Call], shape: Shape) -> tuple[Step, Shape]:
        """Return the step of layers in a row."""
        steps = []
        for call in calls:
            self.meet(call.name)
            before = shape
            step, shape = LAYERS[call.name](self, call, shape)
            steps.append(step)
            self.source = self.source if call.name == "Input" else ""
            leaves_out = call.name == "Dropout" and call.get(0, "p")
            as_it_is = call.name == "Flatten" and len(before) == 1
            if leaves_out or not (as_it_is or call.name in ("Identity", "Repeat", "Dropout")):  # what others made
                self.maker = call.name
        return in_turn(steps), shape


def in_turn(steps: Sequence[Step]) -> Step:
    """Return one step of several."""

    def run(params: Params, value: Array) -> Array:
        for step in steps:
            value = step(params, value)
        return value

    return run


def recurrent(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A cell that reads a sequence moment by moment; the gates are rows of its weights."""
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[call.name]
    size, bias = reading.size(call.get(0, "size")), call.get(9, "bias", True)
    reading.number += 1
    number = reading.number
    reading.truncated |= any(is_cut(call, t) for t in range(shape[0]))
    W = reading.new(f"W{number}", gates * size, shape[-1])
    R = reading.new(f"R{number}", gates * size, size)
    reading.starts |= {W: "xavier_uniform", R: "xavier_uniform"}
    b = reading.new(f"b{number}", gates * size) if bias else None
    after = call.get(9, "reset", "after") == "after"
    bh = reading.new(f"bh{number}", size) if bias and call.name == "GRU" and after else None
    initial, source = call.get(9, "initial"), reading.source
    letters = ("hs", "cs")[: 1 + (call.name == "LSTM")]
    if initial == "learned":
        starts = [reading.new(f"{letter}{number}", size) for letter in letters]
    else:  # an input for each, or 0
        starts = [given_state(reading, each) for each in initial or ()] or [""] * len(letters)
    reading.source = source
    squash = {"tanh": np.tanh, "relu": ACTIVATIONS["ReLU"], "sigmoid": sigmoid}[call.get(9, "activation", "tanh")]

    def cell(params: Params, x: Array, states: list[Array]) -> list[Array]:
        h = states[0]
        z = np.einsum("mi,gi->mg", x, params[W]) + (params[b] if b else 0)
        u = np.einsum("mi,gi->mg", h, params[R])
        if call.name == "RNN":
            return [squash(z + u)]
        if call.name == "LSTM":
            i, f, g, o = ((z + u)[:, place * size : (place + 1) * size] for place in range(4))
            c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
            return [sigmoid(o) * np.tanh(c), c]
        r, update = (sigmoid((z + u)[:, place * size : (place + 1) * size]) for place in range(2))
        seen = u[:, 2 * size :] + (params[bh] if bh else 0)
        if not after:
            seen = np.einsum("mi,gi->mg", r * h, params[R][2 * size :]) / r
        new = np.tanh(z[:, 2 * size :] + r * seen)
        return [(1 - update) * new + update * h]

    def step(params: Params, value: Array) -> Array:
        zero = value[:, 0, :1] * np.zeros(size)
        states = [zero + (params[start] if start else 0) for start in starts]  # of a batch, or the same for all
        found = []
        for t in range(shape[0]):
            states = [held(state) for state in states] if is_cut(call, t) else states
            states = cell(params, value[:, t], states)
            found.append(states[0][:, None, :])
        return np.concatenate(found, axis=1) if call.get(9, "sequence", True) else states[0]

    return step, ((shape[0], size) if call.get(9, "sequence", True) else (size,))


def is_cut(call: Call, t: int) -> bool:
    """Whether a new window of truncated backpropagation begins at moment t, counted from 0."""
    return t > 0 and t % call.get(9, "truncate", t + 1) == 0


def held(value: Array) -> Array:
    """The same value as a constant: what a complex step has moved is put back."""
    return np.real(value)


def given_state(reading: Reading, rows: Any) -> str:
    """Read an input that holds a state, and return the name under which its values are found."""
    (call,) = rows if isinstance(rows, list) else (rows,)
    further_input(reading, call, ())
    return f"input {reading.source}"


def bidirectional(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A cell, and one of its kind that reads backwards."""
    (inner,) = call.get(0, "cell")
    (forwards, after), (backwards, _) = (LAYERS[inner.name](reading, inner, shape) for _ in range(2))

    def step(params: Params, value: Array) -> Array:
        back = backwards(params, np.stack([value[:, -1 - t] for t in range(shape[0])], axis=1))
        if inner.get(9, "sequence", True):
            back = np.stack([back[:, -1 - t] for t in range(shape[0])], axis=1)
        return np.concatenate([forwards(params, value), back], axis=back.ndim - 1)

    return step, (*after[:-1], 2 * after[-1])


def further_input(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Another input in place of what stands before, by its name; `Network.loss` puts it among the parameters."""
    name, own = str(call.get(9, "name", "x")), tuple(map(reading.size, call.positional))
    assert reading.inputs.setdefault(name, own) == own
    reading.source = name
    return lambda params, value: params[f"input {name}"], own


def dense(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """`z = W @ a + b`, for a matrix in each row; `W` its own or an earlier one."""
    reading.number += 1
    width, tied = reading.size(call.get(0, "size")), call.get(3, "tied")
    name = tied or reading.new(f"W{reading.number}", width, shape[-1])
    bias = reading.new(f"b{reading.number}", width) if call.get(1, "bias", True) else None
    if not tied:
        reading.starts[name] = call.get(2, "initialiser") or "xavier_uniform"
        reading.waiting = "" if call.get(2, "initialiser") else name

    def step(params: Params, value: Array) -> Array:
        W = params[name.removesuffix(".T")]
        z = np.einsum("ij,...j->...i", W.T if name.endswith(".T") else W, value)
        return z if bias is None else z + params[bias]

    return step, (*shape[:-1], width)


def embedding(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Rows of a table selected by ids, one after the other or as a matrix."""
    width = reading.size(call.get(1, "size"))
    reading.tables += 1
    vocabulary = reading.size(call.get(0, "vocabulary"))
    name = reading.new(f"E{reading.tables}", vocabulary, width)
    assert reading.ids.setdefault(reading.source, vocabulary) == vocabulary
    after = (shape[0] * width,) if call.get(2, "flatten", True) else (shape[0], width)
    return lambda params, ids: params[name][ids].reshape(len(ids), *after), after


def residual(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A block plus its input, which goes through a Dense without bias where there is a projection."""
    block, after = reading.chain(call.get(0, "block"), shape)
    shortcut: Step = in_turn([])
    if call.get(1, "projection", False):
        shortcut, _ = dense(reading, Call("Dense", (after[-1],), {"bias": False}), shape)
    reading.waiting = ""  # a sum follows
    return lambda params, value: block(params, value) + shortcut(params, value), after


def branches(reading: Reading, rows: Sequence[Any], shape: Shape) -> tuple[list[Step], list[Shape]]:
    """The steps of rows that read the same value; a weight before them is followed by the first layer of each."""
    waiting, source, read = reading.waiting, reading.source, []
    for row in rows:
        reading.waiting, reading.source = waiting, source
        read.append(reading.chain(row, shape))
    reading.waiting = ""  # what is made of the outputs follows
    return [step for step, _ in read], [after for _, after in read]


def joined(join: Callable[..., Array]) -> Callable[[Reading, Call, Shape], tuple[Step, Shape]]:
    """Return the layer of branches whose outputs a function of arrays joins."""

    def layer(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
        steps, shapes = branches(reading, call.positional, shape)
        after = tuple(join(*(np.zeros((1, *one)) for one in shapes)).shape[1:])
        return lambda params, value: join(*(step(params, value) for step in steps)), after

    return layer


def multiplied(*outputs: Array) -> Array:
    """The product of outputs of a batch, each example spread out as NumPy does."""
    rank = max(output.ndim for output in outputs)
    return math.prod(each.reshape(len(each), *[1] * (rank - each.ndim), *each.shape[1:]) for each in outputs)


def highway(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A block mixed with its input by a gate of the input's width."""
    gate = [Call("Dense", (shape[-1],), {}), Call("Sigmoid", (), {})]
    (block, mixer), (after, _) = branches(reading, [call.get(0, "block"), gate], shape)

    def step(params: Params, value: Array) -> Array:
        share = mixer(params, value)
        return share * block(params, value) + (1 - share) * value

    return step, after


def gated(first: Sequence[str], second: Sequence[str]) -> Callable[[Reading, Call, Shape], tuple[Step, Shape]]:
    """Return the layer that multiplies two Dense of one width, each before its activations."""

    def layer(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
        dense = Call("Dense", (call.get(0, "size"),), {"bias": call.get(1, "bias", True)})
        rows = [[dense, *(Call(name, (), {}) for name in after)] for after in (first, second)]
        return joined(multiplied)(reading, Call("Multiply", tuple(rows), {}), shape)

    return layer


def norm(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """The input less its mean, divided by its deviation; what the mean runs over is what the layers differ in."""
    reading.norms += 1
    groups = reading.size(call.get(0, "groups")) if call.name == "GroupNorm" else 1
    centred = call.name != "RMSNorm"
    gamma = reading.new(f"gamma{reading.norms}", shape[-1])
    beta = reading.new(f"beta{reading.norms}", shape[-1]) if centred else None

    def step(params: Params, value: Array) -> Array:
        parts = value.reshape(*value.shape[:-1], groups, -1)
        last, places = parts.ndim - 1, tuple(range(1, parts.ndim - 2))
        axes = {"GroupNorm": (*places, last), "BatchNorm": (0, *places)}.get(call.name, (last,))
        parts = parts - parts.mean(axis=axes, keepdims=True) if centred else parts
        variance = (parts * parts).mean(axis=axes, keepdims=True)
        normed = (parts / np.sqrt(variance + call.keywords.get("eps", 1e-5))).reshape(value.shape)
        return params[gamma] * normed + (params[beta] if beta else 0)

    return step, shape


def attention(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Each head by itself: what a position sees, weighed by `exp(q . k / sqrt(d))`, and a linear layer over all heads.

    Heads of a group, one after the other, share keys and values.
    """
    number, heads = reading.count("attention"), reading.size(call.get(0, "heads"))
    groups, given = call.get(2, "kv_heads"), call.get(3, "head_size")
    groups = heads if groups is None else reading.size(groups)
    d = shape[-1] // heads if given is None else reading.size(given)
    causal, rope, bias = call.get(1, "causal", False), call.get(4, "rope", False), call.get(5, "bias", True)
    source, (memory,) = reading.source, call.get(7, "memory") or (None,)
    width = further_input(reading, memory, shape)[1][-1] if memory else shape[-1]
    for letter, rows, columns in (
        *(("q", heads * d, shape[-1]), ("k", groups * d, width), ("v", groups * d, width)),
        ("o", shape[-1], heads * d),
    ):
        reading.weight(f"W{letter}{number}", rows, columns)
        if bias:
            reading.new(f"b{letter}{number}", rows)
    (mask,) = call.get(6, "mask") or (None,)
    if mask:
        further_input(reading, mask, shape)
        reading.hiding.append(reading.source)
    hiding, reading.source = reading.source, source

    def linear(params: Params, letter: str, value: Array, rows: slice = slice(None)) -> Array:
        z = np.einsum("ij,btj->bti", params[f"W{letter}{number}"][rows], value)
        return z + params[f"b{letter}{number}"][rows] if bias else z

    def step(params: Params, value: Array) -> Array:
        read = params[f"input {memory.get(9, 'name')}"] if memory else value
        before, after = np.arange(read.shape[1])[None, :], np.arange(value.shape[1])[:, None]
        seen = (before <= after) * 1.0 if causal else (before >= 0) * 1.0
        seen = seen * (params[f"input {hiding}"] > 0)[:, None, :] if mask else seen
        found = []
        for head in range(heads):
            own, shared = (slice(at * d, at * d + d) for at in (head, head // (heads // groups)))
            q, k, v = linear(params, "q", value, own), *(linear(params, letter, read, shared) for letter in "kv")
            q, k = (turned(q), turned(k)) if rope else (q, k)
            scores = np.einsum("bti,bsi->bts", q, k) / math.sqrt(d)
            powers = np.exp(scores - np.max(np.real(scores), axis=-1, keepdims=True)) * seen
            found.append(np.einsum("bts,bsi->bti", powers / powers.sum(axis=-1, keepdims=True), v))
        return linear(params, "o", np.concatenate(found, axis=-1))

    return step, shape


def turned(value: Array) -> Array:
    """Each pair of features, half the width apart, turned by its position: the first pair fastest."""
    half, places = value.shape[-1] // 2, np.arange(value.shape[1])[:, None]
    angles = places / 10000 ** (np.arange(half)[None, :] / half)
    x, y = value[..., :half], value[..., half:]
    return np.concatenate([x * np.cos(angles) - y * np.sin(angles), y * np.cos(angles) + x * np.sin(angles)], axis=-1)


def positions(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """What is learned of each place is added."""
    name = reading.new(f"pos{reading.count('positions')}", *shape)
    return lambda params, value: value + params[name], shape


def sinusoidal(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Sines of the place at even features, cosines at odd ones."""
    reading.count("positions")
    places, width = shape
    waves = [
        [(math.cos if i % 2 else math.sin)(t / 10000 ** ((i - i % 2) / width)) for i in range(width)]
        for t in range(places)
    ]
    return lambda params, value: value + np.array(waves), shape


def class_token(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A learned vector before all others."""
    name = reading.learn("cls", shape[-1])

    def step(params: Params, value: Array) -> Array:
        return np.concatenate([value[:, :1] * 0 + params[name], value], axis=1)

    return step, (shape[0] + 1, shape[1])


@dataclass(frozen=True)
class Axis:
    """Where a kernel of `size` elements, `dilation` apart, stands: at `count` places, `stride` apart.

    The axis is padded `before` and `after` its `length`.
    """

    size: int
    stride: int
    dilation: int
    before: int
    after: int
    length: int
    count: int

    def at(self, offset: int) -> list[int]:
        """The padded positions under one element of the kernel, at each of its places."""
        return [place * self.stride + offset * self.dilation for place in range(self.count)]


def axes_of(call: Call, shape: Shape, size: Any, stride: Any = 1) -> list[Axis]:
    """Read where a kernel stands along each axis; a number is meant for all axes, "same" is TensorFlow's."""
    count = len(shape) - 1
    each = [as_many(value, count) for value in (size, stride, call.get(9, "dilation", 1))]
    padding, found = call.get(2, "padding", 0), []
    if isinstance(padding, int) or count == 1:
        padding = (padding,) * count
    for axis, length in enumerate(shape[:-1]):
        kernel, step, dilation = (values[axis] for values in each)
        span = dilation * (kernel - 1) + 1
        if padding in ("same", ("same",)):
            missing = max(0, (-(-length // step) - 1) * step + span - length)
            ends = (missing // 2, missing - missing // 2)
        elif padding == ("causal",):
            ends = (span - 1, 0)
        else:
            ends = as_many(padding[axis], 2)
        places = (length + sum(ends) - span) // step + 1
        found.append(Axis(kernel, step, dilation, *ends, length, places))
    return found


def as_many(value: Any, count: int) -> Any:
    """Return a number for each of several, or what was given for each."""
    return (value,) * count if isinstance(value, int) else value


def offsets(axes: Sequence[Axis]) -> Iterator[tuple[int, ...]]:
    """Yield the elements of a kernel, row by row."""
    return product(*(range(axis.size) for axis in axes))


def under(value: Array, axes: Sequence[Axis], offset: Sequence[int], outside: float = 0) -> Array:
    """Return what lies under one element of the kernel at each of its places, of a whole batch."""
    ends = [(0, 0), *((axis.before, axis.after) for axis in axes), (0, 0)]
    padded = np.pad(value, ends, constant_values=outside)
    for number, (axis, place) in enumerate(zip(axes, offset, strict=True), 1):
        padded = np.take(padded, np.array(axis.at(place)), axis=number)
    return padded


def spread(value: Array, axes: Sequence[Axis], offset: Sequence[int]) -> Array:
    """Return an array of zeros with the values where one element of a kernel meets them: `under` turned round."""
    for number, (axis, place) in enumerate(zip(axes, offset, strict=True), 1):
        places, whole = axis.at(place), axis.length + axis.before + axis.after
        select = np.array([[float(row == at) for at in places] for row in range(whole)])
        value = np.moveaxis(np.tensordot(select, value, (1, number)), 0, number)
    return value


def convolution(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """At each place the sum over the kernel of `W[:, offset] @ x`, each group of channels by itself.

    Transposed, each pixel adds its products to the places under the kernel, the stride apart.
    """
    reading.number += 1
    transposed, place = call.name == "ConvTranspose2D", len(shape) - 1
    channels, size = reading.size(call.get(0, "channels")), call.get(1, "kernel")
    groups = shape[-1] if call.get(9, "depthwise", False) else call.get(9, "groups", 1)
    kernel = as_many(size, place)
    tied = call.get(9, "tied")
    name = tied or reading.new(f"W{reading.number}", channels, *kernel, shape[-1] // groups)
    bias = reading.new(f"b{reading.number}", channels) if call.get(9, "bias", True) else None
    if not tied:
        reading.starts[name] = call.get(9, "initialiser") or "xavier_uniform"
        reading.waiting = "" if call.get(9, "initialiser") else name
    axes = axes_of(call, shape, size, call.get(9, "stride", 1))
    cut = [slice(axis.count) for axis in axes]
    if transposed:
        cut, axes = turned_round(call, axes)

    def step(params: Params, value: Array) -> Array:
        W = params[name.removesuffix(".T")]
        W = np.moveaxis(np.swapaxes(W, 0, -1) if name.endswith(".T") else W, (0, -1), (-1, -2))
        parts = []
        for rows, columns in zip(np.split(value, groups, -1), np.split(W, groups, -1), strict=True):
            if transposed:
                parts.append(sum(spread(rows @ columns[at], axes, at) for at in offsets(axes)))
            else:
                parts.append(sum(under(rows, axes, at) @ columns[at] for at in offsets(axes)))
        z = np.concatenate(parts, axis=-1)[(slice(None), *cut)]
        return z if bias is None else z + params[bias]

    return step, (*(len(range(each.stop)[each]) for each in cut), channels)


def turned_round(call: Call, axes: Sequence[Axis]) -> tuple[list[slice], list[Axis]]:
    """Return what stays of the output of a transposed convolution, and its axes before that: a place for each pixel."""
    cut, whole = [], []
    for axis, added in zip(axes, as_many(call.get(9, "output_padding", 0), 2), strict=True):
        length = (axis.length - 1) * axis.stride + axis.dilation * (axis.size - 1) + 1 + added
        cut.append(slice(axis.before, length - axis.after))
        whole.append(Axis(axis.size, axis.stride, axis.dilation, 0, 0, length, axis.length))
    return cut, whole


def up_sample(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Each pixel repeated in a block."""
    rows, columns = as_many(call.get(0, "size"), 2)
    after = (shape[0] * rows, shape[1] * columns, shape[2])
    return lambda params, value: np.repeat(np.repeat(value, rows, axis=1), columns, axis=2), after


def pool(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """The first largest, or the mean, of what lies in each window; padding is -∞ or a 0 that is counted."""
    size, stride = call.get(0, "size"), call.get(1, "stride")
    axes = axes_of(call, shape, size, size if stride is None else stride)
    largest = call.name.startswith("Max")

    def step(params: Params, value: Array) -> Array:
        seen = np.stack([under(value, axes, at, -np.inf if largest else 0) for at in offsets(axes)])
        if not largest:
            return seen.mean(axis=0)
        return np.take_along_axis(seen, np.argmax(np.real(seen), axis=0)[np.newaxis], axis=0)[0]

    return step, (*(axis.count for axis in axes), shape[-1])


def global_average(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """The mean over all places."""
    return lambda params, value: value.reshape(len(value), -1, shape[-1]).mean(axis=1), shape[-1:]


def at(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """One row of a sequence."""
    place = call.get(0, "place")
    return lambda params, value: value[:, place], shape[1:]


def flatten(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """All elements in a row, or all pixels."""
    if call.get(9, "places", False):
        return lambda params, value: value.reshape(len(value), -1, shape[-1]), (math.prod(shape[:-1]), shape[-1])
    return lambda params, value: value.reshape(len(value), -1), (math.prod(shape),)


def repeat(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A block several times: read anew each time, or read once and run again and again where it is tied."""
    block, count = call.get(0, "block"), reading.size(call.get(1, "count"))
    before, norms, tables, steps = reading.number, reading.norms, reading.tables, []
    outside, learned = reading.sizes, dict(reading.learned)
    masks = len(reading.masks)
    for number in range(1, 2 if call.get(2, "tied", False) else count + 1):
        if isinstance(call.get(1, "count"), (ast.Name, str)):
            reading.sizes = {**outside, "l": number}
        step, shape = reading.chain(block, shape)
        steps.append(step)
    reading.sizes = outside
    if call.get(2, "tied", False) and count > 1:
        meet_first(reading, block)
        own = list(reading.masks)[masks:]
        for number in range(1, count):  # each use has masks of its own
            names = {name: f"m{masks + 1 + place + number * len(own)}" for place, name in enumerate(own)}
            reading.masks |= {other: reading.masks[name] for name, other in names.items()}
            steps.append(renamed(steps[0], names))
        reading.number += (count - 1) * (reading.number - before)  # each use has a number of its own, as z and a have
        reading.norms += (count - 1) * (reading.norms - norms)
        for letter, last in reading.learned.items():
            reading.learned[letter] += (count - 1) * (last - learned.get(letter, 0))
        reading.tables += (count - 1) * (reading.tables - tables)
    return in_turn(steps), shape


def renamed(step: Step, names: Mapping[str, str]) -> Step:
    """Return a step that finds masks under other names."""

    def run(params: Params, value: Array) -> Array:
        return step({**params, **{name: params[other] for name, other in names.items() if other in params}}, value)

    return run


def dropout(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """What goes in times a mask, over the probability to stay; as it is where no mask is given."""
    p, name = call.get(0, "p"), f"m{len(reading.masks) + 1}"
    if p == 0:
        return in_turn([]), shape
    reading.masks[name] = shape
    return lambda params, value: value * params[name] / (1 - p) if name in params else value, shape


def meet_first(reading: Reading, block: Sequence[Call]) -> None:
    """Note that a block is met again: by the first layer that is no block, in each row where there are branches."""
    first = next((call for call in block if call.name not in PASS_ON), block[0])
    waiting = reading.waiting
    if first.name not in BLOCKS:
        return reading.meet(first.name)
    dense = [Call("Dense", (), {})]
    one, units = [first.get(0, "block")], [dense, dense]
    rows = {"Residual": one, "Repeat": one, "Highway": [*one, dense], "GLU": units, "SwiGLU": units}
    for part in rows.get(first.name, first.positional):
        reading.waiting = waiting
        meet_first(reading, part or [Call("Identity", (), {})])
    if first.name not in ("Residual", "Repeat"):
        reading.waiting = ""
    return None


def above(x: Array, y: Any = 0) -> Array:
    """Where the real part of x is greater."""
    return np.real(x) > np.real(y)


def erf(x: Array) -> Array:
    """The error function, along the imaginary axis to first order, which is what a complex step asks for."""
    value = np.vectorize(math.erf, otypes=[float])(np.real(x))
    return value + 2j / np.sqrt(np.pi) * np.exp(-(np.real(x) ** 2)) * np.imag(x) if np.iscomplexobj(x) else value


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array, axis: int = -1) -> Array:
    """`exp(x)` divided by its sum along an axis."""
    powers = np.exp(x - np.max(np.real(x), axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))`."""
    return np.log(1 + np.exp(x))


def gelu(x: Array, approximate: str = "none") -> Array:
    """`x` times the normal distribution function of `x`, or the usual approximation."""
    if approximate == "tanh":
        return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    return x * (1 + erf(x / np.sqrt(2))) / 2


def own_formula(text: str, **values: Array) -> Array:
    """Return the value of a formula in NumPy notation; the texts are those of the tests."""
    return eval(text, {"__builtins__": {"__import__": __import__}}, {**WORDS, **values})  # PyTorch imports as it works


def own_rows(text: str, variable: str, rows: Array, given: Mapping[str, Any]) -> Array:
    """Return the value of a formula in NumPy notation for each row."""
    return np.array([own_formula(text, **{variable: row}, **given) for row in rows])


def own_activation(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """A formula of one letter, of each row along the last axis, with numbers and learned parameters by name."""
    text, learned = call.get(0, "body"), call.get(2, "learned", {})
    numbers = {name: value for name, value in call.keywords.items() if name not in ("body", "name", "learned")}
    named = {}
    for letter, declared in learned.items():
        words = declared.split() if isinstance(declared, str) else declared
        words = [words] if isinstance(words, int) else [each for each in words if str(each) not in STARTS]
        sizes = [shape[-1] if word == "n" else reading.size(word) for word in words if "." not in str(word)]
        named[letter] = reading.learn(letter, *sizes)
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    (variable,) = names - {*WORDS, *numbers, *learned}

    def step(params: Params, value: Array) -> Array:
        given = {**numbers, **{letter: params[name] for letter, name in named.items()}}
        return own_rows(text, variable, value.reshape(-1, shape[-1]), given).reshape(value.shape)

    return step, shape


def own_cell(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """Equations of a moment, run one after the other; what no keyword says has the size of the first that one does."""
    equations = [part.partition("=") for part in call.get(0, "equations").split(";")]
    formulas = {name.strip(): text.strip() for name, _, text in equations}
    trees = {name: ast.parse(text, mode="eval") for name, text in formulas.items()}
    read = {node.id for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Name)}
    sizes = {name: reading.size(size) for name, size in call.keywords.items() if name in formulas}
    brackets = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Slice)]
    cut = {each.id for node in brackets for each in ast.walk(node) if isinstance(each, ast.Name)}
    lengths = {name: reading.size(call.keywords[name]) for name in sorted(cut)}
    units = next(iter((lengths or sizes).values()), shape[-1])
    sizes = {"x": shape[-1], **{name: sizes.get(name, units) for name in formulas}}
    sizes |= {f"{name}_prev": size for name, size in sizes.items()}
    numbers = {name: value for name, value in call.keywords.items() if name in read and name not in sizes} | lengths
    states = [name for name in formulas if f"{name}_prev" in read]
    starts = {letter: words.split()[-1] for letter, words in call.get(9, "learned", {}).items()}
    reading.number += 1
    named: dict[str, str] = {}
    for equation, tree in trees.items():
        maps = {node.left.id: node.right for node in ast.walk(tree) if is_map(node)}
        words = sorted((node.col_offset, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name))
        for _, letter in words:
            if letter in {*sizes, *numbers, *WORDS, *named}:
                continue
            inputs = (
                [node.id for node in ast.walk(maps[letter]) if isinstance(node, ast.Name)] if letter in maps else []
            )
            size = (
                () if letter == "alpha" else (sizes[equation], *[sizes[each] for each in inputs if each in sizes][:1])
            )
            named[letter] = reading.new(f"{letter}{reading.number}", *size)
            if letter in maps or letter in starts:
                reading.starts[named[letter]] = starts.get(letter, "xavier_uniform")
    initial, source = call.get(9, "initial"), reading.source
    if initial == "learned":
        before = {name: reading.new(f"{name}s{reading.number}", sizes[name]) for name in states}
    else:
        several = initial if isinstance(initial, tuple) else (initial,)
        before = {name: given_state(reading, each) for name, each in zip(states, several, strict=False) if each}
    reading.source = source
    output, sequence = call.get(9, "output", list(formulas)[-1]), call.get(9, "sequence", True)
    reading.truncated |= any(is_cut(call, t) for t in range(shape[0]))

    def run(params: Params, rows: Array, example: Any) -> Array:
        given: dict[str, Any] = {**numbers, **{letter: params[name] for letter, name in named.items()}}
        found = []
        for name in states:
            start = params[before[name]] if name in before else np.zeros(sizes[name])
            given[f"{name}_prev"] = start if initial == "learned" or not initial else start[example]
        for t, row in enumerate(rows):
            if is_cut(call, t):
                given |= {name: held(value) for name, value in given.items() if name.endswith("_prev")}
            now = {"x": row}
            for name, text in formulas.items():
                now[name] = own_formula(text, **given, **now)
            given |= {f"{name}_prev": now[name] for name in states}
            found.append(now[output])
        return np.array(found) if sequence else found[-1]

    after = (sizes[output],)
    return lambda params, value: of_examples(partial(run, params), value), (*shape[:sequence], *after)


def of_examples(run: Callable[[Array, Any], Array], values: Array) -> Array:
    """Return what each example becomes, of its values and its number."""
    return np.array([run(rows, at) for at, rows in enumerate(values)])


def is_map(node: ast.AST) -> bool:
    """Whether a name is multiplied from the left by `@`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and isinstance(node.left, ast.Name)


def prelu(reading: Reading, call: Call, shape: Shape) -> tuple[Step, Shape]:
    """`z`, or a learned slope times it where it is not above 0."""
    name = reading.learn("alpha", *(shape[-1:] if call.get(0, "each", False) else ()))
    return lambda params, value: np.where(above(value), value, params[name] * value), shape


STARTS = ("ones", "zeros", "normal", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal")

WORDS: dict[str, Any] = {
    **{f.__name__: f for f in (np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.square, np.sin, np.cos, np.tan)},
    **{f.__name__: f for f in (np.arctan, np.sinh, np.cosh, np.tanh, np.sum, np.mean, np.prod, np.outer, np.where)},
    **{"sigmoid": sigmoid, "softmax": softmax, "softplus": softplus, "gelu": gelu, "erf": erf, "pi": np.pi},
    "abs": lambda x: np.where(above(x), x, -x),
    "sign": lambda x: np.sign(np.real(x)),
    "relu": lambda x: np.where(above(x), x, 0),
    "maximum": lambda x, y: np.where(above(x, y), x, y),
    "minimum": lambda x, y: np.where(above(x, y), y, x),
    "silu": lambda x: x * sigmoid(x),
    "norm": lambda x: np.sqrt(np.sum(x * x)),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))),
    "max": lambda x: x[np.argmax(np.real(x))],
}

ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "Sigmoid": sigmoid,
    "Tanh": np.tanh,
    "ReLU": lambda z: np.where(above(z), z, 0),
    "LeakyReLU": lambda z, slope=0.01: np.where(above(z), z, slope * z),
    "ELU": lambda z, alpha=1: np.where(above(z), z, alpha * (np.exp(z) - 1)),
    "GELU": gelu,
    "SiLU": lambda z: z * sigmoid(z),
    "Softplus": softplus,
    "Identity": lambda z: z,
    "Softmax": softmax,
}
LIKE_RELU = ("ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "Softplus")
"""Activations before which weights start as `he_normal`."""
PASS_ON = ("Dropout", "LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm")
"""Layers behind which the activation decides how the weights before them start."""


def activation(function: Callable[..., Array]) -> Callable[[Reading, Call, Shape], tuple[Step, Shape]]:
    """Return the layer of a function that keeps the shape."""
    return lambda reading, call, shape: (
        lambda params, value: function(value, *call.positional, **call.keywords),
        shape,
    )


LAYERS: dict[str, Callable[[Reading, Call, Shape], tuple[Step, Shape]]] = {
    "Input": further_input,
    "Dense": dense,
    "Embedding": embedding,
    "Residual": residual,
    "Sum": joined(lambda *outputs: sum(outputs)),
    "Multiply": joined(multiplied),
    "Concatenate": joined(lambda *outputs: np.concatenate(outputs, axis=-1)),
    "Highway": highway,
    "GLU": gated([], ["Sigmoid"]),
    "SwiGLU": gated(["SiLU"], []),
    "Repeat": repeat,
    "Dropout": dropout,
    **dict.fromkeys(("Conv1D", "Conv2D", "ConvTranspose2D"), convolution),
    "UpSample2D": up_sample,
    **dict.fromkeys(("MaxPool1D", "MaxPool2D", "AveragePool1D", "AveragePool2D"), pool),
    "GlobalAveragePool": global_average,
    "Flatten": flatten,
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm"), norm),
    "Attention": attention,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), recurrent),
    "Bidirectional": bidirectional,
    "Scan": own_cell,
    "Positions": positions,
    "SinusoidalPositions": sinusoidal,
    "ClassToken": class_token,
    "At": at,
    "Activation": own_activation,
    "PReLU": prelu,
    **{name: activation(function) for name, function in ACTIVATIONS.items()},
}


def binary_cross_entropy(a: Array, y: Array, call: Call, maker: str) -> Array:
    """Cross-entropy of each output, of probabilities where a Sigmoid made them, else of logits."""
    logits = call.get(0, "from_logits")
    given = not logits if logits is not None else maker == "Sigmoid"
    p, q = (a, 1 - a) if given else (sigmoid(a), sigmoid(-a))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(q))


def class_weights(call: Call, classes: int) -> tuple[Array, Array]:
    """Return the weight of each class, and which classes count at all."""
    ignored = call.get(9, "ignore")
    counted = np.ones(classes) if ignored is None else (np.arange(classes) != ignored) * 1.0
    return np.array(call.get(9, "weights", None) or np.ones(classes), dtype=float), counted


def softmax_cross_entropy(a: Array, y: Array, call: Call, maker: str) -> Array:
    """Cross-entropy as PyTorch defines it with weights, a class that is ignored and smoothed labels."""
    weights, counted = class_weights(call, a.shape[-1])
    smoothing = call.get(9, "smoothing", 0)
    smoothed = (1 - smoothing) * y + smoothing / a.shape[-1]
    rows = -np.sum(weights * smoothed * np.log(softmax(a)), axis=-1)
    return np.sum((y @ counted) * rows)


def huber(a: Array, y: Array, call: Call, maker: str) -> Array:
    """Squares of small errors, lines for large ones."""
    e, delta = a - y, call.get(0, "delta", 1)
    size = WORDS["abs"](e)
    return np.sum(np.where(np.real(size) <= delta, e**2 / 2, delta * (size - delta / 2)))


def hinge(a: Array, y: Array) -> Array:
    """What each margin falls short of 1."""
    return np.where(above(1 - y * a), 1 - y * a, 0)


def own_loss(a: Array, y: Array, call: Call, maker: str) -> Array:
    """A formula in the output and the target, with numbers by name, and sizes where the target declares them."""
    numbers = {name: value for name, value in call.keywords.items() if name not in ("body", "name", "y")}
    sizes = [word for word in call.keywords.get("y", "").split()[: np.ndim(a)] if len(word) == 1]
    return own_formula(call.get(0, "body"), a=a, y=y, **numbers, **dict(zip(sizes, np.shape(a), strict=False)))


LOSSES: dict[str, Callable[[Array, Array, Call, str], Array]] = {
    "MeanSquaredError": lambda a, y, call, maker: np.sum((a - y) ** 2) / 2,
    "MeanAbsoluteError": lambda a, y, call, maker: np.sum(WORDS["abs"](a - y)),
    "Huber": huber,
    "Hinge": lambda a, y, call, maker: np.sum(hinge(a, y)),
    "SquaredHinge": lambda a, y, call, maker: np.sum(hinge(a, y) ** 2),
    "SoftmaxCrossEntropy": softmax_cross_entropy,
    "KLDivergence": lambda a, y, call, maker: np.sum(y * (np.log(np.where(y > 0, y, 1)) - np.log(softmax(a)))),
    "BinaryCrossEntropy": binary_cross_entropy,
    "Loss": own_loss,
}
"""Losses of one example, summed over its positions: of the output, the target, the call and the maker of the output."""


def counts(y: Array, call: Call) -> Any:
    """How much an example counts: each position by the weight of its class, or 1; all as one where they are summed."""
    if call.name == "Loss" or call.get(9, "positions") == "sum":
        return 1
    if call.name != "SoftmaxCrossEntropy" or not {"ignore", "weights"} & set(call.keywords):
        return math.prod(y.shape[:-1])
    weights, counted = class_weights(call, y.shape[-1])
    return np.sum(y @ (weights * counted))


PENALTIES: dict[str, Callable[[Sequence[Array], Call], Array]] = {
    "L1": lambda chosen, call: call.get(0, "coefficient") * sum(np.sum(WORDS["abs"](W)) for W in chosen),
    "L2": lambda chosen, call: call.get(0, "coefficient") / 2 * sum(np.sum(W**2) for W in chosen),
}
"""Penalties of the arrays that they keep small."""


class Network:
    """A network as its text says it; `sizes` are numbers for names.

    >>> network = Network("Input(4) >> Repeat(Dense(4) >> Tanh(), N, tied=False) >> MeanSquaredError()", {"N": 2})
    >>> network.parameters
    {'W1': (4, 4), 'b1': (4,), 'W2': (4, 4), 'b2': (4,)}
    """

    def __init__(self, text: str, sizes: Mapping[str, int] | None = None) -> None:
        first, *calls = row(ast.parse(text.strip(), mode="eval").body)
        assert first.name == "Input"
        reading = Reading(dict(sizes or {}))
        _, start = further_input(reading, first, ())
        layers = [call for call in calls if call.name not in LOSSES and call.name not in PENALTIES]
        self.ends = calls[len(layers) :]
        self.output, self.shape = reading.chain(layers, start)
        self.maker, self.parameters, self.starts = reading.maker, reading.parameters, reading.starts
        mask = self.ends[0].get(9, "mask") if self.ends else None
        self.mask = str(mask[0].get(9, "name")) if mask else ""
        for call in mask or ():
            further_input(reading, call, ())
        self.inputs, self.ids, self.masks = reading.inputs, reading.ids, reading.masks
        self.hiding, self.truncated = reading.hiding, reading.truncated
        if not all(self.chosen({name: np.zeros(0) for name in self.parameters}, call) for call in self.ends[1:]):
            raise KeyError("a penalty on no parameter")

    def loss(self, params: Params, x: Mapping[str, Array], y: Array, masks: Params | None = None) -> Any:
        """Return the mean loss of a batch, over all that counts, and the penalties; `x` are the inputs by name.

        Without masks it is that of evaluation.
        """
        (loss, *penalties), batch = self.ends, len(y)
        outputs = self.output({**params, **(masks or {}), **{f"input {name}": x[name] for name in x}}, self.first(x))
        shares = np.ones(len(y))
        if self.mask:  # each position by itself
            shares, width = x[self.mask].reshape(-1), outputs.shape[-1]
            outputs, y = outputs.reshape(-1, width), y.reshape(-1, width)
        total = self.summed(outputs, y, shares)
        counted = sum(share * counts(target, loss) for target, share in zip(y, shares, strict=True))
        penalty = sum(PENALTIES[each.name](self.chosen(params, each), each) for each in penalties)
        return total / (batch if loss.get(9, "positions") == "sum" else counted) + penalty

    def chosen(self, params: Params, call: Call) -> list[Array]:
        """Return the parameters that a penalty keeps small: the weights, or those that it names."""
        patterns = call.get(9, "on", " ".join(self.starts)).split()
        return [value for name, value in params.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]

    def summed(self, outputs: Array, y: Array, shares: Array) -> Any:
        """Return the sum of the losses of several outputs, each times its share."""
        loss = self.ends[0]
        parts = zip(outputs, y, shares, strict=True)
        return sum(share * LOSSES[loss.name](a, target, loss, self.maker) for a, target, share in parts)

    def first(self, x: Mapping[str, Array]) -> Array:
        """Return the first input."""
        return x[next(iter(self.inputs))]

    def derivative(
        self, params: Params, x: Mapping[str, Array], y: Array, along: Params, masks: Params | None = None
    ) -> float:
        """Return the derivative of the loss along a direction, by a complex step."""
        step = 1e-30
        moved = {name: value + 1j * step * along[name] for name, value in params.items()}
        return float(np.imag(self.loss(moved, x, y, masks)) / step)


def size_names(text: str) -> tuple[list[str], list[str]]:
    """Return the names of sizes and those of counts, in order."""
    tree = ast.parse(text.strip(), mode="eval")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    functions = [call.func for call in calls]
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in functions]
    repeats = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Repeat"]
    counts = [call.args[1].id for call in repeats if isinstance(call.args[1], ast.Name)]
    return [name for name in dict.fromkeys(names) if name not in counts], list(dict.fromkeys(counts))
