"""What a network is made of, as the builder sees it: layers, inputs, parameters, and what each layer added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sympy import Expr, Symbol

from symprop.algebra.nodes import Variable
from symprop.networks.sizes import Size

DEFAULT_INITIALISER = "xavier_uniform"


LEARNED = "learned"
"""What a parameter of a formula of one's own is."""


class Part(Protocol):
    """A layer: what it is, what its sizes must be, and how it writes its equations into a builder."""

    is_activation: ClassVar[bool]
    is_transparent: ClassVar[bool]
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
    `joins` are the outputs of its rows that it makes one of, or its input alone.

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
