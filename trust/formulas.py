"""Random formulas over the whole language: value, derivative, the text and LaTeX read back, and the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from latex_meaning import Meaning
from latex_reader import name_of
from latex_tokens import Unreadable

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula, formula
from symprop.algebra.latex.reading import read_latex
from symprop.algebra.nodes import Node
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import variables, walk
from symprop.codegen.loading import loaded
from symprop.errors import LimitError, SympropError
from symprop.formulas.arrangement import arranged
from symprop.formulas.checks.checks import chosen_points
from symprop.formulas.checks.oracles import SECOND_ORDER, difference_jacobian, first_order, value
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.checks.runs import ran
from symprop.formulas.code.module import formula_source
from symprop.formulas.questions import gradient, hessian, jacobian
from symprop.formulas.remarks import remarks
from symprop.formulas.result import Result
from symprop.notation.pretty import pretty
from symprop.verify import noise
from symprop.verify.evaluate import WORKING_DIGITS
from tests.grown_formulas import grown
from tests.needed import needed_of
from tests.random_losses import DECLARATIONS, LEAVES, WAYS, Draw, Tally, at_a_jump, read, wrong_in
from trust.measures import Measure, Outcome

FAILED = Path(__file__).parent / "formulas_that_failed.txt"
"""Every question that ever failed: what is asked, the variable, declarations and the text, apart by |, a line each."""
SHAPES = ("m", "n", "m n", "n n")
ASKED: dict[str, Callable[..., Result]] = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}
DEPTHS = {"gradient": 4, "jacobian": 3, "hessian": 3}
ERRORS = (SympropError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, AttributeError)
CLOSE = 1e-11
"""How far two ways to work out one value may be apart, of the largest number, where rounding is no bound."""


def drawn(kind: str, number: int, random: np.random.Generator) -> tuple[str, Formula]:
    """Return a random formula that may be asked for a derivative of a kind, with its text and declarations in one.

    By turns it is made of ways that are written down, which are deep, and grown with words of the language's tables.
    """
    scalar = kind != "jacobian"
    if number % 2:
        found = grown(random, scalar=scalar)
        return f"{needed_of(found.where, found.text)} | {found.text}", found.read()
    draw = Draw(random, WAYS, {shape: tuple(names) for shape, names in LEAVES.items()})
    while True:
        text = draw.array("" if scalar else str(random.choice(SHAPES)), DEPTHS[kind])
        if not text.isalnum():
            return f"{needed_of(DECLARATIONS, text)} | {text}", read(text)


def asked(kind: str, f: Formula, random: np.random.Generator) -> Result:
    """Return the answer with respect to one of the variables of a formula, or two, in a convention that fits."""
    used = set(variables(f.whole.node))
    names = [each.name for each in f.variables if "index" not in each.facts_by_kind and each in used]
    by = [names[int(random.integers(len(names)))] for _ in range(1 + (kind == "hessian" and random.random() < 0.3))]
    result = ASKED[kind](f, *by)
    if random.random() < 0.7:
        return result
    if kind in ("jacobian", "hessian"):
        halves = all(is_symmetric(each) for each in result.axes[kind == "jacobian" :])
        return arranged(result, vec=str(random.choice(["columns", "vech"] if halves else ["columns"])))
    pairs = kind == "gradient" and is_symmetric(result.by[0])
    return arranged(result, symmetric="pairs") if pairs else result


def those_that_failed(cases: int, seed: int) -> Outcome:
    """Ask the corpus again."""
    lines = [line for line in FAILED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    tally, told, failures = Tally(), Counter[str](), []
    for line in lines[:cases]:
        kind, name, declarations, text = (part.strip() for part in line.split("|", 3))
        try:
            result = ASKED[kind](formula(text, declarations), *name.split())
            failures += [f"{line}: {what}" for what in wrong(result.whole, tally, told, seed)]
        except ERRORS as error:
            failures.append(f"{line}: {first_line(error)}")
    return Outcome(len(lines[:cases]), tuple(failures), dict(told))


def derivatives(kind: str) -> Callable[[int, int], Outcome]:
    """Return what asks random formulas for a derivative with respect to one of their variables."""

    def ask(cases: int, seed: int) -> Outcome:
        tally, failures = Tally(), []
        told: Counter[str] = Counter()
        for number in range(cases):
            random = np.random.default_rng((seed, number, list(ASKED).index(kind)))
            text = f"{kind} of {number}"
            try:
                text, f = drawn(kind, number, random)
                result = asked(kind, f, random)
                text = f"{kind} | {' '.join(each.name for each in result.by)} | {text} {result.conventions or ''}"
                failures += [f"{text}: {what}" for what in wrong(result.whole, tally, told, seed)]
            except LimitError:
                told["too long to read back"] += 1
            except ERRORS as error:
                failures.append(f"{text}: {first_line(error)}")
        figures = {"zero": tally.zeros, "without a point": tally.without_point, **told}
        return Outcome(cases, tuple(failures), figures)

    return ask


def first_line(error: BaseException) -> str:
    """Return what an error is and says first."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def wrong(result: Result, tally: Tally, told: Counter[str], seed: int) -> Iterator[str]:
    """Yield what is wrong with an answer, its text, its code in both types, and its LaTeX."""
    found = chosen_points(result, seed, wanted=1)
    if found and not has_values(result.formula.node, found[0]):
        told["with a part that has no value"] += (
            1  # as trace(log(A)) has where an element beside the diagonal is below 0
        )
        return
    if found and excludes(result, found[0]):
        told["where the answer says it does not hold"] += 1
        return
    failures = list(wrong_in(result, tally, seed))
    for point in found:
        failures += [*in_float32(result, point, told), *in_latex(result, point, told)]
    if failures and found and at_an_edge(result, found[0]):
        told["at the edge of the domain"] += 1
        return
    yield from failures


def at_an_edge(result: Result, point: FormulaPoint) -> bool:
    """Whether a formula has no value on one side of a point, as arcsin at 1 and x**k at 0."""
    for by in result.by:
        for sides in ((1, 0), (0, -1)):
            with mpmath.workdps(WORKING_DIGITS):
                slopes = difference_jacobian(result.formula.node, by, point, sides)
            if not all(mpmath.isfinite(each) and not mpmath.im(each) for each in slopes.ravel()):
                return True
    return False


def excludes(result: Result, point: FormulaPoint) -> bool:
    """Whether an answer has no value at a point and says that there may be such, as `prod(q) / q` where q has a 0."""
    says = any("holds where" in each for each in remarks(result))
    return says and not np.all(np.isfinite(value(result.node, point)))


def has_values(node: Node, point: FormulaPoint) -> bool:
    """Whether each part of a formula has a value at a point, but for what has the index of a series."""
    parts = (part for part in walk(node) if part.free_symbols <= node.free_symbols)
    return all(bool(np.all(np.isfinite(value(part, point)))) for part in parts)


def in_float32(result: Result, point: FormulaPoint, told: Counter[str]) -> Iterator[str]:
    """Yield where code in float32 has another value, at numbers that float32 has."""
    near_ = {
        name: each if each.dtype.kind == "i" else each.astype(np.float32).astype(float) for name, each in _arrays(point)
    }
    at = FormulaPoint(point.sizes, near_, point.precise)
    true = value(result.node, at)
    source = formula_source(result.node, result.variables, result.kind, f"a {result.kind}", "float32")
    found = ran(vars(loaded(source))[result.kind], at)
    by_scipy = any(isinstance(part, n.Decomposition) for part in walk(result.node))  # logm of float32 is of float64
    if found.ndim and found.dtype != np.float32 and not by_scipy:
        yield f"of {found.dtype} in float32: {result.node.text()[:300]}"
    bound = noise.of_run(lambda arithmetic: value(result.node, at, arithmetic)) * 2.0**29
    largest = float(np.max(np.abs(true), initial=0))
    if not np.all(np.isfinite(true)) or not np.all(bound <= 1e-2 * max(largest, 1e-6)):
        told["too rough for float32"] += 1
    elif found.shape != true.shape or not np.all(np.abs(found - true) <= 4 * bound + 1e-6 * largest):
        yield from () if jumps(result, at) else (f"another value in float32: {result.node.text()[:300]}",)
    told["in float32"] += 1


def jumps(result: Result, point: FormulaPoint) -> bool:
    """Whether what is asked of changes with the rounding of its arrays, as where equal numbers are compared."""
    return result.kind not in SECOND_ORDER and at_a_jump(result, point, first_order(result, point))


def _arrays(point: FormulaPoint) -> Iterator[tuple[str, np.ndarray]]:
    return ((name, np.asarray(each)) for name, each in point.values.items())


def in_latex(result: Result, point: FormulaPoint, told: Counter[str]) -> Iterator[str]:
    """Yield where question or answer means another thing in LaTeX, to symprop's reader and to one that is not.

    Printed for eyes, in Unicode, it is read by the first as LaTeX is.

    The second knows no sums from one number to another, as series have them.
    """
    for node in (result.formula.node, result.node):
        true, written = value(node, point), node.latex()
        yield from read_back(node, written, result, point, told, "LaTeX")
        yield from read_back(node, pretty(node), result, point, told, "Unicode")
        if any(isinstance(part, n.BlockSum) for part in walk(node)):
            continue
        arrays = {name_of(each.latex()): np.asarray(point.values[each.name]) for each in result.variables}
        arrays |= {str(size): number for size, number in point.sizes.items()}
        try:
            with np.errstate(all="ignore"):
                found = Meaning(arrays, vec="columns").evaluate(written, true.shape)
        except (Unreadable, KeyError, IndexError):  # a product of sizes is a name to it, a number no array
            told["LaTeX that leaves sizes or axes open"] += 1
            continue
        told["read in LaTeX"] += 1
        if not near(found, true, lambda arithmetic, node=node: value(node, point, arithmetic)):
            yield f"another value in LaTeX: {written[:300]}"


def read_back(
    node: Node, written: str, result: Result, point: FormulaPoint, told: Counter[str], how: str
) -> Iterator[str]:
    """Yield what is printed where it means another thing to symprop's reader."""
    try:
        again = read_latex(written, result.variables, target=node.shape)
    except SympropError:
        told[f"{how} that is refused"] += 1
        return
    told[f"read back in {how}"] += 1
    if again.shape != node.shape:  # who asks sees it: the page does not say how many there are
        told["read back with another shape"] += 1
    elif not near(value(again, point), value(node, point), lambda arithmetic: value(node, point, arithmetic)):
        yield f"another formula when read back in {how}: {written[:300]}"


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
        "gradients",
        "The gradient of a random loss is right, also read back from its text and its LaTeX, and as code.",
        derivatives("gradient"),
        short=8,
        usual=800,
        long=10_000,
        part=250,
    ),
    Measure(
        "Jacobians",
        "The Jacobian of a random array is right, also read back from its text and its LaTeX, and as code.",
        derivatives("jacobian"),
        short=4,
        usual=400,
        long=10_000,
        part=250,
    ),
    Measure(
        "Hessians",
        "The Hessian of a random loss is right, also read back from its text and its LaTeX, and as code.",
        derivatives("hessian"),
        short=3,
        usual=200,
        long=10_000,
        part=250,
    ),
)
