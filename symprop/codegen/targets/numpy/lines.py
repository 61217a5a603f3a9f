"""Passes that keep statements within a line of source: what is too long is named, and computed before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.codegen.indicators import is_indicator
from symprop.codegen.passes import CHEAP, FORMS, dead, role, share
from symprop.codegen.program import Emit, Names, Pass, Program, Statement, rewritten
from symprop.codegen.targets.layout import COLUMNS, INDENT
from symprop.codegen.targets.numpy.source import numpy_source

WIDTH = COLUMNS - INDENT
"""The columns of a line inside a function."""


def short_lines(program: Program) -> Program:
    """Name the longest operand of an expression that does not fit on a line, until all fit."""
    return shortened(program, WIDTH)


def _columns(statement: Statement) -> int:
    return len(statement.name) + 3 + len(numpy_source(statement.expression))


def short_scalars(program: Program) -> Program:
    """The same for scalars alone, where everything else becomes one operation to a line."""
    return shortened(program, WIDTH, lambda statement: not statement.target.rank)


def shortened(
    program: Program,
    width: int,
    chosen: Callable[[Statement], bool] = lambda statement: True,
    columns: Callable[[Statement], int] = _columns,
) -> Program:
    """Name the longest operand of each chosen statement that `columns` says is wider than `width`, until all fit."""
    names = Names(program.names)

    def change(statement: Statement, emit: Emit) -> Statement:
        expression = statement.expression
        if not chosen(statement):
            return statement
        while columns(statement.with_expression(expression)) > width:
            part = _part_to_name(expression)
            if part is None:
                break
            word = role(part, statement, program)
            name = names.new(word, part, () if word in ("penalty", "data_loss") else statement.target.index or None)
            there = tuple(why for why in statement.whys if why.about and set(why.about) <= set(variables(part)))
            emit(change(Statement(name, part, whys=there), emit))
            expression = _with_part(expression, part, name)
            statement = replace(statement, whys=tuple(why for why in statement.whys if why not in there))
        return statement.with_expression(expression)

    return rewritten(program, change)


def _part_to_name(node: Node) -> Node | None:
    """Return the longest operand, or half of many short ones; None where nothing can be named."""
    if isinstance(node, n.BlockSum):
        return None
    parts = [operand for operand in node.operands if not isinstance(operand, CHEAP) and not is_indicator(operand)]
    longest = max(parts, key=lambda part: len(numpy_source(part)), default=None)
    if longest is not None and (len(numpy_source(longest)) > WIDTH // 4 or len(node.operands) < 4):
        return longest
    if isinstance(node, (n.Add, n.Multiply)) and len(node.operands) >= 4:
        return node.func(*node.operands[: len(node.operands) // 2])
    found = next((found for operand in node.operands if (found := _part_to_name(operand)) is not None), None)
    large = [operand for operand in node.operands if not isinstance(operand, (Variable, n.Scalar))]
    return found or max(large, key=lambda part: len(numpy_source(part)), default=None)


def _with_part(node: Node, part: Node, name: Variable) -> Node:
    half = len(part.operands)
    if type(node) is type(part) and node.operands[:half] == part.operands and len(node.operands) > half:
        return node.func(name, *node.operands[half:])
    return trees.replace(node, {part: name})


ARRANGEMENT: tuple[Pass, ...] = (dead, share, dead, short_lines)
"""Passes that depend on what is returned: they run for each function."""

PASSES: tuple[Pass, ...] = (*FORMS, *ARRANGEMENT)

__all__ = ["ARRANGEMENT", "PASSES", "WIDTH", "short_lines", "short_scalars", "shortened"]
