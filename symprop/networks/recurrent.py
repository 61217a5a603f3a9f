"""Recurrent layers: a cell reads a sequence position by position and carries its state from each to the next.

Positions are moments of time, `t = 1, ..., T`, and the layer is a `Loop` over them whose parameters are the same at
each. A cell is a few equations for a general `t`; nothing here is a derivative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from sympy import Expr, Integer

from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows, equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Multiply, Node, Scalar, Slice, Sum, Variable
from symprop.algebra.roles import ACTIVATION, INPUT
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.trees import zeros
from symprop.algebra.unrolling import written_out
from symprop.errors import LimitError, ShapeError, SpecError, shown
from symprop.networks.blocks import Chain
from symprop.networks.builder import Builder
from symprop.networks.layers import Input, Layer, checked_input
from symprop.networks.needs import Need, valued
from symprop.networks.network import Network
from symprop.networks.positions import of_a_sequence
from symprop.networks.sizes import TIME, checked_flag

LEARNED = "learned"
MOST_WRITTEN_OUT = 1_000
"""Moments that `unroll` writes out: a page of more is read by no one, and derived in minutes."""


@dataclass
class Moment:
    """A general moment `t` of a recurrent layer: what its cell reads, what it has entered, and its equations so far."""

    builder: Builder
    number: Expr
    value: Variable
    items: list[Item] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def at(self, letter: str, time: Expr) -> Variable:
        """Return what stands under a letter at a time."""
        index, role = (*self.builder.index(self.number), RowIndex(time)), self.roles.get(letter, ACTIVATION)
        return Variable(letter, index, self.shapes[letter], (), self.marks[letter], role)

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
        self.enter(letter, expression.shape)
        self.roles[letter] = role
        target = self.at(letter, TIME)
        self.items.append(Equation(target, expression, note=note))
        return target

    def enter(self, letter: str, shape: Shape) -> None:
        """Find the mark of a letter: what has no moment, such as an activation behind the layer, may have its name.

        Raises:
            ShapeError: it is entered with another shape, as a state is that had another before.
        """
        if letter not in self.marks:
            self.marks[letter] = self.builder.variable(letter, self.builder.index(self.number), (), ACTIVATION).mark
            self.shapes[letter] = tuple(shape)
        if self.shapes[letter] != tuple(shape):
            now, before = map(shape_text, (shape, self.shapes[letter]))
            raise ShapeError(f"{letter} has shape {now} at t, and {before} before it")

    def parameter(self, letter: str, shape: Shape, kind: str, initialiser: str, fans: tuple[Expr, Expr]) -> Variable:
        """Enter a parameter, which is the same at each moment."""
        return self.builder.parameter(letter, self.number, shape, kind, initialiser, fans)


@dataclass(frozen=True)
class Recurrent(Layer):
    """Abstract base of recurrent layers: `begin` enters the states, `step` writes the equations of a general moment."""

    family: ClassVar[str] = "mixing"

    sequence: bool = field(default=True, kw_only=True)
    initial: Input | tuple[Input, ...] | str | None = field(default=None, kw_only=True)
    unroll: bool = field(default=False, kw_only=True)
    truncate: int | None = field(default=None, kw_only=True)
    remat: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        name = type(self).__name__
        checked_flag(self.sequence, f"{name}: sequence")
        checked_flag(self.unroll, f"{name}: unroll")
        for option, every, what in (
            ("truncate", self.truncate, "after which a gradient stops"),
            ("remat", self.remat, "at each of which the states are kept"),
        ):
            if every is not None and not (type(every) is int and every >= 1):
                raise SpecError(
                    f"{name}: {option} is {shown(every)}\n"
                    f"allowed: a number of moments from 1, {what}, such as {option}=20"
                )
        if self.initial is None or self.initial == LEARNED:
            return
        if len(self.given) != len(self.states):
            raise SpecError(
                f"{name}: initial has {len(self.given)} states, and the cell carries {len(self.states)}: "
                f"{', '.join(self.states)}\n"
                f'allowed: "{LEARNED}", or an input for each, such as Input(8, name="h0")'
            )
        for state, each in zip(self.states, self.given, strict=True):
            checked_input(each, f"{name}: the initial {state}")

    @property
    def states(self) -> tuple[str, ...]:
        """The letters of what is carried from moment to moment."""
        raise NotImplementedError

    @property
    def result(self) -> str:
        """The letter of the output."""
        return self.states[0]

    @property
    def given(self) -> tuple[Any, ...]:
        """The inputs that are the states before the first moment."""
        several = self.initial if isinstance(self.initial, tuple) else (self.initial,)
        return () if self.initial in (None, LEARNED) else several

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        yield Need(shape[0], counted=True)
        if self.truncate is not None and valued(shape[0]).is_Integer and self.stops_after(shape[0]):
            twice = 2 * self.truncate + 1  # so that at small sizes, too, a gradient stops at two places
            yield Need(shape[0], least=twice) if valued(shape[0]) > twice else Need(shape[0], stays=True)

    def stops_after(self, count: Expr) -> bool:
        """Whether a gradient stops within so many moments; it may where their number has a name."""
        return self.truncate is not None and not (valued(count).is_Integer and valued(count) <= self.truncate)

    def begin(self, builder: Builder, value: Variable) -> Moment:
        """Return a general moment in which the states are entered."""
        raise NotImplementedError

    def step(self, moment: Any) -> None:
        """Append the equations of a general moment, the states and the output under their letters."""
        raise NotImplementedError

    def build(self, builder: Builder, value: Variable) -> Variable:
        if TIME.name in builder.books.size_names:
            raise SpecError(
                f"the size {shown(TIME.name)} has the name of a moment in {shown(self.text)}\n"
                "allowed: another name, such as T"
            )
        moment = self.begin(builder, value)
        self.step(moment)
        starts = [Equation(moment.at(state, Integer(0)), start, note="initial state")
                  for state, start in zip(self.states, self.starts(moment), strict=True)]  # fmt: skip
        every = self.truncate if self.stops_after(value.shape[0]) else None
        carries = {state: Carry(moment.before(state), moment.at(state, TIME), every) for state in self.states}
        made = moment.at(self.result, TIME)
        by_cell = {equation.target for equation in equations_in(moment.items)}
        if lacking := next(
            (each for each in (made, *(c.after for c in carries.values())) if each not in by_cell), None
        ):
            raise LookupError(f"no equation of a moment makes {lacking.name}: a fault in {type(self).__name__}.step")
        array = made.change(index=made.index[:-1], shape=(value.shape[0], *made.shape))
        ends = not self.sequence and self.result in carries
        writes = () if ends else (Rows(made, array),)
        items = tuple(moment.items)
        reads, over = (Rows(moment.input, value),), tuple(carries.values())
        loop = Loop(TIME, value.shape[0], items, over, reads, writes, remat=self.remat)
        builder.items.extend(self.written((*starts, loop), builder.items))
        if self.sequence:
            return array
        return loop.end(carries[self.result]) if ends else last_row(builder, array)

    def written(self, items: tuple[Item, ...], before: Iterable[Item]) -> Iterable[Item]:
        """The equations as they are, or written out for all moments; rows that stand there `before` are read as such.

        Raises:
            SpecError: they are to be written out for a named number of moments. LimitError: for too many.
        """
        count = items[-1].count  # type: ignore[union-attr]
        if self.unroll and not count.is_Integer:
            raise SpecError(f"{shown(self.text)}: unroll needs a number of positions, and this is {count}")
        if self.unroll and count > MOST_WRITTEN_OUT:
            raise LimitError(f"{shown(self.text)}: unroll is of at most {MOST_WRITTEN_OUT:,} positions, not {count}")
        if not self.unroll:
            return items
        known = {equation.target for equation in equations_in(before)}
        return [equation for equation in written_out(items, {}) if equation.target not in known]

    def starts(self, moment: Moment) -> list[Node]:
        """The states before the first moment."""
        shapes = [moment.shapes[state] for state in self.states]
        if self.initial is None:
            return [zeros(*shape) for shape in shapes]
        if self.initial == LEARNED:
            named = zip(self.states, shapes, strict=True)
            learned = [moment.parameter(f"{state}s", shape, "bias", "zeros", fans_of(shape)) for state, shape in named]
            return [Multiply(Scalar(1), each) for each in learned]
        inputs = [moment.builder.further_input(each, INPUT) for each in self.given]
        for state, each, shape in zip(self.states, inputs, shapes, strict=True):
            if each.shape != shape:
                raise SpecError(
                    f"{type(self).__name__}: the initial {state} has shape {shape_text(each.shape)}\n"
                    f"allowed: that of {state}, {shape_text(shape)}"
                )
        return [Multiply(Scalar(1), each) for each in inputs]

    def with_unroll(self, unroll: bool) -> Recurrent:
        """Return the layer with its moments written out, or not."""
        return replace(self, unroll=unroll)


def fans_of(shape: Shape) -> tuple[Expr, Expr]:
    """Return how many numbers a linear map of this shape reads, and how many it makes."""
    return (shape[-1], shape[0]) if shape else (Integer(1), Integer(1))


def last_row(builder: Builder, array: Variable) -> Variable:
    """Append the equation of the last row of an array."""
    row = Sum(Slice(array, 0, array.shape[0] - 1, array.shape[0]), (0,))  # of one row: as formulas have `x[-1]`
    return builder.equation("h", builder.next_number("hidden"), row, "at the last moment")


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
        return layer.with_unroll(unroll)
    if not has_moments(layer.inner):
        return layer
    return layer.with_rows([Chain(tuple(_with_moments(each, unroll) for each in row.layers)) for row in layer.rows])
