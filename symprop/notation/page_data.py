"""What a page is made of, before any notation: sections of sentences, numbered equations, definitions and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node, Variable


@dataclass(frozen=True)
class Range:
    """The numbers 1, ..., `count` of the blocks of a loop, in a sentence."""

    index: Symbol
    count: Expr


Sentence = tuple["str | Node | Equation | Expr | Range", ...]
"""A sentence: words, and formulas that each notation writes in its own way."""


@dataclass(frozen=True)
class Line:
    """A numbered equation; `unless_last` where a base case takes its place for the last block."""

    number: int
    equation: Equation
    unless_last: bool = False


@dataclass(frozen=True)
class Block:
    """Equations that hold for `index` = 1, ..., `count`, in this order or (`backward`) the other way."""

    index: Symbol
    count: Expr
    backward: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Definition:
    """A function and its body: `swish(t) = t * sigmoid(t)`."""

    function: ElementwiseFunction
    parameters: tuple[Variable, ...]
    body: Node

    @property
    def head(self) -> Node:
        return n.Map(self.function, *self.parameters)


@dataclass(frozen=True)
class Size:
    """A row of the table of sizes."""

    variable: Variable
    role: str
    facts: Sentence


@dataclass(frozen=True)
class Section:
    """A title, sentences, and what stands below them; `signs` explain signs that NumPy notation does not have."""

    title: str
    sentences: tuple[Sentence, ...] = ()
    signs: tuple[Sentence, ...] = ()
    lines: tuple[Line | Block, ...] = ()
    definitions: tuple[Definition, ...] = ()
    sizes: tuple[Size, ...] = ()

    @property
    def holds_something(self) -> bool:
        return any((self.sentences, self.signs, self.lines, self.definitions, self.sizes))
