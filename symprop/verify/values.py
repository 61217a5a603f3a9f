"""Random values that satisfy what is known of a variable: how each fact is made true, and whether it holds.

A fact holds to all digits: what sums to 1, or is orthogonal, is made so in the arithmetic of 120 digits, because a
step that uses it is checked in 50. Facts are built in one after the other and then looked at again (`allowed`), so
that facts which do not go together (a symmetric one-hot matrix) give no value rather than a wrong one.

An orthogonal matrix is the orthogonal factor of a random one, polished by the Newton-Schulz iteration
`Q (3 I - Q' Q) / 2`, which doubles the digits (Higham, *Functions of Matrices*, 2008, section 8.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mpmath
import numpy as np
from sympy import Expr

from symprop.algebra.nodes import Variable
from symprop.verify.arithmetic import Array, Precise

CLOSE = 1e-12
"""Facts of float64 numbers hold to this; those of the precise numbers to all their digits."""


@dataclass(frozen=True)
class Style:
    """How values without a fact are drawn: normal numbers times `scale` about `shift`, or all above 0."""

    scale: float = 1.0
    shift: float = 0.0
    positive: bool = False


STYLES: tuple[Style, ...] = (
    *(Style(), Style(2.0), Style(0.5), Style()),
    *(Style(positive=True), Style(0.5, positive=True), Style(0.3), Style(3.0), Style(0.2, positive=True)),
    *(Style(0.1, 0.5), Style(0.1, -0.5), Style(0.1, 2.0), Style(0.1, -2.0)),
)
"""Around 0 first, then where a logarithm, a root or an arcsine has a value."""


def value(variable: Variable, sizes: Mapping[Expr, int], random: np.random.Generator, style: Style) -> Array:
    """Return a random value of a variable in many digits (ids as integers), made by its facts one after the other."""
    shape = tuple(int(size.subs(sizes)) for size in variable.shape)
    facts = variable.facts_by_kind
    if "index" in facts:
        return np.asarray(random.integers(0, int(facts["index"].subs(sizes)), shape))
    drawn = style.scale * random.standard_normal(shape) + style.shift
    drawn = np.abs(drawn) + 0.1 if style.positive else drawn
    result = Precise().array(np.round(drawn, 6))
    for kind, make in MAKERS.items():
        for fact in variable.facts:
            if fact.kind == kind:
                axis = int(fact.value) if fact.value.is_Integer else 0
                result = np.asarray(make(result, axis, random, set(facts)), dtype=object)
    return result


Maker = Callable[[Array, int, np.random.Generator, set[str]], Array]


def _positive(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    return np.abs(drawn) + Precise().array(0.05)


def _fraction(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    return Precise().array(np.round(random.uniform(0.05, 0.95, drawn.shape), 6))


def _signs(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    return Precise().array(random.choice([-1, 1], drawn.shape))


def _one_hot(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    chosen = random.integers(0, drawn.shape[axis], drawn.shape[:axis] + drawn.shape[axis + 1 :])
    return Precise().array(np.moveaxis(np.eye(drawn.shape[axis], dtype=int)[chosen], -1, axis))


def _sums_to_one(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    if "one-hot" in facts:
        return drawn
    total = drawn.sum(axis=axis, keepdims=True)
    if facts & {"nonnegative", "positive", "between 0 and 1"}:
        return np.asarray(drawn / total)
    return np.asarray(drawn + (1 - total) / mpmath.mpf(drawn.shape[axis]))


def _symmetric(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    return np.asarray((drawn + drawn.T) / 2)


def _definite(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    return np.asarray(drawn @ drawn.T / mpmath.mpf(len(drawn)) + Precise().array(np.eye(len(drawn), dtype=int)) / 2)


def _semidefinite(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    if "positive definite" in facts:
        return drawn
    factor = drawn[:, 1:] if random.random() < 0.3 else drawn  # some are singular, as a semidefinite matrix may be
    return np.asarray(factor @ factor.T)


def _orthogonal(drawn: Array, axis: int, random: np.random.Generator, facts: set[str]) -> Array:
    q = Precise().array(np.linalg.qr(random.standard_normal(drawn.shape))[0])
    for _ in range(4):  # 1e-16, 1e-32, 1e-64, 1e-128
        q = q @ (3 * Precise().array(np.eye(len(q), dtype=int)) - q.T @ q) / 2
    return np.asarray(q)


MAKERS: dict[str, Maker] = {
    "positive": _positive,
    "nonnegative": lambda drawn, axis, random, facts: np.abs(drawn),
    "between 0 and 1": _fraction,
    "signs": _signs,
    "one-hot": _one_hot,
    "orthogonal": _orthogonal,
    "symmetric": _symmetric,
    "positive definite": _definite,
    "positive semidefinite": _semidefinite,
    "sums to 1": _sums_to_one,
}
"""How a fact is made true of random numbers, in the order in which they are applied."""

Test = Callable[[Array, int], bool]
HOLDS: dict[str, Test] = {
    "positive": lambda value, axis: bool(np.all(value > 0)),
    "nonnegative": lambda value, axis: bool(np.all(value >= 0)),
    "between 0 and 1": lambda value, axis: bool(np.all((value >= 0) & (value <= 1))),
    "signs": lambda value, axis: bool(np.all(np.abs(value) == 1)),
    "one-hot": lambda value, axis: bool(np.all((value == 0) | (value == 1)) and np.all(value.sum(axis=axis) == 1)),
    "orthogonal": lambda value, axis: bool(np.allclose(value.T @ value, np.eye(len(value)), rtol=0, atol=CLOSE)),
    "symmetric": lambda value, axis: bool(np.all(value == value.T)),
    "positive definite": lambda value, axis: bool(np.linalg.eigvalsh(value).min(initial=1) > 0),
    "positive semidefinite": lambda value, axis: bool(np.linalg.eigvalsh(value).min(initial=0) >= -CLOSE),
    "sums to 1": lambda value, axis: bool(np.allclose(value.sum(axis=axis), 1, rtol=0, atol=CLOSE)),
}
"""Whether a fact holds of float64 numbers. A fact that is not listed is not known, and gives no point."""


def allowed(variable: Variable, exact: Array, sizes: Mapping[Expr, int]) -> bool:
    """Whether every fact of a variable holds of a value."""
    for fact in variable.facts:
        if fact.kind == "index":
            bound = int(fact.value.subs(sizes))
            if not np.all((exact >= 0) & (exact < bound)):
                return False
        elif fact.kind not in HOLDS or not HOLDS[fact.kind](
            exact.astype(np.float64), int(fact.value) if fact.value.is_Integer else 0
        ):
            return False
    return True


__all__ = ["STYLES", "Style", "allowed", "value"]
