"""Products of patches as calls of helpers, and the memory in which they put patches side by side.

Images are copied into a *frame*, around which zeros stand that are written once, for all steps. Its patches are copied
into a matrix that stays in the cache, as many at a time as that has rows; where a bias is a row of the kernel, the
first element of each row is a one, also written once.
"""

from __future__ import annotations

from typing import Any, Self

import sympy
from sympy import Expr, Integer, Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node, Variable
from symprop.algebra.shapes import Shape
from symprop.codegen.kinds import Copy
from symprop.codegen.operations import OPERATION, Splitter
from symprop.codegen.patches import OfPatches, PatchGradient, PatchProduct
from symprop.codegen.program import Statement
from symprop.codegen.targets.code import Code
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.fast.calls import CALLS, SCRATCH, Call, Scratch
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source

FEW, MANY = 32768, 131072
"""As many images at a time as have fewer elements of patches, one at least; of that as many rows as have fewer than
many: 128 and 512 kB in float32, which stay in the cache of a core."""


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


def _kept(split: Splitter, word: str, kept: Kept) -> Variable:
    if kept not in split.constants:
        split.constants[kept] = split.names.new(word, kept, split.statement.target.index)
        split.emit(Statement(split.constants[kept], kept))
    return split.constants[kept]


@OPERATION.row(PatchProduct, PatchGradient)
def _(split: Splitter, node: OfPatches) -> Node:
    images, other = split.number(node.images), split.number(node.operands[1])
    if not split.is_whole(other):
        other = split.named(Copy(other))
    ones, form = int(node.ones), form_of(node)
    images_at_once, rows = _block(node)
    lengths = [lie.framed(length) for lie, length in zip(node.lies, node.images.shape[1:], strict=False)]
    frame = (images_at_once, *lengths, node.images.shape[-1])
    line = sympy.prod(node.places[1:], start=Integer(1))
    row = node.width / node.lies[0].size + ones
    shapes = {
        PLAIN: (images_at_once * rows * line, node.width + ones),
        DOWN: (node.width + ones, images_at_once * rows * line),
        BY_ROWS: (images_at_once, (rows + _more(node)) * line, row),
    }
    key = Tuple(*(each for each in node.args if isinstance(each, Tuple)), images.shape, ones, Str(form))
    memory = (
        _kept(split, "frame", Kept(0, (*frame[-1:], *frame[:-1]) if form == DOWN else frame, key)),
        _kept(split, "patches", Kept(ones, shapes[form], key if ones else Tuple())),
    )
    return node.func(images, other, *node.args[2:], *memory)


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
    images = max(1, (MANY if is_by_rows else FEW) // (line * (int(node.places[0]) + more)))
    return Integer(images), Integer(min(int(node.places[0]), max(1, MANY // line - more)))


USUAL = {"before": 0, "stride": 1, "dilation": 1, "spacing": 1}
"""Windows side by side, with nothing around."""


def _arguments(node: OfPatches) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arguments by place and by name: of how patches lie, what is not as usual."""
    images, other, frame, rows = map(numpy_source, node.operands)
    values = {name: tuple(vars(lie)[name] for lie in node.lies) for name in USUAL}
    more = [f"{name}={value}" for name, value in values.items() if any(each != USUAL[name] for each in value)]
    more += ["down=True"] if form_of(node) == DOWN else []
    return (images, other, frame, rows, str(tuple(lie.size for lie in node.lies))), tuple(more)


@CALLS.row(PatchProduct)
def _(node: PatchProduct) -> Call:
    return Call("convolved_by_rows" if form_of(node) == BY_ROWS else "convolved", *_arguments(node))


@CALLS.row(PatchGradient)
def _(node: PatchGradient) -> Call:
    return Call("kernel_gradient_by_rows" if form_of(node) == BY_ROWS else "kernel_gradient", *_arguments(node))


@SCRATCH.row(PatchProduct)
def _(node: PatchProduct) -> Scratch | None:
    """The product of one row of the kernel."""
    images, rows = _block(node)
    shape = (images, rows * sympy.prod(node.places[1:]), node.shape[-1])
    return Scratch("memory", shape) if form_of(node) == BY_ROWS else None


@SCRATCH.row(PatchGradient)
def _(node: PatchGradient) -> Scratch:
    """The product of some patches; by rows, of one row of the kernel, for each image and in all."""
    shape = (_block(node)[0] + 1, node.shape[0], node.width / node.lies[0].size + int(node.ones))
    return Scratch("memory", shape if form_of(node) == BY_ROWS else node.shape)
