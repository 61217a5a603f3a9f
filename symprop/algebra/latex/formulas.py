r"""Formulas in LaTeX as formulas of the library: `latex_formula`, and `formula`, which takes texts and LaTeX.

>>> f = latex_formula(r"\tfrac12 \|A x - b\|_2^2", "A: m n, x: n, b: m")
>>> f.source
'sum((A @ x - b)**2) / 2'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from symprop.algebra.declarations import (
    check_declared,
    check_keywords,
    declarations_text,
    declared,
    read_declarations,
    shapes_of,
)
from symprop.algebra.formula import Formula, formula_of, inferred_formula
from symprop.algebra.formula import formula as text_formula
from symprop.algebra.inference.infer import LIKELY_SCALAR
from symprop.algebra.latex.domains import name_declared
from symprop.algebra.latex.inferred import inferred_variables
from symprop.algebra.latex.names import Key, UndeclaredError
from symprop.algebra.latex.reading import names_of, node_of
from symprop.algebra.latex.statements import Statement, pieces, statements
from symprop.algebra.latex.tokens import is_latex, outside, refuse_at, tokens
from symprop.algebra.latex.words import HINTS
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Pullback, Pushforward, Scalar, Variable
from symprop.algebra.reading.statements import names_read
from symprop.algebra.trees import walk
from symprop.errors import FormulaError, SympropError, shown


def latex_formula(latex: str, declarations: str = "", /, **shapes: Any) -> Formula:
    r"""Read a formula in LaTeX; names are declared as for `formula`, or in the LaTeX, `x \in \mathbb{R}^n`.

    Signs of Unicode mean what they mean on paper, `‖x‖²`. Factors side by side are told by their shapes. The formula
    that comes out is one of the text language: `source` is its text. Shapes that are not declared are inferred by the
    convention of names.

    >>> latex_formula(r"x^\top A x", A="n n", x="n").source
    'x @ A @ x'
    >>> latex_formula("½ ‖x‖² + λ", x="n", lambda_="").source
    'sum(x * x) / 2 + lambda_'
    >>> latex_formula(r"\|X w - y\|^2").readings
    ('X: m n, w: n, y: m',)

    Raises:
        FormulaError: outside what is read, or a name without a shape; a caret shows the place in the LaTeX.
        ReadingError: two readings fit as well.
        ShapeError: arrays that do not fit.
        LimitError: too long or too deep.
    """
    return latex_formula_of(latex, declarations, shapes)


def latex_formula_of(
    latex: str, declarations: str, shapes: dict[str, Any], value: Sequence[float] = LIKELY_SCALAR
) -> Formula:
    """Read a formula in LaTeX; `value` says what its value is likely to be, where something is not declared.

    Raises:
        FormulaError, ReadingError, ShapeError, LimitError: as `latex_formula`.
    """
    found, told = statements(tokens(latex), latex)
    given = {each.name: each for each in read_declarations(declarations_of(declarations))}
    for name, what in (*told.items(), *shapes.items()):
        if name in given:
            raise FormulaError(f"{shown(name)} is declared twice")
        given[name] = declared(name, what)
    return over_some(latex, found, tuple(given.values()), value, _check_all_read)


def _check_all_read(read: Formula, given: tuple[Variable, ...]) -> None:
    names = names_read(read.source)
    check_declared(shapes_of(given), (*names, *(name[1:] for name in names if name.startswith("d"))))


def over_some(
    latex: str,
    found: Sequence[Statement],
    given: tuple[Variable, ...],
    value: Sequence[float] = LIKELY_SCALAR,
    check: Callable[[Formula, tuple[Variable, ...]], None] = lambda read, given: None,
) -> Formula:
    """Return the formula of statements over arrays that are `given`, and others whose shapes are inferred.

    What is `check`ed of a formula and what is given holds before others are inferred.

    Raises:
        FormulaError, ReadingError, ShapeError, LimitError: as `latex_formula`.
    """
    for each in found:
        if each.right.kind == "asked":
            refuse_at(HINTS["partial"], latex, each.right.start, each.right.end)
    if not given:
        return _inferred(latex, found, given, value)
    try:
        read = read_as(latex, found, given)
    except UndeclaredError as problem:
        read = _inferred(latex, found, given, value)
        try:
            check(read, given)
        except FormulaError:
            raise problem from None
    check(read, given)
    return read


def _inferred(latex: str, found: Sequence[Statement], given: tuple[Variable, ...], value: Sequence[float]) -> Formula:
    variables = inferred_variables(found, latex, value, given)
    if len(variables) == len(given):
        return read_as(latex, found, given)
    text = text_of(latex, found, variables)[0]
    ranks = {each.name: each.rank for each in variables}
    try:
        house = inferred_formula(text, value, given=given)
    except SympropError:
        house = None
    if house is not None and all(ranks.get(each.name) == each.rank for each in house.variables):
        return house
    read = read_as(latex, found, variables)
    return replace(read, readings=(declarations_text(variables),))


def declarations_of(text: str) -> str:
    r"""Return declarations in the text language; those in LaTeX, `A \in \mathbb{R}^{m \times n}`, are put into it."""
    if not is_latex(text):
        return text
    if ":" in text and "\\" not in text and "∈" not in text:  # Σ: n n
        each_apart = (each.partition(":") for each in text.split(","))
        return ",".join(f"{name_declared(tokens(name), name)}:{what}" for name, _, what in each_apart)
    _, told = statements((*tokens("1,"), *tokens(text)), f"{text}")
    return ", ".join(f"{name}: {what}" for name, what in told.items())


def read_as(latex: str, found: Sequence[Statement], given: tuple[Variable, ...]) -> Formula:
    """Return the formula of statements over variables that are there already."""
    text, node = text_of(latex, found, given)
    read = formula_of(text, given)
    return replace(read, node=node) if len(found) == 1 else read


def text_of(latex: str, found: Sequence[Statement], given: tuple[Variable, ...]) -> tuple[str, Node]:
    """Return statements in LaTeX as a formula of the text language, and the node of the last.

    Raises:
        FormulaError: a statement before the last that names nothing.
    """
    names = names_of(given)
    texts: list[str] = []
    node: Node = Scalar(0)
    for each in found:
        last = each is found[-1]
        if not each.name and not last:
            at = each.left or each.right
            refuse_at("only the last statement has no name: r = A x - b, r^\\top r", latex, at.start, at.end)
        node = node_of(latex, each.right, names, labels=each.below[1])
        if any(isinstance(part, (Pullback, Pushforward)) for part in walk(node)):  # no formula holds what is asked for
            refuse_at(HINTS["partial"], latex, each.right.start, each.right.end)
        texts.append(
            f"{each.name} = {node.text()}" if each.name and (not last or _is_free(each, given)) else node.text()
        )
        if each.left is not None and each.name and not last:
            names.known[Key(each.left.text, tuple(sorted(each.below[0])))] = variable(each.name, node.shape)
    return "; ".join(texts), node


def _is_free(statement: Statement, given: Sequence[Variable]) -> bool:
    """Whether the name on the left is no array of the formula, nor a size."""
    taken = {each.name for each in given} | {str(s) for each in given for size in each.shape for s in size.free_symbols}
    return statement.name not in taken


def sides(latex: str) -> tuple[str, ...]:
    r"""Return the sides of an equation, or a formula alone, without punctuation and what follows a comma.

    >>> sides(r"\delta_1 &= W_2^\top \delta_2 \odot \sigma'(z_1), \quad l = 1")
    ('\\delta_1', "W_2^\\top \\delta_2 \\odot \\sigma'(z_1)")

    Raises:
        FormulaError: nothing stands on a side.
    """
    first = [token for token in next(pieces(tokens(latex)), []) if token.text != "&"]
    signs = [place for place, token in outside(first) if token.text == "=" and token.kind == "sign"]
    found = [first[start + 1 : end] for start, end in pairwise((-1, *signs, len(first)))]
    if not all(found):
        which = "right" if not found[-1] else "left"
        raise FormulaError(f"{shown(latex)} has no {which} side\nallowed: an equation, g = X^\\top r, or a formula")
    return tuple(latex[each[0].start : each[-1].end] for each in found)


_INSTEAD = {
    "where": 'formula("...", where="x: n, A: n n"), or x="n" for each array',
    "latex": 'formula(latex="...", where="x: n, A: n n")',
    "declarations": 'formula("...", where="x: n, A: n n"), or x="n" for each array',
    "sizes": 'formula("...").with_sizes({"n": 3}), or numbers in declarations, x="3"',
    "wrt": 'gradient(formula("..."), "x")',
}
"""What to type for keywords that a formula does not take."""


def formula(
    source: str | None = None, declarations: str = "", /, *, latex: str | None = None, where: str = "", **shapes: Any
) -> Formula:
    r"""Read a formula in NumPy notation, or with `latex=` in LaTeX; names are given their sizes as text or a tuple.

    `X="m n"`, `A="n n symmetric"`, `alpha=""` for a scalar; or all in one text, `"X: m n, A: n n symmetric, alpha:"`.
    The names of sizes may stand in the formula as numbers. What may be declared is in `declarations.DECLARED`.
    Statements before the last, apart by `;` or line breaks, give names to parts: `"K = X @ X.T; trace(inv(K))"`.
    Shapes that are not declared are inferred: capitals are matrices, small letters vectors, Greek names numbers.

    >>> formula("sum((X @ w - y)**2) / m", X="m n", w="n", y="m").shape
    ()
    >>> formula("x @ A @ x", "A: n n symmetric, x: n").variables[0].facts_by_kind
    {'symmetric': 0}
    >>> formula("x @ A @ x").readings
    ('A: n n, x: n',)
    >>> formula(latex=r"\tfrac12 \|A x - b\|_2^2 + \lambda\, x^\top x", where="A: m n, x: n, b: m, lambda_:").text()
    'sum((A @ x - b)**2) / 2 + lambda_ * x @ x'

    Raises:
        FormulaError: outside the grammar, or a declared name that is not read; a caret shows the place.
        ReadingError: several shapes fit as well.
        ShapeError: arrays that do not fit.
        LimitError: too long or too deep.
    """
    if (source is None) == (latex is None):
        raise FormulaError('a formula is one text\nallowed: formula("x @ A @ x"), or formula(latex=r"x^\\top A x")')
    if declarations and where:
        raise FormulaError("declarations are given twice\nallowed: one text of them, or where=")
    check_keywords("formula", shapes, () if source is None else names_read(source), _INSTEAD)
    if latex is not None:
        return latex_formula_of(latex, declarations or where, shapes)
    return text_formula(source, declarations_of(declarations or where), **shapes)  # type: ignore[arg-type]
