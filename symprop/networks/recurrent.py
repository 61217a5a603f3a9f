"""Recurrent layers: a cell reads a sequence position by position and carries its state from each to the next.

Positions are moments of time, `t = 1, ..., T`, and the layer is a `Loop` over them whose parameters are the same at
each. A cell is a few equations for a general `t`; nothing here is a derivative. Gates are rows of one weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from sympy import Expr, Integer

from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows, equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Fill, Multiply, Node, Scalar, Slice, Variable
from symprop.algebra.roles import ACTIVATION, INPUT
from symprop.algebra.unrolling import written_out
from symprop.errors import SpecError, shown
from symprop.networks.blocks import Chain
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer, checked_input
from symprop.networks.needs import Need
from symprop.networks.network import Network
from symprop.networks.positions import of_a_sequence
from symprop.networks.sizes import TIME, Size, checked_flag, checked_size

LEARNED = "learned"


@dataclass
class Moment:
    """A general moment `t` of a recurrent layer: what its cell reads and which equations it has written."""

    builder: Builder
    number: Expr
    units: Expr
    value: Variable
    bias: bool
    items: list[Item] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def at(self, letter: str, time: Expr, size: Expr | None = None, role: str = ACTIVATION) -> Variable:
        """Return what stands under a letter at a time."""
        index = (*self.builder.index(self.number), RowIndex(time))
        return Variable(letter, index, (self.units if size is None else size,), (), self.marks.get(letter, 1), role)

    def before(self, letter: str) -> Variable:
        """A state as the moment before left it."""
        return self.at(letter, TIME - 1)

    @property
    def input(self) -> Variable:
        """The row of the sequence that this moment reads."""
        value = self.value
        return value.change(index=(*value.index, RowIndex(TIME)), shape=value.shape[1:], facts=())

    def let(self, letter: str, expression: Node, note: str = "", role: str = ACTIVATION) -> Variable:
        """Append `letter[t] = expression` and return its left side."""
        (size,) = expression.shape
        self.enter(letter)
        target = self.at(letter, TIME, size, role)
        self.items.append(Equation(target, expression, note=note))
        return target

    def enter(self, letter: str) -> None:
        """Find the mark of a letter: what has no moment, such as an activation behind the layer, may have its name."""
        if letter not in self.marks:
            self.marks[letter] = self.builder.variable(letter, self.builder.index(self.number), (), ACTIVATION).mark

    def weight(self, letter: str, gates: int, inputs: Expr) -> Variable:
        """Enter a matrix that has the rows of so many gates."""
        shape = (gates * self.units, inputs)
        return self.builder.parameter(letter, self.number, shape, "weight", "xavier_uniform", (inputs, self.units))

    def vector(self, letter: str, gates: int = 1) -> Variable:
        """Enter a bias that has the elements of so many gates."""
        fans = (self.units, self.units)
        return self.builder.parameter(letter, self.number, (gates * self.units,), "bias", "zeros", fans)

    def weights(self, gates: int) -> tuple[Node, Node, tuple[Node, ...]]:
        """Enter the parameters of so many gates; return `W @ x[t]`, what the input gives to them, `R`, and `b`."""
        product: Node = self.weight("W", gates, self.value.shape[1]) @ self.input
        recurrent = self.weight("R", gates, self.units)
        return product, recurrent, (self.vector("b", gates),) if self.bias else ()

    def gate(self, stacked: Node, place: int) -> Node:
        """The part of a vector that belongs to the gate at a place."""
        return Slice(stacked, 0, place * self.units, (place + 1) * self.units)


@dataclass(frozen=True)
class Recurrent(Layer):
    """Abstract base of recurrent layers: `step` writes the equations of a general moment."""

    family: ClassVar[str] = "mixing"
    states: ClassVar[tuple[str, ...]] = ("h",)
    """The letters of what is carried from moment to moment; the first is the output."""

    size: Size
    sequence: bool = field(default=True, kw_only=True)
    initial: Any = field(default=None, kw_only=True)
    bias: bool = field(default=True, kw_only=True)
    unroll: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "size", checked_size(self.size, name))
        checked_flag(self.sequence, f"{name}: sequence")
        checked_flag(self.bias, f"{name}: bias")
        checked_flag(self.unroll, f"{name}: unroll")
        if self.initial is not None and self.initial != LEARNED:
            given = self.initial if isinstance(self.initial, tuple) else (self.initial,)
            if len(given) != len(self.states):
                raise SpecError(
                    f"{name}: initial has {len(given)} states, and the cell carries {len(self.states)}: "
                    f"{', '.join(self.states)}\n"
                    f'allowed: "{LEARNED}", or an input for each, such as Input(8, name="h0")'
                )
            for state, each in zip(self.states, given, strict=True):
                checked_input(each, f"{name}: the initial {state}")

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        yield Need(shape[0], counted=True)

    def step(self, moment: Moment) -> None:
        """Append the equations of a general moment, the states under their letters."""
        raise NotImplementedError

    def build(self, builder: Builder, value: Variable) -> Variable:
        if TIME.name in builder.books.size_names:
            raise SpecError(
                f"the size {shown(TIME.name)} has the name of a moment in {shown(self.text)}\n"
                "allowed: another name, such as T"
            )
        moment = Moment(builder, builder.next_number(), builder.size(self.size), value, self.bias)
        for state in self.states:
            moment.enter(state)
        self.step(moment)
        starts = [Equation(moment.at(state, Integer(0)), start, note="initial state")
                  for state, start in zip(self.states, self.starts(moment), strict=True)]  # fmt: skip
        carries = tuple(Carry(moment.before(state), moment.at(state, TIME)) for state in self.states)
        first = carries[0].after
        array = first.change(index=first.index[:-1], shape=(value.shape[0], moment.units))
        writes = (Rows(first, array),) if self.sequence else ()
        loop = Loop(TIME, value.shape[0], tuple(moment.items), carries, (Rows(moment.input, value),), writes)
        builder.items.extend(self.written((*starts, loop), builder.items))
        return array if self.sequence else loop.end(carries[0])

    def written(self, items: tuple[Item, ...], before: Iterable[Item]) -> Iterable[Item]:
        """The equations as they are, or written out for all moments; rows that stand there `before` are read as such.

        Raises:
            SpecError: they are to be written out for a named number of moments.
        """
        count = items[-1].count  # type: ignore[union-attr]
        if self.unroll and not count.is_Integer:
            raise SpecError(f"{shown(self.text)}: unroll needs a number of positions, and this is {count}")
        if not self.unroll:
            return items
        known = {equation.target for equation in equations_in(before)}
        return [equation for equation in written_out(items, {}) if equation.target not in known]

    def starts(self, moment: Moment) -> list[Node]:
        """The states before the first moment."""
        if self.initial is None:
            return [Fill(0, (moment.units,)) for _ in self.states]
        if self.initial == LEARNED:
            return [Multiply(Scalar(1), moment.vector(f"{state}s")) for state in self.states]
        given = self.initial if isinstance(self.initial, tuple) else (self.initial,)
        return [Multiply(Scalar(1), moment.builder.further_input(each, INPUT)) for each in given]


def has_moments(layers: Iterable[Layer]) -> bool:
    """Whether there are recurrent layers among the layers, also inside blocks."""
    return any(isinstance(each, Recurrent) or has_moments(each.inner) for each in layers)


def written_out_in_time(network: Network, unroll: bool = True) -> Network:
    """Return the network with its loops over time written out moment by moment, or none of them.

    >>> from symprop import RNN, Input, MeanSquaredError
    >>> written_out_in_time(Input(3, 2) >> RNN(4) >> MeanSquaredError()).text
    'Input(3, 2) >> RNN(4, unroll=True) >> MeanSquaredError()'

    Raises:
        SpecError: a named number of moments.
    """
    if not has_moments(network.layers):
        return network
    return Network(tuple(_with_moments(layer, unroll) for layer in network.layers))


def _with_moments(layer: Layer, unroll: bool) -> Layer:
    if isinstance(layer, Recurrent):
        return replace(layer, unroll=unroll)
    if not has_moments(layer.inner):
        return layer
    return layer.with_rows([Chain(tuple(_with_moments(each, unroll) for each in row.layers)) for row in layer.rows])
