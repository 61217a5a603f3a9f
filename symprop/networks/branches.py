"""Branches: rows of layers that read the same value, and what is made of their outputs: a sum, a product, a row.

A residual block is a sum; gated units and highways are in `symprop.networks.gated`. A new one is a class with its rows
and how it joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Add, Expr

from symprop.algebra.nodes import Concatenate as ConcatenateNode
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import added, multiplied
from symprop.errors import ShapeError, SpecError, shown
from symprop.networks.activations import Identity
from symprop.networks.blocks import Chain, block_of, nestable
from symprop.networks.builder import Builder
from symprop.networks.joining import Row
from symprop.networks.layers import Input, Layer, dense
from symprop.networks.parts import told
from symprop.networks.sizes import checked_flag


@dataclass(frozen=True)
class Join:
    """What is made of the outputs of branches: what it is called, what is done to them, and the node."""

    name: str
    verb: str
    node: Callable[[Sequence[Node]], Node]
    allowed: str = "outputs of equal shapes"


def summed(outputs: Sequence[Node]) -> Node:
    """Return the sum of outputs of one shape.

    Raises:
        ShapeError: the shapes differ.
    """
    if len({output.shape for output in outputs}) > 1:
        raise ShapeError("the outputs differ")  # not even a width of 1 is spread out silently
    return added(outputs)


SUM = Join("sum", "added", summed)
PRODUCT = Join(
    "product", "multiplied", multiplied, "equal shapes, but that an axis may be 1, or missing in front: (T, 1) or (n,)"
)
ROW = Join(
    "concatenation",
    "put one after the other",
    lambda outputs: ConcatenateNode(*outputs, axis=-1),
    "shapes that differ in the last axis alone",
)


@dataclass(frozen=True)
class Joined(Layer):
    """Abstract base of layers whose rows of layers all read their input; `join` says what is made of the outputs."""

    is_transparent: ClassVar[bool] = True
    join: ClassVar[Join]

    def outputs(self, builder: Builder, value: Variable) -> list[Variable]:
        """Append the equations of the rows and return their outputs."""
        return row_outputs(builder, self.rows, value)

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, outputs = builder.number, self.outputs(builder, value)
        try:
            result = self.join.node(outputs)
        except ShapeError:
            raise SpecError(self.misfit(outputs)) from None
        builder.joins = tuple(outputs)
        builder.books.previous = self  # the sum is its own, not the last row's
        if builder.number == number:  # no layer with a number stands in it: `a` of that number is another's
            return builder.equation("h", builder.next_number("hidden"), result, self.join.name)
        return builder.equation("a", builder.number, result, self.join.name)

    def misfit(self, outputs: Sequence[Node]) -> str:
        """The message where the outputs cannot be joined."""
        shapes = [shape_text(output.shape) for output in outputs]
        listed = f"{', '.join(shapes[:-1])} and {shapes[-1]}"
        return f"{shown(self.text)} has outputs of shapes {listed}, which cannot be {self.join.verb}\n" + (
            f"allowed: {self.join.allowed}"
        )


def row_outputs(builder: Builder, rows: Sequence[Chain], value: Variable) -> list[Variable]:
    """Return what each row makes of `value`; an activation that ends a row is called `f`, since `a` is the result."""
    books, letter = builder.books, builder.activation_letter
    waiting, previous, outputs = books.waiting, books.previous, []
    for row in rows:
        books.waiting, books.previous, output, layers = waiting, previous, value, row.layers
        if isinstance(layers[0], Input):
            output, layers, books.waiting = layers[0].branch(builder, layers[1:2]), layers[1:], None
        for position, layer in enumerate(layers, start=1):
            is_last = position == len(layers) and (layer.is_activation or layer.passes_on)
            builder.activation_letter = "f" if is_last else "a"
            output = builder.add(layer, output)
        outputs.append(output)
    builder.activation_letter, books.waiting = letter, None
    return outputs


def row_of(branch: Any, what: str) -> Chain:
    """Return a branch as a row of layers; no layers, `()`, are `Identity()`.

    An `Input` may stand first: in Python it makes the branch a network.

    Raises:
        SpecError: not layers, or an Input behind others or a loss among them.
    """
    layers = (branch,) if isinstance(branch, Layer) else branch.layers if isinstance(branch, Row) else branch
    if not isinstance(layers, tuple) or not all(isinstance(layer, Layer) for layer in layers):
        raise SpecError(f"{what}: a branch is made of layers, such as Dense(32) >> ReLU(), or (), not {shown(branch)}")
    row = Chain(layers or (Identity(),))
    return nestable(row, row.layers[1:] if isinstance(row.layers[0], Input) else row.layers, what)


@dataclass(frozen=True, init=False)
class Branches(Joined):
    """Abstract base of `Sum`, `Multiply` and `Concatenate`: two rows or more.

    A row is layers joined by `>>`, or one layer. `()` gives on the input as it is, and so does `Identity()`. A row
    that starts with an `Input` of a name of its own reads that in place of the input.
    """

    branches: tuple[Chain, ...]

    def __init__(self, *branches: Any) -> None:
        name = type(self).__name__
        if len(branches) < 2:
            raise SpecError(
                f"{name}: {len(branches)} branches\nallowed: two or more, such as {name}(Dense(8) >> Tanh(), ())"
            )
        object.__setattr__(self, "branches", tuple(row_of(branch, name) for branch in branches))
        if all(isinstance(row.layers[0], Input) for row in self.branches):
            raise SpecError(
                f"{name}: every branch starts with an Input, so that nothing reads what stands before\n"
                "allowed: a branch without one, such as Dense(8) or ()"
            )

    def facts_of_input(self, builder: Builder) -> tuple[Fact, ...]:
        first, *others = [row.layers[0] for row in self.branches if not isinstance(row.layers[0], Input)]
        facts = first.facts_of_input(builder)
        for layer in others:
            other = layer.facts_of_input(builder)
            if other != facts:
                raise SpecError(
                    f"{type(self).__name__}: {shown(first.text)} reads {told(facts)}, "
                    f"{shown(layer.text)} {told(other)}\n"
                    "allowed: an Input with a name of its own in one of the branches"
                )
        return facts

    @property
    def rows(self) -> tuple[Chain, ...]:
        return self.branches

    def with_rows(self, rows: Sequence[Chain]) -> Layer:
        return type(self)(*rows)

    @property
    def text(self) -> str:
        return f"{type(self).__name__}({', '.join(row.text for row in self.branches)})"


class Sum(Branches):
    """The sum of the outputs of rows of layers, all of which read the same input.

    >>> from symprop import Dense, Tanh
    >>> network = Input(3) >> Sum(Dense(3) >> Tanh(), Dense(3), ())
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'f1 = tanh(z1)', 'z2 = W2 @ x + b2', 'a2 = f1 + z2 + x']

    Raises:
        SpecError: fewer than two rows, or, where it is built, outputs of different shapes.
    """

    join = SUM


class Multiply(Branches):
    """The product, element by element, of the outputs of rows of layers: a gate.

    Outputs are spread out as NumPy does it: `(T, 1)` is a factor for each position, `(n,)` one for each feature.

    >>> from symprop import Dense, Sigmoid
    >>> network = Input(3) >> Multiply((), Dense(3) >> Sigmoid())
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'f1 = sigmoid(z1)', 'a1 = x * f1']

    Raises:
        SpecError: fewer than two rows, or, where it is built, outputs that do not fit.
    """

    join = PRODUCT


class Concatenate(Branches):
    """The outputs of rows of layers one after the other, along the last axis.

    With an empty row it is the connection of a DenseNet (Huang et al., 2017): what comes after sees what came before.

    >>> from symprop import Dense, Tanh
    >>> network = Input(3) >> Concatenate((), Dense(2) >> Tanh())
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'f1 = tanh(z1)', 'a1 = concatenate((x, f1), axis=0)']
    >>> network.system().output.shape
    (5,)

    Raises:
        SpecError: fewer than two rows, or, where it is built, outputs that differ in more than the last axis.
    """

    join = ROW

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (*shapes[0][:-1], Add(*(shape[-1] for shape in shapes)))


@dataclass(frozen=True)
class Residual(Joined):
    """A block with its input added to its output, `a = block(x) + x`: `Sum(block, ())`.

    He et al., *Deep residual learning for image recognition* (2016).
    With `projection` the input goes through a Dense without bias first, so that the widths may differ.

    >>> from symprop import Dense, Tanh
    >>> network = Input(2) >> Residual(Dense(3) >> Tanh(), projection=True)
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'f1 = tanh(z1)', 'z2 = W2 @ x', 'a2 = f1 + z2']

    Raises:
        SpecError: the block changes the width and there is no projection, or an Input or a loss stands in it.
    """

    join = Join("residual sum", "added", summed)

    block: Any
    projection: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", block_of(self.block, "Residual"))
        checked_flag(self.projection, "Residual: projection")

    @property
    def rows(self) -> tuple[Chain, ...]:
        return (self.block,)

    def outputs(self, builder: Builder, value: Variable) -> list[Variable]:
        (result,) = super().outputs(builder, value)
        if not self.projection:
            return [result, value]
        shortcut = dense(builder, value, result.shape[-1], False, None)
        builder.books.waiting = None
        return [result, shortcut]

    def misfit(self, outputs: Sequence[Node]) -> str:
        after, before = outputs
        if after.shape[:-1] != before.shape[:-1]:  # no projection mends that
            what = "a shortcut" if self.projection else "an input"
            return (
                f"{shown(self.text)} has {what} of shape {shape_text(before.shape)} and an output of shape "
                f"{shape_text(after.shape)}, which cannot be added\n"
                'allowed: blocks that keep the shape, such as convolutions of stride 1 with padding="same", or a '
                "shortcut of its own, such as Sum(..., Conv2D(8, 1, stride=2))"
            )
        return (
            f"{shown(self.text)} has an input of width {before.shape[-1]} "
            f"and an output of width {after.shape[-1]}, which cannot be added\n"
            "allowed: equal widths, or Residual(..., projection=True)"
        )
