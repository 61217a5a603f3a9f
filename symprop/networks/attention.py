"""Attention: each position takes a mean of the values of all positions, weighed by how well its query fits their keys.

Vaswani et al., *Attention is all you need* (2017). Heads are an axis of their own, in front of the positions, so that
an equation says what each head does. Nothing here is a derivative: those come out of products and softmax.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import sympy
from sympy import Expr, Integer, prod

from symprop.algebra.alike import ForAlike
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Compare, Fact, MatMul, Node, Reshape, Scalar, Softmax, Transpose, Variable, Where
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import added
from symprop.errors import SpecError, shown
from symprop.networks.attention_notes import (
    at_heads,
    for_heads,
    letters_of_heads,
    tell_heads,
    tell_mask,
    tell_rotation,
    tell_width,
)
from symprop.networks.builder import SHARES, Builder
from symprop.networks.layers import Input, Layer, checked_input
from symprop.networks.needs import Need, sized, valued
from symprop.networks.positions import of_a_sequence, rotated, rotation
from symprop.networks.sizes import Size, checked_flag, checked_size

HEAD_SIZE = "d"
"""The name of a head's width, where that is a name's share, `n / heads`; of another share `d2`, and so on."""


@dataclass(frozen=True)
class Attention(Layer):
    """Scaled dot-product attention in `heads`, `softmax(q k' / sqrt(d)) v` for each, then a linear layer over all.

    The input is a sequence, (T, n), so is the output. A head has the width `head_size`, else `n / heads`. With `causal`
    a position sees itself and what stands before it; with `kv_heads`, fewer than `heads`, several heads share keys and
    values (grouped queries, Ainslie et al. 2023); with `rope` queries and keys are rotated by their positions (Su et
    al. 2021). `memory` is a further input, (S, n), whose keys and values are read (cross-attention). `mask` is one
    with a number for each position that is read: the position is seen where its number is above 0.

    >>> from symprop import Input
    >>> network = Input("T", 6) >> Attention(2, causal=True)
    >>> [equation.text() for equation in network.system().equations][3:6]
    ['s1 = q1 @ transpose(k1, (0, 2, 1)) / sqrt(3) + M', 'p1 = softmax(s1, axis=2)', 'o1 = p1 @ v1']

    Raises:
        SpecError: an input that is no sequence, heads that do not divide its width or that `kv_heads` do not divide, an
            odd `head_size` with `rope`, `causal` or `rope` with a memory, a mask of another length.
    """

    family: ClassVar[str] = "mixing"

    heads: Size
    causal: bool = False
    kv_heads: Size | None = None
    head_size: Size | None = None
    rope: bool = False
    bias: bool = True
    mask: Input | None = None
    memory: Input | None = None

    def __post_init__(self) -> None:
        sizes = {"heads": self.heads, "kv_heads": self.kv_heads, "head_size": self.head_size}
        for name, size in sizes.items():
            if size is not None or name == "heads":
                object.__setattr__(self, name, checked_size(size, f"Attention: {name}"))
        for name, flag in {"causal": self.causal, "rope": self.rope, "bias": self.bias}.items():
            checked_flag(flag, f"Attention: {name}")
        for name, given in {"mask": self.mask, "memory": self.memory}.items():
            if given is not None:
                checked_input(given, f"Attention: {name}")
        if self.memory is not None and (self.causal or self.rope):
            what = "causal" if self.causal else "rope"
            raise SpecError(
                f"{shown(self.text)}: {what} compares the positions of one sequence, and a memory is another\n"
                f"allowed: {what} or memory"
            )

    is_drawn: ClassVar[bool] = True

    @property
    def caption(self) -> str:
        heads = "" if self.heads == 1 else f"{self.heads}-head "
        return f"{'masked ' * self.causal}{heads}attention"

    @property
    def arrows(self) -> tuple[int, ...]:
        """Queries, keys and values, of which a memory gives the last two."""
        return (1 if self.memory else 3, *(2 if each == self.memory else 1 for each in self.further_inputs))

    @property
    def facts_of_mask(self) -> tuple[Fact, ...]:
        return (*SHARES, Fact("first above 0" if self.causal else "one above 0"))  # else a row of scores is hidden

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        if self.memory is not None and len(self.memory.shape) != 2:
            raise SpecError(
                f"{shown(self.text)}: a memory is a sequence, and {shown(self.memory.text)} is none\n"
                'allowed: a memory such as Input(S, n, name="memory")'
            )
        read = shape[0] if self.memory is None else sized(self.memory.shape[0])
        yield Need(
            read, 2, otherwise=f"{shown(self.text)}: the weight of one position alone is always 1\nallowed: 2 or more"
        )
        heads, least = sized(self.heads), 2 if self.rope else 1
        if self.kv_heads is not None:
            told = f"{shown(self.text)}: {self.heads} heads cannot share {self.kv_heads} keys and values evenly"
            yield Need(heads / sized(self.kv_heads), otherwise=f"{told}\nallowed: kv_heads that divide the heads")
        if self.head_size is not None:
            told = f"{shown(self.text)}: rope rotates pairs of features, and a head has {self.head_size}"
            yield Need(sized(self.head_size), least, least, otherwise=f"{told}\nallowed: an even head_size")
        else:
            pairs = ", each of pairs of features" if self.rope else ""
            told = f"{shown(self.text)}: a width of {valued(shape[-1])} in {self.heads} heads{pairs}"
            allowed = f"allowed: multiples of {valued(least * heads)}, or head_size=..."
            yield Need(shape[-1] / heads, least, least, otherwise=f"{told}\n{allowed}")

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, width = builder.next_number("attention"), value.shape[-1]
        read = value if self.memory is None else builder.further_input(self.memory)
        d, (queries, keys) = self._head_size(builder, width), self._groups(builder)
        letters = letters_of_heads(len(queries), (*value.shape, *read.shape, *queries, d))
        tell_heads(builder.books, letters)
        q = self._heads(builder, "q", number, value, (*queries, d), letters)
        k = self._heads(builder, "k", number, read, (*keys, d), letters)
        v = self._heads(builder, "v", number, read, (*keys, d), letters)

        def of_heads(letter: str, expression: Node, note: str) -> Variable:
            return builder.equation(letter, number, expression, note, written=at_heads(letters))

        if self.rope:
            turns = rotation(builder, value.shape[0], d)
            tell_rotation(builder.books, *turns)
            q, k = (of_heads(each.letter + "_rot", rotated(each, *turns), "rotated") for each in (q, k))
        s = of_heads("s", _scores(q, k, d, *self._hidden(builder, value.shape[0], read.shape[0])), "scores")
        p = of_heads("p", _softmax(s), "weights")
        o = of_heads("o", _product(p, v), "means of values")
        parameters = self._linear(builder, "o", number, (prod(queries) * d, width), for_heads(letters, queries, 1))
        return builder.equation("c", number, _of_all_heads(o, *parameters), "of all heads")

    def _head_size(self, builder: Builder, width: Expr) -> Expr:
        if self.head_size is not None:
            return builder.size(self.head_size)
        share = width / builder.size(self.heads)
        if share.is_integer:
            return share
        if share.has(*builder.indices):
            raise SpecError(
                f"{shown(self.text)}: the width of a head varies from block to block with that of its input, {width}\n"
                "allowed: head_size=..., a size for all blocks"
            )
        books = builder.books
        if share not in books.shares:
            taken = {*books.size_names, *(each.name for each in books.shares.values())}
            names = (HEAD_SIZE, *(f"{HEAD_SIZE}{number}" for number in range(2, len(taken) + 3)))
            books.shares[share] = size_symbol(next(name for name in names if name not in taken))
            tell_width(books, books.shares[share], share)
        return books.shares[share]

    def _groups(self, builder: Builder) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
        """The axes of heads of the queries, and of the keys and values."""
        heads = builder.size(self.heads)
        groups = heads if self.kv_heads is None else builder.size(self.kv_heads)
        if groups == heads:
            return (heads,), (heads,)
        if not (heads / groups).is_integer:
            raise SpecError(
                f"{shown(self.text)}: {heads} heads cannot share {groups} keys and values evenly for all sizes\n"
                f"allowed: heads that are a multiple of kv_heads, such as Attention(r*{groups}, kv_heads={groups})"
            )
        return (groups, heads / groups), (groups, Integer(1))

    def _linear(
        self, builder: Builder, letter: str, number: Expr, fans: tuple[Expr, Expr], written: tuple[Fact, ...]
    ) -> list[Variable]:
        """Return the weight `W{letter}`, and its bias; of both pages write what is `written`."""
        W = builder.parameter(f"W{letter}", number, fans[::-1], "weight", None, fans, written)
        if not self.bias:
            return [W]
        of_rows = tuple(fact for fact in written if fact.value == 0)
        return [W, builder.parameter(f"b{letter}", number, fans[1:], "bias", "zeros", fans, of_rows)]

    def _heads(
        self, builder: Builder, letter: str, number: Expr, value: Node, shape: tuple[Expr, ...], letters: str
    ) -> Variable:
        """Append the queries, keys or values, (*heads, T, d), and return them; `shape` is (*heads, d)."""
        fans = value.shape[-1], prod(shape)
        parameters = self._linear(builder, letter, number, fans, for_heads(letters, shape[:-1], 0))
        heads = _in_heads(value, shape, *parameters)
        return builder.equation(letter, number, heads, NOTES[letter], written=at_heads(letters))

    def _hidden(self, builder: Builder, positions: Expr, others: Expr) -> Iterator[Node]:
        """Yield what hides scores: 0 where a position is seen, minus infinity where it is not."""
        if self.causal:
            M = builder.known("M", (positions, others), _hiding_later)
            tell_mask(builder.books, M)
            yield M
        if self.mask is not None:
            mask = builder.further_input(self.mask)
            if mask.shape != (others,):
                raise SpecError(
                    f"{shown(self.text)}: the mask {shown(mask.name)} has shape {shape_text(mask.shape)}\n"
                    f"allowed: a number for each position that is read, shape {shape_text((others,))}"
                )
            yield Where(Compare(">", mask, Scalar(0)), Scalar(0), Scalar(-sympy.oo))


@lru_cache(maxsize=1)
def _hiding_later(i: Expr, j: Expr) -> Expr:
    return sympy.Piecewise((0, j <= i), (-sympy.oo, True))


NOTES = {"q": "queries", "k": "keys", "v": "values"}


def last_two_swapped(node: Node) -> Node:
    """Return the transposes of the matrices along the last two axes."""
    return Transpose(node, (*range(node.rank - 2), node.rank - 1, node.rank - 2))


@ForAlike
def _scores(q: Node, k: Node, d: Expr, *hidden: Node) -> Node:
    return added([Scalar(1 / sympy.sqrt(d)) * MatMul(q, last_two_swapped(k)), *hidden])


_softmax, _product = ForAlike(Softmax), ForAlike(MatMul)


@ForAlike
def _in_heads(value: Node, shape: tuple[Expr, ...], W: Node, *bias: Node) -> Node:
    """What a linear layer makes of a sequence, (T, n), in heads, (*heads, T, d)."""
    apart, last = Reshape(_times(value, W, *bias), (value.shape[0], *shape)), len(shape)
    return Transpose(apart, (*range(1, last), 0, last))


@ForAlike
def _of_all_heads(heads: Node, W: Node, *bias: Node) -> Node:
    return _times(side_by_side(heads), W, *bias)


def _times(value: Node, W: Node, *bias: Node) -> Node:
    return added([MatMul(value, W.permuted((1, 0))), *bias])


def side_by_side(heads: Node) -> Node:
    """Return the heads, (*heads, T, d), side by side: (T, heads * d)."""
    axes = heads.rank - 2
    rows = Transpose(heads, (axes, *range(axes), axes + 1))
    return Reshape(rows, (rows.shape[0], prod(rows.shape[1:])))
