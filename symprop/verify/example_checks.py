"""What a module says of the gradients of single examples, and what the gradients of batches of one are."""

from __future__ import annotations

from typing import Any

import numpy as np

from symprop.verify.points import called
from symprop.verify.second_differences import Scene, Values


def norms(scene: Scene) -> tuple[Values, Values]:
    """Return the norms of the gradients of examples: what the module gives, and what they are."""
    found = np.asarray(called(vars(scene.case.module)[scene.case.question], scene.point)).copy()
    return {"norms": found}, {"norms": _norms_of(_one_by_one(scene))}


def clipped(scene: Scene) -> tuple[Values, Values]:
    """Return the mean of the gradients of examples, each clipped to the mean of their norms."""
    each = _one_by_one(scene)
    lengths = _norms_of(each)
    bound = float(np.mean(lengths)) or 1.0
    weights = bound / np.maximum(lengths, bound)
    true = {
        name: sum(c * one[name] for c, one in zip(weights, each, strict=True)) / len(each)
        for name in scene.point.parameters
    }
    return called(vars(scene.case.module)[scene.case.question], scene.point, max_norm=bound), true


def _one_by_one(scene: Scene) -> list[Values]:
    """Return the gradients of each example alone."""
    whole = scene.case.at(question="loss_and_grads").module
    examples = map(scene.point.only, range(scene.point.count))
    return [{name: grad.copy() for name, grad in called(whole.loss_and_grads, one)[1].items()} for one in examples]


def _norms_of(each: list[Values]) -> Any:
    return np.array([np.sqrt(sum(float(np.sum(np.square(one))) for one in grads.values())) for grads in each])


__all__ = ["clipped", "norms"]
