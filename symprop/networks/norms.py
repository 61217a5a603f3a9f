"""Normalisation: one formula for four layers, `x_hat = (x - mean x) r` with `r = 1 / sqrt(var x + eps)`.

They differ in what the mean runs over. Variances are biased, divided by the number. All norms share one counter; the
derivative, `r * (G - mean G - x_hat * mean(G * x_hat))`, comes out of the rules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Expr, Rational, prod

from symprop.algebra.nodes import Add, BatchMean, Node, Power, Reshape, Scalar, Sum, Variable
from symprop.algebra.roles import STATISTIC
from symprop.errors import SpecError
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, valued
from symprop.networks.sizes import Size, check_number, checked_size

LARGEST_EPS = 1
EPS = 1e-5
NORM = "norm"
"""The family of norms, which count by themselves."""


@dataclass(frozen=True)
class Norm(Layer):
    """Abstract base of norms: `mean` says what is averaged, of the input as `arranged` gives it."""

    family: ClassVar[str] = NORM
    passes_on: ClassVar[bool] = True
    called: ClassVar[str]

    eps: Any = dataclasses.field(default=EPS, kw_only=True)

    def __post_init__(self) -> None:
        check_number(self.eps, f"{type(self).__name__}: eps", 0, LARGEST_EPS)
        if self.eps == 0:
            raise SpecError(f"{type(self).__name__}: eps is above 0, since a deviation may be 0")

    @property
    def caption(self) -> str:
        return self.called

    def arranged(self, builder: Builder, value: Node) -> Node:
        """Return the input in the shape in which it is normalised."""
        return value

    def mean(self, node: Node) -> Node:
        """Return the mean of a node in that shape, with axes of 1 where a matrix or more is averaged."""
        raise NotImplementedError

    def statistic(self, builder: Builder, letter: str, number: Expr, node: Node) -> Node:
        """Return the mean of a node: the mean of the input, `mu`, or of the squares about it, `nu`."""
        mean = self.mean(node)
        return builder.equation("mu", number, mean, "mean", STATISTIC) if letter == "mu" else mean

    def build(self, builder: Builder, value: Variable) -> Variable:
        number, size = builder.next_number(NORM), value.shape[-1]
        gamma = builder.parameter("gamma", number, (size,), "scale", "ones", (size, size))
        beta = builder.parameter("beta", number, (size,), "bias", "zeros", (size, size)) if self.is_centred else None
        centred = self.arranged(builder, value)
        if self.is_centred:
            centred = centred - self.statistic(builder, "mu", number, centred)
        variance = self.statistic(builder, "nu", number, Power(centred, 2)) + builder.hyperparameter("eps", self.eps)
        r = builder.equation("r", number, Power(variance, Rational(-1, 2)), "1 / deviation", STATISTIC)
        normed = builder.equation("x_hat", number, centred * r, "normalised")
        result = gamma * (normed if normed.shape == value.shape else Reshape(normed, value.shape))
        return builder.equation("u", number, result if beta is None else result + beta, "scaled and shifted")

    @property
    def is_centred(self) -> bool:
        """Whether the mean is taken off, and a shift learned in its place."""
        return True


def mean_over(node: Node, axes: Iterable[int]) -> Node:
    """Return the mean over axes, which stay as axes of 1 unless all are averaged."""
    places = sorted(axis % node.rank for axis in axes)
    count = prod(node.shape[axis] for axis in places)
    return Scalar(1 / count) * Sum(node, tuple(places), len(places) < node.rank)


def mean_over_places(node: Node) -> Node:
    """Return the mean over all axes but the last, without them."""
    return Scalar(1 / prod(node.shape[:-1])) * Sum(node, tuple(range(node.rank - 1))) if node.rank > 1 else node


class LayerNorm(Norm):
    """Each vector along the last axis less its mean, divided by its deviation; times `gamma`, plus `beta`.

    Ba, Kiros and Hinton, *Layer normalization* (2016).

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input(3) >> LayerNorm()).system().equations][1:]
    ['r1 = 1 / sqrt(sum((x - mu1)**2) / 3 + eps)', 'x_hat1 = (x - mu1) * r1', 'u1 = gamma1 * x_hat1 + beta1']

    Raises:
        SpecError: vectors of one element, which would always be 0; an eps that is no number above 0 and at most 1.
    """

    called = "LN"

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield Need(shape[-1], least=2, otherwise="LayerNorm of vectors of one element is always beta")

    def mean(self, node: Node) -> Node:
        return mean_over(node, [-1])


class RMSNorm(Norm):
    """Each vector along the last axis divided by the root of the mean of its squares; times `gamma`.

    Zhang and Sennrich, *Root mean square layer normalization* (2019).

    >>> from symprop import Input
    >>> [equation.text() for equation in (Input(3) >> RMSNorm(eps=0.01)).system().equations]
    ['r1 = 1 / sqrt(sum(x * x) / 3 + eps)', 'x_hat1 = x * r1', 'u1 = gamma1 * x_hat1']

    Raises:
        SpecError: an eps that is no number above 0 and at most 1.
    """

    called = "RMSNorm"
    is_centred = False

    def mean(self, node: Node) -> Node:
        return mean_over(node, [-1])


@dataclass(frozen=True)
class GroupNorm(Norm):
    """Channels in `groups` equal parts; each less its mean over its channels and all places, divided by its deviation.

    Wu and He, *Group normalization* (2018).

    >>> from symprop import Input
    >>> next((Input(8, 8, 6) >> GroupNorm(2)).system().equations).target.shape
    (1, 1, 2, 1)

    Raises:
        SpecError: no number of groups, or channels that they do not divide.
    """

    called: ClassVar[str] = "GN"

    groups: Size

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "groups", checked_size(self.groups, "GroupNorm"))

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        if isinstance(self.groups, int):
            least = (2 if len(shape) == 1 else 1) * self.groups
            told = f"{self.text}: {valued(shape[-1])} channels in {self.groups} groups"
            allowed = f"multiples of {self.groups}, from {least}"
            yield Need(shape[-1], least=least, multiple=self.groups, otherwise=f"{told}\nallowed: {allowed}")

    @property
    def caption(self) -> str:
        return f"{self.called}, {self.groups} groups"

    def arranged(self, builder: Builder, value: Node) -> Node:
        groups, channels = builder.size(self.groups), value.shape[-1]
        if not (channels / groups).is_integer:
            raise SpecError(
                f"{self.text}: {channels} channels are no multiple of {groups}\n"
                f"allowed: numbers, or channels such as {groups}*n"
            )
        return Reshape(value, (*value.shape[:-1], groups, channels / groups))

    def mean(self, node: Node) -> Node:
        return mean_over(node, [axis for axis in range(node.rank) if axis != node.rank - 2])


STATISTICS = {"mu": "mean over the batch", "nu": "variance over the batch"}
RUNNING = {"mu": ("R", 0), "nu": ("V", 1)}
"""What the running statistics are called, and where they start."""


@dataclass(frozen=True)
class BatchNorm(Norm):
    """Each feature less its mean over the batch and all pixels or positions, divided by its deviation.

    Evaluation uses running statistics. A step of training replaces the share `momentum` of them by the batch's.
    Ioffe and Szegedy, *Batch normalization* (2015).

    >>> from symprop import Dense, Input, MeanSquaredError
    >>> network = Input(3) >> Dense(2) >> BatchNorm() >> MeanSquaredError()
    >>> [equation.text() for equation in network.system("rows").equations][1:4]
    ['mu1 = sum(z1, axis=0) / m', 'nu1 = sum((z1 - mu1)**2, axis=0) / m', 'r1 = 1 / sqrt(nu1 + eps)']

    Raises:
        SpecError: a momentum that is no number from 0 to 1.
    """

    called: ClassVar[str] = "BN"

    momentum: Any = dataclasses.field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.momentum, "BatchNorm: momentum", 0, 1)

    def mean(self, node: Node) -> Node:
        return BatchMean(mean_over_places(node))

    def statistic(self, builder: Builder, letter: str, number: Expr, node: Node) -> Node:
        share = builder.hyperparameter("momentum", self.momentum)
        found = builder.equation(letter, number, self.mean(node), STATISTICS[letter], STATISTIC)
        name, start = RUNNING[letter]

        def update(running: Variable) -> Node:
            return Add(Scalar(1 - share) * running, Scalar(share) * found)

        builder.running(name, found, start, update)
        return found
