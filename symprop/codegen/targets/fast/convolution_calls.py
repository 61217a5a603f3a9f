"""Products of patches as calls of helpers, and the memory in which they put patches side by side.

Images are copied into a *frame*, around which zeros stand that are written once, for all steps. Its patches are copied
into a matrix that stays in the cache, as many at a time as that has rows; where a bias is a row of the kernel, the
first element of each row is a one.
"""

from __future__ import annotations

from typing import Any, Self

import sympy
from sympy import Expr, Integer, Tuple

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape
from symprop.codegen.kinds import Copy
from symprop.codegen.operations import OPERATION, Splitter
from symprop.codegen.patches import OfPatches, PatchGradient, PatchProduct
from symprop.codegen.program import Statement
from symprop.codegen.targets.code import Code
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.fast.calls import CALLS, SCRATCH, Call, Scratch
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source

MANY = 196608
"""As many images at a time as have fewer elements of patches, one at least; of that as many rows as have fewer: 768 kB
in float32, which stay in the cache of a core. Shorter calls cost more than a nearer cache saves."""


def images_at_a_time(most: int, elements: int) -> int:
    """Return how many images of so many elements are taken at a time: a power of two, which divides many batches.

    >>> images_at_a_time(1000, 300), images_at_a_time(1000, 3000), images_at_a_time(1000, 1)
    (2, 1, 32)
    """
    return 1 << (min(32, max(1, most // elements)).bit_length() - 1)


class Kept(n.Leaf):
    """Memory of helpers, which starts as `value` and keeps that in places to which they do not write, told by `key`."""

    def __new__(cls, value: Any, shape: Any, key: Any) -> Self:
        return super().__new__(cls, Integer(value), Tuple(*shape), key)


@SHAPE.row(Kept)
def _(node: Kept) -> Shape:
    return tuple(node.args[1].args)


@NUMPY.rows.row(Kept)
def _(node: Kept, write: Dialect) -> Code:
    return write(n.Fill(node.args[0], node.shape))


@CALLS.row(Kept)
def _(node: Kept) -> Call:
    return Call("", fill=(f"{{}}[...] = {node.args[0]}",))


@OPERATION.row(PatchProduct, PatchGradient)
def _(split: Splitter, node: OfPatches) -> Node:
    images, other = split.number(node.images), split.number(node.operands[1])
    if not split.is_whole(other):
        other = split.named(Copy(other))
    lengths = [lie.framed(length) for lie, length in zip(node.lies, node.images.shape[1:], strict=False)]
    count, channels = _block(node)[0], node.images.shape[-1]
    shape = (channels, count, *lengths) if form_of(node) == DOWN else (count, *lengths, channels)
    frame = Kept(0, shape, Tuple(node.args[2], *images.shape))
    if frame not in split.constants:
        split.constants[frame] = split.names.new("frame", frame, split.statement.target.index)
        split.emit(Statement(split.constants[frame], frame))
    return node.func(images, other, *node.args[2:], split.constants[frame])


PLAIN, DOWN, BY_ROWS = "plain", "down", "by rows"
"""Patches with a row for each pixel; with a column for each; those of one row of the kernel, shifted for the others."""


def form_of(node: OfPatches) -> str:
    """Return in which form patches are copied and multiplied, by their sizes.

    What lies side by side is copied in runs, and a run costs as much to begin as some ten numbers. Where a line of
    pixels is longer than the row of a patch, as for one or three channels, elements have rows in memory. Else the
    patches of one row of the kernel are copied, a third of all for 3 x 3, and the others read the same memory shifted.
    The gradient is a product for each image then, which pays where that is large and copying is much of the work.
    """
    first, last = node.lies[0], node.lies[-1]
    if last.size * node.images.shape[-1] < node.places[-1]:
        return DOWN
    if len(node.lies) != 2 or first.stride > 1 or first.size == 1:
        return PLAIN
    is_small = sympy.prod(node.places) < LARGE_IMAGE or node.shape[0] > FEW_CHANNELS
    return PLAIN if isinstance(node, PatchGradient) and is_small else BY_ROWS


LARGE_IMAGE, FEW_CHANNELS = 128, 32
"""How many pixels an image has that is worth a product of its own, and up to how many channels copying is much."""


def _more(node: OfPatches) -> int:
    """How many rows of pixels are copied beyond those that patches start at."""
    return node.lies[0].dilation * (node.lies[0].size - 1)


def _block(node: OfPatches) -> tuple[Expr, Expr]:
    """Return how many images are taken at a time, and how many of their rows."""
    is_by_rows = form_of(node) == BY_ROWS
    line = int(sympy.prod(node.places[1:], start=Integer(1)) * node.width)
    line, more = (line // node.lies[0].size, _more(node)) if is_by_rows else (line, 0)
    images = images_at_a_time(MANY, line * (int(node.places[0]) + more))
    return Integer(images), Integer(min(int(node.places[0]), max(1, MANY // line - more)))


SMALL, SHORT = 1_000_000, 64
"""OpenBLAS multiplies up to so many numbers without a copy, up to twice as fast, where there are no fewer rows."""


def _pixels(node: OfPatches) -> int:
    """Return of how many pixels a product is made: as many lines of an image as are a small one, if any are, else all.

    By rows all are those of an image, since patches of several do not lie side by side.
    """
    (images, rows), (height, *line) = _block(node), node.places
    pixels = int(sympy.prod(line, start=Integer(1)))
    size = int(_patches(node)[0 if form_of(node) == DOWN else -1] * node.operands[1].shape[-1])
    counts = [n * pixels for n in range(1, int(height) + 1) if height % n == 0 and (rows == height or n == 1)]
    small = [count for count in counts if count >= SHORT and count * size <= SMALL]
    return max(small, default=pixels * int(rows if form_of(node) == BY_ROWS else rows * images))


USUAL = {"before": 0, "stride": 1, "dilation": 1, "spacing": 1}
"""Windows side by side, with nothing around."""


def _patches(node: OfPatches) -> Shape:
    """Return the shape of the patches of one block."""
    (images, rows), ones = _block(node), int(node.ones)
    line = sympy.prod(node.places[1:], start=Integer(1))
    match form_of(node):
        case "by rows":
            return (images, (rows + _more(node)) * line, node.width / node.lies[0].size + ones)
        case "down":
            return (node.width + ones, images * rows * line)
    return (images * rows * line, node.width + ones)


def _call(name: str, node: OfPatches) -> Call:
    """Return the call of a helper: by name, of how patches lie, what is not as usual."""
    form = form_of(node)
    size, patches = tuple(lie.size for lie in node.lies), tuple(map(int, _patches(node)))
    values = {each: tuple(vars(lie)[each] for lie in node.lies) for each in USUAL}
    more = [f"{each}={value}" for each, value in values.items() if any(one != USUAL[each] for one in value)]
    (images, rows), pixels = _block(node), _pixels(node)
    if pixels < rows * sympy.prod(node.places[1:]) * (1 if form == BY_ROWS else images):
        more += [f"pixels={pixels}"]
    more += ["down=True"] if form == DOWN else []
    arguments = (*map(numpy_source, node.operands), str(patches), str(size))
    return Call(f"{name}_by_rows" if form == BY_ROWS else name, arguments, tuple(more))


@CALLS.row(PatchProduct)
def _(node: PatchProduct) -> Call:
    return _call("convolved", node)


@CALLS.row(PatchGradient)
def _(node: PatchGradient) -> Call:
    return _call("kernel_gradient", node)


@SCRATCH.row(PatchProduct)
def _(node: PatchProduct) -> Scratch:
    """Patches, and by rows the product of one row of the kernel."""
    images, rows = _block(node)
    product = images * rows * sympy.prod(node.places[1:]) * node.shape[-1]
    return Scratch("memory", (sympy.prod(_patches(node)) + product * int(form_of(node) == BY_ROWS),))


@SCRATCH.row(PatchGradient)
def _(node: PatchGradient) -> Scratch:
    """Patches, and the products of some pixels each, and their sum; by rows, of one row of the kernel."""
    patches, (images, rows) = _patches(node), _block(node)
    count = images * rows * sympy.prod(node.places[1:]) / _pixels(node)
    width = patches[-1] if form_of(node) == BY_ROWS else node.shape[1]
    return Scratch("memory", (sympy.prod(patches) + (count + 1) * node.shape[0] * width,))
