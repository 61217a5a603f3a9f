"""Layers of `tests/random_networks.py` that read windows of a sequence or an image: convolutions, pools and the like.

Each function returns the text of a layer that fits what stands before it, whose shape for one example is `shape`. With
`keep` the layer keeps the number of places, so that it may stand in a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

NAMED = (5, 11)
"""Widths that are typed as names: no number is known to divide them."""


Tie: TypeAlias = tuple[tuple[int, ...], str, str]
"""The sizes of an earlier kernel, the channels that it makes, and its name."""


class Windows:
    """A choice of layers for images of at most `most` pixels; `written` says how a width is typed."""

    def __init__(self, random: np.random.Generator, written: Callable[[int], str], named: bool, most: int = 64) -> None:
        self.random, self.written, self.most = random, written, most
        self.named = named  # whether the lengths are, so that "same" at a stride says nothing

    def chance(self, share: float) -> bool:
        """Return whether something that happens so often happens now."""
        return bool(self.random.random() < share)

    def one(self, choices: Sequence[Any]) -> Any:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    def layer(self, shape: tuple[int, ...], keep: bool, channels: Sequence[str], ties: Sequence[Tie]) -> str:
        """Return a layer.

        `channels` are those that a convolution may make, as they are typed; `ties` are the earlier kernels that may
        stand in place of one of its own.
        """
        axes = len(shape) - 1
        kinds = ["convolution"] * 4 + ["pool"] * 2
        if axes == 2 and np.prod(shape[:-1]) <= self.most:
            kinds += ["pair", "transposed", "repeated"]
        if not keep:
            kinds += ["halves", "branches", "flat", "average"]
        kind = self.one(kinds)
        if kind == "pool":
            return self.pool(shape, keep)
        if kind == "halves" and min(shape[:-1]) >= 4:
            return f"{self.one(['Max', 'Average'])}Pool{axes}D(2)"
        if kind == "branches" and min(shape[:-1]) >= 4 and shape[-1] not in NAMED:
            return self.branches(shape)
        if kind == "flat":
            return "Flatten()"
        if kind == "average":
            return "GlobalAveragePool()"
        if kind == "repeated":
            size = self.one([2, 2, (1, 2), (2, 1)])
            back = size if isinstance(size, int) else f"({size[0]}, {size[1]})"
            after = f" >> {self.one(['Max', 'Average'])}Pool2D({back})" if keep else ""
            return f"UpSample2D({back}){after}"
        if kind == "transposed":
            return self.transposed(shape, keep, channels, ties)
        if kind == "pair" and not self.named and all(length % 2 == 0 for length in shape[:-1]):
            narrow = f"Conv2D({self.one(channels)}, 3, stride=2, padding=1)"
            return f"{narrow} >> ConvTranspose2D({self.one(channels)}, 3, stride=2, padding=1, output_padding=1)"
        return self.convolution(shape, keep, channels, ties)

    def branches(self, shape: tuple[int, ...]) -> str:
        """Return branches that make fewer places alike, as a block of a ResNet or of an Inception network does."""
        axes = len(shape) - 1
        if self.chance(0.5):
            block = f"Conv{axes}D(3, 3, stride=2, padding=1) >> {self.one(['ReLU()', 'Tanh()'])}"
            return f"Sum({block}, Conv{axes}D(3, 1, stride=2))"
        rows = [
            f"MaxPool{axes}D(3, 2, 1)",
            f"AveragePool{axes}D(1, stride=2)",
            f"Conv{axes}D(3, 3, stride=2, padding=1)",
        ]
        rows += [f'Conv{axes}D(3, 2, stride=2, padding="same")'] * (2 * shape[-1] + 3 in NAMED and not self.named)
        return f"Concatenate({', '.join(rows)})"

    def pool(self, shape: tuple[int, ...], keep: bool) -> str:
        """Return a pool: of any size, stride and padding below the size, or one that keeps the places."""
        axes = len(shape) - 1
        name = f"{self.one(['Max', 'Average'])}Pool{axes}D"
        if keep:
            size = self.one([1, 2, 3])
            odd = f"{name}({size}, 1, {(size - 1) // 2})" if size % 2 else ""
            return str(self.one([f'{name}({size}, stride=1, padding="same")', odd or f'{name}(3, 1, "same")']))
        sizes, strides, ends = [], [], []
        for length in shape[:-1]:
            size = self.one([one for one in (1, 2, 3) if one <= length])
            sizes.append(size)
            strides.append(self.one([1, 2, 2, 3]))
            ends.append((int(self.random.integers(size)), int(self.random.integers(size))))
        text = f"{name}({typed(sizes)}"
        if self.chance(0.7):
            text += f", stride={typed(strides)}"
        if self.chance(0.15) and not self.named:
            return text + ', padding="same")'
        return text + (f", padding={typed_ends(ends)})" if self.chance(0.5) else ")")

    def convolution(self, shape: tuple[int, ...], keep: bool, channels: Sequence[str], ties: Sequence[Tie]) -> str:
        """Return a convolution with any of its options."""
        axes = len(shape) - 1
        kernel, dilation, stride, ends = [], [], [], []
        earlier = [sizes for sizes, *_ in ties if len(sizes) == axes]
        known = self.one(earlier) if earlier and self.chance(0.5) else ()
        for number, length in enumerate(shape[:-1]):
            size = known[number] if known else self.one([1, 2, 3, 3, 3, 4])
            apart = self.one([1, 1, 1, 2, 3])
            before, after = (int(end) for end in self.random.integers(0, 3, 2))
            while not keep and apart * (size - 1) + 1 > length + before + after:
                size, apart = size - 1, 1
            kernel.append(size)
            dilation.append(apart)
            stride.append(1 if keep else self.one([1, 1, 1, 2, 3]))
            whole = apart * (size - 1)
            cut = int(self.random.integers(whole + 1))
            ends.append((cut, whole - cut) if keep else (before, after))
        text = self.head(f"Conv{axes}D", shape, kernel, channels, ties)
        if any(step != 1 for step in stride):
            text += f", stride={typed(stride)}"
        if any(apart != 1 for apart in dilation):
            text += f", dilation={typed(dilation)}"
        words = ['"same"', *['"causal"'] * (axes == 1)]
        if self.chance(0.3) and not (self.named and max(stride) > 1):
            return f"{text}, padding={self.one(words)})"
        return text + (f", padding={typed_ends(ends)})" if any(map(any, ends)) else ")")

    def head(
        self, name: str, shape: tuple[int, ...], kernel: Sequence[int], channels: Sequence[str], ties: Sequence[Tie]
    ) -> str:
        """Return the beginning of a convolution: channels, kernel, groups, weight and bias."""
        width, made, options = shape[-1], self.one(channels), ""
        groups = [each for each in (2, 3, 4) if width not in NAMED and width % each == 0]
        found = [(made, name) for sizes, made, name in ties if sizes == tuple(kernel)]
        if found and self.chance(0.6):
            made, tied = self.one(found)
            options = f', tied="{tied}"'
        elif self.chance(0.2):
            made = self.written(width if width in NAMED else self.one([1, 1, 2]) * width)
            options = ", depthwise=True"
        elif groups and self.chance(0.4):
            parts = self.one(groups)
            made, options = parts * self.one([1, 2]), f", groups={parts}"
            made = made * 2 if made in NAMED else made
        if "tied" not in options and self.chance(0.1):
            options += ', initialiser="he_uniform"'
        return f"{name}({made}, {typed(kernel)}{options}{', bias=False' if self.chance(0.2) else ''}"

    def transposed(self, shape: tuple[int, ...], keep: bool, channels: Sequence[str], ties: Sequence[Tie]) -> str:
        """Return a transposed convolution with any of its options."""
        if keep:
            size = self.one([1, 3])
            cut = f", padding={size // 2})" if size > 1 else ")"
            return self.head("ConvTranspose2D", shape, [size, size], channels, ties) + cut
        kernel, stride, dilation, ends, added = [], [], [], [], []
        for length in shape[:-1]:
            size, step, apart = self.one([1, 2, 3]), self.one([1, 2, 2, 3]), self.one([1, 1, 2])
            more = int(self.random.integers(step))
            whole = (length - 1) * step + apart * (size - 1) + 1 + more
            before = int(self.random.integers(min(3, whole)))
            after = int(self.random.integers(min(3, whole - before)))
            kernel.append(size)
            stride.append(step)
            dilation.append(apart)
            ends.append((before, after))
            added.append(more)
        text = self.head("ConvTranspose2D", shape, kernel, channels, ties) + f", stride={typed(stride)}"
        text += f", dilation={typed(dilation)}" if any(apart != 1 for apart in dilation) else ""
        text += f", padding={typed_ends(ends)}" if any(map(any, ends)) else ""
        return text + (f", output_padding={typed(added)})" if any(added) else ")")


def typed(numbers: Sequence[int]) -> str:
    """Return a number for each axis as it is typed: one where all are the same."""
    if len(set(numbers)) == 1:
        return str(numbers[0])
    return f"({', '.join(map(str, numbers))})"


def typed_ends(ends: Sequence[tuple[int, int]]) -> str:
    """Return what is added before and after each axis, as it is typed."""
    if len(ends) == 1:
        return typed(ends[0])
    each = [typed(pair) for pair in ends]
    return each[0] if len(set(each)) == 1 and each[0].isdecimal() else f"({', '.join(each)})"
