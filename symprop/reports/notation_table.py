"""The notation of a report: what its letters and signs mean, as far as they stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from symprop.algebra.nodes import Variable
from symprop.algebra.roles import ACTIVATION, GIVEN, INPUT, LOSS, PARAMETER, PRE_ACTIVATION, PREDICTION, TARGET
from symprop.algebra.trees import variables
from symprop.notation.blocks import Block, Boxed, Bullets, Chain, Equations, Grid, GridRow, Section
from symprop.notation.paper import MILLIMETRE, Paper
from symprop.notation.words import Math, Words, written
from symprop.reports.subject import Subject

_ROLES = {
    INPUT: "input",
    GIVEN: "what is given",
    TARGET: "target",
    PRE_ACTIVATION: "pre-activation",
    ACTIVATION: "activation",
    PREDICTION: "prediction of the network",
    LOSS: "loss",
}
SIGNS: tuple[tuple[str, str, str], ...] = (
    (r"\\odot(?! ?\d|\{)", r"u \odot v", "product, element by element"),
    (r"\\oslash", r"u \oslash v", "quotient, element by element"),
    (r"\^\{\\odot 2\}", r"u^{\odot 2}", "square of each element"),
    (r"\\mathbf\{1\}(?!\[)", r"\mathbf{1}", "vector of ones"),
    (r"\\mathbf\{1\}\[", r"\mathbf{1}[\cdot]", "1 where the condition holds, else 0"),
    (r"\\operatorname\{diag\}", r"\operatorname{diag}(u)", "diagonal matrix of a vector"),
    (r"\\partial [^L].*?\}\{\\partial", r"\partial u/\partial v", "Jacobian, with a row for each element above"),
    (r"\\partial L\}\{\\partial", r"\partial L/\partial W", "gradient, in the shape of the parameter"),
    (r"(?<![A-Za-z])I(?![A-Za-z])|\\mathbf\{I\}", "I", "identity matrix"),
    (r"\\mathcal\{R\}", r"\mathcal{R}\{u\}", "derivative along the direction; of a parameter, its part of it"),
    (r"\\mathcal\{G\}", r"\mathcal{G}\{u\}", "the same where the slopes of the network are held"),
    (r"\\right\\\|_F", r"\|W\|_F", "Frobenius norm"),
    (r"\\right\\\|\^2", r"\|u\|", "Euclidean norm"),
)
"""How a sign is known in LaTeX, how it is shown, and what it means."""
OF_FORMULAS = (
    *(each for each in SIGNS if "partial" not in each[0]),
    (r"\\left\(\\frac\{\\partial", r"\partial u/\partial v", "Jacobian, with a row for each element above"),
    (r"\\otimes", r"A \otimes B", "Kronecker product"),
    (r"\\right\\\}_\{?[a-z]\}?", r"\{\dots\}_i", "array that has this at every place i"),
    (r"logsumexp", r"\operatorname{logsumexp}(u)", "logarithm of the sum of the exponentials"),
)
"""The same where derivatives are those of one formula."""


def notation(subject: Subject, shown: Sequence[Section]) -> Iterator[Block]:
    """Say what letters and signs mean: those that stand in the sections of the report."""
    blocks = subject.writer.part("Conventions").blocks
    yield from table(_letters(subject), blocks, shown, SIGNS, subject.paper)


def table(
    letters: Iterable[GridRow],
    told: Iterable[Block],
    shown: Iterable[Section],
    signs: Iterable[tuple[str, str, str]],
    paper: Paper,
) -> Iterator[Block]:
    """Return letters, what is `told` of signs and functions, and those of `signs` that stand in sections, as a table.

    A convention that is no meaning of a sign stands before the table, a definition that is too long for it behind.
    """
    said: list[GridRow] = []
    rest: list[Words] = []
    blocks: list[Block] = []
    for block in told:
        if isinstance(block, Equations):
            room = 0.3 * paper.page * 10 * MILLIMETRE
            fits = [row for row in block.rows if paper.width(" ".join(row.right)) < room]
            said += [row_of(Math(row.left), (Math(" ".join(row.right)),)) for row in fits]
            longer = tuple(row for row in block.rows if row not in fits)
            blocks += [replace(block, rows=longer)] if longer else []
            continue
        if not isinstance(block, Bullets):
            continue
        for words in (*block.items, *block.signs):
            match words:
                case (Math() as sign, str() as meaning, *more) if meaning.startswith(" "):
                    said.append(row_of(sign, _without_stop((meaning.removeprefix(" is ").lstrip(), *more))))
                case _:
                    rest.append(words)
    if rest:
        yield Bullets(tuple(rest), True)
    formulas = tuple(formulas_of(shown))
    named = [part.latex for row in said for part in written(row.cells[0]) if isinstance(part, Math)]
    occurring = [
        row_of(Math(sign), (meaning,))
        for known, sign, meaning in signs
        if any(re.search(known, each) for each in formulas) and not any(re.search(known, each) for each in named)
    ]
    yield _in_two([*letters, *_by_sign(said), *occurring], paper)
    yield from blocks


def _by_sign(rows: Iterable[GridRow]) -> Iterator[GridRow]:
    """Yield one row for each sign: what it is, then what else is said of it."""
    meanings: dict[Words, list[Words]] = {}
    for row in rows:
        sign, meaning = row.cells
        meanings.setdefault(sign, []).append(meaning)
    for sign, found in meanings.items():
        found.sort(key=lambda meaning: not isinstance(meaning[0], Math))  # its formula first
        yield GridRow((sign, tuple(part for meaning in found for part in ("; ", *meaning))[1:]))


def formulas_of(sections: Iterable[Section]) -> Iterator[str]:
    """Yield the formulas of a report."""
    for section in sections:
        for block in section.blocks:
            inside = block.blocks if isinstance(block, Boxed) else (block,)
            for each in inside:
                if isinstance(each, Equations):
                    yield from (part for row in each.rows for part in (row.left, *row.right))
                elif isinstance(each, Chain):
                    yield from (each.left, *each.start, *(part for link in each.links for part in link.right))


def _letters(subject: Subject) -> Iterator[GridRow]:
    """Yield a row for each letter: the arrays that have it, and what they are."""
    kinds = {parameter.variable.letter: parameter.kind for parameter in reversed(subject.network.parameters)}
    families: dict[str, list[Variable]] = {}
    roles: dict[str, str] = {}
    equations = subject.derivation.equations
    read = [variable for equation in equations for variable in (*variables(equation.expression), equation.target)]
    for variable in dict.fromkeys((*subject.derivation.system.inputs, *read)):
        role = kinds.get(variable.letter, PARAMETER) if variable.role == PARAMETER else _ROLES.get(variable.role, "")
        if role and not variable.is_gradient:
            roles.setdefault(variable.letter, role)
            families.setdefault(variable.letter, []).append(variable)
    system = subject.derivation.system
    made = {equation.target: equation.note for equation in system.equations}
    own = {*system.parameters, *system.data, *made}
    for letter, alike in families.items():
        alike = [each for each in alike if each in own] or alike  # not those of the step before or after
        general = [each for each in alike if any(part.free_symbols for part in each.index)]
        names = [subject.writer.name(each) for each in general or alike]
        shown = names if len(names) < 3 else [names[0], r"\dots", names[-1]]
        notes = {made.get(each, "") for each in general or alike}
        note = notes.pop() if len(notes) == 1 and roles[letter] == _ROLES[ACTIVATION] else ""
        yield row_of(Math(", ".join(shown)), (note or roles[letter],))


def _without_stop(words: Words) -> Words:
    *front, last = words
    return (*front, last.removesuffix(".")) if isinstance(last, str) else words


def row_of(sign: Math, meaning: Words) -> GridRow:
    """Return a row of the table."""
    return GridRow(((sign,), meaning))


def _in_two(rows: Sequence[GridRow], paper: Paper) -> Grid:
    """Return a table of signs and meanings, two beside each other where there are many."""
    head: tuple[Words, ...] = (("Sign",), ("Meaning",))

    def signs(rows: Sequence[GridRow], place: int) -> float:
        """Return what the signs in a column take of the line."""
        parts = [part.latex for row in rows for part in written(row.cells[place]) if isinstance(part, Math)]
        return max(map(paper.width, parts), default=0.0) / line

    if paper.columns == 2:
        line = paper.line
        sign = min(signs(rows, 0) + 0.01, 0.5)
        align = (f"{sign:.2f}", f"{0.95 - sign:.2f}")
        return Grid(head, tuple(rows), align, ("Notation.",), "tab:notation", small=True)
    if len(rows) < 6:
        return Grid(head, tuple(rows), ("l", "0.7"), ("Notation.",), "tab:notation", small=True)
    half = (len(rows) + 1) // 2
    empty = GridRow(((), ()))
    beside = [*rows[half:], empty][:half]
    both = tuple(GridRow((*one.cells, *other.cells)) for one, other in zip(rows, beside, strict=False))
    line = paper.page * 10 * MILLIMETRE
    meaning = f"{min(0.36, (1 - signs(both, 0) - signs(both, 2) - 40 / line) / 2):.2f}"  # between columns are 12 points
    return Grid((*head, *head), both, ("l", meaning, "l", meaning), ("Notation.",), "tab:notation", small=True)
