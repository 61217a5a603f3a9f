"""Norms of the gradients of examples, and the mean of the clipped ones, against gradients of batches of one."""

from __future__ import annotations

import numpy as np

from symprop.verify.arithmetic import Array
from symprop.verify.points import called
from symprop.verify.second_differences import Scene, Values


def distance(found: Values, true: Values) -> float:
    """Return how far arrays are off, of the largest number among them; a shape that differs is infinitely far."""
    if any(np.shape(found[name]) != np.shape(each) for name, each in true.items()):
        return float("inf")
    largest = max(float(np.max(np.abs(each), initial=0)) for each in true.values())
    worst = max(float(np.max(np.abs(found[name] - each), initial=0)) for name, each in true.items())
    return worst / largest if largest else worst


def norms_error(scene: Scene) -> float:
    """Return how far the norms of a module are off, of the largest."""
    found = np.asarray(called(vars(scene.case.module)[scene.case.question], scene.point)).copy()
    return distance({"norms": found}, {"norms": _norms_of(_one_by_one(scene))})


def clipped_error(scene: Scene) -> float:
    """Return how far the clipped gradients of a module are off, of the largest number in them; some are clipped."""
    each = _one_by_one(scene)
    norms = _norms_of(each)
    bound = float(np.mean(norms)) or 1.0
    weights = bound / np.maximum(norms, bound)
    true = {
        name: sum(c * one[name] for c, one in zip(weights, each, strict=True)) / len(each)
        for name in scene.point.parameters
    }
    return distance(called(vars(scene.case.module)[scene.case.question], scene.point, max_norm=bound), true)


def _one_by_one(scene: Scene) -> list[Values]:
    """Return the gradients of each example alone."""
    whole = scene.case.at(question="loss_and_grads").module
    examples = map(scene.point.only, range(scene.point.count))
    return [{name: grad.copy() for name, grad in called(whole.loss_and_grads, one)[1].items()} for one in examples]


def _norms_of(each: list[Values]) -> Array:
    return np.array([np.sqrt(sum(float(np.sum(np.square(one))) for one in grads.values())) for grads in each])


__all__ = ["clipped_error", "distance", "norms_error"]
