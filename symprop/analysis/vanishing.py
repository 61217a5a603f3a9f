"""Why gradients vanish or explode: how far each layer can scale a gradient, worked out from its formula.

The backward pass multiplies the gradient by `phi'(z)` and by the transposed weights, layer after layer. An activation
scales it by at most the supremum of `|phi'|` (a quarter for the sigmoid), a weight matrix by at most its largest
singular value, the norm `||W||`; a sum adds the bounds of its paths, which is why the `1 +` of a residual block helps.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.defined import T
from symprop.algebra.equations import System
from symprop.algebra.functions import ElementwiseFunction, exact
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Shown, aligned
from symprop.algebra.table import Table
from symprop.algebra.trees import numbers_apart, ones, variables
from symprop.analysis.modes import check_depends, stretch, without_loops
from symprop.analysis.slopes import largest_slope, largest_value, slope_at_output
from symprop.calculus.known_facts import has_fact
from symprop.errors import SpecError, shown


@dataclass(frozen=True)
class Shrinkage:
    """One row of the table, from the output side: what reaches the activation, its factor, what leaves it.

    `layer` counts the activations from 1, the one nearest the input.
    """

    layer: int
    arriving: Expr
    factor: Expr
    leaving: Expr


class UnboundedError(SpecError):
    """A Jacobian without a bound: a gate scales it by a value that may be as large as one likes."""

    def __init__(self, value: Node) -> None:
        super().__init__(f"no bound is known for a product with {shown(value)}, which is not bounded")
        self.value = value


class Vanishing(Shown, tuple[Shrinkage, ...]):
    """The rows of the table, the output side first; `text` prints them with what they leave out."""

    __slots__ = ()

    def text(self) -> str:
        """Return the table as plain text.

        >>> print(Vanishing(shrinkage([sympy.Rational(1, 4)] * 2)).text())
        layer  arriving  factor  leaving
        2      1         1/4     1/4
        1      1/4       1/4     1/16
        factors of the activations alone, each along its own block's path; weights and skip connections are left out
        """
        cells: list[tuple[str, ...]] = [("layer", "arriving", "factor", "leaving")]
        cells += [tuple(map(str, (row.layer, row.arriving, row.factor, row.leaving))) for row in self]
        return "\n".join([*(line.rstrip() for line in aligned(cells)), ALONE])

    def __str__(self) -> str:
        return self.text()


ALONE = "factors of the activations alone, each along its own block's path; weights and skip connections are left out"


def shrinkage(factors: Sequence[Expr]) -> tuple[Shrinkage, ...]:
    """Return the cumulative factors of layers L, ..., 1 for their factors in that order (the output side first).

    >>> [row.leaving for row in shrinkage([sympy.Rational(1, 4)] * 3)]
    [1/4, 1/16, 1/64]
    """
    rows: list[Shrinkage] = []
    arriving: Expr = Integer(1)
    for place, factor in enumerate(factors):
        leaving = arriving * factor
        rows.append(Shrinkage(len(factors) - place, arriving, factor, leaving))
        arriving = leaving
    return tuple(rows)


def activations(system: System) -> tuple[tuple[Variable, ElementwiseFunction], ...]:
    """Return the activations of a network, first layer first: the variable and the function that makes it."""
    return tuple(
        (equation.target, equation.expression.function)
        for equation in without_loops(system)
        if isinstance(equation.expression, n.Map) and len(equation.expression.operands) == 1
    )


def vanishing(system: System, output: Expr | float | None = None) -> Vanishing:
    """Return the table of a network's activation factors from its output to its input.

    Each factor is the largest slope of the layer's activation, or with `output` its slope where its value is that.
    The product is that of one path, the one through every activation: weights and the identity paths of residual
    blocks are left out; `jacobian_bound` has both.

    >>> from symprop.networks import Dense, Input, Sigmoid
    >>> network = Input(3) >> Dense(3) >> Sigmoid() >> Dense(3) >> Sigmoid()
    >>> [row.leaving for row in vanishing(network.system(), sympy.Rational(9, 10))]
    [9/100, 81/10000]

    Raises:
        SpecError: a loop over a symbolic number of blocks, or an output that is no number.
        FormulaError: the slope at an output cannot be solved for, or is not bounded.
    """
    if output is not None and (isinstance(output, bool) or not isinstance(output, (int, float, Expr))):
        raise SpecError(f"the output of an activation is a number such as 0.9, not {shown(output)}")
    factors = [
        largest_slope(function).value if output is None else slope_at_output(function, exact(output))
        for _, function in reversed(activations(system))
    ]
    return Vanishing(shrinkage(factors))


def norm(variable: Variable) -> sympy.Symbol:
    """Return the symbol of a weight matrix's largest singular value."""
    return sympy.Symbol(f"||{variable.name}||", positive=True)


BOUND = Table("bound")
"""The largest factor by which a node can scale a tangent of one operand (in the Euclidean norm)."""


@BOUND.row(n.Add)
def _spread(node: Node, position: int) -> Expr:
    """The norm of a repetition, since an element of an operand may stand in several places."""
    return sympy.sqrt(sympy.prod(node.shape) / sympy.prod(node.operands[position].shape))


@BOUND.row(n.Reshape, n.Diag, n.LogSumExp, n.Extreme, n.Concatenate)
def _(node: Node, position: int) -> Expr:
    return Integer(1)


@BOUND.row(n.Structural)
def _(node: n.Structural, position: int) -> Expr:
    return sympy.sqrt(node.index_map.reads)


@BOUND.row(n.Fold)
def _(node: n.Fold, position: int) -> Expr:
    return sympy.sqrt(node.unfolded.reads)  # a map and its adjoint have one norm


@BOUND.row(n.Sum)
def _(node: n.Sum, position: int) -> Expr:
    shape = node.operands[0].shape
    return sympy.sqrt(sympy.prod([shape[axis] for axis in node.axes]))  # the norm of a row of ones


@BOUND.row(n.OneHot, n.Compare, n.First)
def _(node: Node, position: int) -> Expr:
    return Integer(0)  # constant but for jumps


@BOUND.row(n.Leaf, n.Power, n.Outer, n.Take, n.ScatterAdd, n.Where, n.Kron)
@BOUND.row(n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower, n.Product, n.BlockSum, n.Decomposition)
def _(node: Node, position: int) -> Expr:
    raise SpecError(f"no bound is known for the slope of {shown(node)}")


@BOUND.row(n.MatMul)
def _(node: n.MatMul, position: int) -> Expr:
    other = node.operands[1 - position].untransposed
    while isinstance(other, n.Slice):  # rows of a matrix have at most its norm
        other = other.operands[0].untransposed
    if not isinstance(other, Variable):
        raise SpecError(f"no bound is known for a product with {shown(other)}")
    return norm(other)


@BOUND.row(n.Map)
def _(node: n.Map, position: int) -> Expr:
    if len(node.operands) > 1:
        raise SpecError(f"no bound is known for {shown(node.function.name)} of {len(node.operands)} arrays")
    return largest_slope(node.function).value


@BOUND.row(n.Multiply)
def _(node: n.Multiply, position: int) -> Expr:
    others = [operand for place, operand in enumerate(node.operands) if place != position]
    coefficient, arrays = numbers_apart(others)
    return sympy.Abs(coefficient) * sympy.prod([_largest_of(factor) for factor in arrays]) * _spread(node, position)


@BOUND.row(n.Softmax)
def _(node: n.Softmax, position: int) -> Expr:
    return sympy.Rational(1, 2)  # the largest eigenvalue of diag(p) - p p' is at most 1/2 (Gershgorin: 2 p (1 - p))


def _largest_of(factor: Node) -> Expr:
    """The largest absolute value of an element of a factor: a mask, or a function of one array."""
    if factor.constant is not None:
        return sympy.Abs(factor.constant)
    if has_fact(factor, "between 0 and 1"):
        return Integer(1)
    arrays: set[Node] = set()
    body = _scalar(factor, arrays)
    found = largest_value(body) if len(arrays) < 2 else None
    if found is None:
        raise UnboundedError(factor)
    return found.value


def largest_element(system: System, node: Node) -> Expr | None:
    """Return the largest absolute value that an element of an array can have, or None where it is not bounded.

    Left sides of equations stand for the functions that make them.
    """
    maps = {each.target: each.expression for each in system.equations if isinstance(each.expression, n.Map)}
    try:
        return _largest_of(node.xreplace(maps))
    except UnboundedError:
        return None


def _scalar(node: Node, arrays: set[Node]) -> Expr:
    """What an elementwise formula makes of an element `T` of an array, which is added to `arrays`.

    What a function of several arrays reads is taken for one array: then its bound is that over all numbers.
    """
    if node.number is not None:
        return node.number
    if isinstance(node, n.Map) and len(node.operands) == 1:
        below: set[Node] = set()
        part = _scalar(node.operands[0], below)
        arrays |= below if len(below) < 2 else {node.operands[0]}
        return node.function.body.xreplace({T: part}) if len(below) < 2 else node.function.body
    if type(node) in SCALAR:
        return SCALAR[type(node)](*(_scalar(operand, arrays) for operand in node.operands))
    arrays.add(node)
    return T


SCALAR: dict[type[Node], Callable[..., Expr]] = {n.Add: sympy.Add, n.Multiply: sympy.Mul, n.Slice: lambda part: part}
"""What operations on arrays are for their elements."""


Largest = Callable[[Node], Expr | None]
"""What the elements of a formula are at most in absolute value, where that is known."""


def jacobian_bound(system: System, of: Variable, by: Variable, largest: Largest = lambda node: None) -> Expr:
    """Return an upper bound of the spectral norm of `d of / d by`, a polynomial in the norms of the weights.

    Walks back from `of` and adds the bounds of all paths: `1 + c ||W||` for a residual block. `largest` may know more
    of the factors of a product than their functions tell.

    >>> from symprop.networks import Dense, Input, Residual, Sigmoid
    >>> system = (Input(3) >> Residual(Dense(3) >> Sigmoid())).system()
    >>> jacobian_bound(system, system.output, system.inputs[0])
    ||W1||/4 + 1

    Raises:
        SpecError: a formula on the way for which no bound is known, or `by` does not lead to `of`.
    """
    arriving: dict[Variable, Expr] = {of: Integer(1)}
    maps = {each.target: each.expression for each in system.equations if isinstance(each.expression, n.Map)}
    between = stretch(system, of, by)
    on_the_way = {by}
    for equation in between:
        on_the_way |= set() if on_the_way.isdisjoint(variables(equation.expression)) else {equation.target}
    for equation in reversed(between):
        if equation.target == by or equation.target not in arriving:
            continue
        here = arriving.pop(equation.target)
        for variable, factor in _factors(equation.expression, maps, on_the_way, largest):
            arriving[variable] = arriving.get(variable, Integer(0)) + here * factor
    if by not in arriving:
        check_depends(tuple(system.equations), of, by)
        raise SpecError(f"{of.name} does not depend on {by.name}")
    for equation in system.equations:
        if norm(equation.target) in arriving[by].free_symbols:
            raise SpecError(f"no bound is known for a product with {equation.name}, which is no weight")
    return arriving[by]


def _factors(
    expression: Node, maps: Mapping[Node, Node], on_the_way: Container[Variable], largest: Largest
) -> list[tuple[Variable, Expr]]:
    """The variables of one equation's formula on the way, each path to one with its bound.

    The other factors of a product are what makes them, since the values of an activation may be bounded.
    """
    if isinstance(expression, Variable):
        return [(expression, Integer(1))] if expression in on_the_way else []
    found: list[tuple[Variable, Expr]] = []
    for position, operand in enumerate(expression.operands):
        below = _factors(operand, maps, on_the_way, largest)
        if not below or (isinstance(operand, Variable) and _is_weight(expression, position)):
            continue
        written, known = expression, Integer(1)
        if isinstance(expression, n.Multiply):
            sizes = [None if part is operand else largest(part) for part in expression.operands]
            parts = zip(expression.operands, sizes, strict=True)
            others = [part.xreplace(maps) if size is None else ones(*part.shape) for part, size in parts]
            written = n.Multiply(*others[:position], operand, *others[position + 1 :])
            known = sympy.prod([size for size in sizes if size is not None])
        factor = known * BOUND(written, position)
        found.extend((variable, factor * inner) for variable, inner in below)
    return found


def _is_weight(expression: Node, position: int) -> bool:
    """Whether the operand is the matrix of a product with a vector, through which no signal comes."""
    return (
        isinstance(expression, n.MatMul)
        and expression.operands[position].rank == 2
        and expression.operands[1 - position].rank == 1
    )
