"""Second derivatives of a network: their equations, steps and code, against oracles that know no rule.

- The product of the Hessian with every unit vector is the complex step of the gradients; the matrix is symmetric, and
  `v' H v` is the second difference of the loss, in 50 digits.
- `u' G v` of the Gauss-Newton matrix is the mixed second difference of the loss about the output `f`, moved to
  `f + s J u + t J v`, with `J u` and `J v` by differences too; where the output is linear in all parameters it is the
  Hessian.
- `u' F v` of the Fisher matrices comes of slopes of the loss along `J u` and `J v`: at the targets of the data, or at
  every choice that the model may draw, with its probability.
- Norms of gradients of examples are those of batches of one.

What a module computes is what the equations give, every element; and each step of these equations is an identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.trees import variables
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.errors import SpecError
from symprop.verify import step_checks
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.central_differences import STEP, Stepping
from symprop.verify.evaluate import Evaluator, unstacked
from symprop.verify.measure import DIGITS, Row, first_line
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.points import called, points_of, target_kinds
from symprop.verify.second_differences import WORKING_DIGITS, Scene, Values, inner, moved_along

LIMIT = 1e-10
"""How far code may be off, of the largest number of a result: second derivatives round in more sums than gradients."""
PRECISE_LIMIT = 10.0**-DIGITS
KINDS = ("one-hot", "numbers", "bits")
"""How targets are drawn: of classes so that they sum to 1 in all digits."""
EXAMPLES = 2
FULL, SAMPLED = 300, 60
"""Up to so many parameters every column of the Hessian is compared, else so many columns."""


def rows(case: Case, seed: int) -> Iterator[Row]:
    """Yield the rows of all second derivatives of a network without loops, at its sizes and one random point.

    Raises:
        SpecError: backpropagation is truncated.
    """
    kinds = [kind for kind in KINDS if kind in target_kinds(case.example.system)]
    points = points_of(case, seed, EXAMPLES, kinds[:1], everywhere=True)
    known: set[Equation] = set()
    for question, checks in CHECKS.items():
        asked = case.rows.at(question=question)
        try:
            derivation = asked.derivation
        except SpecError:
            if question == "hvp":
                raise
            continue  # a matrix that the network does not have
        scenes = [Scene(asked, derivation, point, seed + number) for number, point in enumerate(points)]
        for check in checks:
            yield from check(scenes)
        if not derivation.along.whole:
            found = [*equations_in(derivation.along.forward), *equations_in(derivation.along.backward)]
            yield from step_checks.further_rows(derivation, [each for each in found if each not in known], points, seed)
            known.update(found)


# ---------------------------------------------------------------- how rows are made


def _row(name: str, oracle: str, limit: float, scenes: list[Scene], measured: Callable[[Scene], float]) -> Row:
    try:
        with mpmath.workdps(WORKING_DIGITS), np.errstate(all="ignore"):
            errors = [measured(scene) for scene in scenes]
    except GENERATED_ERRORS as error:
        return Row(name, oracle, "0", np.inf, limit, False, first_line(error))
    worst = max(errors, default=float("inf"))
    count = scenes[0].point.count if scenes else 0
    return Row(name, oracle, f"{len(scenes)} random, m={count}", worst, limit, bool(worst <= limit))


def _off(found: Values, true: Values) -> float:
    """Return how far arrays are off, of the largest number among them; a shape that differs is infinitely far."""
    if any(np.shape(found[name]) != np.shape(each) for name, each in true.items()):
        return float("inf")
    largest = max(float(np.max(np.abs(each), initial=0)) for each in true.values())
    worst = max(float(np.max(np.abs(found[name] - each), initial=0)) for name, each in true.items())
    return worst / largest if largest else worst


def _apart(found: Any, true: Any) -> float:
    """Return how far two numbers are apart, relative to the second where it is not 0."""
    return float(abs(found - true) / (abs(true) if abs(true) > mpmath.mpf("1e-60") else 1))


def _of_code(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row that compares what a module computes with what the equations give."""

    def measured(scene: Scene) -> float:
        true = {name: each.real for name, each in scene.equations(scene.directions[1], Complex()).items()}
        return _off(scene.product(scene.directions[1]), true)

    yield _row(scenes[0].case.question, "the equations in complex numbers", LIMIT, scenes, measured)


# ---------------------------------------------------------------- the Hessian


def _columns(scenes: list[Scene]) -> Iterator[Row]:
    """Yield a row for each parameter: its rows of the Hessian, column by column."""
    errors: dict[str, float] = dict.fromkeys(scenes[0].point.parameters, 0.0)
    oracle, limit = "complex step of the gradients, full", LIMIT
    for scene in scenes[:1]:
        places = [(name, k) for name, value in scene.point.parameters.items() for k in range(value.size)]
        if len(places) > FULL:
            chosen = np.random.default_rng(scene.seed).permutation(len(places))[:SAMPLED]
            places, oracle = [places[k] for k in chosen], f"complex step of the gradients, {SAMPLED} columns"
        pairs = []
        for name, coordinate in places:
            unit = {each: np.zeros(value.shape) for each, value in scene.point.parameters.items()}
            unit[name].flat[coordinate] = 1
            try:
                found = {each: value.copy() for each, value in scene.product(unit).items()}
            except GENERATED_ERRORS as error:
                yield Row("hvp", oracle, "0", np.inf, limit, False, first_line(error))
                return
            pairs.append((found, scene.column(name, coordinate)))
        largest = max(float(np.max(np.abs(each))) for _, true in pairs for each in true.values()) or 1.0
        for each in errors:
            errors[each] = max(float(np.max(np.abs(found[each] - true[each]))) / largest for found, true in pairs)
    for each, off in errors.items():
        yield Row(f"Rd{each}", oracle, f"1 random, m={scenes[0].point.count}", off, limit, off <= limit)


def _symmetry(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        u, v = scene.directions
        one, other = ({name: each.copy() for name, each in scene.product(each).items()} for each in (v, u))
        terms = [np.abs(u[name] * one[name]).sum() for name in u]
        both = (sum(float(np.sum(a[name] * b[name])) for name in u) for a, b in ((u, one), (v, other)))
        first, second = both
        return abs(first - second) / (sum(map(float, terms)) or 1.0)

    yield _row("hvp", "symmetry, u'Hv = v'Hu", LIMIT, scenes, measured)


def _second_differences(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        v = scene.directions[1]
        above, here, below = (scene.loss(v, step) for step in (STEP, 0, -STEP))
        return _apart(inner(v, scene.equations(v, Stepping())), (above - 2 * here + below) / STEP**2)

    yield _row("hvp", f"{DIGITS} digits, second differences", PRECISE_LIMIT, scenes, measured)


# ---------------------------------------------------------------- the matrices that the network's slopes make


def _gauss_newton(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        u, v = scene.directions
        name, total = scene.example.output.name, mpmath.mpf(0)
        examples = zip(scene.runs(v, 0), scene.slopes(u), scene.slopes(v), strict=True)
        for run, a, b in examples:
            f = unstacked(run.values[name])
            for first in (1, -1):
                for other in (1, -1):
                    moved = moved_along(moved_along(scene.point.parameters, u, first * STEP), v, other * STEP)
                    there = {**moved, name: f + STEP * (first * a + other * b)}
                    total += first * other * scene.of_output(run, there) / (4 * STEP**2)
        return _apart(inner(u, scene.equations(v, Stepping())), total / scene.point.count)

    yield _row("gnvp", f"{DIGITS} digits, u'J'HJv by differences", PRECISE_LIMIT, scenes, measured)


def _is_linear(derivation: Derivation) -> bool:
    """Whether the output of a network is linear in all its parameters: what moves it reads nothing that moves."""
    network, _ = apart(derivation.system)
    moving = {*derivation.system.parameters, *(each.target for each in equations_in(network))}
    made = {each.target.tangent for each in equations_in(network)}
    tangents = [each for each in equations_in(derivation.along.forward) if each.target in made]
    return not any(moving & set(variables(each.expression)) for each in tangents)


def _as_hessian(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row that compares the Gauss-Newton matrix with the Hessian, where they are the same."""
    if not _is_linear(scenes[0].derivation):
        return

    def measured(scene: Scene) -> float:
        v = scene.directions[1]
        own = {name: each.copy() for name, each in scene.product(v).items()}
        hessian = replace(scene, case=scene.case.at(question="hvp"))
        return _off(own, hessian.product(v))

    yield _row("gnvp", "the Hessian, of an output linear in the parameters", LIMIT, scenes, measured)


def _empirical(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        u, v = scene.directions
        examples = list(zip(scene.runs(v, 0), scene.slopes(u), scene.slopes(v), strict=True))
        products = [scene.slope_of_loss(run, a, {}) * scene.slope_of_loss(run, b, {}) for run, a, b in examples]
        return _apart(inner(u, scene.equations(v, Stepping())), sum(products) / len(products))

    yield _row("empirical_fisher_vp", f"{DIGITS} digits, slopes of each example", PRECISE_LIMIT, scenes, measured)


def _enumerated(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row of the Fisher matrix by all that the model may draw, where that is few: classes, or bits.

    Choices at several positions, or of several bits, are independent: their covariances add.
    """
    kinds = target_kinds(scenes[0].example)
    is_bits = "bits" in kinds
    if (not is_bits and "class ids" not in kinds) or scenes[0].case.network.counted is not None:
        return

    def measured(scene: Scene) -> float:
        u, v = scene.directions
        examples = zip(scene.runs(v, 0), scene.slopes(u), scene.slopes(v), strict=True)
        found = [_fisher_of(scene, run, a, b, is_bits) for run, a, b in examples]
        return _apart(inner(u, scene.equations(v, Stepping())), sum(found) / len(found))

    yield _row("fisher_vp", f"{DIGITS} digits, every choice of the model", PRECISE_LIMIT, scenes, measured)


def _fisher_of(scene: Scene, run: Evaluator, a: Array, b: Array, is_bits: bool) -> Any:
    """Return `u' F v` of one example: at each place the covariance of the slopes over what may be drawn there."""
    system = scene.example
    p = unstacked(run.values[(system.prediction or system.output).name])
    (target,) = system.targets
    drawn = np.where(np.arange(p.shape[-1]) == 0, mpmath.mpf(1), mpmath.mpf(0)) + np.zeros(p.shape, dtype=int)
    positions = int(np.prod(p.shape[:-1], dtype=int))
    places = list(np.ndindex(p.shape if is_bits else p.shape[:-1]))
    total = mpmath.mpf(0)
    for place in places:
        choices = [(p[place], 1), (1 - p[place], 0)] if is_bits else zip(p[place], np.eye(p.shape[-1]), strict=True)
        means, products = [mpmath.mpf(0)] * 2, mpmath.mpf(0)
        for probability, choice in choices:
            y = drawn.copy()
            y[place] = choice
            slopes = [scene.slope_of_loss(run, each, {target.name: y}) for each in (a, b)]
            means = [mean + probability * slope for mean, slope in zip(means, slopes, strict=True)]
            products += probability * slopes[0] * slopes[1]
        total += products - means[0] * means[1]
    return total * positions


# ---------------------------------------------------------------- examples


def _norms(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        module, point = scene.case.module, scene.point
        found = np.asarray(called(vars(module)[scene.case.question], point)).copy()
        whole = scene.case.at(question="loss_and_grads").module
        each = [called(whole.loss_and_grads, point.only(number))[1].values() for number in range(point.count)]
        true = np.array([np.sqrt(sum(float(np.sum(np.square(one))) for one in grads)) for grads in each])
        return _off({"norms": found}, {"norms": true})

    yield _row("per_example_norms", "gradients of batches of one", LIMIT, scenes, measured)


CHECKS: Mapping[str, tuple[Callable[[list[Scene]], Iterator[Row]], ...]] = {
    "hvp": (_columns, _symmetry, _second_differences),
    "gnvp": (_of_code, _gauss_newton, _as_hessian),
    "fisher_vp": (_of_code, _enumerated),
    "empirical_fisher_vp": (_of_code, _empirical),
    "per_example_norms": (_norms,),
}
"""What is asked of each function of a module, by its name."""
