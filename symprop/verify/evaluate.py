"""The value of nodes and equations at given arrays, in an arithmetic of choice: an interpreter of the index meaning.

Each value has one axis more than its node: the first axis stacks several evaluations (the coordinates that a
derivative perturbs), and has length 1 where a value is the same in all of them, so that nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation
from symprop.algebra.index_maps import AXES
from symprop.algebra.known import values_of
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.errors import ShapeError
from symprop.verify.arithmetic import Arithmetic, Array, Complex, Precise
from symprop.verify.gathering import ask_time

EVALUATE = Table("value")
"""Rows take a node, the values of its operands, and the `Evaluator`."""

WORKING_DIGITS = 120
BINDING = (n.BlockSum, n.BatchMean, n.Pullback, n.Pushforward)
"""Kinds that say at what their operands have a value."""


class Evaluator:
    """Evaluates nodes: `values` by the name of each variable (with the stack axis), `sizes` for size symbols."""

    def __init__(
        self, arithmetic: Arithmetic, values: Mapping[str, Array], sizes: Mapping[Expr, int] | None = None
    ) -> None:
        self.arithmetic = arithmetic
        self.values = dict(values)
        self.sizes = dict(sizes or {})
        self.examples: Sequence[Evaluator] = ()  # of a batch, this one among them, where they are run together
        self.answers: dict[Node, Array] = {}  # to unfinished derivatives, which formula after formula reads
        self.slopes: dict[tuple[Node, Node, tuple[int, ...]], Any] = {}  # of formulas, for one cotangent after another
        self.means: dict[Node, Array] = {}  # over the examples, which each of them reads
        self.parts: dict[Node, Array] | None = None  # of the formula that is evaluated: what it reads twice is equal

    def __call__(self, node: Node) -> Array:
        """Return the value of `node`, the stack axis first."""
        ask_time()
        known = self.parts
        if known is not None and node in known:
            return known[node]
        self.parts = {} if known is None else known
        try:
            operands = [] if isinstance(node, BINDING) else [self(operand) for operand in node.operands]
            found = np.asarray(EVALUATE(node, operands, self))
            self.parts[node] = found
        finally:
            self.parts = known
        return found

    def run(self, equations: Iterable[Equation]) -> None:
        """Evaluate equations in order; each result is a value for the next."""
        for equation in equations:
            self.values[equation.name] = self(equation.expression)

    def size(self, size: Expr) -> int:
        """Return a size as an integer."""
        return int(size if size.is_Integer else size.subs(self.sizes))  # a substitution takes longer than most nodes

    def shape(self, shape: Iterable[Expr]) -> tuple[int, ...]:
        """Return a shape as integers."""
        return tuple(self.size(size) for size in shape)

    def number(self, value: Expr) -> Any:
        """Return a constant, sizes put in, in the arithmetic."""
        return self.arithmetic.number(value.subs(self.sizes) if value.free_symbols else value)


def run_together(examples: Sequence[Evaluator], equations: Iterable[Equation]) -> None:
    """Evaluate equations for the examples of a batch, each for all of them before the next: a mean reads them all."""
    for evaluator in examples:
        evaluator.examples = examples
        evaluator.sizes[BATCH_SIZE] = len(examples)
    for equation in equations:
        means: dict[Node, Array] = {}
        for evaluator in examples:
            evaluator.means = means
            evaluator.run((equation,))


def complex_value(node: Node, values: Mapping[str, Any], sizes: Mapping[Expr, int] | None = None) -> Array:
    """Return `node` at arrays, in complex numbers.

    >>> from symprop.algebra import variable
    >>> complex_value(variable("u", (2,)) * 2, {"u": [1.0, 2.0]}).real.tolist()
    [2.0, 4.0]
    """
    return unstacked(Evaluator(Complex(), stacked(values, Complex()), sizes)(node))


def precise_value(node: Node, values: Mapping[str, Any], sizes: Mapping[Expr, int] | None = None) -> Array:
    """Return `node` at arrays in 120 digits, unfinished pullbacks included (right to more than 50).

    >>> from symprop.algebra import variable
    >>> x = variable("x", (2,))
    >>> slope = n.Pullback(n.Scalar(1), n.Sum(x * x), x)
    >>> [mpmath.nstr(value, 5) for value in precise_value(slope, {"x": [1.0, 3.0]})]
    ['2.0', '6.0']
    """
    with mpmath.workdps(WORKING_DIGITS):
        return unstacked(Evaluator(Precise(), stacked(values, Precise()), sizes)(node))


def stacked(values: Mapping[str, Any], arithmetic: Arithmetic) -> dict[str, Array]:
    """Return arrays with a stack axis of length 1, in `arithmetic`; integer arrays are ids and stay as they are."""
    return {name: _entered(np.asarray(value), arithmetic)[None] for name, value in values.items()}


def unstacked(value: Array) -> Array:
    """Return the one evaluation that a stack of length 1 holds (an array even where it is a scalar)."""
    return value.reshape(value.shape[1:])


def _entered(value: Array, arithmetic: Arithmetic) -> Array:
    return value if value.dtype.kind in "iu" and value.ndim else arithmetic.array(value)


def padded(value: Array, rank: int) -> Array:
    """Return a value with axes of length 1 after the stack axis, to broadcast among nodes of `rank`."""
    return value.reshape(value.shape[:1] + (1,) * (rank + 1 - value.ndim) + value.shape[1:])


def broadcastable(operands: list[Array]) -> list[Array]:
    """Return values with axes of length 1 after the stack axis, so that they broadcast as their nodes do."""
    rank = max(operand.ndim for operand in operands) - 1
    return [padded(operand, rank) for operand in operands]


@EVALUATE.row(n.Variable)
def _(node: n.Variable, operands: list[Array], of: Evaluator) -> Array:
    if all(part.is_number for part in node.index):
        return of.values[node.name]
    return of.values[node.change(index=[part.subs(of.sizes) for part in node.index]).name]  # inside a series


@EVALUATE.row(n.Scalar)
def _(node: n.Scalar, operands: list[Array], of: Evaluator) -> Array:
    return np.asarray([of.number(node.value)])


@EVALUATE.row(n.Fill)
def _(node: n.Fill, operands: list[Array], of: Evaluator) -> Array:
    return np.full((1, *of.shape(node.shape)), of.number(node.value))


@EVALUATE.row(n.Identity)
def _(node: n.Identity, operands: list[Array], of: Evaluator) -> Array:
    return of.arithmetic.array(np.eye(of.size(node.shape[0])))[None]


@EVALUATE.row(n.Triangle)
def _(node: n.Triangle, operands: list[Array], of: Evaluator) -> Array:
    part = np.triu if node.is_upper else np.tril
    return of.arithmetic.array(part(np.ones(of.shape(node.shape)), node.diagonal))[None]


@EVALUATE.row(n.Known)
def _(node: n.Known, operands: list[Array], of: Evaluator) -> Array:
    shape, values = of.shape(node.shape), values_of(node)
    if values is not None:
        return np.asarray([[of.number(value) for value in values]])
    grid = (of.arithmetic.array(each) for each in np.ix_(*map(np.arange, shape)))
    value = of.arithmetic.scalar(node.rule.subs(of.sizes), dict(zip(AXES, grid, strict=False)))
    return np.broadcast_to(of.arithmetic.rounded(value, 8), shape)[None]


@EVALUATE.row(n.Add)
def _(node: n.Add, operands: list[Array], of: Evaluator) -> Array:
    total, *rest = broadcastable(operands)
    for term in rest:
        total = of.arithmetic.rounded(total + term, 1)
    return total


@EVALUATE.row(n.Multiply)
def _(node: n.Multiply, operands: list[Array], of: Evaluator) -> Array:
    product, *rest = broadcastable(operands)
    for factor in rest:
        product = of.arithmetic.rounded(product * factor, 1)
    return product


@EVALUATE.row(n.Power)
def _(node: n.Power, operands: list[Array], of: Evaluator) -> Array:
    exponent = node.exponent.subs(of.sizes) if node.exponent.free_symbols else node.exponent
    return of.arithmetic.rounded(of.arithmetic.power(operands[0], exponent), 2)


@EVALUATE.row(n.Sum)
def _(node: n.Sum, operands: list[Array], of: Evaluator) -> Array:
    axes = tuple(axis + 1 for axis in node.axes)
    length = int(np.prod([operands[0].shape[axis] for axis in axes], dtype=int))
    return of.arithmetic.rounded(of.arithmetic.total(operands[0], axes, node.keepdims), length)


@EVALUATE.row(n.BatchMean)
def _(node: n.BatchMean, operands: list[Array], of: Evaluator) -> Array:
    if not of.examples:
        raise ShapeError("a mean over the examples of a batch is asked of one example")
    if node not in of.means:
        total = sum((example(node.operands[0]) for example in of.examples[1:]), of.examples[0](node.operands[0]))
        count = len(of.examples)
        of.means[node] = of.arithmetic.rounded(total * of.arithmetic.number(Integer(1) / count), count)
    return of.means[node]


@EVALUATE.row(n.BlockSum)
def _(node: n.BlockSum, operands: list[Array], of: Evaluator) -> Array:
    total = of.arithmetic.array(np.zeros((1, *of.shape(node.shape))))
    for index in range(1, of.size(node.count) + 1):
        total = total + Evaluator(of.arithmetic, of.values, {**of.sizes, node.index: index})(node.operands[0])
    return np.asarray(total)


@EVALUATE.row(n.Take)
def _(node: n.Take, operands: list[Array], of: Evaluator) -> Array:
    table, ids = operands
    return table[:, whole(ids[0])]


def whole(ids: Array) -> Array:
    """Return ids as integers: one alone may have come in as a number of the arithmetic."""
    given = np.asarray(ids)
    if given.dtype.kind in "iu":
        return given
    return np.asarray(np.frompyfunc(lambda each: int(each.real), 1, 1)(given), dtype=int)


@EVALUATE.row(n.ScatterAdd)
def _(node: n.ScatterAdd, operands: list[Array], of: Evaluator) -> Array:
    values, ids = operands[0], whole(operands[1])
    result = np.zeros((values.shape[0], of.size(node.size), *values.shape[ids.ndim :]), dtype=values.dtype)
    for position in np.ndindex(ids.shape[1:]):
        result[:, ids[(0, *position)]] += values[(slice(None), *position)]
    return of.arithmetic.rounded(result, max(1, ids.size))


@EVALUATE.row(n.OneHot)
def _(node: n.OneHot, operands: list[Array], of: Evaluator) -> Array:
    return of.arithmetic.array(whole(operands[0])[..., None] == np.arange(of.size(node.size)))


@EVALUATE.row(n.Map)
def _(node: n.Map, operands: list[Array], of: Evaluator) -> Array:
    function = node.function
    if function.is_extremum and node.operands[0].constant is not None:
        operands = operands[::-1]  # a number stands last: where both are equal, it has the slope
    body = function.definition if isinstance(of.arithmetic, Precise) else function.body
    values = of.arithmetic.scalar(body, dict(zip(function.parameters, broadcastable(operands), strict=True)))
    return of.arithmetic.rounded(values, 4)


@EVALUATE.row(n.Compare)
def _(node: n.Compare, operands: list[Array], of: Evaluator) -> Array:
    return of.arithmetic.array(of.arithmetic.compare(node.relation, *broadcastable(operands)).astype(int))


@EVALUATE.row(n.Where)
def _(node: n.Where, operands: list[Array], of: Evaluator) -> Array:
    condition, yes, no = broadcastable(operands)
    return np.where(of.arithmetic.real(condition) != 0, yes, no)


@EVALUATE.row(n.Softmax)
def _(node: n.Softmax, operands: list[Array], of: Evaluator) -> Array:
    axis = node.axis + 1
    powers, total, _ = _shifted_powers(operands[0], axis, of)
    return of.arithmetic.rounded(powers / total, 4)


@EVALUATE.row(n.LogSumExp)
def _(node: n.LogSumExp, operands: list[Array], of: Evaluator) -> Array:
    axis = node.axis + 1
    _, total, largest = _shifted_powers(operands[0], axis, of)
    value = of.arithmetic.functions[sympy.log](total) + largest
    return of.arithmetic.rounded(value if node.keepdims else np.squeeze(value, axis), 4)


def _shifted_powers(values: Array, axis: int, of: Evaluator) -> tuple[Array, Array, Array]:
    """Return `exp(x - largest)`, their sum and the largest real part along `axis`, so that nothing overflows.

    Each is rounded on its own: where one of the powers is nearly the sum, what it is divided by is off by other digits.
    """
    largest = np.max(of.arithmetic.real(values), axis=axis, keepdims=True)
    powers = of.arithmetic.rounded(of.arithmetic.functions[sympy.exp](values - largest), 2)
    total = of.arithmetic.rounded(powers.sum(axis=axis, keepdims=True), values.shape[axis])
    return powers, total, largest
