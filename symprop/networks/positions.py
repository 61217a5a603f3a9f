"""Where in a sequence a vector stands: learned positions, sinusoidal, rotations, a class token, one place alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symprop.algebra.nodes import Add, Expand, Known, MatMul, Multiply, Node, Pad, Slice, Sum, Variable
from symprop.algebra.shapes import shape_text
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, valued
from symprop.networks.sizes import LARGEST_WIDTH

BASE = Integer(10000)
"""The longest wave has this many times 2 pi positions (Vaswani et al. 2017; Su et al. 2021)."""


def of_a_sequence(layer: Layer, shape: tuple[Expr, ...]) -> None:
    """Raise unless a layer reads a sequence.

    Raises:
        SpecError: an input of another rank than 2.
    """
    if len(shape) != 2:
        raise SpecError(
            f"{layer.text} reads an input of shape {shape_text(tuple(map(valued, shape)))}, which is no sequence\n"
            "allowed: a sequence, such as Input(T, n), or Input(T) >> Embedding(V, n, flatten=False)"
        )


@dataclass(frozen=True)
class OfSequence(Layer):
    """Abstract base of layers that add to a sequence where each of its vectors stands."""

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        return ()

    def build(self, builder: Builder, value: Variable) -> Variable:
        number = builder.next_number("positions")
        return builder.equation(
            "h", builder.next_number("hidden"), value + self.positions(builder, number, value), "with positions"
        )

    def positions(self, builder: Builder, number: Expr, value: Variable) -> Node:
        """Return what is added, of the shape of the sequence."""
        raise NotImplementedError


class Positions(OfSequence):
    """Learned positions: a vector of its own is added at each place of a sequence, `h = x + pos`.

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input("T", 6) >> Positions()).system().equations]
    ['h1 = x + pos1']

    Raises:
        SpecError: an input that is no sequence.
    """

    def positions(self, builder: Builder, number: Expr, value: Variable) -> Node:
        return builder.parameter("pos", number, value.shape, "positions", "xavier_normal", value.shape)


class SinusoidalPositions(OfSequence):
    """Known positions are added: sines and cosines of the place, in waves of growing length.

    Feature `2 i` of place `t` is `sin(t / 10000**(2 i / n))`, feature `2 i + 1` the cosine (Vaswani et al. 2017).

    >>> from symprop import Input
    >>> (Input("T", 6) >> SinusoidalPositions()).system().output.shape
    (T, 6)

    Raises:
        SpecError: an input that is no sequence.
    """

    def positions(self, builder: Builder, number: Expr, value: Variable) -> Node:
        def wave(t: Expr, j: Expr) -> Expr:
            side = (-1) ** j  # 1 where j is even
            angle = t / BASE ** ((j - (1 - side) / 2) / value.shape[-1])
            return sympy.Piecewise((sympy.sin(angle), sympy.Eq(side, 1)), (sympy.cos(angle), True))

        return builder.known("pos", value.shape, wave)


def rotation(builder: Builder, places: Expr, d: Expr) -> tuple[Known, Known, Known]:
    """Return cosines and sines of the angle of each place and feature, (places, d), and a right angle, (d, d).

    Features `i` and `i + d/2` are a pair, which turns by `t / 10000**(2 i / d)` at place `t`.
    """

    def angle(t: Expr, j: Expr) -> Expr:
        return t / BASE ** sympy.Piecewise((2 * j / d, 2 * j < d), (2 * j / d - 1, True))

    def turn(i: Expr, j: Expr) -> Expr:
        return sympy.Piecewise((-1, sympy.Eq(2 * i, 2 * j + d)), (1, sympy.Eq(2 * i + d, 2 * j)), (0, True))

    C = builder.known("C", (places, d), lambda t, j: sympy.cos(angle(t, j)))
    S = builder.known("S", (places, d), lambda t, j: sympy.sin(angle(t, j)))
    return C, S, builder.known("J", (d, d), turn)


def rotated(value: Variable, C: Known, S: Known, J: Known) -> Node:
    """Return vectors, along the last axis, each rotated by its place along the axis before: `x * C + x @ J * S`."""
    return Add(Multiply(value, C), Multiply(MatMul(value, J), S))


class ClassToken(Layer):
    """A learned vector is put in front of a sequence, `(T, n)` becomes `(T + 1, n)` (Devlin et al. 2019).

    >>> from symprop import Input
    >>> (Input(4, 6) >> ClassToken()).system().output.shape
    (5, 6)

    Raises:
        SpecError: an input that is no sequence.
    """

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        return ()

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (shapes[0][0] + 1, shapes[0][1])

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, (positions, width) = builder.next_number("token"), value.shape
        token = builder.parameter("cls", number, (width,), "token", "xavier_normal", (width, width))
        first = Pad(Expand(token, 0), 0, [(0, positions)])
        whole = Add(first, Pad(value, 0, [(1, 0)]))
        return builder.equation("h", builder.next_number("hidden"), whole, "with a class token")


@dataclass(frozen=True)
class At(Layer):
    """The vector at one place of a sequence, `(T, n)` becomes `(n,)`: 0 is the first, -1 the last.

    >>> from symprop import Input
    >>> [each.text() for each in (Input(4, 6) >> ClassToken() >> At(0)).system().equations][1:]
    ['h2 = h1[0]']

    Raises:
        SpecError: a place that is no whole number, or that the sequence does not have.
    """

    place: int

    def __post_init__(self) -> None:
        if isinstance(self.place, bool) or not isinstance(self.place, int) or abs(self.place) > LARGEST_WIDTH:
            raise SpecError(f"At: {shown(self.place)} is no place\nallowed: a whole number, 0 the first, -1 the last")

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_a_sequence(self, shape)
        least = self.place + 1 if self.place >= 0 else -self.place
        told = f"{self.text}: a sequence of {valued(shape[0])} has no place {self.place}"
        yield Need(shape[0], least=least, otherwise=f"{told}\nallowed: from 0, or from the end, -1")

    def build(self, builder: Builder, value: Variable) -> Variable:
        start = Integer(self.place) if self.place >= 0 else value.shape[0] + self.place
        row = Sum(Slice(value, 0, start, start + 1), (0,))  # of one row: as formulas have `x[0]`
        return builder.equation("h", builder.next_number("hidden"), row, "at one place")
