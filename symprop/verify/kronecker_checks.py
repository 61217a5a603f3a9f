"""K-FAC's factors and the tangent kernel, against Jacobians by the complex step that know no rule.

The block of the Fisher matrix of a weight is the covariance of the gradients over all targets that the model may draw,
each found by the complex step of the loss; where the loss is no likelihood it is `g g'` at the targets of the data.
For one example and a weight that is used once, `kron(G, A)` is this block, every element in its order; of a parameter
without factors D is its diagonal. The tangent kernel is `J J'`, J by the complex step of the output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.roles import BLOCK, DIAGONAL, INPUTS, told_apart
from symprop.algebra.trees import variables
from symprop.analysis.curvature.along import Along
from symprop.networks.likelihoods import Likelihood
from symprop.verify import complex_step
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, run_together, stacked, unstacked
from symprop.verify.points import Point, called, target_kinds
from symprop.verify.second_differences import Scene

MOST_BITS, MOST_COORDINATES = 5, 40
"""So many outputs are drawn as bits together; so many coordinates of a weight are compared."""
Measured = Iterator[tuple[str, str, float]]
"""Names, oracles and errors of rows."""


def kernel_error(scene: Scene) -> float:
    """Return how far the tangent kernel of a module is off, of its largest element."""
    module, point, system = scene.case.module, scene.point, scene.example
    jacobians = complex_step.jacobians(system, point, system.output.name)
    wanted = sum(np.einsum("ikp,jlp->ijkl", each, each) for each in jacobians.values())
    x = dict(point.inputs) if len(point.inputs) > 1 else next(iter(point.inputs.values()))
    with np.errstate(all="ignore"):
        found = vars(module)[scene.case.question](point.parameters, x, x)
    return _off(np.asarray(found), np.asarray(wanted))


def code_error(scene: Scene) -> float:
    """Return how far the factors of a module are off, from what the equations give in complex numbers."""
    along = scene.derivation.along
    true = scene.values(Complex(), [each.name for each in along.results])
    factors = called(vars(scene.case.module)[scene.case.question], scene.point)
    found = [np.ravel(factor) for name in dict.fromkeys(along.parts) for factor in factors[name]]
    return _off(np.concatenate(found), np.concatenate([np.ravel(unstacked(each).real) for each in true]))


def factor_errors(scene: Scene) -> dict[tuple[str, str], float]:
    """Return how far factors and blocks of the Fisher matrix are off, by what is compared and with what."""
    along, network = scene.derivation.along, scene.case.network
    system, found = scene.example, dict[tuple[str, str], float]()
    if system.joins_examples:
        return found  # statistics of the batch are held, so that no gradient of a loss is this
    drawn = _draws(scene) if network.likelihood else [[(1.0, {})]] * scene.point.count
    penalised = any(set(system.parameters) & set(variables(each.expression)) for each in scene.tail)
    if drawn is None or (penalised and not network.likelihood):
        return found
    chosen = {name: _chosen(scene.point, name, bias) for name, bias in zip(along.parts, along.beside, strict=True)}
    blocks = [_covariances(scene, number, each, chosen) for number, each in enumerate(drawn)]
    once, diagonals = _used_once(scene), _of_role(along, DIAGONAL)
    for number, block in enumerate(blocks):
        factors = called(vars(scene.case.module)[scene.case.question], scene.point.only(number))
        for weight in once:
            a, g = (np.asarray(each) for each in factors[weight])
            own = np.kron(g, a)[np.ix_(chosen[weight][2], chosen[weight][2])]
            key = f"kron(G{weight}, A{weight})", f"{_oracle(network.likelihood)}, batches of one"
            found[key] = max(found.get(key, 0.0), _off(own, block[weight]))
        for name in diagonals:
            (own,) = (np.ravel(each)[chosen[name][0]] for each in factors[name])
            key = f"D{name}", f"{_oracle(network.likelihood)}, batches of one"
            found[key] = max(found.get(key, 0.0), _off(own, np.diagonal(block[name])))
    if network.likelihood:
        for weight, own in _of_equations(scene, chosen).items():
            true = np.mean([block[weight] for block in blocks], axis=0)
            found[f"F{weight}", _oracle(network.likelihood)] = _off(own, true)
    return found


def _oracle(likelihood: Likelihood) -> str:
    what = "every choice of the model" if likelihood else "the targets of the data"
    return f"complex step of the loss, {what}"


def _off(found: Array, true: Array) -> float:
    """Return how far an array is off, of the largest number in it; a shape that differs is infinitely far."""
    if found.shape != true.shape:
        return float("inf")
    largest = float(np.max(np.abs(true), initial=0)) or 1.0
    return float(np.max(np.abs(found - true), initial=0)) / largest


def _chosen(point: Point, weight: str, bias: str) -> tuple[Array, Array, Array]:
    """Return which elements of a weight and its bias are compared, and their places in the Kronecker product."""
    shape = np.atleast_1d(point.parameters[weight]).shape
    rows, columns = shape[0], int(np.prod(shape[1:]))
    elements = np.arange(rows * columns)[:: -(-rows * columns // MOST_COORDINATES)]
    beside = np.arange(rows if bias else 0)[:MOST_COORDINATES]
    width = columns + bool(bias)
    places = np.concatenate([elements // columns * width + elements % columns, beside * width + columns])
    return elements, beside, places


Draws = list[list[tuple[float, dict[str, Array]]]]


def _draws(scene: Scene) -> Draws | None:
    """Return for each example what targets may be drawn and how probable each is; None where that is too many."""
    system, kinds = scene.example, target_kinds(scene.example)
    (target,) = system.targets
    mean = (system.prediction or system.output).name
    predictions = complex_step.outputs(system, scene.point, mean)
    found: Draws = []
    for p in predictions:
        if p.ndim != 1 or ("bits" in kinds and len(p) > MOST_BITS):
            return None
        draws = _classes(p) if "class ids" in kinds else _bits(p) if "bits" in kinds else _numbers(p)
        found.append([(chance, {target.name: each}) for chance, each in draws])
    return found


def _classes(p: Array) -> Iterator[tuple[float, Array]]:
    yield from zip(p, np.eye(len(p)), strict=True)


def _bits(p: Array) -> Iterator[tuple[float, Array]]:
    for each in product((0.0, 1.0), repeat=len(p)):
        bits = np.array(each)
        yield float(np.prod(np.where(bits == 1, p, 1 - p))), bits


def _numbers(p: Array) -> Iterator[tuple[float, Array]]:
    """Yield targets whose mean is p and whose covariance is the identity, as those of a normal distribution."""
    for unit, sign in product(np.eye(len(p)), (1, -1)):
        yield 1 / (2 * len(p)), p + sign * np.sqrt(len(p)) * unit


def _covariances(
    scene: Scene, number: int, draws: list[tuple[float, dict[str, Array]]], chosen: dict[str, Any]
) -> dict[str, Array]:
    """Return the covariance of the gradients of one example over what is drawn, `g g'` where that is one target."""
    along, alone = scene.derivation.along, scene.point.only(number)
    coordinates = {weight: each[0] for weight, each in chosen.items()}
    coordinates |= {bias: chosen[weight][1] for weight, bias in zip(along.parts, along.beside, strict=True) if bias}
    chances, rows = [], []
    for chance, targets in draws:
        given = {**alone.targets, **{name: each[None] for name, each in targets.items()}}
        chances.append(chance)
        rows.append(complex_step.gradients(scene.example, replace(alone, targets=given), coordinates))
    found = {}
    for weight, bias in zip(along.parts, along.beside, strict=True):
        names = [weight, *([bias] if bias else [])]
        gradients = np.array([np.concatenate([row[name] for name in names]) for row in rows])
        share = np.array(chances)[:, None]
        moved = gradients - (share * gradients).sum(0) if len(rows) > 1 else gradients
        found[weight] = (share * moved).T @ moved
    return found


def _used_once(scene: Scene) -> list[str]:
    """Return the weights whose factors are of vectors: what they multiply has no axis of places, and is no row."""
    along = scene.case.example.derivation.along
    inputs = {each.target.of_tangent.name: each for each in equations_in(along.backward) if _is(each, INPUTS)}
    found = []
    for weight, equation in inputs.items():
        read = variables(equation.expression)
        if all(each.rank == 1 and "index" not in each.facts_by_kind for each in read):
            found.append(weight)
    return found


def _is(equation: Equation, role: str) -> bool:
    """Whether an equation makes what has a role, perhaps under a name that tells it apart."""
    return equation.target.role.startswith((role, told_apart(role)))


def _of_role(along: Along, role: str) -> dict[str, str]:
    """Return what is made in a role, by the names of what it is of."""
    found = (each.target for each in equations_in(along.backward) if _is(each, role))
    return {each.of_tangent.name: each.name for each in found}


def _of_equations(scene: Scene, chosen: dict[str, Any]) -> dict[str, Array]:
    """Return what the equations of one example give for the blocks, in the mean over the examples."""
    derivation = scene.case.example.derivation
    system: System = derivation.system
    along: Along = derivation.along
    evaluators = [Evaluator(Complex(), stacked(scene.point.example(k), Complex())) for k in range(scene.point.count)]
    with np.errstate(all="ignore"):
        run_together(evaluators, [*system.equations, *equations_in((*along.forward, *along.backward))])
    return {
        weight: unstacked(evaluators[0].values[name]).real[np.ix_(chosen[weight][2], chosen[weight][2])]
        for weight, name in _of_role(along, BLOCK).items()
    }
