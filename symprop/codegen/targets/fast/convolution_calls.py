"""Products of patches as calls of helpers, and the memory in which they put patches side by side.

Images are copied into a *frame*, around which zeros stand that are written once, for all steps. Its patches are copied
into a matrix that stays in the cache, as many at a time as that has rows; where a bias is a column of the kernel, the
last element of each row is a one, also written once.
"""

from __future__ import annotations

from typing import Any, Self

import sympy
from sympy import Expr, Integer, Tuple

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
    ones, down = int(node.ones), is_down(node)
    frame, rows = _memory(node)
    shape = (node.width + ones, rows) if down else (rows, node.width + ones)
    key = Tuple(*(each for each in node.args if isinstance(each, Tuple)), images.shape, ones)
    memory = (
        _kept(split, "frame", Kept(0, (*frame[-1:], *frame[:-1]) if down else frame, key)),
        _kept(split, "patches", Kept(ones, shape, key if ones else Tuple())),
    )
    return node.func(images, other, *node.args[2:], *memory)


def is_down(node: OfPatches) -> bool:
    """Whether the elements of patches have rows in memory: a line of pixels is longer than the row of a patch.

    What lies side by side is copied in runs, and a run costs as much to begin as some ten numbers.
    """
    return bool(node.lies[-1].size * node.images.shape[-1] < node.places[-1])


def _memory(node: OfPatches) -> tuple[Shape, Expr]:
    """Return the shape of the frame, and the number of patches at a time: of a few images, or of some rows of one."""
    lengths = [lie.framed(length) for lie, length in zip(node.lies, node.images.shape[1:], strict=False)]
    line = sympy.prod(node.places[1:], start=Integer(1))
    images = max(1, FEW // int(node.width * line * node.places[0]))
    rows = min(int(node.places[0]), max(1, MANY // int(node.width * line)))
    return (Integer(images), *lengths, node.images.shape[-1]), images * rows * line


USUAL = {"before": 0, "stride": 1, "dilation": 1, "spacing": 1}
"""Windows side by side, with nothing around."""


def _arguments(node: OfPatches) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arguments by place and by name: of how patches lie, what is not as usual."""
    images, other, frame, rows = map(numpy_source, node.operands)
    values = {name: tuple(vars(lie)[name] for lie in node.lies) for name in USUAL}
    more = [f"{name}={value}" for name, value in values.items() if any(each != USUAL[name] for each in value)]
    more += ["down=True"] if is_down(node) else []
    return (images, other, frame, rows, str(tuple(lie.size for lie in node.lies))), tuple(more)


@CALLS.row(PatchProduct)
def _(node: PatchProduct) -> Call:
    return Call("convolved", *_arguments(node))


@CALLS.row(PatchGradient)
def _(node: PatchGradient) -> Call:
    return Call("kernel_gradient", *_arguments(node))


@SCRATCH.row(PatchGradient)
def _(node: PatchGradient) -> Scratch:
    return Scratch("memory", node.shape)
