"""Products as operations, and where their results lie: in another shape, with other axes, side by side."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.codegen.kinds import Copy
from symprop.codegen.operations import OPERATION, Splitter
from symprop.codegen.views import has_steps, is_by_parts, one_place


@OPERATION.row(n.MatMul)
def _(split: Splitter, node: n.MatMul) -> Node:
    """BLAS steps over elements in no array: it would copy windows, so they are copied into memory that is planned."""
    atoms = map(split.atom, node.operands)
    return node.with_operands(split.named(Copy(atom)) if has_steps(atom) else atom for atom in atoms)


@OPERATION.row(n.Transpose, n.Concatenate)
def _(split: Splitter, node: Node) -> Node:
    """Products are computed where they lie; all else is named, and a view of it or a copy of all made."""
    whole = split.operation if is_by_parts(node) else split.atom
    return node.with_operands(
        whole(each) if isinstance(each, (n.MatMul, n.Multiply, n.Transpose, n.Concatenate)) else split.atom(each)
        for each in node.operands
    )


@OPERATION.row(n.Reshape)
def _(split: Splitter, node: n.Reshape) -> Node:
    inner = node.operands[0]
    while isinstance(inner, n.Reshape):
        inner = inner.operands[0]
    if one_place(node) and isinstance(inner.operands[0], n.Variable):
        return node
    if is_by_parts(n.Reshape(inner, node.shape)):
        return n.Reshape(split.operation(inner), node.shape)
    atom = split.atom(inner)
    is_there = split.is_whole(atom) or splits_an_axis(atom.shape, node.shape)
    return n.Reshape(atom if is_there else split.named(Copy(atom)), node.shape)


def splits_an_axis(shape: Shape, into: Shape) -> bool:
    """Whether a reshape makes two axes of one, as windows of moments are made: that is a view of any array.

    >>> splits_an_axis((2, 6, 5), (2, 3, 2, 5)), splits_an_axis((2, 6, 5), (12, 5))
    (True, False)
    """
    axis = next((at for at, (one, other) in enumerate(zip(shape, into, strict=False)) if one != other), len(shape) - 1)
    return (
        len(into) == len(shape) + 1
        and into[axis] * into[axis + 1] == shape[axis]
        and into[axis + 2 :] == shape[axis + 1 :]
    )
