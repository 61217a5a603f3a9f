"""Losses of classes by their probabilities: cross-entropies, and the divergence of distributions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sympy import Expr

from symprop.algebra.functions import FUNCTIONS, exact
from symprop.algebra.nodes import (
    Compare,
    Fact,
    Node,
    Scalar,
    Sum,
    Variable,
    Where,
    negative,
)
from symprop.algebra.nodes import Softmax as SoftmaxNode
from symprop.algebra.roles import PREDICTION
from symprop.algebra.trees import factors_of, multiplied
from symprop.errors import SpecError, shown
from symprop.networks.activations import Sigmoid, Softmax
from symprop.networks.builder import Builder
from symprop.networks.class_weights import checked_weights, class_mask, class_weights
from symprop.networks.losses import RowLoss, for_each_output
from symprop.networks.needs import Need, valued
from symprop.networks.sizes import check_number


@dataclass(frozen=True)
class OfDistribution(RowLoss):
    """Abstract base of losses of a distribution `y` and `p = softmax(z)`, along the last axis."""

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("sums to 1", output.rank - 1), Fact("nonnegative"))

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        one = f"{type(self).__name__} over one class is always 0\nfor one probability use BinaryCrossEntropy()"
        yield Need(shape[-1], least=2, otherwise=one)

    def predicted(self, builder: Builder, output: Variable) -> Variable:
        """Define the prediction `p`."""
        self.takes_logits(builder)
        builder.books.prediction = builder.equation("p", None, SoftmaxNode(output), "prediction", PREDICTION)
        return builder.books.prediction


@dataclass(frozen=True)
class SoftmaxCrossEntropy(OfDistribution):
    """Cross-entropy of a distribution `y` and `p = softmax(z)`, along the last axis, `-sum(y * log(p))`.

    In a generated module `y` may also be the numbers of the classes: integers in its shape without the last axis.

    `smoothing=s` puts `(1 - s) * y + s / k` in the place of `y`, with `k` classes (Szegedy et al., *Rethinking the
    Inception architecture*, 2016). `ignore` is a class that does not count, such as padding; `weights` are those of the
    classes. With either the targets are classes, and the loss of a batch is the sum over all that counts, each times
    the weight of its class, divided by the sum of these weights; under `positions="sum"` nothing is divided by them.
    What smoothing adds for a class has the weight of that class, as in PyTorch.

    >>> from symprop import Dense, Input
    >>> network = Input(3) >> Dense(2) >> SoftmaxCrossEntropy()
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'p = softmax(z1)', 'L = -sum(y * log(p))']
    >>> smoothed = Input(3) >> Dense(2) >> SoftmaxCrossEntropy(smoothing=0.1)
    >>> [equation.text() for equation in smoothed.system().equations][1]
    'y_2 = 9 * y / 10 + 0.05'

    Raises:
        SpecError: over one class, where it would always be 0; or an option out of its range.
    """

    _: KW_ONLY
    smoothing: Any = 0
    ignore: int | None = None
    weights: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.smoothing, "SoftmaxCrossEntropy: smoothing", 0, 1)
        if self.smoothing == 1:
            raise SpecError("SoftmaxCrossEntropy: smoothing is below 1, not 1: nothing of the targets would be left")
        if self.ignore is not None and (type(self.ignore) is not int or self.ignore < 0):
            raise SpecError(
                f"SoftmaxCrossEntropy: ignore is the number of a class, from 0 on, not {shown(self.ignore)}"
            )
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights(self.weights, self.ignore))

    @property
    def of_classes(self) -> bool:
        """Whether each position counts by its class, so that it must have one."""
        return self.ignore is not None or self.weights is not None

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        known = super().facts(output)
        return (Fact("one-hot", output.rank - 1), *known) if self.of_classes else known

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        yield from super().needs(shape)
        if self.ignore is not None:
            outside = f"SoftmaxCrossEntropy: ignore={self.ignore} is no class of {valued(shape[-1])}, counted from 0"
            yield Need(shape[-1], least=self.ignore + 1, otherwise=outside)
        if self.weights is not None:
            if valued(shape[-1]) != len(self.weights):
                raise SpecError(f"SoftmaxCrossEntropy: {len(self.weights)} weights for {valued(shape[-1])} classes")
            yield Need(shape[-1], stays=True)

    @property
    def distribution(self) -> str:
        return "" if self.smoothing or self.of_classes else "a choice of one class with the probabilities p"

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return negative(Sum(self._entropy(builder, output, target)))

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        if not self.of_classes:
            return super().value(builder, output, target)
        classes, smooth = output.shape[-1], self.weights is not None and self.smoothing
        weights = class_weights(classes, self.weights, None if smooth else self.ignore)
        here = [] if self.mask is None else [self.counted_positions(self.mask, builder, output)]
        if smooth and self.ignore is not None:
            counted = target @ class_mask("chi", classes, self.ignore)
            here.append(builder.equation("xi", None, counted, "whether it counts"))
        kappa = builder.equation("kappa", None, multiplied([*here, target @ weights]), "what counts")
        divided = self.divided(builder, kappa)
        entropy = factors_of(self._entropy(builder, output, target))
        factors = [*map(for_each_output, here), weights] if smooth else [for_each_output(kappa)]
        return multiplied([*divided, negative(Sum(multiplied([*factors, *entropy])))])

    def _entropy(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return `y * log(p)`, with the targets smoothed."""
        if self.smoothing:
            share = exact(self.smoothing)
            smoothed = Scalar(1 - share) * target + Scalar(share / output.shape[-1])
            target = builder.equation("y", None, smoothed, "smoothed targets")
        return target * FUNCTIONS["log"](self.predicted(builder, output))


class KLDivergence(OfDistribution):
    """The Kullback-Leibler divergence of `p = softmax(z)` from a distribution `y`, `sum(y * log(y / p))`.

    What is 0 in `y` adds nothing: `0 * log(0)` is 0. (Kullback and Leibler, *On information and sufficiency*, 1951.)

    >>> from symprop import Dense, Input, derive
    >>> derive(Input(3) >> Dense(2) >> KLDivergence()).delta(1).text()
    'p - y'

    Raises:
        SpecError: over one class, where it would always be 0.
    """

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        log = FUNCTIONS["log"]
        entropy = Where(Compare(">", target, Scalar(0)), target * log(target), Scalar(0))
        return Sum(entropy) - Sum(target * log(self.predicted(builder, output)))


@dataclass(frozen=True)
class BinaryCrossEntropy(RowLoss):
    """Cross-entropy of each output on its own, summed over the outputs.

    What comes in are logits with `from_logits`, else probabilities; by default probabilities behind a Sigmoid only.
    The gradient `p - y` is right to about one rounding of 1: 0 where a right prediction is 1 in every digit.

    >>> BinaryCrossEntropy().text
    'BinaryCrossEntropy()'

    Raises:
        SpecError: `from_logits` is not True, False or None, or a Softmax stands before, whose outputs are one choice.
    """

    from_logits: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.from_logits not in (None, True, False) or isinstance(self.from_logits, (int, float)) != isinstance(
            self.from_logits, bool
        ):
            raise SpecError(f"BinaryCrossEntropy: from_logits is True, False or None, not {shown(self.from_logits)}")

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("between 0 and 1"),)

    @property
    def distribution(self) -> str:
        return "a Bernoulli distribution for each output"

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        log = FUNCTIONS["log"]
        if isinstance(builder.books.previous, Softmax) and not self.from_logits:
            raise SpecError(
                "BinaryCrossEntropy after Softmax: its outputs are one choice, not a yes or no for each\n"
                "allowed: SoftmaxCrossEntropy() in place of both, or Sigmoid() before BinaryCrossEntropy()"
            )
        logits = not isinstance(builder.books.previous, Sigmoid) if self.from_logits is None else self.from_logits
        if logits:
            self.takes_logits(builder)
            builder.books.prediction = builder.equation(
                "p", None, FUNCTIONS["sigmoid"](output), "prediction", PREDICTION
            )
            return Sum(FUNCTIONS["softplus"](output) - target * output)
        return negative(Sum(target * log(output) + (1 - target) * log(1 - output)))
