"""The smallest counterexample: small sizes and small whole numbers at which two formulas differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables as variables_in
from symprop.formulas.checks.points import size_symbols
from symprop.formulas.compare.cases import DIGITS, Case, agree, located, look_equal
from symprop.formulas.compare.sides import Sides, beyond_constants
from symprop.verify.arithmetic import Array
from symprop.verify.values import Draw, satisfies, values_for

TRIES, MOST_TRIES = 12, 150
MANY, MOST_SHOWN = 4, 12
"""So many elements are more than one sees at a glance; so many are written out."""
LARGEST_SIZE = 5
WHOLE: tuple[Draw, ...] = (Draw(1, 1, positive=True), Draw(1, 1), Draw(2, 1, positive=True), Draw(2, 1), Draw(3, 1))
HALVES: tuple[Draw, ...] = (Draw(1, 2, positive=True), Draw(1, 2), Draw(2, 2))
"""How small numbers are drawn, the smallest first; in halves for networks, whose activations are often below 1."""


@dataclass(frozen=True)
class Counterexample:
    """Sizes and values at which two formulas differ, and what each is worth there, as nested lists of numbers as text.

    A formula that has no value there, such as `1 / 0`, has None.
    """

    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    first: Any
    second: Any

    def __str__(self) -> str:
        sizes = [f"{name} = {size}" for name, size in self.sizes.items()]
        values = [f"{name} = {_written(value)}" for name, value in self.values.items()]
        where = ", ".join(sizes + values)
        return f"{'at ' + where + ': ' if where else ''}{self._sides()}"

    def _sides(self) -> str:
        """Put the two values side by side, and where they are long the element that differs."""
        one, other = list(_entries(self.first)), list(_entries(self.second))
        whole = f"{_written(self.first)} against {_written(self.second)}"
        if len(one) < MANY or [place for place, _ in one] != [place for place, _ in other]:
            return whole
        pairs = ((at, a, b) for (at, a), (_, b) in zip(one, other, strict=True))
        place, left, right = next((each for each in pairs if each[1] != each[2]), (*one[0], other[0][1]))
        there = f"{left} against {right} at [{', '.join(map(str, place))}]"
        return there if len(one) > MOST_SHOWN else f"{whole}; {there}"


def _written(value: Any) -> str:
    """Return a value as text, of a long one what is not 0 in it.

    >>> _written([["0"] * 9, [*["0"] * 8, "2"]]), _written(["1", "0"])
    ('0 but for 2 at [1, 8]', '[1, 0]')
    """
    entries = list(_entries(value))
    if len(entries) <= MOST_SHOWN:
        return _text(value)
    other = [f"{entry} at [{', '.join(map(str, place))}]" for place, entry in entries if entry != "0"]
    if len(other) > MANY:
        return f"{len(entries)} numbers, the first {', '.join(entry for _, entry in entries[:MANY])}"
    return f"0 but for {' and '.join(other)}" if other else "0"


def _entries(value: Any, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    if not isinstance(value, list):
        yield place, value
        return
    for number, each in enumerate(value):
        yield from _entries(each, (*place, number))


def _text(value: Any) -> str:
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else str(value)


def smallest_counterexample(sides: Sides, known: Sequence[Case] = ()) -> Counterexample | None:
    """Return the smallest counterexample that was found, over variables that one of the formulas reads.

    Where small numbers show none, one of those that are `known` is made smaller.

    >>> from symprop.algebra.formula import formula
    >>> f, g = formula("sum(x)", x="n"), formula("sum(x) / n", x="n")
    >>> print(smallest_counterexample(Sides(f, g, f.variables, ())))
    at n = 2, x = [1, 0]: 1 against 1/2
    """
    free = sides.free
    small = (case for case in _small_cases(free, HALVES if sides.definitions else WHOLE) if _differ(case, free))
    large = (case for case in _freed(known, free) if agree(case, *free.nodes) is False)
    found = next(itertools.chain(small, large), None)
    return None if found is None else as_counterexample(_shrunk(found, free), *free.nodes)


def _differ(case: Case, sides: Sides) -> bool:
    """Whether two formulas differ in a case in sight of 16 digits, and in 120."""
    return not look_equal(case, *sides.nodes) and agree(case, *sides.nodes) is False


def _small_cases(sides: Sides, draws: Sequence[Draw]) -> Iterator[Case]:
    """Yield cases of small sizes and small numbers."""
    symbols, random, count = size_symbols(sides.variables), np.random.default_rng(0), 0
    small = [dict(zip(symbols, numbers, strict=True)) for numbers in _ascending(len(symbols))]
    for sizes in (*small, *sides.choices):
        if any(located(node, sizes) is None for node in sides.nodes):
            continue
        for how in (*draws, *beyond_constants(sides.nodes, 1), Draw(2, 4)):
            for _ in range(TRIES if sizes or sides.variables else 1):
                case = sides.case(sizes, values_for(sides.variables, sizes, random, how))
                count += 1
                if case is not None:
                    yield case
                if count > MOST_TRIES:
                    return


def _freed(known: Sequence[Case], sides: Sides) -> Iterator[Case]:
    """Yield cases over the variables of some sides, those that were drawn and those that were computed."""
    for case in known:
        values = {each.name: case.value(each) for each in sides.variables}
        drawn = {name: value for name, value in values.items() if value is not None}
        given = {name: case.values.get(name, value) for name, value in drawn.items()}
        freed = sides.case(case.sizes, given) if len(given) == len(values) else None
        if freed is not None:
            yield freed


def whole_example(sides: Sides, sizes: Mapping[Expr, int]) -> Counterexample | None:
    """Return whole numbers at which two formulas of different shapes have values, not all of them zero."""
    random, sides = np.random.default_rng(0), sides.free
    for how in WHOLE[1:]:
        for _ in range(TRIES):
            case = sides.case(sizes, values_for(sides.variables, sizes, random, how))
            found = [] if case is None else [case.value(node) for node in sides.nodes]
            if case is not None and all(value is not None and (value != 0).any() for value in found):
                return as_counterexample(case, *sides.nodes)
    return None


def _ascending(count: int) -> Iterator[tuple[int, ...]]:
    """Yield choices of sizes, smaller sums first; only a few where there are many sizes."""
    largest = LARGEST_SIZE if count <= 3 else 2
    choices = itertools.product(range(1, largest + 1), repeat=min(count, 6))
    for sizes in sorted(choices, key=lambda sizes: (sum(sizes), max(sizes, default=0), sizes)):
        yield sizes + (2,) * (count - len(sizes))


def _shrunk(case: Case, sides: Sides) -> Case:
    """Set one number after the other to 0 or 1, or round it, twice, while the formulas differ and the facts hold."""
    for variable in (*sides.variables, *sides.variables):
        for place in reversed(list(np.ndindex(case.values[variable.name].shape))):
            for small in (Integer(0), Integer(1), _rounded(case.values[variable.name][place])):
                smaller = case.values[variable.name].copy()
                if smaller[place] == small:
                    break
                smaller[place] = int(small) if smaller.dtype.kind in "iu" else small
                other = case.changed(variable.name, smaller)
                if satisfies(smaller, variable, case.sizes) and _differ(other, sides):
                    case = other
                    break
    return case


def _rounded(value: Any) -> Expr:
    """Return the nearest half of a number."""
    return Rational(round(float(value) * 2), 2)


def as_counterexample(case: Case, first: Node, second: Node) -> Counterexample:
    """Return any case as a counterexample, its numbers in as few digits as tell the two values apart."""
    sizes = {str(symbol): size for symbol, size in case.sizes.items()}
    read = {each.name for node in (first, second) for each in variables_in(node)}
    one, other = case.value(first), case.value(second)
    with mpmath.workdps(DIGITS):
        values = {name: _listed(value) for name, value in case.values.items() if name in read}
        for digits in PRINTED:
            texts = _listed(one, digits), _listed(other, digits)
            if texts[0] != texts[1]:
                break
    return Counterexample(sizes, values, *texts)


PRINTED = (10, 20, 50, 100)
"""Digits of a printed number: as few as tell the two values apart."""


def _listed(value: Array | None, digits: int = PRINTED[0]) -> Any:
    if value is None:
        return None
    if not value.ndim:
        return _number(value.item(), digits)
    return [_listed(np.asarray(part), digits) for part in value]


def _number(entry: Any, digits: int = PRINTED[0]) -> str:
    """Return a number as text: a fraction of small integers as it is, others in so many digits.

    >>> _number(mpmath.mpf(1) / 2), _number(+mpmath.pi), _number(Rational(3))
    ('1/2', '3.141592654', '3')
    """
    if not isinstance(entry, mpmath.mpf):
        return str(entry if isinstance(entry, sympy.Basic) else int(entry))
    near = mpmath.mpf(10) ** -(digits + 4)
    for below in range(1, 100):
        above = entry * below
        if abs(above - mpmath.nint(above)) <= abs(above) * near and abs(above) < 10**9:
            return str(Rational(int(mpmath.nint(above)), below))
    return str(mpmath.nstr(entry, digits))
