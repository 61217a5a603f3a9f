"""The page of a derivation as blocks: its sections' sentences and equations as finished formulas, in one notation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Basic, Expr, Integer

from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape
from symprop.analysis.derivation import Derivation
from symprop.notation import page_data
from symprop.notation.blocks import (
    Block,
    Bullets,
    Chain,
    EquationRow,
    Equations,
    Grid,
    GridRow,
    Link,
    Math,
    Paragraph,
    Reference,
    Section,
    Typed,
    Words,
)
from symprop.notation.breaking import latex_pieces, latex_width
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.content import loss_clashes, sections
from symprop.notation.latex import Tex, latex
from symprop.notation.page_data import Line, Range, Sentence
from symprop.notation.pages import pretty_shape, reasons, seen_steps

WIDTH = 56
"""Characters of a formula that fit beside its space and number on an A4 page."""
_FREE = 16
"""So many more fit in a step, which has no space and number beside it."""


def label(name: str) -> str:
    r"""Return the label of an equation, for `\eqref` and for links.

    >>> label("delta1"), label("delta[l + 1]")
    ('eq:delta1', 'eq:delta.l+1')
    """
    return "eq:" + name.replace(" ", "").replace("[", ".").replace("]", "")


@dataclass(frozen=True)
class PageWriter:
    """Writes what a derivation says in one notation; where a size is called like the loss, the loss gets curls."""

    derivation: Derivation
    chosen: Notation = PLAIN

    @cached_property
    def notation(self) -> Notation:
        """The notation that the author chose, with another letter for the loss where a size has it."""
        if loss_clashes(self.derivation) and self.chosen.symbol("L") is None:
            return replace(self.chosen, loss=r"\mathcal{L}")
        return self.chosen

    @cached_property
    def _tex(self) -> Tex:
        return Tex(self.notation)

    def formula(self, node: Node) -> str:
        """Write a formula."""
        return latex(node, self.notation)

    def name(self, variable: Variable) -> str:
        r"""Write the name of an array for a line of text: a derivative with a stroke, `\partial L/\partial W_1`."""
        written = self.formula(variable)
        fraction = re.fullmatch(r"\\frac\{(\\partial .*)\}\{(\\partial .*)\}", written)
        return f"{fraction[1]}/{fraction[2]}" if fraction else written

    def number(self, value: Basic) -> str:
        """Write a size, a count or a polynomial in them."""
        return self._tex.number(value).text

    def equation(self, equation: Equation) -> str:
        """Write an equation."""
        return f"{self.formula(equation.target)} = {self.formula(equation.expression)}"

    def span(self, block: page_data.Block | Range) -> str:
        """Write the numbers of a loop's blocks, in the order in which they are computed."""
        ends = ("1", self.number(block.count))
        first, last = reversed(ends) if isinstance(block, page_data.Block) and block.backward else ends
        return rf"{self.number(block.index)} = {first}, \dots, {last}"

    def words(self, sentence: Sentence) -> Words:
        """Write a sentence."""
        written: list[str | Math] = []
        for part in sentence:
            if isinstance(part, str):
                written.append(part)
            elif isinstance(part, Integer):
                written.append(f"{int(part):,}")
            elif isinstance(part, Node):
                written.append(Math(self.formula(part)))
            elif isinstance(part, Equation):
                written.append(Math(self.equation(part)))
            elif isinstance(part, Range):
                written.append(Math(self.span(part)))
            else:
                written.append(Math(self.number(part)))
        return tuple(_joined(written))

    def space(self, shape: Shape) -> str:
        """Write the space of an array's values."""
        sizes = self.dimensions(shape)
        return rf"\mathbb{{R}}^{{{sizes}}}" if sizes else r"\mathbb{R}"

    def dimensions(self, shape: Iterable[Expr]) -> str:
        r"""Write a shape, `n_1 \times n_0`."""
        return r" \times ".join(map(self.number, shape))

    def pieces(self, formula: str, beside: int = 0) -> tuple[str, ...]:
        """Cut a formula where it is too long for the room that is left beside `beside` characters."""
        return tuple(latex_pieces(formula, WIDTH - beside))

    def row(self, line: Line, block: page_data.Block | None = None) -> EquationRow:
        """Write a numbered equation; one with a base case for the last block says that it holds for the others."""
        equation = line.equation
        left, shape = self.formula(equation.target), equation.target.shape
        *front, last = self.pieces(self.formula(equation.expression), latex_width(left))
        if line.unless_last and block is not None:
            last += rf" \quad ({self.number(block.index)} < {self.number(block.count)})"
        return EquationRow(
            left,
            (*front, last),
            self.space(shape),
            pretty_shape(shape),
            equation.name,
            line.number,
            label(equation.name),
        )

    def equations(self, lines: Iterable[Line | page_data.Block]) -> Iterator[Equations]:
        """Write numbered equations: consecutive single ones as one block, those of a loop as another."""
        loose: list[EquationRow] = []
        for item in lines:
            if isinstance(item, Line):
                loose.append(self.row(item))
                continue
            if loose:
                yield Equations(tuple(loose))
                loose = []
            rows = tuple(self.row(line, item) for line in item.lines)
            yield Equations(rows, ("For ", Math(self.span(item)), ":"))
        if loose:
            yield Equations(tuple(loose))

    def chain(self, equation: Equation, alike: Iterable[Equation] = ()) -> Chain:
        """Write how an equation was derived; `alike` are equations that follow by the same steps."""
        steps = seen_steps(equation.steps, self.formula)
        left = self.formula(equation.target)
        return Chain(
            equation.name,
            self.derivation.numbers[equation.name],
            label(equation.name),
            left,
            self.pieces(self.formula(steps[0].before if steps else equation.expression), latex_width(left) - _FREE),
            self.links(steps),
            equation.note or "by definition",
            tuple(Reference(label(other.name), self.derivation.numbers[other.name]) for other in alike),
        )

    def links(self, steps: Iterable[Step], width: int = _FREE) -> tuple[Link, ...]:
        """Write steps: what each leads to, its rule and its reasons; `width` is what a line has more room for."""
        return tuple(
            Link(
                self.pieces(self.formula(step.after), -width),
                step.rule,
                tuple(self.words(because) for because in reasons(self.derivation, step)),
            )
            for step in seen_steps(steps, self.formula)
        )

    def section(self, section: page_data.Section, title: str = "") -> Section:
        """Write one section of the page."""
        return Section(title or section.title, name_of(section.title), tuple(self._blocks(section)))

    def _blocks(self, section: page_data.Section) -> Iterator[Block]:
        if section.title in ("Network", "Formula"):
            yield Typed(self.derivation.source)
        sentences = tuple(self.words(sentence) for sentence in section.sentences + section.signs)
        boxed = section.title == "Conventions"
        if boxed or len(sentences) > 1:
            yield Bullets(sentences, boxed)
        else:
            yield from map(Paragraph, sentences)
        if section.definitions:
            yield Equations(
                tuple(EquationRow(self.formula(d.head), (self.formula(d.body),)) for d in section.definitions)
            )
        if section.sizes:
            yield Grid(
                (("Symbol",), ("Shape",), ("Role",), ("Known of it",)),
                tuple(
                    GridRow(
                        (
                            (Math(self.formula(size.variable)),),
                            (Math(self.dimensions(size.variable.shape) or "1"),),
                            (size.role,),
                            self.words(size.facts),
                        )
                    )
                    for size in section.sizes
                ),
                ("l",) * 4,
            )
        yield from self.equations(section.lines)

    def page(self) -> tuple[Section, ...]:
        """Write the whole page."""
        return tuple(self.section(section) for section in sections(self.derivation))


def name_of(title: str) -> str:
    """Return the label of a section.

    >>> name_of("Forward pass")
    'sec:forward-pass'
    """
    return "sec:" + title.lower().replace(" ", "-")


def _joined(parts: Iterable[str | Math]) -> Iterator[str | Math]:
    """Put both sides of an equation in words, `f`, " = ", `g`, into one formula."""
    found: list[str | Math] = []
    for part in parts:
        if isinstance(part, Math) and len(found) > 1 and found[-1] == " = " and isinstance(before := found[-2], Math):
            found[-2:] = [Math(f"{before.latex} = {part.latex}")]
        else:
            found.append(part)
    return iter(found)


__all__ = ["PageWriter", "label", "name_of"]
