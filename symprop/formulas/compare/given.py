"""What may be compared, and how it becomes a formula: text, LaTeX, formulas, nodes, equations, answers, SymPy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from symprop.algebra.declarations import check_declared, check_keywords, declared, read_declarations, shapes_of
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula, formula_of
from symprop.algebra.inference.infer import ANYTHING, inferred
from symprop.algebra.latex.formulas import declarations_of, over_some, read_as
from symprop.algebra.latex.inferred import names_wanted
from symprop.algebra.latex.reading import names_of, node_of
from symprop.algebra.latex.statements import statements as statements_of_latex
from symprop.algebra.latex.tokens import is_latex, tokens
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.numbered_sizes import sizes_of
from symprop.algebra.reading.mentions import tree_of
from symprop.algebra.reading.statements import names_read, statements
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import replace, variables
from symprop.errors import FormulaError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.compare.asked_lines import answered
from symprop.formulas.interchange.reading import from_sympy, is_sympy

FIRST = "zz_first"
"""What the first formula is called where the second is taken from it."""
TAKEN = "a text in NumPy notation or in LaTeX, a formula, a node, an equation, an answer, or an expression of SymPy"

INSTEAD = dict.fromkeys(("where", "declarations"), 'compare(a, b, "x: n, A: n n"), or x="n" for each array')
INSTEAD |= dict.fromkeys(("sizes", "seed", "limit"), "compare(a, b): for every size; declarations may have numbers")
"""What to type for keywords that a comparison does not take."""

Given = str | Formula | Node | Equation | Answer


def taken(given: Any, which: str) -> str | Formula:
    """Return a text as it is, anything else that may be compared as a formula; of an equation that is its right side.

    >>> import symprop
    >>> d = symprop.derive("Input(2) >> Dense(1) >> MeanSquaredError()")
    >>> taken(d.equation("delta1"), "first").text()
    'delta1 = z1 - y'

    Raises:
        FormulaError: nothing that may be compared.
    """
    match given:
        case str() | Formula():
            return given
        case Node():
            return Formula(given.text(), given, variables(given))
        case Equation(target=target, expression=expression):
            return Formula(given.text(), expression, variables(expression), (), target.name)
        case Answer():
            return Formula(given.text(), given.result.whole.node, given.variables)
    if is_sympy(given):
        return from_sympy(given)
    raise FormulaError(f"the {which} is of type {type(given).__name__}, which cannot be compared\nallowed: {TAKEN}")


def formulas_of(
    first: Any, second: Any, declarations: str, shapes: Mapping[str, Any]
) -> tuple[Formula, Formula, tuple[Variable, ...]]:
    """Return two things that may be compared as formulas without names of their own, and the variables of both.

    Raises:
        FormulaError: nothing that may be compared, or a name that is declared in two ways.
        ShapeError, LimitError: as `formula_of`.
    """
    one, other = taken(first, "first"), taken(second, "second")
    one, other = _as_beside(one, other), _as_beside(other, one)
    check_keywords("compare", shapes, [name for each in (one, other) for name in _names(each)], INSTEAD)
    declarations = declarations_of(declarations)
    typed = (*read_declarations(declarations), *(declared(name, what) for name, what in shapes.items()))
    one, other = answered(one, typed), answered(other, typed)
    if isinstance(one, str) and isinstance(other, str) and _untold(one, other, typed):
        one, other = (_text_of(each, typed) if is_latex(each) else each for each in (one, other))
    known = _declared(one, other, typed)
    read = {each: read_over(each, known) for each in (one, other) if isinstance(each, str) and not is_latex(each)}
    shape = next((each.shape for each in (one, other, *read.values()) if isinstance(each, Formula)), None)
    left, right = (
        each if isinstance(each, Formula) else read[each] if each in read else latex_over(each, known, shape)
        for each in (one, other)
    )
    _check_declared(one, other, (left, right), declarations, shapes)
    return left.whole, right.whole, known


def _as_beside(given: str | Formula, other: str | Formula) -> str | Formula:
    """Return a text that is LaTeX without a command where the other one is LaTeX, as `2 A x`, with a space of LaTeX."""
    if isinstance(given, Formula) or isinstance(other, Formula) or is_latex(given) or not is_latex(other):
        return given
    try:
        for each in statements(given):
            each.read(tree_of)
    except FormulaError:
        with suppress(FormulaError):  # where it is no LaTeX either, its reader says what is wrong
            statements_of_latex(tokens(given), given)
            return rf"{given}\,"
    return given


def _names(given: str | Formula) -> Sequence[str]:
    if isinstance(given, Formula):
        return [each.name for each in given.variables]
    return () if is_latex(given) else names_read(given)


def _check_declared(
    one: str | Formula, other: str | Formula, read: Iterable[Formula], declarations: str, shapes: Mapping[str, Any]
) -> None:
    """Raise where a name is declared that neither formula has."""
    names: list[str] = []
    for given, found in zip((one, other), read, strict=True):
        if isinstance(given, Formula):
            names += [each.name for each in given.variables]
        else:
            names += names_read(found.source if is_latex(given) else given)
    check_declared({**shapes_of(read_declarations(declarations)), **shapes}, names)


def latex_over(latex: str, known: Sequence[Variable], shape: Shape | None) -> Formula:
    r"""Return the formula of a text in LaTeX over variables, without its left side; `shape` is that of the other side.

    >>> W, d = variable("W2", (3, 2)), variable("delta2", (3,))
    >>> latex_over(r"\delta_1 = W_2^\top \delta_2", (W, d), W.shape[1:]).node.text()
    'W2.T @ delta2'

    Raises:
        FormulaError, ShapeError, LimitError: as `read_latex`.
    """
    found, _ = statements_of_latex(tokens(latex), latex)
    if len(found) > 1:
        return read_as(latex, found, tuple(known))
    node = node_of(latex, found[0].right, names_of(known), shape, found[0].below[1])
    return Formula(node.text(), node, tuple(known))


def read_over(text: str, known: tuple[Variable, ...]) -> Formula:
    """Return the formula of a text over variables, also those whose names no formula can write, such as `a[l - 1]`.

    >>> from symprop.algebra.nodes import Variable
    >>> from sympy import Symbol
    >>> a = Variable("a", (Symbol("l") - 1,), (2,))
    >>> read_over("2 * a[l-1]", (a,)).node.text()
    '2 * a[l - 1]'

    Raises:
        FormulaError, ShapeError, LimitError: as `formula_of`.
    """
    indexed = {each: f"zz_{place}" for place, each in enumerate(known) if not each.name.isidentifier()}
    if not indexed:
        return formula_of(text, known)
    plain = {each: variable(name, each.shape, each.facts) for each, name in indexed.items()}
    found = formula_of(
        _renamed(text, {each.name: name for each, name in indexed.items()}),
        tuple(plain.get(each, each) for each in known),
    )
    back = {stand_in: each for each, stand_in in plain.items()}
    return Formula(text, replace(found.whole.node, back), known, (), found.called)


_INDEXED = re.compile(r"[A-Za-z_]\w*\[[^\[\]]*\](_\d+)?")


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Put names that a formula can write in the place of indexed ones, whatever the spaces in their brackets."""
    bare = {"".join(name.split()): plain for name, plain in names.items()}
    return _INDEXED.sub(lambda found: bare.get("".join(found[0].split()), found[0]), text)


def _text_of(latex: str, typed: tuple[Variable, ...]) -> str:
    return over_some(latex, statements_of_latex(tokens(latex), latex)[0], typed).source


def _declared(first: str | Formula, second: str | Formula, typed: Sequence[Variable]) -> tuple[Variable, ...]:
    """Return the variables of both formulas and of the declarations.

    Raises:
        FormulaError: a name that is declared twice, unless it is declared alike.
    """
    found: dict[str, Variable] = {}
    given = [each for formula in (first, second) if isinstance(formula, Formula) for each in formula.variables]
    for each in (*given, *typed):
        if not _alike(found.setdefault(each.name, each), each):
            raise FormulaError(f"{shown(each.name)} is declared in two ways\nallowed: one shape and the same facts")
    if len({each.name for each in typed}) < len(typed):
        raise FormulaError("a name is declared twice")
    if isinstance(first, str) and isinstance(second, str) and _untold(first, second, typed):
        found |= {each.name: each for each in _inferred(first, second, typed) if each.name not in found}
    return tuple(found.values())


def _untold(first: str, second: str, typed: Sequence[Variable]) -> bool:
    """Whether two formulas read a name that is no part of theirs, not declared, and no size of what is."""
    told = {*(each.name for each in typed), *(symbol.name for symbol in sizes_of(typed))}
    return any(
        names_wanted(statements_of_latex(tokens(text), text)[0], text, names_of(typed))[0]
        if is_latex(text)
        else {*names_read(text)} - told - {each.name for each in statements(text)}
        for text in (first, second)
    )


def _alike(known: Variable, again: Variable) -> bool:
    """Whether a variable is declared again as it is known; what a network knows of its variables need not be said."""
    return known == again or (bool(known.role) and known.shape == again.shape and not again.facts)


def _inferred(first: str, second: str, typed: Sequence[Variable]) -> tuple[Variable, ...]:
    """Return the arrays of two formulas of which some are declared, and one is taken from the other.

    Raises:
        ReadingError: several shapes fit as well.
    """
    *before, one = [(each.name, each.read(tree_of)) for each in statements(first)]
    *then, other = [(each.name, each.read(tree_of)) for each in statements(second)]
    difference = ast.BinOp(ast.Name(FIRST), ast.Sub(), other[1])
    found = inferred([*before, (FIRST, one[1]), *then, ("", difference)], ANYTHING, given=typed)
    found.readings(f"{first} and {second}")
    return found.variables


def mentioned(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of `names` that a text names, in their order."""
    found = ("".join(word[0].split()) for word in _WORDS.finditer(text))
    words = {part for word in found for part in (word, word.partition("[")[0])}
    return tuple(name for name in names if "".join(name.split()) in words)


_WORDS = re.compile(r"[A-Za-z_]\w*(?:\[[^\[\]]*\](?:_\d+)?)?")
