"""The step of a module for numba: one compiled function of loops, elementwise work fused into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symprop.algebra import nodes as n
from symprop.algebra.kinds.windows import Windowed
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import LOSS
from symprop.algebra.trees import walk
from symprop.codegen import faster, gates, hoisting, passes
from symprop.codegen.program import Names, Pass, Program, Statement, rewritten
from symprop.codegen.scans import Scan, named_apart, stacks_read
from symprop.codegen.stable import everywhere
from symprop.codegen.targets.fast.memory import plan
from symprop.codegen.targets.fast.step import result_lines, workspace_lines
from symprop.codegen.targets.layout import laid_out
from symprop.codegen.targets.numba.loops import WHOLE, has_loops, is_large, leading_product, loop_lines
from symprop.codegen.targets.numba.over_time import arrays_of, kernel_lines
from symprop.codegen.targets.numpy import lines
from symprop.codegen.views import is_view
from symprop.errors import SpecError
from symprop.hints import option


def named_wholes(program: Program) -> Program:
    """Name what loops write as a whole, as sums by index, where it stands inside a longer expression."""
    names = Names(program.names)

    def change(statement: Statement, emit: Callable[[Statement], None]) -> Statement:
        def rule(node: n.Node) -> n.Node | None:
            if not isinstance(node, WHOLE) or node == statement.expression:
                return None
            name = names.new("first" if isinstance(node, n.First) else "table", node)
            emit(Statement(name, node))
            return name

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change)


def named_products(program: Program) -> Program:
    """Name large products, and what is computed inside them, so that each is one call of BLAS on arrays."""
    names = Names(program.names)

    def change(statement: Statement, emit: Callable[[Statement], None]) -> Statement:
        def named(node: n.Node, word: str) -> n.Node:
            name = names.new(word, node)
            emit(Statement(name, node))
            return name

        def visit(node: n.Node, kept: n.Node | None) -> n.Node:
            whole = node == kept
            operands = tuple(visit(operand, None if whole else kept) for operand in node.operands)
            if isinstance(node, Scan):
                operands = tuple(each if is_view(each) or not each.rank else named(each, "rows") for each in operands)
            if is_large(node):
                operands = tuple(each if is_plain(each) else named(each, "factor") for each in operands)
            new = node if operands == node.operands else node.with_operands(operands)
            return named(new, "product") if is_large(node) and not whole else new

        return statement.with_expression(visit(statement.expression, leading_product(statement)))

    return rewritten(program, change)


def is_plain(node: n.Node) -> bool:
    """Whether BLAS reads a matrix where it lies: the rows of a variable, or of its first moments, or its transpose."""
    inner = node.untransposed
    if isinstance(inner, n.Reshape):
        inner = inner.operands[0]
        if isinstance(inner, n.Slice) and inner.axis == 0:
            inner = inner.operands[0]
    return isinstance(inner, Variable)


def short_statements(program: Program) -> Program:
    """Name the longest operand of an expression whose loops do not fit on a line."""
    return lines.shortened(
        program, lines.WIDTH, columns=lambda statement: max(map(len, loop_lines(statement)), default=0)
    )


def refused_without_loops(program: Program) -> Program:
    """Refuse a network that needs an operation for which there are no loops."""
    for statement in program.statements:
        if not has_loops(statement.expression):
            told = f'target "numba" has no loops for what {statement.name} is computed from'
            raise SpecError(f"{told}\nallowed: {option('target', 'numpy')}")
    return program


STEP: tuple[Pass, ...] = (
    gates.gates_apart,
    hoisting.hoisted_products,
    passes.dead,
    passes.share,
    passes.dead,
    stacks_read,
    faster.products_of_rows,
    named_wholes,
    refused_without_loops,
    named_products,
    short_statements,
    named_apart,
)
"""The passes of a step of loops, after the forms."""


@dataclass(frozen=True)
class LoopStep:
    """What the template needs: lines of the kernel, how it is defined and called, lines that make the workspace."""

    kernel: tuple[str, ...]
    define: tuple[str, ...]
    call: tuple[str, ...]
    results: tuple[str, ...]
    workspace: tuple[str, ...]
    code: str
    result: str


def loop_step(program: Program, targets: tuple[Variable, ...]) -> LoopStep | None:
    """Return the step of a program in its stable forms; None where that of NumPy's target is faster.

    As loops over single numbers windows of images or sequences take 3 to 6 times as long, and a minute to compile;
    products of stacks of matrices, those of attention, are not one call of BLAS there.

    Raises:
        SpecError: the network needs an operation that has no loops, such as an inverse.
    """
    parts = (part for each in program.statements for part in walk(each.expression))
    if any(isinstance(part, (Windowed, n.MatMul)) and _is_of_stacks(part) for part in parts):
        return None
    program = passes.run(program, STEP)
    read = {variable for statement in program.statements for variable in statement.reads}
    given = [variable for variable in (*program.inputs, *program.targets) if variable in read]
    masks = [mask for mask in program.masks if mask in read]
    parameters = [("params", each, each.name) for each in program.parameters if each in read]
    parameters += [("v", each, each.of_tangent.name) for each in program.directions if each in read]
    numbers = [
        each
        for each in program.statements
        if not each.target.rank and each.name in program.returned and each.target.role != LOSS
    ]
    scalars = [each for each in numbers if not each.target.is_of_gradient]
    if scalars:
        told = f'target "numba" keeps no statistic of one number: {scalars[0].name}'
        raise SpecError(f"{told}\nallowed: {option('target', 'numpy')}")
    returned = {each.target for each in numbers}
    arrays = [each for each in arrays_of(program) if each.rank or each in returned]
    names = [*(variable.name for variable in (*given, *masks, *(each for _, each, _ in parameters), *arrays))]
    passed = [
        *(variable.name for variable in given),
        *(f'work.masks["{mask.name}"]' for mask in masks),
        *(f'{holder}["{key}"]{"" if each.rank else "[()]"}' for holder, each, key in parameters),
        *(f"work.{variable.name}" for variable in arrays),
    ]
    kernel = tuple(kernel_lines(program))
    arrays_of_step = plan(program, targets, loops=True)
    return LoopStep(
        kernel,
        tuple(laid_out("def _kernel(", ["m", *names], "):", indent=0)),
        tuple(laid_out("loss = _kernel(", ["work.m", *passed])),
        tuple(result_lines(arrays_of_step)),
        tuple(workspace_lines(arrays_of_step)),
        "\n".join(line for line in kernel if not line.lstrip().startswith("#")),
        program.returns[0],
    )


def _is_of_stacks(node: n.Node) -> bool:
    """Whether an operation makes stacks of matrices from stacks alone."""
    return min(node.rank, *(operand.rank for operand in node.operands)) > 2


__all__ = ["STEP", "LoopStep", "loop_step"]
