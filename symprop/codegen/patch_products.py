"""Convolutions as products of patches with a kernel: the pass that finds them.

What goes back is the same for the derivative with a flipped kernel (Dumoulin and Visin, *A guide to convolution
arithmetic for deep learning*, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.codegen.matrix_passes import reshaped
from symprop.codegen.patches import PatchAxis, PatchGradient, PatchProduct
from symprop.codegen.program import Emit, Names, Program, Statement, rewritten
from symprop.codegen.stable import by_rule, everywhere


@dataclass(frozen=True)
class Found:
    """Patches that stand in a formula: of which images, and where each axis of a patch stands among its elements."""

    images: Node
    lies: tuple[PatchAxis, ...]
    order: tuple[int, ...]

    def sorted_columns(self, matrix: Node) -> Node:
        """Return a matrix with a column for each element, pixel by pixel."""
        if self.order == tuple(range(len(self.order))):
            return matrix
        sizes = (*(lie.size for lie in self.lies), self.images.shape[-1])
        parted = reshaped(matrix, (matrix.shape[0], *(sizes[place] for place in self.order)))
        moved = parted.permuted((0, *(1 + self.order.index(place) for place in range(len(sizes)))))
        return n.Reshape(moved, matrix.shape)

    def as_found(self, matrix: Node) -> Node:
        """Return a matrix with a column for each element, pixel by pixel, with columns as they were found."""
        if self.order == tuple(range(len(self.order))):
            return matrix
        sizes = (*(lie.size for lie in self.lies), self.images.shape[-1])
        parted = reshaped(matrix, (matrix.shape[0], *sizes))
        return n.Reshape(parted.permuted((0, *(1 + place for place in self.order))), matrix.shape)


def found_patches(node: Node) -> Found | None:
    """Return which patches a matrix, or a stack of rows, holds side by side; None where it is something else."""
    if not isinstance(node, n.Reshape):
        return None
    inner = node.operands[0]
    found = found_window(inner.untransposed)
    if found is None:
        return None
    axes, last = len(found.lies), found.images.rank - 1
    if inner.order[:last] != tuple(range(last)) or sympy.prod(inner.shape[last:]) != node.shape[-1]:
        return None
    return replace(found, order=tuple(axis - last - 1 if axis > last else axes for axis in inner.order[last:]))


def found_window(seen: Node) -> Found | None:
    """Return which patches windows of images are, along all their places; None of others."""
    if not isinstance(seen, n.Window) or seen.axes != tuple(range(1, seen.operands[0].rank - 1)):
        return None
    images, widths = unpadded(seen.operands[0])
    numbers = [*seen.args[2].args, *(width for pair in widths for width in pair)]
    if any(width != 0 for width in (*widths[0], *widths[-1])) or not all(each.is_Integer for each in numbers):
        return None
    steps = zip(seen.steps, widths[1:-1], strict=True)
    lies = tuple(
        PatchAxis(int(size), int(a), int(b), stride, dilation) for (_, size, stride, dilation), (a, b) in steps
    )
    return Found(images, lies, tuple(range(len(lies) + 1)))


def unpadded(node: Node, outside: Any = 0) -> tuple[Node, list[tuple[Expr, Expr]]]:
    """Return what is padded, with zeros or what else stands `outside`, and the widths along each axis."""
    widths = [(Integer(0), Integer(0))] * node.rank
    while isinstance(node, n.Pad) and node.value == outside:
        widths = [(a + c, b + d) for (a, b), (c, d) in zip(widths, node.widths, strict=True)]
        node = node.operands[0]
    return node, widths


def products_of_patches(program: Program) -> Program:
    """Multiply patches of images by a kernel, a few at a time, and back: no array holds all patches."""
    return by_rule(program, lambda node: _product(node) or _folded(node) or cropped(node) or _shifted(node))


@for_kinds(n.MatMul)
def _product(node: n.MatMul) -> Node | None:
    left, right = node.operands
    if right.rank != 2:
        return None
    if (found := found_patches(left)) is not None:
        kernel = found.sorted_columns(right.permuted((1, 0))).permuted((1, 0))
        return reshaped(times(found.images, kernel, found.lies), node.shape)
    if (found := found_patches(right)) is not None and left.rank == 2:
        return found.as_found(derivative(found, left.permuted((1, 0))))
    if isinstance(left, n.Transpose) and (found := found_patches(left.operands[0])) is not None:
        return found.as_found(derivative(found, right)).permuted((1, 0))
    return None


def times(images: Node, kernel: Node, lies: tuple[PatchAxis, ...]) -> Node:
    """Return the product of patches with a kernel; of images themselves where a patch is a pixel."""
    if all(lie.is_whole for lie in lies):
        return n.MatMul(images, kernel)
    return PatchProduct(images, kernel, lies)


def derivative(found: Found, delta: Node) -> Node:
    """Return the derivative with respect to a kernel of what patches times it gives."""
    images = found.images
    if all(lie.is_whole for lie in found.lies):
        return n.MatMul(delta.permuted((1, 0)), reshaped(images, (delta.shape[0], images.shape[-1])))
    return PatchGradient(images, delta, found.lies, Integer(0))


@for_kinds(n.Fold)
def _folded(node: n.Fold) -> Node | None:
    """A product that is folded is a product of patches with the flipped kernel; zeros stand around and between."""
    order, spread, last = node.operands[0].order, node.operands[0].untransposed, node.rank - 1
    product = spread.operands[0] if isinstance(spread, n.Reshape) else None
    if not isinstance(product, n.MatMul) or node.axes != tuple(range(1, last)) or order[:last] != tuple(range(last)):
        return None
    images, matrix = product.operands
    lies = lies_back(node)
    if matrix.rank != 2 or matrix.shape[1] != sympy.prod(spread.shape[last:]) or lies is None:
        return None  # else rows of the product are no places of the fold
    images = reshaped(images, (*spread.shape[:last], images.shape[-1]))
    tail = reshaped(matrix, (matrix.shape[0], *spread.shape[last:]))
    return going_back(images, tail.permuted((0, *(axis - last + 1 for axis in order[last:]))), lies)


def lies_back(node: n.Fold) -> tuple[PatchAxis, ...] | None:
    """Return how the patches lie whose products with a flipped kernel are a fold of products."""
    ends = zip(node.steps, node.args[5].args, node.covered, strict=True)
    numbers = [*node.args[2].args, *(length - covered for _, length, covered in ends)]
    if node.axes != tuple(range(1, node.rank - 1)) or not all(each.is_Integer and each >= 0 for each in numbers):
        return None
    lies = []
    for (_, size, stride, dilation), length, covered in zip(node.steps, node.args[5].args, node.covered, strict=True):
        end = dilation * (int(size) - 1)
        lies.append(PatchAxis(int(size), end, end + int(length - covered), 1, dilation, stride))
    return tuple(lies)


def going_back(images: Node, kernel: Node, lies: tuple[PatchAxis, ...]) -> Node:
    """Return the products of patches with a kernel (inputs, outputs, *sizes), flipped."""
    flipped = n.Flip(kernel, tuple(range(2, kernel.rank))).permuted((*range(2, kernel.rank), 0, 1))
    flat = n.Reshape(flipped, (sympy.prod(flipped.shape[:-1]), flipped.shape[-1]))
    return times(images, flat, lies)


@for_kinds(n.Slice)
def cropped(node: n.Slice) -> Node | None:
    """Of a product of patches, those in the middle: fewer zeros around."""
    product = node.operands[0]
    if not isinstance(product, PatchProduct) or not 0 < node.axis <= len(product.lies):
        return None
    lies, place = list(product.lies), node.axis - 1
    before, after = lies[place].before - node.start, lies[place].after - (product.shape[node.axis] - node.stop)
    if lies[place].stride > 1 or not (before.is_nonnegative and after.is_nonnegative and after.is_Integer):
        return None
    lies[place] = replace(lies[place], before=int(before), after=int(after))
    return PatchProduct(product.images, product.operands[1], lies)


@for_kinds(n.Add)
def _shifted(node: n.Add) -> Node | None:
    """A bias is a row of the kernel."""
    product = next((term for term in node.operands if isinstance(term, PatchProduct)), None)
    bias = next((term for term in node.operands if isinstance(term, Variable) and term.rank == 1), None)
    if product is None or bias is None or product.operands[1].shape != (product.width, bias.shape[0]):
        return None
    kernel = n.Concatenate(n.Expand(bias, 0), product.operands[1], axis=0)
    rest = [term for term in node.operands if term not in (product, bias)]
    shifted = PatchProduct(product.images, kernel, product.lies)
    return n.Add(*rest, shifted) if rest else shifted


def gradients_of_biases(program: Program) -> Program:
    """Take the gradient of a bias from the product that gives that of the kernel: patches begin with a one."""
    summed: dict[Node, Node] = {}
    for statement in program.statements:
        expression = statement.expression
        if isinstance(expression, n.Sum) and expression.axes == tuple(range(expression.operands[0].rank - 1)):
            summed[expression.operands[0]] = statement.target
    names, biases = Names(program.names), dict[Node, Node]()

    def change(statement: Statement, emit: Emit) -> Statement:
        if statement.target in biases:
            return statement.with_expression(biases[statement.target])

        def rule(node: Node) -> Node | None:
            if not isinstance(node, PatchGradient) or node.ones:
                return None
            delta = node.operands[1].operands[0] if isinstance(node.operands[1], n.Reshape) else node.operands[1]
            bias = summed.pop(delta, None)
            if not isinstance(bias, Variable):
                return None
            whole = PatchGradient(node.images, node.operands[1], node.lies, Integer(1))
            both = names.new("product", whole, statement.target.index)
            emit(Statement(both, whole))
            biases[bias] = n.Reshape(n.Slice(both, 1, 0, 1), bias.shape)
            return n.Slice(both, 1, 1, node.width + 1)

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change)


__all__ = [
    "Found",
    "cropped",
    "derivative",
    "found_window",
    "going_back",
    "gradients_of_biases",
    "lies_back",
    "products_of_patches",
    "times",
    "unpadded",
]
