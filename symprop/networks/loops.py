"""A block repeated a symbolic number of times: its equations for a general index, as a `Loop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Expr, Integer, Symbol, Tuple, expand

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

    Raises:
        SpecError: nested loops, no Dense in the block, or a block whose output does not fit its input.
    """
    if builder.index is not None:
        raise SpecError(
            f"{shown(repeat.text)} stands inside another symbolic Repeat\nallowed: inside, a number for the count"
        )
    if builder.loops >= len(LOOP_SYMBOLS):
        raise SpecError(f"a network has at most {len(LOOP_SYMBOLS)} symbolic Repeats, one after the other")
    index, count, before = LOOP_SYMBOLS[builder.loops], size_symbol(str(repeat.count)), builder.number

    # What the output of a block is called and how wide it is shows a trial; then the input of a block is known too.
    trial = _body(builder, index, expand(before + index - 1))
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

    letter, mark = out.letter, out.mark
    if value.letter == letter and value.index == (before,) and value.mark >= mark:
        mark = value.mark
    else:
        mark = max(mark, builder.taken.get((letter, before), 0) + 1)
        builder.taken[letter, before] = mark - 1
        value = builder.equation(letter, before, value, "what the first block reads")
    carry_in = value.change(index=Tuple(expand(before + dense * (index - 1))), shape=Tuple(*shape))

    body = _body(builder, index, carry_in.index[0])
    body.taken[letter, carry_in.index[0]] = mark  # the block's input has its name: an activation of it gets a mark
    body.taken[letter, expand(before + dense * index)] = mark - out.mark
    carry_out = _run(repeat, body, carry_in)
    if carry_out.shape != out.shape:
        raise _misfit(repeat, shape, carry_out.shape)
    loop = Loop(index, count, tuple(body.items), (Carry(carry_in, carry_out),))
    builder.items.append(loop)
    builder.parameters, builder.parameter_count = body.parameters, body.parameter_count
    builder.built = body.built
    builder.functions, builder.layer_count, builder.previous = body.functions, body.layer_count, body.previous
    builder.number, builder.dense_count = expand(before + dense * count), builder.dense_count + dense
    builder.loops += 1
    builder.waiting = None
    builder.taken[letter, builder.number] = mark
    return loop.at(carry_out, count)


def _body(builder: Builder, index: Symbol, number: Expr) -> Builder:
    """A builder for one general block whose first Dense comes after `number`."""
    body = builder.fork()
    body.items, body.index, body.number, body.dense_count = [], index, number, 0
    body.activation_letter = "a"
    return body


def _run(repeat: Repeat, builder: Builder, value: Variable) -> Variable:
    for layer in repeat.inner:
        value = builder.add(layer, value)
    return value


def _misfit(repeat: Repeat, before: tuple[Expr, ...], after: tuple[Expr, ...]) -> SpecError:
    return SpecError(
        f"{shown(repeat.text)}: a block gives shape {shape_text(after)} where {shape_text(before)} is needed"
        "\nallowed: blocks that keep the width, or widths that vary with the block, such as Input(n_0) and Dense(n_l)"
    )
