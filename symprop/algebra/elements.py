"""The index meaning: each element of a node as a SymPy scalar. This is the definition; it proves the other tables.

`z = W @ x + b` means `z[i] = sum_j W[i,j] * x[j] + b[i]`. At integer sizes every sum is written out and a leaf is one
symbol per element (`W1[0,2]`); at symbolic sizes and indices a leaf is a `sympy.Indexed` and a sum a `sympy.Sum`.

Reference: the index calculus of Laue, Mitterreiter and Giesen, "Computing Higher Order Derivatives of Matrix and
Tensor Expressions" (NeurIPS 2018).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Integer, KroneckerDelta

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import broadcast, shape_text
from symprop.algebra.sizes import as_expression
from symprop.algebra.table import Table
from symprop.algebra.trees import comparison
from symprop.errors import ShapeError

ELEMENT = Table("element")
"""Rows take a node, an index into it, and the `Reader` that gives elements of its operands."""

Index = tuple[Any, ...]
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": sympy.Gt,
    ">=": sympy.Ge,
    "<": sympy.Lt,
    "<=": sympy.Le,
    "==": sympy.Eq,
    "!=": sympy.Ne,
}
"""The comparisons of NumPy notation between SymPy scalars."""


class Reader:
    """Gives elements of nodes and remembers them; `values` are arrays that stand for some variables (ids above all)."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = dict(values or {})
        self._known: dict[tuple[Node, Index], Expr] = {}
        self._names = (sympy.Symbol(f"k{number}", integer=True) for number in itertools.count(1))

    def __call__(self, node: Node, index: Index) -> Expr:
        """Return element `index` of `node`."""
        key = (node, index)
        if key not in self._known:
            self._known[key] = ELEMENT(node, index, self)
        return self._known[key]

    def sum(self, term: Callable[[Any], Expr], size: Expr) -> Expr:
        """Return `term(0) + ... + term(size - 1)`, written out where `size` is a number."""
        if size.is_Integer:
            return sympy.Add(*(term(Integer(k)) for k in range(int(size))))
        k = next(self._names)
        return sympy.Sum(term(k), (k, 0, size - 1))

    def sum_over(self, term: Callable[[Index], Expr], sizes: tuple[Expr, ...]) -> Expr:
        """Return the sum of `term` over all indices into an array of the given sizes."""
        if not sizes:
            return term(())
        return self.sum(lambda k: self.sum_over(lambda rest: term((k, *rest)), sizes[1:]), sizes[0])


def element(node: Node, index: Index, values: Mapping[str, Any] | None = None) -> Expr:
    """Return one element of `node` as a SymPy scalar.

    >>> from symprop.algebra import variable
    >>> W, x = variable("W", (3, 2)), variable("x", (2,))
    >>> element(W @ x, (1,))
    W[1,0]*x[0] + W[1,1]*x[1]
    >>> n, i = sympy.Symbol("n", integer=True, positive=True), sympy.Symbol("i", integer=True)
    >>> element(variable("W", (3, n)) @ variable("x", (n,)), (i,))
    Sum(W[i, k1]*x[k1], (k1, 0, n - 1))

    Raises:
        ShapeError: the index does not fit the shape.
    """
    if len(index) != node.rank:
        raise ShapeError(f"index {index} into an array of shape {shape_text(node.shape)}")
    return Reader(values)(node, tuple(map(as_expression, index)))


def elements(node: Node, values: Mapping[str, Any] | None = None, reader: Reader | None = None) -> np.ndarray:
    """Return all elements of `node`, whose sizes must be numbers, as an array of SymPy scalars.

    >>> from symprop.algebra import variable
    >>> elements(variable("u", (2,)) * 3).tolist()
    [3*u[0], 3*u[1]]
    """
    reader = reader or Reader(values)
    result = np.empty(sizes_of(node), dtype=object)
    for index in indices(node.shape):
        result[tuple(map(int, index))] = reader(node, index)
    return result


def sizes_of(node: Node) -> tuple[int, ...]:
    """Return the shape of `node` as integers.

    Raises:
        ShapeError: a size is a symbol.
    """
    if not all(size.is_Integer for size in node.shape):
        raise ShapeError(f"the shape {shape_text(node.shape)} has symbols; give them numbers first")
    return tuple(int(size) for size in node.shape)


def indices(shape: tuple[Expr, ...]) -> Iterator[Index]:
    """Yield every index into an array of integer sizes, in row-major order."""
    return itertools.product(*([Integer(k) for k in range(int(size))] for size in shape))


def _aligned(index: Index, shape: tuple[Expr, ...]) -> Index:
    """Return the index of an operand of `shape` that broadcasts to `index` of the result."""
    last = index[len(index) - len(shape) :]
    return tuple(Integer(0) if size == 1 else position for position, size in zip(last, shape, strict=True))


def _symbol(node: Variable, index: Index) -> Expr:
    kinds = node.facts_by_kind.keys()
    if all(position.is_Integer for position in index):
        name = f"{node.name}[{','.join(map(str, index))}]" if index else node.name
        if "index" in kinds:
            return sympy.Symbol(name, integer=True, nonnegative=True)
        if kinds & {"nonnegative", "between 0 and 1"}:
            return sympy.Symbol(name, real=True, nonnegative=True)
        return sympy.Symbol(name, real=True)
    return sympy.Indexed(sympy.IndexedBase(node.name, real=True), *index)


@ELEMENT.row(n.Variable)
def _(node: n.Variable, index: Index, of: Reader) -> Expr:
    if node.name in of.values:
        return as_expression(np.asarray(of.values[node.name])[tuple(map(int, index))])
    return _symbol(node, index)


@ELEMENT.row(n.Scalar, n.Fill)
def _(node: Any, index: Index, of: Reader) -> Expr:
    return node.value


@ELEMENT.row(n.Data)
def _(node: n.Data, index: Index, of: Reader) -> Expr:
    return node.rule.xreplace(dict(zip(AXES, index, strict=False)))


@ELEMENT.row(n.Identity)
def _(node: n.Identity, index: Index, of: Reader) -> Expr:
    return KroneckerDelta(*index)


@ELEMENT.row(n.Add)
def _(node: n.Add, index: Index, of: Reader) -> Expr:
    return sympy.Add(*(of(operand, _aligned(index, operand.shape)) for operand in node.operands))


@ELEMENT.row(n.Multiply)
def _(node: n.Multiply, index: Index, of: Reader) -> Expr:
    return sympy.Mul(*(of(operand, _aligned(index, operand.shape)) for operand in node.operands))


@ELEMENT.row(n.Power)
def _(node: n.Power, index: Index, of: Reader) -> Expr:
    return of(node.operands[0], index) ** node.exponent


@ELEMENT.row(n.MatMul)
def _(node: n.MatMul, index: Index, of: Reader) -> Expr:
    left, right = node.operands  # out[..., i, j] = sum_k left[..., i, k] * right[..., k, j]
    column = index[len(index) - 1 :] if right.rank > 1 else ()
    before = index[: len(index) - len(column)]
    row = before[len(before) - 1 :] if left.rank > 1 else ()
    leading = before[: len(before) - len(row)]

    over_left, over_right = _aligned(leading, left.shape[:-2]), _aligned(leading, right.shape[:-2])
    return of.sum(lambda k: of(left, (*over_left, *row, k)) * of(right, (*over_right, k, *column)), left.shape[-1])


@ELEMENT.row(n.Outer)
def _(node: n.Outer, index: Index, of: Reader) -> Expr:
    left, right = node.operands
    return of(left, index[:1]) * of(right, index[1:])


@ELEMENT.row(n.Structural)
def _(node: n.Structural, index: Index, of: Reader) -> Expr:
    moved = node.index_map
    place = moved.at(index)
    ends = ((place[axis], moved.source[axis]) for axis in moved.leaving)
    inside = sympy.And(*(condition for at, size in ends for condition in (at >= 0, at < size)))
    if inside == sympy.false:
        return moved.outside
    read = of(node.operands[0], place)
    return read if inside == sympy.true else sympy.Piecewise((read, inside), (moved.outside, True))


def with_axes(index: Index, axes: tuple[int, ...], inner: Index, rank: int, keepdims: bool) -> Index:
    """Return the operand's index: `inner` at the summed `axes`, the result's `index` at the others."""
    kept = [position for axis, position in enumerate(index) if axis not in axes] if keepdims else list(index)
    summed = dict(zip(axes, inner, strict=True))
    rest = iter(kept)
    return tuple(summed[axis] if axis in summed else next(rest) for axis in range(rank))


@ELEMENT.row(n.Sum)
def _(node: n.Sum, index: Index, of: Reader) -> Expr:
    operand = node.operands[0]
    sizes = tuple(operand.shape[axis] for axis in node.axes)
    return of.sum_over(lambda k: of(operand, with_axes(index, node.axes, k, operand.rank, node.keepdims)), sizes)


@ELEMENT.row(n.Reshape)
def _(node: n.Reshape, index: Index, of: Reader) -> Expr:
    flat: Any = Integer(0)
    for position, size in zip(index, node.shape, strict=True):
        flat = flat * size + position
    inside: list[Any] = []
    for size in reversed(node.operands[0].shape):
        inside.append(flat % size)
        flat = flat // size
    return of(node.operands[0], tuple(reversed(inside)))


@ELEMENT.row(n.Diag)
def _(node: n.Diag, index: Index, of: Reader) -> Expr:
    return KroneckerDelta(*index) * of(node.operands[0], index[:1])


@ELEMENT.row(n.Map)
def _(node: n.Map, index: Index, of: Reader) -> Expr:
    arguments = (of(operand, _aligned(index, operand.shape)) for operand in node.operands)
    definition: Expr = node.function.definition  # plain SymPy, so that nothing here knows a function by name
    return definition.subs(dict(zip(node.function.parameters, arguments, strict=True)), simultaneous=True)


def _relation(node: n.Compare, index: Index, of: Reader) -> Any:
    return RELATIONS[node.relation](*(of(operand, _aligned(index, operand.shape)) for operand in node.operands))


@ELEMENT.row(n.Compare)
def _(node: n.Compare, index: Index, of: Reader) -> Expr:
    return sympy.Piecewise((1, _relation(node, index, of)), (0, True))


@ELEMENT.row(n.Where)
def _(node: n.Where, index: Index, of: Reader) -> Expr:
    condition, yes, no = node.operands
    place = _aligned(index, condition.shape)
    holds = _relation(comparison(condition), place, of)
    return sympy.Piecewise((of(yes, _aligned(index, yes.shape)), holds), (of(no, _aligned(index, no.shape)), True))


def _sum_of_exp(operand: Node, axis: int, index: Index, of: Reader) -> Expr:
    """Return the sum of `exp` along `axis`; `index` leaves that axis out."""
    return of.sum(lambda k: sympy.exp(of(operand, (*index[:axis], k, *index[axis:]))), operand.shape[axis])


@ELEMENT.row(n.Softmax)
def _(node: n.Softmax, index: Index, of: Reader) -> Expr:
    operand, axis = node.operands[0], node.axis
    return sympy.exp(of(operand, index)) / _sum_of_exp(operand, axis, index[:axis] + index[axis + 1 :], of)


@ELEMENT.row(n.LogSumExp)
def _(node: n.LogSumExp, index: Index, of: Reader) -> Expr:
    axis = node.axis
    kept = index[:axis] + index[axis + 1 :] if node.keepdims else index
    return sympy.log(_sum_of_exp(node.operands[0], axis, kept, of))


@ELEMENT.row(n.BatchMean)
def _(node: n.BatchMean, index: Index, of: Reader) -> Expr:
    raise ShapeError(
        "a mean over the examples of a batch has no meaning for one example\nallowed: a batch, in rows or columns"
    )


@ELEMENT.row(n.Pullback)
def _(node: n.Pullback, index: Index, of: Reader) -> Expr:
    cotangent, expression, by = node.operands  # out[j] = sum_i cotangent[i] * d expression[i] / d by[j]
    symbol = _free(by, index, of)

    def term(i: Index) -> Expr:
        inner = of(expression, _aligned(i, expression.shape))
        return of(cotangent, _aligned(i, cotangent.shape)) * sympy.diff(inner, symbol)

    return of.sum_over(term, broadcast(cotangent.shape, expression.shape))


@ELEMENT.row(n.Pushforward)
def _(node: n.Pushforward, index: Index, of: Reader) -> Expr:
    expression, by, tangent = node.operands  # out[i] = sum_j d expression[i] / d by[j] * tangent[j]
    inner = of(expression, index)
    return of.sum_over(lambda j: sympy.diff(inner, _free(by, j, of)) * of(tangent, j), by.shape)


def _free(by: Node, index: Index, of: Reader) -> Expr:
    """Return the symbol by which is differentiated.

    Raises:
        ShapeError: it is a formula, or has a value.
    """
    if not isinstance(by, Variable) or by.name in of.values:
        raise ShapeError(f"no derivative with respect to {by.text()}: it must be a variable without a value")
    return _symbol(by, index)
