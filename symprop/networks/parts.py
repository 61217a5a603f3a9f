"""What a network is made of, as the builder sees it: layers, inputs, parameters, and what each layer added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sympy import Expr, Symbol

from symprop.algebra.equations import Item
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.networks.sizes import Size

DEFAULT_INITIALISER = "xavier_uniform"


LEARNED = "learned"
"""What a parameter of a formula of one's own is."""


class Part(Protocol):
    """A layer: what it is, what its sizes must be, and how it writes its equations into a builder."""

    is_activation: ClassVar[bool]
    is_transparent: ClassVar[bool]
    is_opened: ClassVar[bool]
    passes_on: ClassVar[bool]
    preferred_initialiser: ClassVar[str]

    @property
    def text(self) -> str: ...

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Any]: ...

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]: ...

    def build(self, builder: Any, value: Variable) -> Variable: ...


class Given(Protocol):
    """An input as it is written: its name, and the sizes of one example."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[Size, ...]: ...

    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Parameter:
    """A parameter of a network: its variable, how it starts, and what it is ("weight", "bias" or "table")."""

    variable: Variable
    initialiser: str
    fan_in: Expr
    fan_out: Expr
    kind: str

    @property
    def name(self) -> str:
        """The name of the variable."""
        return self.variable.name


@dataclass(frozen=True)
class Built:
    """What a layer added: its input, its output, the parameters that are its own; `nesting` is 0 outside of blocks.

    `is_numbered` says whether it took a number, as layers with weights do, and blocks that hold one.
    `joins` are the outputs of its rows that it makes one of, or its input alone. `items` are the equations and loops
    that it wrote itself, not those of layers inside it.

    A block comes after the layers inside it; what it adds itself is a sum, or nothing.
    """

    layer: Any
    nesting: int
    value: Variable
    output: Variable
    parameters: tuple[Parameter, ...]
    index: Symbol | None
    is_numbered: bool
    joins: tuple[Variable, ...]
    items: tuple[Item, ...] = ()

    @property
    def number(self) -> int | None:
        """The number of a layer with parameters of its own; None where it has none, or stands for many."""
        index = self.parameters[0].variable.index if self.parameters else ()
        return int(index[0]) if index and index[0].is_Integer else None

    @property
    def is_join(self) -> bool:
        """Whether it makes one of the outputs of several rows."""
        return len(self.joins) > 1

    @property
    def holds_alone(self) -> bool:
        """Whether it is a block that adds nothing to the layers inside it but that they repeat."""
        return bool(self.layer.rows) and not self.is_join


@dataclass(frozen=True)
class Branch:
    """A row inside a block: what it reads, its layers, and what it puts out; without layers it passes that on."""

    value: Variable
    layers: tuple[Placed, ...]
    output: Variable


@dataclass(frozen=True)
class Placed:
    """A layer with the layers inside it."""

    built: Built
    inside: tuple[Placed, ...] = ()

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The rows that a block joins, in the order in which it does, found from what each layer reads.

        A row reads the block's input or a further one. What the block makes itself of its input, as a projection, is a
        branch without layers.
        """
        makers = {each.built.output.name: each for each in self.inside if each.built.output != each.built.value}
        found = []
        for output in self.built.joins if self.built.is_join else ():
            layers: list[Placed] = []
            value = output
            while value != self.built.value and value.name in makers:
                layers.insert(0, makers[value.name])
                value = layers[0].built.value
            found.append(Branch(value, tuple(layers), output))
        return tuple(found)


def placed(built: Sequence[Built]) -> tuple[Placed, ...]:
    """Return the layers of a network as a tree: those outside of blocks, each with the layers inside it."""
    found: list[Placed] = []
    for each in built:
        start = len(found)
        while start and found[start - 1].built.nesting > each.nesting:
            start -= 1
        found[start:] = [Placed(each, tuple(found[start:]))]
    return tuple(found)


def told(facts: Iterable[Fact]) -> str:
    """Return what an input holds of which this is known, in words.

    >>> told([]), told([Fact("index", 5)])
    ('numbers', 'ids from 0 to 4')
    """
    told = [fact for fact in facts if not fact.is_of_writing]
    words = (f"ids from 0 to {fact.value - 1}" if fact.kind == "index" else f"numbers {fact.kind}" for fact in told)
    return ", ".join(words) or "numbers"


def argument_text(value: Any, bare: bool = False) -> str:
    """Return an argument of a layer as it is typed; a size's name stands bare."""
    if isinstance(value, tuple):
        inside = [argument_text(each, bare) for each in value]
        return f"({', '.join(inside)}{',' * (len(inside) == 1)})"
    written = value.text() if isinstance(value, Node) else value  # a formula is typed as text
    if isinstance(written, str) and not bare:
        return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(written)  # a block's `str` is its text
