"""Directives that derive while a page is built: `derivation` for the equations of a network, `jacobian`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import symprop
from extension.markup import Row, equations, folded, html, steps_table, typed
from symprop.algebra.nodes import Node
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Line, Lines
from symprop.notation.content import heading, reasons, sections, seen_steps, steps_of
from symprop.notation.conventions import loss_clashes
from symprop.notation.latex import Tex, latex
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import pretty, pretty_shape
from symprop.notation.stacks import left_side, sides
from symprop.notation.wording import Wording, told_apart

SECTIONS = ("Forward pass", "Loss", "Backward pass", "Gradients", "Remarks")
"""The parts of a derivation that a page may show; an option names them by their first words."""

WORDING = Wording(pretty, str, "…")


class DerivationDirective(SphinxDirective):
    """Show the equations of a network, or of a formula with `where`, with their numbers.

    Options: `layout` ("rows" or "columns" for a batch), `only` (first words of sections, with commas), `equations`
    (names, with spaces), `steps` (names of equations, with spaces, whose steps unfold below).
    """

    has_content = True
    option_spec = {
        "layout": directives.unchanged,
        "only": directives.unchanged,
        "equations": directives.unchanged,
        "steps": directives.unchanged,
        "where": directives.unchanged,
        "hide-input": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        source = " ".join(line.strip() for line in self.content)
        layout = self.options.get("layout")
        if "where" in self.options:
            derivation = symprop.derive(symprop.formula(source, self.options["where"]))
        else:
            derivation = symprop.derive(source, layout=layout)
        only = [each.strip() for each in self.options.get("only", "").lower().split(",") if each.strip()]
        names = self.options.get("equations", "").split()
        prefix = f"derivation-{self.env.new_serialno('derivation') + 1}"
        written = "".join(_written(derivation, only, names, prefix))
        written += "".join(_steps(derivation, name) for name in self.options.get("steps", "").split())
        before = [] if "hide-input" in self.options else [typed("\n".join(self.content))]
        return [*before, html(f'<div class="derivation">{written}</div>')]


def _written(derivation: Derivation, only: list[str], names: list[str], prefix: str) -> Iterator[str]:
    """Yield the chosen sections as tables; with `names`, their equations alone in one table."""
    chosen = [
        section
        for section in sections(derivation)
        if section.title in SECTIONS and (not only or any(section.title.lower().startswith(each) for each in only))
    ]
    for section in chosen:
        tables = list(_tables(derivation, section.lines, names, prefix))
        if tables and not names:
            yield f'<p class="equations-heading">{section.title}</p>'
        yield from tables
        if section.title == "Remarks" and not names:
            said = "".join(f"<li>{WORDING.words(sentence)}</li>" for sentence in section.sentences)
            yield f'<p class="equations-heading">Remarks</p><ul>{said}</ul>'


def _tables(derivation: Derivation, blocks: tuple[Lines, ...], names: list[str], prefix: str) -> Iterator[str]:
    for block in blocks:
        chosen = [line for line in block.lines if not names or line.equation.name in names]
        rows = [_row(derivation, line, prefix) for line in chosen]
        if rows:
            told = replace(block, kept=0, said=()) if names else block
            yield equations(rows, WORDING.words(heading(told)))


def _row(derivation: Derivation, line: Line, prefix: str) -> Row:
    equation, write = line.equation, writer(derivation)
    both = sides(equation)
    shape = (both[0] if equation.target.named else equation.target).shape
    left, right = map(write, both)
    if span := line.unless_last:
        number = Tex().number
        right += rf" \quad ({number(span.index).text} < {number(span.count).text})"
    anchor = f"{prefix}-{line.number}"
    return Row(left, right, pretty_shape(shape), str(line.number), anchor)


def writer(derivation: Derivation) -> Callable[[Node], str]:
    """Return what writes LaTeX, with a curled loss where a size has its letter, as a report has it."""
    return told_apart(latex, r"\mathcal{L}") if loss_clashes(derivation) else latex


def _steps(derivation: Derivation, name: str) -> str:
    page, (equation, listed) = PageWriter(derivation), steps_of(derivation, name)
    write = page.in_place(equation)
    shown = seen_steps(listed, write)
    rows = [
        (
            step.rule,
            ", ".join(WORDING.words(sentence) for sentence in reasons(derivation, step)),
            write(step.after),
        )
        for step in shown
    ]
    start = f"{page.formula(left_side(equation))} = {write(shown[0].before)}"
    number = derivation.numbers[equation.name]
    return folded(f"The {len(rows)} steps that led to ({number})", steps_table(rows, start))


class JacobianDirective(SphinxDirective):
    """Show Jacobians of the forward pass: the arguments are pairs `of/by`, the body is the network."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"hide-input": directives.flag}

    def run(self) -> list[nodes.Node]:
        derivation = symprop.derive(" ".join(line.strip() for line in self.content))
        rows = []
        for pair in self.arguments[0].split():
            of, by = pair.split("/")
            node = derivation.jacobian(of, by)
            above, below = (latex(derivation.variable(name)) for name in (of, by))
            rows.append(Row(rf"\frac{{\partial {above}}}{{\partial {below}}}", latex(node), pretty_shape(node.shape)))
        before = [] if "hide-input" in self.options else [typed("\n".join(self.content))]
        return [*before, html(f'<div class="derivation">{equations(rows)}</div>')]
