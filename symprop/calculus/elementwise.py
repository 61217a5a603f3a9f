"""The derivative of an elementwise function, from its scalar body, written in the function's own value where it can be.

SymPy differentiates the body. Then, by algebra and not by a list of known functions, the derivative is written in what
the forward pass already holds: with `u = f(t)`, `tanh' = 1 - u**2`, `sigmoid' = u (1 - u)`, `elu' = u + alpha` on the
negative side. Griewank and Walther, *Evaluating Derivatives* (2008), section 3.2, call this the use of results.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from sympy import Basic, Expr

from symprop.algebra import nodes as n
from symprop.algebra.defined import stable
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.lifting import lift
from symprop.algebra.named_numbers import NamedNumber, unnamed
from symprop.algebra.nodes import Node

VALUE = sympy.Symbol("u", real=True)
"""Stands for the function's own value in a derivative."""


@lru_cache(maxsize=1024)
def derivative(function: ElementwiseFunction, position: int = 0) -> Expr:
    """Return the derivative with respect to one parameter, in the parameters and `VALUE`.

    Where the derivative does not exist (a kink, a jump) it is given a subgradient: 0 at a jump, the value of the
    branch that holds at a kink; where the two of a `maximum` are equal, that of the second, and of a number before all.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> derivative(FUNCTIONS["tanh"]), derivative(FUNCTIONS["sigmoid"]), derivative(FUNCTIONS["elu"])
    (1 - u**2, u*(1 - u), Piecewise((1, t > 0), (u + 1, True)))
    """
    raw = raw_slope(function, position)
    if any(power.exp.has(NamedNumber) for power in raw.atoms(sympy.Pow)):
        return _tidy(stable(raw))
    return _tidy(_in_own_value(function.body, stable(raw), function.parameters))


def raw_slope(function: ElementwiseFunction, position: int = 0) -> Expr:
    """Return the derivative as SymPy finds it, 0 at jumps, `t**(d - 1)` for `t**d / t`, which has no value at 0."""
    raw = sympy.diff(_as_choices(function.body), function.parameters[position])
    raw = raw.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    named = any(power.exp.has(NamedNumber) for power in raw.atoms(sympy.Pow))
    return sympy.powsimp(raw, combine="exp", deep=True) if named else raw


def _as_choices(body: Basic) -> Any:
    """Return a body with `max(a, b)` as the choice `a if a > b, else b`, in which a number stands last."""
    if isinstance(body, (sympy.Max, sympy.Min)):
        wins = sympy.Gt if isinstance(body, sympy.Max) else sympy.Lt
        *others, last = sorted(body.args, key=lambda argument: bool(argument.is_number))
        result = _as_choices(last)
        for other in reversed(others):
            result = sympy.Piecewise((_as_choices(other), _compared(wins, other, last)), (result, True))
            last = body.func(other, last)
        return result
    if isinstance(body, (sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le)):
        return _compared(body.func, *body.args)
    return body.func(*map(_as_choices, body.args)) if body.args else body


def _compared(relation: Any, left: Basic, right: Basic) -> Any:
    """Return a comparison in which no `max` or `min` stands: the larger of two is below a third where both are.

    >>> t = sympy.Symbol("t", real=True)
    >>> _compared(sympy.Lt, sympy.Max(t, 0), sympy.Integer(6)), _compared(sympy.Gt, t, sympy.Max(t**3, t**2))
    (t < 6, (t > t**2) & (t > t**3))
    """
    above = relation in (sympy.Gt, sympy.Ge)
    for one, other, is_left in ((left, right, True), (right, left, False)):
        if isinstance(one, (sympy.Max, sympy.Min)):
            any_of_them = isinstance(one, sympy.Max) == (above == is_left)
            parts = (_compared(relation, *((part, other) if is_left else (other, part))) for part in one.args)
            return (sympy.Or if any_of_them else sympy.And)(*parts)
    return relation(left, right)


def _in_own_value(body: Expr, slope: Expr, parameters: tuple[sympy.Symbol, ...]) -> Expr:
    """Return `slope` with `body`, or a kernel that `body` fixes, written as `VALUE`."""
    if isinstance(slope, sympy.Piecewise) and isinstance(body, sympy.Piecewise):
        if [condition for _, condition in slope.args] != [condition for _, condition in body.args]:
            return slope
        pairs = zip(body.args, slope.args, strict=True)
        return sympy.Piecewise(*((_in_own_value(value, part, parameters), test) for (value, test), (part, _) in pairs))
    if body in parameters or slope.is_number:
        return slope
    kernels = sorted(_kernels(slope, parameters), key=sympy.default_sort_key)
    if len(kernels) == 1:
        g = sympy.Dummy("g")
        inside, outside = body.xreplace({kernels[0]: g}), slope.xreplace({kernels[0]: g})
        if inside.has(g) and not (inside.has(*parameters) or outside.has(*parameters)):
            line = inside.as_poly(g)
            if line is not None and line.degree() == 1 and not _drowns(*line.all_coeffs()):
                scale, offset = line.all_coeffs()
                return sympy.factor(sympy.cancel(outside.subs(g, (VALUE - offset) / scale)))
            return slope
    return slope.subs(body, VALUE)


def _drowns(scale: Expr, offset: Expr) -> bool:
    """Whether the offset is so large that the kernel's digits are lost in the value, as those of `tanh(t) + 1000`."""
    return bool(offset.is_number and scale.is_number and abs(unnamed(offset)) > abs(unnamed(scale)))


def _kernels(expression: Expr, parameters: tuple[sympy.Symbol, ...]) -> set[Expr]:
    """The functions of the parameters in `expression` that stand under no other function."""
    found: set[Expr] = set()
    stack = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, sympy.Function) and part.has(*parameters):
            found.add(part)
        else:
            stack.extend(part.args)
    return found


def _tidy(slope: Expr) -> Expr:
    """Return `slope` with `-(u - 1) u` written `u (1 - u)` and `(1 - u)(1 + u)` written `1 - u**2`."""
    if isinstance(slope, sympy.Piecewise):
        return sympy.Piecewise(*((_tidy(value), condition) for value, condition in slope.args))
    if slope.free_symbols == {VALUE} and slope.is_polynomial(VALUE):
        expanded = sympy.expand(slope)
        if expanded.coeff(VALUE, 0) != 0:
            return expanded
    return sympy.Add(*(sympy.Mul(*_signs_gathered(term)) for term in sympy.Add.make_args(slope)))


def _signs_gathered(slope: Expr) -> list[Expr]:
    """The factors of `slope`, a sign `-1` given to the first factor that is a difference."""
    factors = list(sympy.Mul.make_args(slope))
    if sympy.Integer(-1) in factors:
        for place, factor in enumerate(factors):
            if factor.is_Add:
                factors[place] = sympy.Add(*(-term for term in factor.args))
                factors.remove(sympy.Integer(-1))
                break
    return factors


def slope(node: n.Map, position: int) -> Node:
    """Return the derivative of a `Map` node by one operand, as an array of the node's shape."""
    function: ElementwiseFunction = node.function
    operands = node.operands
    if function.is_extremum and operands[0].constant is not None:  # the number last, as in a body
        operands, position = operands[::-1], 1 - position
    arrays: dict[Expr, Node] = dict(zip(function.parameters, operands, strict=True))
    return lift(derivative(function, position), {**arrays, VALUE: node})
