"""The batch table for Kronecker products, extremes, slices and series; an inverse has no form for batches."""

from __future__ import annotations

from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH, Batch, Operand, expanded
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import ones
from symprop.errors import ShapeError


@BATCH.row(n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower, n.Decomposition)
def _(node: Node, batch: Batch, *operands: Operand) -> Node:
    shape = shape_text(node.operands[0].shape)
    raise ShapeError(
        f"{type(node).__name__} of a matrix of shape {shape} that differs from example to example has no form\n"
        "allowed: a matrix that is the same for the whole batch"
    )


@BATCH.row(n.Kron)
def _(node: n.Kron, batch: Batch, left: Operand, right: Operand) -> Node:
    blocks = []  # A[b, i, 1, j, 1] * B[b, 1, k, 1, l]
    for operand, axes in ((left, (1, 3)), (right, (0, 2))):
        wide = expanded(operand.node, *(batch.axis(axis) if operand.batched else axis for axis in axes))
        blocks.append(batch.aligned(replace(operand, node=wide, rank=4), 4))
    return n.Reshape(n.Multiply(*blocks), batch.shape(node.shape))


@BATCH.row(n.Concatenate)
def _(node: n.Concatenate, batch: Batch, *operands: Operand) -> Node:
    parts = [
        operand.node
        if operand.batched
        else n.Multiply(batch.aligned(operand, node.rank), ones(*batch.shape(operand.node.shape)))
        for operand in operands
    ]
    return n.Concatenate(*parts, axis=batch.axis(node.axis))


@BATCH.row(n.BlockSum)
def _(node: n.BlockSum, batch: Batch, operand: Operand) -> Node:
    return n.BlockSum(operand.node, node.index, node.count)
