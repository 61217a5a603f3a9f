"""Jacobians as matrices: the matrix of the linear map that the pushforward table gives.

A tangent `u` is pushed through an expression; what comes out is linear in `u`. `matrix_of` reads the matrix off it:
`W @ u` has the matrix `W`, `d * u` has `diag(d)`, a sum of maps the sum of their matrices (the `+ I` of a residual
block is the matrix of `u` itself). The chain rule multiplies the matrices of the equations on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.table import Table
from symprop.algebra.trees import ones, replace, variables, walk, zeros
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.errors import ShapeError

MATRIX = Table("matrix of a linear map")


def pushforward(expression: Node, by: Node, tangent: Node) -> Node:
    """Return the tangent of `expression` when `by` has the given tangent and all else is constant.

    >>> from symprop.algebra import variable
    >>> W, x, u = variable("W", (3, 4)), variable("x", (4,)), variable("u", (4,))
    >>> tidy(pushforward(W @ x, x, u)) == W @ u
    True
    """
    if expression == by:
        return tangent
    parts = [
        PUSHFORWARD(expression, position, pushforward(operand, by, tangent))
        for position, operand in enumerate(expression.operands)
        if by in variables(operand)
    ]
    if not parts:
        return zeros(*expression.shape)
    total = parts[0] if len(parts) == 1 else n.Add(*parts)
    return total if total.shape == expression.shape else n.Multiply(total, ones(*expression.shape))


def jacobian(expression: Node, by: Variable, context: Context) -> Node:
    """Return the Jacobian of a vector or scalar `expression` by a vector or scalar: `(len expression, len by)`.

    Raises:
        ShapeError: one of the two is a matrix; its derivative by a matrix is read as a gradient.
    """
    for part, name in ((expression, "a formula"), (by, by.name)):
        if part.rank > 1:
            problem = f"a Jacobian is between vectors; {name} has shape {shape_text(part.shape)}"
            raise ShapeError(f"{problem}\nfor the derivative by a matrix ask for the gradient of the loss")
    tangent = Variable("tangent", (), by.shape)
    pushed, _ = simplified(pushforward(expression, by, tangent), context)
    return tidy(matrix_of(pushed, tangent))


def matrix_of(node: Node, tangent: Variable) -> Node:
    """Return the matrix of a map linear in `tangent`, of shape `node.shape + tangent.shape`."""
    if node == tangent:
        return n.Identity(tangent.shape[0]) if tangent.rank else n.Scalar(1)
    if tangent not in set(walk(node)):
        return zeros(*node.shape, *tangent.shape)
    return (by_columns if node.rank > 1 else MATRIX)(node, tangent, matrix_of)


Recursion = Callable[[Node, Variable], Node]


def _scaled_rows(weights: Node, matrix: Node) -> Node:
    """Row `i` of `matrix` times `weights[i]`: `diag(weights) @ matrix`."""
    if isinstance(matrix, n.Add) and any(term.rank == 2 and term.shape[0] == 1 for term in matrix.operands):
        return n.Add(*(_scaled_rows(weights, term) for term in matrix.operands))  # diag(p) (I - 1 p') = diag(p) - p p'
    if weights.rank == 0 or matrix.rank == 0:
        return n.Multiply(weights, matrix)
    if weights.shape[0] == 1 and matrix.shape[0] != 1:
        return n.Multiply(n.Sum(weights), matrix)
    if matrix.rank == 1:
        return n.Multiply(weights, matrix) if weights.shape == matrix.shape else n.Outer(weights, matrix)
    if matrix.shape[0] == 1 and weights.shape[0] != 1:
        coefficient, row = coefficient_and_rest(tidy(matrix))
        if isinstance(row, n.Expand) and row.axis == 0:
            return scaled(coefficient, n.Outer(weights, row.operands[0]))
        return n.MatMul(n.Expand(weights, 1), matrix)
    return n.MatMul(n.Diag(weights), matrix)


@MATRIX.row(n.Add)
def _(node: n.Add, u: Variable, matrix: Recursion) -> Node:
    parts = [matrix(term, u) for term in node.operands if u in set(walk(term))]
    spread = [part if part.rank == node.rank + u.rank else n.Expand(part, 0) for part in parts]
    return n.Add(*spread) if len(spread) > 1 else spread[0]


@MATRIX.row(n.Multiply)
def _(node: n.Multiply, u: Variable, matrix: Recursion) -> Node:
    inner = next(factor for factor in node.operands if u in set(walk(factor)))
    others = [factor for factor in node.operands if factor is not inner]
    weights = others[0] if len(others) == 1 else n.Multiply(*others)
    below = matrix(inner, u)
    if inner.rank == 0 and weights.rank == 1 and u.rank == 1:
        return n.Outer(weights, below)  # d * (c' u) = (d c') u
    return _scaled_rows(weights, below)


@MATRIX.row(n.MatMul)
def _(node: n.MatMul, u: Variable, matrix: Recursion) -> Node:
    left, right = node.operands
    if u in set(walk(right)):
        below = matrix(right, u)
        if left.rank == 1 and below.rank == 2:
            return n.MatMul(n.Transpose(below), left)
        return n.MatMul(left, below)
    below = matrix(left, u)  # (B' x)' = x' B
    if right.rank == 1:
        return n.MatMul(n.Transpose(below), right) if below.rank == 2 else n.MatMul(right, below)
    return n.MatMul(n.Transpose(right), below)


@MATRIX.row(n.Sum)
def _(node: n.Sum, u: Variable, matrix: Recursion) -> Node:
    operand = node.operands[0]
    inner = operand.operands if isinstance(operand, n.Multiply) else (operand,)
    others = [factor for factor in inner if factor != u]
    if (
        len(others) == len(inner) - 1
        and others
        and operand.rank == 1
        and all(u not in set(walk(part)) for part in others)
    ):
        weights = others[0] if len(others) == 1 else n.Multiply(*others)  # sum(w * u) has the matrix w'
        row = weights if weights.rank else n.Multiply(weights, ones(*operand.shape))
        return n.Expand(row, 0) if node.keepdims else row
    below = matrix(operand, u)
    return n.Sum(below, node.axes, node.keepdims)


@MATRIX.row(n.Expand)
def _(node: n.Expand, u: Variable, matrix: Recursion) -> Node:
    return n.Expand(matrix(node.operands[0], u), node.axis)


@MATRIX.row(n.Where)
def _(node: n.Where, u: Variable, matrix: Recursion) -> Node:
    condition, yes, no = node.operands
    zero, one = n.Scalar(0), n.Scalar(1)
    parts = []
    for branch, holds in ((yes, n.Where(condition, one, zero)), (no, n.Where(condition, zero, one))):
        if u in set(walk(branch)):
            parts.append(_scaled_rows(holds, matrix(branch, u)))
    return n.Add(*parts) if len(parts) > 1 else parts[0]


@MATRIX.row(n.Reshape, n.Transpose, n.Diagonal, n.Diag, n.Outer, n.Take, n.ScatterAdd)
def by_columns(node: Node, u: Variable, matrix: Recursion) -> Node:
    """The map of each unit vector, by the batch table: right for every kind, if not the shortest form."""
    if u.rank == 0:
        return replace(node, {u: n.Scalar(1)})
    tangents = u.change(letter="tangents", shape=u.shape * 2)
    images = replace(batched(node, {u: tangents}, u.shape[0], "rows"), {tangents: n.Identity(u.shape[0])})
    return n.Transpose(images, (*range(1, node.rank + 1), 0))


@MATRIX.row(n.Variable, n.Scalar, n.Fill, n.Identity, n.OneHot, n.Map, n.Compare, n.Power, n.Softmax, n.LogSumExp)
def _(node: Node, u: Variable, matrix: Recursion) -> Node:
    raise LookupError(f"{type(node).__name__} is not linear")


def chained(equations: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    """Return the Jacobian of `of` by `by` through the equations, in factored form.

    Where every way from `by` to `of` passes through one variable, the Jacobian is a product of two; so a residual
    block contributes one factor, `J + I`. A scalar `of` is pulled back instead, one simplified gradient at a time.
    """
    between = _between(equations, of, by)
    if of.rank == 0:
        return _pulled_back(between, of, by, context)
    cuts = _cuts(between, by)
    total: Node | None = None
    for first, last in pairwise(cuts):
        piece = _pushed_forward(between, last, first, context)
        total = piece if total is None else _product(piece, total)
    if total is None:
        return n.Identity(by.shape[0]) if of == by else zeros(*of.shape, *by.shape)
    return tidy(total)


def _between(equations: Sequence[Equation], of: Variable, by: Variable) -> list[Equation]:
    """The equations on some way from `by` to `of`, in order."""
    from_by = {by}
    forward = []
    for equation in equations:
        if equation.target != by and any(variable in from_by for variable in variables(equation.expression)):
            from_by.add(equation.target)
            forward.append(equation)
    to_of = {of}
    kept = []
    for equation in reversed(forward):
        if equation.target in to_of:
            to_of |= set(variables(equation.expression))
            kept.append(equation)
    return kept[::-1]


def _cuts(between: Sequence[Equation], by: Variable) -> list[Variable]:
    """The variables, `by` first, through which every way leads."""
    order = {by: 0}
    reach = {0: 0}  # place of a variable -> the last place that reads it
    for place, equation in enumerate(between, start=1):
        order[equation.target] = place
        for variable in variables(equation.expression):
            if variable in order:
                reach[order[variable]] = place
    cuts, furthest = [by], reach[0]
    for variable, place in list(order.items())[1:]:
        if furthest <= place:
            cuts.append(variable)
        furthest = max(furthest, reach.get(place, place))
    return cuts


def _pushed_forward(between: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    reached: dict[Variable, Node] = {by: n.Identity(by.shape[0]) if by.rank else n.Scalar(1)}
    for equation in between:
        reading = [variable for variable in variables(equation.expression) if variable in reached]
        if reading and equation.target != by:
            parts = [_product(jacobian(equation.expression, each, context), reached[each]) for each in reading]
            reached[equation.target] = tidy(n.Add(*parts) if len(parts) > 1 else parts[0])
        if equation.target == of:
            break
    return reached[of]


def _pulled_back(between: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    flows: dict[Variable, list[Node]] = {of: [n.Scalar(1)]}
    reading = {by, *(equation.target for equation in between)}
    for equation in reversed(between):
        g = _gathered(flows.pop(equation.target), context)
        for variable in variables(equation.expression):
            if variable in reading:
                flows.setdefault(variable, []).insert(0, n.Pullback(g, equation.expression, variable))
    return _gathered(flows[by], context) if by in flows else zeros(*by.shape)


def _gathered(parts: list[Node], context: Context) -> Node:
    return simplified(parts[0] if len(parts) == 1 else n.Add(*parts), context)[0]


def _product(local: Node, inner: Node) -> Node:
    """The product of two Jacobians, associated to the left, the way that a chain is read."""
    if isinstance(local, n.Identity) or isinstance(inner, n.Identity):
        return inner if isinstance(local, n.Identity) else local
    if local.rank == 0 or inner.rank == 0:
        return n.Multiply(local, inner)
    if isinstance(inner, n.MatMul) and inner.operands[0].rank == 2:
        return n.MatMul(_product(local, inner.operands[0]), inner.operands[1])
    return n.MatMul(local, inner)


__all__ = ["MATRIX", "chained", "jacobian", "matrix_of", "pushforward"]
