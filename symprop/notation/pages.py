"""A derivation as a page for the terminal, and the steps that led to an equation.

The page of NumPy notation stands in `numpy_page`, the LaTeX and HTML pages in `reports`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator

from sympy import Expr, Integer

from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Map, Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.table import Table
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.errors import SpecError, shown
from symprop.notation.breaking import pretty_pieces
from symprop.notation.content import loss_clashes, sections
from symprop.notation.function_notes import told
from symprop.notation.numbers import number
from symprop.notation.page_data import Block, Line, Range, Section, Sentence
from symprop.notation.pretty import Unicode, pretty
from symprop.notation.text import text

WIDTH = 100
_UNICODE = Unicode()


def words(
    sentence: Sentence, write: Callable[[Node], str], size: Callable[[Expr], str], span: Callable[[Range], str]
) -> str:
    """Return a sentence with its formulas written by `write`, `size` and `span`."""
    parts = []
    for part in sentence:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, Node):
            parts.append(write(part))
        elif isinstance(part, Equation):
            parts.append(f"{write(part.target)} = {write(part.expression)}")
        elif isinstance(part, Range):
            parts.append(span(part))
        else:
            parts.append(f"{int(part):,}" if isinstance(part, Integer) else size(part))
    return "".join(parts)


def wrapped(words_: str, first: str, rest: str) -> list[str]:
    """Return words in lines of the page's width; names and formulas stay whole."""
    return textwrap.wrap(
        words_, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def network_lines(text: str, first: str, rest: str) -> list[str]:
    """Return a network's text in lines that end with a whole layer where one fits."""
    lines = [first]
    for position, layer in enumerate(text.split(" >> ")):
        joined = f" >> {layer}" if position else layer
        if position and len(lines[-1]) + len(joined) > WIDTH - 3:
            lines[-1] += " >>"
            lines.append(rest + layer)
        else:
            lines[-1] += joined
    return [piece for line in lines for piece in wrapped(line, "", rest)]


def pretty_page(derivation: Derivation) -> str:
    """Return the derivation in Unicode, every equation with its number and shape."""
    page = "\n".join(_pretty_lines(derivation))
    if loss_clashes(derivation):
        page = re.sub(r"(?m)^( +\(\d+\) +|  • )L(?= = | is the loss)", r"\1ℒ", page).replace("∂L/", "∂ℒ/")
    return page


def _pretty_lines(derivation: Derivation) -> Iterator[str]:
    for position, section in enumerate(sections(derivation)):
        if position:
            yield ""
        yield section.title
        yield "─" * len(section.title)
        if section.title in ("Network", "Formula"):
            yield from network_lines(derivation.source, "  ", "    ")
        sentences = section.sentences + section.signs
        bullet = "  • " if len(sentences) > 1 else "  "
        for sentence in sentences:
            yield from wrapped(_pretty_words(sentence), bullet, " " * len(bullet))
        if section.definitions:
            yield ""
        for definition in section.definitions:
            yield f"  {pretty(definition.head)} = {pretty(definition.body)}"
        if section.sizes:
            yield ""
        rows = [
            (pretty(size.variable), pretty_shape(size.variable.shape), size.role, _pretty_words(size.facts))
            for size in section.sizes
        ]
        yield from table_lines(rows)
        yield from _pretty_equations(section)


def _pretty_words(sentence: Sentence) -> str:
    return words(sentence, pretty, _pretty_size, _pretty_span)


def _pretty_span(block: Block | Range) -> str:
    ends = ("1", _pretty_size(block.count))
    first, last = reversed(ends) if isinstance(block, Block) and block.backward else ends
    return f"{_pretty_size(block.index)} = {first}, …, {last}"


def text_words(sentence: Sentence) -> str:
    def size(value: Expr) -> str:
        return number(value).text

    return words(sentence, text, size, lambda span: f"{size(span.index)} = 1, ..., {size(span.count)}")


def _pretty_size(value: Expr) -> str:
    return _UNICODE.number(value).text


def pretty_shape(shape: tuple[Expr, ...]) -> str:
    """Return a shape with its names as formulas have them.

    >>> from sympy import Function, Symbol
    >>> pretty_shape((Symbol("n1"), Function("n")(Symbol("l"))))
    '(n₁, nₗ)'
    """
    return shape_text(shape, _pretty_size)


def table_lines(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns aligned."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _pretty_equations(section: Section) -> Iterator[str]:
    lines = list(_flat(section))
    if not lines:
        return
    digits = max(len(str(line.number)) for line in lines)
    room = WIDTH - digits - 8 - max(len(pretty_shape(line.equation.target.shape)) for line in lines)
    conditions = {
        line.number: f"{_pretty_size(item.index)} < {_pretty_size(item.count)}"
        for item in section.lines
        if isinstance(item, Block)
        for line in item.lines
    }
    rows = {line.number: _pieces(line, room, conditions.get(line.number, "")) for line in lines}
    column = max(len(piece) for pieces in rows.values() for piece in pieces)
    for item in section.lines:
        indent = "  "
        if isinstance(item, Block):
            yield f"  for {_pretty_span(item)}"
            indent = "    "
        for line in (item,) if isinstance(item, Line) else item.lines:
            head = f"{indent}{f'({line.number})':>{digits + 2}}  "
            for position, piece in enumerate(rows[line.number]):
                if position:
                    yield f"{' ' * len(head)}{piece}"
                else:
                    yield f"{head}{piece:<{column}}   {pretty_shape(line.equation.target.shape)}"


def _pieces(line: Line, room: int, condition: str) -> list[str]:
    left = pretty(line.equation.target)
    pieces = pretty_pieces(pretty(line.equation.expression), max(30, room - len(left) - 3))
    if line.unless_last:
        pieces[-1] += f"   ({condition})"
    return [f"{left} = {pieces[0]}", *(f"{' ' * (len(left) + 3)}{piece}" for piece in pieces[1:])]


def _flat(section: Section) -> Iterator[Line]:
    for item in section.lines:
        yield from (item,) if isinstance(item, Line) else item.lines


def steps_of(derivation: Derivation, name: str) -> tuple[Equation, tuple[Step, ...]]:
    """Return the equation of `name` (or, for a parameter, of its gradient) and its steps.

    Raises:
        FormulaError: no equation has this name.
    """
    parameters = {variable.name for variable in derivation.system.parameters}
    equation = derivation.equation(f"d{name}" if name in parameters else name)
    return equation, equation.steps


def seen_steps(listed: Iterable[Step], write: Callable[[Node], str]) -> list[Step]:
    """Return the steps whose two sides look different; the others only put the same formula in another order."""
    return [step for step in listed if write(step.before) != write(step.after)]


def reasons(derivation: Derivation, step: Step) -> tuple[Sentence, ...]:
    """Return the facts that a step used, as sentences."""
    functions = tuple(dict.fromkeys(part.function for part in walk(step.before) if isinstance(part, Map)))
    return tuple(
        told(derivation, fact, functions) if isinstance(fact, str) else (fact,) for fact in dict.fromkeys(step.facts)
    )


STEPS = Table("steps")
"""How steps are printed, by the kind of what they led to: a derivation here, an answer where answers are."""


@STEPS.row(Derivation)
def steps(derivation: Derivation, name: str, format: str = "pretty") -> str:
    """Return the steps that led to an equation, its number and itself first: rule, facts, before, after.

    `name` is that of the equation or, for a gradient, of its parameter; `format` is "pretty", "text" or "latex".

    >>> from symprop.analysis.derivation import derive
    >>> print(steps(derive("Input(2) >> Dense(1) >> MeanSquaredError()"), "b1", "text"))
    (5)  db1 = delta1
    1. sum
       pullback(delta1, W1 @ x + b1, b1)
     = delta1

    Raises:
        SpecError: an unknown format.
        FormulaError: no equation has this name.
    """
    if format == "latex":
        from symprop.notation.documents import latex_steps  # the reports are made of these pages

        return latex_steps(derivation, name)
    if format not in ("pretty", "text"):
        raise SpecError(f"unknown format of steps {shown(format)}\nallowed: pretty, text, latex")
    write = pretty if format == "pretty" else text

    def written(equation: Equation) -> str:
        return f"{write(equation.target)} = {write(equation.expression)}"

    equation, listed = steps_of(derivation, name)
    say = _pretty_words if format == "pretty" else text_words
    lines = [f"({derivation.numbers[equation.name]})  {written(equation)}"]
    if not listed:
        lines.append(f"  {equation.note or 'by definition'}")
    for position, step in enumerate(seen_steps(listed, write), start=1):
        known = ", ".join(say(because) for because in reasons(derivation, step))
        lines.append(f"{position}. {step.rule}" + (f"   because {known}" if known else ""))
        lines += [f"   {write(step.before)}", f" = {write(step.after)}"]
    return "\n".join(lines)


__all__ = ["pretty_page", "steps", "steps_of"]
