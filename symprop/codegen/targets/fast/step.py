"""The step of a module: forward and backward pass without an allocation, and the workspace in which it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import sympy
from sympy import Expr

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import Variable
from symprop.codegen import (
    faster,
    gates,
    grouped_patches,
    hoisting,
    lying,
    matrix_passes,
    passes,
    patch_products,
    pools,
    slopes,
    triangles,
)
from symprop.codegen import part_operations as part_operations
from symprop.codegen.operations import single_operations
from symprop.codegen.program import Pass, Program, Statement
from symprop.codegen.scans import Left, Made, Scan, named_apart, stacks_read
from symprop.codegen.targets.code import number as number_code
from symprop.codegen.targets.fast import convolution_calls as convolution_calls  # enters its rows
from symprop.codegen.targets.fast import part_calls as part_calls
from symprop.codegen.targets.fast import pool_calls as pool_calls
from symprop.codegen.targets.fast.calls import call_lines, is_allocated
from symprop.codegen.targets.fast.memory import Block, Plan, plan
from symprop.codegen.targets.fast.over_time import left_lines, loop_lines
from symprop.codegen.targets.fast.shared_rows import shared_rows
from symprop.codegen.targets.layout import laid_out, under_formulas
from symprop.codegen.targets.numpy import lines
from symprop.codegen.targets.numpy.source import numpy_source

STEP: tuple[Pass, ...] = (
    gates.gates_apart,
    hoisting.hoisted,
    gates.gates_at_once,
    faster.slopes_from_outputs,
    pools.pools,
    pools.rectified_pools,
    faster.firsts_by_comparison,
    faster.known_sums,
    grouped_patches.products_of_groups,
    patch_products.products_of_patches,
    patch_products.gradients_of_biases,
    passes.dead,
    passes.share,
    passes.dead,
    stacks_read,
    slopes.known_parts_of_sums,
    slopes.slopes_on_the_way,
    matrix_passes.cheapest_order,
    matrix_passes.inner_products,
    triangles.below_the_diagonal,
    lying.lying_as_read,
    faster.scatters_as_products,
    faster.sums_as_products,
    faster.products_of_rows,
    faster.maxima_over_columns,
    faster.lines_of_vectors,
    lines.short_scalars,
    single_operations,
    named_apart,
)
"""The passes of a step, after the forms."""

_LAST = STEP.index(lines.short_scalars)
SHARED: tuple[Pass, ...] = (*STEP[:_LAST], shared_rows, *STEP[_LAST:])
"""The passes of a step that two threads make, with half of the rows each."""


def planned(
    program: Program, own: Iterable[Variable] = (), reuse: bool = True, made_by: tuple[Pass, ...] = STEP
) -> Plan:
    """Return the memory plan of a program in its stable forms: its operations, and where their results live."""
    return plan(passes.run(program, made_by), tuple(own), reuse)


def step_lines(found: Plan, statements: Iterable[Statement]) -> list[str]:
    """Return the lines of the code of `statements`; a formula stands above all that computes it."""
    return under_formulas(statements, lambda each: _statement_lines(found, each, found.printed(each)))


def _statement_lines(found: Plan, statement: Statement, printed: Statement) -> list[str]:
    block = found.homes.get(statement.target)
    match printed.expression:
        case Scan() as scan:
            return list(loop_lines(found, statement.target, scan, step_lines))
        case Left() as left:
            return left_lines(found, printed.name, left, "" if block is None else _place(found, block))
        case Made():
            return []
    if block is not None and block.kind == "constants":
        return [f"{printed.name} = work.{printed.name}"]
    if block is None:
        return [f"{printed.name} = {numpy_source(printed.expression)}"]
    if is_allocated(statement.expression):
        place = _place(found, block)
        return [f"{printed.name} = {place}", f"{printed.name}[...] = {numpy_source(printed.expression)}"]
    over = found.over.get(statement.target)
    overwritten = "" if over is None else str(found.shown.get(over, over).name)
    extra = f"work.scratch_{printed.name}" if statement.target in found.extra else ""
    return call_lines(printed.name, printed.expression, overwritten, _place(found, block), extra)


TRICKS = (
    (r"np\.matmul\(.*out=|\w\.dot\(.*out=", "written into the workspace: to allocate may cost more than to compute"),
    (r"np\.matmul\(", "np.matmul, as these are large: np.dot would first clear its result"),
    (r"^(?!.*ones).*(\w\.dot\()", "the method dot, as these are small: its call costs least"),
    (r"= np\.\w+\((\w+), .*out=\1\)", "over what is read here for the last time, which is still in the cache"),
    (r"^columns\w* = ", "rows are short: the largest of each, over the columns of a copy, is many at a time"),
    (
        r"^ones\w* = |\bones\w*\.dot\(|dot\(ones",
        "a sum, as a product with ones: BLAS takes half as long as a reduction",
    ),
    (r"np\.vdot\(", "an inner product: no array for the terms of the sum"),
    (r"^slope\w* = np\.greater\(", "the sign of an output is that of its input, whose memory it took"),
    (r"first_true\(", "of those that equal the largest the first, in place"),
    (r'mode="clip"', "ids were checked before; to check them again, NumPy would copy the result"),
    (r"= convolved_by_rows\(", "patches of one row of the kernel alone are copied: the other rows read them shifted"),
    (r"= convolved\(", "patches in one product, some images at a time, so that they are multiplied in the cache"),
    (r"down=True", "each element of patches has a row: a line of pixels is a longer run to copy than a patch's"),
    (r"= to_first", "back to the first largest of each window: no array holds all windows"),
    (r"^line\w* = ", "a vector, for each pixel of a line: a loop over the channels of one pixel is short"),
    (r"np\.maximum\(\w+, zeros", "zeros of an array: with a number np.maximum takes twice as long"),
    (r"= yield ", "the sum over all rows: the threads, which have some each, wait for each other here"),
    (r"out=.*\.transpose\(", "where it lies, its axes are in the order in which it is read: no copy is made for that"),
)
"""What a line of a step does otherwise than a person would write it, and why: said above the first such line."""


def explained(parts: Iterable[Iterable[str]]) -> list[tuple[str, ...]]:
    """Return the lines of each part of a step, with the why of each trick above the line that has it first.

    >>> explained([["L = -np.vdot(y, z) / m"], ["loss = np.vdot(a, b)"]])
    [('# an inner product: no array for the terms of the sum', 'L = -np.vdot(y, z) / m'), ('loss = np.vdot(a, b)',)]
    """
    left = dict(TRICKS)

    def told(line: str) -> Iterator[str]:
        for pattern in [each for each in left if not line.startswith("#") and re.search(each, line)]:
            yield f"{line[: len(line) - len(line.lstrip())]}# {left.pop(pattern)}"
        yield line

    return [tuple(each for line in part for each in told(line)) for part in parts]


def _place(found: Plan, block: Block) -> str:
    if block.first in found.into.values():  # in a loop, what the step before left
        return str(block.first.name)
    if row := next((each for each in block.holds if each in found.rows), None):
        shape = ", ".join(map(_code, block.shape))
        return str(row.name) if row.shape == block.shape else f"{row.name}.reshape({shape})"
    return f"work.{found.shown.get(block.first, block.first).name}"


# ---------------------------------------------------------------- the workspace


RESULTS = {"gradient": "DTYPE", "statistics": "DTYPE"}
"""Kinds of memory that hold what a step returns, and the types of their numbers."""

MEMORY = {"memory": "DTYPE", "flags": "bool", "places": "np.intp"}
"""Kinds of memory that hold what a step computes on its way."""


def result_lines(found: Plan) -> Iterator[str]:
    """Yield the lines that give a workspace `work` for `m` rows the memory of what a step returns."""
    return _memory_lines(found, RESULTS)


def workspace_lines(found: Plan) -> Iterator[str]:
    """Yield the lines that give a workspace `work` for `m` rows all its other memory, and what no step changes."""
    yield from _memory_lines(found, MEMORY)
    for part in found.all:
        for statement in part.program.statements:
            home = part.homes.get(statement.target)
            if home is not None and home.kind == "constants":
                function, inside = numpy_source(statement.expression).split("(", 1)
                items = [inside.removesuffix(", DTYPE)"), "DTYPE"] if inside.endswith(", DTYPE)") else [inside[:-1]]
                yield from laid_out(f"work.{statement.name} = {function}(", items)


def _memory_lines(found: Plan, kinds: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that make an array for each of some kinds of memory, and views of it for what it holds."""
    for kind, dtype in kinds.items():
        blocks = [block for block in found.blocks if block.kind == kind]
        if blocks:
            holder = "work.gradient" if kind == "gradient" else kind
            yield f"{holder} = np.empty({_code(found.totals[kind])}, {dtype})"
            for block in blocks:
                yield from _view_lines(found, block, holder)


def _view_lines(found: Plan, block: Block, holder: str) -> Iterator[str]:
    is_scratch = found.extra.get(block.first) is block
    name = found.shown.get(block.first, block.first).name
    target = f"work.scratch_{name}" if is_scratch else _place(found, block)
    start = "" if block.low == 0 and block.base == 0 else _place_code(block, block.low)
    stop = _place_code(block, block.low + block.count)
    simple = all(re.fullmatch(r"-?\w*", end) for end in (start, stop))
    span = f"{start}:{stop}" if simple else f"{start} : {stop}".strip()  # as `ruff format` has it
    line = f"{target} = {holder}[{span}]"
    if block.first.rank != 1 or is_scratch:
        yield from laid_out(f"{line}.reshape(", [*map(_code, block.shape)] or ["()"])
    else:
        yield line


def _place_code(block: Block, number: int) -> str:
    """Return how many elements stand before the one of this number in the unit of a block."""
    if block.unit == BATCH_SIZE and block.base.is_Integer and block.base >= 0 and number:  # as most are
        many = BATCH_SIZE.name if number == 1 else f"{number} * {BATCH_SIZE.name}"
        return f"{many} + {block.base}" if block.base else many
    return str(number) if block.unit == 1 and block.base == 0 else _code(block.base + number * block.unit)


def _code(size: Expr) -> str:
    return str(size) if size.is_Integer else number_code(sympy.expand(size)).text


__all__ = ["SHARED", "STEP", "TRICKS", "explained", "planned", "result_lines", "step_lines", "workspace_lines"]
