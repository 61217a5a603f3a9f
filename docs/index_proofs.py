"""Proofs by indices: derivatives of an element, sums over Kronecker deltas worked out, elements in LaTeX.

What is written is SymPy's: `element` gives the index meaning of a formula, `sympy.diff` its derivative, and `worked`
takes the sum over a delta as what it is, `sum_k delta_kp x_k = x_p`, as a student does with a pencil.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Expr, KroneckerDelta, Sum
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE

from symprop.notation.latex_letters import letter

OUT, INSIDE, BY = "ij", "klrs", "pq"
"""Letters of the indices: of the formula, of sums, of the variable by which it is differentiated."""


def letters(names: str, count: int) -> tuple[sympy.Symbol, ...]:
    """Return the first letters of `names` as indices."""
    return tuple(sympy.Symbol(name, integer=True) for name in names[:count])


def worked(expression: Expr) -> Expr:
    """Return an expression with every sum taken term by term, constants in front, deltas gone where they can go.

    >>> i, p, n = sympy.symbols("i p n", integer=True)
    >>> x = sympy.IndexedBase("x")
    >>> worked(Sum(2 * x[i] * KroneckerDelta(i, p), (i, 0, n - 1)))
    2*x[p]
    """
    if not expression.args or isinstance(expression, (sympy.Indexed, KroneckerDelta)):
        return expression
    if isinstance(expression, Sum):
        body = worked(expression.function)
        for index, low, high in expression.limits:  # the innermost stands first
            body = sympy.expand(body)
            body = sympy.Add(*(_summed(term, index, low, high) for term in sympy.Add.make_args(body)))
        return body
    if isinstance(expression, sympy.Piecewise):
        return _without_delta(expression.func(*((worked(value), holds) for value, holds in expression.args)))
    return expression.func(*(worked(part) if isinstance(part, Expr) else part for part in expression.args))


def _without_delta(choice: Any) -> Expr:
    """Return a choice between 0 and what has a delta as the delta times a choice."""
    if not isinstance(choice, sympy.Piecewise):
        return choice
    kept = [value for value, _ in choice.args if value != 0]
    common = [factor for factor in sympy.Mul.make_args(kept[0]) if isinstance(factor, KroneckerDelta)] if kept else []
    common = [factor for factor in common if all(factor in sympy.Mul.make_args(value) for value in kept)]
    delta = sympy.Mul(*common)
    return delta * choice.func(*((value / delta if value != 0 else value, holds) for value, holds in choice.args))


def _summed(term: Expr, index: sympy.Symbol, low: Expr, high: Expr) -> Expr:
    """Return the sum of one term, a product."""
    if low == high:
        return term.subs(index, low)
    factors = sympy.Mul.make_args(term)
    for factor in factors:
        if isinstance(factor, KroneckerDelta) and index in factor.args:
            other = next(argument for argument in factor.args if argument != index)
            if not other.has(index):
                return sympy.Mul(*(each for each in factors if each is not factor)).subs(index, other)
    outside = [factor for factor in factors if not factor.has(index)]
    inside = [factor for factor in factors if factor.has(index)]
    if not inside:
        return term * (high - low + 1)
    return sympy.Mul(*outside, Sum(sympy.Mul(*inside), (index, low, high)))


def named(expression: Expr, taken: Iterable[str] = ()) -> Expr:
    """Return an expression whose sums have letters as indices, the innermost the first: equal sums look the same."""
    free = [name for name in INSIDE if name not in set(taken)]

    def visit(part: Expr) -> tuple[Expr, int]:
        if not part.args or isinstance(part, sympy.Indexed):
            return part, 0
        found = [visit(argument) if isinstance(argument, Expr) else (argument, 0) for argument in part.args]
        height = max((depth for _, depth in found), default=0)
        rebuilt = part.func(*(argument for argument, _ in found))
        if not isinstance(rebuilt, Sum):
            return rebuilt, height
        new = [sympy.Symbol(name, integer=True) for name in free[height : height + len(rebuilt.limits)]]
        renamed = {index: name for name, (index, _, _) in zip(new, rebuilt.limits, strict=True)}
        limits = [(name, low, high) for name, (_, low, high) in zip(new, rebuilt.limits, strict=True)]
        return Sum(rebuilt.function.xreplace(renamed), *limits), height + len(limits)

    return visit(expression)[0]


def sums_over(term: Expr, indices: Iterable[sympy.Symbol], sizes: Iterable[Expr]) -> Expr:
    """Return the sum of a term over several indices, not worked out."""
    for index, size in zip(indices, sizes, strict=True):
        term = Sum(term, (index, 0, size - 1))
    return term


class _Latex(LatexPrinter):
    """SymPy's LaTeX with one letter for each index and the names of this project."""

    def _print_Symbol(self, expression: sympy.Symbol, style: str = "plain") -> str:
        found = re.fullmatch(r"(.+)\[([\d,]*)\]", expression.name)
        if found:
            return _below(found[1], found[2].replace(",", ""))
        return letter(expression.name)

    def _print_Indexed(self, expression: Any) -> str:
        return _below(str(expression.base.label), " ".join(map(self._print, expression.indices)))

    def _print_Sum(self, expression: Any) -> str:
        limits, body = [*expression.limits], expression.function
        while isinstance(body, Sum):
            limits, body = [*limits, *body.limits], body.function
        below = " ".join(sorted(self._print(limit[0]) for limit in limits))
        return rf"\sum_{{{below}}} {self.parenthesize(body, PRECEDENCE['Mul'], strict=True)}"

    def _print_KroneckerDelta(self, expression: Any, exp: Any = None) -> str:
        return rf"\delta_{{{' '.join(map(self._print, expression.args))}}}"


def _below(name: str, indices: str) -> str:
    accent, _, rest = name.partition("_")
    stem = rf"\dot{{{letter(rest)}}}" if accent == "dot" else letter(name)
    return rf"{stem}_{{{indices}}}" if "_" not in stem else rf"\left({stem}\right)_{{{indices}}}"


def written(expression: Any) -> str:
    r"""Return an element in LaTeX.

    >>> x, y = sympy.Symbol("x[0]"), sympy.Symbol("A[1,0]")
    >>> written(x * y)
    'A_{10} x_{0}'
    """
    return _Latex().doprint(sympy.sympify(expression))
