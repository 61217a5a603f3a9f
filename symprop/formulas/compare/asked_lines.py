r"""A side of a comparison that asks for a derivative, `\nabla_x x^\top A x`: its answer is what is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula
from symprop.algebra.latex.asked import Asked
from symprop.algebra.latex.formulas import over_some
from symprop.algebra.latex.names import subscripts, text_name
from symprop.algebra.latex.reading import names_of
from symprop.algebra.latex.statements import Statement, statements
from symprop.algebra.latex.tokens import is_latex, refuse_at, tokens
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.words import TRANSPOSED
from symprop.algebra.nodes import Variable
from symprop.calculus.tidy import tidy
from symprop.formulas import questions


def answered(given: str | Formula, typed: Sequence[Variable]) -> str | Formula:
    r"""Return the answer of a line in LaTeX that asks for a derivative; anything else as it is.

    `typed` are arrays that are declared; others are inferred. A scalar has a gradient or Hessian, an array a Jacobian.

    >>> answered(r"\nabla_x x^\top A x", ()).node.text()
    '(A + A.T) @ x'
    >>> answered(r"\frac{\partial A x}{\partial x}", ()).node.text()
    'A'
    >>> answered(r"A x", ())
    'A x'

    Raises:
        FormulaError, ReadingError, ShapeError, LimitError: as `latex_formula`; or what is asked has no such answer.
    """
    if isinstance(given, Formula) or not is_latex(given):
        return given
    *before, last = statements(tokens(given), given)[0]
    question = last.asked
    if question is None or _is_named(question, before, typed):
        return given
    f = over_some(given, (*before, Statement(None, question.of)), tuple(typed))
    by = [_called(replace(each, above=()) if _is_turned(each) else each, f) for each in question.by]
    turned = [each for each, name in zip(question.by, by, strict=True) if _is_turned(each) and _rank(name, f) > 1]
    if turned and (len(by) > 1 or f.shape):
        told = "with respect to a transposed matrix only a scalar is differentiated, once"
        refuse_at(told, given, turned[0].start, turned[0].end)
    ask = questions.hessian if len(by) > 1 else questions.jacobian if f.shape else questions.gradient
    node = ask(f, *by).whole.node
    return Formula(given, tidy(n.Transpose(node)) if turned else node, f.variables)


def _is_turned(by: Tex) -> bool:
    r"""Whether a name stands transposed, `\partial x^\top`: which says nothing of a vector, but of a matrix."""
    return len(by.above) == 1 and plain(by.above[0]) in TRANSPOSED - {"-top", "-T"}


def _rank(name: str, f: Formula) -> int:
    return next((each.rank for each in f.variables if each.name == name), 0)


def _is_named(question: Asked, before: Sequence[Statement], typed: Sequence[Variable]) -> bool:
    r"""Whether a line names an array, as `\nabla_x L` and `\frac{\partial L}{\partial x}` do dx."""
    of = question.of
    is_free = of.kind == "name" and of.text not in [each.left.text for each in before if each.left]
    if is_free and all(plain(group) in TRANSPOSED or plain(group)[:1] == "(" for group in of.above):  # L^{(t)}
        return True
    names = names_of(typed)
    return any(names.find(replace(by, text=f"d {by.text}")) is not None for by in question.by)


def _called(by: Tex, f: Formula) -> str:
    """Return what the text language calls a name; who asks says which names there are, where it is none of them."""
    found = names_of(f.variables).find(by)
    if found is not None and isinstance(found.what, Variable) and not found.left:
        return found.what.name
    return text_name(by, subscripts(by.below))
