"""Convolutions of groups of channels as products of patches: a few groups at a time, in a kernel with zeros between.

Products of a few channels are small, and BLAS makes one of 16 channels in the time of several of 4; so groups that
have fewer channels share a kernel that is block diagonal. A depthwise convolution has a group for each channel.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.codegen.matrix_passes import reshaped
from symprop.codegen.patch_products import Found, cropped, derivative, found_window, going_back, lies_back, times
from symprop.codegen.program import Program
from symprop.codegen.stable import by_rule

CHANNELS, MOST, PARTS = 16, 64, 8
"""A product has the groups of so many channels, more only for no more products than `PARTS`, up to the most."""


def products_of_groups(program: Program) -> Program:
    """Multiply patches of groups of channels by their kernels, and back: no array holds all patches."""
    return by_rule(program, lambda node: _forward(node) or _kernels(node) or _back(node) or _of_parts(node))


def _at_a_time(groups: int, channels: int) -> int | None:
    """Return how many groups, of so many channels at most, share a kernel; None where there would be many kernels."""
    fit = [count for count in range(1, groups + 1) if groups % count == 0]
    found = [count for count in fit if groups // count <= PARTS and (count * channels >= CHANNELS or count == groups)]
    return min((count for count in found if count == 1 or count * channels <= MOST), default=None)


def _parted(kernels: Node, part: Callable[[Node, slice, slice], Node], axis: int) -> Node | None:
    """Return what `part` makes of a few groups each, side by side: of their kernel, of which inputs and which outputs.

    `kernels` are (groups, outputs, *sizes, inputs); a kernel is (outputs, *sizes, inputs) for all its groups.
    """
    groups, outputs, *sizes, inputs = map(int, kernels.shape)
    count = _at_a_time(groups, max(inputs, outputs))
    if count is None:
        return None
    parts = []
    for start in range(0, groups, count):
        some = n.Slice(kernels, 0, start, start + count) if count < groups else kernels
        if count > 1:
            some = n.Multiply(n.Expand(some, some.rank - 1), _diagonal(count, len(sizes)))
        kernel = n.Reshape(some, (count * outputs, *sizes, count * inputs))
        spans = (slice(start * size, (start + count) * size) for size in (inputs, outputs))
        parts.append(part(kernel, *spans))
    return parts[0] if len(parts) == 1 else n.Concatenate(*parts, axis=axis)


def _diagonal(count: int, axes: int) -> Node:
    """Return ones where a group meets itself: as (groups, outputs, *sizes, groups, inputs)."""
    return n.Reshape(n.Identity(count), (count, *(1,) * (axes + 1), count, 1))


def _channels(images: Node, span: slice) -> Node:
    last = images.rank - 1
    return images if images.shape[last] == span.stop - span.start else n.Slice(images, last, span.start, span.stop)


# ---------------------------------------------------------------- what stands in a formula


def _patches(node: Node) -> tuple[Found, int] | None:
    """Return which patches a stack (m, groups, places, elements of a group) holds, and of how many groups."""
    moved = node.operands[0] if isinstance(node, n.Reshape) else None
    parted = moved.operands[0] if isinstance(moved, n.Transpose) else None
    if moved is None or not isinstance(parted, n.Reshape) or node.rank != 4:
        return None
    found, axes = found_window(parted.operands[0]), (parted.rank - 3) // 2
    after = range(axes + 3, parted.rank)
    if found is None or moved.axes != (0, axes + 1, *range(1, axes + 1), *after, axes + 2):
        return None
    return found, int(node.shape[1])


def _of_each_channel(node: Node) -> tuple[Found, Node] | None:
    """Return the patches in a product of windows with something else, and that."""
    if not isinstance(node, n.Multiply) or len(node.operands) != 2:
        return None
    for seen, other in (node.operands, node.operands[::-1]):
        if (found := found_window(seen)) is not None:
            return found, other
    return None


def _spread(node: Node, axes: int) -> Node | None:
    """Return the images of which each pixel stands at all places of a window."""
    for _ in range(axes):
        if not isinstance(node, n.Expand) or node.axis != node.rank - 1:
            return None
        node = node.operands[0]
    return node


def _kernels_of(matrices: Node, found: Found) -> Node:
    """Return matrices (groups, elements, outputs) as kernels."""
    groups, _, outputs = matrices.shape
    inputs = found.images.shape[-1] / groups
    return reshaped(matrices.permuted((0, 2, 1)), (groups, outputs, *(lie.size for lie in found.lies), inputs))


def _forward(node: Node) -> Node | None:
    """`patches @ kernel` for each group, or each channel."""
    kernels = found = None
    moved = node.operands[0] if isinstance(node, n.Reshape) else None
    if isinstance(moved, n.Transpose) and moved.axes == (0, 2, 1, 3) and isinstance(moved.operands[0], n.MatMul):
        left, right = moved.operands[0].operands
        if right.rank == 3 and (stack := _patches(left)) is not None:
            found, kernels = stack[0], _kernels_of(right, stack[0])
    elif isinstance(node, n.Sum) and (both := _of_each_channel(node.operands[0])) is not None:
        found, weights = both
        whole = (found.images.shape[-1], *(lie.size for lie in found.lies))
        if weights.shape == whole and node.axes == tuple(range(node.rank, node.operands[0].rank)):
            kernels = n.Reshape(weights, (weights.shape[0], 1, *weights.shape[1:], 1))
    if found is None or kernels is None:
        return None
    images, lies = found.images, found.lies

    def part(kernel: Node, inputs: slice, outputs: slice) -> Node:
        matrix = n.Reshape(kernel, (kernel.shape[0], sympy.prod(kernel.shape[1:]))).permuted((1, 0))
        return times(_channels(images, inputs), matrix, lies)

    product = _parted(kernels, part, images.rank - 1)
    return None if product is None or product.shape != node.shape else product


@for_kinds(n.Sum)
def _kernels(node: n.Sum) -> Node | None:
    """`delta.T @ patches` for each group, or each channel: what stands in the blocks of the whole derivative."""
    inner = node.operands[0]
    if isinstance(inner, n.MatMul) and node.axes == (0,) and isinstance(inner.operands[0], n.Transpose):
        left, right = inner.operands
        stack = _patches(left.operands[0]) if left.axes == (0, 1, 3, 2) else None
        if stack is None or right.rank != 4:
            return None
        found, groups, delta = *stack, right.permuted((0, 2, 1, 3))
        delta = reshaped(delta, (*delta.shape[:2], delta.shape[2] * delta.shape[3]))
    elif (both := _of_each_channel(inner)) is not None:
        found, groups = both[0], int(both[0].images.shape[-1])
        spread = _spread(both[1], len(found.lies))
        if spread is None or spread.shape != inner.shape[: spread.rank] or node.axes != tuple(range(spread.rank - 1)):
            return None
        delta = spread
    else:
        return None
    sizes, (rows, outputs) = [lie.size for lie in found.lies], (sympy.prod(delta.shape[:-1]), delta.shape[-1] / groups)

    def part(kernel: Node, inputs: slice, span: slice) -> Node:
        some = _channels(delta, span)
        matrix = reshaped(some, (rows, some.shape[-1]))
        whole = derivative(Found(_channels(found.images, inputs), found.lies, found.order), matrix)
        count = some.shape[-1] / outputs
        blocks = n.Reshape(whole, (count, outputs, *sizes, count, found.images.shape[-1] / groups))
        if count == 1:
            return n.Reshape(blocks, (*blocks.shape[:-2], blocks.shape[-1]))
        return n.Sum(n.Multiply(blocks, _diagonal(int(count), len(sizes))), (blocks.rank - 2,))

    like = n.Fill(0, (groups, outputs, *sizes, found.images.shape[-1] / groups))
    kernels = _parted(like, part, 0)
    if kernels is None:
        return None
    if isinstance(inner, n.MatMul):
        return reshaped(kernels, (groups, outputs, node.shape[1])).permuted((0, 2, 1))
    return reshaped(kernels, node.shape)


def _of_each_place(spread: Node, axes: int) -> tuple[Node, Node] | None:
    """Return the images and kernels whose products, of each group or channel, stand at the places of windows."""
    if isinstance(spread, n.Multiply) and len(spread.operands) == 2:
        weights, images = sorted(spread.operands, key=lambda each: each.rank)
        delta = _spread(images, axes)
        if delta is None or weights.shape != spread.shape[axes + 1 :] or delta.shape != spread.shape[: axes + 2]:
            return None
        return delta, n.Reshape(weights, (weights.shape[0], 1, *weights.shape[1:], 1))
    moved = spread.operands[0] if isinstance(spread, n.Reshape) else None
    parted = moved.operands[0] if isinstance(moved, n.Transpose) else None
    product = parted.operands[0] if isinstance(parted, n.Reshape) else None
    if moved is None or parted is None or not isinstance(product, n.MatMul) or product.operands[1].rank != 3:
        return None
    last, (stack, matrices) = parted.rank - 1, product.operands
    order = (0, *range(2, axes + 2), 1, last, *range(axes + 2, last))
    if moved.axes != order or sympy.prod(parted.shape[axes + 2 :]) != matrices.shape[2]:
        return None  # else rows of the products are no places of the fold
    images = stack.permuted((0, 2, 1, 3))
    delta = reshaped(images, (*spread.shape[: axes + 1], images.shape[2] * images.shape[3]))
    return delta, reshaped(matrices, (*matrices.shape[:2], *parted.shape[axes + 2 :]))


@for_kinds(n.Fold)
def _back(node: n.Fold) -> Node | None:
    """A product for each group, or each channel, that is folded: products with the flipped kernels."""
    lies, both = lies_back(node), _of_each_place(node.operands[0], len(node.axes))
    if lies is None or both is None:
        return None
    delta, kernels = both

    def part(kernel: Node, inputs: slice, outputs: slice) -> Node:
        by_channel = kernel.permuted((0, kernel.rank - 1, *range(1, kernel.rank - 1)))
        return going_back(_channels(delta, outputs), by_channel, lies)

    return _parted(kernels, part, node.rank - 1)


@for_kinds(n.Slice)
def _of_parts(node: n.Slice) -> Node | None:
    """What is cut from several products is cut from each."""
    whole = node.operands[0]
    if not isinstance(whole, n.Concatenate) or node.axis == whole.axis:
        return None
    parts = [n.Slice(part, node.axis, node.start, node.stop) for part in whole.operands]
    found = [cropped(part) for part in parts]
    return None if None in found else n.Concatenate(*(part for part in found if part is not None), axis=whole.axis)


__all__ = ["products_of_groups"]
