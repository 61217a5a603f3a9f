"""Values for declared variables: exact rational numbers that satisfy every declared fact.

What a fact means stands in `HOLDS`, and every array that is drawn is checked by it: how an array is drawn may fail,
what is returned never breaks a fact. Exact numbers stay exact in any number of digits, which is how `compare` tells
rounding from a difference. Orthogonal matrices are Cayley's, `(I - K)(I + K)^-1` for `K' = -K`, rational where `K` is
(Cayley, *Sur quelques propriétés des déterminants gauches*, 1846).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Rational

from symprop.algebra.nodes import Variable

Array = NDArray[Any]
ATTEMPTS = 20


@dataclass(frozen=True)
class Draw:
    """How numbers are drawn: from `-largest` to `largest` in steps of `1 / parts`, or only those above 0."""

    largest: int = 2
    parts: int = 1009
    positive: bool = False

    @property
    def whole(self) -> bool:
        """Whether the numbers are integers where the facts allow it."""
        return self.parts == 1


def _every(test: Callable[[Any], bool]) -> Callable[[Array, Expr], bool]:
    return lambda value, axis: all(test(entry) for entry in value.ravel())


def _pivots(value: Array, test: Callable[[Any], bool]) -> bool:
    """Whether a matrix is symmetric and every pivot of its elimination passes; beside a pivot of 0 all must be 0."""
    rest = value.copy()
    if not np.all(value == value.T):
        return False
    while rest.size:
        pivot, row = rest[0, 0], rest[0, 1:]
        if not test(pivot) or (pivot == 0 and np.any(row != 0)):
            return False
        rest = rest[1:, 1:] - (np.outer(row, row) / pivot if pivot != 0 else 0)
    return True


HOLDS: dict[str, Callable[[Array, Expr], bool]] = {
    "symmetric": lambda value, axis: bool(np.all(value == value.T)),
    "positive definite": lambda value, axis: _pivots(value, lambda pivot: pivot > 0),
    "positive semidefinite": lambda value, axis: _pivots(value, lambda pivot: pivot >= 0),
    "orthogonal": lambda value, axis: bool(np.all(value @ value.T == np.eye(len(value), dtype=int))),
    "positive": _every(lambda entry: entry > 0),
    "nonnegative": _every(lambda entry: entry >= 0),
    "between 0 and 1": _every(lambda entry: 0 <= entry <= 1),
    "signs": _every(lambda entry: abs(entry) == 1),
    "sums to 1": lambda value, axis: bool(np.all(value.sum(axis=int(axis)) == 1)),
    "one-hot": _every(lambda entry: entry in (0, 1)),  # with "sums to 1", which comes with it
    "index": lambda value, size: bool(np.all((value >= 0) & (value < int(size)))),
}
"""What each fact means, of an array of exact numbers and the value of the fact (an axis, or a number of rows)."""


def values_for(
    variables: Iterable[Variable], sizes: Mapping[Expr, int], random: np.random.Generator, how: Draw
) -> dict[str, Array] | None:
    """Return an array of exact numbers for each variable; None where no array was found that satisfies the facts.

    >>> from symprop.algebra.declarations import declared
    >>> A = values_for([declared("A", "2 2 symmetric")], {}, np.random.default_rng(0), Draw())["A"]
    >>> A[0, 1] == A[1, 0]
    True
    """
    found: dict[str, Array] = {}
    for each in variables:
        value = _value(each, sizes, random, how)
        if value is None:
            return None
        found[each.name] = value
    return found


def satisfies(value: Array, variable: Variable, sizes: Mapping[Expr, int]) -> bool:
    """Whether an array of exact numbers satisfies all facts of a variable."""
    facts = variable.facts_by_kind
    return all(HOLDS[kind](value, about.subs(sizes)) for kind, about in facts.items())


def _value(variable: Variable, sizes: Mapping[Expr, int], random: np.random.Generator, how: Draw) -> Array | None:
    shape = tuple(int(size.subs(sizes)) for size in variable.shape)
    facts = {kind: value.subs(sizes) for kind, value in variable.facts_by_kind.items()}
    for _ in range(ATTEMPTS):
        value = np.asarray(_drawn(shape, facts, random, how))
        if satisfies(value, variable, sizes):
            return value
    return None


def _drawn(shape: tuple[int, ...], facts: Mapping[str, Expr], random: np.random.Generator, how: Draw) -> Array:
    """Return one array that satisfies the facts, for most sets of facts."""
    if "index" in facts:
        return np.asarray(random.integers(0, int(facts["index"]), shape))
    if "one-hot" in facts:
        chosen = random.integers(0, shape[-1], shape[:-1])
        return _exact(np.eye(shape[-1], dtype=int)[chosen])
    above = how.positive or bool(facts.keys() & {"positive", "nonnegative", "between 0 and 1"})
    if "signs" in facts:
        return _exact(np.ones(shape, dtype=int) if above else 2 * random.integers(0, 2, shape) - 1)
    if "orthogonal" in facts:
        return _orthogonal(shape[0], above, facts, random, how)
    value = _numbers(shape, above, random, how)
    if "between 0 and 1" in facts and "sums to 1" not in facts:
        value = value / how.largest
    if "positive definite" in facts:
        value = value @ value.T + _exact(np.eye(shape[0], dtype=int))
    elif "positive semidefinite" in facts:
        factor = value[:, 1:] if shape[0] > 1 and random.random() < 0.3 else value  # some are singular, as they may be
        value = factor @ factor.T
    elif "symmetric" in facts:
        value = np.where(np.tri(shape[0], dtype=bool), value, value.T)
    return _summing_to_one(value, facts, above) if "sums to 1" in facts else value


def _numbers(shape: tuple[int, ...], above: bool, random: np.random.Generator, how: Draw) -> Array:
    most = how.largest * how.parts
    drawn = np.asarray(random.integers(1 if above else -most, most + 1, shape))
    return np.asarray(_exact(drawn) / how.parts, dtype=object)


def _summing_to_one(value: Array, facts: Mapping[str, Expr], above: bool) -> Array:
    axis = int(facts["sums to 1"])
    if "symmetric" in facts and not above and not facts.keys() & {"positive definite", "positive semidefinite"}:
        missing = 1 - value.sum(axis=axis)
        return np.asarray(value + np.diag(missing), dtype=object)
    if value.ndim == 2 and facts.keys() & {"symmetric", "positive definite", "positive semidefinite"}:
        size, share = value.shape[0], abs(value[0, 0]) / (1 + abs(value[0, 0]))
        mixed = share * _exact(np.eye(size, dtype=int)) + (1 - share) * _exact(np.ones((size, size), dtype=int)) / size
        return np.asarray(mixed, dtype=object)
    if above:
        return np.asarray(value / value.sum(axis=axis, keepdims=True), dtype=object)
    moved = np.moveaxis(value, axis, -1).copy()
    moved[..., -1] = 1 - moved[..., :-1].sum(axis=-1)
    return np.moveaxis(moved, -1, axis)


def _orthogonal(size: int, above: bool, facts: Mapping[str, Expr], random: np.random.Generator, how: Draw) -> Array:
    signs = np.ones(size, dtype=int) if above else 2 * random.integers(0, 2, size) - 1
    one = sympy.eye(size)
    symmetric = bool(facts.keys() & {"symmetric", "positive definite", "positive semidefinite"})
    if facts.keys() & {"positive definite", "positive semidefinite"} or (symmetric and above):
        return _exact(np.eye(size, dtype=int))
    if (above or how.whole) and not symmetric:
        return _exact(np.eye(size, dtype=int)[random.permutation(size)] * signs)
    numbers = sympy.Matrix(_numbers((size, size), False, random, how))
    skew, reflected = numbers - numbers.T, sympy.diag(*map(int, signs))
    cayley = (one - skew) * (one + skew).inv()
    found = cayley * reflected * (cayley.T if symmetric else one)
    return np.asarray(found.tolist(), dtype=object).reshape(size, size)


def _exact(values: Array) -> Array:
    """Return integers as SymPy's, which divide exactly."""
    return np.asarray(np.frompyfunc(lambda value: Rational(int(value)), 1, 1)(values), dtype=object)


__all__ = ["HOLDS", "Draw", "satisfies", "values_for"]
