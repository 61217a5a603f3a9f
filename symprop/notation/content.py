"""What a derivation's page says, before any notation: one stream of blocks, read off the derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Loop, Step, equations_in
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import GIVEN, INPUT, MASK, PARAMETER, STATE, TARGET
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Block, Bullets, Definitions, Grid, GridRow, Line, Lines, Paragraph, Section, Typed
from symprop.notation.conventions import conventions, signs
from symprop.notation.convolutions import convolutions
from symprop.notation.function_notes import definitions, told
from symprop.notation.words import Dimensions, Slices, Span, Words


def sections(derivation: Derivation, signed: bool = True) -> tuple[Section, ...]:
    """Return the sections of a derivation's page; empty ones are left out, and what signs mean where none is `signed`.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> from symprop.analysis.derivation import derive
    >>> [section.title for section in sections(derive(Input(2) >> Dense(1) >> MeanSquaredError()))][:3]
    ['Network', 'Conventions', 'Forward pass']
    """
    system = derivation.system
    at_loss = {variable.name for variable in (system.loss, system.prediction) if variable is not None}
    forward = [item for item in system.items if not (isinstance(item, Equation) and item.name in at_loss)]
    loss = [item for item in system.items if isinstance(item, Equation) and item.name in at_loss]
    found: dict[str, Iterable[Block]] = {
        "Formula" if isinstance(derivation.network, Formula) else "Network": _subject(derivation),
        "Conventions": _explained(derivation, signed),
        "Forward pass": _lines(derivation, forward, None),
        "Loss": _lines(derivation, loss, None),
        "Backward pass": _lines(derivation, derivation.backward, False),
        "Gradients": _lines(derivation, derivation.backward, True),
        **_along(derivation),
        "Convolution": convolutions(tuple(derivation.convolutions.values())),
        "Remarks": _said([told(derivation, remark) for remark in derivation.remarks]),
    }
    written = (Section(title, name_of(title), tuple(blocks)) for title, blocks in found.items())
    return tuple(section for section in written if section.blocks)


def _along(derivation: Derivation) -> dict[str, Iterable[Block]]:
    """Return what second derivatives add to the page."""
    along = derivation.along
    what = along.what[:1].upper() + along.what[1:]
    if along.whole:
        return {
            along.before: _lines(derivation, along.forward, None),
            what: _lines(derivation, along.backward, None),
        }
    return {
        "Forward pass along v": _lines(derivation, along.forward, None),
        "Backward pass along v": _lines(derivation, along.backward, False),
        f"{what} times v": _lines(derivation, along.backward, True),
        f"{what}, layer by layer": _lines(derivation, along.blocks, None),
    }


def section_of(derivation: Derivation, title: str) -> Section:
    """Return one section of a derivation's page, an empty one where it has none of this title."""
    found = (section for section in sections(derivation) if section.title == title)
    return next(found, Section(title, name_of(title)))


def name_of(title: str) -> str:
    """Return the label of a section.

    >>> name_of("Forward pass")
    'sec:forward-pass'
    """
    return "sec:" + title.lower().replace(" ", "-")


def steps_of(derivation: Derivation, name: str) -> tuple[Equation, Sequence[Step]]:
    """Return the equation of `name` (or, for a parameter or an input, of its gradient) and its steps.

    Raises:
        FormulaError: no equation has this name.
    """
    given = {variable.name for variable in (*derivation.system.parameters, *derivation.system.inputs)}
    equation = derivation.equation(f"d{name}" if name in given and f"d{name}" in derivation.by_name else name)
    return equation, equation.steps


def seen_steps(listed: Iterable[Step], write: Callable[[Node], str]) -> list[Step]:
    """Return the steps whose two sides look different; the others only put the same formula in another order.

    Nor is one seen that leads to what is not written, "".
    """
    found: list[Step] = []
    for step in listed:
        after = write(step.after)
        if after not in ("", write(step.before)) and not (found and after == write(found[-1].after)):
            found.append(step)
    return found


def reasons(derivation: Derivation, step: Step) -> tuple[Words, ...]:
    """Return the facts that a step used, as sentences."""
    functions = tuple(dict.fromkeys(part.function for part in walk(step.before) if isinstance(part, n.Map)))
    return tuple(
        told(derivation, fact, functions) if isinstance(fact, str) else (fact,) for fact in dict.fromkeys(step.facts)
    )


def _lines(derivation: Derivation, items: Iterable[Item], wanted: bool | None) -> Iterator[Lines]:
    """Yield the equations of `items`: all, or only those that are (not) gradients of parameters.

    Consecutive ones of the same loops stand together.
    """
    spans: tuple[Span, ...] = ()
    around: tuple[Loop, ...] = ()
    kept = 0
    said: list[Slices] = []
    lines: list[Line] = []
    for loops, part in _placed(derivation, tuple(items), wanted, ()):
        moved = len(loops) != len(around) or any(a is not b for a, b in zip(loops, around, strict=True))
        if (lines or said) and (moved or (lines and isinstance(part, Slices))):
            yield Lines(tuple(lines), spans, kept, tuple(said))
            kept = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(loops, around, strict=False)))
            said, lines = [], []
        spans, around = tuple(map(_span, loops)), loops
        if isinstance(part, Slices):
            said.append(part)
        else:
            lines.append(part)
    if lines or said:
        yield Lines(tuple(lines), spans, kept, tuple(said))


def _span(loop: Loop) -> Span:
    return Span(loop.index, loop.count, loop.backward)


def _placed(
    derivation: Derivation, items: Iterable[Item], wanted: bool | None, around: tuple[Loop, ...]
) -> Iterator[tuple[tuple[Loop, ...], Line | Slices]]:
    """Yield the equations that `_lines` tells and what is said of rows, each with the loops around it."""

    def kept(equation: Equation) -> bool:
        return wanted is None or derivation.is_wanted(equation.target) == wanted

    for item in items:
        if isinstance(item, Equation):
            if kept(item):
                ends = (loop for loop in around if any(loop.at(item.target, loop.count) == e.target for e in loop.base))
                last = next(map(_span, ends), None)
                yield around, Line(derivation.numbers[item.name], item, last)
            continue
        told = [equation for equation in equations_in((item,)) if kept(equation)]
        sums = [each for each in derivation.backward if isinstance(each, Equation)] if wanted is not True else []
        read = {variable for equation in (*told, *sums) for variable in variables(equation.expression)}
        made = {equation.target for equation in told}
        yield from (
            (around, Slices(rows, _span(item), False))
            for rows in item.reads
            if {rows.row, item.at(rows.row, item.count), item.at(rows.row, item.index + 1)} & read
        )
        yield from _placed(derivation, item.base, wanted, around)
        yield from _placed(derivation, item.items, wanted, (*around, item))
        yield from ((around, Slices(rows, _span(item), True)) for rows in item.writes if rows.row in made)


def heading(found: Lines) -> Words:
    """Say for which blocks equations hold, and what is said of rows."""
    said: Words = tuple(part for each in found.said for part in (*each.words, ". "))
    kept: Words = tuple(part for span in found.spans[: found.kept] for part in (" and ", span.index))[1:]
    opened: Words = tuple(part for span in found.opened for part in (" and in each of them for ", span))[1:]
    if opened:
        begun = (*(("For each ", *kept, ", for ") if kept else ("For ",)), *opened)
        return (*begun, ": ", *said[:-1], ".") if said else (*begun, ":")
    return (*said, "Then, for the same ", *kept, ":") if kept else said


def _subject(derivation: Derivation) -> Iterator[Block]:
    """Show what is derived, and the arrays that it reads."""
    yield Typed(derivation.source)
    if not isinstance(derivation.network, Formula):
        yield Paragraph(_parameter_count(derivation))
    yield Grid((("Symbol",), ("Shape",), ("Role",), ("Known of it",)), tuple(_sizes(derivation)), ("l",) * 4)


def _explained(derivation: Derivation, signed: bool) -> Iterator[Block]:
    """Say what symbols, signs and functions mean."""
    yield Bullets(tuple(conventions(derivation)), True, tuple(signs(derivation)) if signed else ())
    shown = tuple(definitions(derivation))
    if shown:
        yield Definitions(shown)


def _said(sentences: Sequence[Words]) -> Iterator[Block]:
    if len(sentences) > 1:
        yield Bullets(tuple(sentences))
    else:
        yield from map(Paragraph, sentences)


def _parameter_count(derivation: Derivation) -> Words:
    total: Expr = sympy.Integer(0)
    for parameter in derivation.system.parameters:
        size = sympy.prod(parameter.shape)
        for loop in derivation.system.loops:
            if any(index.has(loop.index) for index in parameter.index):
                size = sympy.Sum(size, (loop.index, 1, loop.count)).doit()
        total += size
    return ("The network has ", sympy.factor_terms(sympy.expand(total)), " parameters.")


def _sizes(derivation: Derivation) -> Iterator[GridRow]:
    """Yield what is known of each array; parameters of one layer that are alike stand side by side."""
    found: dict[tuple[Shape, str, Words, object], list[Variable]] = {}
    for variable, role, known in _arrays(derivation):
        layer = (variable.index, *variable.named.items()) if role == PARAMETER and variable.index else variable
        found.setdefault((variable.shape, role, known, layer), []).append(variable)
    for (shape, role, known, _), alike in found.items():
        names: Words = tuple(part for variable in alike for part in (", ", variable))[1:]
        yield GridRow((names, (Dimensions(shape),), (role,), known))


def _arrays(derivation: Derivation) -> Iterator[tuple[Variable, str, Words]]:
    system = derivation.system
    running = tuple(state.variable for state in system.states)
    drops = {mask.variable: mask.probability for mask in system.masks}
    given = ((system.inputs, INPUT), (tuple(drops), MASK), (system.targets, TARGET), (system.parameters, PARAMETER))
    for group, usual in (*given, (running, "running statistic")):
        for variable in group:
            role = variable.role if usual == INPUT and variable.role in (GIVEN, STATE) else usual
            facts: list[str | Span] = [_fact(fact) for fact in variable.said if variable not in drops]
            facts += [f"0 with probability {drops[variable]}, else 1"] if variable in drops else []
            for loop in system.loops:
                if any(index.has(loop.index) for index in variable.index):
                    facts.append(Span(loop.index, loop.count))
            known: Words = tuple(part for fact in facts for part in ("; ", fact))[1:]
            yield variable, role, known


def _fact(fact: n.Fact) -> str:
    if fact.kind == "index":
        return f"integers from 0 to {fact.value - 1}"
    return fact.kind
