"""A block repeated a symbolic number of times: its equations for a general index, as a `Loop`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Tuple, expand

from symprop.algebra.equations import Carry, Loop
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import shape_text
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.sizes import LOOP_SYMBOLS

LAYER = "layer"
"""The family of layers that the output of a block is numbered by."""

if TYPE_CHECKING:
    from symprop.networks.blocks import Repeat


def build_loop(repeat: Repeat, builder: Builder, value: Variable) -> Variable:
    """Append the `Loop` of a symbolic `Repeat` and return the output of its last block.

    Dense layers are numbered as if the blocks were written out: number `j` of block `l` after `k0` others is
    `k0 + d*(l - 1) + j` with `d` in each block. What stands before is named as the output of block 0, if it is not.
    Where the blocks are tied, their parameters are those of the first. A loop inside a loop counts as one layer of
    its block and numbers its own behind that: `W[l, k]`.

    Raises:
        SpecError: too many loops, no Dense in the block, or a block whose output does not fit its input.
    """
    books = builder.books
    if books.loops >= len(LOOP_SYMBOLS):
        raise SpecError(f"a network has at most {len(LOOP_SYMBOLS)} symbolic Repeats")
    index, count = LOOP_SYMBOLS[books.loops], size_symbol(str(repeat.count))
    books.loops += 1
    nested = bool(builder.indices)
    prefix = builder.index(builder.next_number()) if nested else builder.prefix  # a loop inside counts as one layer
    passed: dict[str, Expr] = {} if nested else dict(builder.numbers)

    def numbers(counts: Mapping[str, int], blocks: Expr) -> dict[str, Expr]:
        """The numbers of the latest layers behind so many blocks."""
        families = dict.fromkeys((*passed, *counts))
        return {each: expand(passed.get(each, Integer(0)) + counts.get(each, 0) * blocks) for each in families}

    # What the output of a block is called and how wide it is shows a trial; then the input of a block is known too.
    trial = builder.general_block(books.copy(), index, prefix, numbers({LAYER: 1}, index - 1), repeat.tied)
    out = _run(repeat, trial, value)
    counts = trial.counts
    if LAYER not in counts:
        raise SpecError(
            f"{shown(repeat.text)}: a block that is repeated a symbolic number of times needs a Dense layer"
        )
    shape = tuple(size.xreplace({index: index - 1}) for size in out.shape)
    first = tuple(size.xreplace({index: Integer(1)}) for size in shape)
    if first != value.shape:
        raise _misfit(repeat, value.shape, first)

    def named_after(blocks: Expr) -> tuple[Expr, ...]:
        return (*prefix, numbers(counts, blocks)[LAYER], *out.index[len(prefix) + 1 :])

    first_index = named_after(Integer(0))

    letter, mark = out.letter, out.mark
    if value.letter == letter and value.index == first_index and value.mark >= mark:
        mark = value.mark
    else:
        mark = max(mark, books.taken.get((letter, first_index), 0) + 1)
        books.taken[letter, first_index] = mark - 1
        start = builder.variable(letter, first_index, value.shape, out.role)
        value = builder.define(start, value, "what the first block reads")
    carry_in = value.change(index=Tuple(*named_after(index - 1)), shape=Tuple(*shape))

    body = builder.general_block(books, index, prefix, numbers(counts, index - 1), repeat.tied)
    books.taken[letter, named_after(index - 1)] = (
        mark  # the block's input has its name: an activation of it gets a mark
    )
    books.taken[letter, named_after(index)] = mark - out.mark
    carry_out = _run(repeat, body, carry_in)
    if carry_out.shape != out.shape:
        raise _misfit(repeat, shape, carry_out.shape)
    loop = Loop(index, count, tuple(body.items), (Carry(carry_in, carry_out),))
    builder.items.append(loop)
    if not nested:
        builder.numbers = numbers(counts, count)
    books.waiting = None
    books.taken[letter, named_after(count)] = mark
    return loop.end(loop.carries[0])


def _run(repeat: Repeat, builder: Builder, value: Variable) -> Variable:
    for layer in repeat.inner:
        value = builder.add(layer, value)
    return value


def _misfit(repeat: Repeat, before: tuple[Expr, ...], after: tuple[Expr, ...]) -> SpecError:
    return SpecError(
        f"{shown(repeat.text)}: a block gives shape {shape_text(after)} where {shape_text(before)} is needed"
        "\nallowed: blocks that keep the width, or widths that vary with the block, such as Input(n_0) and Dense(n_l)"
    )
