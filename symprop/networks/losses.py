"""Losses of one example, as equations. The mean over a batch is made by `symprop.algebra.batching`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Expr, Rational, Tuple

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact, Multiply, Node, Power, Scalar, Sum, Variable, negative
from symprop.algebra.nodes import (
    Softmax as SoftmaxNode,
)
from symprop.algebra.roles import LOSS, PREDICTION, TARGET
from symprop.algebra.trees import added
from symprop.errors import SpecError, shown
from symprop.networks.activations import Sigmoid
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer, Softmax
from symprop.networks.needs import Need
from symprop.networks.penalties import L2


@dataclass(frozen=True)
class LossLayer(Layer):
    """Abstract base of losses: `value` gives the loss of one example as a scalar node."""

    is_loss: ClassVar[bool] = True

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        """What is known of the targets."""
        return ()

    def target(self, output: Variable) -> Variable:
        """Return the target `y`, by default in the shape of the output."""
        return Variable("y", (), output.shape, self.facts(output))

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return the loss of one example; equations that it needs may be appended."""
        raise NotImplementedError

    def penalty(self, builder: Builder) -> Node | None:
        """Return what is added to the loss whatever the example, or None."""
        return None

    def build(self, builder: Builder, value: Variable) -> Variable:
        given = self.target(value)
        target = builder.variable("y", (), given.shape, TARGET).change(facts=Tuple(*given.facts))
        builder.books.targets.append(target)
        builder.books.output = value
        loss, penalty = self.value(builder, value, target), self.penalty(builder)
        builder.books.loss = builder.equation("L", None, loss if penalty is None else loss + penalty, "loss", LOSS)
        return builder.books.loss

    def __add__(self, other: Any) -> LossLayer:
        return penalised(self, other)


@dataclass(frozen=True)
class Penalised(LossLayer):
    """A loss with penalties."""

    loss: LossLayer
    penalties: tuple[L2, ...]

    @property
    def text(self) -> str:
        return " + ".join([self.loss.text, *(penalty.text for penalty in self.penalties)])

    def target(self, output: Variable) -> Variable:
        return self.loss.target(output)

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        return self.loss.needs(shape)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return self.loss.value(builder, output, target)

    def penalty(self, builder: Builder) -> Node | None:
        terms = [penalty.value(builder) for penalty in self.penalties]
        return added(terms)


def penalised(loss: LossLayer, penalty: Any) -> Penalised:
    """Return `loss + penalty`."""
    if not isinstance(penalty, L2):
        raise SpecError(f"only a penalty such as L2(0.001) can be added to a loss, not {shown(penalty)}")
    if isinstance(loss, Penalised):
        return Penalised(loss.loss, (*loss.penalties, penalty))
    return Penalised(loss, (penalty,))


class MeanSquaredError(LossLayer):
    """Half the squared norm of the error of one example, `sum((a - y)**2) / 2`; `y` has the shape of the output `a`.

    >>> from symprop import Dense, Input
    >>> network = Input(3) >> Dense(2) >> MeanSquaredError()
    >>> network.system().targets[0].shape
    (2,)
    """

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Multiply(Scalar(Rational(1, 2)), Sum(Power(output - target, 2)))


class SoftmaxCrossEntropy(LossLayer):
    """Cross-entropy of a distribution `y` and `p = softmax(z)`, along the last axis, `-sum(y * log(p))`.

    In a generated module `y` may also be the numbers of the classes: integers in its shape without the last axis.

    >>> from symprop import Dense, Input
    >>> network = Input(3) >> Dense(2) >> SoftmaxCrossEntropy()
    >>> [equation.text() for equation in network.system().equations]
    ['z1 = W1 @ x + b1', 'p = softmax(z1)', 'L = -sum(y * log(p))']

    Raises:
        SpecError: over one class, where it would always be 0.
    """

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("sums to 1", output.rank - 1), Fact("nonnegative"))

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        one = "SoftmaxCrossEntropy over one class is always 0\nfor one probability use BinaryCrossEntropy()"
        yield Need(shape[-1], least=2, otherwise=one)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        builder.books.prediction = builder.equation("p", None, SoftmaxNode(output), "prediction", PREDICTION)
        return negative(Sum(target * FUNCTIONS["log"](builder.books.prediction)))


@dataclass(frozen=True)
class BinaryCrossEntropy(LossLayer):
    """Cross-entropy of probabilities, each on its own, summed; on logits or on probabilities.

    `from_logits` None: probabilities where the layer before is Sigmoid, else logits.

    >>> BinaryCrossEntropy().text
    'BinaryCrossEntropy()'

    Raises:
        SpecError: `from_logits` is no choice, or a Softmax stands before: its outputs are one choice, not many.
    """

    from_logits: bool | None = None

    def __post_init__(self) -> None:
        if self.from_logits not in (None, True, False) or isinstance(self.from_logits, (int, float)) != isinstance(
            self.from_logits, bool
        ):
            raise SpecError(f"BinaryCrossEntropy: from_logits is True, False or None, not {shown(self.from_logits)}")

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("between 0 and 1"),)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        log = FUNCTIONS["log"]
        if isinstance(builder.books.previous, Softmax) and not self.from_logits:
            raise SpecError(
                "BinaryCrossEntropy after Softmax: its outputs are one choice, not a yes or no for each\n"
                "allowed: SoftmaxCrossEntropy() in place of both, or Sigmoid() before BinaryCrossEntropy()"
            )
        logits = not isinstance(builder.books.previous, Sigmoid) if self.from_logits is None else self.from_logits
        if logits:
            builder.books.prediction = builder.equation(
                "p", None, FUNCTIONS["sigmoid"](output), "prediction", PREDICTION
            )
            return Sum(FUNCTIONS["softplus"](output) - target * output)
        return negative(Sum(target * log(output) + (1 - target) * log(1 - output)))
