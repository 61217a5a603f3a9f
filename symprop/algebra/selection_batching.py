"""The batch table for what is chosen by ids, and the adjoint of that."""

from __future__ import annotations

from dataclasses import replace

from sympy import prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH, Batch, Operand, batch_first, expanded, swapped
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.errors import ShapeError


@BATCH.row(n.Take)
def _(node: n.Take, batch: Batch, table: Operand, ids: Operand) -> Node:
    if not ids.batched:  # the batch in the last axis takes no part
        return _from_last(n.Take(_to_last(table, batch).node, ids.node), batch)
    if table.batched:
        return _own_rows(node, batch, table, ids)
    return _ids_in_batch(n.Take(table.node, ids.node), ids, batch)


def _own_rows(node: n.Take, batch: Batch, table: Operand, ids: Operand) -> Node:
    """Rows of a table that differs from example to example: sum_k (ids[b] == k) table[b, k]."""
    if not batch.rows:
        rows = _own_rows(node, replace(batch, rows=True), batch_first(table), batch_first(ids))
        return n.Transpose(rows, (*range(1, node.rank + 1), 0))
    count = node.operands[0].shape[0]
    chosen = expanded(n.OneHot(ids.node, count), *[-1] * (table.rank - 1))  # (m, ids, k, 1)
    spread = expanded(table.node, *[1] * ids.rank)  # (m, 1, k, row)
    return n.Sum(n.Multiply(chosen, spread), ids.rank + 1)


@BATCH.row(n.OneHot)
def _(node: n.OneHot, batch: Batch, ids: Operand) -> Node:
    return _ids_in_batch(n.OneHot(ids.node, node.size), ids, batch)


def _ids_in_batch(result: Node, ids: Operand, batch: Batch) -> Node:
    """Selection by ids puts its axes last; in columns the batch goes behind them."""
    if batch.rows or result.rank == ids.rank + 1:
        return result
    return n.Transpose(result, (*range(ids.rank), *range(ids.rank + 1, result.rank), ids.rank))


def _to_last(operand: Operand, batch: Batch) -> Operand:
    """The operand with the batch in its last axis, as layout "columns" has it."""
    if not batch.rows or operand.rank == 0:
        return operand
    return replace(operand, node=n.Transpose(operand.node, (*range(1, operand.rank + 1), 0)))


def _from_last(result: Node, batch: Batch) -> Node:
    """A result with the batch in its last axis, in the layout that is asked for."""
    if not batch.rows or result.rank == 1:
        return result
    return n.Transpose(result, (result.rank - 1, *range(result.rank - 1)))


@BATCH.row(n.ScatterAdd)
def _(node: n.ScatterAdd, batch: Batch, values: Operand, ids: Operand) -> Node:
    if not ids.batched:
        return _from_last(n.ScatterAdd(_to_last(values, batch).node, ids.node, node.size), batch)
    if ids.rank != 1:
        raise ShapeError(
            f"scatter of {shape_text(node.operands[0].shape)} by ids of shape {shape_text(node.operands[1].shape)} "
            "has no form for batches\nallowed: a vector of ids"
        )
    if not batch.rows:
        rows = BATCH(node, replace(batch, rows=True), batch_first(values), batch_first(ids))
        return n.Transpose(rows, (*range(1, node.rank + 1), 0))
    chosen = n.OneHot(ids.node, node.size)
    if values.rank == 1:  # sum_t (ids[b, t] == k) values[b, t]
        return n.Sum(n.Multiply(chosen, n.Expand(values.node, -1)), 1)
    if values.rank > 2:  # what lies behind each id, in one row
        count, *behind = node.operands[0].shape
        flat = (count, prod(behind))
        rows = n.Reshape(values.node, batch.shape(flat) if values.batched else flat)
        return n.Reshape(n.MatMul(swapped(chosen), rows), batch.shape(node.shape))
    return n.MatMul(swapped(chosen), values.node)  # sum_t (ids[b, t] == k) values[b, t, :]
