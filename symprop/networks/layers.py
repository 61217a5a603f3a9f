"""Layers: each turns its input into equations for one example, a few lines of algebra and no calculus.

A new layer is one frozen dataclass with a `build`, and its name in `symprop.networks.spec.LAYERS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import sympy

from symprop.algebra.nodes import Fact, MatMul, Node, Reshape, Take, Transpose, Variable
from symprop.algebra.nodes import Softmax as SoftmaxNode
from symprop.algebra.roles import INPUT, PRE_ACTIVATION
from symprop.errors import SpecError, shown
from symprop.networks.builder import DEFAULT_INITIALISER, Builder
from symprop.networks.initialisers import checked_initialiser
from symprop.networks.needs import Need, sized
from symprop.networks.sizes import Size, changed_size, checked_size
from symprop.networks.ties import checked_tie, tied_weight

if TYPE_CHECKING:
    from symprop.networks.blocks import Chain
    from symprop.networks.network import Network


@dataclass(frozen=True)
class Layer:
    """Abstract base of layers: `build` appends equations and returns the output; `>>` puts layers in a row."""

    is_activation: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    is_transparent: ClassVar[bool] = False
    """Whether the layer only holds others: the first of them follows what stands before, the last gives the output."""
    preferred_initialiser: ClassVar[str] = DEFAULT_INITIALISER
    """How the weights right before this activation start."""

    def build(self, builder: Builder, value: Variable) -> Variable:
        """Append this layer's equations for its input `value` and return its output."""
        raise NotImplementedError

    def needs(self, shape: tuple[sympy.Expr, ...]) -> Iterable[Need]:
        """Yield what the sizes of an input of this shape, and the layer's own, must be; most layers take every size."""
        return ()

    def makes(self, shape: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        """Return the shape of the output where its sizes are made of those of an input of this shape."""
        return ()

    @property
    def inner(self) -> tuple[Layer, ...]:
        """The layers inside a block."""
        return ()

    @cached_property
    def depth(self) -> int:
        """How deep blocks are nested in the layer; 0 where it is no block."""
        return 1 + max(layer.depth for layer in self.inner) if self.inner else 0

    def __rshift__(self, other: Layer | Chain) -> Chain | Network:
        from symprop.networks.network import joined  # the row of layers knows the layers, and this closes the circle

        return joined(self, other)

    @property
    def text(self) -> str:
        """The layer in canonical notation, which reads back."""
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING:
                parts.append(argument_text(value, bare=field.name in _SIZES))
            elif value != field.default:
                parts.append(f"{field.name}={argument_text(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __str__(self) -> str:
        return self.text

    @property
    def own_sizes(self) -> tuple[Size, ...]:
        """The sizes of the layer itself, numbers and names, in order."""
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self) if field.name in _SIZES)

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes of the layer and of the layers inside it."""
        return self.own_sizes + tuple(size for layer in self.inner for size in layer.sizes)

    def with_sizes(self, change: dict[Size, Size]) -> Layer:
        """Return the layer with sizes replaced: names or numbers."""
        changed = {
            field.name: changed_size(getattr(self, field.name), change)
            for field in dataclasses.fields(self)
            if field.name in _SIZES
        }
        return dataclasses.replace(self, **changed) if changed else self


_SIZES = frozenset({"size", "vocabulary"})
"""The fields that hold sizes, in every layer."""


def argument_text(value: Any, bare: bool = False) -> str:
    """Return an argument of a layer as it is typed; a size's name stands bare."""
    written = value.text() if isinstance(value, Node) else value  # a formula is typed as text
    if isinstance(written, str) and not bare:
        return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(written)  # a block's `str` is its text


@dataclass(frozen=True)
class Input(Layer):
    """The input `x`: a vector of `size` numbers, or of `size` ids where an `Embedding` follows.

    >>> Input(64).text
    'Input(64)'

    Raises:
        SpecError: no size: not a whole number from 1, and not a name.
        LimitError: a size above 10,000,000.
    """

    size: Size

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(self.size, "Input"))

    def __rshift__(self, other: Layer | Chain) -> Network:
        from symprop.networks.network import joined

        return joined(self, other)

    def start(self, builder: Builder) -> Variable:
        """Enter the input of the network."""
        x = builder.variable("x", (), (builder.size(self.size),), INPUT)
        builder.books.inputs.append(x)
        builder.books.layer_count += 1
        builder.books.previous = self
        return x

    def build(self, builder: Builder, value: Variable) -> Variable:
        raise SpecError(f"{self.text} stands after another layer; a network has one Input, the first layer")


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer, `z = W @ a + b`, along the last axis of its input.

    With `tied` it has no weight of its own but multiplies by an earlier one ("W1"), by its transpose ("W1.T") or by the
    table of an Embedding ("E1"); the bias is its own.

    >>> Dense(32, bias=False).text
    'Dense(32, bias=False)'
    >>> coder = Input(8) >> Dense(3) >> Dense(8, tied="W1.T")
    >>> [equation.text() for equation in coder.system().equations]
    ['z1 = W1 @ x + b1', 'z2 = W1.T @ z1 + b2']

    Raises:
        SpecError: no width or initialiser, or, where it is built, a tie to no earlier weight or to a misfit.
    """

    size: Size
    bias: bool = True
    initialiser: str | None = None
    tied: str | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(self.size, "Dense"))
        if not isinstance(self.bias, bool):
            raise SpecError(f"Dense: bias is True or False, not {shown(self.bias)}")
        checked_initialiser(self.initialiser, "Dense")
        checked_tie(self.tied, self.initialiser)

    def build(self, builder: Builder, value: Variable) -> Variable:
        return dense(builder, value, builder.size(self.size), self.bias, self.initialiser, self.tied)


def dense(
    builder: Builder, value: Variable, size: sympy.Expr, bias: bool, initialiser: str | None, tied: str | None = None
) -> Variable:
    """Append `z = W @ value + b` and return `z`; a matrix holds one example in each row."""
    number = builder.next_number()
    fan_in = value.shape[-1]
    if tied is None:
        W: Node = builder.parameter("W", number, (size, fan_in), "weight", initialiser, (fan_in, size))
    else:
        W = tied_weight(builder, tied, number, (size, fan_in))
    product: Node = MatMul(W, value) if value.rank == 1 else MatMul(value, _turned(W))
    if bias:
        waiting = builder.books.waiting
        product = product + builder.parameter("b", number, (size,), "bias", "zeros", (fan_in, size))
        builder.books.waiting = waiting
    return builder.equation("z", number, product, "pre-activation", PRE_ACTIVATION)


def _turned(W: Node) -> Node:
    """The transpose of a matrix; a transpose turns back into what it is made of."""
    return W.operands[0] if isinstance(W, Transpose) else W.T


@dataclass(frozen=True)
class Embedding(Layer):
    """Rows of a table `E: (vocabulary, size)` selected by the ids of the input.

    For `k` ids the output is the rows one after the other, `(k * size,)`, or without `flatten` a matrix, `(k, size)`.

    >>> (Input(3) >> Embedding(27, 10)).system().output.shape
    (30,)

    Raises:
        SpecError: it does not stand right after the `Input`.
    """

    vocabulary: Size
    size: Size
    flatten: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", checked_size(self.vocabulary, "Embedding"))
        object.__setattr__(self, "size", checked_size(self.size, "Embedding"))
        if not isinstance(self.flatten, bool):
            raise SpecError(f"Embedding: flatten is True or False, not {shown(self.flatten)}")

    def makes(self, shape: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        return (shape[0] * sized(self.size),) if self.flatten else ()

    def build(self, builder: Builder, value: Variable) -> Variable:
        if not isinstance(builder.books.previous, Input) or builder.nesting > 1:
            raise SpecError(f"{self.text} does not stand right after Input; its input are ids, not numbers")
        vocabulary, size = builder.size(self.vocabulary), builder.size(self.size)
        ids = value.change(facts=sympy.Tuple(Fact("index", vocabulary)))
        builder.books.inputs[:] = [ids]
        number = builder.next_number("embedding")
        table = builder.parameter("E", number, (vocabulary, size), "table", "normal", (vocabulary, size))
        rows: Node = Take(table, ids)
        if self.flatten:
            rows = Reshape(rows, (sympy.prod(rows.shape),))
        return builder.equation("e", number, rows, "embedding")


@dataclass(frozen=True)
class Softmax(Layer):
    """`exp(z_i) / sum_j exp(z_j)` along the last axis; the shape stays.

    >>> [equation.text() for equation in (Input(3) >> Dense(2) >> Softmax()).system().equations]
    ['z1 = W1 @ x + b1', 'a1 = softmax(z1)']

    Raises:
        SpecError: over one class, where it would always be 1.
    """

    is_activation: ClassVar[bool] = True

    def needs(self, shape: tuple[sympy.Expr, ...]) -> Iterable[Need]:
        one = "Softmax over one class is always 1\nfor one probability use Sigmoid() and BinaryCrossEntropy()"
        yield Need(shape[-1], least=2, otherwise=one)

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.activation(SoftmaxNode(value), "softmax")
