"""Convolutions: a kernel is moved over a sequence or an image, and meets a window of it at each place.

All are composed of `Pad`, `Window` and a matrix product, or, transposed, of a product and `Fold`; their derivatives
come out of the rules for these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Expr, Integer, ceiling, prod

from symprop.algebra.nodes import Fill, Fold, MatMul, Node, Reshape, Slice, Transpose, Variable
from symprop.algebra.roles import PRE_ACTIVATION
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.initialisers import checked_initialiser
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, sized, valued
from symprop.networks.patches import convolved, of_groups, together
from symprop.networks.selections import selection
from symprop.networks.sizes import Size, checked_flag, checked_size
from symprop.networks.ties import checked_tie, tied_weight
from symprop.networks.windows import CAUSAL, SAME, Lie, alike, checked_numbers, lie_texts, lies, spatial, windows

CONVOLUTION = "convolution"


@dataclass(frozen=True)
class Convolution(Layer):
    """Abstract base of convolutions: `axes` axes of places, then the channels."""

    reads_windows: ClassVar[bool] = True
    axes: ClassVar[int] = 2
    paddings: ClassVar[tuple[str, ...]] = (SAME,)
    family: ClassVar[str] = CONVOLUTION
    called: ClassVar[str] = "conv"
    step: ClassVar[str] = "/"
    """What stands before a stride in a drawing."""

    channels: Size
    kernel: Any
    stride: Any = dataclasses.field(default=1, kw_only=True)
    padding: Any = dataclasses.field(default=0, kw_only=True)
    dilation: Any = dataclasses.field(default=1, kw_only=True)
    groups: Any = dataclasses.field(default=1, kw_only=True)
    depthwise: bool = dataclasses.field(default=False, kw_only=True)
    bias: bool = dataclasses.field(default=True, kw_only=True)
    initialiser: str | None = dataclasses.field(default=None, kw_only=True)
    tied: str | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "channels", checked_size(self.channels, name))
        self.lies  # noqa: B018 (checks the arguments)
        checked_numbers(self.groups, f"{name}: groups", 1)
        checked_flag(self.depthwise, f"{name}: depthwise")
        if self.depthwise and self.groups != 1:
            raise SpecError(f"{name}: depthwise=True is a group for each channel\nallowed: groups=... without it")
        checked_flag(self.bias, f"{name}: bias")
        checked_initialiser(self.initialiser, name)
        checked_tie(self.tied, self.initialiser, name)

    @property
    def lies(self) -> tuple[Lie, ...]:
        """How the windows lie along each axis."""
        name = type(self).__name__
        return lies(name, self.axes, self.kernel, self.stride, self.padding, self.dilation, self.paddings)

    @property
    def caption(self) -> str:
        kernel, stride, dilation = lie_texts(self.lies)
        kind = "depthwise " * self.depthwise + "causal " * (self.padding == CAUSAL) + self.called
        parts = [f"{kernel} {kind}" if self.axes > 1 else f"{kind} {kernel}", str(self.channels)]
        parts += [f"{self.step}{stride}"] * (stride != "1") + [f"dilation {dilation}"] * (dilation != "1")
        return ", ".join(parts + [f"{self.groups} groups"] * (self.groups > 1))

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        for length, lie in zip(spatial(shape, self.axes, self.text), self.lies, strict=True):
            yield from lie.need(length, self.text)
        yield from self._needs_of_groups(shape)

    def _needs_of_groups(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        for size in (shape[-1], sized(self.channels)) if self.groups > 1 else ():
            told = f"{self.text}: {valued(size)} channels are no multiple of {self.groups} groups"
            allowed = f"multiples of {self.groups}, of the input's channels and of its own"
            yield Need(size, least=self.groups, multiple=self.groups, otherwise=f"{told}\nallowed: {allowed}")
        if self.depthwise and sized(self.channels) != shape[-1]:
            yield Need(shape[-1], stays=True)
            yield Need(sized(self.channels), stays=True)

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        (shape,) = shapes
        outputs = (lie.output(length) for length, lie in zip(shape, self.lies, strict=False))
        return (*outputs, sized(self.channels))

    def build(self, builder: Builder, value: Variable) -> Variable:
        channels, count = builder.size(self.channels), prod(lie.kernel for lie in self.lies)
        groups = self._groups(value.shape[-1], channels)
        number, W = self._weight(builder, value, channels, groups)
        product = convolved(windows(builder, value, self.lies), W)
        return self._shifted(builder, product, number, (count * value.shape[-1] / groups, count * channels))

    def _groups(self, width: Expr, channels: Expr) -> Expr:
        groups = width if self.depthwise else Integer(self.groups)
        for size in (width, channels):
            if not (size / groups).is_integer:
                such = f", such as {f'{groups}*n' if groups.is_Integer else 2 * groups}"
                raise SpecError(
                    f"{self.text}: {size} channels are no multiple of {groups} groups\n"
                    f"allowed: multiples of {groups}{such}"
                )
        return groups

    def _weight(self, builder: Builder, value: Variable, channels: Expr, groups: Expr) -> tuple[Expr, Node]:
        number, count = builder.next_number(), prod(lie.kernel for lie in self.lies)
        width = value.shape[-1] / groups
        shape = (channels, *(lie.kernel for lie in self.lies), width)
        if self.tied is not None:
            return number, tied_weight(builder, self.tied, number, shape, type(self).__name__)
        fans = (count * width, count * channels)
        return number, builder.parameter("W", number, shape, "weight", self.initialiser, fans)

    def _shifted(self, builder: Builder, product: Node, number: Expr, fans: tuple[Expr, Expr]) -> Variable:
        if self.bias:
            waiting = builder.books.waiting
            product = product + builder.parameter("b", number, product.shape[-1:], "bias", "zeros", fans)
            builder.books.waiting = waiting
        return builder.equation("z", number, product, "pre-activation", PRE_ACTIVATION)


class Conv1D(Convolution):
    """A convolution along a sequence: at each place a product of the kernel with what stands around it.

    `padding` is a number, a pair (before, after), "same" or "causal"; `depthwise` has a kernel for each channel.

    >>> from symprop import Input
    >>> [str(each.variable.shape) for each in (Input(12, 3) >> Conv1D(4, 5, padding="same")).parameters]
    ['(4, 5, 3)', '(4,)']

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a kernel, stride, padding or dilation above 10,000.
    """

    axes = 1
    paddings = (SAME, CAUSAL)


class Conv2D(Convolution):
    """A convolution over an image, channels last: at each pixel a product of the kernel with what stands around it.

    `kernel`, `stride` and `dilation` are a number or a pair (rows, columns); `padding` is a number, a pair, each of
    them a number or a pair (before, after), or "same"; `depthwise` has a kernel for each channel.

    >>> from symprop import Input
    >>> (Input(28, 28, 1) >> Conv2D(16, 3, stride=2, padding=1)).system().output.shape
    (14, 14, 16)

    Raises:
        SpecError: an argument that is none of what is allowed, or an input in which no window fits.
        LimitError: a kernel, stride, padding or dilation above 10,000.
    """


@dataclass(frozen=True)
class ConvTranspose2D(Convolution):
    """The transpose of a convolution over an image: each pixel adds its product with the kernel to a window.

    `stride` lies between the windows of the output, of which `padding` is cut off at each end; `output_padding` is
    added at the far ends, less than the stride.

    >>> from symprop import Input
    >>> (Input(14, 14, 8) >> ConvTranspose2D(4, 2, stride=2)).system().output.shape
    (28, 28, 4)

    Raises:
        SpecError: an argument that is none of what is allowed, or a padding that leaves nothing.
        LimitError: a kernel, stride, padding or dilation above 10,000.
    """

    paddings: ClassVar[tuple[str, ...]] = ()
    called: ClassVar[str] = "transposed conv"
    step: ClassVar[str] = "×"

    output_padding: Any = dataclasses.field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        extra = checked_numbers(self.output_padding, "ConvTranspose2D: output_padding", 2, 0)
        for more, lie in zip(extra, self.lies, strict=True):
            if more >= lie.stride:
                raise SpecError(
                    f"{self.text}: output_padding is {more} at stride {lie.stride}\n"
                    f"allowed: a whole number from 0 to {lie.stride - 1}, less than the stride"
                )

    def _lengths(self, shape: tuple[Expr, ...]) -> list[tuple[Expr, Expr, Expr]]:
        """For each axis: the length of all windows together, and the ends of what stays of it."""
        extra = checked_numbers(self.output_padding, "ConvTranspose2D: output_padding", 2, 0)
        found = []
        for length, lie, more in zip(spatial(shape, 2, self.text), self.lies, extra, strict=True):
            before, after = lie.widths(length)
            whole = (length - 1) * lie.stride + lie.span + more
            found.append((whole, before, whole - after))
        return found

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        of_one = self._lengths((Integer(1), Integer(1), shape[-1]))
        for length, lie, ends, (whole, start, stop) in zip(
            shape, self.lies, self._lengths(shape), of_one, strict=False
        ):
            least = 1 + max(0, ceiling((1 - stop + start) / Integer(lie.stride)))
            cut = f"2·{start}" if start == whole - stop else f"({start} + {whole - stop})"
            left = str(valued(ends[2] - ends[1])).replace("-", "−")
            told = (
                f"{self.text}: the padding leaves nothing of an axis of length {valued(length)}: "
                f"({valued(length)} − 1)·{lie.stride} + {whole} − {cut} = {left}\n"
                f"allowed: a length of {least} or more, a larger kernel or stride, or less padding"
            )
            yield Need(length, least=int(least), otherwise=told)
        yield from self._needs_of_groups(shape)

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (*(stop - start for _, start, stop in self._lengths(shapes[0])), sized(self.channels))

    def build(self, builder: Builder, value: Variable) -> Variable:
        channels, kernel = builder.size(self.channels), tuple(Integer(lie.kernel) for lie in self.lies)
        groups = self._groups(value.shape[-1], channels)
        number, W = self._weight(builder, value, channels, groups)
        width, places = W.shape[-1], value.shape[:-1]
        if groups == 1:
            product: Node = MatMul(value, Reshape(W, (channels * prod(kernel), width)).T)
        else:
            parted = Reshape(value, (prod(places), groups, width))
            flat = of_groups(Reshape(W, (channels * prod(kernel), width)), groups)
            product = together(Transpose(parted, (1, 0, 2)) @ flat, places)
        lengths = self._lengths(value.shape)
        strides, dilations = [lie.stride for lie in self.lies], [lie.dilation for lie in self.lies]
        spread = Reshape(product, (*places, channels, *kernel))
        name = selection(builder, [stop - start for _, start, stop in lengths], [start for _, start, _ in lengths])
        folded: Node = Fold(spread, (0, 1), kernel, strides, dilations, [whole for whole, _, _ in lengths], name)
        for axis, (whole, start, stop) in enumerate(lengths):
            if (start, stop) != (0, whole):
                folded = Slice(folded, axis, start, stop)
        return self._shifted(builder, folded, number, (width, channels * prod(kernel)))


@dataclass(frozen=True)
class UpSample2D(Layer):
    """An image whose pixels are each repeated in a block of `size` pixels: the nearest neighbour.

    >>> from symprop import Input
    >>> (Input(7, 7, 3) >> UpSample2D(2)).system().output.shape
    (14, 14, 3)

    Raises:
        SpecError: a size that is no whole number from 1 and no pair of them, or an input that is no image.
        LimitError: a size above 10,000.
    """

    reads_windows: ClassVar[bool] = True

    size: Any

    def __post_init__(self) -> None:
        checked_numbers(self.size, "UpSample2D: size", 2)

    @property
    def caption(self) -> str:
        sizes = checked_numbers(self.size, "UpSample2D: size", 2)
        return f"upsample ×{alike(sizes)}"

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        spatial(shape, 2, self.text)
        return ()

    def makes(self, *shapes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        sizes = checked_numbers(self.size, "UpSample2D: size", 2)
        return tuple(length * size for length, size in zip(shapes[0], sizes, strict=False))

    def build(self, builder: Builder, value: Variable) -> Variable:
        sizes = checked_numbers(self.size, "UpSample2D: size", 2)
        repeated = Reshape(value, (*value.shape, 1, 1)) * Fill(1, sizes)
        lengths = [length * size for length, size in zip(value.shape, sizes, strict=False)]
        upsampled = Fold(repeated, (0, 1), sizes, sizes, 1, lengths, selection(builder, lengths, (0, 0)))
        return builder.equation("s", builder.next_number("pool"), upsampled, "upsampled")
