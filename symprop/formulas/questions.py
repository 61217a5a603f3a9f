"""The questions of matrix calculus about one formula: gradient, Jacobian, Hessian, and products with them.

What may be asked and in which shape the answer comes; how it is found is in `symprop.formulas.working`.
"""

from __future__ import annotations

import itertools
import re

from symprop.algebra.formula import Formula
from symprop.algebra.names import variable
from symprop.algebra.nodes import Multiply, Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables, walk
from symprop.calculus.coefficients import same_shape
from symprop.errors import FormulaError, listed, shown
from symprop.formulas.result import Result
from symprop.formulas.working import backwards, forwards, matrix, second, second_matrix
from symprop.hints import closest


def gradient(formula: Formula, by: str) -> Result:
    """Return the gradient of a scalar formula with respect to one of its variables, in the variable's shape.

    >>> from symprop.algebra.formula import formula
    >>> print(gradient(formula("sum((X @ W - Y)**2)", X="m n", W="n k", Y="m k"), "W").node.text())
    2 * X.T @ (X @ W - Y)

    Raises:
        FormulaError: the formula is no scalar, or has no variable of this name, or `by` holds ids.
    """
    x = differentiable(formula, by)
    _scalar(formula, "a gradient", f'jacobian(formula, "{x.name}")')
    return backwards("gradient", formula, x)


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
    return backwards("vjp", formula, x, v)


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
    return forwards("jvp", formula, x, u)


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
        return backwards("jacobian", formula, x)
    return matrix("jacobian", formula, x, _free(formula, x))


def hessian(formula: Formula, by: str, other: str | None = None) -> Result:
    """Return the Hessian of a scalar formula: rows by the elements of `by`, columns by those of `other` (or `by`).

    >>> from symprop.algebra.formula import formula
    >>> print(hessian(formula("x @ A @ x", A="n n", x="n"), "x").node.text())
    A + A.T

    Raises:
        FormulaError: the formula is no scalar, or has no such variable.
    """
    x = differentiable(formula, by)
    y = x if other is None else differentiable(formula, other)
    _scalar(formula, "a Hessian", f'jacobian(formula, "{x.name}")')
    return second_matrix("hessian", formula, x, y, _free(formula, y))


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
    return second("hvp", formula, x, v)


# ---------------------------------------------------------------- what may be asked


def differentiable(formula: Formula, name: str) -> Variable:
    """Return the variable of this name.

    Raises:
        FormulaError: there is none, or it holds ids; the others are listed.
    """
    known = {each.name: each for each in formula.variables}
    allowed = [each.name for each in formula.variables if "index" not in each.facts_by_kind]
    if isinstance(name, str) and name[1:] in known and name[0] == "\\":  # as LaTeX writes it
        name = name[1:]
    if not isinstance(name, str) or name not in known:
        hint = closest(name, known) if isinstance(name, str) else ""
        raise FormulaError(f"the formula has no variable {shown(name)}{hint}\nallowed: {listed(allowed)}")
    if "index" in known[name].facts_by_kind:
        raise FormulaError(f"{shown(name)} holds ids, which have no derivative\nallowed: {listed(allowed)}")
    return known[name]


def _meet(node: Node) -> bool:
    """Whether a matrix is multiplied with a vector, element by element."""
    return isinstance(node, Multiply) and {1, 2} <= {factor.rank for factor in node.operands}


def _scalar(formula: Formula, what: str, instead: str) -> None:
    if formula.shape:
        problem = f"{what} is of a scalar, and {shown(formula.source)} has shape {shape_text(formula.shape)}"
        if re.search(r"\.T\s*\*(?!\*)", formula.source) or any(map(_meet, walk(formula.node))):
            problem += "; the matrix product is @, not *"
        raise FormulaError(f"{problem}\nallowed: {instead}, or a scalar such as the sum of the elements")


def _direction(formula: Formula, name: str, like: Node) -> Variable:
    """Return the variable `name`, declared or new, with the shape of `like`."""
    for each in formula.variables:
        if each.name == name:
            if each in variables(formula.node):
                raise FormulaError(f"{shown(name)} is a variable of the formula\nallowed: another name for a direction")
            if not same_shape(each, like):
                problem = f"the direction {shown(name)} has shape {shape_text(each.shape)}"
                raise FormulaError(f"{problem}; it must have shape {shape_text(like.shape)}")
            return each
    return variable(name, like.shape)


def _free(formula: Formula, like: Variable) -> Variable:
    """Return a variable whose name nothing in the formula has, `u` where that is free."""
    taken = {each.name for each in (*formula.variables, *(named.target for named in formula.definitions))}
    names = itertools.chain("uhtdqs", (f"u_{number}" for number in itertools.count(2)))
    return Variable(next(name for name in names if name not in taken), (), like.shape)
