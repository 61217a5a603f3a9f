"""Blocks: layers in a row, residual blocks, and blocks that repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from symprop.algebra.nodes import Variable
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Input, Layer, dense
from symprop.networks.sizes import Size

if TYPE_CHECKING:
    from symprop.networks.network import Network


@dataclass(frozen=True)
class Chain:
    """Layers in a row without an input: a block, until an `Input` in front makes it a network."""

    layers: tuple[Layer, ...]

    def __rshift__(self, other: Layer | Chain) -> Chain | Network:
        from symprop.networks.network import joined

        return joined(self, other)

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
    for layer in chain.layers:
        if isinstance(layer, Input) or layer.is_loss:
            raise SpecError(f"{what}: {shown(layer.text)} cannot stand inside a block")
    return chain


@dataclass(frozen=True)
class Residual(Layer):
    """A block with its input added to its output, `a = block(x) + x`.

    With `projection` the input goes through a Dense without bias first, so that the widths may differ.
    """

    is_transparent: ClassVar[bool] = True

    block: Any
    projection: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", block_of(self.block, "Residual"))
        if not isinstance(self.projection, bool):
            raise SpecError(f"Residual: projection is True or False, not {shown(self.projection)}")

    def build(self, builder: Builder, value: Variable) -> Variable:
        result, letter = value, builder.activation_letter
        for layer in self.block.layers:
            builder.activation_letter = "f" if layer is self.block.layers[-1] and layer.is_activation else "a"
            result = builder.add(layer, result)
        builder.activation_letter = letter
        builder.waiting = None
        if self.projection:
            value = dense(builder, value, result.shape[-1], False, None)
            builder.waiting = None
        if result.shape != value.shape:
            raise SpecError(
                f"{shown(self.text)} has an input of width {value.shape[-1]} and an output of width {result.shape[-1]}, "
                "which cannot be added\nallowed: equal widths, or Residual(..., projection=True)"
            )
        return builder.equation("a", builder.number, result + value, "residual sum")

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(size for layer in self.block.layers for size in layer.sizes)

    def with_sizes(self, change: dict[Size, Size]) -> Layer:
        return Residual(self.block.with_sizes(change), self.projection)
