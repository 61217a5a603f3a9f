"""Where the windows of convolutions and pools lie: kernel, stride, padding and dilation along each axis.

Sizes follow Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Max, ceiling, floor

from symprop.algebra.nodes import Node, Pad, Window
from symprop.algebra.sizes import as_expression
from symprop.algebra.window_sizes import WindowSizes
from symprop.errors import LimitError, SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.needs import Need, valued
from symprop.networks.selections import selection
from symprop.networks.sizes import number_text

LARGEST_KERNEL = 10_000
SAME, CAUSAL = "same", "causal"


@dataclass(frozen=True)
class Lie:
    """How windows lie along one axis: `kernel` elements `dilation` apart, `stride` from one window to the next.

    `padding` is a pair, before and after, or "same" or "causal".

    >>> Lie(3, 2, 1, (1, 1)).output(Integer(28)), Lie(3, 2, 1, (0, 0)).sizes(Integer(28)).unread
    (14, 1)
    """

    kernel: int
    stride: int
    dilation: int
    padding: tuple[int, int] | str

    @property
    def span(self) -> int:
        """From the first element of a window to the last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    def widths(self, length: Expr) -> tuple[Expr, Expr]:
        """Return how many elements stand before and after an axis of this length.

        "same" makes ⌈length / stride⌉ windows, of what is added the larger half after, as TensorFlow has it; "causal"
        puts all of it before.
        """
        if self.padding == CAUSAL:
            return Integer(self.span - 1), Integer(0)
        if isinstance(self.padding, tuple):
            return Integer(self.padding[0]), Integer(self.padding[1])
        count = ceiling(length / Integer(self.stride))
        total = Max(0, (count - 1) * self.stride + self.span - length)
        return floor(total / Integer(2)), total - floor(total / Integer(2))

    def sizes(self, length: Expr) -> WindowSizes:
        """Return how many windows fit into an axis of this length, and what they leave unread."""
        return WindowSizes(length, Integer(self.kernel), self.stride, *self.widths(length), self.dilation)

    def output(self, length: Expr) -> Expr:
        """Return the number of windows."""
        return ceiling(length / Integer(self.stride)) if self.padding == SAME else self.sizes(length).count

    def need(self, length: Expr, what: str) -> Iterator[Need]:
        """Yield the need that one window at least fits into an axis; `what` names the layer in the message."""
        if isinstance(self.padding, tuple):
            least = max(1, self.span - sum(self.padding))
            told = (
                f"{what}: no window fits into an axis of length {valued(length)}: "
                f"{self.sizes(valued(length)).fitting.text}\n"
                f"allowed: a length of {least} or more, a smaller kernel, or more padding"
            )
            yield Need(length, least=least, otherwise=told)
        if self.padding == SAME and self.stride > 1 and not self.widths(valued(length))[0].is_Integer:
            raise SpecError(
                f'{what}: padding="same" at stride {self.stride} depends on the length {length}\n'
                f"allowed: a number for it, a multiple of the stride such as {self.stride}*h, or the padding as numbers"
            )


def alike(numbers: Sequence[int]) -> str:
    """Return a number for each axis as papers write them, once where they are the same: "2", "1 × 2"."""
    return " × ".join(map(str, numbers if len(set(numbers)) > 1 else numbers[:1]))


def lie_texts(axes: Sequence[Lie]) -> tuple[str, str, str]:
    """Return the kernel, the stride and the dilation as papers write them: "3 × 3", "2", "1"."""
    kernel = " × ".join(str(lie.kernel) for lie in axes)
    return kernel, alike([lie.stride for lie in axes]), alike([lie.dilation for lie in axes])


def windows(builder: Builder, value: Node, axes: Iterable[Lie], outside: Any = 0) -> Node:
    """Return the windows along the leading axes of a sequence or image, `outside` standing beyond its ends."""
    lies = tuple(axes)
    places = tuple(range(len(lies)))
    widths = [lie.widths(value.shape[place]) for place, lie in zip(places, lies, strict=True)]
    padded = [place for place in places if any(width != 0 for width in widths[place])]
    inside = Pad(value, padded, [widths[place] for place in padded], outside) if padded else value
    return Window(
        inside,
        places,
        [lie.kernel for lie in lies],
        [lie.stride for lie in lies],
        [lie.dilation for lie in lies],
        selection(builder, value.shape[: len(lies)], [before for before, _ in widths]),
    )


def checked_numbers(value: Any, what: str, axes: int, least: int = 1) -> tuple[int, ...]:
    """Return a number for each axis: `value` is one for all, or a tuple of one for each.

    Raises:
        SpecError: not whole numbers from `least`, or not as many as there are axes.
        LimitError: one above 10,000.
    """
    each = value if isinstance(value, tuple) else (value,) * axes
    allowed = f"a whole number from {least}" + (", or a pair of them, (rows, columns)" if axes > 1 else "")
    try:
        whole = tuple(map(operator.index, each))
    except TypeError:
        raise SpecError(f"{what} is {allowed}, not {shown(value)}") from None
    if (largest := max(whole, key=abs, default=0)) and abs(largest) > LARGEST_KERNEL:
        raise LimitError(f"{what} is at most {LARGEST_KERNEL:,}, not {number_text(largest)}")
    if len(whole) != axes or any(isinstance(number, bool) or number < least for number in each):
        raise SpecError(f"{what} is {allowed}, not {shown(value)}")
    return whole


def checked_padding(value: Any, what: str, axes: int, words: Sequence[str]) -> tuple[tuple[int, int] | str, ...]:
    """Return the padding of each axis: a pair, before and after, or one of `words`.

    Raises:
        SpecError: anything else.
        LimitError: a width above 10,000.
    """
    if isinstance(value, str):
        if value not in words:
            meant = "; what others call valid is padding=0" if value.lower() == "valid" else ""
            raise SpecError(f"{what} is {_padding_allowed(axes, words)}, not {shown(value)}{meant}")
        return (value,) * axes
    try:
        if axes == 1:
            before, after = checked_numbers(value if isinstance(value, tuple) else (value, value), what, 2, 0)
            return ((before, after),)
        pairs = value if isinstance(value, tuple) else (value,) * axes
        if len(pairs) != axes:
            raise SpecError(what)
        return tuple(
            (pair[0], pair[1])
            for each in pairs
            for pair in [checked_numbers(each if isinstance(each, tuple) else (each, each), what, 2, 0)]
        )
    except SpecError:
        raise SpecError(f"{what} is {_padding_allowed(axes, words)}, not {shown(value)}") from None


def _padding_allowed(axes: int, words: Sequence[str]) -> str:
    pair = "a pair (before, after)" if axes == 1 else "a pair (rows, columns), each one number or a pair of them"
    named = "".join(f', "{word}"' for word in words)
    return f"a whole number from 0{named}, or {pair}"


def lies(
    what: str,
    axes: int,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    words: Sequence[str] = (SAME,),
    size: str = "kernel",
) -> tuple[Lie, ...]:
    """Return how windows lie along each axis, from the arguments of a layer, `what`, whose kernel is called `size`.

    Raises:
        SpecError: an argument that is none of what is allowed.
        LimitError: a number above 10,000.
    """
    parts = zip(
        checked_numbers(kernel, f"{what}: {size}", axes),
        checked_numbers(stride, f"{what}: stride", axes),
        checked_numbers(dilation, f"{what}: dilation", axes),
        checked_padding(padding, f"{what}: padding", axes, words),
        strict=True,
    )
    return tuple(Lie(length, step, spread, pair) for length, step, spread, pair in parts)


def spatial(shape: Sequence[Expr], axes: int, what: str) -> tuple[Expr, ...]:
    """Return the sizes of a sequence or an image without its channels.

    Raises:
        SpecError: an input of another rank.
    """
    if len(shape) != axes + 1:
        allowed = "a sequence, Input(T, n)" if axes == 1 else "an image, channels last, Input(28, 28, 1)"
        written = ", ".join(str(valued(as_expression(size))) for size in shape)
        raise SpecError(f"{what} reads an input of shape ({written}{',' * (len(shape) == 1)})\nallowed: {allowed}")
    return tuple(shape[:-1])
