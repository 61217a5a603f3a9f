"""How a result lies in memory: as it is read, so that what reads it in another order of axes makes no copy."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import has_kind, walk
from symprop.codegen.program import Emit, Names, Program, Statement, rewritten
from symprop.codegen.stable import everywhere
from symprop.codegen.views import is_view, moves_rows


def lying_as_read(program: Program) -> Program:
    """Lay a result in memory with its axes in the order in which a reader takes its rows together: heads side by side.

    What is computed is the transposed array; the result itself is a view of it.
    """
    wanted: dict[Variable, tuple[int, ...]] = {}
    for statement in program.statements:
        for part in walk(statement.expression) if has_kind(statement.expression, n.Reshape) else ():
            if isinstance(part, n.Reshape) and (found := _turned(part)) is not None:
                wanted.setdefault(*found)
    names, lying = Names(program.names), dict[Node, Variable]()
    views: dict[Node, tuple[Variable, tuple[int, ...]]] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        def laid(node: Node, axes: tuple[int, ...]) -> Statement:
            name = names.new("laid", node, statement.target.index)
            emit(Statement(name, node))
            views[statement.target] = name, axes
            return statement.with_expression(name.permuted(axes))

        read = statement.expression
        if has_kind(read, n.Sum) or not views.keys().isdisjoint(statement.reads):
            read = everywhere(read, lambda node: lying.get(node) or _as_it_lies(node, views))
        statement = statement.with_expression(read)
        if statement.name in program.returned:
            return statement
        axes = wanted.get(statement.target)
        turned = None if axes is None else transposed(read, axes)
        if axes is not None and turned is not None:
            done = laid(turned, tuple(axes.index(axis) for axis in range(len(axes))))
            lying[n.Transpose(statement.target, axes)] = views[statement.target][0]
            return done
        if moves_rows(read) and not is_view(read):
            return laid(read.untransposed, read.order)
        return statement

    return rewritten(program, change)


def _as_it_lies(node: Node, views: dict[Node, tuple[Variable, tuple[int, ...]]]) -> Node | None:
    """Return elementwise work, or a sum of each row, on what its operands are views of, in the order of memory."""
    if isinstance(node, n.Elementwise):
        arrays = [each for each in node.operands if each.rank]
        orders = {views[each][1] for each in arrays if each in views}
        if len(orders) == 1 and all(each in views for each in arrays):
            inside = node.with_operands(views[each][0] if each.rank else each for each in node.operands)
            return inside.permuted(orders.pop())
    if isinstance(node, n.Sum) and node.keepdims and node.axes == (node.rank - 1,):
        inner = node.operands[0]
        if moves_rows(inner):
            return node.with_operands([inner.untransposed]).permuted(inner.order)
    return None


def _turned(node: n.Reshape) -> tuple[Variable, tuple[int, ...]] | None:
    """Return a variable of which an array of another shape is made, its axes in another order; and that order."""
    inner = node.operands[0]
    whole = inner.untransposed
    return (whole, inner.order) if whole is not inner and isinstance(whole, Variable) else None


def transposed(node: Node, axes: tuple[int, ...]) -> Node | None:
    """Return an array with its axes in another order, which is computed so; None where it cannot be, or is a view."""
    match node:
        case n.MatMul() if node.rank > 2 and all(operand.rank == node.rank for operand in node.operands):
            left, right = node.operands
            if axes.index(node.rank - 1) < axes.index(node.rank - 2):  # (A B)' = B' A'
                swap = (*range(node.rank - 2), node.rank - 1, node.rank - 2)
                node, axes = n.MatMul(right.permuted(swap), left.permuted(swap)), tuple(swap[axis] for axis in axes)
            return n.Transpose(node, axes) if axes[-1] == node.rank - 1 else None
        case n.Transpose(operands=(inner,)):
            return transposed(inner, tuple(node.axes[axis] for axis in axes))
        case n.Pad(operands=(inner,)):
            inside, widths = transposed(inner, axes), [node.widths[axis] for axis in axes]
            return None if inside is None else n.Pad(inside, range(node.rank), widths, node.value)
        case n.Multiply() | n.Add() | n.Concatenate():
            turned = [transposed(each, axes) if each.rank else each for each in node.operands]
            done = [each for each in turned if each is not None]
            if len(done) < len(turned):
                return None
            if isinstance(node, n.Concatenate):
                return n.Concatenate(*done, axis=axes.index(node.axis))
            return node.with_operands(done)
    return None


__all__ = ["lying_as_read", "transposed"]
