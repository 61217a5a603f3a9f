"""What notebooks show: derivations, steps, costs, modes, paths and tables of vanishing gradients, as blocks.

`notebook_blocks.py` writes the blocks as HTML and as LaTeX. A single formula has no blocks and is LaTeX alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

from sympy import Basic

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.steps import Steps
from symprop.algebra.table import Table
from symprop.analysis.cost import Cost
from symprop.analysis.derivation import Derivation
from symprop.analysis.modes import Modes
from symprop.analysis.orders import Tree
from symprop.analysis.paths import Expansion
from symprop.analysis.readings import Readings
from symprop.analysis.vanishing import ALONE, Vanishing
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Block, EquationRow, Equations, Grid, GridRow, Line, Paragraph, Typed
from symprop.notation.breaking import latex_pieces
from symprop.notation.content import sections
from symprop.notation.convolutions import convolutions
from symprop.notation.latex import Tex, latex
from symprop.notation.notebook_blocks import Folded, Heading, displayed, worded
from symprop.notation.page_blocks import PageWriter
from symprop.notation.stacks import sides
from symprop.notation.words import Math, Words

WIDTH = 420
"""So many points of a formula are shown on one line, in letters of 10."""
MOST_EQUATIONS = 120
"""So many equations of one section are shown: for thousands of formulas a browser takes seconds, and a reader days."""
MOST_PATHS = 64

_TEX = Tex()


def notebook_html(subject: Any) -> str:
    """Return what a notebook shows as HTML, or nothing where its LaTeX shows it."""
    blocks = blocks_of(subject)
    return notebook_blocks.html(blocks) if blocks else ""


def notebook_latex(subject: Any) -> str:
    r"""Return what a notebook shows, or an export to a document takes, as LaTeX between dollar signs.

    >>> from symprop.algebra import variable
    >>> print(notebook_latex(variable("a", (2,)) + 1))
    $\displaystyle a + 1$
    """
    blocks = blocks_of(subject)
    if isinstance(subject, Derivation):  # its formulas alone
        blocks = tuple(block for block in blocks if isinstance(block, Equations))
    return notebook_blocks.latex(blocks) or _formula(subject)


@singledispatch
def blocks_of(subject: Any) -> tuple[Block, ...]:
    """Return the blocks of what is longer than a formula; a formula has none."""
    return ()


@singledispatch
def _formula(subject: Any) -> str:
    return displayed(cut(subject.latex()))


@_formula.register
def _(equation: Equation) -> str:
    left, right = map(latex, sides(equation))
    return displayed(cut(right), left)


@_formula.register
def _(expansion: Expansion) -> str:
    first = Expansion(expansion.blocks, expansion.paths[:MOST_PATHS])
    rest = len(expansion.paths) - len(first.paths)
    more = [rf"+ \cdots {worded(f' and {rest:,} more paths')}"] if rest else []
    return displayed([*cut(first.latex()), *more])


def cut(formula: str) -> tuple[str, ...]:
    """Return a formula in pieces that fit on a line of a notebook."""
    return tuple(latex_pieces(formula, WIDTH))


@blocks_of.register
def _(derivation: Derivation) -> tuple[Block, ...]:
    writer = PageWriter(derivation)
    shown: list[Block] = []
    folded: list[Block] = []
    remarks: list[Block] = []
    read: list[Block] = []
    for section in sections(derivation):
        if section.lines:
            shown += [Heading(section.title), *_first_equations(map(writer.equations, section.lines))]
            continue
        chosen = {"Remarks": remarks, "Convolution": read}.get(section.title, folded)
        chosen += [block for block in writer.section(section).blocks if not isinstance(block, Typed)]
    more = [Folded("conventions and sizes", tuple(folded)), *([Folded("convolution", tuple(read))] if read else [])]
    return (Typed(derivation.source), *shown, *remarks, *more)


def _first_equations(blocks: Iterable[Equations]) -> Iterator[Block]:
    """Yield the first equations of a section, and say how many more there are."""
    left = MOST_EQUATIONS
    for block in blocks:
        if left > 0:
            yield Equations(block.rows[:left], block.heading)
        left -= len(block.rows)
    if left < 0:
        yield Paragraph((f"and {-left:,} more, which print shows",))


@blocks_of.register
def _(steps: Steps) -> tuple[Block, ...]:
    return STEP_BLOCKS(steps.origin, steps)


STEP_BLOCKS = Table("blocks of steps")
"""Steps as blocks, by the kind of what they led to: a derivation here, an answer where answers are."""


@STEP_BLOCKS.row(Readings)
def _(found: Readings, steps: Steps) -> tuple[Block, ...]:
    return (PageWriter(found.derivation).of_reading(found, steps.name),)


@STEP_BLOCKS.row(Derivation)
def _(derivation: Derivation, steps: Steps) -> tuple[Block, ...]:
    writer = PageWriter(derivation)
    equation = derivation.equation(steps.name)
    line = Line(derivation.numbers[equation.name], equation)
    row = writer.row(line)
    chain = replace(writer.chain(line), name="", number=None, label="")  # it stands below the equation
    return Equations((row,)), chain if chain.links else Paragraph(chain.note)


@blocks_of.register
def _(found: Readings) -> tuple[Block, ...]:
    writer = PageWriter(found.derivation)
    shown = tuple(map(writer.block, convolutions((found,))))
    return (*shown, Folded("steps", tuple(writer.chains(found))))


@blocks_of.register
def _(cost: Cost) -> tuple[Block, ...]:
    rows = [
        ((row.name,), *_numbers(row.operations.multiplications, row.operations.additions, row.operations.functions))
        for row in cost.rows
    ]
    by_equation = grid(("equation", "multiplications", "additions", "functions"), rows)
    totals = [((name,), *_numbers(value)) for name, value in cost.totals()]
    return grid(("operations, and numbers held", "in the sizes"), totals), Folded("by equation", (by_equation,))


def grid(head: Sequence[str], rows: Iterable[Sequence[Words]]) -> Grid:
    """Return a table of words."""
    return Grid(tuple((title,) for title in head), tuple(GridRow(tuple(row)) for row in rows), ("l",) * len(head))


def _numbers(*values: Basic) -> tuple[Words, ...]:
    return tuple((Math(_TEX.number(value).text),) for value in values)


@blocks_of.register
def _(modes: Modes) -> tuple[Block, ...]:
    numbered = list(enumerate(modes.links, start=1))
    chain = " ".join(f"J_{{{number}}}" for number, _ in reversed(numbered))
    whole = EquationRow(_partial(modes.of, modes.by), (chain,))
    factors = [
        EquationRow(rf"J_{{{number}}} = {_partial(link.target, link.source)}", cut(latex(link.jacobian)))
        for number, link in numbered
    ]
    orders = [
        ((Math(_bracketed(order.tree, order.count)),), *_numbers(order.cost), (", ".join(order.names),))
        for order in modes.orders
    ]
    name, condition = modes.cheaper()
    verdict: Words = (f"{name} is cheaper",)
    if name == "depends":
        verdict = ("forward is cheaper when ", Math(_TEX.number(condition).text))
    elif name == "equal":
        verdict = ("forward and reverse cost the same",)
    return (
        Heading("Forward mode: a Jacobian-vector product"),
        _listed(modes.tangents),
        Heading("Reverse mode: a vector-Jacobian product"),
        _listed(modes.cotangents),
        Heading("The Jacobian"),
        Equations((whole, *factors)),
        grid(("order of the products", "operations", "mode"), orders),
        Paragraph(verdict),
    )


def _listed(equations: Iterable[Equation]) -> Equations:
    written = (map(latex, sides(equation)) for equation in equations)
    return Equations(tuple(EquationRow(left, cut(right)) for left, right in written))


def _partial(of: Node, by: Node) -> str:
    return rf"\frac{{\partial {latex(of)}}}{{\partial {latex(by)}}}"


def _bracketed(tree: Tree, count: int, outer: bool = True) -> str:
    """Return an order of products with its parentheses: `J_3 (J_2 J_1)`."""
    if isinstance(tree, int):
        return f"J_{{{count - tree}}}"
    inside = " ".join(_bracketed(branch, count, False) for branch in tree)
    return inside if outer else f"({inside})"


@blocks_of.register
def _(table: Vanishing) -> tuple[Block, ...]:
    rows = [((str(row.layer),), *_numbers(row.arriving, row.factor, row.leaving)) for row in table]
    return grid(("layer", "arriving", "factor", "leaving"), rows), Paragraph((ALONE,))
