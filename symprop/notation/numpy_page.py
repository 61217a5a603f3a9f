"""A derivation as a page of NumPy notation: Python runs it after `from numpy import *`, given the arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.notation.content import loops_of, loss_clashes, sections
from symprop.notation.function_notes import definitions
from symprop.notation.page_data import Definition, Line
from symprop.notation.pages import network_lines, table_lines, text_words, wrapped
from symprop.notation.text import number, text


def text_page(derivation: Derivation) -> str:
    """Return the derivation in NumPy notation: a page that Python runs after `from numpy import *`, given the arrays.

    Arrays that differ from block to block of a loop are given in dictionaries: `W = {1: ..., 2: ...}`.
    """
    page = "\n".join(_text_lines(derivation)) + "\n"
    letters = _indexed_letters(derivation)
    if letters:  # a block reads its neighbours by number, so what has an index is indexed everywhere
        head, between, rest = page.partition("\n# The network has ")
        page = head + between + _with_indices(rest, letters)
    if loss_clashes(derivation):
        page = re.sub(r"(?m)^(# )?L(?= = | is the loss)", r"\1loss", page)
    return page


def _indexed_letters(derivation: Derivation) -> set[str]:
    """The letters of arrays that differ from block to block: they stand in dictionaries."""
    loops = loops_of(derivation)
    letters = {equation.target.letter for loop in loops for equation in loop.equations}
    letters |= {variable.letter for loop in loops for variable in derivation.system.parameters}
    targets = [equation.target for equation in derivation.equations] if loops else []
    letters |= {
        target.letter for target in targets if target.index and not target.index[0].is_Integer and not target.role
    }
    counted = (equation.target for equation in derivation.equations)  # behind a loop a layer's number is N + 1
    letters |= {target.letter for target in counted if target.index and not target.index[0].is_Integer}
    return letters | ({"delta"} if "z" in letters else set())


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
    formulas += [definition.body for definition in definitions(derivation)]
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
    "fold": (
        "def fold(g, sizes, axis, length, stride=1, dilation=1):",
        "    axes, sizes, length = atleast_1d(axis, sizes, length)",
        "    shape = list(g.shape[: g.ndim - len(axes)])",
        "    for k, size in zip(axes, length): shape[k] = size",
        "    out, step = zeros(shape), dict(zip(axes, ones(len(axes), int) * stride))",
        "    for place in ndindex(*sizes):",
        "        first = dict(zip(axes, array(place) * dilation))",
        "        at = [first.get(k, 0) + step.get(k, 1) * arange(g.shape[k]) for k in range(len(shape))]",
        "        out[ix_(*at)] += g[(..., *place)]",
        "    return out",
    ),
    "sliding_window_view": ("from numpy.lib.stride_tricks import sliding_window_view",),
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


def _text_lines(derivation: Derivation) -> Iterator[str]:
    letters = _indexed_letters(derivation)
    for position, section in enumerate(sections(derivation)):
        if position:
            yield ""
        yield f"# {section.title}"
        if section.title in ("Network", "Formula"):
            yield from network_lines(derivation.source, "# ", "#   ")
        for sentence in section.sentences:
            yield from wrapped(text_words(sentence), "# ", "#   ")
        if section.title == "Conventions":
            yield from _helpers(derivation)
        for definition in section.definitions:
            yield _text_definition(definition)
        if section.title == "Conventions":
            yield from _prepared(derivation)
        rows = [
            (
                _with_indices(size.variable.name, letters),
                shape_text(size.variable.shape),
                size.role,
                text_words(size.facts),
            )
            for size in section.sizes
        ]
        yield from (f"# {line.strip()}" for line in table_lines(rows))
        for item in section.lines:
            if isinstance(item, Line):
                yield _text_line(item)
                continue
            count = number(item.count).text
            span = f"range({count}, 0, -1)" if item.backward else f"range(1, {count} + 1)"
            yield f"for {item.index} in {span}:"
            for line in item.lines:
                only = f"if {item.index} < {count}: " if line.unless_last else ""
                yield f"    {only}{_text_line(line)}"


def _text_line(line: Line) -> str:
    equation = line.equation
    return f"{equation.name} = {text(equation.expression)}  # ({line.number}) {shape_text(equation.target.shape)}"


def _text_definition(definition: Definition) -> str:
    names = ", ".join(parameter.name for parameter in definition.parameters)
    return f"def {definition.function.name}({names}): return {text(definition.body)}"


__all__ = ["text_page"]
