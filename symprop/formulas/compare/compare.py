"""Is my formula right? Two formulas compared: equal, with the kind of proof, or how they differ.

Numbers decide: at random points that satisfy the declared facts, in 120 digits, two formulas agree or they do not; a
difference that more digits do not shrink is no rounding. For two that agree a proof is looked for, one normal form or
every element zero; without one the answer says that there is none. For two that differ, guesses are tried in the same
digits (`reasons.py`), and the smallest counterexample is shown.

The test at random points is that of Schwartz and Zippel (Zippel, *Probabilistic algorithms for sparse polynomials*,
1979): formulas of rational operations that differ agree at a random point with a probability close to zero.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import escape
from sympy import Expr

from symprop.algebra.declarations import declared, read_declarations
from symprop.algebra.formula import Formula, formula_of
from symprop.algebra.inference.infer import ANYTHING, inferred
from symprop.algebra.latex.formulas import in_text
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reading.mentions import tree_of
from symprop.algebra.reading.statements import statements
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables as variables_in
from symprop.calculus.coefficients import same_shape
from symprop.errors import FormulaError, shown
from symprop.formulas.checks.points import size_symbols
from symprop.formulas.compare.cases import Case, Sides, agree, cases
from symprop.formulas.compare.counterexample import (
    Counterexample,
    as_counterexample,
    smallest_counterexample,
    whole_example,
)
from symprop.formulas.compare.facts import enabling_fact, needed_facts, special_sizes
from symprop.formulas.compare.proofs import same_elements, same_form
from symprop.formulas.compare.reasons import Pair, reason
from symprop.formulas.compare.sizes import size_choices
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Paragraph
from symprop.notation.words import Math
from symprop.verify.measure import precise_difference, scientific


@dataclass(frozen=True)
class Comparison:
    """Whether two formulas are equal; how that is known, or how they differ.

    `kind`, where they are equal: "identical after simplification" and "equal by elements" are proofs (the second at
    the sizes that the message names), "equal at 12 random points in 50 digits" is none. Where they are not:
    "transposed", "constant factor", "missing term" and so on. `used` are the declared facts that equality needs.

    >>> import symprop
    >>> found = symprop.compare("A @ x", "A.T @ x", A="n n symmetric", x="n")
    >>> found.equal, found.kind, found.used
    (True, 'identical after simplification', ('A is symmetric',))
    """

    equal: bool
    kind: str
    message: str
    first: Formula
    second: Formula
    used: tuple[str, ...] = ()
    counterexample: Counterexample | None = None

    def __bool__(self) -> bool:
        return self.equal

    def __str__(self) -> str:
        return self.message

    def latex(self) -> str:
        """Return the two formulas with the sign of equality or its negation between them."""
        return rf"{self.first.latex()} {'=' if self.equal else chr(92) + 'ne'} {self.second.latex()}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.message)}</pre>\n{notebook_blocks.html([Paragraph((Math(self.latex()),))])}"

    def _repr_latex_(self) -> str:
        return notebook_blocks.displayed([self.latex()])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else self.message)


def compare(first: str | Formula, second: str | Formula, declarations: str = "", /, **shapes: Any) -> Comparison:
    """Compare two formulas, each a text in NumPy notation, LaTeX or read already; names are declared as for `formula`.

    >>> print(compare("sum((X @ w)**2)", "w @ X.T @ X @ w", X="m n", w="n"))
    equal by elements: SymPy proves every element for m = 2, n = 3 and for m = 3, n = 2
    >>> print(compare("2 * X.T @ (X @ w - y) / m", "X.T @ (X @ w - y)", "X: m n, w: n, y: m"))
    not equal: the first is 2/m times the second
    at m = 1, n = 1, X = [[1]], w = [0], y = [1]: [-2] against [-1]

    Where neither has declarations, shapes are inferred that fit both.

    Raises:
        FormulaError: outside the grammar, a name without a shape, or one with two; several shapes fit.
        ShapeError: arrays that do not fit.
        LimitError: a formula that is too long, or an array of more than 2,000 elements.
    """
    known = [each for formula in (first, second) if isinstance(formula, Formula) for each in formula.variables]
    first, second = (in_text(each, declarations, shapes, known) for each in (first, second))
    variables = _declared(first, second, declarations, shapes)
    read = (given if isinstance(given, Formula) else formula_of(given, variables) for given in (first, second))
    one, other = (given.whole for given in read)
    return _compared(one, other, variables)


def _declared(first: str | Formula, second: str | Formula, text: str, shapes: dict[str, Any]) -> tuple[Variable, ...]:
    """Return the variables of both formulas and of the declarations.

    Raises:
        FormulaError: a name that is declared twice, unless it is declared alike.
    """
    found: dict[str, Variable] = {}
    given = [each for formula in (first, second) if isinstance(formula, Formula) for each in formula.variables]
    typed = [*read_declarations(text), *(declared(name, what) for name, what in shapes.items())]
    if isinstance(first, str) and isinstance(second, str) and not typed:
        return _inferred(first, second)
    for each in (*given, *typed):
        if found.setdefault(each.name, each) != each:
            raise FormulaError(f"{shown(each.name)} is declared in two ways\nallowed: one shape and the same facts")
    if len({each.name for each in typed}) < len(typed):
        raise FormulaError("a name is declared twice")
    return tuple(found.values())


def _inferred(first: str, second: str) -> tuple[Variable, ...]:
    """Return the arrays of two formulas that have no declarations, of which one is taken from the other.

    Raises:
        ReadingError: several shapes fit as well.
    """
    *before, one = [(each.name, each.read(tree_of)) for each in statements(first)]
    *then, other = [(each.name, each.read(tree_of)) for each in statements(second)]
    difference = ast.BinOp(ast.Name(FIRST), ast.Sub(), other[1])
    found = inferred([*before, (FIRST, one[1]), *then, ("", difference)], ANYTHING)
    found.readings(f"{first} and {second}")
    return found.variables


FIRST = "zz_first"
"""What the first formula is called where the second is taken from it."""


def _compared(one: Formula, other: Formula, variables: tuple[Variable, ...]) -> Comparison:
    first, second = one.node, other.node
    read = {*variables_in(first), *variables_in(second)}
    sizes = size_symbols(variables)
    standing = tuple(each for each in variables if each in read or _fixes_a_size(each, sizes, first, second, read))
    choices = size_choices((first, second), standing)
    if not choices:
        return Comparison(False, "nowhere defined", "no small sizes fit both formulas", one, other)
    sides = Sides(one, other, standing, choices)
    found = tuple(sides.cases())
    if not same_shape(first, second):
        return _of_other_shapes(sides, found)
    verdicts = [agree(case, first, second) for case in found]
    decided = tuple(case for case, verdict in zip(found, verdicts, strict=True) if verdict is not None)
    if not decided:
        return _without_cases(sides)
    if False in verdicts:
        return _different(sides, decided, found[verdicts.index(False)])
    return _equal(sides, decided)


def _fixes_a_size(variable: Variable, sizes: Sequence[Any], first: Node, second: Node, read: set[Variable]) -> bool:
    """Whether a size of a variable that no formula reads stands in one of them as a number."""
    known = set(size_symbols(tuple(each for each in read)))
    standing = (first.free_symbols | second.free_symbols) & set(sizes)
    return any(size in standing and size not in known for size in size_symbols((variable,)))


def _equal(sides: Sides, found: tuple[Case, ...]) -> Comparison:
    used = needed_facts(sides)
    notes = [f"used: {', '.join(used)}"] if used else []
    compared = [sizes for sizes in sides.choices if any(case.sizes == sizes for case in found)]
    only = _only_one_defined(sides, compared) or _defined_at_points(sides, compared)
    if only:
        notes.append(f"{only}; compared where both have a value")
    alike = same_form(*sides.nodes)
    proved = () if alike else same_elements(*sides.nodes, sides.variables, _small(compared))
    kind, message = f"equal at {len(found)} random points in 50 digits", ""
    if proved:
        where = " and ".join(f"for {_sizes_text(sizes)}" for sizes in proved if sizes)
        kind, message = ELEMENTS, f"equal by elements: SymPy proves every element{' ' + where if where else ''}"
    elif alike:
        kind, message = FORM, f"equal: {FORM}"
    message = "\n".join([message or f"{kind}; this is no proof", *notes])
    return Comparison(True, kind, message, sides.one, sides.other, used)


FORM, ELEMENTS = "identical after simplification", "equal by elements"


def _only_one_defined(sides: Sides, compared: Sequence[Mapping[Expr, int]]) -> str:
    """Say which formula has no value for sizes at which the other has one; nothing where both have or both lack one."""
    for sizes in (each for each in sides.choices if each not in compared):
        lacking = replace(sides, choices=[sizes]).lacking()
        if lacking in ("first", "second"):
            return f"the {lacking} has no value for {_sizes_text(sizes)}"
    return ""


def _defined_at_points(sides: Sides, compared: Sequence[Mapping[Expr, int]]) -> str:
    """Say which formula lacks a value at some points where the other has one, as `log(x) + log(y)` for `log(x * y)`."""
    for has, lacks, name in ((*sides.nodes, "second"), (*sides.nodes[::-1], "first")):
        for case in cases(compared, sides.variables, (has,)):
            if case.rough(lacks) is not None and case.value(lacks) is None:
                return f"the {name} has no value at some points where the other has one"
    return ""


def _small(choices: Sequence[Mapping[Expr, int]]) -> list[Mapping[Expr, int]]:
    """The two smallest choices of sizes, without sizes of 1, at which much is equal that is not elsewhere."""
    proper = [sizes for sizes in choices if min(sizes.values(), default=2) > 1]
    return sorted(proper or choices, key=lambda sizes: (-min(2, len({*sizes.values()})), sum(sizes.values())))[:2]


def _sizes_text(sizes: Any) -> str:
    return ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())


def _different(sides: Sides, found: tuple[Case, ...], bad: Case) -> Comparison:
    first, second = sides.nodes
    because = reason(Pair(first, second, found))
    plain = because is not None and because.kind in ("constant factor", "sign")  # nothing more makes such two equal
    fact = None if plain else enabling_fact(sides)
    special = None if plain or fact else special_sizes(sides)
    if because is not None:
        kind, sentences = because.kind, [because.sentence]
    else:
        kind = "equal where a fact holds" if fact else "equal for special sizes" if special else "different"
        sentences = [] if fact or special else [_largest_difference(first, second, found)]
    if fact:
        sentences.append(f"they are equal if {fact}")
    if special:
        sentences.append(f"they are equal if {special}")
    shown_at = smallest_counterexample(first, second, sides.variables, sides.choices)
    shown_at = shown_at or as_counterexample(bad, first, second)
    message = f"not equal: {'; '.join(sentences)}\n{shown_at}"
    return Comparison(False, kind, message, sides.one, sides.other, (), shown_at)


def _largest_difference(first: Node, second: Node, found: tuple[Case, ...]) -> str:
    pairs = [(case.value(first), case.value(second)) for case in found]
    worst = max(precise_difference(a, b) for a, b in pairs if a is not None and b is not None)
    return f"they differ by up to {scientific(worst)} of the largest element"


def _of_other_shapes(sides: Sides, found: tuple[Case, ...]) -> Comparison:
    first, second = sides.nodes
    because = reason(Pair(first, second, found)) if found else None
    shapes = f"the shapes are {shape_text(first.shape)} and {shape_text(second.shape)}"
    message = f"not equal: {shapes}{'; ' + because.sentence if because else ''}"
    shown_at = None
    if found:
        shown_at = whole_example(first, second, sides.variables, _small(sides.choices)[0])
        shown_at = shown_at or as_counterexample(found[0], first, second)
        message += f"\n{shown_at}"
    return Comparison(False, because.kind if because else "shape", message, sides.one, sides.other, (), shown_at)


def _without_cases(sides: Sides) -> Comparison:
    """Say which of two formulas has no value at any point that the facts allow."""
    if same_form(*sides.nodes):
        return Comparison(True, FORM, f"equal: {FORM}", sides.one, sides.other)
    lacking, message = sides.lacking(), "no point was found where both formulas have a value"
    if lacking:
        missing = "each formula" if lacking == "both" else f"the {lacking}"
        message = f"{missing} has no finite real value at any point that was tried"
    return Comparison(False, "nowhere defined", f"not equal: {message}", sides.one, sides.other)
