"""What a node is, the traits of kinds, and the kinds that Python's operators make.

The traits are abstract classes: a row of a table that stands for a trait is the default of the kinds that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from operator import is_
from typing import Any, ClassVar, Self

from sympy import Basic, Expr, Integer, Tuple

from symprop.algebra.index_maps import AXES, IndexMap
from symprop.algebra.kinds.patterns import Pattern, Patterned, pattern_of
from symprop.algebra.printable import Printable
from symprop.algebra.sizes import as_expression, axis_of, integers, is_size, whole
from symprop.algebra.table import Table
from symprop.errors import FormulaError, LimitError, ShapeError

SHAPE = Table("shape")


HEAVIEST = 1_000_000
"""The most nodes that a formula written out may have; `s = s * s` 64 times would have 10**19."""


class Node(Printable, Patterned):
    """Abstract base of all nodes. `shape` is a tuple of SymPy sizes; rank 0 is a scalar.

    `operands` are the nodes directly below; `weight` counts the nodes of the formula written out, shared parts
    as often as they stand in it. Nodes that are alike have both in common.

    >>> import symprop
    >>> A, x = symprop.variable("A", (2, 3)), symprop.variable("x", (3,))
    >>> (A @ x + 1).shape, (A @ x + 1).text(), (A @ x).operands
    ((2,), 'A @ x + 1', (A, x))

    Raises:
        ShapeError: the operands do not fit.
        LimitError: the formula written out is larger than 1,000,000 nodes.
    """

    __slots__ = ()
    operands: tuple[Node, ...]
    shape: tuple[Expr, ...]
    joins_examples: ClassVar[bool] = False
    """Whether the kind makes one array from those of all examples of a batch, so that its result has no batch axis."""
    axis_places: ClassVar[tuple[int, ...]] = ()
    """Which of `args` are axes."""
    is_indicator: ClassVar[bool] = False
    """Whether each element is 1 or 0, as truth values are."""
    _op_priority: ClassVar[float] = 1000.0  # SymPy's scalars hand `2 * node` over to this class

    @classmethod
    def _with_pattern(cls, args: tuple[Basic, ...], pattern: Pattern, shape: tuple[Expr, ...] | None = None) -> Self:
        node = super()._with_pattern(args, pattern)
        common = pattern[0]
        if not common.weight:
            common.shape = _checked(SHAPE(node)) if shape is None else shape
            common.weight = _light(1 + sum([operand.weight for operand in node.operands]))
        node.shape, node.weight = common.shape, common.weight
        return node

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def number(self) -> Expr | None:
        """The value of a number; anything else has none."""
        return None

    @property
    def constant(self) -> Expr | None:
        """What every element is, where the node is written as one number."""
        return self.number

    @property
    def function_name(self) -> str:
        """What the elementwise function is called that the node applies; empty where it applies none."""
        return ""

    @property
    def untransposed(self) -> Node:
        """What the node is a transpose of, or the node itself."""
        return self

    @property
    def order(self) -> tuple[int, ...]:
        """Which axis of `untransposed` each axis is."""
        return tuple(range(self.rank))

    def permuted(self, axes: tuple[int, ...]) -> Node:
        """Return the array with its axes in another order, without a transpose of a transpose."""
        return self if axes == tuple(range(self.rank)) else Transpose(self, axes)

    @cached_property
    def free_symbols(self) -> set[Basic]:
        """The sizes and variables that the formula reads; the index of a series belongs to the series alone."""
        return set().union(*[each.free_symbols for each in self.args if isinstance(each, (Node, Expr, Tuple))])

    def with_operands(self, operands: Iterable[Node]) -> Node:
        """Return the same kind of node over other `operands`."""
        operands = tuple(operands)
        if len(operands) == len(self.operands) and all(map(is_, operands, self.operands)):
            return self
        new = iter(operands)
        args = [next(new) if isinstance(argument, Node) else argument for argument in self.args]
        if [operand.shape for operand in operands] == [operand.shape for operand in self.operands]:
            return self.over(args)
        return self.func(*args)

    def over(self, args: Iterable[Basic]) -> Self:
        """Return the same kind of node over arguments that have the same shapes, which are not worked out again."""
        args = tuple(args)
        return self._with_pattern(args, pattern_of(type(self), args), self.shape)

    def along(self, operand: Node, axis: Callable[[int], int]) -> Node:
        """Return the same kind of node over another operand, each of its axes moved by `axis`."""
        moved = list(self.args)
        moved[0] = operand
        for place in self.axis_places:
            given = self.args[place]
            moved[place] = Tuple(*map(axis, integers(given))) if isinstance(given, Tuple) else Integer(axis(int(given)))
        return self.func(*moved)

    @property
    def T(self) -> Node:
        """The node with its axes reversed."""
        return Transpose(self)

    def __add__(self, other: object) -> Node:
        return Add(self, as_node(other))

    def __radd__(self, other: object) -> Node:
        return Add(as_node(other), self)

    def __sub__(self, other: object) -> Node:
        return Add(self, negative(as_node(other)))

    def __rsub__(self, other: object) -> Node:
        return Add(as_node(other), negative(self))

    def __mul__(self, other: object) -> Node:
        return Multiply(self, as_node(other))

    def __rmul__(self, other: object) -> Node:
        return Multiply(as_node(other), self)

    def __truediv__(self, other: object) -> Node:
        return Multiply(self, Power(as_node(other), -1))

    def __rtruediv__(self, other: object) -> Node:
        return Multiply(as_node(other), Power(self, -1))

    def __pow__(self, exponent: Any) -> Node:
        return Power(self, exponent)

    def __neg__(self) -> Node:
        return negative(self)

    def __matmul__(self, other: Node) -> Node:
        return MatMul(self, other)


def _checked(shape: Iterable[Expr]) -> tuple[Expr, ...]:
    found = tuple(shape)
    if all(map(is_size, found)):
        return found
    return tuple(whole(size, "a size of an array", positive=True) for size in found)


def _light(weight: int) -> int:
    if weight > HEAVIEST:
        raise LimitError(
            f"a formula of over {HEAVIEST:,} nodes\nallowed: smaller formulas, or equations that name the parts"
        )
    return weight


class Leaf(Node):
    """Abstract: a kind without operands."""


class Elementwise(Node):
    """Abstract: each element comes from the elements in its place, with NumPy's broadcasting."""


class Linear(Node):
    """Abstract: linear in each operand alone."""


class Structural(Linear):
    """Abstract: moves elements and computes nothing. A kind declares its `index_map`, and its rows follow."""

    axis_places: ClassVar[tuple[int, ...]] = (1,)

    @property
    def index_map(self) -> IndexMap:
        """Where each element of the result stands in the operand.

        Raises:
            ShapeError: the arguments do not fit the operand.
        """
        raise NotImplementedError


class Reduction(Node):
    """Abstract: takes `axes` together; with `keepdims` they stay with length 1."""

    axis_places: ClassVar[tuple[int, ...]] = (1,)

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])

    @property
    def keepdims(self) -> bool:
        return bool(self.args[2])


class Scalar(Leaf):
    """A number, or an expression in sizes (`1/m`), as a rank-0 node."""

    def __new__(cls, value: Any) -> Self:
        return super().__new__(cls, as_expression(value))

    @property
    def value(self) -> Expr:
        return self.args[0]

    @property
    def number(self) -> Expr:
        return self.args[0]


class Add(Elementwise):
    """Elementwise sum of two or more terms, with broadcasting: `out[i] = t1[i] + t2[i] + ...`."""


class Multiply(Elementwise, Linear):
    """Elementwise (Hadamard) product of two or more factors, with broadcasting: `out[i] = f1[i] * f2[i] * ...`."""


class Power(Elementwise):
    """Elementwise power with a constant exponent: `out[i] = base[i] ** exponent`."""

    def __new__(cls, base: Node, exponent: Any) -> Self:
        return super().__new__(cls, base, as_expression(exponent))

    @property
    def exponent(self) -> Expr:
        return self.args[1]


class MatMul(Linear):
    """Matrix product with NumPy's meaning of `@` for ranks 1 and 2, and batched over leading axes above."""

    def __new__(cls, left: Node, right: Node) -> Self:
        return super().__new__(cls, left, right)


class Transpose(Structural):
    """Axes in another order: `out.shape[k] = operand.shape[axes[k]]`; reversed by default, as NumPy's `.T`."""

    def __new__(cls, operand: Node, axes: Any = None) -> Self:
        order = reversed(range(operand.rank)) if axes is None else (axis_of(axis, operand.rank) for axis in axes)
        return super().__new__(cls, operand, Tuple(*order))

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(int(axis) for axis in self.args[1].args)

    @property
    def untransposed(self) -> Node:
        return self.operands[0].untransposed

    @property
    def order(self) -> tuple[int, ...]:
        inner = self.operands[0].order
        return tuple(inner[axis] for axis in self.axes)

    def permuted(self, axes: tuple[int, ...]) -> Node:
        return self.operands[0].permuted(tuple(self.axes[axis] for axis in axes))

    @property
    def index_map(self) -> IndexMap:
        source, axes = self.operands[0].shape, self.axes
        if sorted(axes) != list(range(len(source))):
            raise ShapeError(f"transpose by axes {axes} of an array of rank {len(source)}")
        shape = tuple(source[axis] for axis in axes)
        return IndexMap(source, shape, tuple(AXES[axes.index(axis)] for axis in range(len(source))))


def as_node(value: object) -> Node:
    """Return `value` as a node: a node itself, a number, or a SymPy expression in sizes.

    >>> as_node(2).value
    2

    Raises:
        FormulaError: anything else.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, (int, float, Expr)) and not isinstance(value, bool):
        return Scalar(value)
    raise FormulaError(f"a formula is made of arrays and numbers, not of {type(value).__name__}")


def negative(node: Node) -> Node:
    """Return `-node`; a number is negated in place."""
    factors = node.operands if isinstance(node, Multiply) else (node,)
    first = factors[0].number
    if first is None:
        return Multiply(Scalar(-1), *factors)
    return Multiply(Scalar(-first), *factors[1:]) if len(factors) > 1 else Scalar(-first)
