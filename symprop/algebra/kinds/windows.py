"""Windows of an array, of which convolution and pooling are composed, and their adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

from sympy import Expr, Integer, Tuple, floor
from sympy.core.symbol import Str

from symprop.algebra.index_maps import AXES, IndexMap
from symprop.algebra.kinds.base import Linear, Node, Structural
from symprop.algebra.kinds.patterns import BLANK, Number, index_of, number_in
from symprop.algebra.sizes import as_expression, expressions, integers, ordered_axes, several
from symprop.errors import FormulaError, ShapeError


class Selection(NamedTuple):
    """The name of the matrices that select elements of windows, one for each offset: `S1`, of an array of `lengths`.

    `before` says how many places stand before the array along each axis: windows of a padded array select from what
    is inside.
    """

    letter: Str
    number: tuple[Expr, ...]
    mark: tuple[Expr]
    before: tuple[Expr, ...]
    lengths: tuple[Expr, ...]


class Windowed(Linear):
    """Abstract: windows of `sizes` elements along `axes`: `strides` from one to the next, `dilations` between elements.

    The axes of windows stand last, those of their elements behind all others, in the order of `axes`. The last
    argument is empty, or a `Selection` as which pages write the windows.
    """

    axis_places: ClassVar[tuple[int, ...]] = (1,)

    def __new__(cls, operand: Node, axes: Any, *options: Any, name: Any = ()) -> Self:
        numbers, more = (expressions(several(each)) for each in options), options[3:]
        axes = tuple(map(int, several(axes)))
        spread = [Tuple(*each.args * len(axes)) if len(each.args) == 1 else each for each in numbers]
        if any(len(each) != len(axes) for each in spread):
            raise ShapeError("windows need a size, a stride and a dilation for each axis, and a length to be folded")
        places = ordered_axes(axes, operand.rank - len(axes) * len(more))
        return super().__new__(cls, operand, places, *spread, Tuple(*name))

    @classmethod
    def number_apart(cls, args: Sequence[Any]) -> tuple[Number | None, Sequence[Any]]:
        number = number_in(args[-1].args[1].args) if args[-1].args else None
        if number is None:
            return None, args
        letter, _, *others = args[-1].args
        return number, (*args[:-1], Tuple(letter, BLANK, *others))

    @classmethod
    def with_number(cls, args: list[Any], number: Number) -> Sequence[Any]:
        letter, _, *others = args[-1].args
        return [*args[:-1], Tuple(letter, index_of(number), *others)]

    @property
    def selection(self) -> Selection | None:
        """What selects the elements, where that has a name."""
        name = self.args[-1].args
        return Selection(*(part if isinstance(part, Str) else part.args for part in name)) if name else None

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])

    @property
    def steps(self) -> tuple[tuple[int, Expr, int, int], ...]:
        """For each axis that has windows: which, the size of a window, its stride and its dilation."""
        sizes, strides, dilations = (each.args for each in self.args[2:5])
        if not all(each.is_Integer and each > 0 for each in (*strides, *dilations)):
            raise ShapeError("strides and dilations of windows are whole numbers from 1")
        return tuple(zip(self.axes, sizes, map(int, strides), map(int, dilations), strict=True))

    def windows(self, source: tuple[Expr, ...]) -> IndexMap:
        """Return where each element of each window stands in an array of shape `source`."""
        shape, places = list(source), list(AXES[: len(source)])
        sizes: list[Expr] = []
        for axis, size, stride, dilation in self.steps:
            shape[axis] = floor((source[axis] - dilation * (size - 1) - 1) / Integer(stride)) + 1
            if shape[axis].is_nonpositive or size.is_nonpositive:
                raise ShapeError(f"no window of {size} elements in an axis of length {source[axis]}")
            places[axis] = stride * AXES[axis] + dilation * AXES[len(source) + len(sizes)]
            sizes.append(size)
        return IndexMap(source, (*shape, *sizes), tuple(places))


class Window(Windowed, Structural):
    """The windows of an array: `out[.., i, .., k] = operand[.., stride * i + dilation * k, ..]`."""

    def __new__(
        cls, operand: Node, axes: Any, sizes: Any, strides: Any = 1, dilations: Any = 1, name: Any = ()
    ) -> Self:
        return super().__new__(cls, operand, axes, sizes, strides, dilations, name=name)

    @property
    def index_map(self) -> IndexMap:
        return self.windows(self.operands[0].shape)

    def every(self, axis: int, step: Any) -> Window:
        """Return only every `step`-th window along an axis of windows, or element along an axis of their elements."""
        rank = self.operands[0].rank
        chosen, kind = (axis - rank, 2) if axis >= rank else (self.axes.index(axis) if axis in self.axes else -1, 1)
        if chosen < 0 or not (as_expression(step).is_Integer and step > 0):
            raise FormulaError(f"no step {step} along axis {axis} of windows")
        options = [list(each.args) for each in self.args[2:5]]
        options[kind][chosen] *= step
        if kind == 2:
            options[0][chosen] = floor((options[0][chosen] - 1) / as_expression(step)) + 1
        return Window(self.operands[0], self.axes, *options)  # that selects other elements: without the name

    @property
    def spacing(self) -> str:
        """What NumPy writes behind windows of all elements from each place: the steps between those that are kept."""
        rank = self.operands[0].rank
        step = {axis: stride for axis, _, stride, _ in self.steps}
        step |= {rank + place: dilation for place, (_, _, _, dilation) in enumerate(self.steps)}
        parts = [f"::{step[axis]}" if step.get(axis, 1) > 1 else ":" for axis in range(self.rank)]
        while parts and parts[-1] == ":":
            parts.pop()
        return f"[{', '.join(parts)}]" if parts else ""


class Fold(Windowed):
    """The adjoint of `Window`: the elements of windows go back to their places, where those that meet are summed.

    `lengths` are those of `axes` in the result.
    """

    def __new__(
        cls, operand: Node, axes: Any, sizes: Any, strides: Any, dilations: Any, lengths: Any, name: Any = ()
    ) -> Self:
        if operand.rank < 2 * len(several(axes)):
            raise ShapeError(f"an array of rank {operand.rank} has no windows along {len(several(axes))} axes to fold")
        return super().__new__(cls, operand, axes, sizes, strides, dilations, lengths, name=name)

    @property
    def unfolded(self) -> IndexMap:
        """Where each element of the operand goes in the result."""
        shape = list(self.operands[0].shape[: self.operands[0].rank - len(self.axes)])
        for axis, length in zip(self.axes, self.args[5].args, strict=True):
            shape[axis] = length
        return self.windows(tuple(shape))

    @property
    def covered(self) -> tuple[Expr, ...]:
        """The lengths in which the last window ends where the axis does."""
        counts = self.operands[0].shape
        return tuple(s * (counts[axis] - 1) + d * (k - 1) + 1 for axis, k, s, d in self.steps)
