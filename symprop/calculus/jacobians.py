"""Jacobians between the vectors of a network, as matrices: one for each equation, multiplied by the chain rule.

A tangent `u` is pushed through an equation; what comes out is linear in `u`, and `linear_maps.py` reads its matrix off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import is_zero, ones, variables, zeros
from symprop.calculus.chains import links
from symprop.calculus.coefficients import ones_among_matrices
from symprop.calculus.linear_maps import flat, matrix_of
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.errors import ShapeError


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
    """Return the Jacobian of a vector or scalar `expression` with respect to another: `(len expression, len by)`.

    Raises:
        ShapeError: one of the two is a matrix; its derivative is read as a gradient.
    """
    _check_vectors((expression, "a formula"), (by, by.name))
    return _matrix(expression, by, context)


def _check_vectors(*parts: tuple[Node, str]) -> None:
    for part, name in parts:
        if part.rank > 1:
            problem = f"a Jacobian is between vectors; {name} has shape {shape_text(part.shape)}"
            raise ShapeError(f"{problem}\nfor the derivative with respect to a matrix ask for the gradient of the loss")


def _matrix(expression: Node, by: Variable, context: Context) -> Node:
    """Return the Jacobian of an expression of any rank, elements of both in row-major order."""
    tangent = Variable("tangent", (), by.shape)
    pushed, _ = simplified(pushforward(expression, by, tangent), context)
    return tidy(matrix_of(pushed, tangent))


def chained(equations: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    """Return the Jacobian of `of` with respect to `by` through the equations, in factored form.

    Where every way from `by` to `of` passes through one variable, the Jacobian is a product of two; so a residual
    block contributes one factor, `J + I`. A scalar `of` is pulled back instead, one simplified gradient at a time.

    Raises:
        ShapeError: one of the two is a matrix, and `of` no scalar.
    """
    between = _between(equations, of, by)
    if of.rank == 0:
        return _pulled_back(between, of, by, n.Scalar(1), context)
    _check_vectors((of, of.name), (by, by.name))
    return _through_cuts(between, of, by, context)


def matrix_through(equations: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    """Return the same between arrays of any rank but 0, elements of both in row-major order."""
    return _through_cuts(_between(equations, of, by), of, by, context)


def _through_cuts(between: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    total: Node | None = None
    for (start, first), (stop, last) in pairwise(_cuts(between, by)):
        piece = _pushed_forward(between[start:stop], last, first, context)
        total = piece if total is None else _product(piece, total)
    if total is None:
        return n.Identity(*flat(by.shape)) if of == by else zeros(*flat(of.shape), *flat(by.shape))
    return _with_ones(tidy(total))


def by_paths(equations: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    """Return the Jacobian of one vector with respect to another as a sum over the paths between them."""
    between = _between(equations, of, by)
    return tidy(_pushed_forward(between, of, by, context)) if between else zeros(*of.shape, *by.shape)


def _with_ones(node: Node) -> Node:
    """A Jacobian with the matrices of ones that its tidy form leaves out, `I - 1 1' / n`."""
    node = node.with_operands(map(_with_ones, node.operands)) if node.operands else node
    return ones_among_matrices(node) or node if isinstance(node, n.Add) else node


def between_vectors(equations: Sequence[Equation], of: Variable, by: Variable) -> bool:
    """Whether all ways from `by` to `of` pass through vectors and scalars alone, so that there is a Jacobian.

    >>> from symprop.networks import Dense, Embedding, Input, Residual
    >>> flat = (Input(3) >> Embedding(5, 2) >> Residual(Dense(6))).system()
    >>> rows = (Input(3) >> Embedding(5, 2, flatten=False) >> Residual(Dense(2))).system()
    >>> given = [tuple(each.equations) for each in (flat, rows)]
    >>> [between_vectors(each, each[-1].target, each[0].target) for each in given]
    [True, False]
    """
    found = (of, by, *(equation.target for equation in _between(equations, of, by)))
    return all(variable.rank < 2 for variable in found)


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


def _cuts(between: Sequence[Equation], by: Variable) -> list[tuple[int, Variable]]:
    """The arrays, after `by`, through which every way leads, each with the number of equations up to its own."""
    order = {by: 0}
    reach = {0: 0}  # place of a variable -> the last place that reads it
    for place, equation in enumerate(between, start=1):
        order[equation.target] = place
        for variable in variables(equation.expression):
            if variable in order:
                reach[order[variable]] = place
    cuts, furthest = [(0, by)], reach[0]
    for variable, place in list(order.items())[1:]:
        if furthest <= place and variable.rank:
            cuts.append((place, variable))
        furthest = max(furthest, reach.get(place, place))
    return cuts


def _pushed_forward(between: Sequence[Equation], of: Variable, by: Variable, context: Context) -> Node:
    reached: dict[Variable, Node] = {by: n.Identity(*flat(by.shape)) if by.rank else n.Scalar(1)}
    numbers: dict[Variable, Equation] = {}  # between vectors, which a Jacobian goes through with what reads them
    for equation in between:
        if by.rank and not equation.target.rank:
            numbers[equation.target] = equation
            continue
        passed = _passed(equation, numbers)
        read = dict.fromkeys(variable for each in passed for variable in variables(each.expression))
        parts = [
            _product(_local(passed, variable, context), reached[variable]) for variable in read if variable in reached
        ]
        reached[equation.target] = tidy(_sum(parts))
    return reached[of]


def _passed(equation: Equation, numbers: Mapping[Variable, Equation]) -> list[Equation]:
    """The equations of numbers that an equation reads, and those that these read, before it."""
    wanted = {equation.target}
    found = []
    for each in reversed([*numbers.values(), equation]):
        if each.target in wanted:
            wanted |= set(variables(each.expression))
            found.append(each)
    return found[::-1]


def _local(passed: Sequence[Equation], by: Variable, context: Context) -> Node:
    """The Jacobian of the last of some equations by what they read.

    Where it goes through numbers, as that of a normalised vector does, a cotangent is pulled back through all of them
    at once, so that rules meet what the ways have in common; its matrix is the transpose.
    """
    *numbers, last = passed
    if not numbers:
        return _matrix(last.expression, by, context)
    cotangent = Variable("cotangent", (), last.target.shape)
    pulled = _pulled_back(passed, last.target, by, cotangent, context)
    return tidy(n.Transpose(tidy(matrix_of(pulled, cotangent))))


def _pulled_back(between: Sequence[Equation], of: Variable, by: Variable, cotangent: Node, context: Context) -> Node:
    flows: dict[Variable, list[Node]] = {of: [cotangent]}
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
    match local, inner:
        case (n.Identity(), other) | (other, n.Identity()):
            return other
        case n.Concatenate(operands=blocks, axis=0), _ if all(is_zero(b) or isinstance(b, n.Identity) for b in blocks):
            rows = [zeros(b.shape[0], *inner.shape[1:]) if is_zero(b) else _product(b, inner) for b in blocks]
            return n.Concatenate(*rows, axis=0)  # [0 ; I] J = [0 ; J]
    return reduce(n.MatMul, [local, *links(inner)]) if local.rank and inner.rank else n.Multiply(local, inner)


def _sum(parts: Sequence[Node]) -> Node:
    """The sum of Jacobians; those of the parts of one row stand below each other, `[J ; 0] + [0 ; K] = [J ; K]`."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, n.Concatenate) and part.axis == 0 for part in parts):
        stacks = list(zip(*(part.operands for part in parts), strict=False))
        alike = len({tuple(block.shape for block in part.operands) for part in parts}) == 1
        if alike and all(sum(not is_zero(block) for block in stack) <= 1 for stack in stacks):
            return n.Concatenate(*(next((b for b in s if not is_zero(b)), s[0]) for s in stacks), axis=0)
    return n.Add(*parts)


__all__ = ["by_paths", "chained", "jacobian", "matrix_through", "pushforward"]
