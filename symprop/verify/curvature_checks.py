"""Second derivatives of a network: their equations, steps and code, against oracles that know no rule.

- The product of the Hessian with every unit vector is the complex step of the gradients; the matrix is symmetric, and
  `v' H v` is the second difference of the loss, in 50 digits.
- `u' G v` of the Gauss-Newton matrix is the mixed second difference of the loss about the output `f`, moved to
  `f + s J u + t J v`, with `J u` and `J v` by differences too; where the output is linear in all parameters it is the
  Hessian.
- `u' F v` of the Fisher matrices comes of slopes of the loss along `J u` and `J v`: at the targets of the data, or at
  every choice that the model may draw, with its probability (`drawn_targets.py`). Blocks of single layers are the
  products along directions of one parameter.
- Norms of gradients of examples, and the mean of the clipped ones, are those of batches of one.
- K-FAC's factors and the tangent kernel: `kronecker_checks.py`.

What a module computes is what the equations give, every element; and each step of these equations is an identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import mpmath
import numpy as np

from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.trees import variables
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import GRADIENTS, Case
from symprop.errors import SpecError
from symprop.verify import step_checks
from symprop.verify.arithmetic import Complex
from symprop.verify.central_differences import STEP, Stepping
from symprop.verify.drawn_targets import block_error, blocks_of, fisher_of
from symprop.verify.example_checks import clipped_error, distance, norms_error
from symprop.verify.kronecker_checks import code_error, factor_errors, kernel_error
from symprop.verify.measure import DIGITS, Row, first_line
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.noise import quiet_points
from symprop.verify.points import target_kinds
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
    points = quiet_points(case, seed, EXAMPLES, kinds[:1])
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
    worst = float(np.max(errors)) if errors else float("inf")
    count = scenes[0].point.count if scenes else 0
    return Row(name, oracle, f"{len(scenes)} random, m={count}", worst, limit, bool(worst <= limit))


def _apart(found: Any, true: Any) -> float:
    """Return how far two numbers are apart, relative to the second where it is not 0."""
    return float(abs(found - true) / (abs(true) if abs(true) > mpmath.mpf("1e-60") else 1))


def _of_code(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row that compares what a module computes with what the equations give."""

    def measured(scene: Scene) -> float:
        true = {name: each.real for name, each in scene.equations(scene.directions[1], Complex()).items()}
        return distance(scene.product(scene.directions[1]), true)

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
            errors[each] = float(np.max([np.abs(found[each] - true[each]) for found, true in pairs])) / largest
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
        runs, a, b = scene.runs(v, 0), scene.slopes(u), scene.slopes(v)
        total = mpmath.mpf(0)
        for first, other in product((1, -1), repeat=2):
            moved = moved_along(moved_along(scene.point.parameters, u, first * STEP), v, other * STEP)
            both = [first * one + other * each for one, each in zip(a, b, strict=True)]
            changes = [{**moved, **each} for each in scene.outputs(runs, both, STEP)]
            total += first * other * sum(scene.losses(runs, changes)) / (4 * STEP**2)
        return _apart(inner(u, scene.equations(v, Stepping())), total / len(runs))

    yield _row("gnvp", f"{DIGITS} digits, u'J'HJv by differences", PRECISE_LIMIT, scenes, measured)


def _is_linear(derivation: Derivation) -> bool:
    """Whether the output of a network is linear in all its parameters: what moves it reads nothing that moves."""
    network, _ = apart(derivation.system)
    moving = {*derivation.system.parameters, *(each.target for each in equations_in(network))}
    made = {derivation.along.here(each.target.tangent) for each in equations_in(network)}
    tangents = [each for each in equations_in(derivation.along.forward) if each.target in made]
    if derivation.along.here(derivation.system.output.tangent) not in {each.target for each in tangents}:
        return False  # it is not needed, and so not there
    return not any(moving & set(variables(each.expression)) for each in tangents)


def _as_hessian(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row that compares the Gauss-Newton matrix with the Hessian, where they are the same."""
    if not _is_linear(scenes[0].derivation):
        return

    def measured(scene: Scene) -> float:
        v = scene.directions[1]
        own = {name: each.copy() for name, each in scene.product(v).items()}
        hessian = replace(scene, case=scene.case.at(question="hvp"))
        return distance(own, hessian.product(v))

    yield _row("gnvp", "the Hessian, of an output linear in the parameters", LIMIT, scenes, measured)


def _empirical(scenes: list[Scene]) -> Iterator[Row]:
    def measured(scene: Scene) -> float:
        u, v = scene.directions
        runs = scene.runs(v, 0)
        none: list[Values] = [{}] * len(runs)
        first, second = (scene.slopes_of_losses(runs, scene.slopes(each), none) for each in (u, v))
        return _apart(inner(u, scene.equations(v, Stepping())), np.mean(first * second))

    yield _row("empirical_fisher_vp", f"{DIGITS} digits, slopes of each example", PRECISE_LIMIT, scenes, measured)


def _enumerated(scenes: list[Scene]) -> Iterator[Row]:
    """Yield the row of the Fisher matrix by all that the model may draw: a class, bits, or numbers.

    Of a loss with a mask it is not asked.
    """
    likelihood = scenes[0].case.network.likelihood
    if likelihood.masked:
        return

    def measured(scene: Scene) -> float:
        u, v = scene.directions
        return _apart(inner(u, scene.equations(v, Stepping())), fisher_of(scene, likelihood.share))

    yield _row("fisher_vp", f"{DIGITS} digits, every choice of the model", PRECISE_LIMIT, scenes, measured)


def _blocks(scenes: list[Scene]) -> Iterator[Row]:
    """Yield a row for each block of a single layer that pages show: times a direction it is the product."""
    case = scenes[0].case
    derivation = OF_LAYERS[case.question](case.at(question=GRADIENTS).derivation)
    for parameter, block in blocks_of(derivation):
        oracle = f"the product along {parameter.name}"
        measured = partial(block_error, derivation=derivation, parameter=parameter, block=block)
        yield _row(block.name, oracle, LIMIT, scenes, measured)


OF_LAYERS = {"gnvp": Derivation.gauss_newton, "fisher_vp": Derivation.fisher}
"""What derives the blocks of single layers beside a product."""


# ---------------------------------------------------------------- examples


def _norms(scenes: list[Scene]) -> Iterator[Row]:
    yield _row("per_example_norms", "gradients of batches of one", LIMIT, scenes, norms_error)


def _clipped(scenes: list[Scene]) -> Iterator[Row]:
    yield _row("clipped_grads", "clipped gradients of batches of one", LIMIT, scenes, clipped_error)


# ---------------------------------------------------------------- what has no direction


def _kernel(scenes: list[Scene]) -> Iterator[Row]:
    yield _row("tangent_kernel", "J J', J by complex step", LIMIT, scenes, kernel_error)


def _factors(scenes: list[Scene]) -> Iterator[Row]:
    """Yield a row for the module, for each block of the Fisher matrix, and for each product of factors that is one."""
    yield from _factors_of_code(scenes)
    errors: dict[tuple[str, str], list[float]] = {}
    for scene in scenes:
        for key, error in factor_errors(scene).items():
            errors.setdefault(key, []).append(error)
    for (name, oracle), found in errors.items():
        yield _row(name, oracle, LIMIT, scenes[: len(found)], partial(_next, iter(found)))


def _factors_of_code(scenes: list[Scene]) -> Iterator[Row]:
    case = scenes[0].case
    plain, own = (each.derivation.along.backward for each in (case.at(question="kfac"), case))
    if case.question == "kfac" or own != plain:  # where no weight is used in several places they are the same
        yield _row(case.question, "the equations in complex numbers", LIMIT, scenes, code_error)


def _next(found: Iterator[float], _: Scene) -> float:
    return next(found)


CHECKS: Mapping[str, tuple[Callable[[list[Scene]], Iterator[Row]], ...]] = {
    "hvp": (_columns, _symmetry, _second_differences),
    "gnvp": (_of_code, _gauss_newton, _as_hessian, _blocks),
    "fisher_vp": (_of_code, _enumerated, _blocks),
    "empirical_fisher_vp": (_of_code, _empirical),
    "per_example_norms": (_norms,),
    "clipped_grads": (_clipped,),
    "tangent_kernel": (_kernel,),
    "kfac": (_factors,),
    "kfac_reduce": (_factors_of_code,),
}
"""What is asked of each function of a module, by its name."""
