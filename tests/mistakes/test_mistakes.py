"""Published mistakes are caught; what is right is never called wrong.

Every right and every wrong way back is first compared with the complex step of its own forward, which knows nothing of
the product: that is what makes a case.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

import symprop
from tests.mistakes.case import KINDS, Backward, Mistake, Right, point, slopes
from tests.mistakes.collection import MISTAKES, RIGHT
from tests.mistakes.right import ROWS, Row

CLOSE = 1e-10
"""Sums of at most a few hundred products of numbers near 1: rounding stays below 1e-12 of the largest."""
FAR = 1e-3
"""Every published mistake moves its gradient by more than this, of the largest element, at random points."""


def some(cases: Iterable[Mistake]) -> list[object]:
    """All cases; of those that share a forward, the first alone is no slow one."""
    seen: set[str] = set()
    found = []
    for case in cases:
        marks = [pytest.mark.slow] * (case.given.name in seen)
        seen.add(case.given.name)
        found.append(pytest.param(case, marks=marks, id=case.name))
    return found


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


def test_right_is_right_and_wrong_is_wrong() -> None:
    for right in RIGHT:
        agree(right, right.right, "")
    for case in MISTAKES:
        agree(case.given, case.wrong, case.of)


@pytest.mark.parametrize("case", some(MISTAKES))
def test_a_published_mistake_is_caught(case: Mistake) -> None:
    given = case.given
    found = symprop.certify(given.text, case.wrong, given.wrt, given.where, sizes=given.sizes, limit=0)
    assert not found.ok
    assert [line.name for line in found.lines if not line.ok] == [
        name for name in given.wrt.split() if name in case.of.split()
    ]


QUICK = (
    "evaluation as in training",
    "windows that overlap",
    "the derivative by the target",
    "the mean of a bias",
    "half the decay",
    "one of two uses",
    "an id that comes twice",
    "the rotation before the sine",
    "the weight outside of the sum",
    "the residual's gradient before the norm",
    "the slope of a sigmoid in its input",
    "the order of Kronecker factors",
)
"""Mistakes of different kinds that are named in a moment."""
NOT_NAMED = ("the carry between blocks", "a gather for a scatter")
"""Mistakes of which no change is found that has their numbers, or another one than was made."""


def named(case: Mistake) -> bool:
    """Whether what is said of a mistake has its kind, and the names that matter."""
    given = case.given
    why = symprop.certify(given.text, case.wrong, given.wrt, given.where).diagnosis
    if why is None or not why.explanations:
        return False
    return bool(set(why.kind.split()) & set(case.kinds.split()))


@pytest.mark.parametrize("case", [case for case in MISTAKES if case.name in QUICK], ids=lambda case: case.name)
def test_a_published_mistake_is_named(case: Mistake) -> None:
    assert named(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in MISTAKES if case.name not in QUICK], ids=lambda case: case.name)
def test_what_is_named_and_what_is_not(case: Mistake) -> None:
    assert named(case) or case.name in NOT_NAMED


@pytest.mark.slow
@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_what_is_right_beside_a_mistake_is_right(case: Right) -> None:
    assert symprop.certify(case.text, case.right, case.wrt, case.where, sizes=case.sizes).ok


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_false_alarm(row: Row) -> None:
    text, where, wrt, right = row
    found = symprop.certify(text, right, wrt, where)
    assert found.ok, found.message


def test_the_collection_says_what_it_needs_to() -> None:
    assert len({case.name for case in MISTAKES}) == len(MISTAKES) >= 24
    assert len({case.name for case in RIGHT}) == len(RIGHT)
    assert {*QUICK, *NOT_NAMED} <= {case.name for case in MISTAKES}
    for case in MISTAKES:
        assert set(case.of.split()) <= set(case.given.wrt.split()) and set(case.kinds.split()) <= set(KINDS), case.name
        assert case.source and case.read and case.what, case.name
