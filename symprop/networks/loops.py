"""A block repeated a symbolic number of times: its equations for a general index, as a `Loop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Expr, Integer, Tuple, expand

from symprop.algebra.equations import Carry, Loop
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import shape_text
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.sizes import LOOP_SYMBOLS

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
    before, prefix = builder.number, builder.prefix
    if builder.indices:
        before, prefix = Integer(0), builder.index(builder.next_number())  # which counts the loop as one of its row

    # What the output of a block is called and how wide it is shows a trial; then the input of a block is known too.
    trial = builder.general_block(books.copy(), index, prefix, expand(before + index - 1), repeat.tied)
    out = _run(repeat, trial, value)
    dense = trial.dense_count
    if dense == 0:
        raise SpecError(
            f"{shown(repeat.text)}: a block that is repeated a symbolic number of times needs a Dense layer"
        )
    shape = tuple(size.xreplace({index: index - 1}) for size in out.shape)
    first = tuple(size.xreplace({index: Integer(1)}) for size in shape)
    if first != value.shape:
        raise _misfit(repeat, value.shape, first)

    def numbered(number: Expr) -> tuple[Expr, ...]:
        return (*prefix, expand(number), *out.index[len(prefix) + 1 :])

    letter, mark = out.letter, out.mark
    if value.letter == letter and value.index == numbered(before) and value.mark >= mark:
        mark = value.mark
    else:
        mark = max(mark, books.taken.get((letter, numbered(before)), 0) + 1)
        books.taken[letter, numbered(before)] = mark - 1
        start = builder.variable(letter, numbered(before), value.shape, out.role)
        value = builder.define(start, value, "what the first block reads")
    number = expand(before + dense * (index - 1))
    carry_in = value.change(index=Tuple(*numbered(number)), shape=Tuple(*shape))

    body = builder.general_block(books, index, prefix, number, repeat.tied)
    books.taken[letter, numbered(number)] = mark  # the block's input has its name: an activation of it gets a mark
    books.taken[letter, numbered(before + dense * index)] = mark - out.mark
    carry_out = _run(repeat, body, carry_in)
    if carry_out.shape != out.shape:
        raise _misfit(repeat, shape, carry_out.shape)
    loop = Loop(index, count, tuple(body.items), (Carry(carry_in, carry_out),))
    builder.items.append(loop)
    if not builder.indices:
        builder.number = expand(before + dense * count)
    books.waiting = None
    books.taken[letter, numbered(before + dense * count)] = mark
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
