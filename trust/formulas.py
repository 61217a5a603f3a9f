"""Random formulas over the whole language: value, derivative, the text and LaTeX read back, and the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from latex_meaning import Meaning
from latex_reader import name_of
from latex_tokens import Unreadable

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula, formula
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.errors import SympropError
from symprop.formulas.checks.checks import ATTEMPTS, chosen_points
from symprop.formulas.checks.oracles import value
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.questions import gradient, hessian, jacobian
from symprop.formulas.result import Result
from symprop.verify import noise
from tests.random_losses import LEAVES, WAYS, Draw, Tally, loss, read, wrong_in
from trust.measures import Measure, Outcome

FAILED = Path(__file__).parent / "formulas_that_failed.txt"
"""Every question that ever failed: what is asked, the variable, declarations and the text, apart by |, a line each."""
SHAPES = ("m", "n", "m n", "n n")
ASKED: dict[str, Callable[[Formula, str], Result]] = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}
DEPTHS = {"gradient": 4, "jacobian": 3, "hessian": 3}
ERRORS = (SympropError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, AttributeError)
CLOSE = 1e-11
"""How far two ways to work out one value may be apart, of the largest number, where rounding is no bound."""


def drawn(kind: str, random: np.random.Generator) -> str:
    """Return a random formula that may be asked for a derivative of a kind."""
    if kind != "jacobian":
        return loss(random, DEPTHS[kind])
    leaves = {shape: tuple(names) for shape, names in LEAVES.items()}
    while True:
        text = Draw(random, WAYS, leaves).array(str(random.choice(SHAPES)), DEPTHS[kind])
        if not text.isalnum():
            return text


def those_that_failed(cases: int, seed: int) -> Outcome:
    """Ask the corpus again."""
    lines = [line for line in FAILED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    tally, told, failures = Tally(), Counter[str](), []
    for line in lines[:cases]:
        kind, name, declarations, text = (part.strip() for part in line.split("|", 3))
        result = ASKED[kind](formula(text, declarations), name)
        failures += [f"{line}: {what}" for what in (*wrong_in(result, tally, seed), *in_latex(result, told, seed))]
    return Outcome(len(lines[:cases]), tuple(failures), dict(told))


def derivatives(kind: str) -> Callable[[int, int], Outcome]:
    """Return what asks random formulas for a derivative with respect to one of their variables."""

    def ask(cases: int, seed: int) -> Outcome:
        tally, failures = Tally(), []
        told: Counter[str] = Counter()
        for number in range(cases):
            random = np.random.default_rng((seed, number))
            text = drawn(kind, random)
            try:
                f = read(text)
                names = [each.name for each in f.variables if "index" not in each.facts_by_kind]
                name = names[int(random.integers(len(names)))]
                result = ASKED[kind](f, name)
                failures += [f"{text} by {name}: {what}" for what in wrong_in(result, tally, seed)]
                failures += [f"{text} by {name}: {what}" for what in in_latex(result, told, seed)]
            except ERRORS as error:
                failures.append(f"{text}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        figures = {"zero": tally.zeros, "without a point": tally.without_point, **told}
        return Outcome(cases, tuple(failures), figures)

    return ask


def in_latex(result: Result, told: Counter[str], seed: int) -> Iterator[str]:
    """Yield where question or answer means another thing in LaTeX, to a reader that is not symprop's.

    It knows no sums from one number to another, as series have them.
    """
    for point in chosen_points(result, seed, wanted=1):
        for node in (result.formula.node, result.node):
            if any(isinstance(part, n.BlockSum) for part in walk(node)):
                continue
            arrays = {name_of(each.latex()): np.asarray(point.values[each.name]) for each in result.variables}
            arrays |= {str(size): number for size, number in point.sizes.items()}
            true = value(node, point)
            try:
                with np.errstate(all="ignore"):
                    found = Meaning(arrays, vec="columns").evaluate(node.latex(), true.shape)
            except (Unreadable, KeyError, IndexError):  # a product of sizes is a name to it, a number no array
                told["LaTeX that leaves sizes or axes open"] += 1
                continue
            told["read in LaTeX"] += 1
            if not near(found, true, lambda arithmetic, node=node, point=point: value(node, point, arithmetic)):
                yield f"another value in LaTeX: {node.latex()[:300]}"


def near(found: Any, true: Any, again: Callable[[Any], Any]) -> bool:
    """Whether two values are one but for rounding, whose bound is asked for only where it is needed."""
    found, true = np.asarray(found), np.asarray(true)
    if found.shape != true.shape:
        return False
    if not np.all(np.isfinite(true)):
        return True  # a point at which there is no value shows nothing
    off = np.abs(found - true)
    if np.all(off <= CLOSE * max(1e-3, float(np.max(np.abs(true), initial=0)))):
        return True
    return bool(np.all(off <= 10 * np.asarray(noise.of_run(again))))


@cache
def numpy_words() -> dict[str, Any]:
    """Return the functions of the language as NumPy and SciPy have them."""
    from tests.algebra.test_numpy_truth import NUMPY

    return NUMPY


def values(cases: int, seed: int) -> Outcome:
    """Compare the values of formulas with those that NumPy gives for their text, and the text that is printed."""
    failures = []
    for number in range(cases):
        text = drawn(("gradient", "jacobian")[number % 2], np.random.default_rng((seed, number)))
        try:
            f = read(text)
            failures += [f"{text}: {what}" for what in _otherwise(text, f.node, gradient_free_point(f, seed))]
        except ERRORS as error:
            failures.append(f"{text}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    return Outcome(cases, tuple(failures))


def gradient_free_point(f: Formula, seed: int) -> FormulaPoint:
    """Return a point of a formula."""
    from symprop.formulas.checks.points import numbered, points, size_symbols

    sizes = numbered(size_symbols(f.variables, f.node))
    return next(points(f.variables, seed, lambda number: sizes, ATTEMPTS))


def _otherwise(text: str, node: Node, point: FormulaPoint) -> Iterator[str]:
    true = value(node, point)
    given = {str(size): number for size, number in point.sizes.items()} | dict(point.values)
    for what, written in (("its text", text), ("what is printed", node.text())):
        with np.errstate(all="ignore"):
            found = eval(written, {**numpy_words(), **given})  # a text that this drew, or that symprop printed
        if not near(found, true, lambda arithmetic: value(node, point, arithmetic)):
            yield f"another value by NumPy of {what}: {written[:300]}"


MEASURES = (
    Measure(
        "formulas that once failed",
        "Each question that was ever answered wrong or not at all is answered right.",
        those_that_failed,
        short=1000,
        usual=1000,
        long=1000,
    ),
    Measure(
        "values of formulas",
        "A random formula has the value that NumPy gives for its text, and for the text that is printed.",
        values,
        short=20,
        usual=2000,
        long=10_000,
    ),
    Measure(
        "gradients",
        "The gradient of a random loss is right, also read back from its text and its LaTeX, and as code.",
        derivatives("gradient"),
        short=8,
        usual=800,
        long=10_000,
    ),
    Measure(
        "Jacobians",
        "The Jacobian of a random array is right, also read back from its text and its LaTeX, and as code.",
        derivatives("jacobian"),
        short=4,
        usual=500,
        long=10_000,
    ),
    Measure(
        "Hessians",
        "The Hessian of a random loss is right, also read back from its text and its LaTeX, and as code.",
        derivatives("hessian"),
        short=3,
        usual=200,
        long=10_000,
    ),
)
