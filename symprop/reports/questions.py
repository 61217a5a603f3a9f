"""What a report on a formula is about: the answers to questions about it, in an author's notation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from symprop.algebra.equations import Equation, System
from symprop.algebra.formula import Formula
from symprop.algebra.latex.formulas import formula, latex_formula
from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.names import looked_up, variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.numbered_sizes import sizes_of
from symprop.analysis.derivation import Derivation
from symprop.errors import FormulaError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.answers import certificate_of, source_of
from symprop.formulas.ask import QUESTIONS, gradient, jacobian
from symprop.formulas.pages import definitions, heading
from symprop.formulas.result import Result
from symprop.limits import SECONDS
from symprop.networks.blocks import Chain
from symprop.networks.layers import Layer
from symprop.networks.network import Network
from symprop.networks.spec import is_formula_text
from symprop.notation.blocks import EquationRow
from symprop.notation.choices import PLAIN, Notation, usual
from symprop.notation.latex_document import cut
from symprop.notation.page_blocks import PageWriter, label
from symprop.notation.paper import A4, Paper
from symprop.notation.pretty import pretty_shape
from symprop.reports.symbols import names_of, signs_of
from symprop.verify.certificate import Certificate

LONGEST = 120
"""So many letters of a title may name variables."""


@dataclass(frozen=True)
class Questions:
    """Answers about one formula, in a notation; `seed` and `limit` are those of the certificate.

    `steps` is "all", a line for each rule, or "brief", a line for each part that is differentiated; a `full` one lists
    every check.
    """

    answers: tuple[Answer, ...]
    notation: Notation = PLAIN
    seed: int = 0
    steps: str = "all"
    full: bool = False
    paper: Paper = A4
    dtype: str = "float64"
    limit: float | None = SECONDS

    @property
    def formula(self) -> Formula:
        """The formula."""
        return self.answers[0].result.formula

    @cached_property
    def named(self) -> dict[str, Answer]:
        """The answers by their names, `gradient_w`."""
        return {each.name: each for each in self.answers}

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The arrays that the page reads, directions among them."""
        return tuple(dict.fromkeys(x for each in self.answers for x in each.variables))

    @cached_property
    def derivation(self) -> Derivation:
        """What stands on the page under a number: the formula's own names, its value, the answers with their steps."""
        own = (*self.formula.definitions, self.value)
        found = (
            Equation(Variable(name, (), each.shape), each.node, each.result.steps) for name, each in self.named.items()
        )
        system = System(own, self.variables, (), (), self.value.target, None)
        return Derivation(self.formula, system, tuple(found))

    @property
    def value(self) -> Equation:
        """The formula under its name."""
        return Equation(variable(self.formula.name, self.formula.shape), self.formula.node)

    @cached_property
    def shown(self) -> Derivation:
        """The same with the formulas on the way, whose signs and functions are explained too."""
        steps = (node for each in self.answers for step in each.result.steps for node in (step.before, step.after))
        way = (
            Equation(Variable("step", (place,), node.shape), node) for place, node in enumerate(dict.fromkeys(steps))
        )
        parts = (part for each in self.answers for part in definitions(each.result)[0])
        return Derivation(self.formula, self.derivation.system, (*self.derivation.backward, *parts, *way))

    @cached_property
    def writer(self) -> PageWriter:
        """Writes formulas of the report."""
        return PageWriter(self.derivation, self.notation, self.paper)

    @property
    def names(self) -> dict[str, str]:
        """What a symbol may be chosen for, letters of arrays, functions and sizes, and how it is written without."""
        own = {*self.named, "step"}
        sizes = sizes_of(self.variables, self.formula.whole.node)
        known = (*(x.letter for x in self.variables), *names_of(self.shown), *(size.name for size in sizes))
        return {name: usual(name) for name in known if name not in own}

    @property
    def signs(self) -> set[str]:
        """The signs of its formulas that are no name's."""
        return signs_of(self.shown, self.names) if self.notation.symbols else set()

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of all answers."""
        if len(self.answers) == 1:
            return self.answers[0].check(self.seed, self.limit)
        return certificate_of(self.answers, f"answers about {self.formula.source}", self.seed, self.limit)

    @property
    def source(self) -> str:
        """A module with a function for each answer."""
        if len(self.answers) == 1:
            return self.answers[0].numpy(self.dtype)
        return source_of(self.answers, self.dtype, f"{self.title} of {self.formula.source}")

    @cached_property
    def asked(self) -> list[tuple[list[str], list[Result]]]:
        """What is asked, `the gradient`, `the Hessian`, by what it is with respect to and along."""
        found: dict[tuple[Node | None, ...], list[Result]] = {}
        for each in self.answers:
            key = (*dict.fromkeys(each.result.by), each.result.direction)
            found.setdefault(key, []).append(each.result)
        groups: dict[tuple[str, ...], list[Result]] = {}
        for alike in found.values():
            groups.setdefault(tuple(called(each) for each in alike), []).append(alike[0])
        return [([f"the {kind}" for kind in kinds], by) for kinds, by in groups.items()]

    @property
    def title(self) -> str:
        """What was asked, as a heading: `The gradient and the Hessian with respect to w`."""
        told = [f"{enumerated(kinds)} with respect to {enumerated(map(_names, by))}" for kinds, by in self.asked]
        found = enumerated(told)
        if len(found) > LONGEST:
            found = enumerated(dict.fromkeys(kind for kinds, _ in self.asked for kind in kinds))
        return found[0].upper() + found[1:]

    def left(self, answer: Answer) -> str:
        """Write the left side of an answer."""
        return heading(answer.result, "latex", self.writer.formula)

    def row(self, name: str) -> EquationRow:
        """Write a numbered equation, by its name."""
        equation = self.derivation.equation(name)
        left = self.left(self.named[name]) if name in self.named else self.writer.formula(equation.target)
        right = definitions(self.named[name].result)[1] if name in self.named else equation.expression
        return self._row(left, right, name, self.derivation.numbers[name])

    def parts(self, answer: Answer) -> Iterator[EquationRow]:
        """Write the parts that stand in an answer more than once, under the names that it has for them."""
        for each in definitions(answer.result)[0]:
            yield self._row(self.writer.formula(each.target), each.expression)

    def _row(self, left: str, right: Node, name: str = "", number: int | None = None) -> EquationRow:
        space = rf"\in {self.writer.space(right.shape)}" if self.paper.has_spaces else ""
        beside = self.writer.after(left) + self.paper.width(space)
        return EquationRow(
            left,
            self.writer.pieces(self.writer.formula(right), beside),
            space.removeprefix(r"\in "),
            pretty_shape(right.shape),
            name,
            number,
            label(name) if name else "",
        )

    def equation(self, name: str) -> str:
        """Return one equation in LaTeX: `gradient_w`, or `w` where one answer alone is with respect to it.

        Raises:
            FormulaError: no equation has this name; those that have one are listed.
        """
        by = [each for each in self.answers if each.result.by[0].name == name]
        known = {each.name: each.name for each in self.derivation.equations}
        found = by[0].name if len(by) == 1 else looked_up(name, known, "no equation defines")
        right = self.writer.formula(self.derivation.equation(found).expression)
        left = self.row(found).left
        return f"{left} = {cut(self.writer.pieces(right, self.writer.after(left)))}"


def called(result: Result) -> str:
    """Return what an answer is called: `gradient`, `Hessian-vector product`."""
    return QUESTIONS[result.kind].name


def _names(result: Result) -> str:
    return " and ".join(dict.fromkeys(x.name for x in result.by))


def enumerated(found: Iterable[str]) -> str:
    """Return words as a sentence lists them.

    >>> enumerated(["X"]), enumerated(["X", "w"]), enumerated(["X", "w", "y"])
    ('X', 'X and w', 'X, w and y')
    """
    *front, last = found
    return f"{', '.join(front)} and {last}" if front else last


def answers_of(asked: object) -> tuple[Answer, ...]:
    """Return the answers that a report is on: those that are given, or the derivatives of a formula; none of a network.

    Raises:
        FormulaError: answers about several formulas, or the same twice.
        SympropError: a text that is no formula.
    """
    if isinstance(asked, str) and (is_latex(asked) or is_formula_text(asked)):
        asked = latex_formula(asked) if is_latex(asked) else formula(asked)
    if isinstance(asked, Formula):
        asked = jacobian(asked) if asked.node.rank else gradient(asked)
    if isinstance(asked, Answer):
        return (asked,)
    if isinstance(asked, (Network, Layer, Chain, str)) or not isinstance(asked, Iterable):
        return ()
    found = tuple(answer for each in asked for answer in answers_of(each))
    formulas = {each.result.formula.text(): None for each in found}
    if len(formulas) > 1:
        told = " and ".join(map(shown, list(formulas)[:2]))
        raise FormulaError(f"a report is on one formula, and the answers are about {told}\nallowed: a report for each")
    twice = next((each.name for place, each in enumerate(found) if each.name in {x.name for x in found[:place]}), None)
    if twice is not None:
        raise FormulaError(f"{shown(twice)} stands twice among the answers\nallowed: each once")
    return found
