"""The builder: what layers write their equations into, in the order of the network.

It keeps the books that layers must not keep: numbers of layers, names that are taken, parameters, limits.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Symbol, expand
from sympy.core.function import AppliedUndef

from symprop.algebra.equations import Equation, Item
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node, Variable, as_expression
from symprop.algebra.shapes import shape_text
from symprop.errors import LimitError, SpecError, shown
from symprop.networks.needs import check_needs
from symprop.networks.sizes import LOOP_SYMBOLS, MOST_LAYERS, MOST_PARAMETERS, Size, size_node

if TYPE_CHECKING:
    from symprop.networks.layers import Layer

DEFAULT_INITIALISER = "xavier_uniform"


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

    A block comes after the layers inside it; what it adds itself is a sum, or nothing.
    """

    layer: Layer
    nesting: int
    value: Variable
    output: Variable
    parameters: tuple[Parameter, ...]
    index: Symbol | None


class Builder:
    """Equations and parameters so far. Layers call `equation`, `parameter` and `next_number`."""

    def __init__(self, stems: frozenset[str] = frozenset()) -> None:
        self.stems = stems
        self.items: list[Item] = []
        self.parameters: list[Parameter] = []
        self.inputs: list[Variable] = []
        self.targets: list[Variable] = []
        self.output: Variable | None = None
        self.loss: Variable | None = None
        self.prediction: Variable | None = None
        self.taken: dict[tuple[str, Expr | None], int] = {}
        self.number: Expr = Integer(0)  # of the latest Dense
        self.dense_count = 0  # how many Dense layers since the start or since the loop's body began
        self.embeddings = 0
        self.loops = 0
        self.index: Symbol | None = None  # of the symbolic Repeat that is being built
        self.activation_letter = "a"
        self.waiting: int | None = None  # the weight whose initialiser the next layer decides
        self.layer_count = 0
        self.parameter_count = 0
        self.nesting = 0
        self.previous: Layer | None = None
        self.functions: dict[str, ElementwiseFunction] = {}
        self.ties: dict[str, str] = {}  # the weight that a tied layer does not have -> what it is tied to
        self.built: list[Built] = []
        self.drawn: list[Variable] = []  # the parameters that layers asked for, in order
        self.again: list[Variable] = []  # what they get next in place of new ones, in a tied Repeat

    def fork(self) -> Builder:
        """Return an independent copy, for a trial or for the body of a loop."""
        other = copy.copy(self)
        other.items, other.parameters = list(self.items), list(self.parameters)
        other.inputs, other.targets = list(self.inputs), list(self.targets)
        other.taken, other.functions = dict(self.taken), dict(self.functions)
        other.built = list(self.built)
        other.ties, other.drawn, other.again = dict(self.ties), list(self.drawn), list(self.again)
        return other

    def size(self, size: Size) -> Expr:
        """Return a size of a layer as a SymPy expression.

        Raises:
            SpecError: a size that varies from block to block, outside its block.
        """
        node = size_node(size, self.stems)
        for symbol in LOOP_SYMBOLS if node.has(AppliedUndef) else ():
            if symbol in node.free_symbols and symbol is not self.index:
                raise SpecError(f"the size {shown(size)} belongs to one block of a Repeat and cannot stand outside it")
        return node

    def next_number(self) -> Expr:
        """Return the number of the next Dense layer (an expression in the loop's index inside a symbolic `Repeat`)."""
        self.number = expand(self.number + 1) if self.number.free_symbols else self.number + 1
        self.dense_count += 1
        return self.number

    def variable(self, letter: str, number: Expr | None, shape: tuple[Any, ...]) -> Variable:
        """Return a new variable, marked where its name is taken."""
        mark = self.taken[letter, number] = self.taken.get((letter, number), 0) + 1
        return Variable(letter, () if number is None else (number,), shape, (), mark)

    def equation(self, letter: str, number: Expr | None, expression: Node, note: str = "") -> Variable:
        """Append `letter{number} = expression` and return its left side."""
        target = self.variable(letter, number, expression.shape)
        self.items.append(Equation(target, expression, note=note))
        return target

    def activation(self, expression: Node, note: str = "") -> Variable:
        """Append `a{l} = expression`, `l` the latest Dense; the letter is `f` at the end of a residual block."""
        return self.equation(self.activation_letter, self.number, expression, note)

    def parameter(
        self,
        letter: str,
        number: Expr,
        shape: tuple[Any, ...],
        kind: str,
        initialiser: str | None,
        fans: tuple[Any, Any],
    ) -> Variable:
        """Enter a parameter; without an initialiser, the activation right after decides.

        In the later blocks of a tied `Repeat` it is that of the first block, which is entered already.
        """
        if self.again:
            return self._used_again(shape)
        variable = self.variable(letter, number, shape)
        self.drawn.append(variable)
        if initialiser is None:
            self.waiting = len(self.parameters)
        self.parameters.append(Parameter(variable, initialiser or DEFAULT_INITIALISER, *fans, kind))
        elements = 1
        for size in variable.shape:
            elements *= int(size) if size.is_Integer else 1
        self.parameter_count += elements
        if self.parameter_count > MOST_PARAMETERS:
            raise LimitError(f"the network has over {MOST_PARAMETERS:,} parameters at {variable.name} {variable.shape}")
        return variable

    def _used_again(self, shape: tuple[Any, ...]) -> Variable:
        variable = self.again.pop(0)
        self.drawn.append(variable)
        if variable.shape != tuple(map(as_expression, shape)):
            raise SpecError(
                f"a tied Repeat uses {variable.name} again, of shape {shape_text(variable.shape)}, "
                f"where shape {shape_text(shape)} is needed\n"
                "allowed: a block whose output is as wide as its input, or a Dense before the Repeat"
            )
        return variable

    def add(self, layer: Layer, value: Variable) -> Variable:
        """Let `layer` write its equations for the input `value`; return its output."""
        self.layer_count += 1
        if self.layer_count > MOST_LAYERS:
            raise LimitError(f"a network has at most {MOST_LAYERS:,} layers, repeated ones counted each time")
        if self.waiting is not None and layer.is_activation:
            waiting = self.parameters[self.waiting]
            self.parameters[self.waiting] = replace(waiting, initialiser=layer.preferred_initialiser)
        if not layer.is_transparent:
            self.waiting = None
        self.nesting += 1
        before, start = len(self.parameters), len(self.built)
        check_needs(layer, value.shape)
        output = layer.build(self, value)
        self.nesting -= 1
        inside = {parameter.name for part in self.built[start:] for parameter in part.parameters}
        own = tuple(parameter for parameter in self.parameters[before:] if parameter.name not in inside)
        self.built.append(Built(layer, self.nesting, value, output, own, self.index))
        self.previous = layer.last
        return output

    def use(self, function: ElementwiseFunction) -> None:
        """Note that the network uses a function; a name says one function.

        Raises:
            SpecError: another function of the network has the name.
        """
        if self.functions.setdefault(function.name, function) != function:
            raise SpecError(
                f"two different activations have the name {shown(function.name)}\nallowed: name=..., a name for each"
            )
