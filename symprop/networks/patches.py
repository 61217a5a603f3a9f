"""Windows times a kernel, which is what a convolution is: patches times the flat kernel, group by group."""

from __future__ import annotations

from sympy import Expr, prod

from symprop.algebra.nodes import MatMul, Node, Reshape, Sum, Transpose


def convolved(seen: Node, kernel: Node) -> Node:
    """Return windows times a kernel, (C, *window, width), at each place: patches in one product, `patches @ kernel'`.

    `seen` has the axes of places, one of channels, and those of the windows' elements. Where the kernel is narrower,
    the channels are in groups, each with its part of the kernel.
    """
    axes, channels, width = kernel.rank - 2, kernel.shape[0], kernel.shape[-1]
    places, groups, inside = seen.shape[:axes], seen.shape[axes] / width, range(axes + 1, seen.rank)
    if groups == channels and width == 1:
        return Sum(seen * Reshape(kernel, kernel.shape[:-1]), tuple(inside))
    patch = prod(kernel.shape[1:])
    flat = Reshape(kernel, (channels, patch))
    if groups == 1:
        patches = Reshape(Transpose(seen, (*range(axes), *inside, axes)), (*places, patch))
        return MatMul(patches, flat.T)
    parted = Reshape(seen, (*places, groups, width, *seen.shape[axes + 1 :]))
    order = (axes, *range(axes), *(axis + 1 for axis in inside), axes + 1)
    patches = Reshape(Transpose(parted, order), (groups, prod(places), patch))
    return together(patches @ of_groups(flat, groups), places)


def of_groups(flat: Node, groups: Expr) -> Node:
    """Return the flat kernel of each group, transposed: (groups, patch, channels of the group)."""
    channels, patch = flat.shape
    return Transpose(Reshape(flat, (groups, channels / groups, patch)), (0, 2, 1))


def together(product: Node, places: tuple[Expr, ...]) -> Node:
    """Return the products of the groups, (groups, pixels, channels), as one array: (*places, groups * channels)."""
    groups, _, channels = product.shape
    return Reshape(Transpose(product, (1, 0, 2)), (*places, groups * channels))
