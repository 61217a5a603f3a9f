"""Blocks: layers in a row, and blocks that repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sympy import Expr, Symbol

from symprop.algebra.nodes import Variable
from symprop.errors import LimitError, SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.joining import Row
from symprop.networks.layers import Input, Layer
from symprop.networks.loops import Block, build_loop
from symprop.networks.sizes import DEEPEST_NESTING, LOOP_SYMBOLS, MOST_LAYERS, Size, checked_flag, checked_size


@dataclass(frozen=True)
class Chain(Row):
    """Layers in a row without an input: a block, until an `Input` in front makes it a network."""

    layers: tuple[Layer, ...]

    @property
    def text(self) -> str:
        """The row in canonical notation."""
        return " >> ".join(layer.text for layer in self.layers)

    def __str__(self) -> str:
        return self.text

    def with_sizes(self, change: dict[Size, Size]) -> Chain:
        """Return the row with sizes replaced."""
        return Chain(tuple(layer.with_sizes(change) for layer in self.layers))


def block_of(block: Any, what: str) -> Chain:
    """Return `block` as a row of layers.

    Raises:
        SpecError: not layers, or an Input or a loss among them.
    """
    chain = Chain((block,)) if isinstance(block, Layer) else block
    if not isinstance(chain, Chain) or not chain.layers:
        raise SpecError(f"{what}: a block is made of layers, such as Dense(32) >> ReLU(), not {shown(block)}")
    return nestable(chain, chain.layers, what)


def nestable(row: Chain, layers: tuple[Layer, ...], what: str) -> Chain:
    """Return a row whose `layers` may stand inside a block.

    Raises:
        SpecError: an Input or a loss among them.
        LimitError: blocks nested too deep.
    """
    for layer in layers:
        if isinstance(layer, Input) or layer.is_loss:
            where = "\nallowed: an Input first in a branch of Sum, Multiply or Concatenate"
            raise SpecError(
                f"{what}: {shown(layer.text)} cannot stand inside a block{where if isinstance(layer, Input) else ''}"
            )
    if max((layer.depth for layer in row.layers), default=0) >= DEEPEST_NESTING:
        raise LimitError(f"{what}: blocks are nested over {DEEPEST_NESTING} deep")
    return row


@dataclass(frozen=True)
class Repeat(Layer):
    """A block `count` times, each with parameters of its own; with a name for `count`, a recurrence.

    In a recurrence a size name that ends in the loop's index (`n_l`) is a size of its own for each block. With `tied`
    all blocks have the parameters of the first, weights and biases, as the steps of a recurrent network.

    >>> from symprop import Dense, Input, Tanh
    >>> Repeat(Dense(8) >> Tanh(), "L").text
    'Repeat(Dense(8) >> Tanh(), L)'
    >>> network = Input(8) >> Repeat(Dense(8), 2, tied=True)
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'z2 = W1 @ z1 + b1']

    Raises:
        SpecError: no block, no count, or a name for the count of a Repeat inside one that is tied and has a number.
        LimitError: more blocks than a network has layers.
    """

    is_transparent: ClassVar[bool] = True

    block: Any
    count: Any
    tied: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", block_of(self.block, "Repeat"))
        object.__setattr__(self, "count", checked_count(self.count))
        checked_flag(self.tied, "Repeat: tied")
        if self.tied and not self.is_symbolic and symbolic_repeats(self.inner):
            raise SpecError(
                f"{shown(self.text)}: a Repeat of a named number of blocks stands inside a tied one of a number\n"
                "allowed: a name for the outer number too"
            )

    @property
    def is_symbolic(self) -> bool:
        """Whether the number of blocks is a name."""
        return isinstance(self.count, str)

    @property
    def text(self) -> str:
        return f"Repeat({self.block.text}, {self.count}{', tied=True' if self.tied else ''})"

    @property
    def rows(self) -> tuple[Chain, ...]:
        return (self.block,)

    def with_sizes(self, change: dict[Size, Size]) -> Layer:
        count = change.get(self.count, self.count) if self.is_symbolic else self.count
        return Repeat(self.block.with_sizes(change), count, tied=self.tied)

    def written_out(self, count: int, index: Symbol) -> tuple[Layer, ...]:
        """The layers of `count` blocks, the sizes named after `index` (`n_l`) named after each block's number."""
        stems = {size: str(size).rpartition("_")[0] for size in self.sizes if varies(size, index)}
        blocks = (
            self.block.with_sizes({size: f"{stem}_{number}" for size, stem in stems.items()})
            for number in range(1, count + 1)
        )
        return tuple(layer for block in blocks for layer in block.layers)

    def build(self, builder: Builder, value: Variable) -> Variable:
        if self.is_symbolic:
            return build_loop(Block(self.inner, str(self.count), self.tied, self.text), builder, value)
        if builder.books.layer_count + self.count * leaf_count(self.inner) > MOST_LAYERS:
            raise LimitError(
                f"a network has at most {MOST_LAYERS:,} layers, repeated ones counted each time: {shown(self.text)}"
            )
        first = builder.place
        for _ in range(self.count):
            if self.tied:
                builder.place = first  # each block stands where the first does, and so has its parameters
            for layer in self.inner:
                value = builder.add(layer, value)
        return value


def checked_count(count: Any) -> Size:
    """Return a number of blocks as an `int` or a valid name."""
    if isinstance(count, int) and not isinstance(count, bool) and count > MOST_LAYERS:
        raise LimitError(f"Repeat: a network has at most {MOST_LAYERS:,} layers")
    size = checked_size(count, "Repeat", is_count=True)
    if isinstance(size, Expr):
        raise SpecError(f"Repeat: the count is a whole number or a name, not {shown(count)}")
    if size in (symbol.name for symbol in LOOP_SYMBOLS):
        raise SpecError(f"Repeat: {shown(size)} is the index of a block; allowed: another name, such as L")
    return size


def varies(size: Size, index: Symbol) -> bool:
    """Whether a size's name ends in the loop's index, as `n_l`."""
    return isinstance(size, str) and size.endswith(f"_{index.name}") and len(size) > len(index.name) + 1


def leaf_count(layers: tuple[Layer, ...]) -> int:
    """How many layers there are, the repeated ones counted each time."""
    total = 0
    for layer in layers:
        inside = leaf_count(layer.inner)
        total += 1 + inside * (layer.count if isinstance(layer, Repeat) and not layer.is_symbolic else 1)
    return total


def symbolic_repeats(layers: tuple[Layer, ...]) -> list[Repeat]:
    """The repeats whose count is a name, in order, also inside blocks."""
    found = []
    for layer in layers:
        if isinstance(layer, Repeat) and layer.is_symbolic:
            found.append(layer)
        found.extend(symbolic_repeats(layer.inner))
    return found


def unrolled(layers: tuple[Layer, ...], change: dict[Size, Size], indices: Iterator[Symbol]) -> tuple[Layer, ...]:
    """Return the layers with numbers for counts; a block with sizes of its own each time is written out."""
    result: list[Layer] = []
    for layer in layers:
        index = next(indices, LOOP_SYMBOLS[-1]) if isinstance(layer, Repeat) and layer.is_symbolic else None
        if symbolic_repeats((layer,)):
            layer = layer.with_rows([Chain(unrolled(row.layers, change, indices)) for row in layer.rows])
        if index is not None and isinstance(layer, Repeat):
            count = change.get(layer.count)
            if isinstance(count, int) and any(varies(size, index) for size in layer.sizes):
                result.extend(layer.written_out(count, index))
                continue
        result.append(layer)
    return tuple(result)
