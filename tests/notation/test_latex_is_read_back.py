"""Formulas in LaTeX, read back by a reader that shares no code with symprop, have the values that they should have.

Equations are executed in their order, each with the values that the reader found for those before it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
import question_cases
import random_formulas
import sympy
from example_networks import EACH, EXAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from latex_meaning import Meaning
from latex_reader import at_places, name_of, read
from latex_tokens import Unreadable

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.codegen.gallery import Example
from symprop.notation.breaking import latex_pieces
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.latex import latex
from symprop.verify.evaluate import complex_value
from tests.needed import needed
from tests.rounding import UNIT, assert_off

LIMIT = 1e-12
"""Relative to the largest element: both sides round to 1e-16, a dozen operations each (7e-14 is the worst here)."""
BATCH = 3
OWN = {"swish": lambda t: t / (1 + np.exp(-t))}
"""What the gallery's networks define themselves, by the definition that stands on their pages."""

Arrays = dict[str, Any]


def error(found: Any, true: Any) -> float:
    assert np.isfinite(true).all()
    return float(np.max(np.abs(found - true), initial=0.0) / max(np.max(np.abs(true), initial=0.0), 1e-300))


def given_of(system: System) -> tuple[Variable, ...]:
    """Return what the equations of a network start from."""
    return (*system.inputs, *system.targets, *system.parameters, *(mask.variable for mask in system.masks))


def start(derivation: Derivation, seed: int = 0) -> Arrays:
    """Return random inputs, targets, parameters and masks of a network, by name."""
    random, system = np.random.default_rng(seed), derivation.system
    values: Arrays = {}
    for variable in given_of(system):
        shape, facts = numbers(variable.shape, derivation), variable.facts_by_kind
        if "index" in facts or "bits" in facts:
            values[variable.name] = random.integers(0, int(facts.get("index", 2)), shape)
            continue
        values[variable.name] = random.normal(size=shape)
        if variable in system.targets:
            some = random.uniform(0.1, 0.9, shape)
            values[variable.name] = some / some.sum(axis=0 if system.layout == "columns" else -1, keepdims=True)
    return values


def numbers(shape: tuple[Any, ...], derivation: Derivation) -> tuple[int, ...]:
    batch = derivation.system.batch
    return tuple(int(size.subs({batch: BATCH} if batch is not None else {})) for size in shape)


class Page:
    """The equations of a derivation, executed from their LaTeX."""

    def __init__(self, derivation: Derivation, notation: Notation = PLAIN, width: int = 0) -> None:
        self.derivation, self.notation, self.width = derivation, notation, width
        self.prime = "transpose" if notation.transpose == "prime" else "mark"
        self.values = start(derivation)
        system = derivation.system
        self.sizes = {system.batch: BATCH} if system.batch is not None else {}
        self.arrays = {self.name(v): self.values[v.name] for v in given_of(system)}
        self.arrays |= {str(symbol): number for symbol, number in self.sizes.items()}
        self.errors: list[float] = []
        self.loose: list[str] = []

    def name(self, variable: Variable) -> str:
        return name_of(latex(variable, self.notation), self.prime)

    def run(self) -> Page:
        along = "columns" if self.derivation.system.layout == "columns" else "rows"
        for equation in self.derivation.equations:
            true = np.real(complex_value(equation.expression, self.values, self.sizes))
            written = latex(equation.expression, self.notation)
            if self.width:
                lines = r" \\ & \quad ".join(latex_pieces(written, self.width))
                written = rf"\begin{{aligned}}[t] & {lines} \end{{aligned}}"
            meaning = Meaning(self.arrays, along, OWN, self.prime)
            found = meaning.evaluate(written, true.shape)
            self.errors.append(error(found, true))
            assert self.errors[-1] <= LIMIT, equation.latex()
            self.arrays[self.name(equation.target)] = found
            self.values[equation.name] = true
            self.loose += [f"{equation.name}: {what}" for what in meaning.loose]
        return self


def of_the_module(example: Example, page: Page) -> tuple[Any, Arrays]:
    """Return the loss and the gradients of the module of a network, where its page starts."""
    module, system = symprop.compile(example.network, dtype="float64"), page.derivation.system
    params = {variable.name: page.values[variable.name] for variable in system.parameters}
    masks = {mask.variable.name: page.values[mask.variable.name] for mask in system.masks}
    (x,), (y,) = system.inputs, system.targets
    further = {"masks": masks} if masks else {}
    return module.loss_and_grads(params, page.values[x.name], page.values[y.name], **further)


@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
@pytest.mark.parametrize("example", EACH)
def test_every_equation_of_the_gallery_is_read_back(example: Example, layout: str) -> None:
    page = Page(symprop.derive(example.network, layout=layout)).run()
    assert len(page.errors) == len(page.derivation.numbers)
    # A sum over the columns that is taken from each column is written as a row, 1' A, in place of 1 1' A.
    spread = (
        ["delta1: a row for each row of a matrix"] if (example.name, layout) == ("softmax_layer", "columns") else []
    )
    assert page.loose in ([], spread)


@pytest.mark.parametrize("example", EACH)
def test_gradients_from_the_page_are_those_of_the_module(example: Example) -> None:
    page = Page(symprop.derive(example.network, layout="rows")).run()
    loss, gradients = of_the_module(example, page)
    assert error(page.arrays[name_of(page.derivation.system.loss.latex())], loss) <= LIMIT
    for variable in page.derivation.system.parameters:
        found = page.arrays[page.name(page.derivation.equation(f"d{variable.name}").target)]
        assert error(found, gradients[variable.name]) <= LIMIT


LABEL = r"\\label\{eq:mine\.(?P<name>[^}]*)\}"
ROW = re.compile(rf"^  (?P<left>.*?) &= (?P<right>.*) &\\qquad& \\in .*?\s*{LABEL}", re.MULTILINE)


def derived(fragment: str) -> list[tuple[str, str, str]]:
    """Return name and both sides of the equations that a fragment derives: what the last line finds."""
    found = []
    for part in fragment.split("\\sympropof\n")[1:]:
        lines = part.splitlines()
        last = next(line for line in lines if r"\sympropcount" in line)
        (label,) = re.finditer(rf"\\sympropcount{LABEL}", last)
        whole = group(last).partition(r" \qquad \in ")[0]
        left = group(lines[0]).partition(" = ")[0]
        found.append((label["name"], left, whole.rpartition(" = ")[2]))
    return found


def group(line: str) -> str:
    """Return the first argument of a macro."""
    depth = 0
    for place, sign in enumerate(line):
        depth += (sign == "{") - (sign == "}")
        if sign == "}" and not depth:
            return line[line.index("{") + 1 : place]
    raise ValueError(line)


@pytest.mark.parametrize("example", EACH)
def test_the_fragment_of_a_report_is_read_back(example: Example) -> None:
    """What a paper would input: the numbered equations in its text give the loss and gradients of the module."""
    report = symprop.report(example.network, layout="rows", without=["certificate", "code", "derivation"])
    page = Page(report.derivation)
    fragment = report.fragment("mine.")
    rows = [(row["name"], row["left"], row["right"]) for row in ROW.finditer(fragment)]
    rows += derived(fragment)
    assert sorted(name for name, *_ in rows) == sorted(report.derivation.numbers)
    for known, left, written in rows:
        found = report.derivation.equation(known)
        meaning = Meaning(page.arrays, "rows", OWN)
        name = page.name(found.target)
        right = at_places(left, written, name)
        page.arrays[name] = meaning.evaluate(right, numbers(found.target.shape, report.derivation))
    loss, gradients = of_the_module(example, page)
    assert error(page.arrays["L"], loss) <= LIMIT
    for name, gradient in gradients.items():
        target = report.derivation.equation(f"d{name}").target
        assert error(page.arrays[page.name(target)], gradient) <= LIMIT


@pytest.mark.parametrize("example", EACH)
def test_lines_that_are_broken_read_the_same(example: Example) -> None:
    page = Page(symprop.derive(example.network, layout="rows"), width=12).run()
    pieces = [latex_pieces(each.expression.latex(), 12) for each in page.derivation.equations]
    assert any(len(each) > 1 for each in pieces)


NOTATIONS = (
    Notation(bold="arrays"),
    Notation(bold="vectors", transpose="T"),
    Notation(transpose="T", layer_index="super"),
    Notation(transpose="prime"),
    Notation(symbols=(("delta", r"\varepsilon"), ("W", r"\Theta"), ("L", r"\mathcal{J}")), layer_index="sub"),
)


@pytest.mark.parametrize("notation", NOTATIONS, ids=repr)
def test_every_notation_reads_the_same(notation: Notation) -> None:
    read_back = 0
    for example in EXAMPLES:
        for layout in ("example", "rows", "columns"):
            read_back += len(Page(symprop.derive(example.network, layout=layout), notation).run().errors)
    assert read_back >= 675


@pytest.mark.parametrize("block", ["Dense(n) >> Tanh()", "Residual(Dense(n) >> SiLU())", "Dense(n) >> Softmax()"])
def test_recurrences_are_read_back_with_the_layers_in_their_names(block: str) -> None:
    derivation = symprop.derive(f"Input(n) >> Repeat({block}, N) >> MeanSquaredError()")
    random, names = np.random.default_rng(0), set()
    for equation in derivation.equations:
        given_ = [part for part in walk(equation.expression) if isinstance(part, Variable)]
        sizes = {symbol: 4 for part in given_ for symbol in sympy.Tuple(*part.shape).free_symbols}
        values = {v.name: random.normal(size=tuple(int(size.subs(sizes)) for size in v.shape)) for v in given_}
        names |= {name_of(part.latex()) for part in given_}
        true = np.real(complex_value(equation.expression, values, sizes))
        meaning = Meaning({name_of(part.latex()): values[part.name] for part in given_})
        assert error(meaning.evaluate(equation.expression.latex(), true.shape), true) <= LIMIT
        assert meaning.loose == []
    assert {"W^(l)", "W^(l+1)", "a^(l-1)", "delta^(l+1)"} <= names


SIZES = {"m": 3, "n": 4, "k": 2, "r": 2, "d": 3, "t": 3, "s": 5, "e": 2}


@pytest.mark.parametrize("case", question_cases.ALL, ids=lambda case: f"{case[0]} {case[1]} by {' '.join(case[3])}")
def test_questions_and_answers_are_read_back(case: question_cases.Case) -> None:
    question, text, declarations, names, _ = case
    answer = getattr(symprop, question)(text, *names, **needed(declarations, text, *names))
    symbols = {symbol for each in answer.variables for size in each.shape for symbol in size.free_symbols}
    sizes = {symbol: SIZES[symbol.name] for symbol in symbols}
    values = {each.name: array_for(each, sizes) for each in answer.variables}
    arrays = {name_of(each.latex()): values[each.name] for each in answer.variables}
    arrays |= {symbol.name: size for symbol, size in sizes.items()}
    for node in (answer.result.formula.node, answer.node):
        true = np.real(complex_value(node, values, sizes))
        meaning = Meaning(arrays)
        assert error(meaning.evaluate(node.latex(), true.shape), true) <= LIMIT
        assert meaning.loose == []


def array_for(variable: Variable, sizes: dict[Any, int]) -> Any:
    """Return a positive array, a square one with a positive determinant, symmetric where that is declared."""
    shape = tuple(int(size.subs(sizes)) for size in variable.shape)
    value = np.random.default_rng(len(variable.name) + sum(shape)).uniform(0.3, 1.2, shape)
    if len(shape) == 2 and shape[0] == shape[1]:
        value = 0.3 * value + np.eye(shape[0])  # the diagonal dominates
        value = (value + value.T) / 2 if "symmetric" in variable.facts_by_kind else value
    return value


SHAPES = st.sampled_from([(), (2,), (3,), (2, 3), (3, 2), (3, 3)])
VALUES = random_formulas.values(0)
NAMED = {name_of(leaf.latex()): VALUES[leaf.name] for leaves in random_formulas.LEAVES.values() for leaf in leaves}
DRAWN = 500


def excuses(node: Node) -> dict[str, str]:
    """Return why LaTeX may not be read as the formula that it was printed from, and how the reader says so.

    A size that is nowhere written (ones alone); a sum of a matrix over its first axis, which is written as the row
    `1' A` although vectors are columns.
    """
    parts = list(walk(node))
    found = {}
    if any(isinstance(part, n.Fill) for part in parts):
        found["ones"] = "a size that the formula does not determine|rank"
    if any(isinstance(part, n.Sum) and part.axes == (0,) and part.operands[0].rank == 2 for part in parts):
        found["row"] = "a product of sizes|rank|sizes .* side by side"
    return found


def unwritten(node: Node) -> bool:
    """Whether softmax or logsumexp acts on columns, which LaTeX does not say."""
    acting = (part for part in walk(node) if isinstance(part, (n.Softmax, n.LogSumExp)))
    return any(part.operands[0].rank == 2 and part.axis == 0 for part in acting)


def test_random_formulas_are_read_back_or_refused_and_never_misread() -> None:
    outcomes: Counter[str] = Counter()

    @settings(max_examples=DRAWN, suppress_health_check=list(HealthCheck), database=None)
    @given(SHAPES.flatmap(random_formulas.formulas))
    def read_back(node: Node) -> None:
        true = complex_value(node, VALUES)
        if unwritten(node) or not np.isfinite(true).all() or np.max(np.abs(true)) > 1e12:
            outcomes["left out"] += 1
            return
        meaning, excused = Meaning(NAMED), excuses(node)
        try:
            with np.errstate(all="ignore"):  # overflow on the way, as in symprop's own evaluation
                found = meaning.evaluate(node.latex(), true.shape)
        except Unreadable as problem:
            assert any(re.match(excuse, str(problem)) for excuse in excused.values()), (str(problem), node.latex())
            outcomes["refused"] += 1
            return
        moved = complex_value(node, {name: value * (1 + 1e-14) for name, value in VALUES.items()})
        assert error(found, np.real(true)) <= LIMIT + error(moved, true), node.latex()  # what 100 roundings may do
        assert meaning.loose == [] or "row" in excused, node.latex()
        outcomes["loose" if meaning.loose else "read"] += 1

    read_back()
    assert outcomes["read"] >= 0.4 * DRAWN, outcomes
    assert outcomes["refused"] <= 0.4 * DRAWN and outcomes["loose"] <= 0.1 * DRAWN, outcomes
    assert outcomes["left out"] <= 0.25 * DRAWN, outcomes


MISTAKES = (
    (r"^{\top}", ""),
    (r"\odot", r"\oslash"),
    (" - ", " + "),
    ("W_2", "W_1"),
    (r"\frac{1}{m}", "m"),
)


def test_mistakes_in_the_gallery_are_seen() -> None:
    tried = 0
    for example in EXAMPLES[1:]:  # in the first one arrays of one element stand, of which much is the same
        for layout in ("example", "rows", "columns"):
            page = Page(symprop.derive(example.network, layout=layout)).run()
            for equation in page.derivation.equations:
                written = equation.expression.latex()
                for right, wrong in MISTAKES:
                    mistaken = written.replace(right, wrong, 1)
                    if mistaken == written:
                        continue
                    tried += 1
                    true = page.values[equation.name]
                    try:
                        with np.errstate(all="ignore"):  # some mistakes divide by zero
                            found = Meaning(page.arrays, functions=OWN).evaluate(mistaken, true.shape)
                    except Unreadable:
                        continue
                    assert not error(found, true) <= 1e-6, (example.name, layout, mistaken)
    assert tried > 500


@pytest.mark.parametrize(
    "formula",
    [
        r"A x \odot y",  # (A x) ⊙ y, or A (x ⊙ y)?
        r"y \odot A x",
        r"x \oslash y \odot y",
        r"A \otimes A \odot A",
        r"x y",  # two columns
        r"x^{\top} y^{\top}",
        r"\mathbf{1}^{\top} \mathbf{1}^{\top} A",
        r"A \mathbf{1}^{\top} A",
        r"\mathbf{1}^{\top} \mathbf{1}",  # of a size that stands nowhere
        r"A^{-\odot}",
        r"x^{2}",
        r"\sum x",
        r"\operatorname{unknown}(x)",
        r"q",
        r"\left(A x",
        r"A x\right)",
        r"A +",
        r"\frac{\partial f}{\partial x + y}",
        r"\begin{cases} x & \text{where } x > 0 \end{cases}",
    ],
)
def test_what_is_ambiguous_or_no_formula_is_refused(formula: str) -> None:
    arrays = {"A": np.ones((2, 2)), "x": np.ones(2), "y": np.ones(2)}
    with pytest.raises(Unreadable):
        for shape in ((), (2,), (2, 2)):
            Meaning(arrays).evaluate(formula, shape)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (r"A x", [5.0, 11.0]),
        (r"A^{\mathsf{T}} \mathbf{x}", [7.0, 10.0]),
        (r"\Bigl(A \\ & + A\Bigr) \boldsymbol{x}", [10.0, 22.0]),
        (r"x x^{\top} x", [5.0, 10.0]),
        (r"\sum_{i} x_i^{2} + \left\|x\right\|^2 - x^{\top} x", 5.0),
        (r"\sum_{i,j} A_{ij} \mathbf{1}[A_{ij} > 2]", 7.0),
        (r"x \oslash \left(2 x\right)", [0.5, 0.5]),
        (r"\frac{1}{2} \mathbf{1}^{\top} A \mathbf{1}", 5.0),
        (r"I \otimes \mathbf{1}^{\top} + A \operatorname{diag}(\mathbf{0} + x)", [[2.0, 4.0], [3.0, 9.0]]),
        (r"\begin{cases} x & \text{where } x > 1 \\ 0 & \text{elsewhere} \end{cases}", [0.0, 2.0]),
        (r"A \left(I + A\right)^{-1} \left(x + A x\right)", [5.0, 11.0]),
        (r"2 \cdot 10^{-1} x", [0.2, 0.4]),
        (r"\operatorname{vec}(A[:, 1])", [2.0, 4.0]),
        (r"\operatorname{LeakyReLU}_{0.5}(-x)", [-0.5, -1.0]),
    ],
)
def test_the_reader_knows_mathematics(formula: str, value: Any) -> None:
    meaning = Meaning({"A": np.array([[1.0, 2.0], [3.0, 4.0]]), "x": np.array([1.0, 2.0])})
    # small integers, and two fractions that are rounded when they are read and when they are written
    assert_off(meaning.evaluate(formula, np.shape(value)), np.asarray(value), 20 * UNIT["float64"])


def test_the_tree_is_that_of_the_formula() -> None:
    tree = read(r"\left(W_2^{\top} \delta_2\right) \odot \left(1 - a_1 \odot a_1\right)")
    assert (tree.kind, [part.kind for part in tree.parts]) == ("odot", ["group", "group"])
    (product,) = tree.parts[0].parts
    assert (product.kind, product.parts[0].kind, product.parts[0].parts[0].text) == ("product", "transpose", "W_2")
