"""Losses of one example, as equations: what they have in common, and a loss of one's own.

The mean over a batch is made by `symprop.algebra.batching`. Losses with a name stand in `regression` and
`classification`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import sympy
from sympy import Expr, Tuple, prod

from symprop.algebra.defined import stable
from symprop.algebra.lifting import lift
from symprop.algebra.names import validated, variable
from symprop.algebra.nodes import Fact, Multiply, Node, Scalar, Sum, Variable
from symprop.algebra.reader import least_size, names_in, read_formula
from symprop.algebra.roles import LOSS, TARGET
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import added, factors_of, numbers_apart, replace, terms_of, variables
from symprop.errors import FormulaError, SpecError, shown
from symprop.networks.activations import Sigmoid
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer, Softmax
from symprop.networks.needs import Need, valued
from symprop.networks.penalties import Penalty


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

    def penalties_of(self, builder: Builder) -> list[Node]:
        """Return what is added to the loss whatever the example."""
        return []

    def takes_logits(self, builder: Builder) -> None:
        """Note a doubt where what comes in was made by a Softmax or a Sigmoid, so that it is probabilities."""
        if isinstance(builder.books.previous, (Softmax, Sigmoid)):
            loss, before = type(self).__name__, type(builder.books.previous).__name__
            what = f"{loss} after {before}: the loss takes logits and makes probabilities of them itself"
            builder.books.doubts.append(what)

    def build(self, builder: Builder, value: Variable) -> Variable:
        target = builder.variable("y", (), value.shape, TARGET).change(facts=Tuple(*self.facts(value)))
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

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return self.loss.facts(output)

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
    if isinstance(loss, Penalised):
        return Penalised(loss.loss, (*loss.penalties, penalty))
    return Penalised(loss, (penalty,))


@dataclass(frozen=True)
class RowLoss(LossLayer):
    """Abstract base of losses along the last axis: of a sequence or an image, the mean over its positions, or the sum.

    `total` gives the sum over all positions of one example; `positions` is "mean" or "sum".
    """

    _: KW_ONLY
    positions: str = "mean"

    def __post_init__(self) -> None:
        if self.positions not in ("mean", "sum"):
            name = type(self).__name__
            raise SpecError(f'{name}: positions is "mean" or "sum", not {shown(self.positions)}')

    def total(self, builder: Builder, output: Variable, target: Variable) -> Node:
        """Return the loss of one example, summed over positions and outputs."""
        raise NotImplementedError

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        total = self.total(builder, output, target)
        return total if self.positions == "sum" else over(total, prod(output.shape[:-1]))


def over(total: Node, count: Expr) -> Node:
    """Return a sum divided by a number of things, which enters the number in front of each of its terms."""
    if count == 1:
        return total
    parts = [numbers_apart(factors_of(term)) for term in terms_of(total)]
    return added([Multiply(Scalar(number / count), *rest) for number, rest in parts])


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
