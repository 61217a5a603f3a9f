"""Layers: each turns its input into equations for one example, a few lines of algebra and no calculus.

A new layer is one frozen dataclass with a `build`, and its name in `symprop.networks.spec.LAYERS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import sympy

from symprop.algebra.nodes import Fact, MatMul, Node, Variable
from symprop.algebra.roles import PRE_ACTIVATION
from symprop.errors import SpecError, shown
from symprop.keywords import Checked
from symprop.networks.builder import SHARES, Builder
from symprop.networks.initialisers import checked_initialiser
from symprop.networks.joining import Joinable
from symprop.networks.likelihoods import Likelihood
from symprop.networks.needs import Need
from symprop.networks.parts import DEFAULT_INITIALISER, argument_text
from symprop.networks.sizes import (
    MOST_AXES,
    Size,
    changed_size,
    checked_flag,
    checked_input_name,
    checked_size,
    size_fields,
    sizes_in,
)
from symprop.networks.ties import checked_tie, tied_weight


@dataclass(frozen=True)
class Layer(Checked, Joinable):
    """Abstract base of layers: `build` appends equations and returns the output; `>>` puts layers in a row."""

    is_activation: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    found_in: ClassVar[str] = ""  # which frameworks and papers have this form of a layer that has several
    is_transparent: ClassVar[bool] = False
    """Whether the layer only holds others: the first of them follows what stands before, the last gives the output."""
    is_opened: ClassVar[bool] = True
    """Whether its rows, if it has some, are layers that somebody wrote, and not how it works."""
    reads_windows: ClassVar[bool] = False
    """Whether the layer works on windows of a sequence or an image, whose places pages take for rows of one matrix."""
    passes_on: ClassVar[bool] = False
    """Whether the activation behind the layer decides how the weights before it start: it has no slope of its own."""
    is_drawn: ClassVar[bool] = False
    """Whether a report draws what is in it, its equations, too."""
    preferred_initialiser: ClassVar[str] = DEFAULT_INITIALISER
    """How the weights right before this activation start."""

    family: ClassVar[str] = ""
    """What it is one of several of, each of which may stand where another does, as a pool."""

    def build(self, builder: Builder, value: Variable) -> Variable:
        """Append this layer's equations for its input `value` and return its output."""
        raise NotImplementedError

    def likelihood(self, output: Variable, counted: Variable | None) -> Likelihood:
        """Return the distribution of the targets of which a loss is the negative logarithm, where one is known.

        `counted` is what the loss of a batch is divided by where that is not the number of examples.
        """
        return Likelihood()

    def needs(self, shape: tuple[sympy.Expr, ...]) -> Iterable[Need]:
        """Yield what the sizes of an input of this shape, and the layer's own, must be; most layers take every size."""
        return ()

    def makes(self, *shapes: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        """Return the shape of the output where its sizes are made of those of an input of this shape.

        Where rows of layers are joined, the shapes are those of their outputs.
        """
        return ()

    def facts_of_input(self, builder: Builder) -> tuple[Fact, ...]:
        """Return what is known of an input that this layer is the first to read.

        Raises:
            SpecError: branches that read it as different things.
        """
        return ()

    @property
    def rows(self) -> tuple[Any, ...]:
        """The rows of layers inside a block, `Chain`s: one, or branches side by side."""
        return ()

    def with_rows(self, rows: Sequence[Any]) -> Layer:
        """Return the block with other layers in its rows."""
        own = [field.name for field in dataclasses.fields(self) if getattr(self, field.name) in self.rows]
        return dataclasses.replace(self, **dict(zip(own, rows, strict=False)))

    @property
    def inner(self) -> tuple[Layer, ...]:
        """The layers inside a block."""
        return tuple(layer for row in self.rows for layer in row.layers)

    @cached_property
    def depth(self) -> int:
        """How deep blocks are nested in the layer; 0 where it is no block."""
        return 1 + max(layer.depth for layer in self.inner) if self.inner else 0

    @property
    def text(self) -> str:
        """The layer in canonical notation, which reads back."""
        parts, sizes = [], size_fields(self)
        for field in sorted(dataclasses.fields(self), key=lambda field: bool(field.kw_only)):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING:
                parts.append(argument_text(value, field.name in sizes))
            elif value != field.default:
                parts.append(f"{field.name}={argument_text(value, field.name in sizes)}")
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def caption(self) -> str:
        """What a drawing writes into the box of the layer."""
        return type(self).__name__

    @property
    def arrows(self) -> tuple[int, ...]:
        """How many arrows a drawing has to the layer: from the one before it, and from each further input."""
        return (1, *(1 for _ in self.further_inputs))

    def __str__(self) -> str:
        return self.text

    @property
    def _arguments(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def own_sizes(self) -> tuple[Size, ...]:
        """The sizes of the layer itself, numbers and names, in order."""
        found: list[Size] = []
        for name, value in self._arguments.items():
            found += [size for each in _layers(value) for size in each.own_sizes]
            found += sizes_in(value) if name in size_fields(self) else ()
        return tuple(found)

    @property
    def further_inputs(self) -> tuple[Input, ...]:
        """The inputs among the arguments of the layer."""
        inside = [each for value in self._arguments.values() for each in _layers(value)]
        parts = [(each,) if isinstance(each, Input) else each.further_inputs for each in inside]
        return tuple(each for part in parts for each in part)

    @property
    def masks(self) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
        """The names of those of them that say which positions count, and what is known of each."""
        inside = [mask for value in self._arguments.values() for each in _layers(value) for mask in each.masks]
        own = [value.name for name, value in self._arguments.items() if name == "mask" and isinstance(value, Input)]
        return (*((name, self.facts_of_mask) for name in own), *inside)

    @property
    def facts_of_mask(self) -> tuple[Fact, ...]:
        """What is known of the mask of this layer."""
        return SHARES

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes of the layer and of the layers inside it."""
        return self.own_sizes + tuple(size for layer in self.inner for size in layer.sizes)

    def with_sizes(self, change: dict[Size, Size]) -> Layer:
        """Return the layer with sizes replaced: names or numbers."""
        changed: dict[str, Any] = {}
        for name, value in self._arguments.items():
            if layers := tuple(each.with_sizes(change) for each in _layers(value)):
                changed[name] = layers if isinstance(value, tuple) else layers[0]
            elif name in size_fields(self):
                changed[name] = changed_size(value, change)
        resized = dataclasses.replace(self, **changed) if changed else self
        return resized.with_rows([row.with_sizes(change) for row in self.rows]) if self.rows else resized


def _layers(value: Any) -> tuple[Layer, ...]:
    """The layers that an argument holds: one, several, or none."""
    return tuple(each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Layer))


@dataclass(frozen=True, init=False)
class Input(Layer):
    """What a network reads for each example: an array of numbers, or of ids where an `Embedding` follows.

    A vector is `Input(64)`, a sequence `Input(T, n)`, an image `Input(28, 28, 1)`. The first layer of a network is one;
    a further input stands where it is used, as an argument of a layer, under a name of its own.

    >>> Input(28, 28, 1).text, Input("n", name="memory").text
    ('Input(28, 28, 1)', 'Input(n, name="memory")')

    Raises:
        SpecError: no size, or more than 8; one that is no whole number from 1 and no name; a name that cannot stand.
        LimitError: a size above 10,000,000.
    """

    shape: tuple[Size, ...]
    name: str

    def __init__(self, *sizes: Size, name: str = "x") -> None:
        if not 1 <= len(sizes) <= MOST_AXES:
            raise SpecError(
                f"Input: {len(sizes)} sizes\nallowed: 1 to {MOST_AXES}, such as Input(64) or Input(28, 28, 1)"
            )
        object.__setattr__(self, "shape", tuple(checked_size(size, "Input") for size in sizes))
        object.__setattr__(self, "name", checked_input_name(name))

    @property
    def text(self) -> str:
        """The input in canonical notation, which reads back."""
        named = [] if self.name == "x" else [f"name={argument_text(self.name)}"]
        return f"Input({', '.join([*map(str, self.shape), *named])})"

    @property
    def own_sizes(self) -> tuple[Size, ...]:
        """The sizes of one example, in order."""
        return self.shape

    def with_sizes(self, change: dict[Size, Size]) -> Input:
        """Return the input with sizes replaced: names or numbers."""
        return Input(*(changed_size(size, change) for size in self.shape), name=self.name)

    def start(self, builder: Builder, after: Iterable[Layer]) -> Variable:
        """Enter the input that a row reads, whose first layer, if any, is that of `after`.

        Raises:
            SpecError: it is used elsewhere as something else.
        """
        builder.books.layer_count += 1
        builder.books.previous = self
        facts = [fact for layer in after for fact in layer.facts_of_input(builder)]
        return builder.further_input(self, facts=tuple(facts))

    def branch(self, builder: Builder, after: Iterable[Layer]) -> Variable:
        """Enter the input of a branch, as `start` does.

        Raises:
            SpecError: it has the name of the network's first input.
        """
        if self.name == builder.books.inputs[0].name:
            raise SpecError(
                f"{shown(self.text)} stands in a branch under the name of the network's first input\n"
                'allowed: a name of its own, such as name="side", or no Input: a branch reads what stands before'
            )
        return self.start(builder, after)

    def build(self, builder: Builder, value: Variable) -> Variable:
        raise SpecError(f"{self.text} stands after another layer; a network has one Input, the first layer")


def checked_input(given: Any, what: str) -> Input:
    """Return an argument of a layer that is a further input; `what` says whose it is.

    Raises:
        SpecError: no `Input`.
    """
    if not isinstance(given, Input):
        raise SpecError(f'{what} is an input, such as Input(8, name="memory"), not {shown(given)}')
    return given


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
        checked_flag(self.bias, "Dense: bias")
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
    product: Node = MatMul(W, value) if value.rank == 1 else MatMul(value, W.permuted((1, 0)))
    if bias:
        waiting = builder.books.waiting
        product = product + builder.parameter("b", number, (size,), "bias", "zeros", (fan_in, size))
        builder.books.waiting = waiting
    return builder.equation("z", number, product, "pre-activation", PRE_ACTIVATION)
