"""The questions of matrix calculus about one formula: gradient, Jacobian, Hessian, and products with them.

First order is a `Pullback` worked out (reverse mode) or a `Pushforward` (forward mode). The Hessian is the matrix of
the pushforward of the gradient; a Hessian-vector product is that pushforward itself and never builds the matrix
(Pearlmutter, *Fast exact multiplication by the Hessian*, 1994). Declared facts hold for values, not for derivatives:
while a variable is differentiated by, its own facts are put aside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from symprop.algebra import nodes as n
from symprop.algebra.equations import Step
from symprop.algebra.formula import Formula
from symprop.algebra.names import closest, variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import replace, variables
from symprop.calculus.coefficients import same_shape
from symprop.calculus.known_forms import with_known_forms
from symprop.calculus.linear_maps import flat, matrix_of
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.errors import FormulaError, listed, shown
from symprop.formulas.finishing import finished
from symprop.formulas.ledger import ledger
from symprop.formulas.remarks import remarks
from symprop.formulas.result import Result


def gradient(formula: Formula, by: str) -> Result:
    """Return the gradient of a scalar formula by one of its variables, in the variable's shape.

    >>> from symprop.algebra.formula import formula
    >>> print(gradient(formula("sum((X @ W - Y)**2)", X="m n", W="n k", Y="m k"), "W").node.text())
    2 * X.T @ (X @ W - Y)

    Raises:
        FormulaError: the formula is no scalar, or has no variable of this name, or `by` holds ids.
    """
    x = differentiable(formula, by)
    _scalar(formula, "a gradient", f'jacobian(formula, "{x.name}")')
    return _answer(_asked("gradient", formula, x), lambda f: n.Pullback(n.Scalar(1), f, x))


def vjp(formula: Formula, by: str, direction: str = "v") -> Result:
    """Return the vector-Jacobian product `sum_i v_i d f_i / d x`, in the shape of `by`.

    >>> from symprop.algebra.formula import formula
    >>> print(vjp(formula("tanh(A @ x)", A="m n", x="n"), "x").node.text())
    A.T @ (v * (1 - tanh(A @ x)**2))

    Raises:
        FormulaError: no such variable, or a direction whose name or shape is taken by another.
    """
    x = differentiable(formula, by)
    v = _direction(formula, direction, formula.node)
    return _answer(_asked("vjp", formula, x, along=v), lambda f: n.Pullback(v, f, x))


def jvp(formula: Formula, by: str, direction: str = "u") -> Result:
    """Return the Jacobian-vector product `sum_j d f / d x_j u_j`, in the shape of the formula.

    >>> from symprop.algebra.formula import formula
    >>> print(jvp(formula("tanh(A @ x)", A="m n", x="n"), "x").node.text())
    (1 - tanh(A @ x)**2) * (A @ u)

    Raises:
        FormulaError: no such variable, or a direction whose name or shape is taken by another.
    """
    x = differentiable(formula, by)
    u = _direction(formula, direction, x)
    return _answer(_asked("jvp", formula, x, along=u), lambda f: n.Pushforward(f, x, u))


def jacobian(formula: Formula, by: str) -> Result:
    """Return the Jacobian: a row for each element of the formula, a column for each of `by`, both in row-major order.

    >>> from symprop.algebra.formula import formula
    >>> print(jacobian(formula("x + tanh(A @ x)", A="n n", x="n"), "x").node.text())
    eye(n) + diag(1 - tanh(A @ x)**2) @ A

    Raises:
        FormulaError: no such variable.
    """
    x = differentiable(formula, by)
    if not formula.shape:
        return _answer(_asked("jacobian", formula, x), lambda f: n.Pullback(n.Scalar(1), f, x))
    u = _free("u", formula, x)
    start, steps = _started(formula.node, lambda f: n.Pushforward(f, x, u))
    return _matrix(_asked("jacobian", formula, x), start, u, steps)


def hessian(formula: Formula, by: str, second: str | None = None) -> Result:
    """Return the Hessian of a scalar formula: rows by the elements of `by`, columns by those of `second` (or `by`).

    >>> from symprop.algebra.formula import formula
    >>> print(hessian(formula("x @ A @ x", A="n n", x="n"), "x").node.text())
    A + A.T

    Raises:
        FormulaError: the formula is no scalar, or has no such variable.
    """
    x = differentiable(formula, by)
    y = x if second is None else differentiable(formula, second)
    _scalar(formula, "a Hessian", f'jacobian(formula, "{x.name}")')
    u = _free("u", formula, y)
    first, steps = _bare_gradient(formula, x, y)
    if not x.rank:  # one row, in the shape of `y`
        return _worked_out(_asked("hessian", formula, x, y), n.Pullback(n.Scalar(1), first, _bare(y)), steps)
    return _matrix(_asked("hessian", formula, x, y), n.Pushforward(first, _bare(y), u), u, steps)


def hvp(formula: Formula, by: str, direction: str = "v") -> Result:
    """Return the Hessian of a scalar formula times a direction, in the shape of `by`, without the Hessian.

    >>> from symprop.algebra.formula import formula
    >>> print(hvp(formula("x @ A @ x", A="n n", x="n"), "x").node.text())
    (A + A.T) @ v

    Raises:
        FormulaError: the formula is no scalar, or has no such variable, or the direction's name is taken.
    """
    x = differentiable(formula, by)
    _scalar(formula, "a Hessian-vector product", f'jvp(formula, "{x.name}", "u")')
    v = _direction(formula, direction, x)
    first, steps = _bare_gradient(formula, x, x)
    return _worked_out(_asked("hvp", formula, x, along=v), n.Pushforward(first, _bare(x), v), steps)


# ---------------------------------------------------------------- what may be asked


def differentiable(formula: Formula, name: str) -> Variable:
    """Return the variable of this name.

    Raises:
        FormulaError: there is none, or it holds ids; the others are listed.
    """
    known = {each.name: each for each in formula.variables}
    allowed = [each.name for each in formula.variables if "index" not in each.facts_by_kind]
    if not isinstance(name, str) or name not in known:
        hint = closest(name, known) if isinstance(name, str) else ""
        raise FormulaError(f"the formula has no variable {shown(name)}{hint}\nallowed: {listed(allowed)}")
    if "index" in known[name].facts_by_kind:
        raise FormulaError(f"{shown(name)} holds ids, which have no derivative\nallowed: {listed(allowed)}")
    return known[name]


def _scalar(formula: Formula, what: str, instead: str) -> None:
    if formula.shape:
        problem = f"{what} is of a scalar, and {shown(formula.source)} has shape {shape_text(formula.shape)}"
        raise FormulaError(f"{problem}\nallowed: {instead}, or a scalar such as the sum of the elements")


def _direction(formula: Formula, name: str, like: Node) -> Variable:
    """Return the variable `name`, declared or new, with the shape of `like`."""
    for each in formula.variables:
        if each.name == name:
            if not same_shape(each, like):
                problem = f"the direction {shown(name)} has shape {shape_text(each.shape)}"
                raise FormulaError(f"{problem}; it must have shape {shape_text(like.shape)}")
            if each in variables(formula.node):
                raise FormulaError(f"{shown(name)} is a variable of the formula\nallowed: another name for a direction")
            return each
    return variable(name, like.shape)


def _free(letter: str, formula: Formula, like: Variable) -> Variable:
    """Return a variable whose name nothing in the formula has."""
    taken = {each.name for each in formula.variables}
    while letter in taken:
        letter += "_"
    return Variable(letter, (), like.shape)


# ---------------------------------------------------------------- how it is answered


def _asked(kind: str, formula: Formula, *by: Variable, along: Variable | None = None) -> Result:
    """A question without its answer: the formula stands in its place."""
    return Result(kind, formula, by, along, formula.node)


def _bare(x: Variable) -> Variable:
    """The same variable with nothing known of it: what is known holds for its values, not for its derivative."""
    return x.change(facts=())


def _bare_gradient(formula: Formula, *by: Variable) -> tuple[Node, tuple[Step, ...]]:
    """Return the gradient by the first variable, found without the facts of any of `by`."""
    node = replace(formula.node, {x: _bare(x) for x in by})
    start, known = _started(node, lambda f: n.Pullback(n.Scalar(1), f, _bare(by[0])))
    first, steps = simplified(start, Context(given=formula.variables))
    return first, (*known, *steps)


def _started(node: Node, ask: Callable[[Node], Node]) -> tuple[Node, tuple[Step, ...]]:
    """Return a question about a formula in which written-out forms stand as what they are, and the step to it."""
    known, names = with_known_forms(node)
    start = ask(known)
    return start, (Step(", ".join(names), ask(node), start),) if names else ()


def _answer(asked: Result, ask: Callable[[Node], Node]) -> Result:
    """Answer what is asked of the formula as it stands."""
    return _worked_out(asked, *_started(asked.formula.node, ask))


def _simplified(asked: Result, start: Node) -> tuple[Node, tuple[Step, ...]]:
    """Work out a question with the facts of what it is by, which hold for values."""
    node, steps = simplified(replace(start, {_bare(x): x for x in asked.by}), Context(given=asked.formula.variables))
    return node, tuple(steps)


def _worked_out(asked: Result, start: Node, before: tuple[Step, ...]) -> Result:
    node, steps = _simplified(asked, start)
    node, last = finished(node)
    return _answered(asked, node, (*before, *steps, *last))


def _matrix(asked: Result, start: Node, u: Variable, before: tuple[Step, ...]) -> Result:
    """Push a tangent `u` forward and read the matrix of the linear map off what comes out."""
    if not u.rank:  # of a number: what the map makes of 1 has the shape of the image
        return _worked_out(asked, replace(start, {u: n.Scalar(1)}), before)
    pushed, steps = _simplified(asked, start)
    matrix = matrix_of(pushed, u)
    read = Step("matrix of a linear map", pushed, applied(matrix, u, pushed))
    node, more = simplified(matrix, Context(given=asked.formula.variables))
    node, last = finished(node)
    if not more and not last:  # the step before ends at the image of `u`, the answer is the matrix alone
        last = (Step("the matrix itself", matrix, node),)
    return _answered(asked, node, (*before, *steps, read, *more, *last))


def applied(matrix: Node, u: Variable, like: Node) -> Node:
    """Return `matrix` applied to the elements of `u`, in the shape of `like`: what a linear map of `u` is."""
    if not u.rank or not like.rank:
        return n.Multiply(matrix, u) if not u.rank else n.Sum(n.Multiply(matrix, u))
    vector = u if u.rank == 1 else n.Reshape(u, flat(u.shape))
    image = n.MatMul(matrix, vector)
    return image if like.rank == 1 else n.Reshape(image, like.shape)


def _answered(asked: Result, node: Node, steps: tuple[Step, ...]) -> Result:
    found = dataclasses.replace(asked, node=node, steps=steps)
    return dataclasses.replace(found, ledger=ledger(found), remarks=remarks(found))
