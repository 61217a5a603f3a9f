"""Index notation, for arrays of rank 3 and more, where matrix notation ends: `Σₗ Gᵢⱼₗ Qᵢₖₗ`.

What is printed is the index meaning of the node (`algebra/elements.py`), with sums over Kronecker deltas worked out
and an index letter for each axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy
from sympy import Expr, KroneckerDelta
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from symprop.algebra.elements import element
from symprop.algebra.nodes import Node, Variable, names_in
from symprop.algebra.trees import variables, walk
from symprop.notation.latex import letter
from symprop.notation.pretty import GREEK, subscript, superscript

LETTERS = "ijklprsuvaehoxtmnbcdfg"
"""The first stand for the axes of the array, the others for what is summed over."""


def needs_indices(node: Node) -> bool:
    """Whether a node holds an array of rank 3 or more, which matrix notation cannot write.

    >>> from symprop.algebra import variable
    >>> needs_indices(variable("P", (2, 3, 4)) * 2), needs_indices(variable("A", (2, 3)) * 2)
    (True, False)
    """
    return any(part.rank > 2 for part in walk(node))


def indexed(node: Node) -> tuple[tuple[sympy.Symbol, ...], Expr] | None:
    """Return the letters of the axes and one element of `node` in them; None where its meaning has no such form."""
    taken = names_in(node)
    letters = iter([name for name in LETTERS if name not in taken])
    indices = tuple(sympy.Symbol(next(letters), integer=True) for _ in node.shape)
    bare = {v: _symbolic(v) for v in variables(node)}
    written = element(node.xreplace(bare), indices)
    if written.has(sympy.floor, sympy.Mod):
        return None  # a reshape of sizes that are not known
    return indices, _renamed(_collapsed(written), letters)


def _symbolic(variable: Variable) -> Variable:
    """The variable without facts: its elements are `Indexed`, whatever is known of them."""
    return variable.change(facts=())


def _collapsed(expression: Expr) -> Expr:
    """Return sums over a Kronecker delta as what they are: `sum_k delta_ik x_k = x_i`."""

    def one(total: Any) -> Expr:
        body, index = total.function, total.limits[0][0]
        for factor in sympy.Mul.make_args(body):
            if len(total.limits) == 1 and isinstance(factor, KroneckerDelta) and index in factor.args:
                other = next(argument for argument in factor.args if argument != index)
                return (body / factor).subs(index, other)
        return total

    return expression.replace(lambda part: isinstance(part, sympy.Sum), one)


def _renamed(expression: Expr, letters: Iterator[str]) -> Expr:
    """Return an expression whose sums have letters as indices."""
    names: dict[Any, Any] = {}
    for part in sympy.preorder_traversal(expression):
        if isinstance(part, sympy.Sum):
            for limit in part.limits:
                if limit[0] not in names:
                    names[limit[0]] = sympy.Symbol(next(letters), integer=True)
    return expression.xreplace(names)


class _Unicode(StrPrinter):
    """SymPy's notation with subscripts, sums by their sign, and products side by side."""

    printmethod = "_index_notation"  # not what SymPy's classes say of themselves

    def _print_Symbol(self, expression: sympy.Symbol) -> str:
        return GREEK.get(expression.name, expression.name)

    def _print_Indexed(self, expression: Any) -> str:
        name = str(expression.base.label)
        return GREEK.get(name, name) + "".join(map(self._below, expression.indices))

    def _below(self, index: Expr) -> str:
        written = str(index)
        return subscript(written) if len(written) == 1 else f"[{written}]"

    def _print_Sum(self, expression: Any) -> str:
        below = "".join(self._below(limit[0]) for limit in expression.limits)
        return f"Σ{below} {self.parenthesize(expression.function, PRECEDENCE['Mul'], strict=True)}"

    def _print_KroneckerDelta(self, expression: Any) -> str:
        return "δ" + "".join(map(self._below, expression.args))

    def _print_Mul(self, expression: Any) -> str:
        above, below = sympy.fraction(expression)
        if below != 1:
            top, bottom = (self.parenthesize(part, PRECEDENCE["Mul"], strict=True) for part in (above, below))
            return f"{top} / {bottom}"
        sign, rest = ("−", -expression) if expression.could_extract_minus_sign() else ("", expression)
        factors = [self.parenthesize(part, PRECEDENCE["Mul"], strict=True) for part in _factors(rest)]
        return sign + " ".join(factors)

    def _print_Add(self, expression: Any, order: Any = None) -> str:
        terms = sorted(expression.args, key=lambda term: (term.could_extract_minus_sign(), str(term)))
        written = [self._print(terms[0])]
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            written.append(f"{'−' if negative else '+'} {self._print(-term if negative else term)}")
        return " ".join(written)

    def _print_Pow(self, expression: Any, rational: bool = False) -> str:
        if expression.exp == sympy.Rational(1, 2):
            return f"√({self._print(expression.base)})"
        base = self.parenthesize(expression.base, PRECEDENCE["Pow"], strict=False)
        return f"{base}{superscript(str(expression.exp))}"

    def _print_Exp1(self, expression: Expr) -> str:
        return "e"

    def _print_Piecewise(self, expression: Any) -> str:
        return "; ".join(
            self._print(value) + ("" if condition == sympy.true else f" if {self._print(condition)}")
            for value, condition in expression.args
        )


class _Latex(LatexPrinter):
    """SymPy's LaTeX with one letter for each index and the names of this project."""

    def _print_Symbol(self, expression: sympy.Symbol, style: str = "plain") -> str:
        return letter(expression.name)

    def _print_Indexed(self, expression: Any) -> str:
        below = ",".join(map(self._print, expression.indices))
        return f"{letter(str(expression.base.label))}_{{{below if len(below) > 5 else below.replace(',', ' ')}}}"

    def _print_Sum(self, expression: Any) -> str:
        below = ", ".join(self._print(limit[0]) for limit in expression.limits)
        return rf"\sum_{{{below}}} {self.parenthesize(expression.function, PRECEDENCE['Mul'], strict=True)}"


def _factors(product: Expr) -> list[Expr]:
    """Numbers first, then what has indices, then sums."""
    parts = list(sympy.Mul.make_args(product))
    return sorted(parts, key=lambda part: (not part.is_number, part.has(sympy.Sum), str(part)))


def index_pretty(node: Node) -> str | None:
    """Return one element of `node` in Unicode, with its indices: `[Σₗ Gᵢⱼₗ Qᵢₖₗ]ᵢⱼₖ`.

    >>> from symprop.algebra import variable
    >>> print(index_pretty(variable("P", ("b", "m", "n")) @ variable("Q", ("b", "n", "o"))))
    [Σₗ Pᵢⱼₗ Qᵢₗₖ]ᵢⱼₖ
    """
    found = indexed(node)
    if found is None:
        return None
    indices, written = found
    return f"[{_Unicode().doprint(written)}]{''.join(subscript(str(i)) for i in indices)}"


def index_latex(node: Node) -> str | None:
    r"""Return one element of `node` in LaTeX, with its indices: `\left[\sum_{l} G_{ijl} Q_{ikl}\right]_{ijk}`."""
    found = indexed(node)
    if found is None:
        return None
    indices, written = found
    return rf"\left[{_Latex().doprint(written)}\right]_{{{''.join(map(str, indices))}}}"
