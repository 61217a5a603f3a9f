"""Kinds for products of patches of images with a kernel, which only programs hold.

The patches of a few images at a time are copied side by side into a matrix that stays in the cache, and one product
of BLAS does the rest (Chellapilla, Puri and Simard, *High performance convolutional neural networks for document
processing*, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import sympy
from sympy import Basic, Expr, Integer, Tuple

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape
from symprop.codegen.kinds import MEANING, OfPrograms


@dataclass(frozen=True)
class PatchAxis:
    """How patches lie along one axis: `size` elements `dilation` apart, `stride` from one to the next.

    `before` and `after` zeros stand around the elements, and `spacing` - 1 between them.
    """

    size: int
    before: int = 0
    after: int = 0
    stride: int = 1
    dilation: int = 1
    spacing: int = 1

    def framed(self, length: Expr) -> Expr:
        """Return the length of an axis with all zeros."""
        return self.before + self.spacing * (length - 1) + 1 + self.after

    def count(self, length: Expr) -> Expr:
        """Return the number of patches."""
        return sympy.floor((self.framed(length) - self.dilation * (self.size - 1) - 1) / Integer(self.stride)) + 1

    @property
    def is_whole(self) -> bool:
        """Whether each element is a patch by itself."""
        return self == PatchAxis(1)


class OfPatches(OfPrograms):
    """Abstract: made from the patches of images: a row for each, perhaps a one, then its elements pixel by pixel."""

    def __new__(cls, images: Node, other: Node, lies: Any, *more: Basic) -> Self:
        packed = Tuple(
            *(Tuple(*map(Integer, vars(lie).values())) if isinstance(lie, PatchAxis) else lie for lie in lies)
        )
        return super().__new__(cls, images, other, packed, *more)

    @property
    def images(self) -> Node:
        return self.operands[0]

    @cached_property
    def lies(self) -> tuple[PatchAxis, ...]:
        return tuple(PatchAxis(*map(int, each)) for each in self.args[2])

    @cached_property
    def places(self) -> Shape:
        """How many patches there are along each axis."""
        return tuple(lie.count(length) for lie, length in zip(self.lies, self.images.shape[1:], strict=False))

    @cached_property
    def width(self) -> Expr:
        """The number of elements of a patch."""
        return sympy.prod([lie.size for lie in self.lies]) * self.images.shape[-1]

    @property
    def ones(self) -> bool:
        """Whether a one stands at the start of each patch."""
        raise NotImplementedError


class PatchProduct(OfPatches):
    """Patches times a kernel, which has a column for each channel: `patches @ kernel`, image by image.

    A kernel with one row more than a patch has elements holds a bias in the first.
    """

    @property
    def ones(self) -> bool:
        return bool(self.operands[1].shape[0] != self.width)


class PatchGradient(OfPatches):
    """The derivative by such a kernel: `delta.T @ patches`, summed over all images; `ones` adds that of a bias."""

    @property
    def ones(self) -> bool:
        return bool(self.args[3])


@SHAPE.row(PatchProduct)
def _(node: PatchProduct) -> Shape:
    return (node.images.shape[0], *node.places, node.operands[1].shape[1])


@SHAPE.row(PatchGradient)
def _(node: PatchGradient) -> Shape:
    return (node.operands[1].shape[-1], node.width + int(node.ones))


def patches(node: OfPatches) -> Node:
    """Return the patches as the algebra writes them: a matrix with a row for each."""
    images, axes = node.images, tuple(range(1, len(node.lies) + 1))
    spacings = [lie.spacing for lie in node.lies]
    if any(spacing > 1 for spacing in spacings):
        lengths = [lie.spacing * (images.shape[axis] - 1) + 1 for axis, lie in zip(axes, node.lies, strict=True)]
        single = n.Reshape(images, (*images.shape, *[1] * len(axes)))
        images = n.Fold(single, axes, [1] * len(axes), spacings, 1, lengths)
    images = n.Pad(images, axes, [(lie.before, lie.after) for lie in node.lies])
    seen = n.Window(images, axes, *zip(*((lie.size, lie.stride, lie.dilation) for lie in node.lies), strict=True))
    last = images.rank - 1
    rows = n.Transpose(seen, (*range(last), *range(last + 1, seen.rank), last))
    count = sympy.prod([images.shape[0], *node.places])
    matrix = n.Reshape(rows, (count, node.width))
    return n.Concatenate(n.Fill(1, (count, 1)), matrix, axis=1) if node.ones else matrix


@MEANING.row(PatchProduct)
def _(node: PatchProduct) -> Node:
    return n.Reshape(n.MatMul(patches(node), node.operands[1]), node.shape)


@MEANING.row(PatchGradient)
def _(node: PatchGradient) -> Node:
    return n.MatMul(n.Transpose(node.operands[1]), patches(node))


__all__ = ["OfPatches", "PatchAxis", "PatchGradient", "PatchProduct", "patches"]
