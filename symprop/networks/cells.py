"""Cells of recurrent layers: plain, with gates, and two of them that read in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sympy import Expr

from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.algebra.nodes import Add, Concatenate, Flip, Multiply, Node, Slice, Variable
from symprop.algebra.roles import PRE_ACTIVATION
from symprop.algebra.trees import added
from symprop.errors import SpecError, shown
from symprop.networks.blocks import Chain, block_of
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need
from symprop.networks.positions import of_a_sequence
from symprop.networks.recurrent import Moment, Recurrent
from symprop.networks.sizes import Size, checked_flag, checked_size

ACTIVATIONS = ("tanh", "relu", "sigmoid")
"""Of the plain cell."""
RESETS = {
    "after": "PyTorch, cuDNN and Keras with reset_after=True, its default (ONNX: linear_before_reset=1)",
    "before": "Cho et al. (2014) and Keras with reset_after=False (ONNX: linear_before_reset=0, its default)",
}
"""Where each place of the reset gate is found."""
tanh: ElementwiseFunction = FUNCTIONS["tanh"]
sigmoid: ElementwiseFunction = FUNCTIONS["sigmoid"]


@dataclass
class Gates(Moment):
    """A moment of a cell with so many units, whose gates are rows of one weight."""

    units: Expr = field(kw_only=True)
    bias: bool = field(kw_only=True)

    def weight(self, letter: str, gates: int, inputs: Expr) -> Variable:
        """Enter a matrix that has the rows of so many gates."""
        return self.parameter(letter, (gates * self.units, inputs), "weight", "xavier_uniform", (inputs, self.units))

    def vector(self, letter: str, gates: int = 1) -> Variable:
        """Enter a bias that has the elements of so many gates."""
        return self.parameter(letter, (gates * self.units,), "bias", "zeros", (self.units, self.units))

    def weights(self, gates: int) -> tuple[Node, Node, tuple[Node, ...]]:
        """Enter the parameters of so many gates; return `W @ x[t]`, what the input gives to them, `R`, and `b`."""
        product: Node = self.weight("W", gates, self.value.shape[1]) @ self.input
        recurrent = self.weight("R", gates, self.units)
        return product, recurrent, (self.vector("b", gates),) if self.bias else ()

    def gate(self, stacked: Node, place: int) -> Node:
        """The part of a vector that belongs to the gate at a place."""
        return Slice(stacked, 0, place * self.units, (place + 1) * self.units)


@dataclass(frozen=True)
class Cell(Recurrent):
    """Abstract base of the cells that are known by name, of `size` units."""

    carried: ClassVar[tuple[str, ...]] = ("h",)
    """The letters of the states; the first is the output."""

    size: Size
    bias: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        object.__setattr__(self, "size", checked_size(self.size, name))
        checked_flag(self.bias, f"{name}: bias")

    @property
    def states(self) -> tuple[str, ...]:
        return self.carried

    def begin(self, builder: Builder, value: Variable) -> Gates:
        number, units = builder.next_number(), builder.size(self.size)
        moment = Gates(builder, number, value, units=units, bias=self.bias)
        for state in self.states:
            moment.enter(state, (units,))
        return moment


@dataclass(frozen=True)
class RNN(Cell):
    """The plain recurrent layer of Elman (1990), `h[t] = f(W x[t] + R h[t - 1] + b)`.

    The input is a sequence, (T, n); the output the states of all moments, (T, size), or the last alone, (size,), with
    `sequence=False`. `initial` is the state before the first moment: zero, `"learned"`, or an `Input`.

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input("T", "n") >> RNN(4)).system().equations]
    ['h1[0] = zeros((4,))', 'a1[t] = W1 @ x[t] + R1 @ h1[t - 1] + b1', 'h1[t] = tanh(a1[t])']

    Raises:
        SpecError: an input that is no sequence, an unknown activation.
    """

    activation: str = field(default="tanh", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in ACTIVATIONS:
            raise SpecError(f"RNN: unknown activation {shown(self.activation)}\nallowed: {', '.join(ACTIVATIONS)}")

    def step(self, moment: Gates) -> None:
        read, recurrent, bias = moment.weights(1)
        a = moment.let("a", Add(read, recurrent @ moment.before("h"), *bias), "pre-activation", PRE_ACTIVATION)
        moment.let("h", FUNCTIONS[self.activation](a), "state")


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    The cell `c[t] = f[t] * c[t - 1] + i[t] * g[t]` is what it remembers, `h[t] = o[t] * tanh(c[t])` its output. The
    rows of `W` and `R` belong to the gates i, f, g, o, in this order.

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input("T", 3) >> LSTM(2)).system().equations][-2:]
    ['c1[t] = f1[t] * c1[t - 1] + i1[t] * g1[t]', 'h1[t] = o1[t] * tanh(c1[t])']

    Raises:
        SpecError: an input that is no sequence.
    """

    carried: ClassVar[tuple[str, ...]] = ("h", "c")

    def step(self, moment: Gates) -> None:
        read, recurrent, bias = moment.weights(4)
        a = moment.let("a", Add(read, recurrent @ moment.before("h"), *bias), "pre-activations", PRE_ACTIVATION)
        gates = {letter: (place, note) for place, (letter, note) in enumerate(
            {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"}.items())}  # fmt: skip
        i, f, g, o = (
            moment.let(letter, (tanh if letter == "g" else sigmoid)(moment.gate(a, place)), note)
            for letter, (place, note) in gates.items()
        )
        c = moment.let("c", f * moment.before("c") + i * g, "cell")
        moment.let("h", o * tanh(c), "state")


@dataclass(frozen=True)
class GRU(Cell):
    """The gated recurrent unit of Cho et al. (2014), `h[t] = (1 - z[t]) * n[t] + z[t] * h[t - 1]`.

    The gate r resets what the candidate n sees of the state: `reset="after"` the product, `r * (Rn h + bh)`, as PyTorch
    and cuDNN do, or `"before"` it, `Rn (r * h)`, as the paper does. The rows of `W` and `R` belong to r, z, n.

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input("T", 3) >> GRU(2)).system().equations][-2:]
    ['n1[t] = tanh(a1[t][4:] + r1[t] * u1[t])', 'h1[t] = (1 - z1[t]) * n1[t] + z1[t] * h1[t - 1]']

    Raises:
        SpecError: an input that is no sequence, an unknown `reset`.
    """

    reset: str = field(default="after", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reset not in RESETS:
            raise SpecError(f"GRU: reset is {shown(self.reset)}\nallowed: {', '.join(RESETS)}")
        object.__setattr__(self, "found_in", RESETS[self.reset])

    def step(self, moment: Gates) -> None:
        n, before = moment.units, moment.before("h")
        read, weights, bias = moment.weights(3)
        a = moment.let("a", added([read, *bias]), "what the input gives", PRE_ACTIVATION)
        after = self.reset == "after"
        q = moment.let("q", (weights if after else Slice(weights, 0, 0, 2 * n)) @ before, "what the state gives")
        r = moment.let("r", sigmoid(moment.gate(a, 0) + moment.gate(q, 0)), "reset gate")
        z = moment.let("z", sigmoid(moment.gate(a, 1) + moment.gate(q, 1)), "update gate")
        if after:
            seen = moment.gate(q, 2)
            u: Node = seen + moment.vector("bh") if self.bias else seen
            inner: Node = r * moment.let("u", u, "what the candidate sees of the state")
        else:
            inner = Slice(weights, 0, 2 * n, 3 * n) @ (r * before)
        new = moment.let("n", tanh(moment.gate(a, 2) + inner), "candidate")
        moment.let("h", Multiply(1 - z, new) + z * before, "state")


@dataclass(frozen=True)
class Bidirectional(Layer):
    """A recurrent layer that reads a sequence forwards beside one of its kind that reads it backwards.

    Each has parameters of its own. Their states at a moment stand one after the other, (T, 2 size), or the last state
    of each, (2 size,), where the cell has `sequence=False`.

    >>> from symprop import Input
    >>> (Input(5, 3) >> Bidirectional(LSTM(4))).system().output.shape
    (5, 8)

    Raises:
        SpecError: something else than one recurrent layer, or an input that is no sequence.
    """

    family: ClassVar[str] = "mixing"
    is_opened: ClassVar[bool] = False

    cell: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "cell", block_of(self.cell, "Bidirectional"))
        if len(self.cell.layers) != 1 or not isinstance(self.cell.layers[0], Recurrent):
            raise SpecError(
                f"{shown(self.text)}: two directions have one recurrent layer each\nallowed: one, such as LSTM(8)"
            )

    @property
    def rows(self) -> tuple[Chain, ...]:
        return (self.cell,)

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        yield Need(shape[0], counted=True)

    def build(self, builder: Builder, value: Variable) -> Variable:
        (layer,) = self.cell.layers
        forwards = builder.add(layer, value)
        flipped = builder.equation("r", builder.next_number("reversed"), Flip(value, 0), "read backwards")
        backwards: Node = builder.add(layer, flipped)
        if layer.sequence:
            backwards = Flip(backwards, 0)
        both = Concatenate(forwards, backwards, axis=forwards.rank - 1)
        return builder.equation("h", builder.next_number("hidden"), both, "both directions")
