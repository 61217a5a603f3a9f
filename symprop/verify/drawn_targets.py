"""The Fisher matrix by all targets that a model may draw, and blocks of single layers by the product that they are of.

At each position the covariance of the slopes of the loss over what may be drawn there, with its probability, is found
by differences; positions are independent, so that covariances add. A loss that is a share `c` of a sum of negative
log-likelihoods has `c**2` times their covariance in these slopes and `c` times it in the Fisher matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import target_kinds
from symprop.verify.second_differences import Scene


def fisher_of(scene: Scene, share: Expr) -> Any:
    """Return `u' F v` for the scene's directions, where the loss is this share of its negative log-likelihoods."""
    system, kinds, (u, v) = scene.example, target_kinds(scene.example), scene.directions
    runs, directions = scene.runs(v, 0), [scene.slopes(each) for each in (u, v)]
    p = np.stack([unstacked(run.values[(system.prediction or system.output).name]) for run in runs])
    (target,) = system.targets
    at_once = "class ids" in kinds
    drawn = np.zeros(p.shape, dtype=int) if at_once or "bits" in kinds else p.copy()
    if at_once:
        drawn[..., 0] = 1
    total = mpmath.mpf(0)
    for place in np.ndindex(p.shape[1:-1] if at_once else p.shape[1:]):
        there = slice(None), *place
        means, products = [mpmath.mpf(0)] * 2, mpmath.mpf(0)
        for chance, choice in _choices(p[there], kinds):
            y = drawn.copy()
            y[there] = choice
            first, second = (
                scene.slopes_of_losses(runs, each, [{target.name: one} for one in y]) for each in directions
            )
            means = [means[0] + chance * first, means[1] + chance * second]
            products = products + chance * first * second
        total += np.mean(products - means[0] * means[1])
    return total * share.q / share.p


def _choices(p: Array, kinds: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield what may be drawn where the model predicts `p`, with its probability.

    Slopes are linear in a number that is drawn, so that of a normal distribution its variance is enough.
    """
    if "class ids" in kinds:
        yield from zip(p.T, np.eye(p.shape[-1], dtype=int), strict=True)
    elif "bits" in kinds:
        yield from ((p, 1), (1 - p, 0))
    else:
        yield from ((mpmath.mpf(1) / 2, p + sign) for sign in (1, -1))


def blocks_of(derivation: Derivation) -> Iterator[tuple[Variable, Variable]]:
    """Yield the parameters that have a block of a layer of their own, each with the block."""
    found = {each.target.of_tangent.name: each.target for each in derivation.along.blocks}
    yield from ((each, found[each.name]) for each in derivation.system.wanted if each.name in found)


def block_error(scene: Scene, derivation: Derivation, parameter: Variable, block: Variable) -> float:
    """Return how far the block of a parameter is off: times a direction of this parameter it is the product."""
    system, along, v = derivation.system, derivation.along, scene.directions[1]
    result = along.results[system.wanted.index(parameter)]
    moved = {
        along.here(each.tangent).name: v[each.name] if each == parameter else np.zeros_like(v[each.name])
        for each in system.wanted
    }
    sizes = {} if system.batch is None else {system.batch: scene.point.count}
    evaluator = Evaluator(Complex(), stacked({**scene.point.of(system), **moved}, Complex()), sizes)
    evaluator.run(equations_in((*system.items, *derivation.backward, *along.forward, *along.backward)))
    _run_at_places(evaluator, along.blocks)
    matrix, true = (unstacked(evaluator.values[each.name]).real for each in (block, result))
    error = np.max(np.abs(matrix @ v[parameter.name].ravel() - true.ravel()))
    return float(error / (np.max(np.abs(true)) or 1))


def _run_at_places(evaluator: Evaluator, equations: Iterable[Equation]) -> None:
    """Evaluate equations of a general example or position, `J{z[i]} = ...`, at each; sums over them say how many."""
    equations = tuple(equations)
    sums = (part for each in equations for part in walk(each.expression) if isinstance(part, n.BlockSum))
    counts = {part.index: evaluator.size(part.count) for part in sums}

    def places(variable: Variable) -> Iterator[dict[Expr, Integer]]:
        running = [each for each in counts if any(each in part.free_symbols for part in variable.index)]
        for numbers in product(*(range(1, counts[each] + 1) for each in running)):
            yield dict(zip(running, map(Integer, numbers), strict=True))

    for equation in equations:
        for each in variables(equation.expression):
            rows = [part for part in each.index if isinstance(part, RowIndex)]
            general = [part for part in rows if part.free_symbols & counts.keys()]
            for taken in (general, rows):  # a moment written out has its number, and is no row of an array
                array = each.change(index=[part for part in each.index if part not in taken])
                for at in places(each) if array.name in evaluator.values else ():
                    found, name = evaluator.values[array.name], each.xreplace(at).name
                    for part in reversed(taken):  # the batch stands first, and last among the indices
                        found = found[:, int(part.value.xreplace(at)) - 1]
                    evaluator.values.setdefault(name, found)  # it may be made by an equation of its own
        for at in places(equation.target):
            evaluator.run([Equation(equation.target.xreplace(at), equation.expression.xreplace(at))])
