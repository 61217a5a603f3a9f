"""Kinds that programs hold for libraries with convolutions and pools: one operation each, and one for each way back.

What they mean is what `convolved` and the rules make: a convolution in a batch, and what flows back of it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Expr, Tuple, oo

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.kinds.windows import Selection
from symprop.algebra.nodes import SHAPE, Node, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import replace
from symprop.calculus.context import Context
from symprop.calculus.rewriting import simplified
from symprop.codegen.kinds import OfPrograms
from symprop.networks.patches import convolved


class Convolution(OfPrograms):
    """Windows of a batch of sequences or images times a kernel, (C, *window, width), zeros standing around.

    `strides` and `dilations` have a number for each axis of places, `paddings` a pair; `shape` is that of the result.
    """

    called: ClassVar[str] = "convolution"
    """The helper that a module has for it."""

    def __new__(cls, first: Node, second: Node, strides: Any, paddings: Any, dilations: Any, shape: Any) -> Self:
        pairs = Tuple(*(Tuple(*pair) for pair in paddings))
        return super().__new__(cls, first, second, Tuple(*strides), pairs, Tuple(*dilations), Tuple(*shape))

    @property
    def geometry(self) -> tuple[tuple[Any, ...], ...]:
        """Strides, paddings and dilations, each with an item for each axis of places."""
        strides, pairs, dilations = (each.args for each in self.args[2:5])
        return strides, tuple(pair.args for pair in pairs), dilations

    def meant(self, name: Selection | tuple[()] = ()) -> Node:
        """Return the formula of the algebra that this is; `name` is that of its windows."""
        x, kernel = self.operands
        return _convolved(self, x, kernel, name)


class ConvolutionByInput(Convolution):
    """What flows back to the array of a convolution, of what comes back to it and the kernel."""

    called = "convolution_by_input"

    def meant(self, name: Selection | tuple[()] = ()) -> Node:
        back, kernel = self.operands
        x = Variable("x_", (), self.shape)
        return _back(self, back, x, kernel, x, name)


class ConvolutionByKernel(Convolution):
    """What flows back to the kernel of a convolution, of the array and what comes back to it."""

    called = "convolution_by_kernel"

    def meant(self, name: Selection | tuple[()] = ()) -> Node:
        x, back = self.operands
        kernel = Variable("W_", (), self.shape)
        return _back(self, back, x, kernel, kernel, name)


@SHAPE.row(Convolution)
def _(node: Convolution) -> Shape:
    shape: tuple[Expr, ...] = node.args[5].args
    return shape


class MaxPool(OfPrograms):
    """The largest element of each window of a batch of sequences or images, −∞ standing around."""

    called: ClassVar[str] = "max_pool"

    def __new__(cls, x: Node, *rest: Any) -> Self:
        """Take the array, sizes, strides and paddings of windows, and the shape of the result."""
        *before, sizes, strides, paddings, shape = rest
        pairs = Tuple(*(Tuple(*pair) for pair in paddings))
        return super().__new__(cls, x, *before, Tuple(*sizes), Tuple(*strides), pairs, Tuple(*shape))

    @property
    def geometry(self) -> tuple[tuple[Any, ...], ...]:
        """Sizes, strides and paddings, each with an item for each axis of places."""
        sizes, strides, pairs = (each.args for each in self.args[-4:-1])
        return sizes, strides, tuple(pair.args for pair in pairs)

    def meant(self, name: Selection | tuple[()] = ()) -> Node:
        """Return the formula of the algebra that this is; `name` is that of its windows."""
        x, (sizes, strides, paddings) = self.operands[0], self.geometry
        axes = range(1, len(sizes) + 1)
        padded = [axis for axis in axes if any(width != 0 for width in paddings[axis - 1])]
        inside = n.Pad(x, padded, [paddings[axis - 1] for axis in padded], -oo) if padded else x
        seen = n.Window(inside, axes, sizes, strides, 1, name)
        return n.Extreme(seen, tuple(range(x.rank, seen.rank)), ties="first")


class MaxPoolByInput(MaxPool):
    """What flows back to the array of a pool, of the array and what comes back: to the first of the largest."""

    called = "max_pool_by_input"

    def meant(self, name: Selection | tuple[()] = ()) -> Node:
        x, back = self.operands
        by = Variable("x_", (), x.shape)
        formula, _ = simplified(n.Pullback(back, MaxPool(by, *self.args[2:]).meant(name), by), Context())
        return replace(formula, {by: x})


@SHAPE.row(MaxPool)
def _(node: MaxPool) -> Shape:
    shape: tuple[Expr, ...] = node.args[-1].args
    return shape


def _convolved(node: Convolution, x: Node, kernel: Node, name: Selection | tuple[()]) -> Node:
    strides, paddings, dilations = node.geometry
    one, axes = Variable("x_", (), x.shape[1:]), range(len(strides))
    padded = [axis for axis in axes if any(width != 0 for width in paddings[axis])]
    inside = n.Pad(one, padded, [paddings[axis] for axis in padded]) if padded else one
    seen = n.Window(inside, axes, kernel.shape[1:-1], strides, dilations, name)
    batch = Variable("x_", (), x.shape)
    W = Variable("W_", (), kernel.shape)
    return replace(batched(convolved(seen, W), {one: batch}, x.shape[0], "rows"), {batch: x, W: kernel})


def _back(node: Convolution, back: Node, x: Node, kernel: Node, by: Variable, name: Selection | tuple[()]) -> Node:
    formula, _ = simplified(n.Pullback(back, _convolved(node, x, kernel, name), by), Context())
    return formula


__all__ = ["Convolution", "ConvolutionByInput", "ConvolutionByKernel", "MaxPool", "MaxPoolByInput"]
