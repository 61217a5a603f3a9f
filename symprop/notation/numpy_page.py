"""A derivation as a page of NumPy notation: Python runs it after `from numpy import *`, given the arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sympy import Symbol

from symprop.algebra.equations import loops_in
from symprop.algebra.known import values_of
from symprop.algebra.named_numbers import named_numbers
from symprop.algebra.nodes import Compare, Known, Node, Scalar, Variable
from symprop.algebra.roles import MASK
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import replace as replaced
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Block, Bullets, Definitions, Grid, Line, Lines, Paragraph, Section, Typed
from symprop.notation.content import sections
from symprop.notation.conventions import loss_clashes
from symprop.notation.convolutions import Listed
from symprop.notation.function_notes import as_typed, definitions, element_of
from symprop.notation.terminal import NUMPY, listed, network_lines, wrapped
from symprop.notation.text import text
from symprop.notation.wording import Wording, told_apart
from symprop.notation.words import Slices, Span


def text_page(derivation: Derivation) -> str:
    """Return the derivation in NumPy notation: a page that Python runs after `from numpy import *`, given the arrays.

    Arrays that differ from block to block of a loop are given in dictionaries: `W = {1: ..., 2: ...}`.
    """
    names = PageNames(derivation)
    write = told_apart(text, "loss") if loss_clashes(derivation) else text
    wording = replace(NUMPY, formula=lambda node: write(names.shown(node)))
    found = sections(derivation, signed=False)
    return "\n\n".join("\n".join(_section(derivation, each, wording, names)) for each in found) + "\n"


class PageNames:
    """What a page calls its arrays: those that differ from block to block stand in dictionaries, `W[1]` and `h[l, t]`.

    Where a dictionary would have the name of an array, a size or a hyperparameter, as that of the rows of `x`, it is
    called `x_rows`.
    """

    def __init__(self, derivation: Derivation) -> None:
        system = derivation.system
        equations = tuple(derivation.equations)
        self.given = (*system.data, *system.parameters)
        self.targets = tuple(equation.target for equation in equations)
        read = (variable for equation in equations for variable in variables(equation.expression))
        found = dict.fromkeys((*self.given, *self.targets, *read))
        self.letters = {each.letter for each in found if each.index and not _is_numbered(each)}
        if system.loops:  # a block reads its neighbours by number, so they are indexed everywhere
            self.letters |= {variable.letter for variable in system.parameters}
        numbers = named_numbers(equation.expression for equation in equations)
        sizes = {size for each in found for size in each.shape} | {loop.count for loop in system.loops}
        self.whole = {each.name for each in found if not each.index} | {each.name for each in numbers}
        self.whole |= {str(symbol) for size in sizes for symbol in size.free_symbols}

    def shown(self, node: Node) -> Node:
        """The formula with its variables as the page calls them."""
        kept = {each: self.of(each) for each in variables(node) if self.is_kept(each)}
        return replaced(node, kept) if kept else node

    def is_kept(self, variable: Variable) -> bool:
        """Whether a variable stands in a dictionary."""
        return bool(variable.index) and variable.letter in self.letters

    def of(self, variable: Variable) -> Variable:
        """The variable of a dictionary, called as the page calls it."""
        index = tuple(Symbol(str(part)) if part.is_Integer else part for part in variable.index)  # `W[1]`, not `W1`
        letter, whole = variable.letter, variable.change(index=())
        while whole.change(letter=letter).name in self.whole:
            letter = f"{letter}_rows"
        letter = "masks" if variable.role == MASK else letter  # `m` is the number of rows
        return variable.change(letter=letter, index=index)

    def dictionaries(self, found: Iterable[Variable]) -> list[str]:
        """The names of the dictionaries in which variables stand."""
        return list(dict.fromkeys(self.of(each).change(index=()).name for each in found if self.is_kept(each)))


def _is_numbered(variable: Variable) -> bool:
    """Whether the index is one number, which stands in the name: `W1`."""
    return len(variable.index) == 1 and bool(variable.index[0].is_Integer)


def _prepared(derivation: Derivation, names: PageNames) -> Iterator[str]:
    """Say which dictionaries are given, and make those that the page fills."""
    given = names.dictionaries(names.given)
    if given:
        kind = "are dictionaries" if len(given) > 1 else "is a dictionary"
        first = next(each for each in names.given if names.is_kept(each))
        example = f"{given[0]}[{', '.join('1' * len(first.index))}]"
        yield f"# {' and '.join(filter(None, (', '.join(given[:-1]), given[-1])))} {kind} by layer: {example}, ..."
    rows = [each.row for loop in loops_in((*derivation.system.items, *derivation.backward)) for each in loop.reads]
    filled = [each for each in names.dictionaries((*rows, *names.targets)) if each not in given]
    if filled:
        yield f"{', '.join(filled)} = {', '.join(['{}'] * len(filled))}"


def _known(derivation: Derivation) -> Iterator[str]:
    """Make the data that is known beforehand: a list of its numbers, or of its elements by their rule."""
    parts = (part for equation in derivation.equations for part in walk(equation.expression))
    for data in dict.fromkeys(part for part in parts if isinstance(part, Known)):
        values = values_of(data)
        if values is not None:
            yield f"{data.name} = array([{', '.join(text(Scalar(as_typed(value))) for value in values)}])"
            continue
        letters, rule = element_of(data)
        element = f"1 * ({text(rule)})" if isinstance(rule, Compare) else text(rule)
        for letter, size in zip(reversed(letters), reversed(data.shape), strict=True):
            element = f"[{element} for {letter} in range({size})]"
        yield f"{data.name} = array({element})"


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
    **{
        f"first_{which}": (
            f"def first_{which}(x, axis=None):",
            "    axes = list(range(ndim(x))) if axis is None else list(atleast_1d(axis))",
            "    last = list(range(-len(axes), 0))",
            "    moved = moveaxis(x, axes, last)",
            "    rows = moved.reshape(*moved.shape[: ndim(x) - len(axes)], -1)",
            f"    first = rows.arg{which}(axis=-1)[..., None] == arange(rows.shape[-1])",
            "    return moveaxis(first.reshape(moved.shape), last, axes).astype(float)",
        )
        for which in ("max", "min")
    },
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
    "duplication": (
        "def duplication(n):",
        "    low, high = minimum.outer(arange(n), arange(n)), maximum.outer(arange(n), arange(n))",
        "    return eye(n * (n + 1) // 2)[(low * (2 * n - low - 1) // 2 + high).ravel()]",
    ),
    **{name: (f"from numpy.linalg import {name}",) for name in ("inv", "det", "norm", "matrix_power")},
}
"""What NumPy notation names and NumPy lacks, or has elsewhere, in plain NumPy."""


def _section(derivation: Derivation, section: Section, wording: Wording, names: PageNames) -> Iterator[str]:
    yield f"# {section.title}"
    explains = section.title == "Conventions"
    for block in section.blocks:
        yield from _block(block, wording)
        if explains and isinstance(block, Bullets):
            yield from _helpers(derivation)
    if explains:
        yield from _known(derivation)
        yield from _prepared(derivation, names)


def _block(block: Block, wording: Wording) -> Iterator[str]:
    if isinstance(block, Typed):
        yield from network_lines(block.text, "# ", "#   ")
    elif isinstance(block, (Paragraph, Bullets)):
        for sentence in (block.words,) if isinstance(block, Paragraph) else block.items:
            yield from wrapped(wording.words(sentence), "# ", "#   ")
    elif isinstance(block, Definitions):
        for head, body in block.rows:
            if isinstance(head, Scalar):
                yield f"{text(head)} = {text(body)}"
                continue
            names = ", ".join(map(text, head.operands))
            yield f"def {head.function.name}({names}): return {text(body)}"
    elif isinstance(block, Grid):
        yield from (f"# {row}" for row in wording.rows(block))
    elif isinstance(block, Listed):
        yield from (f"#{line}" for line in listed(block, wording))
    elif isinstance(block, Lines):
        yield from _lines(block, wording)


def _lines(block: Lines, wording: Wording) -> Iterator[str]:
    for depth, span in enumerate(block.opened, start=block.kept):
        yield f"{'    ' * depth}for {span.index} in {_range(span, wording)}:"
    inside = "    " * len(block.spans)
    yield from (f"{inside}{_slices(each, wording)}" for each in block.said)
    yield from (f"{inside}{_line(line, wording)}" for line in block.lines)


def _range(span: Span, wording: Wording) -> str:
    count = wording.size(span.count)
    return f"range({count}, 0, -1)" if span.backward else f"range(1, {count} + 1)"


def _slices(said: Slices, wording: Wording) -> str:
    rows, span = said.rows, replace(said.span, backward=False)
    row, array = wording.formula(rows.row), wording.formula(rows.array)
    if said.made:
        return f"{array} = stack([{row} for {span.index} in {_range(span, wording)}], axis={rows.axis})"
    return f"for {span.index} in {_range(span, wording)}: {row} = take({array}, {span.index} - 1, axis={rows.axis})"


def _line(line: Line, wording: Wording) -> str:
    last = line.unless_last
    condition = f"if {last.index} < {wording.size(last.count)}: " if last else ""
    return f"{condition}{wording.equation(line.equation)}  # ({line.number}) {shape_text(line.equation.target.shape)}"
