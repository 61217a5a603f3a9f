"""The smallest counterexample: small sizes and small whole numbers at which two formulas differ."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra.nodes import BlockSum, Node, Variable
from symprop.algebra.trees import variables as variables_in
from symprop.formulas.checks.points import size_symbols
from symprop.formulas.compare.cases import DIGITS, Case, agree, far_apart, located, look_equal
from symprop.formulas.compare.sides import Sides, beyond_constants
from symprop.formulas.compare.steps import at_steps
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

    A formula that has no value there, such as `1 / 0`, has None. What a line of a derivation reads was computed there;
    `behind` are the inputs and parameters from which it was, those that are not among the values.
    """

    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    first: Any
    second: Any
    behind: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        sizes = [f"{name} = {size}" for name, size in self.sizes.items()]
        values = [f"{name} = {_written(value)}" for name, value in self.values.items()]
        where = ", ".join(sizes + values)
        return f"{'at ' + where + ': ' if where else ''}{self._sides()}{self._reached()}"

    def _reached(self) -> str:
        """Say from which inputs and parameters a network computes the values."""
        nothing = [name for name, value in self.behind.items() if _is_nothing(value)]
        set_there = [f"{name} = {_written(value)}" for name, value in self.behind.items() if name not in nothing]
        rest = [f"{'all else' if set_there else 'all inputs and parameters'} 0"] if nothing else []
        return f"\nreached with {', '.join([*set_there, *rest])}" if self.behind else ""

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


def _is_nothing(value: Any) -> bool:
    return all(entry == "0" for _, entry in _entries(value))


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
    sides = sides.drawn
    small = (
        case for case in _small_cases(sides, HALVES if sides.definitions else WHOLE) if _differ(case, *sides.nodes)
    )
    large = (case for case in known if agree(case, *sides.nodes) is False)
    found = next(itertools.chain(small, large), None)
    if found is None:
        return None
    if sides.definitions and far_apart(found, *sides.nodes):  # a whole network takes long in 120 digits
        shrunk = _shrunk(found, sides, far_apart)
        return as_counterexample(shrunk if agree(shrunk, *sides.nodes) is False else found, sides)
    return as_counterexample(_shrunk(found, sides, _differ), sides)


def _differ(case: Case, first: Node, second: Node) -> bool:
    """Whether two formulas differ in a case in sight of 16 digits, and in 120."""
    return not look_equal(case, first, second) and agree(case, first, second) is False


def _small_cases(sides: Sides, draws: Sequence[Draw]) -> Iterator[Case]:
    """Yield cases of small sizes and small numbers."""
    symbols, random, count = size_symbols(sides.variables), np.random.default_rng(0), 0
    small = [dict(zip(symbols, numbers, strict=True)) for numbers in _ascending(len(symbols))]
    for sizes in (*small, *sides.choices):
        if any(located(node, sides.sized(sizes)) is None for node in sides.nodes):
            continue
        for how in (*draws, *beyond_constants(sides.nodes, 1), Draw(2, 4)):
            for _ in range(TRIES if sizes or sides.variables else 1):
                case = sides.case(sizes, values_for(sides.variables, sizes, random, how))
                count += 1
                if case is not None:
                    yield case
                if count > MOST_TRIES:
                    return


def whole_example(sides: Sides, sizes: Mapping[Expr, int]) -> Counterexample | None:
    """Return whole numbers at which two formulas of different shapes have values, not all of them zero."""
    random, sides = np.random.default_rng(0), sides.drawn
    for how in WHOLE[1:]:
        for _ in range(TRIES):
            case = sides.case(sizes, values_for(sides.variables, sizes, random, how))
            if case is not None and _both_somewhere(case, *sides.nodes):
                return as_counterexample(_shrunk(case, sides, _both_somewhere) if sides.definitions else case, sides)
    return None


def _both_somewhere(case: Case, first: Node, second: Node) -> bool:
    """Whether each of two formulas is somewhere not 0."""
    found = [case.rough(node) for node in (first, second)]
    return all(value is not None and bool(np.any(value != 0)) for value in found)


def _ascending(count: int) -> Iterator[tuple[int, ...]]:
    """Yield choices of sizes, smaller sums first; only a few where there are many sizes."""
    largest = LARGEST_SIZE if count <= 3 else 2
    choices = itertools.product(range(1, largest + 1), repeat=min(count, 6))
    for sizes in sorted(choices, key=lambda sizes: (sum(sizes), max(sizes, default=0), sizes)):
        yield sizes + (2,) * (count - len(sizes))


def _shrunk(case: Case, sides: Sides, test: Callable[[Case, Node, Node], bool]) -> Case:
    """Make numbers 0 or 1, or round them, twice, while the formulas pass a test and the facts hold."""
    for variable in (*sides.variables, *sides.variables):
        places = list(np.ndindex(case.values[variable.name].shape))[::-1]
        case = _smaller(case, variable, places, lambda other: test(other, *sides.nodes))
    return case


def _smaller(
    case: Case, variable: Variable, places: Sequence[tuple[int, ...]], differs: Callable[[Case], bool]
) -> Case:
    """Set elements of a variable to 0 together, or each half of them by itself; one alone to 0, to 1, or to a half."""
    values = case.values[variable.name]
    for small in (Integer(0), Integer(1), _rounded(values[places[0]])) if len(places) == 1 else (Integer(0),):
        if all(values[place] == small for place in places):
            return case
        smaller = values.copy()
        for place in places:
            smaller[place] = int(small) if smaller.dtype.kind in "iu" else small
        other = case.changed(variable.name, smaller)
        if satisfies(smaller, variable, case.sizes) and differs(other):
            return other
    half = len(places) // 2
    for part in (places[:half], places[half:]) if half else ():
        case = _smaller(case, variable, part, differs)
    return case


def _rounded(value: Any) -> Expr:
    """Return the nearest half of a number."""
    return Rational(round(float(value) * 2), 2)


def as_counterexample(case: Case, sides: Sides) -> Counterexample:
    """Return any case as a counterexample, its numbers in as few digits as tell the two values apart."""
    plain = (at_steps(node, sides.steps) if node.has(BlockSum) else node for node in sides.nodes)
    read = dict.fromkeys(each for node in plain for each in variables_in(node))
    counted = {symbol for node in (*sides.nodes, *sides.variables) for symbol in node.free_symbols}
    sizes = {each: size for each, size in case.sizes.items() if each.is_Symbol and each in counted}
    one, other = (case.value(node) for node in sides.nodes)
    with mpmath.workdps(DIGITS):
        values = {each.name: _listed(case.value(each)) for each in read}
        behind = {each.name: _listed(case.values[each.name]) for each in sides.variables if each not in sides.read}
        for digits in PRINTED:
            texts = _listed(one, digits), _listed(other, digits)
            if texts[0] != texts[1]:
                break
    return Counterexample({str(each): size for each, size in sizes.items()}, values, *texts, behind)


NOTHING = mpmath.mpf("1e-110")
"""What is left of numbers about 1 that cancel."""
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
    if isinstance(entry, mpmath.mpf) and abs(entry) < NOTHING:
        return "0"
    if not isinstance(entry, mpmath.mpf):
        return str(entry if isinstance(entry, sympy.Basic) else int(entry))
    near = mpmath.mpf(10) ** -(digits + 4)
    for below in range(1, 100):
        above = entry * below
        if abs(above - mpmath.nint(above)) <= abs(above) * near and abs(above) < 10**9:
            return str(Rational(int(mpmath.nint(above)), below))
    return str(mpmath.nstr(entry, digits))
