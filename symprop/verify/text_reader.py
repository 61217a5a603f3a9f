"""The parameters of a network as its text tells them: a second reading that shares no code with the layers.

All other oracles read the equations that layers write, so none sees one that writes what its text does not say, as a
block that is tied in the text and has parameters of its own in the equations. Here stands for each layer what
`docs/networks.md` says of its parameters and of the shape of its output, for a text in which every size is a number.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

Shape = tuple[int, ...]


class UnreadError(LookupError):
    """A layer that this does not read: one of one's own, or a cell of one's own."""


@dataclass(frozen=True)
class Call:
    """A layer as it is typed: a name, and arguments: numbers, texts, rows of layers, tuples or dicts of these."""

    name: str
    positional: tuple[Any, ...]
    keywords: dict[str, Any]

    def get(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument by its position or its name."""
        return self.positional[position] if position < len(self.positional) else self.keywords.get(name, default)


def _argument(node: ast.expr | None) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int(number) | float(number))):
            return -number
        case ast.Tuple(elts):
            return tuple(map(_argument, elts))
        case ast.Dict(keys, values):
            return dict(zip(map(_argument, keys), map(_argument, values), strict=True))
        case ast.Call() | ast.BinOp():
            return _row(node)
    raise UnreadError(ast.unparse(node) if node else "**")


def _row(node: ast.expr) -> list[Call]:
    """Return the layers of a row; a penalty follows its loss as one more."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.RShift, ast.Add)):
        return [*_row(node.left), *_row(node.right)]
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise UnreadError(ast.unparse(node))
    keywords = {str(each.arg): _argument(each.value) for each in node.keywords}
    return [Call(node.func.id, tuple(map(_argument, node.args)), keywords)]


@dataclass
class Told:
    """What is known after the layers so far: parameters in their order, and how many there are of each thing."""

    parameters: dict[str, Shape] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)

    def new(self, name: str, *shape: int) -> None:
        """Enter a parameter."""
        if name in self.parameters:
            raise UnreadError(name)
        self.parameters[name] = shape

    def number(self, of: str) -> int:
        """Return how many there are of something, with one more."""
        self.count[of] += 1
        return self.count[of]

    def chain(self, calls: Sequence[Call], shape: Shape) -> Shape:
        """Read layers in a row, and return the shape of what they make."""
        for call in calls:
            if call.name not in LAYERS:
                raise UnreadError(call.name)
            shape = LAYERS[call.name](self, call, shape)
        return shape


def parameters_of(text: str) -> dict[str, Shape]:
    """Return the parameters of a network and their shapes, in order; every size is a number.

    >>> parameters_of("Input(4) >> Repeat(Repeat(Tanh(), 2, tied=True) >> Dense(4), 2, tied=True)")
    {'W1': (4, 4), 'b1': (4,)}

    Raises:
        UnreadError: a layer that is not one of symprop's, or a `Scan`.
    """
    told = Told()
    told.chain(_row(ast.parse(text.strip(), mode="eval").body), ())
    return told.parameters


Layer = Callable[[Told, Call, Shape], Shape]


def _dense(told: Told, call: Call, shape: Shape) -> Shape:
    number, width = told.number("layer"), call.get(0, "size")
    if not call.get(3, "tied"):
        told.new(f"W{number}", width, shape[-1])
    if call.get(1, "bias", True):
        told.new(f"b{number}", width)
    return (*shape[:-1], width)


def _embedding(told: Told, call: Call, shape: Shape) -> Shape:
    width = call.get(1, "size")
    told.new(f"E{told.number('table')}", call.get(0, "vocabulary"), width)
    return (shape[0] * width,) if call.get(2, "flatten", True) else (shape[0], width)


def _each(value: Any, count: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * count


def _places(call: Call, shape: Shape, size: Any, stride: Any, turned: bool = False) -> Shape:
    """Return at how many places along each axis a kernel stands, or how many a transposed one makes."""
    axes = len(shape) - 1
    padding = call.get(2, "padding", 0)
    ends = (padding,) * axes if axes == 1 or not isinstance(padding, tuple) else padding
    dilation, added = call.get(9, "dilation", 1), call.get(9, "output_padding", 0)
    options = (_each(each, axes) for each in (size, stride, dilation, added))
    found = []
    for length, end, kernel, step, apart, more in zip(shape[:-1], ends, *options, strict=True):
        span = apart * (kernel - 1) + 1
        both = 0 if isinstance(end, str) else sum(_each(end, 2))
        if turned:
            found.append((length - 1) * step + span + more - both)
        elif end == "same":
            found.append(-(-length // step))
        else:
            found.append((length + (span - 1 if end == "causal" else both) - span) // step + 1)
    return tuple(found)


def _convolution(told: Told, call: Call, shape: Shape) -> Shape:
    number, channels, kernel = told.number("layer"), call.get(0, "channels"), call.get(1, "kernel")
    groups = shape[-1] if call.get(9, "depthwise", False) else call.get(9, "groups", 1)
    if not call.get(9, "tied"):
        told.new(f"W{number}", channels, *_each(kernel, len(shape) - 1), shape[-1] // groups)
    if call.get(9, "bias", True):
        told.new(f"b{number}", channels)
    turned = call.name == "ConvTranspose2D"
    return (*_places(call, shape, kernel, call.get(9, "stride", 1), turned), channels)


def _pool(told: Told, call: Call, shape: Shape) -> Shape:
    size, stride = call.get(0, "size"), call.get(1, "stride")
    return (*_places(call, shape, size, size if stride is None else stride), shape[-1])


def _up_sample(told: Told, call: Call, shape: Shape) -> Shape:
    return (*(size * more for size, more in zip(shape, _each(call.get(0, "size"), 2), strict=False)), shape[-1])


def _flatten(told: Told, call: Call, shape: Shape) -> Shape:
    return (prod(shape[:-1]), shape[-1]) if call.get(9, "places", False) else (prod(shape),)


def _norm(told: Told, call: Call, shape: Shape) -> Shape:
    number = told.number("norm")
    told.new(f"gamma{number}", shape[-1])
    if call.name != "RMSNorm":
        told.new(f"beta{number}", shape[-1])
    return shape


def _attention(told: Told, call: Call, shape: Shape) -> Shape:
    number, heads, width = told.number("attention"), call.get(0, "heads"), shape[-1]
    groups, size, memory = (call.get(at, name) for at, name in ((2, "kv_heads"), (3, "head_size"), (7, "memory")))
    size, groups = size or width // heads, groups or heads
    read = memory[0].positional[-1] if memory else width
    for letter, rows, columns in (
        *(("q", heads * size, width), ("k", groups * size, read), ("v", groups * size, read)),
        ("o", width, heads * size),
    ):
        told.new(f"W{letter}{number}", rows, columns)
        if call.get(5, "bias", True):
            told.new(f"b{letter}{number}", rows)
    return shape


def _recurrent(told: Told, call: Call, shape: Shape) -> Shape:
    number, size = told.number("layer"), call.get(0, "size")
    rows, bias = {"RNN": 1, "LSTM": 4, "GRU": 3}[call.name] * size, call.get(9, "bias", True)
    told.new(f"W{number}", rows, shape[-1])
    told.new(f"R{number}", rows, size)
    if bias:
        told.new(f"b{number}", rows)
        if call.name == "GRU" and call.get(9, "reset", "after") == "after":
            told.new(f"bh{number}", size)
    if call.get(9, "initial") == "learned":
        for letter in "hc"[: 1 + (call.name == "LSTM")]:
            told.new(f"{letter}s{number}", size)
    return (shape[0], size) if call.get(9, "sequence", True) else (size,)


def _bidirectional(told: Told, call: Call, shape: Shape) -> Shape:
    for _ in range(2):
        after = told.chain(call.get(0, "cell"), shape)
    return (*after[:-1], 2 * after[-1])


def _positions(told: Told, call: Call, shape: Shape) -> Shape:
    number = told.number("positions")
    if call.name == "Positions":
        told.new(f"pos{number}", *shape)
    return shape


def _class_token(told: Told, call: Call, shape: Shape) -> Shape:
    told.new(f"cls{told.number('cls')}", shape[-1])
    return (shape[0] + 1, shape[1])


def _residual(told: Told, call: Call, shape: Shape) -> Shape:
    after = told.chain(call.get(0, "block"), shape)
    if call.get(1, "projection", False):
        _dense(told, Call("Dense", (after[-1],), {"bias": False}), shape)
    return after


def _branches(told: Told, call: Call, shape: Shape) -> Shape:
    shapes = [told.chain(row, shape) for row in call.positional]
    if call.name == "Concatenate":
        return (*shapes[0][:-1], sum(each[-1] for each in shapes))
    rank = max(map(len, shapes))
    whole = [(1,) * (rank - len(each)) + each for each in shapes]
    return tuple(map(max, zip(*whole, strict=True)))


def _highway(told: Told, call: Call, shape: Shape) -> Shape:
    after = told.chain(call.get(0, "block"), shape)
    _dense(told, Call("Dense", (shape[-1],), {}), shape)
    return after


def _gated(told: Told, call: Call, shape: Shape) -> Shape:
    one = Call("Dense", (call.get(0, "size"),), {"bias": call.get(1, "bias", True)})
    _dense(told, one, shape)
    return _dense(told, one, shape)


def _repeat(told: Told, call: Call, shape: Shape) -> Shape:
    """A block several times; of a tied one all but the numbers stand where they stood."""
    count, before = call.get(1, "count"), Counter(told.count)
    if not call.get(2, "tied", False):
        for _ in range(count):
            shape = told.chain(call.get(0, "block"), shape)
        return shape
    after = told.chain(call.get(0, "block"), shape)
    for what, last in list(told.count.items()):
        told.count[what] += (count - 1) * (last - before[what])
    return after


STARTS = ("ones", "zeros", "normal", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal")


def _activation(told: Told, call: Call, shape: Shape) -> Shape:
    """An own activation, whose learned parameters have a count for each letter; `n` is the width."""
    for letter, declared in (call.get(2, "learned") or {}).items():
        words = declared.split() if isinstance(declared, str) else _each(declared, 1)
        sizes = [word for word in words if str(word) not in STARTS and "." not in str(word)]
        told.new(
            f"{letter}{told.number(letter)}", *(shape[-1] if word in ("n", shape[-1]) else int(word) for word in sizes)
        )
    return shape


def _prelu(told: Told, call: Call, shape: Shape) -> Shape:
    told.new(f"alpha{told.number('alpha')}", *(shape[-1:] if call.get(0, "each", False) else ()))
    return shape


KEPT = (
    *("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Identity", "Softmax", "Dropout"),
    *("MeanSquaredError", "MeanAbsoluteError", "Huber", "SoftmaxCrossEntropy", "BinaryCrossEntropy", "KLDivergence"),
    *("Hinge", "SquaredHinge", "Loss", "L1", "L2"),
)
"""Layers, losses and penalties without parameters."""

LAYERS: dict[str, Layer] = {
    **dict.fromkeys(KEPT, lambda told, call, shape: shape),
    "Input": lambda told, call, shape: call.positional,
    "Dense": _dense,
    "Embedding": _embedding,
    **dict.fromkeys(("Conv1D", "Conv2D", "ConvTranspose2D"), _convolution),
    **dict.fromkeys(("MaxPool1D", "MaxPool2D", "AveragePool1D", "AveragePool2D"), _pool),
    "UpSample2D": _up_sample,
    "GlobalAveragePool": lambda told, call, shape: shape[-1:],
    "Flatten": _flatten,
    "At": lambda told, call, shape: shape[1:],
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm"), _norm),
    "Attention": _attention,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    "Bidirectional": _bidirectional,
    **dict.fromkeys(("Positions", "SinusoidalPositions"), _positions),
    "ClassToken": _class_token,
    "Residual": _residual,
    **dict.fromkeys(("Sum", "Multiply", "Concatenate"), _branches),
    "Highway": _highway,
    **dict.fromkeys(("GLU", "SwiGLU"), _gated),
    "Repeat": _repeat,
    "Activation": _activation,
    "PReLU": _prelu,
}
