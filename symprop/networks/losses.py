"""Losses of one example, as equations. The mean over a batch is made by `symprop.algebra.batching`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Rational, Tuple

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact, Multiply, Node, Power, Scalar, Softmax as SoftmaxNode, Sum, Variable, negative
from symprop.errors import SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer, Softmax


@dataclass(frozen=True)
class LossLayer(Layer):
    """Abstract base of losses: `value` gives the loss of one example as a scalar node."""

    is_loss: ClassVar[bool] = True

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        """What is known of the targets."""
        return ()

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return the loss of one example; equations that it needs may be appended."""
        raise NotImplementedError

    def penalty(self, builder: Builder) -> Node | None:
        """Return what is added to the loss whatever the example, or None."""
        return None

    def build(self, builder: Builder, value: Variable) -> Variable:
        target = builder.variable("y", None, value.shape).change(facts=Tuple(*self.facts(value)))
        builder.targets.append(target)
        builder.output = value
        loss, penalty = self.value(builder, value, target), self.penalty(builder)
        builder.loss = builder.equation("L", None, loss if penalty is None else loss + penalty, "loss")
        return builder.loss

    def __add__(self, other: Any) -> LossLayer:
        from symprop.networks.penalties import penalised

        return penalised(self, other)


class MeanSquaredError(LossLayer):
    """Half the squared norm of the error, `sum((a - y)**2) / 2`."""

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Multiply(Scalar(Rational(1, 2)), Sum(Power(output - target, 2)))


class SoftmaxCrossEntropy(LossLayer):
    """Cross-entropy of a distribution `y` and `p = softmax(z)`, along the last axis, `-sum(y * log(p))`."""

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return (Fact("sums to 1", output.rank - 1), Fact("nonnegative"))

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        if output.shape[-1] == 1:
            raise SpecError("SoftmaxCrossEntropy over one class is always 0\nfor one probability use BinaryCrossEntropy()")
        builder.prediction = builder.equation("p", None, SoftmaxNode(output), "prediction")
        return negative(Sum(target * FUNCTIONS["log"](builder.prediction)))


@dataclass(frozen=True)
class BinaryCrossEntropy(LossLayer):
    """Cross-entropy of probabilities, each on its own, summed; on logits or on probabilities.

    `from_logits` None: probabilities where the layer before is Sigmoid or Softmax, else logits.
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
        from symprop.networks.activations import Sigmoid

        log = FUNCTIONS["log"]
        logits = self.from_logits
        if logits is None:
            logits = not isinstance(builder.previous, (Sigmoid, Softmax))
        if logits:
            builder.prediction = builder.equation("p", None, FUNCTIONS["sigmoid"](output), "prediction")
            return Sum(FUNCTIONS["softplus"](output) - target * output)
        return negative(Sum(target * log(output) + (1 - target) * log(1 - output)))
