"""Embeddings: rows of a table, selected by ids."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from symprop.algebra.nodes import Fact, Node, Reshape, Take, Variable
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import sized
from symprop.networks.sizes import Size, checked_flag, checked_size


@dataclass(frozen=True)
class Embedding(Layer):
    """Rows of a table `E: (vocabulary, size)` selected by the ids of the input.

    For `k` ids the output is the rows one after the other, `(k * size,)`, or without `flatten` a row for each
    id, `(k, size)`.

    >>> from symprop import Input
    >>> (Input(3) >> Embedding(27, 10)).system().output.shape
    (30,)

    Raises:
        SpecError: it does not stand right after an `Input`.
    """

    vocabulary: Size
    size: Size
    flatten: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", checked_size(self.vocabulary, "Embedding"))
        object.__setattr__(self, "size", checked_size(self.size, "Embedding"))
        checked_flag(self.flatten, "Embedding: flatten")

    def makes(self, *shapes: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        return (sympy.prod(shapes[0]) * sized(self.size),) if self.flatten else ()

    def facts_of_input(self, builder: Builder) -> tuple[Fact, ...]:
        return (Fact("index", builder.size(self.vocabulary)),)

    def build(self, builder: Builder, value: Variable) -> Variable:
        if value not in builder.books.inputs or "index" not in value.facts_by_kind:
            raise SpecError(f"{self.text} does not stand right after Input; its input are ids, not numbers")
        vocabulary, size = builder.size(self.vocabulary), builder.size(self.size)
        number = builder.next_number("embedding")
        table = builder.parameter("E", number, (vocabulary, size), "table", "normal", (vocabulary, size))
        rows: Node = Take(table, value)
        if self.flatten:
            rows = Reshape(rows, (sympy.prod(rows.shape),))
        return builder.equation("e", number, rows, "embedding")
