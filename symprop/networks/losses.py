"""Losses of one example, as equations: what they have in common.

The mean over a batch is made by `symprop.algebra.batching`. The losses stand in `regression`, `classification`,
`margins` and `own_losses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from sympy import Expr, Integer, Symbol, prod

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import BatchMean, Expand, Fact, Multiply, Node, Power, Reshape, Scalar, Sum, Variable
from symprop.algebra.roles import LOSS, TARGET
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import added, factors_of, multiplied, numbers_apart, terms_of
from symprop.errors import LimitError, SpecError, shown
from symprop.networks.activations import Sigmoid, Softmax
from symprop.networks.builder import Builder
from symprop.networks.layers import Dense, Input, Layer, checked_input
from symprop.networks.likelihoods import Likelihood
from symprop.networks.needs import Need
from symprop.networks.penalties import Penalty
from symprop.networks.pooling import Flatten

MOST_PENALTIES = 64


@dataclass(frozen=True)
class LossLayer(Layer):
    """Abstract base of losses: `value` gives the loss of one example as a scalar node."""

    is_loss: ClassVar[bool] = True

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        """What is known of the targets."""
        return ()

    def target(self, output: Variable) -> Variable:
        """Return the target `y`, by default in the shape of the output."""
        return Variable("y", (), output.shape, (*self.facts(output), *output.as_written))

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return the loss of one example; equations that it needs may be appended."""
        raise NotImplementedError

    def penalties_of(self, builder: Builder) -> list[Node]:
        """Return what is added to the loss whatever the example."""
        return []

    def takes_logits(self, builder: Builder) -> None:
        """Note a doubt where what comes in was made by a Softmax or a Sigmoid, so that it is probabilities."""
        layers = [each.layer for each in builder.books.built if not isinstance(each.layer, Flatten)]
        before = layers[-1] if isinstance(builder.books.previous, Flatten) and layers else builder.books.previous
        if isinstance(before, (Softmax, Sigmoid)):
            loss, made = type(self).__name__, type(before).__name__
            what = f"{loss} after {made}: the loss takes logits and makes probabilities of them itself"
            builder.books.doubts.append(what)

    def sees_pixels(self, builder: Builder, value: Variable) -> None:
        """Note a doubt where a Dense ends a convolutional network at each pixel of an image, not once for the image."""
        windows = any(each.layer.reads_windows for each in builder.books.built)
        if windows and value.rank > 2 and isinstance(builder.books.previous, Dense):
            what = f"{builder.books.previous.text} works at each pixel of an image, and the loss is over all of them"
            shape = f"its output has the shape {shape_text(value.shape)}"
            builder.books.doubts.append(f"{what}: {shape}; Flatten() or GlobalAveragePool() before it makes one vector")

    def build(self, builder: Builder, value: Variable) -> Variable:
        self.sees_pixels(builder, value)
        given = self.target(value)
        target = builder.variable("y", (), given.shape, TARGET, given.facts)
        builder.books.targets.append(target)
        builder.books.output = value
        terms = [*terms_of(self.value(builder, value, target)), *self.penalties_of(builder)]
        builder.books.loss = builder.equation("L", None, added(terms), "loss", LOSS)
        return builder.books.loss

    def __add__(self, other: Any) -> LossLayer:
        return penalised(self, other)


@dataclass(frozen=True)
class Penalised(LossLayer):
    """A loss with penalties."""

    loss: LossLayer
    penalties: tuple[Penalty, ...]

    @property
    def text(self) -> str:
        return " + ".join([self.loss.text, *(penalty.text for penalty in self.penalties)])

    @property
    def caption(self) -> str:
        return self.loss.caption

    def likelihood(self, output: Variable, counted: Variable | None) -> Likelihood:
        return self.loss.likelihood(output, counted)

    def target(self, output: Variable) -> Variable:
        return self.loss.target(output)

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        return self.loss.needs(shape)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return self.loss.value(builder, output, target)

    def penalties_of(self, builder: Builder) -> list[Node]:
        return [penalty.value(builder) for penalty in self.penalties]


def penalised(loss: LossLayer, penalty: Any) -> Penalised:
    """Return `loss + penalty`."""
    if not isinstance(penalty, Penalty):
        raise SpecError(f"only a penalty such as L2(0.001) can be added to a loss, not {shown(penalty)}")
    inner, there = (loss.loss, loss.penalties) if isinstance(loss, Penalised) else (loss, ())
    if len(there) == MOST_PENALTIES:
        raise LimitError(f"a loss of more than {MOST_PENALTIES} penalties")
    return Penalised(inner, (*there, penalty))


@dataclass(frozen=True)
class RowLoss(LossLayer):
    """Abstract base of losses along the last axis: of a sequence or an image, the mean over its positions, or the sum.

    `total` gives the sum over all positions of one example; `positions` is "mean" or "sum". A `mask`, an `Input` with a
    number from 0 to 1 for each position, says how much each counts: the mean is then over what counts in the batch.
    """

    _: KW_ONLY
    positions: str = "mean"
    mask: Input | None = None

    def __post_init__(self) -> None:
        if self.mask is not None:
            checked_input(self.mask, f"{type(self).__name__}: mask")
        if self.positions not in ("mean", "sum"):
            name = type(self).__name__
            raise SpecError(f'{name}: positions is "mean" or "sum", not {shown(self.positions)}')

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return the loss of one example, summed over positions and outputs."""
        raise NotImplementedError

    @property
    def distribution(self) -> str:
        """The distribution of the targets of a position of which the loss is the negative logarithm, or ""."""
        return ""

    def likelihood(self, output: Variable, counted: Variable | None) -> Likelihood:
        divided = self._divisor(output) if counted is None else Symbol(counted.name) / BATCH_SIZE
        return Likelihood(self.distribution, 1 / divided, self.mask is not None)

    def _divisor(self, output: Variable) -> Expr:
        """Return by what the sum over positions is divided, where that is no sum over a mask."""
        return Integer(1) if self.positions == "sum" else Integer(1) * prod(output.shape[:-1])

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        if self.mask is not None:
            mask = self.counted_positions(self.mask, builder, output)
            divided = self.divided(builder, mask)
            return weighed(self.total(builder, output, target), mask, divided)
        return over(self.total(builder, output, target), self._divisor(output))

    def counted_positions(self, given: Input, builder: Builder, output: Variable) -> Node:
        """Enter the mask and return it, in the shape of the positions.

        Raises:
            SpecError: it has another shape.
        """
        mask, positions = builder.further_input(given), output.shape[:-1]
        if mask.shape not in ((positions or (1,)), (*positions, 1)):
            needed = shape_text(positions or (1,))
            raise SpecError(
                f"{type(self).__name__}: the mask {shown(mask.name)} has shape {shape_text(mask.shape)}, "
                f"the output {shape_text(output.shape)}\nallowed: a mask of shape {needed}, a number for each position"
            )
        return mask if mask.shape == positions else Reshape(mask, positions)

    def divided(self, builder: Builder, counted: Node) -> list[Node]:
        """Return the factors that divide a sum by all that counts in the batch; none where `positions` is "sum"."""
        if self.positions == "sum":
            return []
        whole = Multiply(Scalar(BATCH_SIZE), BatchMean(Sum(counted) if counted.rank else counted))
        builder.books.counted = builder.equation("Omega", None, whole, "all that counts")
        return [Scalar(BATCH_SIZE), Power(builder.books.counted, -1)]


def for_each_output(counted: Node) -> Node:
    """Return a number for each position beside the outputs of the position."""
    return Expand(counted, counted.rank) if counted.rank else counted


def weighed(total: Node, counted: Node, divided: Sequence[Node]) -> Node:
    """Return a sum over positions and outputs with each position as often as it counts, in each of its terms."""
    found = []
    for term in terms_of(total):
        factors = factors_of(term)
        sums = [factors_of(each.operands[0]) for each in factors if isinstance(each, Sum)]
        summed = [Sum(multiplied([for_each_output(counted), *inner])) for inner in sums]
        found.append(multiplied([*divided, *(each for each in factors if not isinstance(each, Sum)), *summed]))
    return added(found)


def over(total: Node, count: Expr) -> Node:
    """Return a sum divided by a number of things, which enters the number in front of each of its terms."""
    if count == 1:
        return total
    parts = [numbers_apart(factors_of(term)) for term in terms_of(total)]
    return added([Multiply(Scalar(number / count), *rest) for number, rest in parts])
