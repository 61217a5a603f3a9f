"""What the generator did, as plain text: the program before and after each pass, and the memory plan of a step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import walk
from symprop.codegen import passes
from symprop.codegen.case import Case
from symprop.codegen.lowering import lower
from symprop.codegen.program import Pass, Program, Statement
from symprop.codegen.targets import FAST
from symprop.codegen.targets.fast.memory import Block, Plan
from symprop.codegen.targets.fast.step import STEP, planned
from symprop.codegen.targets.fast.taken import made_into_rows
from symprop.codegen.targets.numpy.source import numpy_source

UNWRITTEN = (n.Softmax, n.LogSumExp)
"""Kinds that have no NumPy source until a pass has written them out."""


def passes_listing(case: Case) -> str:
    """Return the program of a step as lowered, what each pass changes in it, and the program at the end.

    >>> listing = passes_listing(Case("Input(2) >> Dense(3) >> ReLU() >> MeanSquaredError()"))
    >>> print(listing.partition("sums_as_products")[2].partition("products_of_rows")[0])
    : Sum over the first axes, or over the last one, by a product with ones: BLAS is faster than a reduction.
      - db1 = delta1.sum(axis=0)   (3,)
      + db1 = np.ones((m,), DTYPE) @ delta1   (3,)
    <BLANKLINE>
    """
    program = lower(case.rows.derivation)
    parts = ["as lowered:", *_indented(_lines(program)), ""]

    def watch(each: Pass, before: Program, after: Program) -> None:
        what = (each.__doc__ or "").strip().split("\n")[0]
        changes = list(_changes(_lines(before), _lines(after)))
        parts.extend([f"{each.__name__}: {what}", *_indented(changes or ["no change"]), ""])

    program = passes.run(program, (*passes.FORMS, *STEP), watch)
    return "\n".join([*parts, "at the end:", *_indented(_lines(program))])


def _lines(program: Program) -> list[str]:
    return [_line(statement) for statement in program.statements]


def _line(statement: Statement) -> str:
    expression = statement.expression
    unwritten = any(isinstance(part, UNWRITTEN) for part in walk(expression)) or not _has_source(expression)
    text = expression.text() if unwritten else numpy_source(expression)
    return f"{statement.name} = {text}   {shape_text(statement.shape)}"


def _has_source(expression: n.Node) -> bool:
    """Whether NumPy, or a helper, has every function of an expression."""
    try:
        numpy_source(expression)
    except LookupError:
        return False
    return True


def _changes(before: list[str], after: list[str]) -> Iterator[str]:
    for line in difflib.ndiff(before, after):
        if line[0] in "-+":
            yield line


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


# ---------------------------------------------------------------- the memory plan


def plan_listing(case: Case, batch: int = 32) -> str:
    """Return the memory plan of a step: each array of the workspace, what it holds, when it is live, and the peak.

    >>> case = Case("Input(2) >> Dense(3) >> ReLU() >> MeanSquaredError()", dtype="float32")
    >>> print(plan_listing(case, 10).partition("peak: ")[2])
      31*m + 36 bytes
    naive:  79*m + 36 bytes, if each result had memory of its own
    m = 10: 346 of 826 bytes (42 %)
    """
    program = case.at(target=FAST).program
    found = planned(program, made_into_rows(program.targets))
    size = np.dtype(case.dtype).itemsize
    rows: list[tuple[str, ...]] = [("array", "shape", "kind", "live", "place", "holds, one after another")]
    rows += [_row(found, block) for block in found.blocks]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    peak, naive = found.bytes(size), found.bytes(size, naive=True)
    at, other = (int(value.subs(BATCH_SIZE, batch)) for value in (peak, naive))
    return "\n".join(
        [
            f"memory of a step, {case.dtype}, for m rows; live from operation to operation, place in elements",
            "",
            *table,
            "",
            f"peak:   {peak} bytes",
            f"naive:  {naive} bytes, if each result had memory of its own",
            f"m = {batch}: {at:,} of {other:,} bytes ({100 * at / other:.0f} %)",
        ]
    )


def _row(found: Plan, block: Block) -> tuple[str, ...]:
    shown = dict.fromkeys(found.shown.get(held, held).name for held in block.holds)
    end = len(list(found.program.statements))
    first, last = (str(time) if isinstance(time, int) else f"{float(time):.2f}" for time in (block.start, block.stop))
    live = f"{first if block.start > 0 else 0}-{'end' if block.stop >= end else last}"
    name = next(iter(shown), None) or f"scratch of {found.shown.get(block.first, block.first).name}"
    return name, shape_text(block.shape), block.kind, live, str(block.offset), ", ".join(shown)


__all__ = ["passes_listing", "plan_listing"]
