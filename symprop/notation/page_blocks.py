"""Blocks set in LaTeX, for the writers of LaTeX, HTML and notebooks: sentences and equations as finished formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Basic, Expr, Integer

from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.window_sizes import Arithmetic
from symprop.analysis.derivation import Derivation
from symprop.analysis.readings import Readings
from symprop.calculus.context import context
from symprop.calculus.tidy import tidy
from symprop.notation.blocks import (
    Block,
    Bullets,
    Chain,
    Definitions,
    EquationRow,
    Equations,
    Grid,
    Line,
    Lines,
    Link,
    Paragraph,
    Section,
)
from symprop.notation.breaking import latex_pieces
from symprop.notation.chain_rule import Known, at_first, brief, by_names, without_moves
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.content import heading, reasons, section_of, sections, seen_steps
from symprop.notation.conventions import loss_clashes
from symprop.notation.convolutions import Listed
from symprop.notation.function_notes import told
from symprop.notation.latex import Tex, latex
from symprop.notation.named_axes import has_letters
from symprop.notation.paper import A4, Paper
from symprop.notation.pretty import pretty_shape
from symprop.notation.stacks import left_side, sides
from symprop.notation.wording import Wording
from symprop.notation.words import Code, Dimensions, Math, Part, Reference, Span, Words

EQUALS, GAP, CONTINUED = 16.0, 24.0, 12.0
"""Points of an equals sign with its spaces, before the space of an array, and before a part that continues, in letters
of 12."""


def label(name: str) -> str:
    r"""Return the label of an equation, for `\eqref` and for links.

    >>> label("delta1"), label("delta[l + 1]")
    ('eq:delta1', 'eq:delta.l+1')
    """
    return "eq:" + name.replace(" ", "").replace("[", ".").replace(",", ".").replace("]", "")


@dataclass(frozen=True)
class PageWriter:
    """Writes what a derivation says in one notation; where a size is called like the loss, the loss gets curls."""

    derivation: Derivation
    chosen: Notation = PLAIN
    paper: Paper = A4

    @cached_property
    def notation(self) -> Notation:
        """The notation that the author chose, with another letter for the loss where a size has it.

        Where there is a general layer, all have their number where that has its letter.
        """
        chosen = self.chosen
        if chosen.layer_index == "mixed" and self.derivation.system.loops:
            chosen = replace(chosen, layer_index="super")
        if loss_clashes(self.derivation) and chosen.symbol("L") is None:
            return replace(chosen, loss=r"\mathcal{L}")
        return chosen

    @cached_property
    def _tex(self) -> Tex:
        return Tex(self.notation)

    @cached_property
    def wording(self) -> Wording:
        """How formulas in sentences are written."""
        return Wording(self.formula, self.number, r"\dots")

    def formula(self, node: Node) -> str:
        """Write a formula."""
        return latex(node, self.notation)

    def in_place(self, equation: Equation) -> Callable[[Node], str]:
        """Return what writes the formulas that lead to an equation, "" for those that have no place."""
        return self.wording.in_place(equation)

    def name(self, variable: Variable) -> str:
        r"""Write the name of an array for a line of text: a derivative with a stroke, `\partial L/\partial W_1`."""
        written = self.formula(variable)
        fraction = re.fullmatch(r"\\frac\{(\\partial .*)\}\{(\\partial .*)\}", written)
        return f"{fraction[1]}/{fraction[2]}" if fraction else written

    def number(self, value: Basic) -> str:
        """Write a size, a count or a polynomial in them."""
        return self._tex.number(value).text

    def partial(self, of: Node, by: Node) -> str:
        """Write a partial derivative."""
        return rf"\frac{{\partial {self.formula(of)}}}{{\partial {self.formula(by)}}}"

    def words(self, sentence: Words) -> Words:
        """Write a sentence."""
        found: list[Part] = []
        for part in sentence:
            if isinstance(part, (str, Math, Reference, Code)):
                found.append(part)
            elif isinstance(part, Integer):
                found.append(self.wording.part(part))
            elif isinstance(part, Arithmetic):
                found.append(Math(part.tex))
            elif isinstance(part, Dimensions):
                found.append(Math(self.dimensions(part.shape) or "1"))
            elif isinstance(part, Variable):
                found.append(Math(self.name(part)))
            else:
                found.append(Math(self.wording.part(part)))
        return tuple(_joined(found))

    def cell(self, sentence: Words) -> Words:
        """Write a cell of a table, with names as a line of text has them."""
        return self.words(tuple(Math(self.name(part)) if isinstance(part, Variable) else part for part in sentence))

    def space(self, shape: Shape) -> str:
        """Write the space of an array's values."""
        sizes = self.dimensions(shape)
        return rf"\mathbb{{R}}^{{{sizes}}}" if sizes else r"\mathbb{R}"

    def dimensions(self, shape: Iterable[Expr]) -> str:
        r"""Write a shape, `n_1 \times n_0`."""
        return r" \times ".join(map(self.number, shape))

    def pieces(self, formula: str, beside: float = 0.0) -> tuple[str, ...]:
        """Cut a formula where it is too long for the room that is left beside `beside` points."""
        return tuple(latex_pieces(formula, self.paper.room - beside, self.paper.points))

    def after(self, left: str) -> float:
        """Return how much of a line the left side of an equation takes."""
        return self.paper.width(left) + EQUALS

    def row(self, line: Line, beside: float | None = None) -> EquationRow:
        """Write a numbered equation; one with a base case for the last block says that it holds for the others.

        `beside` is what its block takes of the line for left sides and spaces.
        """
        equation, both = line.equation, sides(line.equation)
        left, right = map(self.formula, both)
        shape = self._shape(equation)
        taken = self._beside((line,)) if beside is None else beside
        return EquationRow(
            left,
            self._until(self.pieces(right, taken), line.unless_last, taken),
            self.space(shape) if self.paper.has_spaces else "",
            pretty_shape(shape),
            equation.name,
            line.number,
            label(equation.name),
        )

    def _shape(self, equation: Equation) -> Shape:
        return sides(equation)[0].shape if equation.target.named else equation.target.shape

    def _beside(self, lines: Sequence[Line]) -> float:
        """Return what equations that are aligned take of the line for their left sides and their spaces."""
        lefts = [self.after(self.formula(sides(line.equation)[0])) for line in lines]
        spaces = [self.paper.width(rf"\in {self.space(self._shape(line.equation))}") for line in lines]
        return max(lefts, default=0.0) + (GAP + max(spaces, default=0.0) if self.paper.has_spaces else 0.0)

    def _until(self, pieces: tuple[str, ...], span: Span | None, beside: float) -> tuple[str, ...]:
        """Say of a formula that it holds for all blocks of a loop but the last, on a line of its own if need be."""
        if span is None:
            return pieces
        said = f"({self.number(span.index)} < {self.number(span.count)})"
        *others, last = pieces
        whole = rf"{last} \quad {said}"
        has_room = self.paper.width(whole) + (CONTINUED if others else 0.0) <= self.paper.room - beside
        return (*others, whole) if has_room else (*pieces, said)

    def equations(self, found: Lines) -> Equations:
        """Write numbered equations, those of a loop under a heading that says for which blocks they hold."""
        beside = self._beside(found.lines)
        return Equations(tuple(self.row(line, beside) for line in found.lines), self.heading(found))

    def unnumbered(self, equation: Equation) -> EquationRow:
        """Write an equation that has no number on the page."""
        left, right = map(self.formula, sides(equation))
        return EquationRow(left, self.pieces(right, self.after(left)), name=equation.name)

    def heading(self, found: Lines) -> Words:
        """Write for which blocks numbered equations hold."""
        return self.words(heading(found))

    @cached_property
    def _known(self) -> Known:
        return context(self.derivation.system).by_value

    def chain(self, line: Line, like: Equation | None = None, whole: bool = True) -> Chain:
        """Write how an equation was derived, step by step where `whole`, or what it is where it follows as another."""
        equation = line.equation
        row = self.row(line)
        if like is None:
            chain = self._derived(equation, equation.steps, self._known, whole)
            *links, last = chain.links or (Link(chain.start, ""),)
            right = self._until(last.right, line.unless_last, self.after(chain.left))
            chain = (
                replace(chain, links=(*links, replace(last, right=right)))
                if chain.links
                else replace(chain, start=right)
            )
        else:
            chain = Chain(row.left, row.right, (), like=self.reference(like))
        return replace(chain, name=equation.name, number=line.number, label=row.label, space=row.space, shape=row.shape)

    def _note(self, equation: Equation) -> Words:
        return self.words(told(self.derivation, equation.note or "by definition"))

    def reference(self, equation: Equation) -> Reference:
        """Refer to an equation by its number."""
        return Reference(label(equation.name), self.derivation.numbers[equation.name])

    def lines(self, equation: Equation, whole: bool = True) -> list[tuple[str, Node, Node]]:
        """Return the rules that `chain` prints, with what they lead from and to, equations by their names."""
        known = at_first(equation.steps, self._known)
        shown = equation.steps if whole else brief(equation.steps, known)
        return [(step.rule, by_names(step.before, known), by_names(step.after, known)) for step in shown]

    def of_reading(self, found: Readings, name: str, whole: bool = True) -> Chain:
        """Write how an equation of a convolution's readings was derived; it has no number."""
        known = {tidy(each.expression): each for each in found.equations}
        return self._derived(found.equation(name), found.steps(name), known, whole)

    def chains(self, found: Readings) -> Iterator[Chain]:
        """Write how the equations of a convolution's readings follow from one another, briefly."""
        for name in dict.fromkeys(each.name for each in found.equations if each.steps):
            yield self.of_reading(found, name, whole=False)

    def _derived(self, equation: Equation, steps: Sequence[Step], known: Known, whole: bool) -> Chain:
        known, place = at_first(steps, known), self.in_place(equation)

        def write(node: Node) -> str:
            return place(by_names(node, known))  # what is yet to be differentiated by its name

        if steps and has_letters(steps[0].before):
            steps = without_moves(steps, place)
        shown = seen_steps(steps if whole else brief(steps, known), write)
        both = sides(equation) if has_letters(equation.target) else (equation.target, equation.expression)
        left = self.formula(left_side(equation))
        start = (write(shown[0].before) if shown else "") or self.formula(by_names(both[1], known))
        beside = self.after(left)
        return Chain(left, self.pieces(start, beside), self.links(shown, write, beside), self._note(equation))

    def links(self, steps: Iterable[Step], write: Callable[[Node], str], beside: float) -> tuple[Link, ...]:
        """Write steps: what each leads to, its rule and its reasons; the formulas stand beside `beside` points."""
        return tuple(
            Link(
                self.pieces(write(step.after), beside),
                step.rule,
                tuple(self.words(because) for because in reasons(self.derivation, step)),
            )
            for step in seen_steps(steps, write)
        )

    def block(self, block: Block) -> Block:
        """Set the formulas of a block; one that is set stays as it is."""
        if isinstance(block, Lines):
            return self.equations(block)
        if isinstance(block, Definitions):
            return Equations(tuple(EquationRow(self.formula(head), (self.formula(body),)) for head, body in block.rows))
        if isinstance(block, Listed):
            return Equations(tuple(map(self.unnumbered, block.equations)), self.words(block.heading))
        if isinstance(block, Paragraph):
            return Paragraph(self.words(block.words))
        if isinstance(block, Bullets):
            return Bullets(tuple(map(self.words, (*block.items, *block.signs))), block.boxed)
        if isinstance(block, Grid):
            rows = (replace(row, cells=tuple(map(self.cell, row.cells))) for row in block.rows)
            return replace(block, rows=tuple(rows))
        return block

    def section(self, section: Section) -> Section:
        """Set the blocks of one section."""
        return replace(section, blocks=tuple(map(self.block, section.blocks)))

    def part(self, title: str) -> Section:
        """Write one section of the derivation's page, an empty one where it has none of this title."""
        return self.section(section_of(self.derivation, title))

    def page(self) -> tuple[Section, ...]:
        """Write the whole page."""
        return tuple(map(self.section, sections(self.derivation)))


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Put both sides of an equation in words, `f`, " = ", `g`, into one formula."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Math) and len(found) > 1 and found[-1] == " = " and isinstance(before := found[-2], Math):
            found[-2:] = [Math(f"{before.latex} = {part.latex}")]
        else:
            found.append(part)
    return iter(found)
