"""A derivation as a LaTeX page, as a complete LaTeX document and as one HTML file.

Templates lay out; what they print is made here: every string that reaches a template is finished LaTeX or, for HTML,
either plain text, which the template escapes, or MathML made from the same LaTeX.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from latex2mathml.converter import convert
from markupsafe import Markup, escape
from sympy import Expr

from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.calculus.derivation import Derivation
from symprop.notation.breaking import latex_pieces, latex_width
from symprop.notation.content import loss_clashes, sections
from symprop.notation.latex import Tex, escaped, latex
from symprop.notation.page_data import Block, Line, Range, Section, Sentence
from symprop.notation.pages import reasons, seen_steps, steps_of, words
from symprop.templating import environment

WIDTH = 52  # characters of a formula that fit beside its space and number on an A4 page
STEP_INDENT = -16  # a step has no number or space beside it
TITLE = "Forward and backward pass"
_TEX = Tex()


@dataclass(frozen=True)
class Row:
    """One equation as a template prints it."""

    left: str
    right: str
    space: str
    number: int
    label: str


@dataclass(frozen=True)
class Group:
    """Equations under one heading ("for l = 1, ..., L")."""

    heading: str
    rows: tuple[Row, ...]


def latex_page(derivation: Derivation) -> str:
    r"""Return the derivation as LaTeX for `\input`; the preamble loads amsmath, amssymb, booktabs and longtable."""
    return environment("latex").get_template("body.tex.j2").render(sections=_latex_sections(derivation), figure="")


def document(derivation: Derivation, figure: bool = False) -> str:
    """Return the derivation as a complete LaTeX document, with the diagram where `figure` asks for it."""
    drawn = ""
    if figure:
        from symprop.notation.diagram import diagram

        drawn = fitted(diagram(derivation, "tikz")) if _fits(derivation) else ""
    template = environment("latex").get_template("report.tex.j2")
    return template.render(sections=_latex_sections(derivation), figure=drawn)


def _fits(derivation: Derivation) -> bool:
    """Whether a figure of all equations could still be read."""
    return len(derivation.numbers) <= 120


def fitted(picture: str) -> str:
    """Return a TikZ picture made smaller where it would leave the page."""
    limits = r"max width=\textwidth, max totalheight=0.86\textheight"
    return f"\\begin{{adjustbox}}{{{limits}}}\n{picture}\\end{{adjustbox}}"


def notebook(derivation: Derivation) -> str:
    """Return all equations as one display formula, for a notebook's MathJax."""
    sign = _loss_sign(derivation)
    rows: list[str] = []
    for item in (item for section in sections(derivation) for item in section.lines):
        block = item if isinstance(item, Block) else None
        if block is not None:
            rows.append(rf"&\text{{for }} {_span(block)}\text{{:}}")
        for line in (item,) if isinstance(item, Line) else item.lines:
            left, right = sign(latex(line.equation.target)), sign(latex(line.equation.expression))
            rows.append(rf"{left} &= {right}{_condition(line, block)} \qquad ({line.number})")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def latex_steps(derivation: Derivation, name: str) -> str:
    """Return the steps that led to an equation, as a complete LaTeX document."""
    sign = _loss_sign(derivation)

    def inline(node: Node) -> str:
        return f"${sign(latex(node))}$"

    def said(sentence: Sentence) -> str:
        return _latex_words(sentence, inline)

    equation, listed = steps_of(derivation, name)
    shown_steps = seen_steps(listed, latex)
    return (
        environment("latex")
        .get_template("steps.tex.j2")
        .render(
            left=sign(latex(equation.target)),
            right=sign(_cut(equation.expression)),
            number=derivation.numbers[equation.name],
            note=escaped(equation.note or "by definition"),
            start=sign(_cut(shown_steps[0].before, STEP_INDENT)) if shown_steps else "",
            steps=[
                {
                    "rule": escaped(step.rule),
                    "reasons": ", ".join(map(said, reasons(derivation, step))),
                    "after": sign(_cut(step.after, STEP_INDENT)),
                }
                for step in shown_steps
            ],
        )
    )


def html(derivation: Derivation, figure: bool = True) -> str:
    """Return the derivation as one HTML file: offline, in the reader's own light or dark, every name escaped."""
    drawn: Any = ""
    if figure:
        from symprop.notation.diagram import diagram

        drawn = Markup(diagram(derivation, "svg").partition("?>\n")[2]) if _fits(derivation) else ""
    template = environment("html").get_template("report.html.j2")
    sign = _loss_sign(derivation)
    pages = [_html_section(derivation, section, sign) for section in sections(derivation)]
    return template.render(title=TITLE, sections=pages, figure=drawn)


def _latex_sections(derivation: Derivation) -> list[dict[str, Any]]:
    sign = _loss_sign(derivation)
    return [_latex_section(derivation, section, sign) for section in sections(derivation)]


Sign = Callable[[str], str]


def _loss_sign(derivation: Derivation) -> Sign:
    """Return what writes the loss with curls where a size has its letter."""
    if not loss_clashes(derivation):
        return lambda formula: formula

    def curled(formula: str) -> str:
        return r"\mathcal{L}" if formula == "L" else formula.replace(r"\partial L}", r"\partial \mathcal{L}}")

    return curled


def _latex_section(derivation: Derivation, section: Section, sign: Sign) -> dict[str, Any]:
    def inline(node: Node) -> str:
        return f"${sign(latex(node))}$"

    def written(sentence: Sentence) -> str:
        return _latex_words(sentence, inline)

    sentences = [written(sentence) for sentence in section.sentences + section.signs]
    headed = section.title in ("Network", "Formula")
    network = [rf"{{\raggedright\ttfamily {_network(derivation)}\par}}"] if headed else []
    several = len(sentences) > 1
    return {
        "title": section.title,
        "paragraphs": network + ([] if several else sentences),
        "bullets": sentences if several else [],
        "definitions": [(latex(item.head), latex(item.body)) for item in section.definitions],
        "sizes": [
            (latex(size.variable), _dimensions(size.variable.shape) or "1", size.role, written(size.facts))
            for size in section.sizes
        ],
        "groups": list(_groups(section, lambda line, block: _latex_row(line, block, sign), _latex_heading)),
    }


def _latex_words(sentence: Sentence, inline: Callable[[Node], str]) -> str:
    said = words(_escaped_words(sentence), inline, _inline_size, lambda span: f"${_span(span)}$")
    return said.replace("$ = $", " = ")  # both sides of an equation in one formula


def _escaped_words(sentence: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(escaped(part) if isinstance(part, str) else part for part in sentence)


def _network(derivation: Derivation) -> str:
    return escaped(derivation.source).replace(r"\textgreater{}\textgreater{} ", r">{}> \allowbreak ")


def _inline_size(value: Expr) -> str:
    return f"${_TEX.number(value).text}$"


def _groups(
    section: Section, row: Callable[[Line, Block | None], Row], heading: Callable[[Block], str]
) -> Iterator[Group]:
    """Yield consecutive single lines as one group, each block as another."""
    loose: list[Row] = []
    for item in section.lines:
        if isinstance(item, Line):
            loose.append(row(item, None))
            continue
        if loose:
            yield Group("", tuple(loose))
            loose = []
        yield Group(heading(item), tuple(row(line, item) for line in item.lines))
    if loose:
        yield Group("", tuple(loose))


def _latex_heading(block: Block) -> str:
    return rf"For ${_span(block)}$:"


def _span(block: Block | Range) -> str:
    first, last = ("1", _TEX.number(block.count).text)
    first, last = (last, first) if isinstance(block, Block) and block.backward else (first, last)
    return rf"{_TEX.number(block.index).text} = {first}, \dots, {last}"


def _latex_row(line: Line, block: Block | None, sign: Sign) -> Row:
    equation = line.equation
    left = sign(latex(equation.target))
    right = sign(_cut(equation.expression, latex_width(left))) + _condition(line, block)
    return Row(left, right, _space(equation.target.shape), line.number, label(equation.name))


def _condition(line: Line, block: Block | None) -> str:
    """Say of an equation with a base case for the last block that it holds for the others."""
    if not line.unless_last or block is None:
        return ""
    return rf" \quad ({_TEX.number(block.index).text} < {_TEX.number(block.count).text})"


def _cut(node: Node, beside: int = 0) -> str:
    """Return a formula, on several lines where it is too long for one."""
    pieces = latex_pieces(latex(node), WIDTH - beside)
    if len(pieces) == 1:
        return pieces[0]
    return r"\begin{aligned}[t] & " + r" \\ & \quad ".join(pieces) + r" \end{aligned}"


def _dimensions(shape: tuple[Expr, ...]) -> str:
    return r" \times ".join(_TEX.number(size).text for size in shape)


def _space(shape: tuple[Expr, ...]) -> str:
    return rf"\mathbb{{R}}^{{{_dimensions(shape)}}}" if shape else r"\mathbb{R}"


def label(name: str) -> str:
    r"""Return the label of an equation, for `\eqref` and for links.

    >>> label("delta1"), label("delta[l + 1]")
    ('eq:delta1', 'eq:delta.l+1')
    """
    return "eq:" + name.replace(" ", "").replace("[", ".").replace("]", "")


def _html_section(derivation: Derivation, section: Section, sign: Sign) -> dict[str, Any]:
    def math(node: Node) -> str:
        return mathml(sign(latex(node)))

    def written(sentence: Sentence) -> Markup:
        marked = tuple(escape(part) if isinstance(part, str) else part for part in sentence)
        return Markup(words(marked, math, _math_size, lambda span: mathml(_span(span))))

    return {
        "title": section.title,
        "network": derivation.source if section.title in ("Network", "Formula") else "",
        "boxed": section.title == "Conventions",
        "sentences": [written(sentence) for sentence in section.sentences + section.signs],
        "definitions": [Markup(mathml(f"{latex(d.head)} = {latex(d.body)}")) for d in section.definitions],
        "sizes": [
            (Markup(math(size.variable)), shape_text(size.variable.shape), size.role, written(size.facts))
            for size in section.sizes
        ],
        "groups": list(
            _groups(
                section,
                lambda line, block: _html_row(line, block, sign),
                lambda block: Markup(f"for {mathml(_span(block))}"),
            )
        ),
    }


def _math_size(value: Expr) -> str:
    return mathml(_TEX.number(value).text)


def _html_row(line: Line, block: Block | None, sign: Sign) -> Row:
    equation = line.equation
    right = sign(latex(equation.expression)) + _condition(line, block)
    shape = shape_text(equation.target.shape)
    return Row(
        Markup(mathml(sign(latex(equation.target)))), Markup(mathml(right)), shape, line.number, label(equation.name)
    )


_UNDERSCORED = re.compile(r"\\(?:operatorname|mathrm)\{((?:[^{}\\]|\\_)*\\_(?:[^{}\\]|\\_)*)\}")


@functools.lru_cache(maxsize=10_000)
def mathml(formula: str) -> str:
    """Return LaTeX as MathML; a fraction keeps its size, a name with an underscore its upright letters."""
    plain = _UNDERSCORED.sub(lambda match: r"\text{" + match[1].replace("\\_", "-") + "}", formula)
    written = str(convert(plain, display="inline")).replace("<math ", '<math displaystyle="true" ', 1)
    written = written.replace('<mn mathvariant="bold">1</mn>', "<mn>\U0001d7cf</mn>")  # browsers know no other bold
    written = re.sub(r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>", written)  # a function's name, without gaps around it
    return re.sub(r"(</m(?:sub|sup|subsup|frac|i)>)(<mi>[A-Za-z]{2,}</mi>)", r'\1<mspace width="0.17em"/>\2', written)


__all__ = ["document", "html", "label", "latex_page", "latex_steps", "mathml", "notebook"]
