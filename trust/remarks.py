"""What is remarked on answers (symmetric, semidefinite, rank one, zero), confirmed by numbers at random points."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from network_reference import Network
from random_networks import SIZES, network, point
from random_transformers import transformer

import symprop
from symprop.algebra.formula import Formula
from symprop.algebra.trees import variables
from symprop.formulas.checks.checks import chosen_points
from symprop.formulas.checks.oracles import SECOND_ORDER, first_order, second_order
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.result import Result
from tests.random_losses import LEAVES, WAYS, Draw, read
from trust.formulas import ASKED, drawn
from trust.measures import Measure, Outcome

Array = Any
ROUNDING = 1e-9
"""Of the largest element: what some thousand roundings can leave where nothing should be."""

CONVEX = (
    *("logsumexp((<m n>) @ v)", "sum(softplus((<m n>) @ v))", "sum(((<m n>) @ v - (<m>))**2) / 2", "v @ M @ v"),
    *("norm((<m n>) @ v)**2 / 2 + sum(v**2)", "-sum(log(1 + exp((<m n>) @ v)))", "sum((<n>) * v)**2", "sum(exp(v))"),
    *("sum(log(1 + exp(-y * ((<m n>) @ v))))", "((<n>) @ v)**2 / 2", "v @ S @ v", "-(v @ v)", "sum((<m>)) * sum(v)"),
)
"""Losses whose Hessian by v often has a sign; `<m n>` is a random matrix."""
OF_MATRICES = (
    "sum(((<m n>) @ C)**2)",
    "norm((C @ (<n n>)))**2",
    "sum((C @ v - w)**2)",
    "trace(C.T @ S @ C)",
    "logdet(M)",
)


MOST_ELEMENTS = 9
"""Of an array with more, second differences in 50 digits of a matrix's exponential take minutes."""


def remarked(number: int, seed: int) -> tuple[str, str, Formula, str]:
    """Return what is asked, a random formula with its text, and the variable, or none: any of the formula."""
    random = np.random.default_rng((seed, number))
    kind = ("convex", "convex", "hessian", "jacobian", "gradient", "matrix")[number % 6]
    if kind not in ("convex", "matrix"):
        return kind, *drawn(kind, number // 6, random), ""
    draw = Draw(random, WAYS, {shape: tuple(names) for shape, names in LEAVES.items()})
    convex = kind == "convex"
    text = draw.filled(draw.one(CONVEX if convex else OF_MATRICES), "", 1 + convex)
    return "hessian", text, read(text), "v" * convex


def true_at(result: Result, at: FormulaPoint) -> Array:
    """Return the right answer at a point, which no rule has made."""
    if result.kind in SECOND_ORDER:
        return np.asarray(second_order(result, at), dtype=float)
    return np.asarray(first_order(result, at))


def _scale(matrix: Array) -> float:
    return ROUNDING * max(1e-6, float(np.max(np.abs(matrix), initial=0)))


def _off_blocks(matrix: Array, result: Result, at: FormulaPoint, remark: str) -> Array:
    """Return what is left of a matrix that is said to be copies of a block beside each other, or interleaved."""
    count = eval(re.split(": | copies", remark)[1], {str(size): number for size, number in at.sizes.items()})
    rows, columns = (length // count for length in matrix.shape)
    if remark.startswith("block"):
        return matrix - np.kron(np.eye(count), matrix[:rows, :columns])
    return matrix - np.kron(matrix[::count, ::count], np.eye(count))


def _left(remark: str, matrix: Array, result: Result, at: FormulaPoint) -> Array | None:
    """Return what must be 0, but for rounding, where a remark holds; None of a remark that says another thing."""
    sign = re.match(r"(positive|negative) (semi)?definite$", remark)
    if sign:
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        return np.minimum(values if sign[1] == "positive" else -values, 0)
    if remark == "symmetric":
        return matrix - matrix.T
    if remark == "diagonal":
        return matrix - np.diag(np.diag(matrix))
    if remark == "rank one":
        return np.linalg.svd(matrix, compute_uv=False)[1:]
    if remark.startswith("zero, because"):
        return matrix
    if remark.startswith(("block diagonal: ", "interleaved: ")):
        return _off_blocks(matrix, result, at, remark)
    return None


def _moved(result: Result, at: FormulaPoint, name: str) -> Array:
    """Return how the right answer changes where a variable takes another value."""
    for other in chosen_points(result, 77, wanted=3):
        if other.sizes == at.sizes and np.shape(other.values[name]) == np.shape(at.values[name]):
            both = FormulaPoint(
                at.sizes,
                {**at.values, name: other.values[name]},
                {**at.precise, name: other.precise[name]},
            )
            return true_at(result, both) - true_at(result, at)
    return np.zeros(1)


def on_formulas(cases: int, seed: int) -> Outcome:
    """Ask the remarks on random formulas at random points, of the derivative that no rule has made."""
    told: Counter[str] = Counter()
    failures = []
    for number in range(cases):
        kind, text, f, name = remarked(number, seed)
        used = set(variables(f.whole.node))
        names = [each.name for each in f.variables if "index" not in each.facts_by_kind and each in used]
        name = name if name in names else names[number % len(names)]
        result = ASKED[kind](f, name).whole
        for remark in symprop.Answer(result).remarks:
            for at in chosen_points(result, seed, wanted=2):
                if result.kind in SECOND_ORDER and at.values[name].size > MOST_ELEMENTS:
                    told["not asked, of many elements"] += 1
                    continue
                matrix = true_at(result, at)
                if remark.startswith("does not depend on "):
                    left: Array | None = np.concatenate(
                        [_moved(result, at, each).ravel() for each in remark[19:].split(", ")]
                    )
                else:
                    left = _left(remark, matrix, result, at)
                if left is None:
                    continue
                told[re.split("[:,]| on ", remark)[0]] += 1
                if not np.max(np.abs(left), initial=0) <= _scale(matrix):
                    failures.append(f"{kind} of {text} by {name}: {remark}")
                    break
    return Outcome(cases, tuple(failures), dict(sorted(told.items())))


def on_networks(cases: int, seed: int) -> Outcome:
    """Ask the remark that a gradient is zero of random networks, by the second reader."""
    failures, told = [], 0
    for number in range(cases):
        random = np.random.default_rng([seed, number])
        text = transformer(random) if number % 2 else _with_idle(network(random), random)
        net, read_again = numbered(text), Network(text, SIZES)
        said = " ".join(each for each in symprop.derive(net).remarks if " is zero" in each)
        params, x, y = point(read_again, random)
        for name in re.findall(r"\bd(\w+)(?= is zero|[,;. ]|$)", said):
            if name not in params:
                continue
            told += 1
            along = {other: np.zeros(np.shape(held)) for other, held in params.items()}
            along[name] = random.normal(size=np.shape(params[name]))
            if not abs(read_again.derivative(params, x, y, along)) <= ROUNDING:
                failures.append(f"{text}: d{name} is not zero")
    return Outcome(cases, tuple(failures), {"gradients said to be zero": told})


def _with_idle(text: str, random: np.random.Generator) -> str:
    """Return a network with something in it that receives no gradient, more often than not."""
    before = random.choice(["Dense(4) >> BatchNorm() >> ", "Dense(3) >> LayerNorm() >> Dense(3) >> ", ""])
    *layers, last = text.split(" >> ")
    return " >> ".join([layers[0], *layers[1:], *([before + last] if _keeps_width(last) else [last])])


def _keeps_width(loss: str) -> bool:
    return not any(word in loss for word in ("weights=", "mask=", "Binary", "ignore=", "class", "tied"))


def numbered(text: str) -> symprop.Network:
    """Return a network with numbers for its names."""
    names = symprop.parse_network(text)
    counted = names.with_sizes({name: SIZES[name] for name in names.sizes if name in SIZES})
    return counted.with_sizes({name: SIZES[name] for name in counted.sizes})


MEASURES = (
    Measure(
        "remarks on formulas",
        "What is remarked on an answer (symmetric, semidefinite, rank one, zero) holds at random points.",
        on_formulas,
        short=12,
        usual=600,
        long=10_000,
        part=250,
    ),
    Measure(
        "remarks on networks",
        "A gradient that is said to be zero is zero at a random point.",
        on_networks,
        short=4,
        usual=300,
        long=5000,
    ),
)
