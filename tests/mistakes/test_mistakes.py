"""Every case: the right way back agrees with symprop and with the complex step, the published one with neither."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from tests.mistakes.case import KINDS, Backward, Mistake, Right, point, slopes
from tests.mistakes.collection import MISTAKES, RIGHT

CLOSE = 1e-10
"""Sums of at most a few hundred products of numbers near 1: rounding stays below 1e-12 of the largest."""
FAR = 1e-3
"""Every published mistake moves its gradient by more than this, of the largest element, at random points."""


def off(given: np.ndarray, expected: np.ndarray) -> float:
    return float(np.max(np.abs(given - expected)) / max(1.0, np.max(np.abs(expected))))


def agree(case: Right, given: Backward, wrong: str) -> None:
    """Whether a backward pass is off in the gradients `wrong`, and in no other."""
    formula = symprop.formula(case.text, case.where)
    random = np.random.default_rng(7)
    values = point(formula, case.sizes, random)
    g = random.normal(size=np.shape(case.forward(**values)))
    for name, found in zip(case.wrt.split(), given(**values, g=g), strict=True):
        far = off(found, slopes(case, values, g, name))
        assert far > FAR if name in wrong.split() else far < CLOSE, name


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_right_is_right(case: Right) -> None:
    agree(case, case.right, "")


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.name)
def test_wrong_is_wrong(case: Mistake) -> None:
    agree(case.given, case.wrong, case.of)


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_symprop_agrees(case: Right) -> None:
    formula = symprop.formula(case.text, case.where)
    random = np.random.default_rng(8)
    values = point(formula, case.sizes, random)
    g = random.normal(size=np.shape(case.forward(**values)))
    for name, found in zip(case.wrt.split(), case.right(**values, g=g), strict=True):
        assert off(found, symprop.vjp(formula, name, "g")(**values, g=g)) < CLOSE, name


def test_the_collection_says_what_it_needs_to() -> None:
    assert len({case.name for case in MISTAKES}) == len(MISTAKES) >= 24
    assert len({case.name for case in RIGHT}) == len(RIGHT)
    for case in MISTAKES:
        assert set(case.of.split()) <= set(case.given.wrt.split()) and set(case.kinds.split()) <= set(KINDS), case.name
        assert case.source and case.read and case.what, case.name
