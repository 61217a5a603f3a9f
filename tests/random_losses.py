"""Random well-typed scalar losses over the whole language, as text, and what is asked of each.

`loss(random)` draws a formula; every way to make an array of a shape is a row of `WAYS`, which draws the arrays that
it needs in its turn. `problems(text, by)` compares the derivative with the complex step, the printed text read back
with the answer, and the compiled function with both. A few hundred run in every test run, and 10,000 by

    python -m tests.random_losses --count 10000
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import mpmath
import numpy as np

from symprop.algebra.formula import Formula, formula, formula_of
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.algebra.trees import is_zero, variables
from symprop.errors import SympropError
from symprop.formulas.checks.checks import chosen_points
from symprop.formulas.checks.oracles import (
    SECOND_ORDER,
    first_differences,
    first_order,
    is_smooth,
    precise,
    second_order,
    value,
)
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.checks.runs import ran
from symprop.formulas.code.module import compile_formula
from symprop.formulas.questions import gradient
from symprop.formulas.result import Result
from symprop.verify import noise
from symprop.verify.arithmetic import Array
from symprop.verify.complex_step import STEP
from symprop.verify.evaluate import WORKING_DIGITS
from symprop.verify.measure import judged, precise_difference
from tests.needed import needed_of

_Item = TypeVar("_Item")
LEAVES: dict[str, dict[str, str]] = {
    "": {"s": "", "c": "positive"},
    "m": {"u": "", "a": "", "y": "signs"},
    "n": {"v": "", "w": "", "q": "sums-to-1", "p": "sums-to-1 nonnegative", "r": "positive", "h": "between-0-and-1"},
    "m n": {"X": "", "Y": "", "P": "rows-sum-to-1", "T": "one-hot"},
    "n m": {"B": "", "K": "columns-sum-to-1"},
    "n n": {"C": "", "A": "", "S": "symmetric", "Q": "orthogonal", "M": "positive-definite"},
    "m m": {"D": "", "N": "positive-semidefinite"},
}
"""The arrays that a loss may read: for each shape the names, each with its declared facts."""
IDS = {"i": "m index n"}
DECLARATIONS = ", ".join(
    [f"{name}: {shape} {facts}" for shape, names in LEAVES.items() for name, facts in names.items()]
    + [f"{name}: {what}" for name, what in IDS.items()]
)
OTHER = {"m": "n", "n": "m"}
PLACE = re.compile(r"<(?:(\w):)?([abkmn .]*)>|#(\w)|\$([abk])|safe\(([abk])\)")
CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")


@dataclass(frozen=True)
class Way:
    """A way to make an array of a rank, as a text with places for the arrays that it needs.

    `<a b>` is an array of these sizes, `<>` a scalar, `<.>` an array like the one to make; `<x:a b>` may stand again as
    `#x`; `{sum|mean}` is one of several; `$a` is a size. A matrix to make has sizes a and b, a vector has size a, and
    b is the other of m and n; k is any of the two. `safe(a)` is a matrix with a small inverse. `square` ones make
    square matrices; `needs` are operators without which the way is not taken.
    """

    name: str
    text: str
    square: bool = False
    needs: tuple[str, ...] = ()


@dataclass
class Draw:
    """One loss in the making: where its random numbers come from, and the ways and arrays that it may take."""

    random: np.random.Generator
    ways: dict[int, list[Way]]
    leaves: dict[str, tuple[str, ...]]

    def one(self, choices: Sequence[_Item]) -> _Item:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    def array(self, shape: str, depth: int) -> str:
        """Return the text of an array of a shape ("m n"), at most `depth` operations deep."""
        if depth <= 0 or self.random.random() < 0.08:
            return self.one(self.leaves[shape])
        sizes = shape.split()
        square = len(set(sizes)) == 1
        way = self.one([way for way in self.ways[len(sizes)] if square or not way.square])
        return self.filled(way.text, shape, depth - 1)

    def filled(self, text: str, shape: str, depth: int) -> str:
        """Return the text of a way with its places filled."""
        a, *rest = shape.split() or [self.one("mn")]
        sizes = {"a": a, "b": rest[0] if rest else OTHER[a], "k": self.one("mn"), "m": "m", "n": "n"}
        named: dict[str, str] = {}

        def fill(place: re.Match[str]) -> str:
            name, wanted, again, size, safe = place.groups()
            if again:
                return named[again]
            if size:
                return sizes[size]
            if safe:
                inner = self.array(f"{sizes[safe]} {sizes[safe]}", depth - 1)
                return f"(({inner}) @ ({inner}).T + eye({sizes[safe]}))"
            inner = self.array(shape if wanted == "." else " ".join(sizes[letter] for letter in wanted.split()), depth)
            if name:
                named[name] = inner
            return inner

        return PLACE.sub(fill, CHOICE.sub(lambda choice: self.one(choice[1].split("|")), text))


EVERYWHERE = (
    Way("add", "(<.> + <.>)"),
    Way("subtract", "(<.> - <.>)"),
    Way("negative", "(-(<.>))"),
    Way("multiply", "(<.>) * (<.>)"),
    Way("divide", "(<.>) / (2 + (<.>)**2)"),
    Way("scaled by a scalar", "(<>) * (<.>)"),
    Way("scaled by a number", "{-1|2|0.5|3} * (<.>)"),
    Way("power", "(<.>)**{2|3}"),
    Way("smooth function", "{tanh|sigmoid|softplus|sin|cos|silu|gelu|arctan|erf}(<.>)"),
    Way("bounded exponential", "{exp(tanh(<.>))|expm1(sin(<.>))|sinh(sin(<.>))|cosh(tanh(<.>))}"),
    Way("logarithm or root", "{log(1 + (<.>)**2)|log1p((<.>)**2)|sqrt(1 + (<.>)**2)}"),
    Way("function with a kink", "{relu|abs|leaky_relu|elu}(<.>)"),
    Way("where", "where(<.> {>|>=|<|<=} {0|<.>}, <.>, {0|<.>})"),
    Way("larger or smaller", "{maximum|minimum}(<.>, <.>)"),
    Way("varying power", "(1 + (<.>)**2)**tanh(<.>)", needs=("power",)),
)
SCALARS = (
    Way("sum of a vector", "{sum|mean}(<k>)"),
    Way("sum of a matrix", "{sum|mean}(<a b>)"),
    Way("sum of a square matrix", "{sum|mean}(<k k>)"),
    Way("dot", "(<a>) @ (<a>)"),
    Way("quadratic form", "(<a>) @ (<a b>) @ (<b>)"),
    Way("sum of squares", "sum(({<k>|<a b>|<k k>})**2) / 2"),
    Way("log-sum-exp", "logsumexp(<k>)"),
    Way("cross-entropy", "(-sum(T * log_softmax(<m n>, axis=1)) / m)"),
    Way("logistic loss", "sum(log(1 + exp(-y * tanh(<m>))))"),
    Way("trace", "trace(<k k>)", needs=("trace",)),
    Way("logdet", "logdet(safe(k))", needs=("logdet",)),
    Way("det", "det(safe(k))", needs=("det",)),
    Way("norm", "norm({<k>|<a b>})", needs=("norm",)),
    Way("squared norm", "norm({<k>|<a b>})**2", needs=("norm",)),
    Way("norm 1", "norm(<k>, 1)", needs=("norm",)),
    Way("extreme", "{max|min}({<k>|<a b>})", needs=("max", "min")),
    Way("product of elements", "prod(2 + tanh(<k>))", needs=("prod",)),
    Way("kron", "sum(kron(<m m>, <n n>)**2)", needs=("kron",)),
    Way("flat", "sum(reshape(<a b>, ($a * $b,))**2)"),
    Way("element", "(<k>)[{0|-1}]", needs=("concatenate",)),
)
VECTORS = (
    Way("matrix-vector", "(<a b>) @ (<b>)"),
    Way("vector-matrix", "(<b>) @ (<b a>)"),
    Way("square matrix-vector", "(<a a>) @ (<a>)"),
    Way("sum of rows", "{sum|mean}(<a b>, axis=1)"),
    Way("sum of columns", "{sum|mean}(<b a>, axis=0)"),
    Way("log-sum-exp", "logsumexp(<a b>, axis=1)"),
    Way("softmax", "{softmax|log_softmax}(<a>)"),
    Way("softmax written out", "exp(<x:a>) / sum(exp(#x))"),
    Way("diagonal", "diag(<a a>)"),
    Way("extreme", "{max|min}(<a b>, axis=1)", needs=("max", "min")),
    Way("product of elements", "prod(2 + sin(<b a>), axis=0)", needs=("prod",)),
    Way("solve", "solve(safe(a), <a>)", needs=("solve",)),
    Way("row", "(<b a>)[{0|-1}]", needs=("concatenate",)),
    Way("column", "(<a b>)[:, {0|-1}]", needs=("concatenate",)),
    Way("end to end", "concatenate(((<a>)[1:], (<a>)[:1]))", needs=("concatenate",)),
)
MATRICES = (
    Way("product", "(<a k>) @ (<k b>)"),
    Way("product with a transpose", "{(<k a>).T @ (<k b>)|(<a k>) @ (<b k>).T}"),
    Way("outer", "outer(<a>, <b>)"),
    Way("transpose", "(<b a>).T"),
    Way("softmax", "{softmax|log_softmax}(<a b>, axis={0|1})"),
    Way("add a row", "(<a b> + <b>)"),
    Way("multiply rows", "(<a b>) * (<b>)"),
    Way("multiply columns", "(<a b>) * (<a>)[:, None]"),
    Way("centred", "(<x:a b> - mean(#x, axis={0|1}, keepdims=True))"),
    Way("normalised", "(<x:a b>) / sqrt(1 + sum((#x)**2, axis={0|1}, keepdims=True))"),
    Way("diag", "diag(<a>)", square=True),
    Way("plus identity", "(<a b> + {2 * |}eye($a))", square=True),
    Way("inverse", "inv(safe(a))", square=True, needs=("inv",)),
    Way("matrix power", "matrix_power(<a b>, {2|3})", square=True, needs=("matrix_power",)),
    Way("rows by index", "((<n b>)[i]).T @ (<m b>)", square=True),
    Way("reshaped", "reshape(<b a>, ($a, $b))"),
    Way("rows stacked", "concatenate(((<a b>)[:1], (<a b>)[1:]), axis=0)", needs=("concatenate",)),
    Way("columns side by side", "concatenate(((<a b>)[:, 1:], (<a b>)[:, :1]), axis=1)", needs=("concatenate",)),
)
WAYS: dict[int, list[Way]] = {
    rank: [way for way in (*EVERYWHERE, *own) if {*way.needs} <= {*OPERATORS, *FUNCTIONS}]
    for rank, own in ((0, SCALARS), (1, VECTORS), (2, MATRICES))
}
"""The ways to make a scalar, a vector and a matrix."""


def loss(
    random: np.random.Generator,
    depth: int = 4,
    ways: dict[int, list[Way]] | None = None,
    leaves: dict[str, tuple[str, ...]] | None = None,
) -> str:
    """Return the text of a random loss that is more than a single array."""
    draw = Draw(random, ways or WAYS, leaves or {shape: tuple(names) for shape, names in LEAVES.items()})
    while True:
        text = draw.array("", depth)
        if not text.isalnum():
            return text


def read(text: str) -> Formula:
    """Return the loss over the arrays that it reads."""
    whole = formula(text, needed_of(DECLARATIONS, text))
    return Formula(text, whole.node, variables(whole.node))


@dataclass
class Tally:
    """How many losses and derivatives were looked at, and what went wrong with which."""

    losses: int = 0
    derivatives: int = 0
    zeros: int = 0
    without_point: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)


def problems(text: str, tally: Tally, names: int | None = None, seed: int = 0) -> None:
    """Differentiate a loss by its variables (or by so many of them) and enter into the tally what is wrong."""
    tally.losses += 1
    try:
        f = read(text)
        given = [each for each in f.variables if "index" not in each.facts_by_kind]
        random = np.random.default_rng((seed, len(text)))
        order = [given[int(place)] for place in random.permutation(len(given))]
        for by in order[:names]:
            tally.derivatives += 1
            tally.wrong.extend((text, by.name, what) for what in compared(f, by.name, tally, seed))
    except (SympropError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, AttributeError) as error:
        tally.wrong.append((text, "", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"))


def compared(f: Formula, name: str, tally: Tally, seed: int) -> Iterator[str]:
    """Yield what is wrong with the derivative of a loss by one variable."""
    yield from wrong_in(gradient(f, name), tally, seed)


def wrong_in(result: Result, tally: Tally, seed: int) -> Iterator[str]:
    """Yield what is wrong with an answer: its value, its text read back, its code; what is asked of is in a tally."""
    found = chosen_points(result, seed, wanted=1)
    if not found:
        tally.without_point += 1
        return
    point, answer = found[0], value(result.node, found[0])
    tally.zeros += is_zero(result.node)

    def bound(places: Array, off: Array) -> Array:
        moved = noise.of_run(lambda arithmetic: value(result.node, point, arithmetic))
        if result.kind in SECOND_ORDER:
            return np.asarray(moved.ravel()[places])
        oracle = noise.of_run(lambda arithmetic: first_order(result, point, arithmetic))
        return np.asarray((moved + oracle + STEP).ravel()[places])  # at a kink, the step's own square is left

    if result.kind in SECOND_ORDER:
        if not exactly(result, point) and is_smooth_at(result, point):
            yield f"wrong: {result.node.text()[:300]}"
    else:
        true = first_order(result, point)
        judgement = judged(answer, true, 1e-12, bound if answer.shape == true.shape else None)
        if not judgement.ok and not exactly(result, point) and not at_a_jump(result, point, true):
            kind = "a silent zero" if is_zero(result.node) else "wrong"
            yield f"{kind}: {result.node.text()[:300]} is off by {judgement.error:.1e} {judgement.note}"
    again = value(formula_of(result.node.text(), result.variables, map(str, point.sizes)).node, point)
    if not judged(again, answer, 1e-12, bound if again.shape == answer.shape else None).ok:
        yield f"another value when read back: {result.node.text()[:300]}"
    yield from compiled(result, point, answer, bound)


def is_smooth_at(result: Result, point: FormulaPoint) -> bool:
    """Whether slopes on both sides of a point agree, so that there is a second derivative."""
    with mpmath.workdps(WORKING_DIGITS):
        return all(is_smooth(result.formula.node, by, point) for by in result.by)


def at_a_jump(result: Result, point: FormulaPoint, true: Array) -> bool:
    """Whether rounding decides on which side of a switch a point is, as where a 0 is compared with 0."""
    random = np.random.default_rng(0)
    moved = {
        name: each if each.dtype.kind == "i" else each * (1 + 1e-9 * random.normal(size=np.shape(each)))
        for name, each in point.values.items()
    }
    near = first_order(result, FormulaPoint(point.sizes, moved, point.precise))
    return bool(np.max(np.abs(near - true), initial=0) > 1e-4 * np.max(np.abs(true), initial=0))


def exactly(result: Result, point: FormulaPoint) -> bool:
    """Whether an answer is the central difference in many digits: where float64 has lost its digits, or at a kink.

    At a kink the complex step decides by its own square, and a difference to both sides is the mean of the slopes,
    which is the stated subgradient; it is off by what the function curves, 1e-40.
    """
    with mpmath.workdps(WORKING_DIGITS):
        true = (second_order if result.kind in SECOND_ORDER else first_differences)(result, point)
        pair = np.broadcast_arrays(precise(result.node, point), true)
        return precise_difference(*map(np.asarray, pair)) < 1e-30


def compiled(
    result: Result, point: FormulaPoint, answer: Array, bound: Callable[[Array, Array], Array]
) -> Iterator[str]:
    """Yield what is wrong with the compiled answer."""
    found = ran(compile_formula(result.node, result.variables, result.kind, f"a {result.kind}"), point)
    if judged(found, answer, 1e-12).ok:
        return
    within = found.shape == answer.shape and np.abs(found - answer).ravel() <= bound(np.arange(answer.size), found)
    if not np.all(within):  # a slope near 0 may be all rounding
        yield f"another value when compiled: {result.node.text()[:300]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Random losses: derivative, text and code of each compared.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--depth", type=int, default=4)
    options = parser.parse_args()
    tally, started, reported = Tally(), time.perf_counter(), 0
    for number in range(options.count):
        problems(loss(np.random.default_rng((options.seed, number)), options.depth), tally)
        for text, by, what in tally.wrong[reported:]:
            print(f"{number}: {text}\n    by {by}: {what}", flush=True)
        reported = len(tally.wrong)
    seconds = time.perf_counter() - started
    print(
        f"{tally.losses:,} losses, {tally.derivatives:,} derivatives ({tally.zeros:,} zero), "
        f"{tally.without_point:,} without a point, {len(tally.wrong):,} mismatches, {seconds:.0f} s"
    )
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
