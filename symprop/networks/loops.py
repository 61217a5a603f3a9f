"""A block repeated a symbolic number of times: its equations for a general index, as a `Loop`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Tuple, expand

from symprop.algebra.equations import Carry, Loop
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import shape_text
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.sizes import LOOP_SYMBOLS, named_as_an_index


@dataclass(frozen=True)
class Block:
    """A row of layers that is repeated a symbolic number of times: its layers, the name of the count, and its text."""

    layers: tuple[Any, ...]
    count: str
    tied: bool
    text: str

    @property
    def sizes(self) -> list[str]:
        """The sizes of its layers, as they are written."""
        return [str(size) for layer in self.layers for size in layer.sizes]

    def build(self, builder: Builder, value: Variable) -> Variable:
        """Append the equations of one block and return its output."""
        for layer in self.layers:
            value = builder.add(layer, value)
        return value

    def misfit(self, before: Iterable[Expr], after: Iterable[Expr]) -> SpecError:
        """The error of a block whose output does not fit its input."""
        needed, given = shape_text(tuple(before)), shape_text(tuple(after))
        return SpecError(
            f"{shown(self.text)}: a block gives shape {given} where {needed} is needed\n"
            "allowed: blocks that keep the width, or widths that vary with the block, such as Input(n_0) and Dense(n_l)"
        )


@dataclass(frozen=True)
class _Numbers:
    """How blocks are numbered: what was passed before them, and how many layers of each family a block has."""

    passed: Mapping[str, Expr]
    counts: Mapping[str, int]

    def behind(self, blocks: Expr) -> dict[str, Expr]:
        """The numbers of the latest layers behind so many blocks."""
        families = dict.fromkeys((*self.passed, *self.counts))
        zero = Integer(0)
        return {each: expand(self.passed.get(each, zero) + self.counts.get(each, 0) * blocks) for each in families}


def build_loop(block: Block, builder: Builder, value: Variable) -> Variable:
    """Append the `Loop` of a symbolic `Repeat` and return the output of its last block.

    Dense layers are numbered as if the blocks were written out: number `j` of block `l` after `k0` others is
    `k0 + d*(l - 1) + j` with `d` in each block, and so are the layers of every family. What stands before is named as
    the output of block 0, if it is not.
    Tied blocks have the parameters of the first. A loop inside counts as one layer, and numbers its own: `W[l, k]`.

    Raises:
        SpecError: too many loops, a size called as the index, a block whose output has no number, or does not fit.
    """
    books = builder.books
    if books.loops >= len(LOOP_SYMBOLS):
        raise SpecError(f"a network has at most {len(LOOP_SYMBOLS)} symbolic Repeats")
    index, count = LOOP_SYMBOLS[books.loops], size_symbol(block.count)
    if index.name in block.sizes:
        raise SpecError(named_as_an_index("size", index.name))
    books.loops += 1
    books.taken.setdefault(("delta", ()), 1)  # text holds the deltas of all blocks under this name
    nested = bool(builder.indices)
    prefix = builder.index(builder.next_number()) if nested else builder.prefix  # a loop inside counts as one layer
    passed: dict[str, Expr] = {} if nested else dict(builder.numbers)

    # How many layers a block has shows a trial, and what its output is called and how wide it is, another.
    trial = builder.general_block(books.copy(), index, prefix, dict(passed), block.tied)
    block.build(trial, value)
    numbers = _Numbers(passed, trial.counts)
    trial = builder.general_block(books.copy(), index, prefix, numbers.behind(index - 1), block.tied)
    out = block.build(trial, value)
    if not any(part.has(index) for part in out.index):
        raise SpecError(
            f"{shown(block.text)}: a block that is repeated a symbolic number of times needs a layer with a number\n"
            "allowed: a Dense layer, a convolution, a norm or an attention in it"
        )

    def output(blocks: Expr) -> tuple[Expr, ...]:
        """The index of what the last of so many blocks puts out."""
        return tuple(expand(part.xreplace({index: blocks})) for part in out.index)

    shape = tuple(size.xreplace({index: index - 1}) for size in out.shape)
    first = tuple(size.xreplace({index: Integer(1)}) for size in shape)
    if first != value.shape:
        raise block.misfit(value.shape, first)

    value = _entering(builder, value, out, output(Integer(0)))
    carry_in = value.change(index=Tuple(*output(index - 1)), shape=Tuple(*shape))
    body = builder.general_block(books, index, prefix, numbers.behind(index - 1), block.tied)
    # the input of the block has its name, so that an activation of it gets a mark
    books.taken[out.letter, output(index - 1)] = value.mark
    books.taken[out.letter, output(index)] = value.mark - out.mark
    carry_out = block.build(body, carry_in)
    if carry_out.shape != out.shape:
        raise block.misfit(shape, carry_out.shape)
    loop = Loop(index, count, tuple(body.items), (Carry(carry_in, carry_out),))
    builder.items.append(loop)
    if not nested:
        builder.numbers = numbers.behind(count)
    books.waiting = None
    books.taken[out.letter, output(count)] = value.mark
    return loop.end(loop.carries[0])


def _entering(builder: Builder, value: Variable, out: Variable, index: tuple[Expr, ...]) -> Variable:
    """Return what the first block reads, under the name of the output of block 0, which is given to it if need be."""
    if value.letter == out.letter and value.index == index and value.mark >= out.mark:
        return value
    taken = builder.books.taken
    taken[out.letter, index] = max(out.mark, taken.get((out.letter, index), 0) + 1) - 1
    start = builder.variable(out.letter, index, value.shape, out.role, value.as_written)
    return builder.define(start, value, "what the first block reads")
