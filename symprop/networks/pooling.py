"""Pools: of each window of a sequence or an image the largest element or the mean, for each channel by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sympy import Expr, Rational, oo, prod

from symprop.algebra.nodes import Extreme, Node, Reshape, Scalar, Sum, Variable
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, valued
from symprop.networks.norms import mean_over_places
from symprop.networks.sizes import checked_flag
from symprop.networks.windows import Lie, lie_texts, lies, spatial, windows


@dataclass(frozen=True)
class Pool(Layer):
    """Abstract base of pools: `axes` axes of places, then the channels; the stride is the size where none is given."""

    reads_windows: ClassVar[bool] = True
    axes: ClassVar[int] = 2
    outside: ClassVar[Any] = 0
    """What stands beyond the ends."""
    note: ClassVar[str] = ""
    family: ClassVar[str] = "pool"
    called: ClassVar[str] = ""

    size: Any
    stride: Any = None
    padding: Any = 0

    def __post_init__(self) -> None:
        for lie in self.lies:
            if isinstance(lie.padding, tuple) and max(lie.padding) >= lie.kernel:
                raise SpecError(
                    f"{self.text}: with a padding of {max(lie.padding)} a window of {lie.kernel} lies wholly outside\n"
                    f"allowed: a padding from 0 to {lie.kernel - 1}, less than the size"
                )

    @property
    def lies(self) -> tuple[Lie, ...]:
        """How the windows lie along each axis."""
        stride = self.size if self.stride is None else self.stride
        return lies(type(self).__name__, self.axes, self.size, stride, self.padding, size="size")

    @property
    def caption(self) -> str:
        size, stride, _ = lie_texts(self.lies)
        return f"{self.called} {size}" + f", /{stride}" * (stride != "1")

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        for length, lie in zip(spatial(shape, self.axes, self.text), self.lies, strict=True):
            yield from lie.need(length, self.text)

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(lie.output(length) for length, lie in zip(shapes[0], self.lies, strict=False))

    def build(self, builder: Builder, value: Variable) -> Variable:
        seen = windows(builder, value, self.lies, self.outside)
        pooled = self.pooled(seen, tuple(range(value.rank, seen.rank)))
        return builder.equation("s", builder.next_number("pool"), pooled, self.note)

    def pooled(self, seen: Node, axes: tuple[int, ...]) -> Node:
        """Return what is taken of windows, whose elements lie along `axes`."""
        raise NotImplementedError


class MaxPool(Pool):
    """Abstract base of pools that take the largest element; the derivative goes to the first of several."""

    outside = -oo
    note = "largest of each window"
    called = "max pool"

    def pooled(self, seen: Node, axes: tuple[int, ...]) -> Node:
        return Extreme(seen, axes, ties="first")


class AveragePool(Pool):
    """Abstract base of pools that take the mean; what is padded counts as 0."""

    note = "mean of each window"
    called = "average pool"

    def pooled(self, seen: Node, axes: tuple[int, ...]) -> Node:
        return Scalar(Rational(1, prod(lie.kernel for lie in self.lies))) * Sum(seen, axes)


class MaxPool1D(MaxPool):
    """The largest element of each window of a sequence, for each channel; beyond the ends stands −∞.

    >>> from symprop import Input
    >>> (Input(12, 3) >> MaxPool1D(2)).system().output.shape
    (6, 3)

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a size, stride or padding above 10,000.
    """

    axes = 1


class MaxPool2D(MaxPool):
    """The largest element of each window of an image, for each channel; beyond the ends stands −∞.

    The derivative goes to the first of several that are the largest, row by row.

    >>> from symprop import Input
    >>> (Input(28, 28, 3) >> MaxPool2D(3, stride=2, padding=1)).system().output.shape
    (14, 14, 3)

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a size, stride or padding above 10,000.
    """


class AveragePool1D(AveragePool):
    """The mean of each window of a sequence, for each channel; what is padded counts as 0.

    >>> from symprop import Input
    >>> (Input(12, 3) >> AveragePool1D(3, stride=1)).system().output.shape
    (10, 3)

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a size, stride or padding above 10,000.
    """

    axes = 1


class AveragePool2D(AveragePool):
    """The mean of each window of an image, for each channel; what is padded counts as 0.

    >>> from symprop import Input
    >>> (Input(28, 28, 3) >> AveragePool2D((2, 4))).system().output.shape
    (14, 7, 3)

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a size, stride or padding above 10,000.
    """


def _has_places(layer: Layer, shape: tuple[Expr, ...]) -> None:
    if len(shape) < 2:
        raise SpecError(
            f"{layer.text} reads an input of shape ({valued(shape[0])},), which has no places\n"
            "allowed: a sequence, Input(T, n), or an image, Input(28, 28, 1)"
        )


class GlobalAveragePool(Layer):
    """The mean over all places of a sequence or pixels of an image, for each channel.

    >>> from symprop import Input
    >>> (Input(7, 7, 3) >> GlobalAveragePool()).system().output.shape
    (3,)

    Raises:
        SpecError: an input that is one vector.
    """

    @property
    def caption(self) -> str:
        return "global average pool"

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        _has_places(self, shape)
        return ()

    def build(self, builder: Builder, value: Variable) -> Variable:
        return builder.equation("s", builder.next_number("pool"), mean_over_places(value), "mean over all places")


@dataclass(frozen=True)
class Flatten(Layer):
    """All elements as one vector, in row-major order; a vector stays as it is.

    With `places` the pixels of an image become the places of a sequence, (H, W, C) becomes (H * W, C).

    >>> from symprop import Input
    >>> (Input(7, 7, 3) >> Flatten()).system().output.shape
    (147,)
    >>> (Input(7, 7, 3) >> Flatten(places=True)).system().output.shape
    (49, 3)

    Raises:
        SpecError: `places` is no truth value, or of one vector, which has none.
    """

    places: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checked_flag(self.places, "Flatten: places")

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        if self.places:
            _has_places(self, shape)
        return ()

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        *places, width = shapes[0]
        return (prod(places), width) if self.places else (prod(shapes[0]),)

    def build(self, builder: Builder, value: Variable) -> Variable:
        shape = self.makes(tuple(value.shape))
        if len(shape) == value.rank:
            return value
        told = "as a sequence" if self.places else "as one vector"
        return builder.equation("h", builder.next_number("hidden"), Reshape(value, shape), told)
