"""Random values that satisfy what is declared of a variable: how numbers are drawn, made to fit, and looked at again.

What a fact means stands in `HOLDS`, and every array that is drawn is checked by it: how an array is made may fail,
what is returned never breaks a fact. `Draw` gives exact rational numbers, which is how `compare` tells rounding from a
difference; `Style` gives numbers of as many digits as mpmath works in: a step that uses a fact is checked in 50.

An orthogonal matrix is a product of Householder's reflections `I - 2 v v' / v' v`, rational where `v` is (Householder,
*Unitary triangularization of a nonsymmetric matrix*, 1958).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import Expr, Rational

from symprop.algebra.nodes import Variable
from symprop.verify.arithmetic import Array, Precise

ATTEMPTS = 20
CLOSE = 1e-12
"""Facts of float64 numbers hold to this; those of exact ones without any slack."""
MOST_REFLECTIONS = 6


@dataclass(frozen=True)
class Draw:
    """Exact numbers: from `-largest` to `largest` in steps of `1 / parts`, or only those above 0."""

    largest: int = 2
    parts: int = 1009
    positive: bool = False

    @property
    def whole(self) -> bool:
        """Whether the numbers are integers where the facts allow it."""
        return self.parts == 1

    def numbers(self, shape: tuple[int, ...], above: bool, random: np.random.Generator) -> Array:
        most = self.largest * self.parts
        drawn = np.asarray(random.integers(1 if above else -most, most + 1, shape))
        return np.asarray(self.exact(drawn) / self.parts, dtype=object)

    def fractions(self, shape: tuple[int, ...], random: np.random.Generator) -> Array:
        return np.asarray(self.numbers(shape, True, random) / self.largest, dtype=object)

    def exact(self, values: Array) -> Array:
        """Return integers as SymPy's, which divide exactly."""
        return np.asarray(np.frompyfunc(lambda value: Rational(int(value)), 1, 1)(values), dtype=object)

    def tested(self, values: Array) -> Array:
        return values


@dataclass(frozen=True)
class Style:
    """Numbers of mpmath: normal ones times `scale` about `shift`, or all above 0."""

    scale: float = 1.0
    shift: float = 0.0
    positive: bool = False
    whole = False

    def numbers(self, shape: tuple[int, ...], above: bool, random: np.random.Generator) -> Array:
        drawn = self.scale * random.standard_normal(shape) + self.shift
        return self.exact(np.round(np.abs(drawn) + 0.1 if above else drawn, 6))

    def fractions(self, shape: tuple[int, ...], random: np.random.Generator) -> Array:
        return self.exact(np.round(random.uniform(0.05, 0.95, shape), 6))

    def exact(self, values: Any) -> Array:
        return Precise().array(values)

    def tested(self, values: Array) -> Array:
        return values.astype(np.float64)


STYLES: tuple[Style, ...] = (
    *(Style(), Style(2.0), Style(0.5), Style()),
    *(Style(positive=True), Style(0.5, positive=True), Style(0.3), Style(3.0), Style(0.2, positive=True)),
    *(Style(0.1, 0.5), Style(0.1, -0.5), Style(0.1, 2.0), Style(0.1, -2.0)),
)
"""Around 0 first, then where a logarithm, a root or an arcsine has a value."""


# ---------------------------------------------------------------- what facts mean


def _slack(value: Array) -> float:
    return 0 if value.dtype.kind == "O" else CLOSE


def _near(value: Any, other: Any) -> bool:
    return bool(np.all(np.abs(value - other) <= _slack(np.asarray(value))))


def _pivots(value: Array, least: Callable[[Any, float], bool]) -> bool:
    """Whether a matrix is symmetric and every pivot of its elimination passes; beside a pivot of 0 all must be 0."""
    rest, slack = value.copy(), _slack(value)
    if not np.all(value == value.T):
        return False
    while rest.size:
        pivot, row = rest[0, 0], rest[0, 1:]
        none = abs(pivot) <= slack
        if not least(pivot, slack) or (none and np.any(np.abs(row) > slack)):
            return False
        rest = rest[1:, 1:] - (0 if none else np.outer(row, row) / pivot)
    return True


HOLDS: dict[str, Callable[[Array, int], bool]] = {
    "symmetric": lambda value, axis: bool(np.all(value == value.T)),
    "positive definite": lambda value, axis: _pivots(value, lambda pivot, slack: pivot > slack),
    "positive semidefinite": lambda value, axis: _pivots(value, lambda pivot, slack: pivot >= -slack),
    "orthogonal": lambda value, axis: _near(value @ value.T, np.eye(len(value), dtype=int)),
    "positive": lambda value, axis: bool(np.all(value > 0)),
    "nonnegative": lambda value, axis: bool(np.all(value >= 0)),
    "between 0 and 1": lambda value, axis: bool(np.all((value >= 0) & (value <= 1))),
    "bits": lambda value, axis: bool(np.all((value == 0) | (value == 1))),
    "signs": lambda value, axis: bool(np.all(np.abs(value) == 1)),
    "sums to 1": lambda value, axis: _near(value.sum(axis=axis), 1),
    "one-hot": lambda value, axis: bool(np.all((value == 0) | (value == 1)) and np.all(value.sum(axis=axis) == 1)),
    "index": lambda value, size: bool(np.all((value >= 0) & (value < size))),
}
"""What each fact means, of an array of numbers and the value of the fact (an axis, or a number of rows)."""


def satisfies(value: Array, variable: Variable, sizes: Mapping[Expr, int]) -> bool:
    """Whether an array satisfies all facts of a variable: exactly in exact numbers, to 1e-12 in float64."""
    _, facts = _at_sizes(variable, tuple(sizes.items()))
    return all(HOLDS[kind](value, int(about)) for kind, about in facts.items())


@lru_cache(maxsize=2_000)
def _at_sizes(
    variable: Variable, sizes: tuple[tuple[Expr, int], ...]
) -> tuple[tuple[int, ...], MappingProxyType[str, Expr]]:
    """The shape of a variable and what its facts are about, with numbers for sizes; asked at point after point."""
    put = dict(sizes)
    facts = {kind: about.subs(put) for kind, about in variable.facts_by_kind.items()}
    return tuple(int(size.subs(put)) for size in variable.shape), MappingProxyType(facts)


# ---------------------------------------------------------------- how arrays are made


def values_for(
    variables: Iterable[Variable], sizes: Mapping[Expr, int], random: np.random.Generator, how: Draw | Style
) -> dict[str, Array] | None:
    """Return an array for each variable (ids as integers); None where none was found that satisfies the facts.

    >>> from symprop.algebra.declarations import declared
    >>> A = values_for([declared("A", "2 2 symmetric")], {}, np.random.default_rng(0), Draw())["A"]
    >>> A[0, 1] == A[1, 0]
    True
    """
    found: dict[str, Array] = {}
    for each in variables:
        tried = (drawn(each, sizes, random, how) for _ in range(ATTEMPTS))
        value = next((value for value in tried if satisfies(how.tested(value), each, sizes)), None)
        if value is None:
            return None
        found[each.name] = value
    return found


_DEFINITE = frozenset({"positive definite", "positive semidefinite"})
_SYMMETRIC = _DEFINITE | {"symmetric"}


def drawn(variable: Variable, sizes: Mapping[Expr, int], random: np.random.Generator, how: Draw | Style) -> Array:
    """Return one array that satisfies the facts of a variable, for most sets of facts."""
    shape, facts = _at_sizes(variable, tuple(sizes.items()))
    if "index" in facts:
        return np.asarray(random.integers(0, int(facts["index"]), shape))
    if "one-hot" in facts:
        axis = int(facts["one-hot"])
        chosen = random.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
        return how.exact(np.moveaxis(np.eye(shape[axis], dtype=int)[chosen], -1, axis))
    above = how.positive or bool(facts.keys() & {"positive", "nonnegative", "between 0 and 1"})
    if "bits" in facts and "sums to 1" not in facts:
        return how.exact(random.integers(0, 2, shape))
    if "signs" in facts:
        return how.exact(np.ones(shape, dtype=int) if above else 2 * random.integers(0, 2, shape) - 1)
    if "orthogonal" in facts:
        return _orthogonal(shape[0], above, facts, random, how)
    if "between 0 and 1" in facts and "sums to 1" not in facts:
        value = how.fractions(shape, random)
    else:
        value = how.numbers(shape, above, random)
    if "positive definite" in facts:
        value = value @ value.T + how.exact(np.eye(shape[0], dtype=int))
    elif "positive semidefinite" in facts:
        factor = value[:, 1:] if shape[0] > 1 and random.random() < 0.3 else value  # some are singular, as they may be
        value = factor @ factor.T
    elif "symmetric" in facts:
        value = np.where(np.tri(shape[0], dtype=bool), value, value.T)
    return np.asarray(_summing_to_one(value, facts, above, how) if "sums to 1" in facts else value)


def _summing_to_one(value: Array, facts: Mapping[str, Expr], above: bool, how: Draw | Style) -> Array:
    axis = int(facts["sums to 1"])
    if "symmetric" in facts and not above and not facts.keys() & _DEFINITE:
        return np.asarray(value + np.diag(1 - value.sum(axis=axis)), dtype=object)
    if value.ndim == 2 and facts.keys() & _SYMMETRIC:
        size, share = value.shape[0], abs(value[0, 0]) / (1 + abs(value[0, 0]))
        identity, ones = how.exact(np.eye(size, dtype=int)), how.exact(np.ones((size, size), dtype=int))
        return np.asarray(share * identity + (1 - share) * ones / size, dtype=object)
    if above:
        return np.asarray(value / value.sum(axis=axis, keepdims=True), dtype=object)
    moved = np.moveaxis(value, axis, -1).copy()
    moved[..., -1] = 1 - moved[..., :-1].sum(axis=-1)
    return np.moveaxis(moved, -1, axis)


def _orthogonal(
    size: int, above: bool, facts: Mapping[str, Expr], random: np.random.Generator, how: Draw | Style
) -> Array:
    signs = how.exact(np.ones(size, dtype=int) if above else 2 * random.integers(0, 2, size) - 1)
    identity, symmetric = how.exact(np.eye(size, dtype=int)), bool(facts.keys() & _SYMMETRIC)
    if facts.keys() & _DEFINITE or (symmetric and above):
        return identity
    if (above or how.whole) and not symmetric:
        return identity[random.permutation(size)] * signs
    turned = identity
    for normal in how.numbers((min(size, MOST_REFLECTIONS), size), False, random):
        if np.any(normal != 0):
            turned = turned - np.outer(turned @ normal, 2 * normal / (normal @ normal))
    return np.asarray((turned * signs) @ (turned.T if symmetric else identity), dtype=object)
