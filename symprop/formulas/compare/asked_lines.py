r"""A side of a comparison that asks for derivatives, `x - \eta \nabla_x \|x\|^2`: it is read with their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula
from symprop.algebra.latex.asked import BEGIN, Asked, term
from symprop.algebra.latex.called import Name, arguments, name_of, without_calls
from symprop.algebra.latex.formulas import over_some
from symprop.algebra.latex.names import subscripts, text_name
from symprop.algebra.latex.reading import names_of
from symprop.algebra.latex.statements import ANSWER, Statement, calls, statements, with_answers
from symprop.algebra.latex.tokens import Token, is_latex, refuse_at, tokens
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.words import TRANSPOSED
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace as substituted
from symprop.calculus.tidy import tidy
from symprop.errors import ReadingError
from symprop.formulas import questions


def answered(given: str | Formula, typed: Sequence[Variable]) -> str | Formula:
    r"""Return a line in LaTeX that asks for derivatives with their answers in it; anything else as it is.

    `typed` are arrays that are declared; others are inferred. A scalar has a gradient or Hessian, an array a Jacobian.

    >>> answered(r"\nabla_x x^\top A x", ()).node.text()
    '(A + A.T) @ x'
    >>> answered(r"\frac{\partial A x}{\partial x}", ()).node.text()
    'A'
    >>> answered(r"x - \eta \nabla_x x^\top x", ()).node.text()
    'x - 2 * eta * x'
    >>> answered(r"A x", ())
    'A x'

    Raises:
        FormulaError, ReadingError, ShapeError, LimitError: as `latex_formula`; or what is asked has no such answer.
    """
    if isinstance(given, Formula) or not is_latex(given):
        return given
    found = statements(tokens(given), given)[0]
    line = _Line(given, tuple(typed), calls(found))
    for each in found:
        line.take(each)
    return line.whole() if line.answers else given


@dataclass
class _Line:
    """The statements of a line that are read so far, with names for the answers in them."""

    latex: str
    arrays: tuple[Variable, ...]
    called: Mapping[Name, tuple[Tex, ...]]
    read: list[Statement] = field(default_factory=list)
    answers: dict[Variable, Node] = field(default_factory=dict)
    unclear: list[_Reaching] = field(default_factory=list)

    def take(self, statement: Statement) -> None:
        """Read a statement, after all that it reads."""
        unnamed = [each for each in statement.asked if not _is_named(each, self.read, self.arrays)]
        if not unnamed:
            self.read.append(statement)
            return
        first, before = len(self.answers), tuple(self.read)
        asked = [self.meant(each, statement) for each in unnamed]
        for number, question in enumerate(asked, first):
            f = self.formula(self.resolved(question))
            node = _answer(question, f, self.latex)
            if node.rank and tokens(self.latex[question.start : question.end])[0].text not in BEGIN:
                told = "a prime is the derivative of a number with respect to a number; \\nabla f(x) is a gradient"
                refuse_at(told, self.latex, question.start, question.end)
            self.arrays = tuple(dict.fromkeys((*self.arrays, *f.variables)))
            self.answers[variable(f"{ANSWER}{number}", node.shape)] = node
            self.unclear += [_Reaching(question, statement, before, len(f.shape))] if question.reaches else []
        tree = with_answers(statement.tokens, asked, self.latex, first)
        self.read.append(replace(statement, right=without_calls(tree, self.called, self.latex)))

    def formula(self, tree: Tex, before: Sequence[Statement] | None = None) -> Formula:
        """Return a formula that may read what is read `before`, or so far, with answers for their names."""
        right = Statement(None, without_calls(tree, self.called, self.latex))
        given = (*(self.read if before is None else before), right)
        return self.answered(over_some(self.latex, given, (*self.arrays, *self.answers)))

    def answered(self, f: Formula) -> Formula:
        arrays = tuple(each for each in dict.fromkeys((*self.arrays, *f.variables)) if each not in self.answers)
        return Formula(self.latex, tidy(substituted(f.whole.node, self.answers)), arrays)

    def whole(self) -> Formula:
        """Return the formula of the line.

        Raises:
            ReadingError: a term behind a derivative may be part of what is differentiated.
        """
        found = self.answered(over_some(self.latex, self.read, (*self.arrays, *self.answers)))
        self.arrays = found.variables
        for each in self.unclear:
            self.check_clear(each)
        return found

    def meant(self, question: Asked, statement: Statement) -> Asked:
        r"""Return a derivative; that of a number L that was given before is of L alone, a row in `\nabla_x L^\top v`.

        Raises:
            ReadingError: something else stands behind L, which may be part of what is differentiated.
        """
        of = question.of
        first = of.parts[0] if of.kind == "run" else of
        found = statement.tokens
        is_name = first.kind == "name" and first.text in [each.left.text for each in self.read if each.left]
        is_turned = bool(first.above) and all(plain(group) in TRANSPOSED for group in first.above)
        is_group = first.kind == "group" and first.text == "(" and is_turned
        if not question.reaches or not (is_name or is_group) or found[question.first].text != "nabla":
            return question
        alone = replace(first, above=())
        if self.formula(alone).shape:
            return question
        if not is_turned:
            refuse_at(TWO_READINGS, self.latex, question.start, question.end, ReadingError)
        inside = first.parts[0].end if is_group else first.start
        raised = next(k for k in range(question.first, question.last) if _raises(found[k], inside))
        return replace(question, of=alone, last=raised, end=found[raised].start)

    def resolved(self, question: Asked) -> Tex:
        """Return what is differentiated: of `f(x)` that f, if it stands for a formula and x is what is asked for."""
        of, names = question.of, arguments(question.of)
        if not names or name_of(of.parts[0]) in self.called:
            return of
        is_defined = name_of(of.parts[0]) in [name_of(each.left) for each in self.read if each.left is not None]
        asked = {name_of(each) for each in question.by}
        return of.parts[0] if is_defined and asked <= {*map(name_of, names)} else of

    def check_clear(self, reaching: _Reaching) -> None:
        r"""Raise where a term behind a derivative, `\nabla_x \|x\|^2 + \lambda y`, has the rank of what it is of."""
        statement, question = reaching.statement, reaching.question
        found, place = statement.tokens, question.last
        while place < len(found) and found[place].text in ("+", "-"):
            tree, end = term(found, place + 1, self.latex)
            is_formula = tree is not None and not any(place < each.first < end for each in statement.asked)
            if tree is not None and is_formula and len(self.formula(tree, reaching.before).shape) == reaching.rank:
                refuse_at(TWO_READINGS, self.latex, question.start, tree.end, ReadingError)
            place = end


def _raises(token: Token, start: int) -> bool:
    return token.text == "^" and token.start >= start


@dataclass(frozen=True)
class _Reaching:
    """A derivative of something in no brackets that ends with it, of a rank, in a statement and after others."""

    question: Asked
    statement: Statement
    before: tuple[Statement, ...]
    rank: int


TWO_READINGS = "two readings: put brackets around what is differentiated, or around the derivative"


def _answer(question: Asked, f: Formula, given: str) -> Node:
    """Return the derivative of a formula that is asked for."""
    by = [_called(replace(each, above=()) if _is_turned(each) else each, f) for each in question.by]
    turned = [each for each, name in zip(question.by, by, strict=True) if _is_turned(each) and _rank(name, f) > 1]
    if turned and (len(by) > 1 or f.shape):
        told = "with respect to a transposed matrix only a scalar is differentiated, once"
        refuse_at(told, given, turned[0].start, turned[0].end)
    ask = questions.hessian if len(by) > 1 else questions.jacobian if f.shape else questions.gradient
    node = ask(f, *by).whole.node
    return n.Transpose(node) if turned else node


def _is_turned(by: Tex) -> bool:
    r"""Whether a name stands transposed, `\partial x^\top`: which says nothing of a vector, but of a matrix."""
    return len(by.above) == 1 and plain(by.above[0]) in TRANSPOSED - {"-top", "-T"}


def _rank(name: str, f: Formula) -> int:
    return next((each.rank for each in f.variables if each.name == name), 0)


def _is_named(question: Asked, before: Sequence[Statement], typed: Sequence[Variable]) -> bool:
    r"""Whether a line names an array, as `\nabla_x L` and `\frac{\partial L}{\partial x}` do dx."""
    of = question.of
    if arguments(of) and names_of(typed).find(of.parts[0]) is None:
        of = of.parts[0]
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
