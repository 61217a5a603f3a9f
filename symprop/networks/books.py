"""The books of a network: what is known of the whole of it, into which the builders of all blocks write."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Symbol

from symprop.algebra.equations import Mask, State
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.nodes import Fact, Known, Variable
from symprop.networks.parts import Built, Parameter, Part


@dataclass
class Books:
    """What is known of the whole network so far: the builders of all blocks write into the same books."""

    stems: frozenset[str] = frozenset()
    """The names of sizes that vary from block to block."""
    mask_inputs: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    """Inputs that are a mask of some layer, and what is known of them: they are masks wherever they are read."""
    has_windows: bool = False  # whether a layer works on windows, so that places are the rows of one matrix
    size_names: tuple[str, ...] = ()
    """The names of the network's sizes, so that none that a layer makes up is one of them."""
    has_tables: bool = (
        False  # whether a page has tables of what each block of a symbolic `Repeat` makes, such as `h[l]`
    )
    data: dict[str, Known] = field(default_factory=dict)
    """Known data by its names, so that a name says one array."""
    shares: dict[Expr, Symbol] = field(default_factory=dict)
    """Names of sizes that are quotients of others, such as a head's share of a width."""
    parameters: list[Parameter] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    inputs: list[Variable] = field(default_factory=list)
    targets: list[Variable] = field(default_factory=list)
    functions: dict[str, ElementwiseFunction] = field(default_factory=dict)
    hyperparameters: list[NamedNumber] = field(default_factory=list)
    built: list[Built] = field(default_factory=list)
    taken: dict[tuple[str, tuple[Expr, ...]], int] = field(default_factory=dict)
    """How often each name was given."""
    ties: dict[str, str] = field(default_factory=dict)
    """The weight that a tied layer does not have, and what it is tied to."""
    held: dict[tuple[tuple[int, ...], str], Variable] = field(default_factory=dict)
    """The parameter of each letter at each place."""
    output: Variable | None = None
    loss: Variable | None = None
    prediction: Variable | None = None
    counted: Variable | None = None
    """All that counts in a batch, where the loss is divided by it and not by the number of examples."""
    previous: Part | None = None
    """The layer that gave the latest output."""
    doubts: list[str] = field(default_factory=list)
    """What is probably not meant, each in a sentence."""
    notes: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    """Sentences that a page has of known data, or of what a name of the kind stands for; each said once."""
    fitting: set[tuple[int, tuple[Expr, ...]]] = field(default_factory=set)
    """Layers, which are kept, and the shapes of inputs that they can have."""
    waiting: int | None = None
    """The weight whose initialiser the next layer decides."""
    loops: int = 0
    layer_count: int = 0
    parameter_count: int = 0

    @property
    def known(self) -> tuple[dict[str, tuple[Fact, ...]], bool, tuple[str, ...], bool]:
        """What was known of the layers before the first was built."""
        return self.mask_inputs, self.has_windows, self.size_names, self.has_tables

    @property
    def sizes(self) -> tuple[str, ...]:
        """Names of sizes that no table of a page may have: `h[l]` is no `h`."""
        return self.size_names if self.has_tables else ()

    def copy(self) -> Books:
        """Return books of the same contents, for a trial."""
        own = {name: copy.copy(value) for name, value in vars(self).items()}  # containers hold what does not change
        return Books(**own)
