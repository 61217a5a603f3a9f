"""A derivation as a page of NumPy notation: Python runs it after `from numpy import *`, given the arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import DELTA, GRADIENT
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Block, Bullets, Definitions, Grid, Line, Lines, Paragraph, Section, Typed
from symprop.notation.content import loops_of, loss_clashes, sections
from symprop.notation.function_notes import definitions
from symprop.notation.terminal import NUMPY, network_lines, wrapped
from symprop.notation.text import text
from symprop.notation.wording import Wording, told_apart


def text_page(derivation: Derivation) -> str:
    """Return the derivation in NumPy notation: a page that Python runs after `from numpy import *`, given the arrays.

    Arrays that differ from block to block of a loop are given in dictionaries: `W = {1: ..., 2: ...}`.
    """
    letters = _indexed_letters(derivation)  # a block reads its neighbours by number, so they are indexed everywhere
    write = told_apart(text, "loss") if loss_clashes(derivation) else text
    wording = replace(NUMPY, formula=lambda node: _with_indices(write(node), letters))
    return "\n\n".join("\n".join(_section(derivation, each, wording)) for each in sections(derivation)) + "\n"


def _indexed_letters(derivation: Derivation) -> set[str]:
    """The letters of arrays that differ from block to block: they stand in dictionaries."""
    loops = loops_of(derivation)
    inside = [equation.target for loop in loops for equation in loop.equations]
    letters = {name.letter for target in inside for name in (target, adjoint_of(target))}
    letters |= {variable.letter for loop in loops for variable in derivation.system.parameters}
    targets = [equation.target for equation in derivation.equations] if loops else []
    forward = (target for target in targets if target.role not in (GRADIENT, DELTA))
    letters |= {target.letter for target in forward if target.index and not target.index[0].is_Integer}
    counted = (equation.target for equation in derivation.equations)  # behind a loop a layer's number is N + 1
    letters |= {target.letter for target in counted if target.index and not target.index[0].is_Integer}
    return letters


def _prepared(derivation: Derivation) -> Iterator[str]:
    """Say which dictionaries are given, and make those that the page fills."""
    letters = _indexed_letters(derivation)

    def stems(variables: Iterable[Variable]) -> list[str]:
        indexed = (variable for variable in variables if variable.index and variable.letter in letters)
        return list(dict.fromkeys(variable.change(index=()).name for variable in indexed))

    system = derivation.system
    given = stems((*system.inputs, *system.targets, *system.parameters))
    if given:
        kind = "are dictionaries" if len(given) > 1 else "is a dictionary"
        yield f"# {' and '.join(filter(None, (', '.join(given[:-1]), given[-1])))} {kind} by layer: {given[0]}[1], ..."
    filled = stems(equation.target for equation in derivation.equations)
    if filled:
        yield f"{', '.join(filled)} = {', '.join(['{}'] * len(filled))}"


def _helpers(derivation: Derivation) -> Iterator[str]:
    """Define what the formulas use and NumPy lacks."""
    formulas = [equation.expression for equation in derivation.equations]
    formulas += [body for _, body in definitions(derivation)]
    names = {name for formula in formulas for name in re.findall(r"(\w+)\(", text(formula))}
    for name, lines in _HELPERS.items():
        if name in names:
            yield from lines


_HELPERS = {
    "erf": (
        "import math",
        "def erf(t): return vectorize(math.erf, otypes=[float])(t)",
    ),
    "softmax": (
        "def softmax(z, axis=-1):",
        "    e = exp(z - amax(z, axis=axis, keepdims=True))",
        "    return e / sum(e, axis=axis, keepdims=True)",
    ),
    "logsumexp": (
        "def logsumexp(z, axis=-1, keepdims=False):",
        "    largest = amax(z, axis=axis, keepdims=True)",
        "    shifted = log(sum(exp(z - largest), axis=axis, keepdims=keepdims))",
        "    return shifted + (largest if keepdims else largest.squeeze(axis))",
    ),
    "one_hot": ("def one_hot(ids, size): return eye(size)[ids]",),
    "scatter_add": (
        "def scatter_add(g, ids, size):",
        "    table = zeros((size, *g.shape[ndim(ids):]))",
        "    add.at(table, ids, g)",
        "    return table",
    ),
    "logdet": ("def logdet(a): return linalg.slogdet(a)[1]",),
    "commutation": ("def commutation(m, n): return eye(m * n)[arange(m * n).reshape(m, n).T.ravel()]",),
    **{name: (f"from numpy.linalg import {name}",) for name in ("inv", "det", "norm", "matrix_power")},
}
"""What NumPy notation names and NumPy lacks, or has elsewhere, in plain NumPy."""


def _with_indices(page: str, letters: set[str]) -> str:
    names = "|".join(sorted(letters))
    return re.sub(rf"\b(d?(?:{names}))(\d+)(?:_(\d+))?\b", _indexed, page) if letters else page


def _indexed(match: re.Match[str]) -> str:
    return f"{match[1]}{f'_{match[3]}' if match[3] else ''}[{match[2]}]"


def _section(derivation: Derivation, section: Section, wording: Wording) -> Iterator[str]:
    yield f"# {section.title}"
    explains = section.title == "Conventions"
    for block in section.blocks:
        yield from _block(block, wording)
        if explains and isinstance(block, Bullets):
            yield from _helpers(derivation)
    if explains:
        yield from _prepared(derivation)


def _block(block: Block, wording: Wording) -> Iterator[str]:
    if isinstance(block, Typed):
        yield from network_lines(block.text, "# ", "#   ")
    elif isinstance(block, (Paragraph, Bullets)):
        for sentence in (block.words,) if isinstance(block, Paragraph) else block.items:
            yield from wrapped(wording.words(sentence), "# ", "#   ")
    elif isinstance(block, Definitions):
        for head, body in block.rows:
            names = ", ".join(map(text, head.operands))
            yield f"def {head.function.name}({names}): return {text(body)}"
    elif isinstance(block, Grid):
        yield from (f"# {row}" for row in wording.rows(block))
    elif isinstance(block, Lines):
        yield from _lines(block, wording)


def _lines(block: Lines, wording: Wording) -> Iterator[str]:
    span = block.span
    if span is None:
        yield from (_line(line, wording) for line in block.lines)
        return
    count = wording.size(span.count)
    yield f"for {span.index} in {f'range({count}, 0, -1)' if span.backward else f'range(1, {count} + 1)'}:"
    for line in block.lines:
        yield f"    {f'if {span.index} < {count}: ' if line.unless_last else ''}{_line(line, wording)}"


def _line(line: Line, wording: Wording) -> str:
    return f"{wording.equation(line.equation)}  # ({line.number}) {shape_text(line.equation.target.shape)}"


__all__ = ["text_page"]
