"""Kinds that move elements, or choose them by ids."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Expr, Integer, Tuple, expand

from symprop.algebra.index_maps import AXES, IndexMap
from symprop.algebra.kinds.base import Linear, Node, Structural
from symprop.algebra.sizes import as_expression, axes_of, axis_of, expressions, integers, ordered_axes, whole
from symprop.errors import ShapeError


class Expand(Structural):
    """A new axis of length 1 at position `axis` of the result: NumPy's `x[:, None]`."""

    def __new__(cls, operand: Node, axis: Any) -> Self:
        return super().__new__(cls, operand, Integer(axis_of(axis, operand.rank + 1)))

    @property
    def axis(self) -> int:
        return int(self.args[1])

    @property
    def index_map(self) -> IndexMap:
        source, axis = self.operands[0].shape, self.axis
        places = (*AXES[:axis], *AXES[axis + 1 : len(source) + 1])
        return IndexMap(source, (*source[:axis], Integer(1), *source[axis:]), places)


class Reshape(Linear):
    """The same elements in row-major order under another shape."""

    def __new__(cls, operand: Node, shape: Any) -> Self:
        return super().__new__(cls, operand, expressions(shape))


class Diag(Linear):
    """The square matrix with a vector on its diagonal: `out[i, j] = v[i] if i == j else 0`."""


class Diagonal(Structural):
    """The diagonal of a square matrix: `out[i] = A[i, i]`."""

    axis_places: ClassVar[tuple[int, ...]] = ()

    @property
    def index_map(self) -> IndexMap:
        source = self.operands[0].shape
        if len(source) != 2 or expand(source[0] - source[1]) != 0:
            raise ShapeError(f"the diagonal is that of a square matrix, not of shape {source}")
        return IndexMap(source, source[:1], (AXES[0], AXES[0]))


class Slice(Structural):
    """The elements from `start` to before `stop` along `axis`: NumPy's `x[start:stop]`."""

    def __new__(cls, operand: Node, axis: Any, start: Any, stop: Any) -> Self:
        ends = (whole(end, "an end of a slice") for end in (start, stop))
        return super().__new__(cls, operand, Integer(axis_of(axis, operand.rank)), *ends)

    @property
    def axis(self) -> int:
        return int(self.args[1])

    @property
    def start(self) -> Expr:
        return self.args[2]

    @property
    def stop(self) -> Expr:
        return self.args[3]

    @property
    def index_map(self) -> IndexMap:
        source, axis, length = self.operands[0].shape, self.axis, self.stop - self.start
        if any(part.is_negative for part in (self.start, length - 1, source[axis] - self.stop)):
            raise ShapeError(f"no elements {self.start}:{self.stop} along axis {axis} of length {source[axis]}")
        places = list(AXES[: len(source)])
        places[axis] += self.start
        return IndexMap(source, (*source[:axis], length, *source[axis + 1 :]), tuple(places))


class Pad(Structural):
    """More elements before and after along `axes`, each `value`: NumPy's `pad`. `widths` are pairs (before, after)."""

    def __new__(cls, operand: Node, axes: Any, widths: Any, value: Any = 0) -> Self:
        pairs = Tuple(*map(expressions, widths))
        return super().__new__(cls, operand, ordered_axes(axes, operand.rank), pairs, as_expression(value))

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])

    @property
    def widths(self) -> tuple[tuple[Expr, Expr], ...]:
        """How many elements stand before and after, for each axis of the operand."""
        pairs = dict(zip(self.axes, (pair.args for pair in self.args[2].args), strict=True))
        return tuple(pairs.get(axis, (Integer(0), Integer(0))) for axis in range(self.operands[0].rank))

    @property
    def value(self) -> Expr:
        return self.args[3]

    @property
    def index_map(self) -> IndexMap:
        source, widths = self.operands[0].shape, self.widths
        if any(width.is_negative for pair in widths for width in pair):
            raise ShapeError(f"an array is padded by widths of 0 or more, not {widths}")
        shape = tuple(size + before + after for size, (before, after) in zip(source, widths, strict=True))
        places = tuple(AXES[axis] - before for axis, (before, _) in enumerate(widths))
        return IndexMap(source, shape, places, self.value)


class Flip(Structural):
    """The elements in reverse order along `axes` (all by default): NumPy's `flip`."""

    def __new__(cls, operand: Node, axes: Any = None) -> Self:
        return super().__new__(cls, operand, axes_of(axes, operand.rank))

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])

    @property
    def index_map(self) -> IndexMap:
        source = self.operands[0].shape
        places = (size - 1 - AXES[k] if k in self.axes else AXES[k] for k, size in enumerate(source))
        return IndexMap(source, source, tuple(places))


class Concatenate(Node):
    """Arrays one after the other along `axis`."""

    def __new__(cls, *parts: Any, axis: Any = None) -> Self:
        operands = [part for part in parts if isinstance(part, Node)]
        given = parts[-1] if axis is None else axis
        return super().__new__(cls, *operands, Integer(axis_of(given, max(1, operands[0].rank))))

    @property
    def axis(self) -> int:
        return int(self.args[-1])


class Take(Node):
    """Rows of a table (elements of a vector) selected by integers: `out[i..., j...] = table[ids[i...], j...]`."""

    def __new__(cls, table: Node, ids: Node) -> Self:
        return super().__new__(cls, table, ids)


class ScatterAdd(Node):
    """The adjoint of `Take`: `out[k, j...] = sum of values[i..., j...] over all i... with ids[i...] == k`, k < size."""

    def __new__(cls, values: Node, ids: Node, size: Any) -> Self:
        return super().__new__(cls, values, ids, as_expression(size))

    @property
    def size(self) -> Expr:
        return self.args[2]


class OneHot(Node):
    """One-hot rows: `out[i..., k] = 1 if ids[i...] == k else 0`, k < size."""

    def __new__(cls, ids: Node, size: Any) -> Self:
        return super().__new__(cls, ids, as_expression(size))

    @property
    def size(self) -> Expr:
        return self.args[1]
