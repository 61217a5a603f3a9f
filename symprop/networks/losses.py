"""Losses of one example, as equations. The mean over a batch is made by `symprop.algebra.batching`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy
from sympy import Expr, Rational, Tuple

from symprop.algebra.defined import stable
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.lifting import lift
from symprop.algebra.names import validated, variable
from symprop.algebra.nodes import Fact, Multiply, Node, Power, Scalar, Sum, Variable, negative
from symprop.algebra.nodes import (
    Softmax as SoftmaxNode,
)
from symprop.algebra.reader import least_size, names_in, read_formula
from symprop.algebra.roles import LOSS, PREDICTION, TARGET
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import added, replace, variables
from symprop.errors import FormulaError, SpecError, shown
from symprop.networks.activations import Sigmoid, Softmax
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, valued
from symprop.networks.penalties import L2


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
        target = builder.variable("y", (), value.shape, TARGET).change(facts=Tuple(*self.facts(value)))
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

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return self.loss.facts(output)

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


@dataclass(frozen=True)
class Loss(LossLayer):
    """A loss of one's own: a formula in `a`, the output of the network, and `y`, the target, for one example.

    In NumPy notation the formula says its sum itself. A SymPy expression in the symbols `a` and `y` says the loss of
    one output: it is taken elementwise and summed over the outputs.

    >>> Loss("sum((a - y)**4) / 4", name="quartic").text
    'Loss("sum((a - y)**4) / 4", name="quartic")'
    >>> a, y = sympy.symbols("a y")
    >>> Loss((a - y)**4 / 4).text
    'Loss("sum((a - y)**4 / 4)")'

    Raises:
        SpecError: names other than `a` and `y`, or a formula that is not one number.
        FormulaError: a formula outside the grammar, or an expression that no array can have done to it.
    """

    body: Any
    name: str = "loss"

    def __post_init__(self) -> None:
        validated(self.name)
        if isinstance(self.body, str):
            names = names_in(self.body)
        elif isinstance(self.body, Node):
            names = tuple(part.name for part in variables(self.body))
        elif isinstance(self.body, Expr):
            names = tuple(sorted(map(str, self.body.free_symbols)))
        else:
            raise SpecError(
                f"Loss: the body is a formula in NumPy notation or a SymPy expression, not {shown(self.body)}"
            )
        for name in names:
            if name not in ("a", "y"):
                raise SpecError(f"Loss: unknown name {shown(name)}\nallowed: a (the output) and y (the target)")
        if "a" not in names:
            raise SpecError(f"Loss: {shown(self.body)} does not depend on a, the output of the network")
        if not isinstance(self.body, (str, Node)):
            _summed(self.body, variable("a", ("n",)), variable("y", ("n",)))  # refuses what has no elementwise meaning

    @property
    def text(self) -> str:
        if isinstance(self.body, (str, Node)):
            return super().text
        return dataclasses.replace(self, body=_summed(self.body, variable("a", ("n",)), variable("y", ("n",)))).text

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        """What the formula names: a size of its own, `ones(6)`, or places of its arrays, `a[2]`."""
        least = least_size(self.body) if isinstance(self.body, str) else 1
        for size in shape:
            known = valued(size)  # places of padded arrays may lie behind those of `a`: then the size stays
            stays = least is None or isinstance(self.body, Node) or (known.is_Integer and known < least)
            yield Need(size, stays=True) if stays else Need(size, least=least or 1)

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        if isinstance(self.body, str):
            result = read_formula(self.body, {"a": output, "y": target})
        elif not isinstance(self.body, Node):
            result = _summed(self.body, output, target)
        else:
            given = {part: output if part.name == "a" else target for part in variables(self.body)}
            for part, new in given.items():
                if part.shape != new.shape:
                    raise SpecError(
                        f"Loss: {part.name} has shape {part.shape}, the network's {new.name} has shape {new.shape}"
                    )
            result = replace(self.body, dict(given))
        if result.rank:
            raise SpecError(
                f"Loss: {shown(self.body)} has shape {shape_text(result.shape)}\n"
                "allowed: one number for an example, such as a sum"
            )
        return result


def _summed(body: Expr, output: Variable, target: Variable) -> Node:
    """Return the sum over all outputs of an expression in the symbols `a` and `y`."""
    if not all(isinstance(symbol, sympy.Symbol) for symbol in body.free_symbols):
        raise FormulaError(f"Loss: {shown(body)} holds arrays\nallowed: the symbols a and y, one output and its target")
    if body.has(sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
        raise FormulaError(f"Loss: {shown(body)} holds a constant that is not a real number")
    real = {symbol: sympy.Symbol(symbol.name, real=True) for symbol in body.free_symbols}
    arrays: dict[Expr, Node] = {symbol: output if symbol.name == "a" else target for symbol in real.values()}
    return Sum(lift(stable(body.xreplace(real)), arrays))
