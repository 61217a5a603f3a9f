"""Wrong variants to seed into the rules, each with the gradients that `check` must then fail.

`trust/wrong_networks.py` seeds them.
All layers are three wide and batches have three examples, so that a lost transpose or a wrong axis is no error of
shapes: the numbers alone must tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import sympy

from symprop.algebra import batching
from symprop.algebra import nodes as n
from symprop.algebra.alike import AlikeText
from symprop.algebra.batching import BATCH
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import ones, zeros
from symprop.calculus import elementwise, pullbacks, pushforwards, rewriting, rules, sum_rules, tidy, walk
from symprop.calculus.elementwise import VALUE, derivative
from symprop.calculus.pullbacks import PULLBACK, swapped
from symprop.calculus.rules import Applied, Context
from symprop.codegen import case
from symprop.codegen.targets import arrays as arrays  # enters the rows of SOURCE
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.targets.target import Target

RESIDUAL = "Input(3) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(3) >> SoftmaxCrossEntropy()"
REGRESSION = "Input(3) >> Dense(3) >> Sigmoid() >> Dense(3) >> MeanSquaredError()"
EMBEDDED = "Input(3) >> Embedding(4, 3) >> Dense(3) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()"
LARGE_TABLE = EMBEDDED.replace("Embedding(4", "Embedding(70")
SCATTER = "np.add.at(out.reshape(-1), places.reshape(-1), values.reshape(-1))"
CHAIN = "Input(3) >> Repeat(Dense(3) >> Tanh(), N) >> MeanSquaredError()"
TIED = "Input(3) >> Repeat(Dense(3) >> Tanh(), N, tied=True) >> MeanSquaredError()"
NESTED = "Input(3) >> Repeat(Repeat(Dense(3) >> Tanh(), K) >> Dense(3), N) >> MeanSquaredError()"
NESTED_TIED = "Input(3) >> Repeat(Residual(Repeat(Dense(3) >> Tanh(), K, tied=True)), N) >> MeanSquaredError()"
SOFTMAX = "Input(3) >> Dense(3) >> Softmax() >> MeanSquaredError()"
NORMED = "Input(3) >> Dense(3) >> Norm() >> Tanh() >> Dense(3) >> MeanSquaredError()"
POOLED = "Input(2, 3, 3) >> Conv2D(3, (1, 2), padding=1) >> MaxPool2D(2, stride=1, padding=1) >> MeanSquaredError()"
STEPS = "50 digits, each step"

Patch = Callable[[pytest.MonkeyPatch], None]


def row(table: Table, kind: type[Node], wrong: Callable[..., Any]) -> Patch:
    """Seed `wrong` in the place of one row; it is called with the right row first. Texts are written anew."""
    right = table[kind]

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(table.rows, kind, lambda *given: wrong(right, *given))
        monkeypatch.setattr(AlikeText, "__call__", lambda self, *nodes, **known: self.write(*nodes))

    return patch


def name(module: Any, attribute: str, wrong: Callable[..., Any]) -> Patch:
    """Seed `wrong` in the place of a function; it is called with the right one first."""
    right = getattr(module, attribute)
    return lambda monkeypatch: monkeypatch.setattr(
        module, attribute, lambda *given, **named: wrong(right, *given, **named)
    )


def slope(wrong: Callable[[n.Map, Node], Node]) -> Patch:
    """Seed a wrong derivative of elementwise functions: `wrong` gets the node and the right slope."""
    right = elementwise.slope

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (pullbacks, pushforwards):
            monkeypatch.setattr(module, "slope", lambda node, position: wrong(node, right(node, position)))

    return patch


def no_transpose_right(right: Any, node: n.MatMul, position: int, g: Node) -> Node:
    if position == 0 and node.operands[1].rank == 2 and node.operands[0].rank == 2:
        return n.MatMul(g, node.operands[1])  # G B in the place of G B'
    return right(node, position, g)


def no_transpose_left(right: Any, node: n.MatMul, position: int, g: Node) -> Node:
    if position == 1 and node.operands[0].rank == 2:
        return n.MatMul(node.operands[0], g)  # A G in the place of A' G
    return right(node, position, g)


def operands_swapped(right: Any, node: n.MatMul, position: int, g: Node) -> Node:
    if position == 1 and node.operands[0].rank == 2 == node.operands[1].rank:
        return n.MatMul(swapped(g), node.operands[0])  # G' A in the place of A' G
    return right(node, position, g)


def scaled_by(factor: Any) -> Callable[..., Node]:
    return lambda right, node, position, g: n.Multiply(n.Scalar(factor), right(node, position, g))


def stale(node: n.Map, right: Node) -> Node:
    """The derivative in terms of the function's own value, but read before the function was applied."""
    function = node.function
    arrays = dict(zip(function.parameters, node.operands, strict=True))
    return lift(derivative(function, 0), {**arrays, VALUE: node.operands[0]})


def relu_open(node: n.Map, right: Node) -> Node:
    return ones(*node.shape) if node.function.name == "relu" else right  # 1 where z < 0 too


def sigmoid_plus(node: n.Map, right: Node) -> Node:
    return node * (1 + node) if node.function.name == "sigmoid" else right


def tanh_unsquared(node: n.Map, right: Node) -> Node:
    return 1 - node if node.function.name == "tanh" else right


def log_squared(node: n.Map, right: Node) -> Node:
    return right * right if node.function.name == "log" else right


def no_outer_product(right: Any, node: n.Softmax, position: int, g: Node) -> Node:
    return n.Multiply(node, g)  # diag(p) g without - p p' g


def softmax_wrong_axis(right: Any, node: n.Softmax, position: int, g: Node) -> Node:
    inner = n.Sum(n.Multiply(node, g), axes=0, keepdims=True)  # over the batch, not over the classes
    return n.Multiply(node, n.Add(g, n.negative(inner)))


def mean_lost(right: Any, node: Node, size: Any) -> Node:
    return right(node, sympy.Integer(1))


def sum_over_batch_lost(right: Any, flow: Node, operand: Node) -> Node:
    summed = right(flow, operand)
    return summed / flow.shape[0] if flow.rank > operand.rank else summed


def sums_wrong_axis(right: Any, flow: Node, operand: Node) -> Node:
    if flow.rank == 2 and operand.rank == 1:
        return n.Sum(flow, axes=1) if flow.shape[0] == flow.shape[1] else n.Sum(n.Transpose(flow), axes=1) * 2
    return right(flow, operand)


def only_first_made(right: Any, walker: Any, variable: Any) -> Node:
    walker.pending[variable] = walker.pending[variable][:1]
    return right(walker, variable)


def only_last_made(right: Any, walker: Any, variable: Any) -> Node:
    walker.pending[variable] = walker.pending[variable][-1:]
    return right(walker, variable)


def not_moved(right: Any, node: Node, index: sympy.Symbol, value: sympy.Expr) -> Node:
    return node if value == index + 1 else right(node, index, value)  # step l hands back to itself


def moved_by_two(right: Any, node: Node, index: sympy.Symbol, value: sympy.Expr) -> Node:
    return right(node, index, value + 1 if value == index + 1 else value)


def from_the_last_step(right: Any, node: Node, index: sympy.Symbol, value: sympy.Expr) -> Node:
    return node if value == 1 else right(node, index, value)  # what leaves a loop is for a general step still


def last_step_alone(right: Any, walker: Any, loop: Any, step: Any, flows: Any) -> None:
    """Shared parameters get what flows to them in the last step, in the place of a sum over all."""
    right(walker, loop, step, flows)
    for reached in walker.pending.values():
        reached[:] = [
            flow.operands[0].xreplace({loop.index: loop.count}) if isinstance(flow, n.BlockSum) else flow
            for flow in reached
        ]


def nothing_from_behind(right: Any, walker: Any, loop: Any, step: Any, flows: Any) -> None:
    """The last step of a loop inside a loop gets nothing from what reads its output."""
    right(walker, loop, step, replace(flows, heads={}) if walker.indices else flows)


def nothing_leaves(right: Any, walker: Any, loop: Any, step: Any, flows: Any) -> None:
    """What a loop inside a loop hands back to what it started from is lost."""
    right(walker, loop, step, flows)
    if walker.indices:
        for carry in loop.carries:
            walker.pending.pop(loop.start(carry), None)


def any_sum_is_one(right: Any, node: Node, axes: Any, context: Context) -> Any:
    if isinstance(node, n.Variable) and node.rank and node.letter in ("delta", "p", "a"):
        return axes[0], "everything sums to 1"
    return right(node, axes, context)


def transposed_in_order(right: Any, node: n.Transpose) -> Node:
    operand = node.operands[0]
    if isinstance(operand, n.MatMul) and all(part.rank == 2 for part in operand.operands):
        return n.MatMul(*(tidy.tidy(n.Transpose(part)) for part in operand.operands))  # (A B)' is B' A'
    return right(node)


def dropped_term(right: Any, node: Node, context: Context) -> Applied | None:
    applied = right(node, context)
    if applied is not None and isinstance(applied.result, n.Add):
        return Applied(applied.result.operands[0], applied.facts)
    return applied


def no_mean_over_the_batch(right: Any, node: n.BatchMean, batch: Any, operand: Any) -> Node:
    return n.Sum(operand.node, batch.own_axis(operand.rank))


def statistics_held_fixed(right: Any, node: n.Sum, position: int, g: Node) -> Node:
    over_the_batch = node.axes == (0,) and node.operands[0].rank == 2
    return zeros(*node.operands[0].shape) if over_the_batch else right(node, position, g)


def shared_by_all(right: Any, node: n.Extreme) -> Node:
    return right(n.Extreme(node.operands[0], node.axes, node.keepdims, node.which))


def the_last_has_it(right: Any, node: n.Extreme) -> Node:
    return n.Flip(n.First(n.Flip(node.operands[0], node.axes), node.axes, node.which), node.axes)


def rule(named: str, wrong: Callable[..., Any]) -> Patch:
    """Seed a wrong simplification."""

    changed = [
        replace(entry, apply=partial(wrong, entry.apply)) if entry.name == named else entry for entry in rules.RULES
    ]
    return lambda monkeypatch: monkeypatch.setattr(rewriting, "RULES", changed)


def code(right: str, wrong: str, form: str = "fast") -> Patch:
    """Seed a wrong line in the modules of one form, the one that runs or the one to read; it must be there."""

    def changed(target_of: Callable[[str], Target], named: str) -> Target:
        target = target_of(named)

        def source(*given: Any) -> str:
            text = target.source(*given)
            assert right in text
            return text.replace(right, wrong)

        return replace(target, source=source) if named == form else target

    return name(case, "target_of", changed)


def wrong_code(right: Any, node: Node, write: Dialect) -> Any:
    """The code of a transpose without its `.T`."""
    return write(node.operands[0])


@dataclass(frozen=True)
class Variant:
    """A wrong rule, a network that uses it, gradients that must fail, and whether a single step must be named."""

    name: str
    network: str
    patch: Patch
    fails: tuple[str, ...]
    step: bool = True


THOUSANDTH = sympy.Rational(1001, 1000)
VARIANTS = (
    Variant("sign of the matrix product", RESIDUAL, row(PULLBACK, n.MatMul, scaled_by(-1)), ("dW1", "db2", "dW3")),
    Variant("factor 2 in a matrix product", RESIDUAL, row(PULLBACK, n.MatMul, scaled_by(2)), ("dW1", "db2", "dW3")),
    Variant("transpose lost on the right", RESIDUAL, row(PULLBACK, n.MatMul, no_transpose_right), ("dW1", "db1")),
    Variant("transpose lost on the left", RESIDUAL, row(PULLBACK, n.MatMul, no_transpose_left), ("derivation",), False),
    Variant("swapped operands", RESIDUAL, row(PULLBACK, n.MatMul, operands_swapped), ("dW1", "dW2", "dW3")),
    Variant("factor 2 in a power", REGRESSION, row(PULLBACK, n.Power, scaled_by(2)), ("dW1", "db1", "dW2", "db2")),
    Variant("factor 1.001 in a product", RESIDUAL, row(PULLBACK, n.Multiply, scaled_by(THOUSANDTH)), ("dW1", "db3")),
    Variant("factor 1.001 in a softmax", SOFTMAX, row(PULLBACK, n.Softmax, scaled_by(THOUSANDTH)), ("dW1", "db1")),
    Variant("lost mean over the batch", RESIDUAL, name(batching, "mean", mean_lost), ("dW1", "db1", "L"), step=False),
    Variant("lost sum over the batch", RESIDUAL, name(rewriting, "unbroadcast", sum_over_batch_lost), ("db1", "db3")),
    Variant("sum over a wrong axis", RESIDUAL, name(rewriting, "unbroadcast", sums_wrong_axis), ("db1", "db3")),
    Variant("stale activation", RESIDUAL, slope(stale), ("dW1", "db1")),
    Variant("relu' is 1 below 0", RESIDUAL, slope(relu_open), ("dW2", "db2")),
    Variant("sigmoid' = a (1 + a)", REGRESSION, slope(sigmoid_plus), ("dW1", "db1")),
    Variant("tanh' = 1 - a", RESIDUAL, slope(tanh_unsquared), ("dW1", "db1")),
    Variant("log' = 1 / x^2", RESIDUAL, slope(log_squared), ("dW3", "db3")),
    Variant("softmax without - p p'", SOFTMAX, row(PULLBACK, n.Softmax, no_outer_product), ("dW1", "db1")),
    Variant("softmax along the batch", SOFTMAX, row(PULLBACK, n.Softmax, softmax_wrong_axis), ("dW1", "db1")),
    Variant(
        "skip connection lost (no + I)", RESIDUAL, name(walk._Walker, "start", only_first_made), ("dW1", "db1"), False
    ),
    Variant(
        "block lost at the shared node", RESIDUAL, name(walk._Walker, "start", only_last_made), ("dW1", "db1"), False
    ),
    Variant("a sum that is not 1", RESIDUAL, name(sum_rules, "sums_to_one", any_sum_is_one), ("db1",)),
    Variant("(A B)' = A' B'", RESIDUAL, row(tidy.TIDY, n.Transpose, transposed_in_order), ("derivation",), False),
    Variant("term lost in simplification", RESIDUAL, rule("distribute", dropped_term), ("dW3", "db3")),
    Variant(
        "scatter without add",
        LARGE_TABLE,
        code(SCATTER, "out.reshape(-1)[places] = values.reshape(places.shape)"),
        ("dE1",),
        False,
    ),
    Variant("code without .T", RESIDUAL, row(SOURCE, n.Transpose, wrong_code), ("dW1",), False),
    Variant("code with a lost 1/m", RESIDUAL, code("delta3 /= m", "delta3 /= 1"), ("dW1", "db3"), False),
    Variant(
        "a statistic with a lost 1/m", NORMED, row(BATCH, n.BatchMean, no_mean_over_the_batch), ("dW1", "L"), False
    ),
    Variant("statistics not differentiated through", NORMED, row(PULLBACK, n.Sum, statistics_held_fixed), ("dW1",)),
    Variant("a tied pool shares", POOLED, name(pullbacks, "tied", shared_by_all), ("dW1",)),
    Variant("the last of a tied pool has it", POOLED, name(pullbacks, "tied", the_last_has_it), ("dW1",)),
    Variant("code of a statistic with a lost 1/m", NORMED, code("mu1 /= m", "mu1 /= 1"), ("dW1", "L"), False),
)


LOOPS = (
    Variant("a step hands back to itself", CHAIN, name(walk, "node_at", not_moved), ("recurrence, N = 2",), False),
    Variant("tied: a step hands back to itself", TIED, name(walk, "node_at", not_moved), ("recurrence, N = 2",), False),
    Variant("a step is left out", TIED, name(walk, "node_at", moved_by_two), ("recurrence, N = 3",), False),
    Variant(
        "tied: the last step alone", TIED, name(walk._Walker, "close", last_step_alone), ("recurrence, N = 2",), False
    ),
    Variant(
        "nested: a step hands back to itself",
        NESTED,
        name(walk, "node_at", not_moved),
        ("recurrence, N = 1, K = 2", "recurrence, N = 3, K = 1"),
        False,
    ),
    Variant(
        "nested: nothing comes from behind",
        NESTED,
        name(walk._Walker, "close", nothing_from_behind),
        ("recurrence, N = 1, K = 2",),
        False,
    ),
    Variant(
        "nested: nothing leaves",
        NESTED_TIED,
        name(walk._Walker, "close", nothing_leaves),
        ("recurrence, N = 2, K = 3",),
        False,
    ),
    Variant(
        "nested: what leaves has an index of the loop",
        NESTED_TIED,
        name(walk, "node_at", from_the_last_step),
        ("recurrence, N = 2, K = 3",),
        False,
    ),
    Variant(
        "nested and tied: the last step alone",
        NESTED_TIED,
        name(walk._Walker, "close", last_step_alone),
        ("recurrence, N = 1, K = 2",),
        False,
    ),
)
"""Wrong recurrences over blocks, which the printed page shows when it is run."""


TO_READ = (
    Variant("a wrong .T", RESIDUAL, code("dW3 = delta3.T @ a2", "dW3 = delta3 @ a2", "numpy"), ("all gradients",)),
    Variant("a lost 1/m", RESIDUAL, code("delta3 = (p - y) / m", "delta3 = p - y", "numpy"), ("all gradients",)),
    Variant("a mean that is a sum", NORMED, code("mu1 = z1.sum(axis=0) / m", "mu1 = z1.sum(axis=0)", "numpy"), ("L",)),
    Variant("a softmax with a third", RESIDUAL, code("return e / e.sum(", "return e / 3 / e.sum(", "numpy"), ("p",)),
)
"""Wrong lines in the module to read alone, and what must differ from the module that runs."""
