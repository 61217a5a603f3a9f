"""How a result lies in memory: as it is read, so that what reads it in another order of axes makes no copy."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.codegen.program import Emit, Names, Program, Statement, rewritten
from symprop.codegen.stable import everywhere


def lying_as_read(program: Program) -> Program:
    """Lay a result in memory with its axes in the order in which a reader takes its rows together: heads side by side.

    What is computed is the transposed array; the result itself is a view of it.
    """
    wanted: dict[Variable, tuple[int, ...]] = {}
    for statement in program.statements:
        for part in walk(statement.expression):
            if isinstance(part, n.Reshape) and (found := _turned(part)) is not None:
                wanted.setdefault(*found)
    names, lying = Names(program.names), dict[Node, Variable]()

    def change(statement: Statement, emit: Emit) -> Statement:
        read = everywhere(statement.expression, lying.get)
        statement = statement.with_expression(read)
        axes = wanted.get(statement.target)
        turned = None if axes is None or statement.name in program.returns else transposed(read, axes)
        if axes is None or turned is None:
            return statement
        laid = names.new("laid", turned, statement.target.index)
        emit(Statement(laid, turned))
        lying[n.Transpose(statement.target, axes)] = laid
        return statement.with_expression(laid.permuted(tuple(axes.index(axis) for axis in range(len(axes)))))

    return rewritten(program, change)


def _turned(node: n.Reshape) -> tuple[Variable, tuple[int, ...]] | None:
    """Return a variable of which an array of another shape is made, its axes in another order; and that order."""
    inner = node.operands[0]
    if not isinstance(inner, n.Transpose) or not isinstance(inner.operands[0], Variable):
        return None
    return inner.operands[0], inner.axes


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
